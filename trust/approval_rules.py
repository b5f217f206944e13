"""A tenant's approval rules: for which writes more is asked than the guards ask, and of whom. They only restrict."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self, cast
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, model_validator

from crm.ids import normalise_id
from crm.schema import OBJECT_INFO, object_of
from trust.approvers import Approver, ApproverKind, Escalation, Requirement

EXPIRES_AFTER: Final = timedelta(days=7)
"""How long a request waits if no rule says less."""
MAX_RULES = 50
MAX_NAMED = 50
MAX_VOTES = 5
MOST = 10**15

_SPAN = re.compile(r"([1-9]\d{0,4})([mhd])", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.ASCII)
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def parse_span(text: str) -> timedelta:
    """`30m`, `12h`, `7d`. Raises: ValueError."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError("expected a time such as 30m, 12h or 3d")
    return int(found[1]) * _UNITS[found[2]]


def _check_span(text: str) -> str:
    parse_span(text)
    return text


def _check_line(text: str) -> str:
    """Plain words: they are shown on cards, in terminals and to models."""
    if not text.strip() or any(unicodedata.category(one)[0] == "C" for one in text):
        raise ValueError("expected one line of plain text")
    return text


def _check_object(name: str) -> str:
    if name not in OBJECT_INFO:
        raise ValueError(f"there is no object {name!r}")
    return name


def _check_field(name: str) -> str:
    object_name, _, field = name.partition(".")
    if object_name not in OBJECT_INFO or field not in OBJECT_INFO[object_name].fields:
        raise ValueError(f"there is no field {name!r}; expected one such as Opportunity.Amount")
    return name


def _check_user(text: str) -> str:
    normal = normalise_id(text)
    if normal is None or object_of(normal) != "User":
        raise ValueError("expected the record id of a user")
    return normal


def _check_domain(name: str) -> str:
    if not _DOMAIN.fullmatch(name):
        raise ValueError("expected a domain in small letters, such as acme.example")
    return name


def _check_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("expected the name of a time zone, such as Europe/Berlin")
    return name


Line = Annotated[str, Field(max_length=200), AfterValidator(_check_line)]
Name = Annotated[str, Field(max_length=120), AfterValidator(_check_line)]
Span = Annotated[str, Field(max_length=8, examples=["12h"]), AfterValidator(_check_span)]
UserRef = Annotated[str, Field(max_length=18, examples=["005CS0000000003MAA"]), AfterValidator(_check_user)]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["08:00"])]
Many = Annotated[tuple[Name, ...], Field(max_length=MAX_NAMED)]
Whole = Annotated[int, Strict(), Field(ge=0, le=MOST)]
Percentage = Annotated[int, Strict(), Field(ge=0, le=100)]
Flag = Annotated[bool, Strict()]


