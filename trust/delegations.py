"""Deciding in somebody's stead while they are away: for a while, within limits, and never on one's own requests."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from crm.access import Access, Caller
from crm.connector import Change
from crm.database import TenantSession
from crm.fields import Kind, to_json
from crm.ids import UserId
from crm.policies import Delegation
from crm.repositories import delegations as rows
from crm.repositories.access import UnknownCallerError, load_access
from crm.schema import OBJECT_INFO
from crm.work import Approval
from trust import audit
from trust.amounts import amount_of

LONGEST: Final = timedelta(days=366)
MOST_OPEN: Final = 20


class DelegationError(Exception):
    """A delegation that cannot be. `name` says which part of it is at fault."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


class DelegationNotFoundError(Exception):
    """There is no such delegation, or it is none of the caller's business: no difference from outside."""


@dataclass(frozen=True)
class Limits:
    """How far a delegation reaches. What is left out has no limit."""

    tools: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()
    """Every record of the request has to be of one of these kinds."""
    amount_cap: int | None = None
    """The most that any amount of the request may come to."""

    @property
    def are_none(self) -> bool:
        return not self.tools and not self.objects and self.amount_cap is None

    def reach(self, approval: Approval) -> bool:
        """Whether a request lies within."""
        if self.tools and approval.tool not in self.tools:
            return False
        changes = [Change.from_json(one) for one in approval.changes]
        if self.objects and not {change.object_name for change in changes} <= self.objects:
            return False
        return self.amount_cap is None or all(amount <= self.amount_cap for amount in map(_largest, changes))

    def to_json(self) -> dict[str, Any]:
        told = {"tools": sorted(self.tools), "objects": sorted(self.objects), "amount_cap": self.amount_cap}
        return {name: value for name, value in told.items() if value not in (None, [])}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Limits":
        return cls(frozenset(data.get("tools", ())), frozenset(data.get("objects", ())), data.get("amount_cap"))


def _largest(change: Change) -> Any:
    """Of the old and new values of money; an object of which nobody knows the fields counts with all its numbers."""
    info = OBJECT_INFO.get(change.object_name)
    values = [
        value
        for one in change.fields
        if info is None or info.fields[one.field].kind is Kind.MONEY
        for value in (one.old, one.new)
        if info is not None or (isinstance(value, int | float) and not isinstance(value, bool))
    ]
    return max((abs(amount_of(value)) for value in values), default=0)


@dataclass(frozen=True)
class StandIn:
    """A delegation as it stands: for whom, with the rights that they have now."""

    delegation_id: str
    access: Access
    """Of whoever is away."""
    starts_at: datetime
    ends_at: datetime
    limits: Limits

    @property
    def delegator(self) -> str:
        return self.access.caller.id

    def may_count_for(self, requester: str, delegate: str, *, at: datetime) -> bool:
        """Whether it is in time and neither of the two has asked: what is left to look at are its limits."""
        return requester not in (delegate, self.delegator) and self.starts_at <= at < self.ends_at

    def counts_for(self, approval: Approval, delegate: str, *, at: datetime) -> bool:
        """Whether it lets the delegate decide on this request, provided that the delegator could.

        Neither of the two may have asked for it.
        """
        return self.may_count_for(approval.requester, delegate, at=at) and self.limits.reach(approval)


async def list_stand_ins(session: TenantSession, delegate: UserId, *, at: datetime) -> tuple[StandIn, ...]:
    """For whom somebody decides now or later. Whoever has left the tenant cannot be stood in for."""
    found = []
    for row in await rows.list_for_delegate(session, delegate, at=at):
        try:
            access = await load_access(session, Caller(session.tenant, user_id=UserId(row.delegator)))
        except UnknownCallerError:
            continue
        found.append(StandIn(row.delegation_id, access, row.starts_at, row.ends_at, Limits.from_json(row.limits)))
    return tuple(found)


async def delegate(
    session: TenantSession,
    *,
    delegator: str,
    to: str,
    starts_at: datetime,
    ends_at: datetime,
    limits: Limits,
    by: str,
    at: datetime,
) -> Delegation:
    """Let somebody decide in somebody's stead. `by` is the delegator or an administrator; the caller has checked that.

    Raises: DelegationError.
    """
    if to == delegator:
        raise DelegationError("delegate", "expected somebody else")
    if by == to:
        raise DelegationError("delegate", "nobody makes themselves a delegate: ask another administrator")
    if not starts_at < ends_at <= starts_at + LONGEST:
        raise DelegationError("ends_at", f"expected a time after the start, at most {LONGEST.days} days later")
    if ends_at <= at:
        raise DelegationError("ends_at", "expected a time that has not passed")
    for name, person in (("delegator", delegator), ("delegate", to)):
        try:
            await load_access(session, Caller(session.tenant, user_id=UserId(person)))
        except UnknownCallerError:
            raise DelegationError(name, "expected an active user of the tenant") from None
    if await rows.count_open(session, delegator, at=at) >= MOST_OPEN:
        raise DelegationError("delegator", f"at most {MOST_OPEN} at a time: withdraw some first")
    row = Delegation(
        delegation_id=str(uuid.uuid4()),
        delegator=delegator,
        delegate=to,
        starts_at=starts_at,
        ends_at=ends_at,
        limits=limits.to_json(),
        created_by=by,
        created_at=at,
    )
    await rows.add(session, row)
    window = {"starts_at": to_json(starts_at), "ends_at": to_json(ends_at)}
    payload = {"delegator": delegator, "delegate": to, **window, "limits": limits.to_json()}
    await audit.record(session, at=at, kind="delegation.made", actor=by, subject=row.delegation_id, payload=payload)
    return row


async def withdraw(session: TenantSession, delegation_id: str, *, by: str, is_admin: bool, at: datetime) -> Delegation:
    """Take a delegation back, or decline it. Votes given on it that were not acted on count no more.

    Withdrawing twice is withdrawing once. Raises: DelegationNotFoundError.
    """
    row = await rows.find(session, delegation_id)
    if row is None or not (is_admin or by in (row.delegator, row.delegate)):
        raise DelegationNotFoundError(f"there is no delegation {delegation_id!r} that you can see")
    if await rows.withdraw(session, delegation_id, by=by, at=at):
        payload = {"delegator": row.delegator, "delegate": row.delegate}
        await audit.record(
            session, at=at, kind="delegation.withdrawn", actor=by, subject=delegation_id, payload=payload
        )
    return await rows.find(session, delegation_id) or row
