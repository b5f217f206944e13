"""Thumbs, reasons and better answers: what people think of what they were told, sealed with the conversation's key."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from crm.database import TenantSession
from crm.repositories import feedback as rows
from crm.work import Feedback
from trust import audit, keys
from trust.digests import canonical, digest_of

Rating = Literal["up", "down"]


@dataclass(frozen=True)
class Opinion:
    """What somebody thinks of an answer."""

    rating: Rating
    reason: str | None = None
    edited_text: str | None = None
    """The answer as it should have been."""


@dataclass(frozen=True)
class Given:
    """An opinion with who gave it on what. Its words are None if they were erased with the conversation."""

    thread_id: str
    message_id: str
    giver: str
    opinion: Opinion
    created_at: datetime
    updated_at: datetime
    is_erased: bool = False


async def give(
    session: TenantSession, opinion: Opinion, *, thread_id: str, message_id: str, giver: str, at: datetime
) -> Given:
    """Put an opinion in place of the giver's former one on the message; the same again changes nothing.

    For callers who have made sure that the conversation is the giver's and hold its row.
    """
    at = at.replace(microsecond=0)
    key = await keys.get_thread_key(session, thread_id)
    row = await rows.find(session, thread_id, message_id, giver)
    if row is not None and await _open(session, row) == _given(row, opinion):
        return _given(row, opinion)
    is_new = row is None
    row = row or Feedback(thread_id=thread_id, message_id=message_id, giver=giver, created_at=at)
    row.rating = opinion.rating
    row.words = key.seal(canonical(_words(opinion)), *_purpose(row)) if any(_words(opinion).values()) else None
    row.updated_at = at
    await rows.add(session, row)
    await audit.record(
        session,
        at=at,
        kind="feedback.given" if is_new else "feedback.changed",
        actor=giver,
        subject=thread_id,
        payload={"message": message_id, "rating": opinion.rating, "digest": digest_of(asdict(opinion))},
    )
    return _given(row, opinion)


async def list_given(session: TenantSession, **criteria: Any) -> list[Given]:
    """As `crm.repositories.feedback.list_feedback`, opened."""
    return [await _open(session, row) for row in await rows.list_feedback(session, **criteria)]


async def _open(session: TenantSession, row: Feedback) -> Given:
    """Raises: SealError."""
    rating: Rating = "up" if row.rating == "up" else "down"
    if row.words is None:
        return _given(row, Opinion(rating))
    key = await keys.find_thread_key(session, row.thread_id)
    if key is None:
        return _given(row, Opinion(rating), is_erased=True)
    words = json.loads(key.open(row.words, *_purpose(row)))
    return _given(row, Opinion(rating, words["reason"], words["edited_text"]))


def _given(row: Feedback, opinion: Opinion, *, is_erased: bool = False) -> Given:
    return Given(row.thread_id, row.message_id, row.giver, opinion, row.created_at, row.updated_at, is_erased)


def _words(opinion: Opinion) -> dict[str, str | None]:
    return {"reason": opinion.reason, "edited_text": opinion.edited_text}


def _purpose(row: Feedback) -> tuple[str, str, str]:
    return "feedback", row.message_id, row.giver
