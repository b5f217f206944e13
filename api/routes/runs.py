"""Runs over HTTP: accepted before they are worked on, streamed from what is stored, stopped on request only."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from api.callers import ReaderOf, ServiceOf
from api.errors import InputError, problems
from api.wire import RunBody, RunWire, StreamMode, find_assistant, run_wire
from api.wiring import Service
from crm.work import Run
from graphs._log import StreamEvent
from graphs.assistants import Assistant
from graphs.conversations import Ask, ThreadExistsError, ThreadNotFoundError
from graphs.messages import text_of
from trust.principal import Principal

router = APIRouter(tags=["runs"])

T = TypeVar("T")
HEARTBEAT_S = 5.0
STARTS = problems(403, 404, 409, 429)
_EVENT = {
    "type": "object",
    "description": "One event: what happened, its data as JSON text, and the number to come back with.",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}, "id": {"type": "string"}},
    "required": ["event", "data", "id"],
}
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events; the last is `end`.", "content": {"text/event-stream": {"schema": _EVENT}}}
}
WAIT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The final values; `__interrupt__` beside them if the thread waits, `__error__` if it failed.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


async def accept(
    thread_id: uuid.UUID, body: RunBody, principal: Principal, service: Service, *, in_background: bool = False
) -> Run:
    """Start what the body asks for: a message, an answer to what the thread waits for, or its withdrawal."""
    body.check()
    graphs = service.runner.graphs
    assistant = find_assistant(body.assistant_id, graphs, is_customer=principal.is_customer)
    thread = str(thread_id)
    await _check_checkpoint(thread, body, principal, service)
    command = body.command
    if command is not None and command.goto is not None and command.resume is None:
        if command.goto not in ("__end__", ["__end__"]):
            raise InputError("command.goto", "expected __end__, which withdraws what the thread waits for")
        run = await service.conversations.withdraw(principal, thread)
        if run is None:
            raise InputError("command.goto", "the thread waits for nothing")
        return run
    if command is not None and command.resume is not None:
        ask = Ask(None, assistant=assistant.name, stream_mode=body.modes(), details=body.metadata)
        return await service.conversations.answer(principal, thread, command.resume, ask)
    ask = await _read_ask(thread, body, assistant, principal, service)
    ask = replace(ask, in_background=in_background)
    await _check_message_id(thread, ask, principal, service)
    try:
        return await service.conversations.ask(principal, thread, ask)
    except ThreadNotFoundError:
        if body.if_not_exists != "create":
            raise
    try:
        await service.conversations.create_thread(principal, thread, body.metadata or {})
    except ThreadExistsError:
        raise ThreadNotFoundError(thread) from None
    return await service.conversations.ask(principal, thread, ask)


async def _check_checkpoint(thread_id: str, body: RunBody, principal: Principal, service: Service) -> None:
    """A client may name the checkpoint it continues from; only the newest can be continued.

    Who wants the last message answered anew names the one before.
    """
    named = body.checkpoint_id or (body.checkpoint or {}).get("checkpoint_id")
    if not named:
        return
    state = await service.conversations.get_state(principal, thread_id)
    before = state["parent_checkpoint_id"] if body.is_repetition else None
    if named not in (state["checkpoint_id"], before):
        raise InputError("checkpoint", "only the newest checkpoint can be continued")


async def _read_ask(thread_id: str, body: RunBody, assistant: Assistant, principal: Principal, service: Service) -> Ask:
    """The message in the body; without any, the caller's last one, to be answered anew. Raises: InputError."""
    if not body.is_repetition or assistant.input is not None:
        return body.to_ask(assistant)
    try:
        state = await service.conversations.get_state(principal, thread_id)
    except ThreadNotFoundError:
        return body.to_ask(assistant)  # says what is missing
    said = [one for one in state["values"].get("messages", ()) if one["type"] == "human"]
    if not said:
        raise InputError("input", "expected a message: nothing was said in this thread that could be answered anew")
    again = {"messages": [{"type": "human", "content": text_of(said[-1]), "replaces": said[-1]["id"]}]}
    # It is no answer to what waits, and nothing to be said later: who does not say what gives way is refused then.
    asked = body.multitask_strategy
    strategy = asked if asked in ("interrupt", "rollback") else "reject"
    return body.model_copy(update={"input": again, "multitask_strategy": strategy}).to_ask(assistant)


