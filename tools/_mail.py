"""Whom a message goes to: references and known addresses to the records behind them, never a free address."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crm.connector import Filter, Query, Sort
from crm.errors import FieldError, ObjectRightError
from crm.ids import normalise_id
from crm.mailing import Sender
from crm.schema import OBJECT_INFO, object_of
from tools._declare import ReadingCrm, ToolContext, ToolFailedError, ToolRetryError
from trust.actions import Recipient
from trust.labels import Integrity, Label, Readers

REFERENCE_HELP = "a reference such as contact:<id>.Email, lead:<id>.Email or user:<id>.Email"
_OBJECTS = {"contact": "Contact", "lead": "Lead", "user": "User"}
_REFERENCE = re.compile(r"(contact|lead|user):([0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?)\.Email", re.ASCII | re.IGNORECASE)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+", re.ASCII)
_FIELDS = {
    "Contact": ("FirstName", "LastName", "Email", "AccountId", "HasOptedOutOfEmail"),
    "Lead": (
        "FirstName",
        "LastName",
        "Email",
        "HasOptedOutOfEmail",
        "HasEmailConsent__c",
        "ConvertedAccountId",
        "ConvertedContactId",
    ),
    "User": ("FirstName", "LastName", "Email", "IsActive"),
}
_BELONGS_TO: dict[str, tuple[str, ...]] = {
    "Account": (),
    "Contact": ("AccountId",),
    "Lead": ("ConvertedAccountId", "ConvertedContactId"),
    "Opportunity": ("AccountId", "ContactId"),
    "Case": ("AccountId", "ContactId"),
    "Quote": ("AccountId", "ContactId"),
    "Order": ("AccountId",),
    "Contract": ("AccountId",),
}
"""Kind of record -> the fields that say whom outside the house it is about."""


_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufeff")
"""Characters that are letters or marks by name and show nothing."""


def is_address(text: str) -> bool:
    """Whether mail can be sent there: a plain address of ASCII characters, with nothing around it."""
    return _ADDRESS.fullmatch(text) is not None


def reference_to(record_id: str) -> str:
    """`contact:003….Email`, as drafts keep whom they are for."""
    return f"{(object_of(record_id) or '').lower()}:{record_id}.Email"


def split_list(text: str | None) -> list[str]:
    """The recipients in a field that holds several."""
    return [part.strip() for part in re.split(r"[;,]", text or "") if part.strip()]


async def resolve(crm: ReadingCrm, said: str, *, argument: str, kinds: Sequence[str] = tuple(_FIELDS)) -> str:
    """The id of the one record that is meant by a reference, an id, or an address that a record has.

    Raises: ToolRetryError if there is none, or several; it then lists them. CrmError if it cannot be seen.
    """
    found = _REFERENCE.fullmatch(said)
    record_id = normalise_id(found[2] if found else said)
    if record_id is not None:
        name = object_of(record_id)
        if name is None or name not in kinds or (found and _OBJECTS[found[1].lower()] != name):
            raise ToolRetryError(f"{argument}: expected the id of {' or '.join(kinds)}, or {REFERENCE_HELP}")
        await crm.get(name, record_id, ["Email"])
        return record_id
    if not is_address(said):
        raise ToolRetryError(f"{argument}: expected {REFERENCE_HELP}")
    return await _find_by_address(crm, said, argument, kinds)


async def _find_by_address(crm: ReadingCrm, address: str, argument: str, kinds: Sequence[str]) -> str:
    choices: dict[str, str] = {}
    for name in kinds:
        current = {"Lead": [Filter("IsConverted", "eq", False)], "User": [Filter("IsActive", "eq", True)]}
        filters = [Filter("Email", "eq", address), *current.get(name, [])]
        try:
            page = await crm.query(Query(name, ("FirstName", "LastName", "Email"), filters, limit=5))
        except (ObjectRightError, FieldError):
            continue
        choices |= {row["Id"]: _full_name(row) for row in page.records}
    if not choices:
        raise ToolRetryError(
            f"{argument}: no contact, lead or colleague that you can see has this address; mail goes to records only"
        )
    if len(choices) > 1:
        listed = "; ".join(f"{name} is {reference_to(record_id)}" for record_id, name in choices.items())
        raise ToolRetryError(f"{argument}: several records have this address, say which: {listed}")
    return next(iter(choices))


@dataclass(frozen=True)
class Addressee:
    """A record that is written to, with what decides whether it may be."""

    record_id: str
    row: dict[str, Any]

    @property
    def object_name(self) -> str:
        return object_of(self.record_id) or ""

    @property
    def address(self) -> str:
        """Empty if there is none that mail can be sent to."""
        given = self.row.get("Email") or ""
        return given if is_address(given) else ""

    def why_not(self, rule: Sender, opted_out: frozenset[str]) -> str:
        """Why they must not be written to; empty if they may be."""
        if self.object_name == "User":
            return "" if self.row["IsActive"] else "no longer works here"
        if self.row["HasOptedOutOfEmail"] or self.address.lower() in opted_out:
            return "opted out of e-mail"
        if self.object_name == "Lead" and rule.leads_need_consent and not self.row["HasEmailConsent__c"]:
            return "has not agreed to be mailed"
        return ""

    def to_recipient(self, role: Literal["to", "cc"], rule: Sender, opted_out: frozenset[str]) -> Recipient:
        why_not = self.why_not(rule, opted_out)
        return Recipient(
            address=self.address,
            label=self._label(),
            record=f"{self.object_name}:{self.record_id}",
            account_id=self.row.get("AccountId") or self.row.get("ConvertedAccountId"),
            may_be_written_to=not why_not,
            is_staff=self.object_name == "User",
            name=to_phrase(_full_name(self.row)),
            role=role,
            why_not=why_not,
        )

    def _label(self) -> Label:
        is_external = OBJECT_INFO[self.object_name].fields["Email"].external_text
        integrity = Integrity.EXTERNAL if is_external else Integrity.CRM_VERIFIED
        writers = frozenset({"outside"}) if is_external else frozenset[str]()
        return Label(integrity, writers, frozenset(), f"{self.object_name} {self.record_id}.Email")


async def look_up(crm: ReadingCrm, record_id: str) -> Addressee:
    """Raises: CrmError."""
    name = object_of(record_id) or ""
    if name not in _FIELDS:
        raise ToolRetryError(f"expected {REFERENCE_HELP}")
    return Addressee(record_id, await crm.get(name, record_id, _FIELDS[name]))


async def look_up_all(crm: ReadingCrm, object_name: str, record_ids: Sequence[str]) -> list[Addressee]:
    """Those of at most 200 records that the caller can see, in order of their ids. Raises: CrmError."""
    page = await crm.query(
        Query(object_name, _FIELDS[object_name], [Filter("Id", "in", list(record_ids))], [Sort("Id")], limit=200)
    )
    return [Addressee(row["Id"], row) for row in page.records]


def _full_name(row: dict[str, Any]) -> str:
    return " ".join(str(row[part]) for part in ("FirstName", "LastName") if row.get(part))


def to_phrase(name: str) -> str:
    """A name as it may stand before an address: letters, digits and what joins them."""
    kept = "".join(char if char.isalnum() or char in " .'’-" else " " for char in without_invisible(name))
    return " ".join(kept.split())[:120]


def has_control(text: str) -> bool:
    """Whether there is a character in it that would end or move a line."""
    return any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in text)


def without_invisible(text: str) -> str:
    """The text without characters that nobody sees: what a person approves is then all there is."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    spaced = "".join(" " if unicodedata.category(char) == "Zs" else char for char in plain)
    return "".join(char for char in spaced if char == "\n" or (char.isprintable() and not _is_invisible(char)))


