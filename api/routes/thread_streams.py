"""The runs of a conversation in one stream, one after the other, for clients that stay with a thread."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from api.callers import ReaderOf, ServiceOf
from api.errors import InputError, problems
from api.routes.runs import STREAM, with_heartbeat
from api.wiring import Service
from crm.repositories.runs import OPEN
from crm.work import Run
from graphs._log import StreamEvent
from graphs.conversations import RunNotFoundError, ThreadNotFoundError
from trust.principal import Principal

router = APIRouter(tags=["threads"], include_in_schema=False)  # a caller made from the document would wait for its end

LONGEST_S = 900.0
"""How long a stream is held open: as long as a run may take. Who came in may not come in any more by then."""
SOONEST_S, LATEST_S = 0.2, 2.0
"""How often the next run is looked for: soon after one has ended, later when nothing comes."""
_SEEN = 50
"""How many of a thread's newest runs are looked at for the next."""


@dataclass(frozen=True)
class _Told:
    """An event with its place among those of all runs."""

    place: str
    event: StreamEvent


@dataclass
class _Reader:
    """Reads the runs of a thread in turn. `lifecycle` leaves out all but where each begins, fails and ends."""

    service: Service
    principal: Principal
    thread_id: str
    is_lifecycle: bool
    seen: set[str] = field(default_factory=set)

    async def read(self, run: Run | None, after: int) -> AsyncIterator[_Told]:
        """From event `after` of a run, or from the first that is at work."""
        until = time.monotonic() + LONGEST_S
        known = await self._list()
        if run is None:
            self.seen = {one.run_id for one in known if one.status not in OPEN}
            run = self._next(known)
        else:
            self.seen = {one.run_id for one in known if one.created_at < run.created_at}
        pause = SOONEST_S
        while time.monotonic() < until:
            if run is None:
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, LATEST_S)
            else:
                pause = SOONEST_S
                self.seen.add(run.run_id)
                modes = () if self.is_lifecycle else None
                async for event in self.service.runner.follow(
                    self.principal.tenant, run.run_id, after=after, modes=modes
                ):
                    yield _Told(f"{run.run_id}.{event.seq}", event)
            after = 0
            try:
                run = self._next(await self._list())
            except ThreadNotFoundError:
                return

    async def _list(self) -> list[Run]:
        """Newest first. Raises: ThreadNotFoundError."""
        conversations = self.service.conversations
        return await conversations.list_runs(self.principal, self.thread_id, limit=_SEEN, offset=0, status=None)

    def _next(self, known: list[Run]) -> Run | None:
        """The oldest that was not read; what waits for a decision on another has not begun."""
        return next((one for one in reversed(known) if one.run_id not in self.seen and one.status != "waiting"), None)


@router.get("/threads/{thread_id}/stream", responses=problems(403, 404) | STREAM)
async def join_thread(
    thread_id: uuid.UUID,
    principal: ReaderOf,
    service: ServiceOf,
    stream_mode: Annotated[list[Literal["run_modes", "lifecycle"]] | None, Query(max_length=2)] = None,
    last_event_id: Annotated[str | None, Header(max_length=60)] = None,
) -> StreamingResponse:
    """The events of the run at work and of those that come, each as it was asked to be streamed, for a quarter of an
    hour at most. With `Last-Event-ID`, from the event after that one."""
    thread = str(thread_id)
    await service.conversations.get_thread(principal, thread)
    run, after = None, 0
    if last_event_id not in (None, "", "-", "-1"):
        run, after = await _find_place(last_event_id or "", thread, principal, service)
    reader = _Reader(service, principal, thread, is_lifecycle="run_modes" not in (stream_mode or ["run_modes"]))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_frames(reader.read(run, after)), media_type="text/event-stream", headers=headers)


async def _find_place(given: str, thread_id: str, principal: Principal, service: Service) -> tuple[Run, int]:
    """Raises: InputError."""
    run_id, _, seq = given.partition(".")
    try:
        if not (seq.isascii() and seq.isdigit() and len(seq) <= 9):
            raise ValueError
        return await service.conversations.get_run(principal, thread_id, str(uuid.UUID(run_id))), int(seq)
    except (ValueError, RunNotFoundError):
        raise InputError("Last-Event-ID", "expected the id of an event of this stream") from None


async def _frames(events: AsyncIterator[_Told]) -> AsyncIterator[bytes]:
    async for told in with_heartbeat(events):
        if told is None:
            yield b": heartbeat\n\n"
        else:
            data = json.dumps(told.event.data, separators=(",", ":"))
            yield f"event: {told.event.name}\ndata: {data}\nid: {told.place}\n\n".encode()
