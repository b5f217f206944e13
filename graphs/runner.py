"""Works on runs: each on a lease, one at a time per thread, again from where it was if a process died over it."""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import GraphRecursionError
from langgraph.types import Command, StateSnapshot

from agents._gateway import ModelError
from crm.database import Database, TenantSession, is_unreachable
from crm.errors import ErasedError
from crm.ids import TenantId
from crm.repositories import approvals as approval_rows
from crm.repositories import runs, threads
from crm.repositories.access import UnknownCallerError
from crm.work import Run, Thread
from graphs._calls import CallDesk, RefusedInputError
from graphs._foreign import load_foreign
from graphs._log import RunLog, StreamEvent
from graphs._states import pending_interrupts
from graphs._translate import Translator, is_for, native_modes, public_values
from graphs._voice import Voice
from graphs._watching import note_end, watch_run
from graphs.assistants import ASSISTANTS, Assistant, Graphs
from graphs.checkpoints import acting_for, checkpoint_thread_id, forget_past
from graphs.context import RunContext
from graphs.lease import LeaseLostError, holding
from graphs.pacing import pause_after
from graphs.queue import Place, Queue
from graphs.versions import OrphanedRunError
from trust import approvals, ledger, notices
from trust.erasure import purge_expired
from trust.outgoing import load_outgoing
from trust.principal import load_principal
from trust.telemetry import Watcher

LEASE = timedelta(seconds=15)
"""How long a process is believed to be at work without saying so; what a run waits for when its process died."""
LOOK_EVERY_S = 2.0
SHARE = 0.05
"""How much of a process's time looking for work takes at most."""
POLL_EVERY_S = 0.2
PURGE_EVERY_S = 3_600.0
MAX_ATTEMPTS = 10
UNSEEN = timedelta(seconds=60)
"""How long a run's place in the queue is believed in without looking."""

_log = logging.getLogger(__name__)

_NOTHING = object()
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Room:
    """How much one process works on at once: `runs` altogether, `per_tenant` for one tenant, each for `seconds`."""

    runs: int = 64
    per_tenant: int = 32
    seconds: float = 900


class PoisonError(Exception):
    """Several processes died over the run, or gave it up; it is not tried again by itself."""