async def _check_message_id(thread_id: str, ask: Ask, principal: Principal, service: Service) -> None:
    """A message takes the place of the one that has its id; what the service or a tool said is not replaced."""
    if ask.message_id is None and ask.replaces is None:
        return
    try:
        state = await service.conversations.get_state(principal, thread_id)
    except ThreadNotFoundError:
        if ask.replaces is not None:
            raise
        return
    messages = state["values"].get("messages", ())
    said = [message["id"] for message in messages if message["type"] == "human"]
    if ask.replaces is not None and said[-1:] != [ask.replaces]:
        raise InputError("input.messages.0.replaces", "is not the id of your last message in this conversation")
    if ask.message_id is not None and any(message["id"] == ask.message_id for message in messages):
        raise InputError("input.messages", "a message with this id is already in the conversation")


@router.post("/threads/{thread_id}/runs", responses=STARTS)
async def create_run(
    thread_id: uuid.UUID, body: RunBody, principal: ReaderOf, service: ServiceOf, response: Response
) -> RunWire:
    """Start a run in the background: it takes its turn among those of its tenant."""
    run = await accept(thread_id, body, principal, service, in_background=True)
    response.headers["Content-Location"] = location(run)
    return run_wire(run)


@router.post("/threads/{thread_id}/runs/stream", responses=STARTS | STREAM)
async def stream_run(thread_id: uuid.UUID, body: RunBody, principal: ReaderOf, service: ServiceOf) -> StreamingResponse:
    """Start a run and stream its events. The run goes on if the client leaves; come back with `Last-Event-ID`."""
    run = await accept(thread_id, body, principal, service)
    return stream(service, principal, run, after=0, modes=None)


@router.post("/threads/{thread_id}/runs/wait", responses=STARTS | WAIT)
async def wait_for_run(
    thread_id: uuid.UUID, body: RunBody, principal: ReaderOf, service: ServiceOf
) -> StreamingResponse:
    """Start a run and answer with its final values."""
    run = await accept(thread_id, body, principal, service)
    return wait_for(service, principal, run)


@router.get("/threads/{thread_id}/runs", responses=problems(403, 404))
async def list_runs(
    thread_id: uuid.UUID,
    principal: ReaderOf,
    service: ServiceOf,
    limit: Annotated[int, Query(ge=1, le=1000)] = 10,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    status: Literal["pending", "running", "error", "success", "timeout", "interrupted"] | None = None,
) -> list[RunWire]:
    """Newest first."""
    found = await service.conversations.list_runs(principal, str(thread_id), limit=limit, offset=offset, status=status)
    return [run_wire(run) for run in found]


@router.get("/threads/{thread_id}/runs/{run_id}", responses=problems(403, 404))
async def get_run(thread_id: uuid.UUID, run_id: uuid.UUID, principal: ReaderOf, service: ServiceOf) -> RunWire:
    """A run and how it stands."""
    return run_wire(await service.conversations.get_run(principal, str(thread_id), str(run_id)))


@router.delete("/threads/{thread_id}/runs/{run_id}", status_code=204, responses=problems(403, 404, 409))
async def delete_run(thread_id: uuid.UUID, run_id: uuid.UUID, principal: ReaderOf, service: ServiceOf) -> None:
    """Forget a finished run and its events."""
    await service.conversations.delete_run(principal, str(thread_id), str(run_id))


@router.post("/threads/{thread_id}/runs/{run_id}/cancel", status_code=204, responses=problems(403, 404))
async def cancel_run(
    thread_id: uuid.UUID,
    run_id: uuid.UUID,
    principal: ReaderOf,
    service: ServiceOf,
    wait: bool = False,
    action: Literal["interrupt", "rollback"] = "interrupt",
) -> None:
    """Stop a run. What it was about to say is lost; what had been countersigned stays done."""
    await service.conversations.cancel_run(principal, str(thread_id), str(run_id))
    if wait or action == "rollback":
        async for _ in service.runner.follow(principal.tenant, str(run_id)):
            pass
    if action == "rollback":
        await service.conversations.delete_run(principal, str(thread_id), str(run_id))


