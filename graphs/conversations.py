"""What callers can do with conversations: open, ask, decide, look, stop, delete."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig

from crm.database import TenantSession
from crm.errors import ErasedError
from crm.ids import TenantId
from crm.repositories import approvals as approval_rows
from crm.repositories import runs, threads
from crm.work import Approval, Run, Thread
from graphs._states import describe_state
from graphs._watching import origin_of
from graphs.answers import AnswerError, parse_answers
from graphs.checkpoints import acting_for
from graphs.context import RunContext
from graphs.messages import human
from graphs.runner import Runner
from graphs.turn import GRAPH_NAME
from tools._run import ToolError
from trust import approvals, audit
from trust.approvals import ApprovalClosedError, ApprovalNotFoundError, Verdict
from trust.principal import Principal, load_principal

MultitaskStrategy = Literal["reject", "enqueue", "interrupt", "rollback"]
MAX_UNFINISHED = 200


class ThreadNotFoundError(Exception):
    """There is no such thread, or it is somebody else's."""

    def __init__(self, thread_id: str) -> None:
        super().__init__(f"no thread {thread_id!r} that you can see")


class ThreadExistsError(Exception):
    """The thread id is taken."""


class RunNotFoundError(Exception):
    """The thread has no such run."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"no run {run_id!r} in this thread")


class ThreadBusyError(Exception):
    """The thread is at work or waits for a decision, and the caller did not say what to do about it."""


class OverloadedError(Exception):
    """The tenant has too many unfinished runs."""


@dataclass(frozen=True)
class Ask:
    """A run's request: what is said, in which setting, and how to stream it."""

    text: str | None
    message_id: str | None = None
    today: date | None = None
    instructions: str | None = None
    stream_mode: tuple[str, ...] = ("values",)
    details: Mapping[str, Any] | None = None
    strategy: MultitaskStrategy | None = None

    def context(self) -> dict[str, Any]:
        return {
            "today": None if self.today is None else self.today.isoformat(),
            "instructions": self.instructions,
        }


