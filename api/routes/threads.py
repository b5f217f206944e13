"""Conversations over HTTP."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.callers import ReaderOf, ServiceOf
from api.errors import InputError, problems
from api.openai_wire import KEY
from api.wire import (
    CheckpointBody,
    HistoryBody,
    StateBody,
    ThreadBody,
    ThreadCount,
    ThreadPart,
    ThreadPatch,
    ThreadsBody,
    ThreadSearch,
    ThreadWire,
    check_details,
    thread_wire,
)
from graphs.copying import copy_thread

router = APIRouter(tags=["threads"])


@router.post("/threads", responses=problems(403, 409))
async def create_thread(body: ThreadBody, principal: ReaderOf, service: ServiceOf) -> ThreadWire:
    """Open a conversation. The id may be the client's own; it is taken only once."""
    if body.supersteps:
        raise InputError("supersteps", "is not supported: a conversation cannot be made up")
    thread = await service.conversations.create_thread(
        principal,
        None if body.thread_id is None else str(body.thread_id),
        body.metadata or {},
        reuse=body.if_exists == "do_nothing",
    )
    return thread_wire(thread)


@router.post("/threads/search", responses=problems(403), response_model_exclude_unset=True)
async def search_threads(
    body: ThreadSearch, principal: ReaderOf, service: ServiceOf, response: Response
) -> list[ThreadWire] | list[ThreadPart]:
    """The caller's own conversations, with what each waits for; `select` leaves out the rest of each."""
    if body.extract:
        raise InputError("extract", "is not supported: read it from values")
    found = await service.conversations.search_threads(
        principal,
        status=body.status,
        ids=None if body.ids is None else [str(one) for one in body.ids],
        details=body.metadata,
        values=body.values,
        sort_by="updated_at" if body.sort_by in (None, "state_updated_at") else body.sort_by,
        descending=body.sort_order != "asc",
        limit=body.limit + 1,
        offset=body.offset,
    )
    if len(found) > body.limit:
        response.headers["X-Pagination-Next"] = str(body.offset + body.limit)
    shown = [thread_wire(thread) for thread in found[: body.limit]]
    if body.select is None:
        return shown
    wanted: set[str] = set(body.select)
    return [ThreadPart(**one.model_dump(include=wanted)) for one in shown]


@router.post("/threads/count", responses=problems(403))
async def count_threads(body: ThreadCount, principal: ReaderOf, service: ServiceOf) -> int:
    """How many conversations of the caller there are of this kind."""
    if body.metadata or body.values:
        found = await service.conversations.search_threads(
            principal, status=body.status, details=body.metadata, values=body.values, limit=1_000_000
        )
        return len(found)
    return await service.conversations.count_threads(principal, body.status)


@router.post("/threads/prune", responses=problems(403, 404))
async def prune_threads(body: ThreadsBody, principal: ReaderOf, service: ServiceOf) -> dict[str, int]:
    """Remove conversations of the caller, all or none if one is not there. `keep_latest` finds nothing to do: a
    finished turn keeps its last checkpoint only."""
    ids = [str(one) for one in dict.fromkeys(body.thread_ids)]
    for thread_id in ids:
        await service.conversations.get_thread(principal, thread_id)
    if body.strategy != "keep_latest":
        for thread_id in ids:
            await service.conversations.delete_thread(principal, thread_id)
    return {"pruned_count": len(ids)}


@router.post("/threads/{thread_id}/copy", responses=problems(403, 404, 409))
async def copy_conversation(thread_id: uuid.UUID, principal: ReaderOf, service: ServiceOf) -> ThreadWire:
    """A conversation of the caller once more, to be gone on with in another way. It has to rest; what was decided in
    it stays with the first."""
    copy = await copy_thread(service.conversations, principal, str(thread_id), but=[KEY])
    return thread_wire(copy)


@router.get("/threads/{thread_id}", responses=problems(403, 404))
async def get_thread(thread_id: uuid.UUID, principal: ReaderOf, service: ServiceOf) -> ThreadWire:
    """A conversation of the caller, with what it waits for."""
    return thread_wire(await service.conversations.get_thread(principal, str(thread_id)))