def _is_invisible(char: str) -> bool:
    return char in _INVISIBLE or "\U000e0000" <= char <= "\U000e0fff"


def each_once(recipients: Sequence[Recipient]) -> tuple[Recipient, ...]:
    """Without those who would get it twice; the first mention counts."""
    seen: dict[str, Recipient] = {}
    for one in recipients:
        seen.setdefault(one.address.lower() or one.record or "", one)
    return tuple(seen.values())


async def readers_of(crm: ReadingCrm, record_id: str) -> Readers:
    name = object_of(record_id) or ""
    if name == "Campaign":
        return None
    if name not in _BELONGS_TO:
        return frozenset()
    fields = _BELONGS_TO[name]
    row = await crm.get(name, record_id, fields) if fields else {}
    found = {f"{(object_of(row[field]) or '').lower()}:{row[field]}" for field in fields if row[field]}
    if name in ("Account", "Contact", "Lead"):
        found.add(f"{name.lower()}:{record_id}")
    return frozenset(found)


async def reply_to(ctx: ToolContext) -> str | None:
    """The address of the person who sends; None if they have none."""
    if ctx.user_id is None:
        raise ToolFailedError("only staff can send e-mail")
    address = (await ctx.crm.get("User", ctx.user_id, ["Email"]))["Email"] or ""
    return address if is_address(address) else None