class Runner:
    """The engine of one process. Any number of processes may share a database; leases keep them apart."""

    def __init__(
        self,
        *,
        database: Database,
        saver: BaseCheckpointSaver[int],
        voice: Voice,
        desk: CallDesk,
        clock: Clock,
        executor: str | None = None,
        lease: timedelta = LEASE,
        queue: Queue | None = None,
        room: Room | None = None,
        assistants: Mapping[str, Assistant] = ASSISTANTS,
        watcher: Watcher | None = None,
    ) -> None:
        self.database = database
        self.watcher = watcher
        self.desk = desk
        self.clock = clock
        self.executor = executor or f"{uuid.uuid4()}"
        self._lease_for = lease
        self.queue = queue
        self.room = room or Room()
        self.saver = saver
        self.voice = voice
        self.graphs = Graphs(voice, desk, saver, assistants)
        self._logs: dict[str, RunLog] = {}
        self._leased: set[str] = set()
        self._stopping: set[str] = set()
        self._started = asyncio.Event()
        self._running: dict[str, tuple[TenantId, asyncio.Task[None]]] = {}
        self._workers: dict[tuple[TenantId, str], asyncio.Task[None]] = {}
        self._asked_again: set[tuple[TenantId, str]] = set()
        self._chores: list[asyncio.Task[None]] = []
        self._is_stopping = False

    # Life of the process

    async def start(self) -> None:
        """Pick up what a former process left, and keep looking for work that nobody does."""
        await self._adopt_all()
        self._chores = [
            asyncio.create_task(
                self._every(min(LOOK_EVERY_S, self._lease_for.total_seconds()), self._adopt_all, share=SHARE)
            ),
            asyncio.create_task(self._every(self._lease_for.total_seconds() / 4, self._renew_all)),
            asyncio.create_task(self._every(PURGE_EVERY_S, self.purge, at_once=True)),
        ]

    async def stop(self, *, patience_s: float = 10) -> None:
        """Let running work end, within `patience_s`; what is left is taken over by another process."""
        self._is_stopping = True
        for chore in self._chores[:1]:  # no new work; leases are prolonged until the last worker is gone
            chore.cancel()
        workers = list(self._workers.values())
        if workers:
            await asyncio.wait(workers, timeout=patience_s)
        for chore in self._chores:
            chore.cancel()
        left = [(tenant, run_id) for run_id, (tenant, _) in self._running.items()]
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, *self._chores, return_exceptions=True)
        for tenant, run_id in left:
            async with self.database.session(tenant, write=True) as session:
                await runs.release(session, run_id, by=self.executor)

    async def _every(
        self,
        seconds: float,
        chore: Callable[[], Coroutine[Any, Any, None]],
        *,
        at_once: bool = False,
        share: float = 1.0,
    ) -> None:
        """`share`: how much of the time the chore takes at most; it never comes later than a lease is long for that."""
        took, longest_s = 0.0, self._lease_for.total_seconds()
        while True:
            if not at_once:
                await asyncio.sleep(pause_after(took, every_s=seconds, share=share, longest_s=longest_s))
            at_once = False
            began = time.monotonic()
            try:
                await chore()
            except Exception:  # a chore that fails once is tried again; it holds no interrupt
                _log.exception("chore failed")
            took = time.monotonic() - began

    async def _adopt_all(self) -> None:
        for name in await self.database.tenants():
            tenant = TenantId(name)  # tenant-id: the service's own chores, for each tenant by itself
            if self.queue is not None:
                await self._put_back(tenant, self.queue)
                continue
            async with self.database.session(tenant) as session:
                waiting = await runs.list_claimable(session, at=self.clock())
            for thread_id in dict.fromkeys(run.thread_id for run in waiting):
                self.submit(tenant, thread_id)

    async def _put_back(self, tenant: TenantId, queue: Queue) -> None:
        """Give a place in the queue to every run of the tenant that has none, or has lost it."""
        now = self.clock()
        async with self.database.session(tenant) as session:
            fresh = now - timedelta(seconds=2 * LOOK_EVERY_S)
            found = await runs.list_misplaced(session, at=now, fresh=fresh, unseen=now - UNSEEN)
        places = [Place(tenant, run.thread_id, run.run_id, run.ticket) for run in found]
        held = [place for place, run in zip(places, found, strict=True) if run.queued_at is not None]
        lost = await queue.find_lost(held) if held else set()
        for place in places:
            await self._put(replace(place, ticket=place.ticket + 1) if place.key in lost else place, queue)

    async def enqueue(self, tenant: TenantId, run: Run) -> None:
        """Let any process work on a run that was accepted. Raises nothing: a run that misses the queue is found."""
        if self.queue is None:
            self.submit(tenant, run.thread_id)
            return
        try:
            await self._put(Place(tenant, run.thread_id, run.run_id, run.ticket), self.queue)
        except Exception:  # the run is stored; whoever looks for misplaced runs puts it into the queue
            _log.exception("run %s has no place in the queue yet", run.run_id)

    async def _put(self, place: Place, queue: Queue) -> None:
        """First into the queue, then into the row: a place is written down once it is taken."""
        await queue.put(place)
        async with self.database.session(place.tenant, write=True) as session:
            await runs.place(session, place.run_id, ticket=place.ticket, at=self.clock())

    async def carry(self, place: Place) -> None:
        """Work on a run whose turn the queue says it is, and on what else waits in its thread.

        Returns when nothing is left to do here: it is done, or somebody else does it, or it is not its turn.
        """
        key = (place.tenant, place.thread_id)
        if not self._is_stopping:
            self.submit(*key)
        if key in self._workers:
            await asyncio.wait([self._workers[key]])
        async with self.database.session(place.tenant) as session:
            run = await runs.find(session, place.run_id)
        if run is not None and run.status in runs.UNFINISHED:
            async with self.database.session(place.tenant, write=True) as session:
                await runs.displace(session, place.run_id, ticket=place.ticket, at=self.clock())

    async def find_free(self, places: Collection[Place]) -> list[Place]:
        """Those whose runs no living process works on."""
        free: list[Place] = []
        for tenant in {place.tenant for place in places}:
            mine = [place for place in places if place.tenant == tenant]
            async with self.database.session(tenant) as session:
                found = await runs.are_free(session, {place.run_id for place in mine}, at=self.clock())
            free += [place for place in mine if place.run_id in found]
        return free

    async def purge(self) -> None:
        """Erase the conversations that have outlived their tenants' retention."""
        await purge_expired(self.database, self.clock)

    async def _renew_all(self) -> None:
        for run_id, (tenant, task) in list(self._running.items()):
            async with self.database.session(tenant, write=True) as session:
                held = await runs.renew(session, run_id, by=self.executor, until=self.clock() + self._lease_for)
                run = await runs.find(session, run_id)
            if not held or (run is not None and run.cancel_requested):
                task.cancel()

    # Work

    def has_room(self, tenant: TenantId) -> bool:
        """Whether this process can begin with one more run of the tenant at once."""
        mine = sum(1 for owner, _ in self._workers if owner == tenant)
        return not self._is_stopping and len(self._workers) < self.room.runs and mine < self.room.per_tenant

    def lease(self) -> dict[str, Any]:
        """The columns of a run that this process starts on at once."""
        return {
            "status": "running",
            "lease_owner": self.executor,
            "lease_until": self.clock() + self._lease_for,
            "attempt": 1,
        }

    def submit(self, tenant: TenantId, thread_id: str, *, leased: str | None = None) -> None:
        """Work on the thread's runs, oldest first, unless this process does so already.

        `leased` is a run that was stored with this process's lease on it.
        """
        if leased is not None:
            self._leased.add(leased)
        key = (tenant, thread_id)
        worker = self._workers.get(key)
        if worker is not None and not worker.done():
            self._asked_again.add(key)  # it may have looked before the new run was there
            return
        self._workers[key] = asyncio.create_task(self._work(tenant, thread_id))
        self._workers[key].add_done_callback(lambda task: self._forget(key, task))

    def _forget(self, key: tuple[TenantId, str], task: asyncio.Task[None]) -> None:
        if self._workers.get(key) is task:
            del self._workers[key]
        if not task.cancelled() and task.exception() is not None:
            _log.error("worker failed", exc_info=task.exception())

    async def cancel(self, tenant: TenantId, run_id: str) -> None:
        """Stop a run: at once if it runs here, within a few seconds if it runs elsewhere."""
        async with self.database.session(tenant, write=True) as session:
            await runs.request_cancel(session, run_id)
            run = await runs.find(session, run_id)
        if run is None:
            return
        if run_id in self._running:
            self._running[run_id][1].cancel()
            return
        if run.status in runs.UNFINISHED and run.lease_owner == self.executor:
            self._stopping.add(run_id)  # it is about to begin and may have been read before it was cancelled
        self.submit(tenant, run.thread_id)

    async def _work(self, tenant: TenantId, thread_id: str) -> None:
        key = (tenant, thread_id)
        while True:
            self._asked_again.discard(key)
            async with self.database.session(tenant) as session:
                waiting = await runs.list_unfinished(session, thread_id)
            if waiting and await self._claim(tenant, waiting[0]):
                with watch_run(self.watcher, tenant, waiting[0], at=self.clock()):
                    await self._carry(tenant, waiting[0].run_id)
            elif key not in self._asked_again:
                return

    async def _claim(self, tenant: TenantId, run: Run) -> bool:
        """Whether the run is this process's to work on now."""
        now = self.clock()
        if run.run_id in self._leased:
            self._leased.discard(run.run_id)
            return True
        async with self.database.session(tenant, write=True) as session:
            return await runs.claim(session, run.run_id, by=self.executor, at=now, until=now + self._lease_for)

    async def _carry(self, tenant: TenantId, run_id: str) -> None:
        """One attempt at a run, from its lease to its end, whatever that is."""
        async with self.database.session(tenant) as session:
            run = await runs.find(session, run_id)
            last = await runs.last_event(session, run_id)
        if run is None:
            return
        log = self._logs[run_id] = RunLog(self.database, tenant, run.thread_id, run_id, last)
        self._announce()
        hosts = self.voice.screens.hosts(tenant)
        translator = Translator(tuple(run.request.get("stream_mode") or ("values",)), hosts)
        log.emit("metadata", {"run_id": run_id, "attempt": run.attempt})
        with holding(run_id, self.executor):
            flusher = asyncio.create_task(log.flush_until_stopped())
            attempt = asyncio.create_task(self._attempt(tenant, run, log, translator))
        self._running[run_id] = (tenant, attempt)
        if run_id in self._stopping:
            attempt.cancel()
        try:
            status, error = await self._await_end(attempt, run)
            log.stop_flushing()
            await flusher
            await self._finish(tenant, run, log, translator, status=status, error=error)
        except LeaseLostError:
            _log.warning("run %s was taken over by another process", run_id)
        except ErasedError:
            _log.warning("the conversation of run %s was erased", run_id)
        except Exception as error:
            if not is_unreachable(error):
                raise
            # Its lease runs out, and somebody begins again from where it was.
            _log.warning("run %s was left because the database could not be reached", run_id)
        finally:
            flusher.cancel()
            attempt.cancel()
            del self._running[run_id]
            self._stopping.discard(run_id)
            self._logs.pop(run_id, None)
            await log.mark_stored(log.stored, closed=True)

    async def _await_end(self, attempt: asyncio.Task[None], run: Run) -> tuple[str, dict[str, Any] | None]:
        """The status that a run ends with, and the error that clients are told."""
        try:
            done, _ = await asyncio.wait([attempt], timeout=self.room.seconds)
            if not done:
                attempt.cancel()
                await asyncio.wait([attempt])
        except asyncio.CancelledError:
            attempt.cancel()
            raise
        if not done:
            message = f"the run did not end within {self.room.seconds:g} seconds and was stopped"
            return "timeout", {"error": "Timeout", "message": message}
        if attempt.cancelled():
            return "interrupted", None
        fault = attempt.exception()
        if fault is None:
            return "success", None
        if isinstance(fault, LeaseLostError) or is_unreachable(fault):
            raise fault
        if isinstance(fault, PoisonError):
            return "error", {"error": "Parked", "message": str(fault)}
        if isinstance(fault, ModelError | RefusedInputError | UnknownCallerError):
            details = fault.details if isinstance(fault, ModelError) else {}
            return "error", {"error": type(fault).__name__.removesuffix("Error"), "message": str(fault)} | details
        if isinstance(fault, OrphanedRunError):
            return "parked", {"error": "OrphanedRun", "message": str(fault)}
        if isinstance(fault, GraphRecursionError):
            limit = self.graphs.assistants[run.assistant_id].step_limit
            return "error", {"error": "StepLimit", "message": f"the run did not end within {limit} steps"}
        reference = uuid.uuid4().hex[:12]
        told = {"fields": {"reference": reference}}
        _log.error("run %s failed, reference %s", run.run_id, reference, exc_info=fault, extra=told)
        return "error", {"error": "InternalError", "message": f"something went wrong; reference {reference}"}

    async def _attempt(self, tenant: TenantId, run: Run, log: RunLog, translator: Translator) -> None:
        if run.cancel_requested:
            raise asyncio.CancelledError
        if run.attempt > MAX_ATTEMPTS:
            raise PoisonError(f"given up after {MAX_ATTEMPTS} attempts; an operator may let it try again")
        context = await self.build_context(tenant, run)
        is_resume = run.request["kind"] == "resume"
        versions = self.graphs.versions_of(run.assistant_id)
        config = self.config_for(tenant, run.thread_id)
        config["recursion_limit"] = self.graphs.assistants[run.assistant_id].step_limit
        version, graph = await versions.graph_for(self.database, tenant, run.thread_id, is_resume=is_resume)
        with acting_for(tenant, version=version):
            snapshot = await graph.aget_state(config) if is_resume or run.attempt > 1 else None
            todo = _what_to_do(run, snapshot)
            if todo is _NOTHING:
                translator.values = dict(snapshot.values) if snapshot else {}
                translator.interrupts = pending_interrupts(snapshot)
                return
            stream = graph.astream(
                todo,
                config,
                context=context,
                stream_mode=native_modes(translator.modes),
                durability="sync" if is_resume else "exit",
                version="v2",
            )
            async with contextlib.aclosing(cast("AsyncGenerator[Any]", stream)) as parts:
                async for part in parts:
                    for name, data in translator.translate(part):
                        log.emit(name, data)

    async def build_context(self, tenant: TenantId, run: Run) -> RunContext:
        """The run's context as of now: rights come from the database, never from what was stored with the run."""
        now = self.clock()
        request = run.request
        async with self.database.session(tenant) as session:
            principal = await load_principal(session, run.on_behalf_of, frozenset(request["scopes"]), at=now)
            outgoing = await load_outgoing(session)
            foreign = await load_foreign(session)
        today = request.get("context", {}).get("today")
        return RunContext(
            principal=principal,
            thread_id=run.thread_id,
            run_id=request.get("turn_of") or run.run_id,
            now=now,
            today=date.fromisoformat(today) if today else now.date(),
            instructions=request.get("context", {}).get("instructions"),
            outgoing=outgoing,
            foreign=foreign,
        )

    def config_for(self, tenant: TenantId, thread_id: str) -> RunnableConfig:
        return {
            "configurable": {"thread_id": checkpoint_thread_id(tenant, thread_id)},
            "max_concurrency": 4,
        }

    async def _finish(
        self,
        tenant: TenantId,
        run: Run,
        log: RunLog,
        translator: Translator,
        *,
        status: str,
        error: dict[str, Any] | None,
    ) -> None:
        """Close the run, its stream and the thread's summary in one transaction. Raises: LeaseLostError."""
        interrupts = translator.interrupts if status == "success" else []
        if status == "success" and "values" in translator.modes:
            shown = public_values(translator.values)
            log.emit("values", shown | ({"__interrupt__": interrupts} if interrupts else {}))
        if error is not None:
            log.emit("error", error)
        log.emit("end", {"run_id": run.run_id, "status": status})
        note_end(status=status, rests=bool(interrupts), error=None if error is None else error["error"])
        now = self.clock()
        async with self.database.session(tenant, write=True) as session:
            text = None if error is None else error["message"]
            # The thread is locked first, as everywhere, so that no two transactions wait for each other.
            thread = await threads.get_for_service(session, run.thread_id)
            parked = error is not None and error["error"] == "Parked"
            ended = await runs.finish(
                session, run.run_id, by=self.executor, status=status, error=text, at=now, parked=parked
            )
            if not ended:
                raise LeaseLostError(run.run_id)
            pending = log.pending()
            told = [(event.name, event.data) for event in pending]
            await runs.add_events(session, run.run_id, pending[0].seq, told, thread_id=run.thread_id)
            if thread is not None:
                await self._update_thread(session, thread, run, translator, interrupts, error, status=status, at=now)
            await notices.tell_of_run(session, run, status=status, at=now)
            if not interrupts and status == "success":
                await forget_past(session, run.thread_id)
        await log.mark_stored(log.last, closed=True)

    async def _update_thread(
        self,
        session: TenantSession,
        thread: Thread,
        run: Run,
        translator: Translator,
        interrupts: list[dict[str, Any]],
        error: dict[str, str] | None,
        *,
        status: str,
        at: datetime,
    ) -> None:
        await (runs.hold_back if interrupts else runs.release_waiting)(session, run.thread_id)
        others = [one for one in await runs.list_unfinished(session, run.thread_id) if one.run_id != run.run_id]
        if status == "parked":  # what was approved stays approved, for a build that can go on with it
            thread.error = None if error is None else error["message"]
            thread.status, thread.updated_at = "busy" if others else "error", at
            return
        rest = "interrupted" if interrupts else "error" if error else "idle"
        thread.status = "busy" if others else rest
        thread.error = None if error is None else error["message"]
        thread.updated_at = at
        if status == "success":
            await threads.keep_values(session, thread, public_values(translator.values))
            thread.interrupts = {one["id"]: [one] for one in interrupts}
        if status != "success" and run.request["kind"] == "resume":
            if all(other.request["kind"] != "resume" for other in others):
                await self._abandon_approved(session, run.thread_id, at=at)
            return
        shown = {a["approval_id"] for one in interrupts for a in one["value"].get("approvals", ())}
        for stray in await approval_rows.list_held(session, run.thread_id):
            if stray.approval_id not in shown:
                await approvals.lapse(session, stray, "recalled", why="superseded", at=at)
        if not others:
            await self._abandon_approved(session, run.thread_id, at=at, but=shown)

    async def _abandon_approved(
        self, session: TenantSession, thread_id: str, *, at: datetime, but: Collection[str] = ()
    ) -> None:
        """Close what was approved and not carried out when its run ended: nobody comes back to it."""
        for left in await approval_rows.list_approvals(session, statuses=["approved"], thread_id=thread_id):
            if left.approval_id in but:
                continue
            await ledger.abandon(session, left, why="the run ended before the change was made", at=at)

    # Streams

    async def follow(
        self, tenant: TenantId, run_id: str, *, after: int = 0, modes: Iterable[str] | None = None
    ) -> AsyncIterator[StreamEvent]:
        """The run's events past `after`, from wherever it runs, until it ends."""
        wanted = None if modes is None else tuple(modes)
        while True:
            log = self._logs.get(run_id)
            if log is not None and (not log.events or log.events[0].seq <= after + 1):
                async for event in log.follow(after):
                    after = event.seq
                    if is_for(event.name, wanted):
                        yield event
            async with self.database.session(tenant) as session:
                run = await runs.find(session, run_id)
                stored = (
                    [] if run is None else await runs.list_events(session, run_id, thread_id=run.thread_id, after=after)
                )
            for row in stored:
                after = row.seq
                if is_for(row.event, wanted):
                    yield StreamEvent(row.seq, row.event, row.data)
            if run is None or (run.status not in runs.OPEN and not stored):
                return
            if not stored and run_id not in self._logs:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._started.wait(), POLL_EVERY_S)

    def _announce(self) -> None:
        """Wake those who wait for a run that has just started here."""
        self._started.set()
        self._started = asyncio.Event()


def _what_to_do(run: Run, snapshot: StateSnapshot | None) -> Any:
    """The graph's input: what is said or given, an answer to what it waits for, None to go on, or nothing at all.

    A run may have been worked on before by a process that died: the checkpoint tells how far it came.
    """
    if run.request["kind"] == "resume":
        interrupts = pending_interrupts(snapshot)
        if interrupts:
            return Command(resume={one["id"]: {"settled": True} for one in interrupts})
        return None if snapshot is not None and snapshot.tasks else _NOTHING
    if snapshot is not None and (snapshot.values.get("turn") or {}).get("run_id") == run.run_id:
        return None if snapshot.tasks and not pending_interrupts(snapshot) else _NOTHING
    return {"given" if run.request["kind"] == "start" else "messages": run.request["input"]}