@router.patch("/threads/{thread_id}", responses=problems(403, 404))
async def update_thread(thread_id: uuid.UUID, body: ThreadPatch, principal: ReaderOf, service: ServiceOf) -> ThreadWire:
    """Merge metadata."""
    have = await service.conversations.get_thread(principal, str(thread_id))
    check_details({**have.details, **body.metadata})
    return thread_wire(await service.conversations.update_thread(principal, str(thread_id), body.metadata))


@router.delete("/threads/{thread_id}", status_code=204, responses=problems(403, 404))
async def delete_thread(thread_id: uuid.UUID, principal: ReaderOf, service: ServiceOf) -> None:
    """Remove a conversation and everything it remembers. Ledger and audit keep what it did."""
    await service.conversations.delete_thread(principal, str(thread_id))


@router.get("/threads/{thread_id}/state", responses=problems(403, 404))
async def get_state(
    thread_id: uuid.UUID, principal: ReaderOf, service: ServiceOf, subgraphs: bool = False
) -> dict[str, Any]:
    """Where the conversation stands: its messages, and what it waits for."""
    return await service.conversations.get_state(principal, str(thread_id))


@router.get("/threads/{thread_id}/state/{checkpoint_id}", responses=problems(403, 404))
async def get_earlier_state(
    thread_id: uuid.UUID, checkpoint_id: uuid.UUID, principal: ReaderOf, service: ServiceOf
) -> dict[str, Any]:
    """How the conversation stood at a checkpoint."""
    return await service.conversations.get_state(principal, str(thread_id), str(checkpoint_id))


@router.post("/threads/{thread_id}/state/checkpoint", responses=problems(403, 404))
async def get_state_at(
    thread_id: uuid.UUID, body: CheckpointBody, principal: ReaderOf, service: ServiceOf
) -> dict[str, Any]:
    """How the conversation stood at a checkpoint, for clients that name it by its place."""
    named = body.checkpoint
    if named.thread_id not in (None, str(thread_id)):
        raise InputError("checkpoint.thread_id", "expected the thread of the address")
    wanted = None if named.checkpoint_id is None else str(named.checkpoint_id)
    return await service.conversations.get_state(principal, str(thread_id), wanted)


@router.post("/threads/{thread_id}/state", responses=problems(403, 404, 409))
async def mark_resolved(
    thread_id: uuid.UUID, body: StateBody, principal: ReaderOf, service: ServiceOf
) -> dict[str, Any]:
    """Withdraw what the conversation waits for (`as_node` `__end__`). Anything else is refused."""
    if body.as_node != "__end__" or body.values:
        raise InputError("as_node", "expected __end__ without values: the state is not edited from outside")
    run = await service.conversations.withdraw(principal, str(thread_id))
    if run is not None:
        async for _ in service.runner.follow(principal.tenant, run.run_id):
            pass
    state = await service.conversations.get_state(principal, str(thread_id))
    return {"checkpoint": state["checkpoint"]}


@router.post("/threads/{thread_id}/history", responses=problems(403, 404))
async def list_history(
    thread_id: uuid.UUID, body: HistoryBody, principal: ReaderOf, service: ServiceOf
) -> list[dict[str, Any]]:
    """Checkpoints, newest first. A finished turn keeps its last one only."""
    return await service.conversations.list_states(principal, str(thread_id), limit=body.limit, before=body.before_id())


@router.get("/threads/{thread_id}/history", responses=problems(403, 404))
async def list_history_by_query(
    thread_id: uuid.UUID,
    principal: ReaderOf,
    service: ServiceOf,
    limit: Annotated[int, Query(ge=1, le=1000)] = 10,
    before: uuid.UUID | None = None,
) -> list[dict[str, Any]]:
    """Checkpoints, newest first, for clients that ask with a query."""
    return await service.conversations.list_states(
        principal, str(thread_id), limit=limit, before=None if before is None else str(before)
    )
