"""What people think of answers: one row per person and message."""

from datetime import datetime
from typing import Any

from sqlalchemy import literal, select, tuple_

from crm.database import TenantSession
from crm.work import Feedback

Place = tuple[datetime, str, str, str]
"""Where a page ended: time of the last change, thread, message, giver."""


async def find(session: TenantSession, thread_id: str, message_id: str, giver: str) -> Feedback | None:
    return await session.get(Feedback, (session.tenant, thread_id, message_id, giver))


async def add(session: TenantSession, feedback: Feedback) -> None:
    session.add(feedback)
    await session.flush()


async def list_feedback(
    session: TenantSession, *, after: Place | None = None, limit: int = 100, **wanted: Any
) -> list[Feedback]:
    """Newest change first. `wanted`: `rating`, `thread_id`, `giver`, and `since`, which is taken in."""
    statement = select(Feedback)
    since = wanted.pop("since", None)
    for column, value in wanted.items():
        if value is not None:
            statement = statement.where(getattr(Feedback, column) == value)
    if since is not None:
        statement = statement.where(Feedback.updated_at >= since)
    place = (Feedback.updated_at, Feedback.thread_id, Feedback.message_id, Feedback.giver)
    if after is not None:
        end = (literal(value, column.type) for value, column in zip(after, place, strict=True))
        statement = statement.where(tuple_(*place) < tuple_(*end))
    return list(await session.scalars(statement.order_by(*(column.desc() for column in place)).limit(limit)))
