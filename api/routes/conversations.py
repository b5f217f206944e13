"""Conversations as people read them: their list, their turns, what to ask next, what a model was shown of them."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.callers import ReaderOf, ServiceOf
from api.errors import problems
from api.suggestions import Suggestion, suggest
from api.transcript import Rating, Turn, build_turns, title_of
from api.wiring import Service
from crm.fields import to_json
from crm.work import Thread
from graphs.assistants import TURN
from graphs.messages import text_of
from graphs.prompts import show_prompt
from trust import feedback
from trust.principal import Principal

router = APIRouter(tags=["conversations"])

SEARCHED = 500
"""How many of the caller's conversations, the latest first, are looked through for words."""
_BATCH = 100
_WORDS = 120
ThreadStatus = Literal["idle", "busy", "interrupted", "error"]


class ConversationLine(BaseModel):
    """A conversation in a list."""

    thread_id: str
    title: str = Field(description="`title` of the thread's metadata, else how the conversation begins.")
    status: ThreadStatus
    excerpt: str | None = Field(description="The words around what was looked for.")
    created_at: str
    updated_at: str


class Waiting(BaseModel):
    """A held action that the conversation waits for; its card is at `/approvals/{approval_id}`."""

    approval_id: str
    call_id: str | None


class Conversation(BaseModel):
    """A conversation with all that was said and done in it."""

    thread_id: str
    title: str
    status: ThreadStatus
    error: str | None = Field(description="Why the last run failed, if it did.")
    turns: list[Turn]
    waits: list[Waiting]
    run_id: str | None = Field(description="The run that is at work, to be followed at `/threads/{id}/runs/{run_id}`.")


class PromptMessage(BaseModel):
    """One message as a model is given it."""

    kind: str = Field(description="system, human, ai or tool.")
    message_id: str | None
    text: str
    calls: list[dict[str, Any]]


@router.get("/conversations", responses=problems(403))
async def list_conversations(
    principal: ReaderOf,
    service: ServiceOf,
    response: Response,
    query: Annotated[str | None, Query(max_length=200, description="Words that the title or a message has.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> list[ConversationLine]:
    """The caller's own conversations, the latest first; by words, among the latest 500."""
    wanted = (query or "").casefold().split()
    if wanted:
        found = await _search(service, principal, wanted)
    else:
        threads = await _list(service, principal, limit=offset + limit + 1)
        found = [_line(thread, None) for thread in threads]
    if len(found) > offset + limit:
        response.headers["X-Pagination-Next"] = str(offset + limit)
    return found[offset : offset + limit]


async def _list(service: Service, principal: Principal, *, limit: int, offset: int = 0) -> list[Thread]:
    return await service.conversations.search_threads(principal, graphs=("", TURN.name), limit=limit, offset=offset)


async def _search(service: Service, principal: Principal, wanted: list[str]) -> list[ConversationLine]:
    """A batch at a time: what was said is sealed, and is opened only while it is looked at."""
    found = []
    for start in range(0, SEARCHED, _BATCH):
        batch = await _list(service, principal, limit=_BATCH, offset=start)
        for thread in batch:
            texts = [title_of(thread.details, thread.values)]
            texts += [text_of(one) for one in thread.values.get("messages", ()) if one["type"] in ("human", "ai")]
            hit = next((text for text in texts if all(word in text.casefold() for word in wanted)), None)
            if hit is not None:
                found.append(_line(thread, _excerpt(hit, wanted[0])))
        if len(batch) < _BATCH:
            break
    return found


def _excerpt(text: str, word: str) -> str:
    flat = " ".join(text.split())
    at = max(0, flat.casefold().find(word) - _WORDS // 3)
    return ("…" if at else "") + flat[at : at + _WORDS] + ("…" if len(flat) > at + _WORDS else "")


def _line(thread: Thread, excerpt: str | None) -> ConversationLine:
    return ConversationLine(
        thread_id=thread.thread_id,
        title=title_of(thread.details, thread.values),
        status=thread.status,
        excerpt=excerpt,
        created_at=to_json(thread.created_at),
        updated_at=to_json(thread.updated_at),
    )


@router.get("/threads/{thread_id}/messages", responses=problems(403, 404))
async def get_messages(thread_id: uuid.UUID, principal: ReaderOf, service: ServiceOf) -> Conversation:
    """A conversation of the caller: its turns, with steps and answers as trees, and what it waits for."""
    thread = await service.conversations.get_thread(principal, str(thread_id))
    state = await service.conversations.get_state(principal, str(thread_id))
    asked = [one for some in thread.interrupts.values() for one in some]
    shown = [one for waiting in asked for one in waiting["value"].get("approvals", ())]
    calls = {one["value"].get("tool_call_id") for one in asked} | {one.get("call_id") for one in shown}
    running = await service.conversations.list_runs(principal, str(thread_id), limit=5, offset=0, status=None)
    hosts = service.settings.allowed_hosts()
    allowed = hosts.get(principal.tenant, frozenset()) | hosts.get("*", frozenset())
    return Conversation(
        thread_id=thread.thread_id,
        title=title_of(thread.details, state["values"]),
        status=thread.status,
        error=thread.error,
        turns=build_turns(state["values"], allowed, await _ratings(service, principal, str(thread_id)), calls - {None}),
        waits=[Waiting(approval_id=one["approval_id"], call_id=one.get("call_id")) for one in shown],
        run_id=next((run.run_id for run in running if run.status in ("pending", "running")), None),
    )


async def _ratings(service: Service, principal: Principal, thread_id: str) -> dict[str, Rating]:
    async with service.database.session(principal.tenant) as session:
        given = await feedback.list_given(
            session, limit=1_000, rating=None, thread_id=thread_id, giver=principal.id, since=None, after=None
        )
    return {one.message_id: Rating(rating=one.opinion.rating, reason=one.opinion.reason) for one in given}


@router.get("/threads/{thread_id}/suggestions", responses=problems(403, 404))
async def list_suggestions(thread_id: uuid.UUID, principal: ReaderOf, service: ServiceOf) -> list[Suggestion]:
    """What could be asked next, from the tools' declarations, the records at hand and the caller's rights."""
    thread = await service.conversations.get_thread(principal, str(thread_id))
    return suggest(thread.values, principal)


@router.get("/suggestions", responses=problems(403))
async def list_first_suggestions(principal: ReaderOf) -> list[Suggestion]:
    """What a conversation could begin with."""
    return suggest({}, principal)


@router.get("/threads/{thread_id}/prompt", responses=problems(403, 404))
async def get_prompt(thread_id: uuid.UUID, principal: ReaderOf, service: ServiceOf) -> list[PromptMessage]:
    """The caller's own conversation as a model is given it: masked, with handles where outsiders speak."""
    found = await show_prompt(service.conversations, principal, str(thread_id))
    return [PromptMessage(kind=m.kind, message_id=m.message_id, text=m.text, calls=m.calls) for m in found]
