"""Runs of clients that keep no thread: each has one of its own, which goes when the run has ended with nothing open."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from api.callers import ReaderOf, ServiceOf
from api.errors import InputError, problems
from api.routes.runs import STARTS, STREAM, WAIT, accept, location, stream, wait_for
from api.wire import Body, RunBody, RunWire, run_wire
from api.wiring import Service
from crm.work import Run
from graphs.conversations import ThreadBusyError, ThreadNotFoundError
from trust.principal import Principal

router = APIRouter(tags=["runs"])

MAX_BATCH = 50
MAX_CANCELLED = 200


class CancelBody(Body):
    """Which runs to stop: those named, or those of a state."""

    thread_id: uuid.UUID | None = None
    run_ids: list[uuid.UUID] | None = Field(default=None, max_length=MAX_CANCELLED)
    status: Literal["pending", "running", "all"] | None = None


async def _begin(body: RunBody, principal: Principal, service: Service, *, in_background: bool = False) -> Run:
    """Raises: InputError for what needs a thread that is there already."""
    if body.command is not None:
        raise InputError("command", "a run without a thread has nothing to go on with")
    if body.checkpoint or body.checkpoint_id:
        raise InputError("checkpoint", "a run without a thread has none")
    fresh = body.model_copy(update={"if_not_exists": "create"})
    return await accept(uuid.uuid4(), fresh, principal, service, in_background=in_background)


async def _clear_after(
    parts: AsyncIterator[bytes], body: RunBody, run: Run, principal: Principal, service: Service
) -> AsyncIterator[bytes]:
    """The answer, and then no trace of the conversation, unless it is wanted or waits for somebody."""
    async for part in parts:
        yield part
    if body.on_completion == "keep":
        return
    try:
        thread = await service.conversations.get_thread(principal, run.thread_id)
        if thread.status in ("idle", "error"):
            await service.conversations.delete_thread(principal, run.thread_id)
    except (ThreadNotFoundError, ThreadBusyError):
        return


def _clearing(answer: StreamingResponse, body: RunBody, run: Run, principal: Principal, service: Service) -> None:
    parts: AsyncIterator[bytes] = answer.body_iterator  # type: ignore[assignment] # made of bytes in api/routes/runs.py
    answer.body_iterator = _clear_after(parts, body, run, principal, service)


@router.post("/runs", responses=STARTS)
async def create_stateless_run(body: RunBody, principal: ReaderOf, service: ServiceOf, response: Response) -> RunWire:
    """Start a run in the background, in a conversation of its own, which stays."""
    run = await _begin(body, principal, service, in_background=True)
    response.headers["Content-Location"] = location(run)
    return run_wire(run)


@router.post("/runs/stream", responses=STARTS | STREAM)
async def stream_stateless_run(body: RunBody, principal: ReaderOf, service: ServiceOf) -> StreamingResponse:
    """Start a run in a conversation of its own and stream it."""
    run = await _begin(body, principal, service)
    answer = stream(service, principal, run, after=0, modes=None)
    _clearing(answer, body, run, principal, service)
    return answer


@router.post("/runs/wait", responses=STARTS | WAIT)
async def wait_for_stateless_run(body: RunBody, principal: ReaderOf, service: ServiceOf) -> StreamingResponse:
    """Start a run in a conversation of its own and answer with its final values."""
    run = await _begin(body, principal, service)
    answer = wait_for(service, principal, run)
    _clearing(answer, body, run, principal, service)
    return answer


@router.post("/runs/batch", responses=STARTS)
async def create_batch(
    body: Annotated[list[RunBody], Field(min_length=1, max_length=MAX_BATCH)], principal: ReaderOf, service: ServiceOf
) -> list[RunWire]:
    """Start several runs in the background, each in a conversation of its own."""
    return [run_wire(await _begin(one, principal, service, in_background=True)) for one in body]


@router.post("/runs/cancel", status_code=204, responses=problems(403, 404, 409))
async def cancel_runs(
    body: CancelBody,
    principal: ReaderOf,
    service: ServiceOf,
    action: Annotated[Literal["interrupt", "rollback"], Query()] = "interrupt",
) -> None:
    """Stop runs of the caller: some of a thread, or those of a state in a thread or in all of the caller's."""
    conversations = service.conversations
    if (body.run_ids is None) == (body.status is None):
        raise InputError("run_ids", "expected either run_ids with their thread_id, or a status")
    if body.run_ids is not None and body.thread_id is None:
        raise InputError("thread_id", "expected the thread of the runs")
    found: list[Run] = []
    if body.thread_id is not None and body.run_ids is not None:
        thread = str(body.thread_id)
        found = [await conversations.get_run(principal, thread, str(one)) for one in body.run_ids]
    else:
        if body.thread_id is not None:
            threads = [str(body.thread_id)]
        else:
            busy = await conversations.search_threads(principal, status="busy", limit=MAX_CANCELLED)
            threads = [one.thread_id for one in busy]
        for status in ("pending", "running") if body.status == "all" else (body.status,):
            for thread in threads:
                found += await conversations.list_runs(principal, thread, limit=MAX_CANCELLED, offset=0, status=status)
    for run in found:
        await conversations.cancel_run(principal, run.thread_id, run.run_id)
    for run in found if action == "rollback" else ():
        async for _ in service.runner.follow(principal.tenant, run.run_id):
            pass
        await conversations.delete_run(principal, run.thread_id, run.run_id)
