"""The part of a turn that speaks: chooses who answers, asks the model, words what no model has to say."""

import hashlib
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from agents._agent import DomainAgent
from agents._gateway import Answer, BudgetError, Gateway, ModelError, PausedError
from agents._prompts import build_system_prompt, own_lines
from agents._router import ROUTER_PROMPT, Route, choice_tool, route_by_words
from crm.database import Database, TenantSession
from graphs._asking import asking_of
from graphs._ending import enter_end
from graphs._outlet import Outlet, Writer
from graphs._sight import HandleStream, look, note_what_was_written
from graphs.context import Limits, RunContext
from graphs.messages import answered, answered_call, spoken, storable, text_of, to_model
from graphs.screens import Screens, added
from graphs.state import Call, Message, TurnState
from tools._declare import find_json_fault
from trust.answers import AnswerCheck, note_for_model
from trust.digests import digest_of
from trust.evidence import gather
from trust.grounding import Grounding
from trust.handles import HANDLE
from trust.user_words import describe

KeepTexts = Callable[[TenantSession, RunContext, Sequence[Message]], Awaitable[None]]

MAX_CALL_ID = 64
MAX_TOOL_NAME = 200


@dataclass(frozen=True)
class Voice:
    """`gateway_for` gives the model of a tenant."""

    roster: Mapping[str, DomainAgent]
    gateway_for: Callable[[str], Gateway]
    database: Database
    limits: Limits
    secret: bytes
    """Makes the handles of outside text."""
    screens: Screens = field(default_factory=Screens)
    keep_texts: KeepTexts | None = None
    """Called with the messages of a turn as it ends, where a tenant's retention keeps prompts and answers."""

    async def route(self, state: TurnState, context: RunContext) -> TurnState:
        """Words first; a model only where they say nothing; otherwise outside the copilot's field."""
        text = _last_words(state)
        previous = state.get("route", {}).get("agent")
        route = route_by_words(text, self.roster, context.principal.access, previous=previous)
        turn = dict(state["turn"])
        if route is None:
            route = await self._ask_for_route(text, context, turn)
        return {
            "route": {"kind": route.kind, "agent": route.agent or previous, "reason": route.reason},
            "turn": turn,
        }

    async def _ask_for_route(self, text: str, context: RunContext, turn: dict[str, Any]) -> Route:
        """What a model chooses; outside the copilot's field if it does not. Raises: BudgetError, PausedError."""
        messages = [SystemMessage(ROUTER_PROMPT), HumanMessage(text[:4000])]
        asking = asking_of(context, frozenset(ROUTER_PROMPT.split("\n")))
        outside = Route("off_topic", None, "nothing to do with the CRM")
        try:
            answer = await self.gateway_for(context.principal.tenant).ask(messages, [choice_tool(self.roster)], asking)
        except (BudgetError, PausedError):
            raise
        except ModelError:
            return outside
        turn["asked"] = [*turn.get("asked", []), answer.to_json()]
        for call in answer.message.tool_calls:
            chosen = call["args"].get("agent")
            if call["name"] == "choose_agent" and chosen in self.roster:
                return Route("agent", chosen, "chosen by the model")
        return outside

    async def answer(self, state: TurnState, context: RunContext, writer: Writer) -> TurnState:
        """The model's next message, and the calls in it that are to be guarded. Raises: ModelError.

        Its words are checked, and go to `writer` as they pass.
        """
        turn = dict(state["turn"])
        if turn["model_calls"] >= self.limits.model_calls or turn["tool_calls"] >= self.limits.tool_calls:
            return {"turn": turn | {"stopped": "budget"}, "calls": []}
        agent = self.roster.get(state["route"]["agent"])
        if agent is None:  # its server of others was taken away while the turn waited
            gone = "That agent is no longer there, so that I cannot go on with this."
            return {"messages": [spoken(gone, notice="gone")], "turn": turn, "calls": []}
        prompt = build_system_prompt(
            agent, context.principal.access, today=context.today, instructions=context.instructions
        )
        sight = look(state, context, self.secret)
        is_customer = context.principal.is_customer
        usable = [tool.schema for tool in agent.tools if tool.for_customers or not is_customer]
        own = own_lines(agent, context.principal.access)
        asking = replace(asking_of(context, own), label_for=sight.label_for, agent=agent.name)
        # Some servers give every answer the same id; one of our own lets nothing that was said be replaced.
        outlet = Outlet(str(uuid.uuid4()), self._check_for(state, context), writer)

        async def ask(note: str) -> Answer:
            turn["model_calls"] += 1
            parts = [prompt, describe(sight.seen.said) if sight.seen.said else "", note]
            history = [SystemMessage("\n\n".join(filter(None, parts))), *to_model(sight.messages)]
            words = HandleStream(sight.seen.handles, outlet.add)
            answer = await self.gateway_for(context.principal.tenant).ask(
                history, usable, asking, words.add, on_restart=outlet.begin_again
            )
            turn["asked"] = [*turn.get("asked", []), answer.to_json()]
            outlet.end(sight.seen.handles.reveal_cut(answer.message.text))
            return answer

        began = time.monotonic()
        answer = await ask("")
        if outlet.stopped_by and not answer.message.tool_calls and turn["model_calls"] < self.limits.model_calls:
            again = await self._ask_again(outlet, ask, answer)
            if again is None:
                outlet.end(sight.seen.handles.reveal_cut(answer.message.text))
            answer = again or answer
        outlet.go_on()
        message = answered(answer.message, agent.name) | {"id": outlet.message_id}
        message["took_ms"] = round((time.monotonic() - began) * 1_000)
        calls = _calls_of(message, taken=_taken_ids(state))
        for call, hidden in zip(calls, answer.hidden, strict=False):
            call["hidden"] = [one.to_json() for one in hidden]
        note = note_what_was_written(message, calls, sight, agent.tools, turn["run_id"])
        outlet.close(message["tool_calls"])
        message["content"] = outlet.shown
        citations = outlet.check.grounding.cite(outlet.shown)
        if citations:
            cited = {"citations": [one.to_json() for one in citations]}
            message["additional_kwargs"] = message.get("additional_kwargs", {}) | cited
        turn["withheld"] = turn.get("withheld", 0) + len(outlet.withheld)
        turn["removed"] = turn.get("removed", 0) + outlet.check.removed
        flags = self.screens.flag_text(context.principal.tenant, outlet.shown, "answer")
        turn["flags"] = added(turn.get("flags", []), flags)
        return {"messages": [message], "calls": calls, "turn": turn, "notes": {message["id"]: note} if note else {}}

    async def show(self, state: TurnState, context: RunContext) -> list[BaseMessage]:
        """What a model is given of the conversation, masked. Raises: ModelError."""
        agent = self.roster.get(str((state.get("route") or {}).get("agent")))
        sight = look(state, context, self.secret)
        messages: list[BaseMessage] = to_model(sight.messages)
        own: frozenset[str] = frozenset()
        if agent is not None:
            prompt = build_system_prompt(agent, context.principal.access, today=context.today, instructions=None)
            messages, own = [SystemMessage(prompt), *messages], own_lines(agent, context.principal.access)
        asking = replace(asking_of(context, own), label_for=sight.label_for)
        return await self.gateway_for(context.principal.tenant).mask(messages, asking)

    async def _ask_again(self, outlet: Outlet, ask: Callable[[str], Awaitable[Answer]], first: Answer) -> Answer | None:
        """The answer in place of one that says what is nowhere to be found; None if there is none.

        The model is told how its answer began, unless outsiders' words are in that: those it has not seen.
        """
        note = note_for_model(outlet.stopped_by, "" if HANDLE.search(first.message.text) else outlet.shown)
        outlet.restart()
        try:
            return await ask(note)
        except ModelError:
            return None

    def _check_for(self, state: TurnState, context: RunContext) -> AnswerCheck:
        access = context.principal.access
        known = [access.display_name, access.caller.id, access.title or "", context.instructions or ""]
        grounding = Grounding(lambda: gather(state["messages"], today=context.today, known=known))
        return AnswerCheck(grounding, self.screens.hosts(context.principal.tenant))

    def of(self, context: RunContext) -> Self:
        """The voice as it is for one run: with the agents of the tenant's servers of others."""
        if not context.foreign:
            return self
        return replace(self, roster={**{one.name: one for one in context.foreign}, **self.roster})

    async def reply(self, state: TurnState, context: RunContext) -> TurnState:
        """Close the turn: say what is left to say and enter the turn into the audit."""
        update: TurnState = {"calls": [], "request": {}}
        words = self._closing_words(state, context)
        if words is not None:
            update["messages"] = [words]
        if state["route"]["kind"] == "escalate":
            update["handoff"] = {"requested_at": context.now.isoformat(), "reason": state["route"]["reason"]}
        await self._record(state, update, context)
        return update

    def _closing_words(self, state: TurnState, context: RunContext) -> Message | None:
        turn, kind = state["turn"], state["route"]["kind"]
        if turn.get("stopped") == "budget":
            return spoken(
                "I stopped here: this request used up the steps that one turn may take. "
                "What was found so far is above; a narrower question would get further.",
                notice="budget",
            )
        if turn.get("stopped") == "withdrawn":
            return spoken("The request was withdrawn; nothing was changed.", notice="withdrawn")
        if kind == "clarify":
            return spoken(
                "What would you like to know or do, and for which account, contact, deal or case?", notice=kind
            )
        if kind == "off_topic":
            fields = ", ".join(agent.label.lower() for agent in self.roster.values())
            return spoken(
                f"That is outside what I can help with. I work with the records of your CRM: {fields}. "
                "For example: “show Acme's open cases”.",
                notice=kind,
            )
        if kind == "restricted":
            return spoken(
                f"That is about {state['route']['reason']}, which is shown to staff only. As a verified customer you "
                "can ask about your own cases, your company's orders and published articles, open a case, or add to "
                "one.",
                notice=kind,
            )
        if kind == "escalate":
            return spoken(
                "I have noted that you want to speak to a person. This conversation is marked for handover.",
                notice=kind,
            )
        last = state["messages"][-1]
        if last["type"] == "ai" and not text_of(last).strip() and not last.get("tool_calls"):
            return spoken("I have no answer to that.", notice="empty")
        return None

    async def _record(self, state: TurnState, update: TurnState, context: RunContext) -> None:
        messages = [*state["messages"], *update.get("messages", [])]
        payload = {
            "thread": context.thread_id,
            "route": state["route"],
            "calls": state["turn"].get("trail", []),
            "model_calls": state["turn"]["model_calls"],
            "asked": state["turn"].get("asked", []),
            "answer": digest_of(text_of(messages[-1])),
            "plan": state["turn"].get("plan"),
            "outside": messages[-1].get("additional_kwargs", {}).get("outside", []),
            "flags": state["turn"].get("flags", []),
            "withheld": state["turn"].get("withheld", 0),
            "removed": state["turn"].get("removed", 0),
        }
        kind = "turn.handoff" if state["route"]["kind"] == "escalate" else "turn.finished"
        async with self.database.session(context.principal.tenant, write=True) as session:
            await enter_end(session, context, kind, payload)
            if self.keep_texts is not None:
                await self.keep_texts(session, context, messages)


