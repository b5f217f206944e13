"""Feedback over HTTP: given on answers of one's own conversations, read by those who look after the service."""

import base64
import binascii
import json
import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.callers import AuditorOf, ReaderOf, ServiceOf
from api.errors import problems
from api.wire import Body, Instant
from crm.errors import CursorError
from crm.fields import to_json
from crm.repositories.feedback import Place
from graphs.feedback import give_feedback
from trust import feedback
from trust.feedback import Given, Opinion

router = APIRouter(tags=["feedback"])

Rating = Literal["up", "down"]


class FeedbackBody(Body):
    """What the caller thinks of one answer. Given again, it takes the place of what was given before."""

    message_id: Annotated[str, Field(min_length=1, max_length=200)]
    rating: Rating
    reason: Annotated[str | None, Field(min_length=1, max_length=2_000)] = None
    edited_text: Annotated[
        str | None, Field(min_length=1, max_length=20_000, description="The answer as it should have been.")
    ] = None


class FeedbackWire(BaseModel):
    """What somebody thinks of an answer."""

    thread_id: str
    message_id: str
    giver: str = Field(description="User or contact id.")
    rating: Rating
    reason: str | None
    edited_text: str | None
    is_erased: bool = Field(description="Whether there were words that were erased with the conversation.")
    created_at: str
    updated_at: str


def feedback_wire(given: Given) -> FeedbackWire:
    return FeedbackWire(
        thread_id=given.thread_id,
        message_id=given.message_id,
        giver=given.giver,
        rating=given.opinion.rating,
        reason=given.opinion.reason,
        edited_text=given.opinion.edited_text,
        is_erased=given.is_erased,
        created_at=to_json(given.created_at),
        updated_at=to_json(given.updated_at),
    )


@router.post("/threads/{thread_id}/feedback", responses=problems(403, 404))
async def post_feedback(
    thread_id: uuid.UUID, body: FeedbackBody, principal: ReaderOf, service: ServiceOf
) -> FeedbackWire:
    """Say what you think of an answer of your own conversation."""
    opinion = Opinion(body.rating, body.reason, body.edited_text)
    return feedback_wire(
        await give_feedback(service.conversations, principal, str(thread_id), body.message_id, opinion)
    )


@router.get("/feedback", responses=problems(403))
async def list_feedback(
    principal: AuditorOf,
    service: ServiceOf,
    response: Response,
    rating: Rating | None = None,
    thread_id: uuid.UUID | None = None,
    giver: Annotated[str | None, Query(pattern=r"^[0-9A-Za-z]{15,18}$")] = None,
    since: Instant | None = None,
    after: Annotated[str | None, Query(max_length=1_000, description="X-Pagination-Next of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[FeedbackWire]:
    """What people of the tenant think of their answers, the latest first."""
    wanted: dict[str, Any] = {
        "rating": rating,
        "thread_id": None if thread_id is None else str(thread_id),
        "giver": giver,
        "since": since,
        "after": None if after is None else _read_place(after),
    }
    async with service.database.session(principal.tenant) as session:
        found = await feedback.list_given(session, limit=limit + 1, **wanted)
    if len(found) > limit:
        response.headers["X-Pagination-Next"] = _write_place(found[limit - 1])
    return [feedback_wire(given) for given in found[:limit]]


def _write_place(given: Given) -> str:
    place = [given.updated_at.isoformat(), given.thread_id, given.message_id, given.giver]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _read_place(cursor: str) -> Place:
    """Raises: CursorError."""
    try:
        at, thread_id, message_id, giver = json.loads(base64.urlsafe_b64decode(cursor))
        place = (datetime.fromisoformat(at), str(thread_id), str(message_id), str(giver))
        "".join(place[1:]).encode()  # half a character is none
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise CursorError("the cursor is not one that was handed out") from None
    if place[0].tzinfo is None or any("\x00" in part for part in place[1:]):
        raise CursorError("the cursor is not one that was handed out")
    return place
