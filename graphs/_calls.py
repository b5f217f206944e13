"""The part of a turn that handles calls: every one guarded, reads run, writes held, decisions carried out."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents._agent import DomainAgent
from agents._gateway import PausedError
from crm.database import TenantSession
from crm.repositories import approvals as approval_rows
from crm.work import Approval
from graphs._settling import Settling
from graphs._sight import (
    Sight,
    TextsInSight,
    about_outside_text,
    look,
    notes_of,
    plan_after_reading,
    spell,
    value_at,
    with_labels,
)
from graphs.context import RunContext
from graphs.lease import require_lease
from graphs.messages import failure, human, success, text_of, tool_answer, unanswered_calls
from graphs.requests import build_request
from graphs.screens import added, orders
from graphs.state import Call, Message, TurnState
from tools._declare import find_json_fault
from tools._inputs import Seen, label_inputs
from tools._labels import Answered, Labelled, label_results
from tools._run import ToolError, read
from tools.outside_text import read_text
from trust import telemetry
from trust.actions import Action, Effect
from trust.approvals import Origin, is_preapproved
from trust.decisions import Deny, Hold
from trust.digests import digest_of
from trust.labels import Integrity, Label, join_all
from trust.policy import decide
from trust.principal import refresh
from trust.provenance import OUTSIDE
from trust.switches import SwitchedOffError

_SPEAKING = 40
"""Characters that a text has at least that could talk anybody into anything."""
FOREIGN_WORDS = Label(Integrity.EXTERNAL, frozenset({OUTSIDE}), None, "the description of a foreign tool")


class RefusedInputError(Exception):
    """The turn's input cannot be worked on; the message says why."""


