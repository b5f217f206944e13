"""Which requests have waited for so long that others may decide as well: for telling those others, once."""

from dataclasses import dataclass
from datetime import datetime

from crm.database import TenantSession
from crm.repositories import approvals as rows
from crm.work import Approval
from trust import audit
from trust.approvers import Approver
from trust.decisions import Hold


@dataclass(frozen=True)
class Escalated:
    """A request, and those who may decide on it as well from now on."""

    approval: Approval
    rules: tuple[str, ...]
    to: tuple[Approver, ...]


async def due_escalations(session: TenantSession, at: datetime, *, limit: int = 100) -> list[Escalated]:
    """Pending requests whose time for the next escalation has come, oldest first, each marked as told of.

    For a chore that runs now and then, in a transaction that writes; what it returns is told once, whichever process
    runs it, provided that the transaction commits. Who may decide does not depend on it: that follows from the rule in
    the request and the time. A request that passed several moments meanwhile comes once, with all of them.
    """
    found = []
    for approval in await rows.list_escalating(session, at=at, limit=limit):
        since = approval.escalates_at
        known = Hold.from_json(approval.rule).escalations
        later = [moment for _, moment in known if moment > at]
        if since is None or not await rows.mark_escalated(
            session, approval, seen=since, next_at=min(later, default=None)
        ):
            continue
        if approval.is_erased:
            continue
        came = [one for one, moment in known if since <= moment <= at]
        names = tuple(one.rule for one in came)
        to = tuple(dict.fromkeys(who for one in came if one.escalation for who in one.escalation.to))
        found.append(Escalated(approval, names, to))
        await audit.record(
            session,
            at=at,
            kind="approval.escalated",
            actor=audit.SERVICE,
            subject=approval.approval_id,
            payload={"rules": list(names), "digest": approval.digest},
        )
    return found