def _last_words(state: TurnState) -> str:
    return next((text_of(m) for m in reversed(state["messages"]) if m["type"] == "human"), "")


def _taken_ids(state: TurnState) -> set[Any]:
    """Ids of calls that were answered, also where the answer was left out since: what was noted of it stays."""
    noted = {answered_call(one) for one in state.get("notes") or {}}
    return {m.get("tool_call_id") for m in state["messages"]} | noted


def _calls_of(message: Message, taken: set[Any]) -> list[Call]:
    """The calls in a model's message, readable or not, which afterwards lists them under ids that are theirs alone."""
    calls: list[Call] = []
    unread = [{**call, "type": "tool_call"} for call in message.pop("invalid_tool_calls", None) or ()]
    whole = len(message["tool_calls"])
    message["tool_calls"] += unread
    for place, call in enumerate(message["tool_calls"]):
        is_broken = place >= whole or find_json_fault(call["args"]) is not None
        call["args"] = {} if is_broken else call["args"]
        call["name"] = storable(call["name"] or "unreadable")[:MAX_TOOL_NAME]
        call["id"] = _own_id(str(call["id"]), f"{message['id']}:{place}", taken)
        taken.add(call["id"])
        calls.append(
            {
                "id": call["id"],
                "name": call["name"],
                "arguments": call["args"],
                "written": call["args"],
                "verdict": "broken" if is_broken else "new",
                "approval_id": None,
            }
        )
    return calls


def _own_id(given: str, place: str, taken: set[Any]) -> str:
    """The id as given, unless it was used before or cannot be kept with a request."""
    if given not in taken and len(given) <= MAX_CALL_ID and given == storable(given):
        return given
    return "call_" + hashlib.sha256(f"{place}:{given}".encode("utf-8", "surrogatepass")).hexdigest()[:20]
