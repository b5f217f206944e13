"""What people do about requests: decide, answer, withdraw, propose again; each in one transaction with what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm.database import TenantSession
from crm.ids import TenantId
from crm.repositories import approvals as approval_rows
from crm.repositories import runs, threads
from crm.work import Approval, Run, Thread
from graphs._foreign import load_foreign
from graphs._threads import Ask, ThreadBusyError, Threads, WrongAssistantError
from graphs.answers import AnswerError, parse_answers
from graphs.context import RunContext
from tools._run import ToolError
from trust import approvals, audit
from trust.actions import UNDO
from trust.approvals import ApprovalClosedError, ApprovalError, ApprovalNotFoundError, NotEntitledError, Verdict
from trust.principal import Principal, load_principal
from trust.switches import require_running
from trust.undo import Undoing


class ReproposalError(ApprovalError):
    """The request cannot be made again as it was; the message says what stands in the way today."""


@dataclass(frozen=True)
class Deciding(Threads):
    """Locks the thread first and the request second, as everywhere, so that no two transactions wait for each other."""

    async def answer(self, principal: Principal, thread_id: str, resume: Any, ask: Ask) -> Run:
        """Take the caller's decisions on what the thread waits for, and go on.

        Raises: ThreadNotFoundError, WrongAssistantError, AnswerError, and the errors of `trust.approvals`.
        """
        async with self._session(principal) as session:
            thread = await self._own(session, principal, thread_id)
            interrupts = [one for waiting in thread.interrupts.values() for one in waiting]
        if thread.graph not in ("", ask.assistant):
            raise WrongAssistantError(f"this thread belongs to the assistant {thread.graph!r}")
        if thread.status == "busy":
            raise ThreadBusyError("the thread is at work; what it waited for was decided already")
        if not interrupts:
            raise ApprovalClosedError("the thread waits for nothing: what it waited for was decided or withdrawn")
        verdicts = parse_answers(resume, interrupts)
        _, run = await self.decide(principal, verdicts, stream_mode=ask.stream_mode, details=ask.details)
        if run is None:
            raise ApprovalClosedError("nothing of this is what the thread waits for")
        return run

    async def withdraw(self, principal: Principal, thread_id: str) -> Run | None:
        """Recall everything the thread waits for; None if it waits for nothing."""
        async with self._session(principal) as session:
            await self._own(session, principal, thread_id)
            waiting = await approval_rows.list_held(session, thread_id)
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
    ) -> tuple[list[Approval], Run | None]:
        """Take decisions, all or none, and in the same transaction enter the run that acts on them.

        A request that was edited is answered with the new one that took its place. One that no conversation waits for
        is carried out at once, without a run.
        Raises: the errors of `trust.approvals`, AnswerError, SwitchedOffError.
        """
        now = self.runner.clock()
        decided: list[Approval] = []
        run = None
        async with self._session(principal, write=True) as session:
            thread = await self._lock_thread_of(session, verdicts[0][0])
            crm = self.runner.desk.crm_for(session, principal, now)
            for approval_id, verdict in verdicts:
                approval = await approvals.decide(session, approval_id, verdict, principal, crm, at=now)
                if verdict.kind == "answer" and not await self._speaks_for_turn(session, approval, principal):
                    raise NotEntitledError("an answer steers the whole turn: this token has not all scopes it has")
                if verdict.kind in ("approve", "edit") and approval.tool != UNDO:
                    # Said only to those who may decide; what is switched off stays as it is until it is on again.
                    await require_running(session, principal, at=now, agent=approval.agent, tool=approval.tool)
                if approval.status == "edited" and approval.tool == UNDO:
                    raise AnswerError("decision: what is taken back cannot be edited; reject it instead")
                if approval.status == "edited":
                    approval = await self._revise(session, approval, principal)
                decided.append(await self._carry_out_alone(session, approval))
            awaited = [one for one in decided if not approvals.stands_alone(one)]
            if awaited:
                run = await self._resume_run(session, thread, awaited[0], stream_mode=stream_mode, details=details)
                await runs.add(session, run)
                await self._mark_busy(session, thread)
        if run is not None:
            await self._start(principal.tenant, run)
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

    async def _speaks_for_turn(self, session: TenantSession, approval: Approval, principal: Principal) -> bool:
        """Whether words said in place of a decision may steer the turn. It goes on with the scopes that it began with:
        its requester says there what their token lets them say, and no more."""
        if principal.id != approval.requester:
            return True
        origin = await runs.find(session, approval.run_id)
        return origin is None or frozenset(origin.request["scopes"]) <= principal.scopes

    async def _revise(self, session: TenantSession, approval: Approval, principal: Principal) -> Approval:
        """The request that stands in place of an edited one, made with the rights of its requester."""
        arguments, editor = approval.edited_arguments or {}, approval.decided_by or ""
        context = await self._context_of(session, approval, asked_by=principal)
        desk = self.runner.desk.of(context)
        revised = await desk.revise(session, approval, arguments, context, editor=editor)
        if isinstance(revised, ToolError):
            field = desk.catalogue[approval.tool].place_of(revised.field) if approval.tool in desk.catalogue else ""
            raise AnswerError(f"edited_action.args: {revised.message}", field=field and f"arguments.{field}")
        return revised

    async def _context_of(
        self, session: TenantSession, approval: Approval, *, asked_by: Principal | None = None
    ) -> RunContext:
        """The requester's rights as they are now, within the scopes that they asked with.

        `asked_by`: who wants a new request made. If it is the requester, it is within the scopes of that token, too.
        """
        origin = await runs.find(session, approval.run_id)
        scopes = frozenset(origin.request["scopes"]) if origin else frozenset()
        if asked_by is not None and asked_by.id == approval.requester:
            scopes &= asked_by.scopes
        now = self.runner.clock()
        return RunContext(
            principal=await load_principal(session, approval.requester, scopes, at=now),
            thread_id=approval.thread_id,
            run_id=approval.run_id,
            now=now,
            today=now.date(),
            foreign=await load_foreign(session),
        )

    async def _carry_out_alone(self, session: TenantSession, approval: Approval) -> Approval:
        """An approved request that no conversation waits for is carried out here; others are left as they are."""
        if not approvals.stands_alone(approval) or approval.status != "approved":
            return approval
        if approval.tool == UNDO:
            await self._take_back(session, approval)
        else:
            await self.runner.desk.carry_out(session, approval, await self._context_of(session, approval))
        return await approvals.reload(session, approval.approval_id)

    async def _take_back(self, session: TenantSession, approval: Approval) -> None:
        """What others have agreed to take back is taken back with their word."""
        run = await runs.find(session, approval.run_id)
        if run is None:
            raise ApprovalNotFoundError(approval.approval_id)
        await self.undoing.carry_out(session, approval, frozenset(run.request["scopes"]))

    @property
    def undoing(self) -> Undoing:
        """What callers can do about what was written."""
        return Undoing(self.runner.database, self.runner.desk.crm_for, self.runner.clock)

    async def repropose(self, principal: Principal, approval_id: str) -> Approval:
        """Make a request that was refused as stale, or ran out, again: the same arguments against today's values.

        It stays its requester's, who alone gives it rights, whoever asks for it; twice is once. What the tenant has
        approved in advance is carried out at once.
        Raises: ApprovalNotFoundError, ApprovalClosedError, NotEntitledError, ReproposalError, UnknownCallerError.
        """
        now = self.runner.clock()
        async with self._session(principal, write=True) as session:
            await self._lock_thread_of(session, approval_id)
            crm = self.runner.desk.crm_for(session, principal, now)
            approval = await approvals.find_seen(session, approval_id, principal, crm, at=now, for_update=True)
            approvals.require_reproposable(approval, principal, at=now)
            known = await approval_rows.find_by_key(session, approvals.key_again(approval))
            if known is not None:
                return known
            context = await self._context_of(session, approval, asked_by=principal)
            again = await self.runner.desk.of(context).propose_again(session, approval, context)
            if isinstance(again, ToolError):
                raise ReproposalError(f"the request cannot be made again: {again.message}")
            await audit.record(
                session,
                at=now,
                kind="approval.reproposed",
                actor=principal.id,
                subject=again.approval_id,
                payload={"of": approval_id},
            )
            return await self._carry_out_alone(session, again)

    async def expire_due(self, tenant: TenantId) -> int:
        """Close what nobody decided in time and let each conversation go on with that; gives how many there were.

        Any number of processes may do so at once: the row's own state says who was first.
        """
        async with self.runner.database.session(tenant) as session:
            due = await approval_rows.list_expired(session, at=self.runner.clock())
        by_thread: dict[str, list[str]] = {}
        for thread_id, approval_id in due:
            by_thread.setdefault(thread_id, []).append(approval_id)
        return sum([await self._expire(tenant, *pair) for pair in by_thread.items()])

    async def _expire(self, tenant: TenantId, thread_id: str, approval_ids: Sequence[str]) -> int:
        now = self.runner.clock()
        lapsed: list[Approval] = []
        run = None
        async with self.runner.database.session(tenant, write=True) as session:
            thread = await threads.get_for_service(session, thread_id)
            for approval_id in approval_ids:
                approval = await approval_rows.find(session, approval_id, for_update=True)
                if approval is None or approval.status != "pending" or approval.expires_at > now:
                    continue
                if await approvals.lapse(session, approval, "expired", at=now):
                    lapsed.append(approval)
            awaited = [one for one in lapsed if not approvals.stands_alone(one)]
            if awaited and thread is not None and not thread.is_erased:
                run = await self._resume_run(session, thread, awaited[0])
                await runs.add(session, run)
                await self._mark_busy(session, thread)
        if run is not None:
            await self._start(tenant, run)
        return len(lapsed)
