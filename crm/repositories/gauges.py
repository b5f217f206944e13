"""How a tenant stands at a moment, counted by the database: a few small numbers, and nothing of what is in the rows."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select

from crm.database import TenantSession
from crm.mailing import OutgoingMail
from crm.repositories import outgoing, runs
from crm.work import Approval, Run


@dataclass(frozen=True)
class Standing:
    """`oldest` is None where nothing waits."""

    approvals: int
    oldest_approval: datetime | None
    queued: int
    running: int
    oldest_run: datetime | None
    mails: dict[str, int]
    """Status -> how many e-mails that have not been sent."""
    calls: int
    """Questions to models today."""
    tokens: int


async def measure(session: TenantSession, *, at: datetime) -> Standing:
    """One statement per kind, each on an index or on few rows."""
    waiting = select(func.count(), func.min(Approval.created_at)).where(Approval.status == "pending")
    approvals, oldest_approval = (await session.execute(waiting.select_from(Approval))).one()
    unfinished = select(Run.status, func.count(), func.min(Run.created_at)).where(Run.status.in_(runs.UNFINISHED))
    by_status = {row[0]: row[1:] for row in (await session.execute(unfinished.group_by(Run.status))).all()}
    unsent = select(OutgoingMail.status, func.count()).where(OutgoingMail.status != "sent")
    mails = {row[0]: row[1] for row in (await session.execute(unsent.group_by(OutgoingMail.status))).all()}
    used = await outgoing.list_usage(session, at.date(), ["tenant"])
    calls, tokens = used.get("tenant", (0, 0))
    queued, oldest_run = by_status.get("pending", (0, None))
    return Standing(
        approvals=approvals,
        oldest_approval=oldest_approval,
        queued=queued,
        running=by_status.get("running", (0, None))[0],
        oldest_run=oldest_run,
        mails=mails,
        calls=calls,
        tokens=tokens,
    )


@dataclass(frozen=True)
class PendingKind:
    """Requests that wait for a person, of one tool as it was declared when they were made."""

    tool: str
    agent: str
    schema_hash: str
    count: int


async def list_pending(session: TenantSession) -> list[PendingKind]:
    """By tool, agent and the tool's schema."""
    kind = (Approval.tool, Approval.agent, Approval.schema_hash)
    statement = select(*kind, func.count()).where(Approval.status == "pending").group_by(*kind).order_by(*kind)
    return [PendingKind(*row) for row in (await session.execute(statement)).all()]


async def list_stuck(session: TenantSession, *, before: datetime, limit: int = 100) -> list[str]:
    """Ids of unfinished runs that were last touched before then and that no lease speaks for, oldest first."""
    free = or_(Run.lease_until.is_(None), Run.lease_until < before)
    statement = select(Run.run_id).where(Run.status.in_(runs.UNFINISHED), free, Run.updated_at < before)
    return list(await session.scalars(statement.order_by(Run.created_at).limit(limit)))
