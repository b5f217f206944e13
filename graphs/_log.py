"""The events of a run while it runs: numbered at once, stored in small batches, shown to clients only once stored."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from crm.database import Database
from crm.ids import TenantId
from crm.repositories import runs, threads
from graphs.lease import require_lease

FLUSH_EVERY_S = 0.1


@dataclass(frozen=True)
class StreamEvent:
    """One event of a run's stream; `seq` counts from 1."""

    seq: int
    name: str
    data: Any


@dataclass
class RunLog:
    """The growing stream of one run in the process that works on it."""

    database: Database
    tenant: TenantId
    thread_id: str
    run_id: str
    last: int
    """Number of the last event given out."""
    stored: int = 0
    """Number of the last event in the database."""
    events: list[StreamEvent] = field(default_factory=list)
    is_closed: bool = False
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _dirty: asyncio.Event = field(default_factory=asyncio.Event)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.stored = self.last

    def emit(self, name: str, data: Any) -> None:
        self.last += 1
        self.events.append(StreamEvent(self.last, name, data))
        self._dirty.set()

    def pending(self) -> list[StreamEvent]:
        """Events that are not stored yet."""
        return [event for event in self.events if event.seq > self.stored]

    async def flush_until_stopped(self) -> None:
        """Store what comes, a batch at a time. Never cut off in the middle of a batch: it might be stored already."""
        while True:
            await self._dirty.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), FLUSH_EVERY_S)
            if self._stopped.is_set():
                return
            self._dirty.clear()
            batch = self.pending()
            if batch:
                told = [(event.name, event.data) for event in batch]
                async with self.database.session(self.tenant, write=True) as session:
                    await threads.lock(session, self.thread_id)
                    await require_lease(session)
                    await runs.add_events(session, self.run_id, batch[0].seq, told, thread_id=self.thread_id)
                await self.mark_stored(batch[-1].seq)

    def stop_flushing(self) -> None:
        """Let the flushing end after the batch at hand; what is pending then is the caller's to store."""
        self._stopped.set()
        self._dirty.set()

    async def mark_stored(self, seq: int, *, closed: bool = False) -> None:
        """Let readers have everything up to `seq`."""
        async with self._changed:
            self.stored = max(self.stored, seq)
            self.is_closed = self.is_closed or closed
            self._changed.notify_all()

    async def follow(self, after: int) -> AsyncIterator[StreamEvent]:
        """Stored events past `after`, as they come, until the run is closed."""
        while True:
            async with self._changed:
                while self.stored <= after and not self.is_closed:
                    await self._changed.wait()
                ready = [event for event in self.events if after < event.seq <= self.stored]
                done = self.is_closed
            for event in ready:
                after = event.seq
                yield event
            if done:
                return
