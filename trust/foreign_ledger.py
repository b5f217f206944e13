"""Calls of others' tools that change something there: begun once, and never again, whatever becomes of the line.

Such a call cannot be in the transaction of the approval that it uses up. So the ledger holds it as begun before a word
is sent, and what came of it after; what is found begun and not ended is unknown, since it may have been done. Nobody
but a person who has looked there can say.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from crm.database import TenantSession
from crm.repositories import approvals
from crm.repositories import ledger as rows
from crm.work import Approval
from trust.actions import Action, ForeignCall
from trust.decisions import Deny
from trust.ledger import (
    Outcome,
    UnsettledError,
    check_again,
    close,
    close_unknown,
    find_approved,
    find_begun,
    new_entry,
    refuse,
)
from trust.principal import Principal, refresh


@dataclass(frozen=True)
class Begun:
    """The call that may be made now, this once."""

    approval_id: str
    call: ForeignCall


@dataclass(frozen=True)
class Ended:
    """What came of it. `unknown`: nothing that says whether it was done."""

    status: Literal["applied", "refused", "unknown"]
    told: dict[str, Any]


async def begin(
    session: TenantSession,
    approval_id: str,
    principal: Principal,
    build_action: Callable[[Approval], Awaitable[Action | Deny]],
    *,
    at: datetime,
) -> Begun | Outcome:
    """Check everything as for a write, and hold the call as begun; the caller makes it once this has committed.

    A call that was begun before and not ended is closed as unknown. Raises: UnsettledError.
    """
    approval = await find_approved(session, approval_id, principal)
    if isinstance(approval, Outcome):
        return approval
    entry = await rows.claim(session, new_entry(session, approval, at))
    if entry is None:
        return await close_unknown(session, approval, at=at)
    principal = await refresh(session, principal, at=at)
    checked = await check_again(session, approval, principal, build_action)
    if isinstance(checked, dict):
        return await refuse(session, approval, entry, checked, at=at)
    grant, action = checked
    grant.require_cover(action, principal)
    if action.call is None or action.changes:
        raise UnsettledError("the request is not for a call of another's tool")
    return Begun(approval_id, action.call)


async def end(session: TenantSession, begun: Begun, ended: Ended, *, at: datetime) -> Outcome:
    """Write down what came of a call. What was closed meanwhile stays as it was closed."""
    approval = await approvals.find(session, begun.approval_id, for_update=True)
    if approval is None or approval.status != "approved":
        raise UnsettledError("the call was closed by somebody else, as nobody seemed to be at it")
    if ended.status == "unknown":
        return await close_unknown(session, approval, at=at)
    entry = await find_begun(session, approval)
    if ended.status == "refused":
        return await refuse(session, approval, entry, ended.told, at=at)
    entry.status = "applied"
    await close(session, approval, entry, "applied", ended.told, at=at)
    return Outcome(applied=True, result=ended.told)
