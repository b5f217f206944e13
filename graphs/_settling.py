"""What is done with decisions: the approval rows say what they are, the ledger carries them out."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from crm.database import TenantSession
from crm.repositories import approvals as approval_rows
from crm.schema import object_of
from crm.work import Approval
from graphs._requesting import Requests
from graphs._sending import address_again
from graphs._sight import notes_of, with_labels
from graphs._watching import note_rest
from graphs.context import RunContext
from graphs.lease import require_lease
from graphs.messages import failure, success, tool_answer
from graphs.requests import build_request
from graphs.state import Call, Message, TurnState
from tools._labels import Labelled, label_settled
from tools._run import ToolError
from trust import foreign_ledger, ledger
from trust.actions import Action, Effect, ForeignCall
from trust.approvals import key_edited, lapse
from trust.bound_labels import read_labels
from trust.decisions import Deny
from trust.enlisting import find_enlisted
from trust.labels import Integrity, Label
from trust.provenance import unknown_label


class Settling(Requests):
    """The part of the desk that carries out, refuses or waits on."""

    async def settle(self, state: TurnState, context: RunContext) -> TurnState:
        """Carry out what was decided. The approval rows say what that is; each is settled in its own transaction."""
        answers: list[Message] = []
        noted: dict[str, Any] = {}
        calls: list[Call] = []
        for call in state["calls"]:
            if call["verdict"] != "hold":
                calls.append(call)
                continue
            envelope, notes = await self._settle_one(call, context)
            if envelope is None:
                calls.append({**call, "approval_id": notes["waits_for"]})
                continue
            answer = tool_answer(call["id"], call["name"], envelope)
            answers.append(with_labels(answer, notes) if notes else answer)
            noted[answer["id"]] = notes
            calls.append({**call, "verdict": "withdrawn" if _is_recalled(envelope) else "answered"})
        update: TurnState = {"calls": calls, "messages": answers, "request": {}, "notes": noted}
        waiting = [call["approval_id"] for call in calls if call["verdict"] == "hold" and call["approval_id"]]
        if waiting:
            async with self.database.session(context.principal.tenant) as session:
                update["request"] = build_request(await approval_rows.list_by_ids(session, waiting))
        elif self.is_withdrawn(update):
            update["turn"] = state["turn"] | {"stopped": "withdrawn"}
        return update

    @staticmethod
    def is_withdrawn(update: TurnState) -> bool:
        """Whether the last requests were all recalled, so that there is nothing to go on with."""
        settled = {call["verdict"] for call in update["calls"] if call["approval_id"]}
        return settled == {"withdrawn"}

    async def _settle_one(self, call: Call, context: RunContext) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """The answer to the call and the labels of its values; or None and the id of the request that is still open."""
        principal = context.principal
        async with self.database.session(principal.tenant, write=True) as session:
            await require_lease(session)
            approval = await approval_rows.find(session, call["approval_id"] or "", for_update=True)
            approval = await self.newest(session, approval)
            if approval is None:
                return failure("expired", "the request is gone"), {}
            if approval.status == "pending" and approval.expires_at > context.now:
                return None, {"waits_for": approval.approval_id}
            note_rest(approval, until=context.now)
            if approval.status not in ("approved", "applied", "refused"):
                envelope = await self._decline(session, approval, context)
                return envelope, _notes_of_words(approval, envelope, context)
            if not self._is_foreign_call(approval):
                return await self.carry_out(session, approval, context)
        return await self._call_out(approval.approval_id, context)

    def _is_foreign_call(self, approval: Approval) -> bool:
        return approval.card.get("call") is not None

    async def _call_out(self, approval_id: str, context: RunContext) -> tuple[dict[str, Any], dict[str, Any]]:
        """The answer to an approved call of another's tool, which is begun in one transaction and ended in another."""
        principal = context.principal
        async with self.database.session(principal.tenant, write=True) as session:
            await require_lease(session)
            outcome = await foreign_ledger.begin(
                session, approval_id, principal, self._rebuild(session, context), at=context.now
            )
        if isinstance(outcome, foreign_ledger.Begun):
            begun = outcome
            if self.foreign is None:
                ended = foreign_ledger.Ended("refused", {"kind": "failed", "message": "no server can be reached"})
            else:
                ended = await self.foreign.carry_out(principal.tenant, begun.call)
            async with self.database.session(principal.tenant, write=True) as session:
                outcome = await foreign_ledger.end(session, begun, ended, at=context.now)
        if outcome.applied:
            return success(outcome.result), notes_of(_label_answer(outcome.result), context.run_id)
        return {"ok": False, "error": outcome.result}, {}

    async def tell_outcome(
        self, session: TenantSession, approval: Approval, context: RunContext
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What became of a request that was decided, for a call that nobody has answered, and the labels of it."""
        if approval.status not in ("applied", "refused"):
            envelope = await self._decline(session, approval, context)
            return envelope, _notes_of_words(approval, envelope, context)
        result = approval.result or {}
        is_foreign = self._is_foreign_call(approval)
        changes = ledger.changes_of(approval)
        labelled = _label_answer(result) if is_foreign else await label_settled(session, changes, result)
        if approval.status == "applied":
            return success(result), notes_of(labelled, context.run_id)
        return {"ok": False, "error": result}, notes_of(labelled, context.run_id, part="error")

    async def carry_out(
        self, session: TenantSession, approval: Approval, context: RunContext
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The answer to a call whose request was approved, and the labels of its values."""
        crm = self.crm_for(session, context.principal, context.now)
        outcome = await ledger.settle(
            session, approval.approval_id, context.principal, crm, self._rebuild(session, context), at=context.now
        )
        labelled = await label_settled(session, ledger.changes_of(approval), outcome.result)
        if outcome.applied:
            return success(outcome.result), notes_of(labelled, context.run_id)
        return {"ok": False, "error": outcome.result}, notes_of(labelled, context.run_id, part="error")

    async def read_decisions(self, calls: Iterable[Call], context: RunContext) -> dict[str, Approval]:
        """The requests behind calls as they were decided, by the id of the call; after an edit the newest one."""
        found: dict[str, Approval] = {}
        async with self.database.session(context.principal.tenant) as session:
            for call in calls:
                approval = await self.newest(session, await approval_rows.find(session, call["approval_id"] or ""))
                if approval is not None:
                    found[call["id"]] = approval
        return found

    async def newest(self, session: TenantSession, approval: Approval | None) -> Approval | None:
        """Follow a request to the one that took its place when a person edited it."""
        while approval is not None and approval.status == "edited":
            approval = await approval_rows.find_by_key(session, key_edited(approval))
        return approval

    async def _decline(self, session: TenantSession, approval: Approval, context: RunContext) -> dict[str, Any]:
        if approval.status in ("rejected", "answered"):
            crm = self.crm_for(session, context.principal, context.now)
            names = await crm.names_of([approval.decided_by or ""])
            who = names.get(approval.decided_by or "", "the approver")
            if approval.status == "answered":
                return failure("answered", f"{who} has not decided, and says: {approval.reason}")
            return failure("rejected", f"rejected by {who}" + (f": {approval.reason}" if approval.reason else ""))
        if approval.status == "recalled":
            return failure("recalled", "the requester withdrew it")
        if approval.status == "pending":
            await lapse(session, approval, "expired", at=context.now)
        return failure("expired", "nobody decided in time")

    def _rebuild(self, session: TenantSession, context: RunContext) -> Any:
        """How the ledger gets the action behind an approval: from the row and today's declarations, nothing else."""
        principal = context.principal

        async def rebuild(approval: Approval) -> Action | Deny:
            agent = self.roster.get(approval.agent)
            if agent is None:
                return Deny("roster", "the agent that asked no longer exists")
            action = self._validate(approval.tool, approval.arguments, principal, agent)
            if isinstance(action, ToolError):
                return Deny("catalogue", action.message)
            if action.schema_hash != approval.schema_hash:
                return Deny("catalogue", "the tool has changed since the request was made")
            bound = replace(action, **read_labels(approval.labels))
            if action.effect is Effect.SEND:
                tools = self._tool_context(session, context)
                hosts = self.screens.hosts(principal.tenant)
                one = self.catalogue[action.tool]
                return await address_again(session, one, bound, approval, principal, tools, hosts)
            changes = tuple(ledger.changes_of(approval))
            if self.catalogue[action.tool].is_foreign:
                server = self.roster[approval.agent].name
                call = ForeignCall(server, approval.card["call"]["tool"], dict(action.arguments))
                return replace(bound, changes=changes, call=call)
            return replace(bound, changes=changes, enlisted=await find_enlisted(session, changes))

        return rebuild


def _label_answer(result: Mapping[str, Any]) -> Labelled:
    """Of what came of a call of another's tool."""
    said = unknown_label("answer of a server of others")
    return Labelled({("answer",): said} if "answer" in result else {}, frozenset())


def _notes_of_words(approval: Approval, envelope: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """What a person said instead of approving is theirs: said by staff, and for staff unless the requester said it."""
    if not approval.reason or approval.status not in ("rejected", "answered"):
        return {}
    speaker = approval.decided_by or ""
    readers = None if speaker == approval.requester else frozenset[str]()
    trusted = Integrity.EXTERNAL if object_of(speaker) == "Contact" else Integrity.USER
    label = Label(trusted, frozenset({speaker}), readers, "a person's words on a request")
    labelled = Labelled({("message",): label}, frozenset())
    return notes_of(labelled, context.run_id, part="error")


def _is_recalled(envelope: dict[str, Any]) -> bool:
    return bool(envelope.get("error", {}).get("kind") == "recalled")