@dataclass(frozen=True)
class CallDesk(Settling):
    """Knows the tools and the database; asks trust before anything happens."""

    async def admit(self, state: TurnState, context: RunContext) -> TurnState:
        """Check what came in, reset what counts per turn, and answer calls that an earlier turn left open.

        Raises: RefusedInputError, PausedError.
        """
        if context.principal.halts.everything is not None:
            raise PausedError(SwitchedOffError(context.principal.halts.everything, context.principal))
        messages = state.get("messages") or []
        last = messages[-1] if messages else None
        if last is None or last["type"] != "human" or not text_of(last).strip():
            raise RefusedInputError("messages: the last message must be the user's and must have text")
        left_open, noted = await self._answer_left_open(unanswered_calls(messages), context)
        again = [human(text_of(last), last["id"])]
        return {
            "messages": [*left_open, *again] if left_open else again,
            "notes": noted,
            "calls": [],
            "request": {},
            "turn": {
                "run_id": context.run_id,
                "model_calls": 0,
                "tool_calls": 0,
                "trail": [],
                "flags": self.screens.flag_text(context.principal.tenant, text_of(last), "user"),
            },
        }

    async def _answer_left_open(
        self, calls: Sequence[Mapping[str, Any]], context: RunContext
    ) -> tuple[list[Message], dict[str, Any]]:
        """What became of calls whose turn was broken off, and the labels of that; a change that was made must not pass
        for one that was not."""
        answers: list[Message] = []
        noted: dict[str, Any] = {}
        if not calls:
            return answers, noted
        async with self.database.session(context.principal.tenant) as session:
            newest_first = await approval_rows.list_approvals(session, thread_id=context.thread_id, limit=1_000)
            by_call = {one.call_id: one for one in reversed(newest_first)}
            for call in calls:
                envelope, notes = await self._outcome_of(session, by_call.get(call["id"]), context)
                answer = tool_answer(call["id"], call["name"], envelope)
                noted[answer["id"]] = notes
                answers.append(with_labels(answer, notes) if notes else answer)
        return answers, noted

    async def _outcome_of(
        self, session: TenantSession, approval: Approval | None, context: RunContext
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        told = ("applied", "refused", "rejected", "answered", "expired")
        if approval is None or approval.status not in told:
            return failure("recalled", "the user went on without it"), {}
        return await self.tell_outcome(session, approval, context)

    async def guard(self, state: TurnState, context: RunContext) -> TurnState:
        """Decide on every call; hold those that would change something, with their requests written down."""
        turn = dict(state["turn"])
        calls: list[Call] = []
        answers: list[Message] = []
        held: list[Approval] = []
        noted: dict[str, Any] = {}
        sight = look(state, context, self.cursor_key)
        async with self.database.session(context.principal.tenant, write=self._any_writes(state)) as session:
            if self._any_writes(state):
                await require_lease(session)
            context = await with_halts(session, context)
            for place, call in enumerate(map(_readable, state["calls"])):
                with telemetry.step("guard", title=f"guard {self._known(call)}") as watched:
                    verdict = await self._guard_one(session, call, state, context, place, sight)
                    watched.note({telemetry.TOOL: self._known(call), **_seen(verdict)})
                turn["trail"] = [*turn["trail"], _trace(call, verdict)]
                if isinstance(verdict, Approval) and is_preapproved(verdict):
                    envelope, notes = await self.carry_out(session, verdict, context)
                    answer = with_labels(tool_answer(call["id"], call["name"], envelope), notes)
                    answers.append(answer)
                    noted[answer["id"]] = notes
                    calls.append({**call, "verdict": "answered"})
                elif isinstance(verdict, Approval):
                    held.append(verdict)
                    calls.append({**call, "verdict": "hold", "approval_id": verdict.approval_id})
                elif isinstance(verdict, ToolError):
                    answers.append(tool_answer(call["id"], call["name"], verdict.to_json()))
                    calls.append({**call, "verdict": "answered"})
                else:
                    calls.append({**call, "verdict": "allow"})
        turn["tool_calls"] += len(state["calls"])
        request = build_request(held) if held else {}
        return {"calls": calls, "messages": answers, "request": request, "turn": turn, "notes": noted}

    def _known(self, call: Call) -> str:
        """The tool's name, if there is such a tool: a model may make up names, of anything."""
        return call["name"] if call["name"] in self.catalogue else telemetry.NAMELESS

    def _any_writes(self, state: TurnState) -> bool:
        tools = (self.catalogue.get(call["name"]) for call in state["calls"])
        return any(tool is not None and tool.effect is not Effect.READ for tool in tools)

    async def _guard_one(
        self,
        session: TenantSession,
        call: Call,
        state: TurnState,
        context: RunContext,
        place: int,
        sight: Sight,
    ) -> Approval | ToolError | None:
        """An approval that waits, an error that answers the call, or None: the call may run."""
        if place >= self.limits.calls_per_message:
            _tell_denial("calls_per_message")
            return ToolError("denied", f"at most {self.limits.calls_per_message} calls in one message")
        if call["verdict"] == "broken":
            return ToolError("retry", "the call could not be read: its arguments were not valid JSON")
        agent = self.roster[state["route"]["agent"]]
        action = self._validate(call["name"], call["arguments"], context.principal, agent)
        if isinstance(action, ToolError):
            if action.kind == "denied":
                _tell_denial("agent_tools")
            return action
        action = self._with_sight(action, call, state, sight)
        decision = decide(action, context.principal)
        if isinstance(decision, Deny):
            return ToolError.of(decision)
        if isinstance(decision, Hold):
            return ToolError("denied", "the call cannot be held before its changes are known")
        if action.effect is Effect.READ:
            return None
        origin = Origin(
            key=f"{context.run_id}:{call['id']}:{digest_of(dict(action.arguments))[:16]}",
            thread_id=context.thread_id,
            run_id=context.run_id,
            call_id=call["id"],
        )
        return await self.request_approval(session, action, context, origin)

    def _with_sight(self, action: Action, call: Call, state: TurnState, sight: Sight) -> Action:
        """The action with what is known about where its arguments come from."""
        agent, plan = self.roster[state["route"]["agent"]], state["turn"].get("plan")
        seen = _seen_by(agent, sight)
        if plan is None and seen is not sight.seen:
            plan = agent.tool_names
        return replace(
            action,
            plan=None if plan is None else frozenset(plan),
            inputs=label_inputs(
                self.catalogue[action.tool],
                call.get("written", call["arguments"]),
                seen,
                call.get("hidden", ()),
            ),
        )

    async def act(self, state: TurnState, context: RunContext) -> TurnState:
        """Run the calls that may run. A grant lives only as long as the call it is for, so it is made here."""
        waiting = [call for call in state["calls"] if call["verdict"] == "allow"]
        if not waiting:
            return {"messages": []}
        turn = dict(state["turn"])
        sight = look(state, context, self.cursor_key)
        async with self.database.session(context.principal.tenant) as session:
            context = await with_halts(session, context)
            envelopes, took = [], []
            for call in waiting:
                began = time.monotonic()
                envelopes.append(self._shorten(await self._read_one(session, call, state, context, sight)))
                took.append(round((time.monotonic() - began) * 1_000))
            read = [
                Answered(self.catalogue[c["name"]], e["result"], self._asked_with(c, state, sight))
                for c, e in zip(waiting, envelopes, strict=True)
                if e["ok"]
            ]
            labels = iter(await label_results(session, read))
        answers, noted = [], {}
        for call, envelope, took_ms in zip(waiting, envelopes, took, strict=True):
            answer = {**tool_answer(call["id"], call["name"], envelope), "took_ms": took_ms}
            if envelope["ok"]:
                labelled = next(labels)
                outside = {spell(path): value_at(envelope["result"], path) for path in labelled.outside}
                flags = self.screens.flag_result(context.principal.tenant, call["name"], outside)
                turn["flags"] = added(turn.get("flags", []), flags)
                self._doubt(envelope["result"], call, labelled, turn, state, context)
                noted[answer["id"]] = self._note(call, labelled, turn, state, sight)
                answer = with_labels(answer, noted[answer["id"]])
            answers.append(answer)
        return {"messages": answers, "turn": turn, "notes": noted}

    def _asked_with(self, call: Call, state: TurnState, sight: Sight) -> Label:
        """The label of a call's arguments together."""
        written, hidden = call.get("written", call["arguments"]), call.get("hidden", ())
        seen = _seen_by(self.roster[state["route"]["agent"]], sight)
        return join_all(one.label for one in label_inputs(self.catalogue[call["name"]], written, seen, hidden))

    def _doubt(
        self,
        result: dict[str, Any],
        call: Call,
        labelled: Labelled,
        turn: dict[str, Any],
        state: TurnState,
        context: RunContext,
    ) -> None:
        """Texts that count as staff's but talk to an assistant taint the turn: nothing passes without a person then."""
        inside = {
            spell(path): text
            for path, label in labelled.values.items()
            if label.integrity is Integrity.CRM_VERIFIED and len(text := str(value_at(result, path))) >= _SPEAKING
        }
        flags = [one for one in self.screens.flag_result(context.principal.tenant, call["name"], inside) if orders(one)]
        if flags:
            turn["flags"] = added(turn.get("flags", []), flags)
            turn["is_doubtful"] = True
            agent = self.roster[state["route"]["agent"]]
            turn["plan"] = turn.get("plan") or sorted(agent.tool_names)

    def _note(
        self, call: Call, labelled: Labelled, turn: dict[str, Any], state: TurnState, sight: Sight
    ) -> dict[str, Any]:
        """The labels of what was read. Reading outside text settles which tools the rest of the turn may use."""
        if call["name"] == read_text.name:
            agent = self.roster[state["route"]["agent"]]
            turn["plan"] = plan_after_reading(agent.tools, call["arguments"].get("tools_needed", ()), turn.get("plan"))
        more = about_outside_text(call, sight)
        if self.catalogue[call["name"]].judges_outside and labelled.outside:
            more = {"is_extracted": True, "extracted": join_all(labelled.outside.values()).to_json()}
        return notes_of(labelled, turn.get("run_id", ""), **more)

    async def _read_one(
        self, session: TenantSession, call: Call, state: TurnState, context: RunContext, sight: Sight
    ) -> dict[str, Any]:
        agent = self.roster[state["route"]["agent"]]
        action = self._validate(call["name"], call["arguments"], context.principal, agent)
        if isinstance(action, ToolError):
            return action.to_json()
        grant = decide(action, context.principal)
        if isinstance(grant, Deny):
            return ToolError.of(grant).to_json()
        if isinstance(grant, Hold):
            return failure("denied", "this call needs an approval")
        tool = self.catalogue[action.tool]
        try:
            async with asyncio.timeout(self.limits.tool_timeout_s):
                tools = self._tool_context(session, context)
                texts = TextsInSight(sight.seen.handles, context, self.extractor)
                result = await read(grant, action, context.principal, tool, replace(tools, outside=texts))
        except TimeoutError:
            return failure("failed", f"{tool.name} took longer than {self.limits.tool_timeout_s:g} seconds")
        return result.to_json() if isinstance(result, ToolError) else success(result.model_dump(mode="json"))

    def _shorten(self, envelope: dict[str, Any]) -> dict[str, Any]:
        size = len(json.dumps(envelope, ensure_ascii=False))
        if size <= self.limits.result_chars:
            return envelope
        return failure("retry", f"the result is too long ({size} characters): ask for fewer records or fewer fields")


def _seen_by(agent: DomainAgent, sight: Sight) -> Seen:
    """What the model that calls has in sight: a foreign one, or one that has foreign tools, more than is known of."""
    if agent.is_outside:
        writers = sight.seen.own.writers | {OUTSIDE}
        words = Label(Integrity.EXTERNAL, writers, frozenset(), "an assistant outside")
        return replace(sight.seen, own=words, typed=words)
    return sight.seen.beside(FOREIGN_WORDS) if any(tool.is_foreign for tool in agent.tools) else sight.seen


async def with_halts(session: TenantSession, context: RunContext) -> RunContext:
    """The context with what is switched off at this moment."""
    return replace(context, principal=await refresh(session, context.principal, at=context.now))


def _readable(call: Call) -> Call:
    """The call; without arguments and broken if they are no JSON: no digest, log or card could take them."""
    if find_json_fault(call["arguments"]) is None:
        return call
    return {**call, "arguments": {}, "verdict": "broken"}


def _tell_denial(why: str) -> None:
    """A call was denied before there was anything that guards could be asked about."""
    notes = {telemetry.GUARD: why, telemetry.DECISION: "deny", telemetry.TOOL: telemetry.NAMELESS}
    telemetry.happened("decision", notes)


def _seen(verdict: Approval | ToolError | None) -> dict[str, telemetry.Value | None]:
    """What became of a call, for those who watch."""
    if isinstance(verdict, Approval):
        outcome = "preapproved" if is_preapproved(verdict) else "hold"
        return {telemetry.OUTCOME: outcome, telemetry.APPROVAL: verdict.approval_id}
    return {telemetry.OUTCOME: "allow" if verdict is None else verdict.kind}


def _trace(call: Call, verdict: Approval | ToolError | None) -> dict[str, object]:
    """What the audit keeps of a call: the decision and a digest of the arguments, not the arguments."""
    outcome = "allow" if verdict is None else "hold" if isinstance(verdict, Approval) else verdict.kind
    return {"tool": call["name"][:60], "decision": outcome, "arguments": digest_of(call["arguments"])}
