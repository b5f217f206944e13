"""What callers can do with conversations: open, ask, decide, look, stop, delete."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from crm.database import TenantSession
from crm.errors import ErasedError
from crm.repositories import approvals as approval_rows
from crm.repositories import runs, threads
from crm.work import Approval, Run, Thread
from graphs._deciding import Deciding, ReproposalError
from graphs._states import describe_state
from graphs._threads import (
    Ask,
    MultitaskStrategy,
    OverloadedError,
    RunNotFoundError,
    ThreadBusyError,
    ThreadExistsError,
    ThreadNotFoundError,
    WrongAssistantError,
)
from graphs._watching import origin_of
from graphs.assistants import TURN, UNSEEN, assistant_id
from graphs.checkpoints import acting_for
from graphs.messages import human
from graphs.state import Message
from graphs.versions import Graph
from trust import approvals, audit
from trust.approvals import Verdict
from trust.inbox import WhileWaiting, get_while_waiting, known_way
from trust.principal import Principal
from trust.switches import require_running

__all__ = [
    "Ask",
    "Conversations",
    "MultitaskStrategy",
    "OverloadedError",
    "ReproposalError",
    "RunNotFoundError",
    "ThreadBusyError",
    "ThreadExistsError",
    "ThreadNotFoundError",
    "WrongAssistantError",
    "assistant_id",
]

MAX_QUEUED = 20
"""Messages that may wait in one conversation for a decision."""
MAX_ANSWER = approvals.MAX_ANSWER
_BY_STRATEGY: dict[str, WhileWaiting] = {"enqueue": "queue", "interrupt": "supersede", "rollback": "supersede"}


@dataclass(frozen=True)
class Conversations(Deciding):
    """The service behind the HTTP interface; every method takes the principal it acts for."""

    # Threads

    async def create_thread(
        self, principal: Principal, thread_id: str | None, details: Mapping[str, Any], *, reuse: bool = False
    ) -> Thread:
        """Raises: ThreadExistsError, also if the id is taken by somebody whom the caller does not see."""
        thread_id = thread_id or str(uuid.uuid4())
        async with self._session(principal, write=True) as session:
            existing = await threads.find(session, thread_id, owner=principal.id)
            if existing is not None and reuse:
                await threads.load_values(session, existing)
                return existing
            thread = None
            if existing is None:
                thread = await threads.create(
                    session, thread_id, owner=principal.id, details=details, at=self.runner.clock()
                )
            if thread is None:
                raise ThreadExistsError(f"thread {thread_id!r} exists already")
            return thread

    async def get_thread(self, principal: Principal, thread_id: str) -> Thread:
        """Raises: ThreadNotFoundError, ErasedError."""
        async with self._session(principal) as session:
            thread = await self._own(session, principal, thread_id)
            await threads.load_values(session, thread)
            return thread

    async def search_threads(self, principal: Principal, **criteria: Any) -> list[Thread]:
        """Single calls by assistants outside are among them only if they are asked for, by id or by graph."""
        asked_for = criteria.get("ids") is not None or "graph_id" in (criteria.get("details") or {})
        hidden = () if asked_for else UNSEEN
        async with self._session(principal) as session:
            return await threads.search(session, owner=principal.id, except_graphs=hidden, **criteria)

    async def count_threads(self, principal: Principal, status: str | None) -> int:
        async with self._session(principal) as session:
            return await threads.count(session, owner=principal.id, status=status, except_graphs=UNSEEN)

    async def update_thread(self, principal: Principal, thread_id: str, details: Mapping[str, Any]) -> Thread:
        """Merge `details` into the thread's metadata."""
        async with self._session(principal, write=True) as session:
            thread = await self._own(session, principal, thread_id, for_update=True)
            await threads.describe(session, thread, {**thread.details, **details})
            thread.updated_at = self.runner.clock()
            await threads.load_values(session, thread)
            return thread

    async def delete_thread(self, principal: Principal, thread_id: str) -> None:
        """Remove the conversation and its checkpoints. What it changed stays in the ledger and the audit."""
        async with self._session(principal, write=True) as session:
            await self._own(session, principal, thread_id, for_update=True)
            unfinished = await runs.list_unfinished(session, thread_id)
        for run in unfinished:
            await self.runner.cancel(principal.tenant, run.run_id)
        async with self._session(principal, write=True) as session:
            await self._own(session, principal, thread_id, for_update=True)
            await threads.remove(session, thread_id)
            await audit.record(
                session,
                at=self.runner.clock(),
                kind="thread.deleted",
                actor=principal.id,
                subject=thread_id,
                payload={},
            )

    async def get_state(self, principal: Principal, thread_id: str, checkpoint_id: str | None = None) -> dict[str, Any]:
        """The conversation at its newest or at a named checkpoint, in the protocol's shape."""
        thread = await self.get_thread(principal, thread_id)
        graph = self._graph_to_read(thread)
        with acting_for(principal.tenant):
            snapshot = await graph.aget_state(self._config(principal.tenant, thread_id, checkpoint_id))
        return describe_state(snapshot, thread_id)

    async def list_states(
        self, principal: Principal, thread_id: str, *, limit: int, before: str | None
    ) -> list[dict[str, Any]]:
        """Newest first."""
        thread = await self.get_thread(principal, thread_id)
        graph = self._graph_to_read(thread)
        earlier = None if before is None else self._config(principal.tenant, thread_id, before)
        config = self._config(principal.tenant, thread_id)
        with acting_for(principal.tenant):
            history = graph.aget_state_history(config, limit=limit, before=earlier)
            return [describe_state(snapshot, thread_id) async for snapshot in history]

    def _graph_to_read(self, thread: Thread) -> Graph:
        """Raises: OrphanedRunError."""
        versions = self.runner.graphs.versions_of(thread.graph or TURN.name, version=thread.graph_version)
        return versions.compiled_to_read(thread.graph_version)

    # Runs

    async def ask(self, principal: Principal, thread_id: str, ask: Ask) -> Run:
        """Accept a message; the run is stored before this returns, and worked on whatever becomes of the caller.

        What becomes of it while the thread waits for a decision: docs/inbox.md. The run is then the one that goes on
        with the turn, if the message was taken for an answer.
        Raises: ThreadNotFoundError, WrongAssistantError, ThreadBusyError, OverloadedError, SwitchedOffError.
        """
        accepted: list[Run] = []
        stopped: list[Run] = []
        async with self._session(principal, write=True) as session:
            await require_running(session, principal, at=self.runner.clock())
            thread = await self._own(session, principal, thread_id, for_update=True)
            self._settle_on(thread, ask)
            if await runs.count_unfinished(session) >= self.max_unfinished:
                raise OverloadedError("too many runs are waiting; try again in a moment")
            unfinished = await runs.list_unfinished(session, thread_id)
            waiting = await approval_rows.list_held(session, thread_id)
            queued = await runs.list_waiting(session, thread_id)
            if ask.strategy == "reject" and (unfinished or waiting):
                raise ThreadBusyError(
                    "the thread waits for a decision: take it or recall it first"
                    if waiting
                    else "the thread is at work"
                )
            way = await self._way(session, principal, thread, ask, waiting) if waiting else None
            if way == "queue":
                if len(queued) >= MAX_QUEUED:
                    raise OverloadedError("too many messages wait in this conversation for a decision: take it first")
                return await self._enter(session, thread, ask, principal, is_held_back=True)
            if ask.strategy in ("interrupt", "rollback"):
                stopped = [*unfinished, *queued]
            at = self.runner.clock()
            if way is not None:
                run = await self._close_held(session, principal, thread, waiting, ask, way)
                accepted.append(run)
                at = run.created_at + timedelta(microseconds=1)  # the order in which runs are worked on
            if way != "answer":
                starts_now = not unfinished and not way and self._begins_here(principal.tenant, ask)
                run = await self._enter(session, thread, ask, principal, at=at, starts_now=starts_now)
                accepted.append(run)
            await self._mark_busy(session, thread)
        for earlier in stopped:
            await self._stop(principal, earlier)
        for one in accepted:
            await self._start(principal.tenant, one)
        return run

    async def open_for(self, session: TenantSession, person: str, scopes: frozenset[str], ask: Ask) -> Run:
        """A conversation of the person's own that begins with a message, inside the caller's transaction.

        The run waits until it is put into the queue; it has the rights that the person has by then.
        """
        now = self.runner.clock()
        details = dict(ask.details or {})
        thread = await threads.create(session, str(uuid.uuid4()), owner=person, details=details, at=now)
        if thread is None:
            raise ThreadExistsError("a new thread id was taken")
        self._settle_on(thread, ask)
        run = self._new_run(thread, _request_of(ask, scopes), ask, at=now, starts_now=False)
        await runs.add(session, run)
        await self._mark_busy(session, thread)
        return run

    async def _way(
        self, session: TenantSession, principal: Principal, thread: Thread, ask: Ask, waiting: list[Approval]
    ) -> WhileWaiting:
        """What becomes of a message while the thread waits: as the caller says, else the thread, else the tenant."""
        asked = known_way(thread.details.get("while_waiting")) if ask.strategy is None else _BY_STRATEGY[ask.strategy]
        way = asked or await get_while_waiting(session)
        if way != "answer":
            return way
        # A customer's words are no staff's answer; and what is too long for an answer, or said with a token that does
        # not reach as far as the turn does, is a message of its own.
        is_answer = not principal.is_customer and len(ask.text or "") <= MAX_ANSWER
        return way if is_answer and await self._speaks_for_turn(session, waiting[0], principal) else "supersede"

    async def _enter(
        self,
        session: TenantSession,
        thread: Thread,
        ask: Ask,
        principal: Principal,
        *,
        at: Any = None,
        starts_now: bool = False,
        is_held_back: bool = False,
    ) -> Run:
        """A run for the message, stored."""
        request = _request_of(ask, principal.scopes)
        at = at or self.runner.clock()
        otherwise: Any = "waiting" if is_held_back else "pending"
        run = self._new_run(thread, request, ask, at=at, starts_now=starts_now, otherwise=otherwise)
        await runs.add(session, run)
        return run

    async def _close_held(
        self,
        session: TenantSession,
        principal: Principal,
        thread: Thread,
        waiting: list[Approval],
        ask: Ask,
        way: WhileWaiting,
    ) -> Run:
        """Recall or answer what the thread waits for; the run, stored, in which the turn goes on with that."""
        now = self.runner.clock()
        crm = self.runner.desk.crm_for(session, principal, now)
        for one in waiting:
            verdict = Verdict("answer", one.digest, ask.text) if way == "answer" else Verdict("recall", one.digest)
            await approvals.decide(session, one.approval_id, verdict, principal, crm, at=now)
        modes = ask.stream_mode if way == "answer" else ("values",)
        run = await self._resume_run(session, thread, waiting[0], stream_mode=modes, details=ask.details)
        await runs.add(session, run)
        return run

    async def _stop(self, principal: Principal, run: Run) -> None:
        """Stop a run that is at work, or take a message out of the queue."""
        async with self._session(principal, write=True) as session:
            is_out = await runs.drop_waiting(session, run, at=self.runner.clock())
        if not is_out:
            await self.runner.cancel(principal.tenant, run.run_id)

    async def get_run(self, principal: Principal, thread_id: str, run_id: str) -> Run:
        """Raises: ThreadNotFoundError, RunNotFoundError."""
        async with self._session(principal) as session:
            await self._own(session, principal, thread_id)
            run = await runs.find(session, run_id, thread_id=thread_id)
        if run is None:
            raise RunNotFoundError(run_id)
        return run

    async def list_runs(self, principal: Principal, thread_id: str, **criteria: Any) -> list[Run]:
        async with self._session(principal) as session:
            await self._own(session, principal, thread_id)
            return await runs.list_runs(session, thread_id, **criteria)

    async def cancel_run(self, principal: Principal, thread_id: str, run_id: str) -> None:
        await self._stop(principal, await self.get_run(principal, thread_id, run_id))

    async def delete_run(self, principal: Principal, thread_id: str, run_id: str) -> None:
        """Raises: ThreadBusyError while the run is unfinished."""
        run = await self.get_run(principal, thread_id, run_id)
        if run.status in runs.OPEN:
            raise ThreadBusyError("the run is not finished; cancel it first")
        async with self._session(principal, write=True) as session:
            await runs.remove(session, run_id)

    # Operations

    async def count_runs(self, principal: Principal) -> tuple[int, int]:
        """Of the whole tenant: runs that nobody has begun with, and runs that are not done."""
        async with self._session(principal) as session:
            return await runs.count_waiting(session), await runs.count_unfinished(session)

    async def list_parked(self, principal: Principal, *, limit: int) -> list[Run]:
        """Runs of the whole tenant that were given up, newest first."""
        async with self._session(principal) as session:
            return await runs.list_parked(session, limit=limit)

    async def retry(self, principal: Principal, run_id: str) -> Run:
        """Let a run that was given up try again. Raises: RunNotFoundError unless it was, ErasedError."""
        now = self.runner.clock()
        async with self._session(principal, write=True) as session:
            run = await runs.find(session, run_id)
            thread = None if run is None else await threads.get_for_service(session, run.thread_id)
            if run is None or thread is None or not await runs.unpark(session, run_id, at=now):
                raise RunNotFoundError(run_id)
            if thread.is_erased:
                raise ErasedError("thread")
            thread.status = "busy"
            payload = {"attempts": run.attempt}
            await audit.record(session, at=now, kind="run.retried", actor=principal.id, subject=run_id, payload=payload)
            run = await runs.find(session, run_id) or run
        await self.runner.enqueue(principal.tenant, run)
        return run

    async def get_approval(self, principal: Principal, approval_id: str) -> Approval:
        """Raises: ApprovalNotFoundError."""
        async with self._session(principal) as session:
            now = self.runner.clock()
            crm = self.runner.desk.crm_for(session, principal, now)
            return await approvals.find_seen(session, approval_id, principal, crm, at=now)


def _message_of(ask: Ask) -> Message:
    message = human(ask.text or "", ask.message_id)
    return message if ask.replaces is None else {**message, "replaces": ask.replaces}


def _request_of(ask: Ask, scopes: frozenset[str]) -> dict[str, Any]:
    starts = ask.given is not None
    return {
        "kind": "start" if starts else "message",
        "input": dict(ask.given or {}) if starts else [_message_of(ask)],
        "context": ask.context(),
        "scopes": sorted(scopes),
        "stream_mode": list(ask.stream_mode),
        "origin": origin_of(),
    }