class Part(BaseModel):
    """A piece of a rule: what it does not know is an error that names it, since a slip must not switch a rule off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def require_any(self) -> Self:
        """Raises: ValueError if nothing is asked for: it would look like a condition and be none."""
        if all(getattr(self, name) in (None, ()) for name in type(self).model_fields):
            raise ValueError(f"expected at least one of {', '.join(type(self).model_fields)}")
        return self


class AmountTest(Part):
    """How much: an amount of money that the change would put into a field, its sign left aside."""

    above: Whole | None = None
    below: Whole | None = None

    _any = model_validator(mode="after")(Part.require_any)


class PercentTest(Part):
    """How much of a hundred: a discount or another percentage that the change would put into a field."""

    above: Percentage | None = None
    below: Percentage | None = None

    _any = model_validator(mode="after")(Part.require_any)


class SizeTest(Part):
    """By how much an amount or number would grow or shrink. From nothing, any growth is beyond every percentage."""

    percent_above: Whole | None = None
    by_more_than: Whole | None = None

    _any = model_validator(mode="after")(Part.require_any)


class RecipientTest(Part):
    """Whom a message would reach. `domains` match themselves and what is under them."""

    outside: Flag | None = Field(default=None, description="Whether somebody who is not staff is among them.")
    domains: Annotated[tuple[Annotated[str, AfterValidator(_check_domain)], ...], Field(max_length=MAX_NAMED)] = ()

    _any = model_validator(mode="after")(Part.require_any)


class RequesterTest(Part):
    """On whose behalf. Within a list one is enough; of several lists, all have to fit."""

    roles: Many = Field(default=(), description="Names of places in the role tree: the person's own place.")
    permission_sets: Many = ()
    groups: Many = ()
    persons: Annotated[tuple[UserRef, ...], Field(max_length=MAX_NAMED)] = ()
    customer: Flag | None = Field(default=None, description="Whether it is a customer.")

    _any = model_validator(mode="after")(Part.require_any)


class HoursTest(Part):
    """When it was asked for, by the clock of a place. From `start` up to, not including, `end`, maybe past midnight."""

    zone: Annotated[str, Field(max_length=60, examples=["Europe/Berlin"]), AfterValidator(_check_zone)]
    days: Annotated[tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], Field(max_length=7)] = Field(
        default=(), description="On which the hours begin; every day if left out."
    )
    start: Clock = "00:00"
    end: Clock = Field(default="00:00", description="The same as `start`: for a whole day.")
    outside: Flag = Field(default=False, description="Whether the rule is for all other times instead.")


class When(Part):
    """For which writes. All that is given has to fit; what is left out fits everything."""

    tools: Many = ()
    operations: Annotated[
        tuple[Literal["create", "update", "delete", "confirm", "convert"], ...], Field(max_length=5)
    ] = ()
    objects: Annotated[tuple[Annotated[str, AfterValidator(_check_object)], ...], Field(max_length=MAX_NAMED)] = ()
    fields: Annotated[tuple[Annotated[str, AfterValidator(_check_field)], ...], Field(max_length=MAX_NAMED)] = ()
    amount: AmountTest | None = None
    percent: PercentTest | None = None
    size: SizeTest | None = None
    records_above: Whole | None = None
    recipients: RecipientTest | None = None
    integrity: Literal["external", "crm_verified", "user"] | None = Field(
        default=None, description="Where the worst of its values comes from: this or something worse."
    )
    requester: RequesterTest | None = None
    hours: HoursTest | None = None
    preapproved: Flag | None = Field(
        default=None, description="Only what is pre-approved, or only what is not; both if left out."
    )


class ApproverBody(Part):
    """One way to qualify; exactly one of the five."""

    permission: Annotated[str, Field(pattern="^[a-z_]{1,40}$")] | None = None
    role: Name | None = Field(default=None, description="Of that place in the role tree, or of one above it.")
    group: Name | None = None
    person: UserRef | None = None
    manager_of_owner: Literal[True] | None = Field(
        default=None, description="Who manages the owner of every record that is touched, directly or from further up."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1 or self.kind_and_name[1] is None:
            raise ValueError(f"expected exactly one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def kind_and_name(self) -> tuple[ApproverKind, Any]:
        kind = next(iter(self.model_fields_set), "permission")
        return cast("ApproverKind", kind), getattr(self, kind)

    def approver(self) -> Approver:
        kind, name = self.kind_and_name
        return Approver(kind, "" if kind == "manager_of_owner" else name)


Approvers = Annotated[tuple[ApproverBody, ...], Field(min_length=1, max_length=20)]


class EscalationBody(Part):
    after: Span
    to: Approvers


class Then(Part):
    """What is asked for besides: nothing here makes it less than what the guards ask."""

    approvers: Approvers | None = Field(
        default=None, description="Who decides: one way to qualify is enough. The permission to approve is needed, too."
    )
    qualified_because: Line | None = Field(
        default=None,
        description="Why these approvers need no permission to approve. They are then other people than usual, and"
        " never the requester.",
    )
    votes: Annotated[int, Strict(), Field(ge=1, le=MAX_VOTES)] | None = None
    second_person: Literal[True] | None = Field(default=None, description="The requester does not decide.")
    expires_after: Span | None = None
    escalate: EscalationBody | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.approvers is None and (self.qualified_because or self.escalate):
            raise ValueError("approvers: expected with qualified_because and with escalate")
        wait = EXPIRES_AFTER if self.expires_after is None else parse_span(self.expires_after)
        if wait > EXPIRES_AFTER:
            raise ValueError("expires_after: at most 7d, which is how long every request waits")
        if self.escalate is not None and parse_span(self.escalate.after) >= wait:
            raise ValueError("escalate.after: expected less than the time after which the request expires")
        return self


class ApprovalRule(Part):
    """One rule. `reason` is shown to people and models."""

    id: Annotated[str, Field(max_length=60, pattern="^[a-z0-9]+(-[a-z0-9]+)*$", examples=["big-deals"])]
    reason: Line
    when: When = Field(default_factory=When)
    then: Then = Field(default_factory=Then)

    def requirement(self) -> Requirement | None:
        """What it asks of whoever decides; None if it says nothing about that."""
        asked = self.then.approvers
        if asked is None:
            return None
        later = self.then.escalate
        return Requirement(
            self.id,
            tuple(one.approver() for one in asked),
            None if later is None else Escalation(parse_span(later.after), tuple(one.approver() for one in later.to)),
        )

    def to_json(self) -> dict[str, Any]:
        """As it was written."""
        return self.model_dump(mode="json", exclude_unset=True)


Rules = Annotated[tuple[ApprovalRule, ...], Field(max_length=MAX_RULES)]


def read_rules(data: Sequence[Mapping[str, Any]]) -> tuple[ApprovalRule, ...]:
    """Raises: ValueError, for the first fault of any."""
    rules = tuple(ApprovalRule.model_validate(one) for one in data)
    twice = find_twice(rules)
    if twice is not None or len(rules) > MAX_RULES:
        raise ValueError("two rules of one id, or too many rules")
    return rules


def find_twice(rules: Sequence[ApprovalRule]) -> int | None:
    """The place of the first rule whose id an earlier one has."""
    seen: set[str] = set()
    for place, rule in enumerate(rules):
        if rule.id in seen:
            return place
        seen.add(rule.id)
    return None


def named_in(rules: Iterable[ApprovalRule]) -> list[tuple[str, str, str]]:
    """What rules name that exists in the tenant or the program only: place, kind and name, in order."""
    found = []
    for number, rule in enumerate(rules):
        asked = rule.when.requester or RequesterTest(customer=False)
        listed = (
            ("when.tools", "tool", rule.when.tools),
            ("when.requester.roles", "role", asked.roles),
            ("when.requester.permission_sets", "permission set", asked.permission_sets),
            ("when.requester.groups", "group", asked.groups),
            ("when.requester.persons", "person", asked.persons),
        )
        found += [(f"{number}.{place}", kind, name) for place, kind, names in listed for name in names]
        later = rule.then.escalate.to if rule.then.escalate else ()
        for place, approvers in (("then.approvers", rule.then.approvers or ()), ("then.escalate.to", later)):
            for position, one in enumerate(approvers):
                kind, name = one.kind_and_name
                if kind != "manager_of_owner":
                    found.append((f"{number}.{place}.{position}.{kind}", kind, name))
    return found


def is_within_hours(test: HoursTest, asked_at: datetime | None) -> bool:
    """Whether a moment lies in the hours. A moment that nobody knows does, whichever hours they are."""
    if asked_at is None:
        return True
    local = asked_at.astimezone(ZoneInfo(test.zone))
    now, today = f"{local:%H:%M}", DAYS[local.weekday()]
    yesterday = DAYS[local.weekday() - 1]
    days = test.days or DAYS
    if test.start < test.end:
        inside = today in days and test.start <= now < test.end
    else:
        inside = (today in days and now >= test.start) or (yesterday in days and now < test.end)
    return inside is not test.outside
