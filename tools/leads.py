"""Leads: who looks after them, and what becomes of them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from crm.connector import Change, Filter, Query, Row
from crm.schema import object_of
from tools._briefing import get_seen
from tools._declare import (
    Arguments,
    Integrity,
    Proposal,
    Result,
    Source,
    ToolContext,
    ToolFailedError,
    ToolRetryError,
    argument,
    output,
    tool,
)
from tools._routing import Candidate, rank, state_of
from tools._shapes import FoundRecord, Names, day, record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

_STATE = "State that the lead is in, such as CA; found by the company's account if left out."
_ALIKE = 0.75
_COPIED = ("FirstName", "LastName", "Title", "Email", "Phone")


class RankLeadOwners(Arguments):
    lead_id: str = record_reference("The lead.")
    state: str | None = argument(_STATE, default=None, min_length=2, max_length=40)


class RankedPerson(Result):
    id: str = output("Record id of the member of staff.")
    rank: int = output("1 is the best.")
    quote_success_percent: float = output("Quotes accepted out of those decided.")
    quotes_won: int = output("Quotes accepted.")
    quotes_decided: int = output("Quotes accepted, denied or rejected.")
    open_leads: int = output("Leads they work on.")
    open_deals: int = output("Open opportunities they work on.")


class LeadRanking(Names):
    summary: str = output("The outcome in a sentence.")
    territories: list[str] = output("Territories that cover it.")
    ranking: list[RankedPerson] = output("Best first, of numbers that you may see.", integrity=Integrity.BY_FIELD)


@tool(effect=Effect.READ, scope=CRM_READ, asks="Rank who should get the lead {record}")
async def rank_lead_owners(ctx: ToolContext, args: RankLeadOwners) -> LeadRanking:
    """Who should get a lead, with the numbers: people of its territory by state, ranked by quote success, then by load.
    Best rep or agent for a lead, who to assign it to.

    People say: who should/could get it; who should take/own/handle/work it; who would/should be the right/best
    rep/person/owner for it; who is the right/best rep/person/owner for it; who do I give/assign/pass it to; whose lead
    is it; who is best placed for it; who is best placed to handle/take/work it; who would be a good fit for it.
    """
    lead = await get_seen(ctx.crm, "Lead", args.lead_id, argument="lead_id")
    territories, people = await rank(ctx.crm, await state_of(ctx.crm, lead, args.state))
    return LeadRanking(
        summary=_sum_up(people),
        territories=territories,
        ranking=[_ranked(place, one) for place, one in enumerate(people, start=1)],
        names=await ctx.crm.names_of([*territories, *(one.user_id for one in people)]),
    )


def _ranked(place: int, one: Candidate) -> RankedPerson:
    return RankedPerson(
        id=one.user_id,
        rank=place,
        quote_success_percent=one.success,
        quotes_won=one.won,
        quotes_decided=one.decided,
        open_leads=one.open_leads,
        open_deals=one.open_deals,
    )


def _sum_up(people: list[Candidate]) -> str:
    best = people[0]
    return (
        f"The first of {len(people)} won {best.won} of {best.decided} quotes and has {best.load} open leads and deals."
    )


class RouteLead(Arguments):
    lead_id: str = record_reference("The lead to route or assign.")
    state: str | None = argument(_STATE, default=None, min_length=2, max_length=40)
    to_id: str | None = record_reference("Another of the ranked people than the first.", default=None)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("update", "Lead"),), asks="Route the lead {record}")
async def route_lead(ctx: ToolContext, args: RouteLead) -> Proposal:
    """Route a lead: assign it to the best person of its territory by state, then quote success, then load (see
    rank_lead_owners). Changes the lead's owner; a second person has to approve it first.

    People say: give it to the best/right rep/person; pass it on to the best/right rep/person; find it an owner; get it
    to the best/right rep/person; let the best rep have it; hand it to the best/right rep/person.
    """
    lead = await get_seen(ctx.crm, "Lead", args.lead_id, argument="lead_id")
    _require_open(lead)
    _, people = await rank(ctx.crm, await state_of(ctx.crm, lead, args.state))
    chosen = people[0].user_id if args.to_id is None else args.to_id
    if chosen[:15] not in {one.user_id[:15] for one in people}:
        raise ToolRetryError(
            "to_id: expected one of the people of the lead's territory, as rank_lead_owners lists them"
        )
    if lead.get("OwnerId") == chosen:
        raise ToolFailedError("the lead is with that person already")
    return Proposal((await ctx.crm.propose_update("Lead", lead["Id"], {"OwnerId": chosen}),))


class FindLeadDuplicates(Arguments):
    lead_id: str = record_reference("The lead.")


class LeadDuplicates(Result):
    summary: str = output("How many there are.")
    accounts: list[FoundRecord] = output("Companies of a like name, best first.", integrity=Integrity.BY_FIELD)
    contacts: list[dict[str, Any]] = output("People with the lead's e-mail address.", integrity=Integrity.BY_FIELD)


@tool(effect=Effect.READ, scope=CRM_READ, asks="Find duplicates of the lead {record}")
async def find_lead_duplicates(ctx: ToolContext, args: FindLeadDuplicates) -> LeadDuplicates:
    """Duplicates of a lead, before it is converted: accounts that may be its company and contacts with its e-mail
    address.

    People say: is there already a lead/contact/account like it; do we (already) have it; do we (already) have it in the
    system; do we (already) know it; is it a duplicate; is it (already) in the system; is it (already) in the CRM; is it
    (already) a customer; does it exist twice; have we got it twice.
    """
    lead = await get_seen(ctx.crm, "Lead", args.lead_id, argument="lead_id")
    accounts, contacts = await _accounts_like(ctx, lead), await _contacts_like(ctx, lead)
    return LeadDuplicates(
        summary=f"{len(accounts)} accounts of a like name, {len(contacts)} contacts with the same address.",
        accounts=accounts,
        contacts=contacts,
    )


async def _accounts_like(ctx: ToolContext, lead: Row) -> list[FoundRecord]:
    company = lead.get("Company")
    matches = await ctx.crm.find(company, ["Account"], 5) if company else []
    return [FoundRecord.of(one) for one in matches if one.score >= _ALIKE]


async def _contacts_like(ctx: ToolContext, lead: Row) -> list[Row]:
    if not lead.get("Email"):
        return []
    same = [Filter("Email", "eq", lead["Email"])]
    page = await ctx.crm.query(Query("Contact", ("FirstName", "LastName", "Email", "AccountId"), same, limit=5))
    return page.records


class ConvertLead(Arguments):
    lead_id: str = record_reference("The lead to convert.")
    account_id: str | None = record_reference("The existing account that is its company.", default=None)
    contact_id: str | None = record_reference("The existing contact that is the person.", default=None)
    new_account: bool = argument("Make a new account even if there are some of a like name.", default=False)
    new_contact: bool = argument("Make a new contact even if one has the same e-mail address.", default=False)
    with_opportunity: bool = argument("Whether an opportunity (deal) is opened as well.", default=True)
    opportunity_name: str | None = argument(
        "Name of the opportunity; the company's name if left out.",
        default=None,
        min_length=1,
        max_length=255,
    )
    amount: float | None = argument("Expected amount of the opportunity.", default=None, ge=0, source=Source.USER)
    close_date: str | None = day("When it is expected to close; in 90 days if left out.", default=None)


@tool(
    effect=Effect.WRITE,
    scope=CRM_WRITE,
    changes=(("convert", "Lead"), ("create", "Account"), ("create", "Contact"), ("create", "Opportunity")),
    asks="Convert the lead {record}",
)
async def convert_lead(ctx: ToolContext, args: ConvertLead) -> Proposal:
    """Convert a lead into an account, a contact and an opportunity, all at once or not at all. Looks for duplicates
    first and asks which record is meant. A person has to approve it first.

    People say: make it a customer; make an opportunity/account of/from it; turn it into an
    opportunity/account/customer/deal; make it into an opportunity/deal.
    """
    lead = await ctx.crm.get("Lead", args.lead_id)
    _require_open(lead)
    made = _Made(ctx, lead)
    account_id = await _account(ctx, args, made)
    contact_id = await _contact(ctx, args, made, account_id)
    deal_id = await _opportunity(ctx, args, made, account_id, contact_id) if args.with_opportunity else None
    became = {
        "Status": "Closed",
        "ConvertedDate": ctx.today.isoformat(),
        "ConvertedAccountId": account_id,
        "ConvertedContactId": contact_id,
        **({} if deal_id is None else {"ConvertedOpportunityId": deal_id}),
    }
    converted = await ctx.crm.propose_convert(lead["Id"], became, beside=made.changes)
    return Proposal((*made.changes, converted), taken_from=made.taken_from)


class _Made:
    """The records that the lead becomes, and which of its fields their values are."""

    def __init__(self, ctx: ToolContext, lead: Row) -> None:
        self.lead = lead
        self.changes: list[Change] = []
        self.taken_from: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self._crm = ctx.crm
        self._owner = {"OwnerId": lead["OwnerId"]} if object_of(lead.get("OwnerId") or "") == "User" else {}

    async def create(self, object_name: str, fields: Mapping[str, Any], copied: Mapping[str, str]) -> str:
        """`copied`: field of the new record -> field of the lead."""
        values = {**fields, **{new: self.lead.get(old) for new, old in copied.items()}, **self._owner}
        filled = {name: value for name, value in values.items() if value not in (None, "")}
        change = await self._crm.propose_create(object_name, filled, beside=self.changes)
        self.changes.append(change)
        for new, old in copied.items():
            if new in filled:
                self.taken_from[change.record_id, new] = [(self.lead["Id"], old)]
        return change.record_id


def _require_open(lead: Row) -> None:
    """Raises: ToolFailedError."""
    if lead.get("IsConverted"):
        raise ToolFailedError("the lead has been converted already")


async def _account(ctx: ToolContext, args: ConvertLead, made: _Made) -> str:
    if args.account_id is not None:
        return str((await get_seen(ctx.crm, "Account", args.account_id, argument="account_id"))["Id"])
    alike = await _accounts_like(ctx, made.lead)
    if alike and not args.new_account:
        ids = ", ".join(one.id for one in alike)
        raise ToolRetryError(f"account_id: these accounts have a like name: {ids}; name one, or set new_account")
    if not made.lead.get("Company"):
        raise ToolRetryError("account_id: the lead names no company; expected the account to convert it into")
    return await made.create("Account", {"Type": "Prospect"}, {"Name": "Company"})


async def _contact(ctx: ToolContext, args: ConvertLead, made: _Made, account_id: str) -> str:
    if args.contact_id is not None:
        contact = await get_seen(ctx.crm, "Contact", args.contact_id, argument="contact_id")
        if contact.get("AccountId") != account_id:
            raise ToolRetryError("contact_id: expected a contact of the account that the lead becomes")
        return str(contact["Id"])
    alike = await _contacts_like(ctx, made.lead)
    if alike and not args.new_contact:
        ids = ", ".join(row["Id"] for row in alike)
        raise ToolRetryError(f"contact_id: these contacts have the same address: {ids}; name one, or set new_contact")
    opted_out = {"HasOptedOutOfEmail": True} if made.lead.get("HasOptedOutOfEmail") else {}
    return await made.create("Contact", {"AccountId": account_id, **opted_out}, {name: name for name in _COPIED})


async def _opportunity(ctx: ToolContext, args: ConvertLead, made: _Made, account_id: str, contact_id: str) -> str:
    fields = {
        "AccountId": account_id,
        "ContactId": contact_id,
        "StageName": "Qualification",
        "CloseDate": args.close_date or (ctx.today + timedelta(days=90)).isoformat(),
        "Amount": args.amount,
        **({} if args.opportunity_name is None else {"Name": args.opportunity_name}),
    }
    copied = {"LeadSource": "LeadSource"}
    if args.opportunity_name is None:
        copied["Name"] = "Company" if made.lead.get("Company") else "LastName"
    return await made.create("Opportunity", fields, copied)