@router.get("/threads/{thread_id}/runs/{run_id}/join", responses=problems(403, 404) | WAIT)
async def join_run(
    thread_id: uuid.UUID, run_id: uuid.UUID, principal: ReaderOf, service: ServiceOf
) -> StreamingResponse:
    """Wait for a run and answer with its final values."""
    return wait_for(service, principal, await service.conversations.get_run(principal, str(thread_id), str(run_id)))


@router.get("/threads/{thread_id}/runs/{run_id}/stream", responses=problems(403, 404) | STREAM)
async def rejoin_stream(
    thread_id: uuid.UUID,
    run_id: uuid.UUID,
    principal: ReaderOf,
    service: ServiceOf,
    stream_mode: Annotated[list[StreamMode | Literal[""]] | None, Query(max_length=20)] = None,
    cancel_on_disconnect: bool = False,
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
) -> StreamingResponse:
    """A run's events from the one after `Last-Event-ID`; all of them without it or with `-1`."""
    run = await service.conversations.get_run(principal, str(thread_id), str(run_id))
    modes = tuple(mode for mode in stream_mode or () if mode) or None  # the SDK sends an empty one for none
    return stream(service, principal, run, after=_read_event_id(last_event_id), modes=modes)


def _read_event_id(given: str | None) -> int:
    if given in (None, "", "-1"):
        return 0
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise InputError("Last-Event-ID", "expected the id of an event of this stream")
    return int(given)


def location(run: Run) -> str:
    return f"/threads/{run.thread_id}/runs/{run.run_id}"


def stream(
    service: Service, principal: Principal, run: Run, *, after: int, modes: tuple[str, ...] | None
) -> StreamingResponse:
    events = service.runner.follow(principal.tenant, run.run_id, after=after, modes=modes)
    headers = {
        "Content-Location": location(run),
        "Location": f"{location(run)}/stream",
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
    }
    return StreamingResponse(_frames(events), media_type="text/event-stream", headers=headers)


async def _frames(events: AsyncIterator[StreamEvent]) -> AsyncIterator[bytes]:
    async for event in with_heartbeat(events):
        if event is None:
            yield b": heartbeat\n\n"
        else:
            # ASCII: some clients take U+0085, U+2028 and U+2029 for the end of a line, and what follows for a field.
            data = json.dumps(event.data, separators=(",", ":"))
            yield f"event: {event.name}\ndata: {data}\nid: {event.seq}\n\n".encode()


async def with_heartbeat(events: AsyncIterator[T]) -> AsyncIterator[T | None]:
    """The events, and None whenever nothing came for a while, so that clients know the line from a dead one."""
    upcoming = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            done, _ = await asyncio.wait([upcoming], timeout=HEARTBEAT_S)
            if not done:
                yield None
                continue
            event = upcoming.result()
            if event is None:
                return
            yield event
            upcoming = asyncio.ensure_future(anext(events, None))
    finally:
        upcoming.cancel()


def wait_for(service: Service, principal: Principal, run: Run) -> StreamingResponse:
    headers = {"Content-Location": location(run), "Location": f"{location(run)}/join", "Cache-Control": "no-store"}
    return StreamingResponse(_final(service, principal, run), media_type="application/json", headers=headers)


async def _final(service: Service, principal: Principal, run: Run) -> AsyncIterator[bytes]:
    """Line feeds while it lasts, which JSON allows in front, and then the values."""
    error = None
    events = service.runner.follow(principal.tenant, run.run_id, modes=("error",))
    async for event in with_heartbeat(events):
        if event is None:
            yield b"\n"
        elif event.name == "error":
            error = event.data
    if error is not None:
        yield json.dumps({"__error__": error}).encode()
        return
    try:
        thread = await service.conversations.get_thread(principal, run.thread_id)
    except ThreadNotFoundError as gone:  # deleted meanwhile; the answer has begun, so its status cannot say so
        yield json.dumps({"__error__": {"error": "ThreadNotFound", "message": str(gone)}}).encode()
        return
    waiting = [one for some in thread.interrupts.values() for one in some]
    values = thread.values | ({"__interrupt__": waiting} if waiting else {})
    yield json.dumps(values).encode()
