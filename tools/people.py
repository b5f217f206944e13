"""People met in messages: made into contacts, with every word of theirs kept as theirs."""

from crm.connector import Filter, Query, Row
from tools._briefing import get_seen
from tools._declare import Arguments, Proposal, ToolContext, ToolFailedError, ToolRetryError, argument, tool
from tools._mail import is_address
from tools._shapes import record_reference
from tools._signatures import name_in_address, read_signature
from trust.actions import Effect
from trust.scopes import CRM_WRITE

_PUBLIC_HOSTS = frozenset(
    "gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com icloud.com aol.com gmx.de gmx.net web.de "
    "proton.me protonmail.com mail.com".split()
)
"""Where anybody has an address: it says nothing about the company."""


class CreateContactFromMessage(Arguments):
    message_id: str = record_reference("The e-mail that came in (EmailMessage).")
    account_id: str | None = record_reference(
        "The company the person works for; found by the address if left out.", default=None
    )
    first_name: str | None = argument(
        "First name, if the message does not say it.", default=None, max_length=80, personal=True
    )
    last_name: str | None = argument(
        "Last name, if the message does not say it.", default=None, max_length=80, personal=True
    )
    title: str | None = argument("Job title, if the message does not say it.", default=None, max_length=120)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", "Contact"),))
async def create_contact_from_message(ctx: ToolContext, args: CreateContactFromMessage) -> Proposal:
    """Create a contact from an e-mail that came in: address from its sender, name, title and phone from its signature,
    company by the address. All of it stays marked as the writer's words. A person has to approve it first."""
    mail = await ctx.crm.get(
        "EmailMessage", args.message_id, ("FromAddress", "Incoming", "TextBody", "ParentId", "RelatedToId")
    )
    address = (mail["FromAddress"] or "").strip()
    if not mail["Incoming"] or not is_address(address):
        raise ToolFailedError("the message did not come in from an address that can be written to")
    await _require_new(ctx, address)
    account = await _account(ctx, args, address)
    values, sources = _read(mail, address, args)
    if "LastName" not in values:
        raise ToolRetryError("last_name: the message does not say who wrote it; expected the person's last name")
    if account is not None:
        values["AccountId"] = account
    contact = await ctx.crm.propose_create("Contact", values)
    taken = {(contact.record_id, field): [(mail["Id"], source)] for field, source in sources.items()}
    return Proposal((contact,), taken_from=taken)


async def _require_new(ctx: ToolContext, address: str) -> None:
    """Raises: ToolFailedError that names the record by its id."""
    for name, more in (("Contact", []), ("Lead", [Filter("IsConverted", "eq", False)])):
        page = await ctx.crm.query(Query(name, ("Email",), [Filter("Email", "eq", address), *more], limit=1))
        if page.records:
            advice = "convert it" if name == "Lead" else "use it"
            raise ToolFailedError(f"{name} {page.records[0]['Id']} has the sender's address already: {advice}")


async def _account(ctx: ToolContext, args: CreateContactFromMessage, address: str) -> str | None:
    """The account that was named, or the only one whose people have addresses at the sender's host."""
    if args.account_id is not None:
        return str((await get_seen(ctx.crm, "Account", args.account_id, argument="account_id"))["Id"])
    host = address.rpartition("@")[2].lower()
    if host in _PUBLIC_HOSTS:
        return None
    colleagues = [Filter("Email", "contains", f"@{host}"), Filter("AccountId", "is_null", False)]
    page = await ctx.crm.query(Query("Contact", ("Email", "AccountId"), colleagues, limit=50))
    found = {row["AccountId"] for row in page.records if str(row["Email"]).lower().endswith(f"@{host}")}
    return str(found.pop()) if len(found) == 1 else None


def _read(mail: Row, address: str, args: CreateContactFromMessage) -> tuple[dict[str, str], dict[str, str]]:
    """The contact's fields, and for each that came from the message the field of it."""
    signed, spelled = read_signature(mail["TextBody"] or ""), name_in_address(address)
    values: dict[str, str] = {"Email": address}
    sources = {"Email": "FromAddress"}
    name, field = (signed, "TextBody") if signed.last_name else (spelled, "FromAddress")
    offers = (
        ("FirstName", args.first_name, name.first_name, field),
        ("LastName", args.last_name, name.last_name, field),
        ("Title", args.title, signed.title, "TextBody"),
        ("Phone", None, signed.phone, "TextBody"),
    )
    for one, given, read, source in offers:
        if given is not None:
            values[one] = given
        elif read is not None:
            values[one], sources[one] = read, source
    return values, sources
