"""What everything that is done with a conversation has: its session, its thread, and the runs entered on it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig

from crm.database import TenantSession
from crm.errors import ErasedError
from crm.ids import TenantId
from crm.repositories import runs, threads
from crm.work import Approval, Run, Thread
from graphs._watching import origin_of
from graphs.assistants import TURN, assistant_id
from graphs.runner import Runner
from trust.principal import Principal

MultitaskStrategy = Literal["reject", "enqueue", "interrupt", "rollback"]


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


class WrongAssistantError(Exception):
    """The thread goes by another graph, or what the graph is started with was given already."""


class ThreadBusyError(Exception):
    """The thread is at work or waits for a decision, and the caller wants nothing to be done then."""


class OverloadedError(Exception):
    """The tenant has too many unfinished runs, or the thread too many messages in its queue."""


@dataclass(frozen=True)
class Ask:
    """A run's request: what is said, in which setting, and how to stream it."""

    text: str | None
    message_id: str | None = None
    replaces: str | None = None
    """Id of the caller's last message, if this one is said in its place."""
    today: date | None = None
    instructions: str | None = None
    stream_mode: tuple[str, ...] = ("values",)
    details: Mapping[str, Any] | None = None
    strategy: MultitaskStrategy | None = None
    assistant: str = TURN.name
    """Name of the graph that the run goes by."""
    given: Mapping[str, Any] | None = None
    """In place of a message: what a graph is started with that takes none, validated."""
    in_background: bool = False
    """Nobody waits for it: it takes its turn in the durable queue, if there is one."""

    def context(self) -> dict[str, Any]:
        return {
            "today": None if self.today is None else self.today.isoformat(),
            "instructions": self.instructions,
        }


MAX_UNFINISHED = 5_000


@dataclass(frozen=True)
class Threads:
    """Knows the engine; every method takes the principal or the session it acts with."""

    runner: Runner
    max_unfinished: int = field(default=MAX_UNFINISHED, kw_only=True)
    """How many unfinished runs a tenant may have."""

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

    @staticmethod
    def _settle_on(thread: Thread, ask: Ask) -> None:
        """Let the thread go by the graph of its first run, for good. Raises: WrongAssistantError."""
        if thread.graph and ask.given is not None:
            raise WrongAssistantError(f"this thread was begun already: open another one to start {ask.assistant!r}")
        if thread.graph not in ("", ask.assistant):
            raise WrongAssistantError(f"this thread belongs to the assistant {thread.graph!r}")
        thread.graph = ask.assistant

    def _config(self, tenant: TenantId, thread_id: str, checkpoint_id: str | None = None) -> RunnableConfig:
        config = self.runner.config_for(tenant, thread_id)
        if checkpoint_id is not None:
            config["configurable"]["checkpoint_id"] = checkpoint_id
        return config

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
        starts_now = not unfinished and self.runner.has_room(session.tenant)
        return self._new_run(thread, request, ask, at=self.runner.clock(), starts_now=starts_now)

    def _new_run(
        self,
        thread: Thread,
        request: dict[str, Any],
        ask: Ask,
        *,
        at: datetime,
        starts_now: bool,
        otherwise: Literal["pending", "waiting"] = "pending",
    ) -> Run:
        lease: dict[str, Any] = self.runner.lease() if starts_now else {"status": otherwise, "attempt": 0}
        return Run(
            run_id=str(uuid.uuid4()),
            thread_id=thread.thread_id,
            assistant_id=thread.graph,
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
        told = {**thread.details, "graph_id": thread.graph, "assistant_id": assistant_id(thread.graph)}
        if told != thread.details:
            await threads.describe(session, thread, told)

    def _begins_here(self, tenant: TenantId, ask: Ask) -> bool:
        """Whether this process begins with a new run at once: somebody waits for it, and there is room."""
        if ask.in_background and self.runner.queue is not None:
            return False
        return self.runner.has_room(tenant)

    async def _start(self, tenant: TenantId, run: Run) -> None:
        """See to it that the run is worked on, when its turn in its thread comes."""
        if run.status == "running":
            self.runner.submit(tenant, run.thread_id, leased=run.run_id)
        else:
            await self.runner.enqueue(tenant, run)