@dataclass(frozen=True)
class Conversations:
    """The service behind the HTTP interface; every method takes the principal it acts for."""

    runner: Runner

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
        async with self._session(principal) as session:
            return await threads.search(session, owner=principal.id, **criteria)

    async def count_threads(self, principal: Principal, status: str | None) -> int:
        async with self._session(principal) as session:
            return await threads.count(session, owner=principal.id, status=status)

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
        await self.get_thread(principal, thread_id)
        with acting_for(principal.tenant):
            snapshot = await self.runner.graph.aget_state(self._config(principal.tenant, thread_id, checkpoint_id))
        return describe_state(snapshot, thread_id)

    async def list_states(
        self, principal: Principal, thread_id: str, *, limit: int, before: str | None
    ) -> list[dict[str, Any]]:
        """Newest first."""
        await self.get_thread(principal, thread_id)
        earlier = None if before is None else self._config(principal.tenant, thread_id, before)
        config = self._config(principal.tenant, thread_id)
        with acting_for(principal.tenant):
            history = self.runner.graph.aget_state_history(config, limit=limit, before=earlier)
            return [describe_state(snapshot, thread_id) async for snapshot in history]

    # Runs

    async def ask(self, principal: Principal, thread_id: str, ask: Ask) -> Run:
        """Accept a message; the run is stored before this returns, and worked on whatever becomes of the caller.

        Raises: ThreadNotFoundError, ThreadBusyError, OverloadedError.
        """
        now = self.runner.clock()
        accepted: list[Run] = []
        async with self._session(principal, write=True) as session:
            thread = await self._own(session, principal, thread_id, for_update=True)
            if await runs.count_unfinished(session) >= MAX_UNFINISHED:
                raise OverloadedError("too many runs are waiting; try again in a moment")
            unfinished = await runs.list_unfinished(session, thread_id)
            if unfinished and ask.strategy == "reject":
                raise ThreadBusyError("the thread is at work on an earlier message")
            waiting = await approval_rows.list_approvals(session, statuses=["pending"], thread_id=thread_id)
            if waiting and ask.strategy not in ("interrupt", "rollback"):
                raise ThreadBusyError(
                    "the thread waits for a decision: decide or recall it first, "
                    "or send multitask_strategy 'interrupt' to withdraw it and go on"
                )
            if waiting:
                await self._withdraw(session, principal, waiting)
                withdrawal = await self._resume_run(session, thread, waiting[0])
                await runs.add(session, withdrawal)
                accepted.append(withdrawal)
                now = withdrawal.created_at + timedelta(microseconds=1)  # the order in which runs are worked on
            request = {
                "kind": "message",
                "input": [human(ask.text or "", ask.message_id)],
                "context": ask.context(),
                "scopes": sorted(principal.scopes),
                "stream_mode": list(ask.stream_mode),
                "origin": origin_of(),
            }
            run = self._new_run(thread, request, ask, at=now, starts_now=not unfinished and not waiting)
            await runs.add(session, run)
            accepted.append(run)
            await self._mark_busy(session, thread)
        if ask.strategy in ("interrupt", "rollback"):
            for earlier in unfinished:
                await self.runner.cancel(principal.tenant, earlier.run_id)
        for one in accepted:
            self._start(principal.tenant, one)
        return run

    async def answer(self, principal: Principal, thread_id: str, resume: Any, ask: Ask) -> Run:
        """Take the caller's decisions on what the thread waits for, and go on.

        Raises: ThreadNotFoundError, AnswerError, and the errors of `trust.approvals`.
        """
        async with self._session(principal) as session:
            thread = await self._own(session, principal, thread_id)
            interrupts = [one for waiting in thread.interrupts.values() for one in waiting]
        if thread.status == "busy":
            raise ThreadBusyError("the thread is at work; what it waited for was decided already")
        if not interrupts:
            raise ApprovalClosedError("the thread waits for nothing: what it waited for was decided or withdrawn")
        verdicts = parse_answers(resume, interrupts)
        _, run = await self.decide(principal, verdicts, stream_mode=ask.stream_mode, details=ask.details)
        return run

    async def withdraw(self, principal: Principal, thread_id: str) -> Run | None:
        """Recall everything the thread waits for; None if it waits for nothing."""
        async with self._session(principal) as session:
            await self._own(session, principal, thread_id)
            waiting = await approval_rows.list_approvals(session, statuses=["pending"], thread_id=thread_id)
        if not waiting:
            return None
        recall = [(one.approval_id, Verdict("recall", one.digest)) for one in waiting]
        return (await self.decide(principal, recall))[1]

    async def decide(
        self,
        principal: Principal,
        verdicts: Sequence[tuple[str, Verdict]],
        *,
        stream_mode: Sequence[str] = ("values",),
        details: Mapping[str, Any] | None = None,
    ) -> tuple[list[Approval], Run]:
        """Take decisions, all or none, and in the same transaction enter the run that acts on them.

        A request that was edited is answered with the new one that took its place.
        Raises: the errors of `trust.approvals`, AnswerError.
        """
        now = self.runner.clock()
        decided: list[Approval] = []
        async with self._session(principal, write=True) as session:
            thread = await self._lock_thread_of(session, verdicts[0][0])
            crm = self.runner.desk.crm_for(session, principal, now)
            for approval_id, verdict in verdicts:
                approval = await approvals.decide(session, approval_id, verdict, principal, crm, at=now)
                if approval.status == "edited":
                    approval = await self._revise(session, approval)
                decided.append(approval)
            run = await self._resume_run(session, thread, decided[0], stream_mode=stream_mode, details=details)
            await runs.add(session, run)
            await self._mark_busy(session, thread)
        self._start(principal.tenant, run)
        if any(approval.status == "expired" for approval in decided):
            raise ApprovalClosedError("the request has expired: nobody decided in time")
        return decided, run

    async def _lock_thread_of(self, session: TenantSession, approval_id: str) -> Thread:
        """The thread that waits for the approval. It is locked before the approval, as everywhere.

        Raises: ApprovalNotFoundError.
        """
        approval = await approval_rows.find(session, approval_id)
        thread = None if approval is None else await threads.get_for_service(session, approval.thread_id)
        if thread is None:
            raise ApprovalNotFoundError(approval_id)
        return thread

    async def _revise(self, session: TenantSession, approval: Approval) -> Approval:
        """The request that stands in place of an edited one, made with the rights of its requester."""
        origin = await runs.find(session, approval.run_id)
        scopes = frozenset(origin.request["scopes"]) if origin else frozenset()
        requester = await load_principal(session, approval.requester, scopes)
        now = self.runner.clock()
        context = RunContext(
            principal=requester,
            thread_id=approval.thread_id,
            run_id=approval.run_id,
            now=now,
            today=now.date(),
        )
        arguments, editor = approval.edited_arguments or {}, approval.decided_by or ""
        revised = await self.runner.desk.revise(session, approval, arguments, context, editor=editor)
        if isinstance(revised, ToolError):
            raise AnswerError(f"edited_action.args: {revised.message}")
        return revised

    async def _withdraw(self, session: TenantSession, principal: Principal, waiting: Sequence[Approval]) -> None:
        now = self.runner.clock()
        crm = self.runner.desk.crm_for(session, principal, now)
        for one in waiting:
            await approvals.decide(session, one.approval_id, Verdict("recall", one.digest), principal, crm, at=now)

    async def _resume_run(
        self,
        session: TenantSession,
        thread: Thread,
        approval: Approval,
        *,
        stream_mode: Sequence[str] = ("values",),
        details: Mapping[str, Any] | None = None,
    ) -> Run:
        """A run that goes on with the turn which made the request, in its setting and with its requester's rights."""
        origin = await runs.find(session, approval.run_id)
        before: Mapping[str, Any] = origin.request if origin else {"scopes": [], "context": {}}
        request = {
            "kind": "resume",
            "turn_of": approval.run_id,
            "context": before["context"],
            "scopes": before["scopes"],
            "stream_mode": list(stream_mode),
            "origin": origin_of(before.get("origin") or {}),
        }
        unfinished = await runs.list_unfinished(session, thread.thread_id)
        ask = Ask(None, details=details)
        return self._new_run(thread, request, ask, at=self.runner.clock(), starts_now=not unfinished)

    def _new_run(self, thread: Thread, request: dict[str, Any], ask: Ask, *, at: Any, starts_now: bool) -> Run:
        lease: dict[str, Any] = self.runner.lease() if starts_now else {"status": "pending", "attempt": 0}
        return Run(
            run_id=str(uuid.uuid4()),
            thread_id=thread.thread_id,
            assistant_id=GRAPH_NAME,
            on_behalf_of=thread.owner,
            request=request,
            details=dict(ask.details or {}),
            multitask_strategy=ask.strategy,
            created_at=at,
            updated_at=at,
            **lease,
        )

    async def _mark_busy(self, session: TenantSession, thread: Thread) -> None:
        thread.status = "busy"
        thread.interrupts = {}
        thread.updated_at = self.runner.clock()
        told = {**thread.details, "graph_id": GRAPH_NAME, "assistant_id": assistant_id()}
        if told != thread.details:
            await threads.describe(session, thread, told)

    def _start(self, tenant: TenantId, run: Run) -> None:
        self.runner.submit(tenant, run.thread_id, leased=run.run_id if run.status == "running" else None)

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
        run = await self.get_run(principal, thread_id, run_id)
        await self.runner.cancel(principal.tenant, run.run_id)

    async def delete_run(self, principal: Principal, thread_id: str, run_id: str) -> None:
        """Raises: ThreadBusyError while the run is unfinished."""
        run = await self.get_run(principal, thread_id, run_id)
        if run.status in runs.UNFINISHED:
            raise ThreadBusyError("the run is not finished; cancel it first")
        async with self._session(principal, write=True) as session:
            await runs.remove(session, run_id)

    # Approvals

    async def list_approvals(
        self, principal: Principal, *, statuses: Sequence[str], limit: int, **criteria: Any
    ) -> list[Approval]:
        """Newest first: the caller's own requests, and those the caller may decide."""
        found: list[Approval] = []
        before = None
        if not principal.access.permissions:  # whoever has none decides at most their own
            criteria["requester"] = principal.id
        async with self._session(principal) as session:
            crm = self.runner.desk.crm_for(session, principal, self.runner.clock())
            while len(found) < limit:
                batch = await approval_rows.list_approvals(
                    session, statuses=statuses, limit=100, before=before, **criteria
                )
                found += [one for one in batch if not one.is_erased and await approvals.can_see(one, principal, crm)]
                if len(batch) < 100:
                    break
                before = (batch[-1].created_at, batch[-1].approval_id)
        return found[:limit]

    async def get_approval(self, principal: Principal, approval_id: str) -> Approval:
        """Raises: ApprovalNotFoundError."""
        async with self._session(principal) as session:
            approval = await approval_rows.find(session, approval_id)
            crm = self.runner.desk.crm_for(session, principal, self.runner.clock())
            if approval is None or not await approvals.can_see(approval, principal, crm):
                raise ApprovalNotFoundError(approval_id)
            return approval

    # Parts

    def _session(self, principal: Principal, *, write: bool = False) -> Any:
        return self.runner.database.session(principal.tenant, write=write)

    async def _own(
        self, session: TenantSession, principal: Principal, thread_id: str, *, for_update: bool = False
    ) -> Thread:
        thread = await threads.find(session, thread_id, owner=principal.id, for_update=for_update)
        if thread is None:
            raise ThreadNotFoundError(thread_id)
        if thread.is_erased:
            raise ErasedError("thread")
        return thread

    def _config(self, tenant: TenantId, thread_id: str, checkpoint_id: str | None = None) -> RunnableConfig:
        config = self.runner.config_for(tenant, thread_id)
        if checkpoint_id is not None:
            config["configurable"]["checkpoint_id"] = checkpoint_id
        return config


def assistant_id() -> str:
    """The id that clients of the protocol expect for the default assistant of a graph of this name."""
    return str(uuid.uuid5(uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8"), GRAPH_NAME))
