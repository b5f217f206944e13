"""One turn of a conversation, as a machine: admit, route, agent, guard, act, hold, settle, reply.

Nothing here trusts the model. What it asks for is guarded, what it may see is bound to the caller, and what it would
change waits at `hold` until a person has countersigned; `settle` then asks the ledger, not the resume value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from langgraph.config import get_config
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, RetryPolicy, interrupt

from crm.database import is_unreachable
from graphs._calls import CallDesk
from graphs._outlet import STEP, Writer
from graphs._voice import Voice
from graphs.context import RunContext
from graphs.requests import Settled
from graphs.state import TurnState
from trust import telemetry

GRAPH_NAME = "countersign"
STEP_LIMIT = 100


@dataclass(frozen=True)
class Turn:
    """The nodes of the machine. `voice` speaks with models, `desk` handles their calls."""

    voice: Voice
    desk: CallDesk

    async def admit(self, state: TurnState, runtime: Runtime[RunContext]) -> TurnState:
        return _told(await self.desk.of(runtime.context).admit(state, runtime.context), {}, runtime)

    async def route(self, state: TurnState, runtime: Runtime[RunContext]) -> Command[Literal["agent", "reply"]]:
        with telemetry.step("route", {telemetry.OPERATION: "plan"}) as watched:
            update = await self.voice.of(runtime.context).route(state, runtime.context)
            watched.note({telemetry.ROUTED: update["route"]["kind"], telemetry.AGENT: update["route"]["agent"]})
        return Command(update=dict(update), goto="agent" if update["route"]["kind"] == "agent" else "reply")

    async def agent(self, state: TurnState, runtime: Runtime[RunContext]) -> Command[Literal["guard", "reply"]]:
        name = str(state["route"]["agent"])
        notes = {telemetry.OPERATION: "invoke_agent", telemetry.AGENT: name}
        with telemetry.step("agent", notes, title=f"invoke_agent {name}"):
            update = await self.voice.of(runtime.context).answer(state, runtime.context, _writer_of(runtime))
        _told(update, state["turn"], runtime)
        return Command(update=dict(update), goto="guard" if update.get("calls") else "reply")

    async def guard(self, state: TurnState, runtime: Runtime[RunContext]) -> TurnState:
        return await self.desk.of(runtime.context).guard(state, runtime.context)

    async def act(self, state: TurnState, runtime: Runtime[RunContext]) -> Command[Literal["agent", "hold"]]:
        update = _told(await self.desk.of(runtime.context).act(state, runtime.context), state["turn"], runtime)
        return Command(update=dict(update), goto="hold" if state.get("request") else "agent")

    async def hold(self, state: TurnState) -> TurnState:
        # Nothing stands before this line: the node starts over when the run resumes.
        interrupt(state["request"], response_schema=Settled)
        return {}

    async def settle(
        self, state: TurnState, runtime: Runtime[RunContext]
    ) -> Command[Literal["agent", "hold", "reply"]]:
        update = await self.desk.of(runtime.context).settle(state, runtime.context)
        if update.get("request"):
            return Command(update=dict(update), goto="hold")
        return Command(update=dict(update), goto="reply" if self.desk.is_withdrawn(update) else "agent")

    async def reply(self, state: TurnState, runtime: Runtime[RunContext]) -> TurnState:
        return await self.voice.of(runtime.context).reply(state, runtime.context)


def _told(update: TurnState, before: Mapping[str, Any], runtime: Runtime[RunContext]) -> TurnState:
    """The update, after telling staff who follow the run of the flags that it adds."""
    new = update.get("turn", {}).get("flags", [])[len(before.get("flags", ())) :]
    if new and not runtime.context.principal.is_customer:
        runtime.stream_writer({"type": "flags", "flags": new})
    return update


def _writer_of(runtime: Runtime[RunContext]) -> Writer:
    """Writes to those who follow the run, with the number of the step that they know from every piece."""
    step = get_config().get("metadata", {}).get("langgraph_step")
    return lambda part: runtime.stream_writer({**part, STEP: step})


_READ_AGAIN = RetryPolicy(initial_interval=0.1, backoff_factor=4, max_attempts=3, retry_on=is_unreachable)
"""For the one node that only reads. What writes is never tried again by itself: its run begins anew from its rows."""


def build_turn(voice: Voice, desk: CallDesk) -> StateGraph[Any, RunContext, Any, Any]:
    """The graph, uncompiled: whoever runs it brings the checkpointer."""
    turn = Turn(voice, desk)
    graph: StateGraph[Any, RunContext, Any, Any] = StateGraph(TurnState, context_schema=RunContext)
    graph.add_node("admit", turn.admit)
    graph.add_node("route", turn.route)
    graph.add_node("agent", turn.agent)
    graph.add_node("guard", turn.guard)
    graph.add_node("act", turn.act, retry_policy=_READ_AGAIN)
    graph.add_node("hold", turn.hold)
    graph.add_node("settle", turn.settle)
    graph.add_node("reply", turn.reply)
    graph.add_edge(START, "admit")
    graph.add_edge("admit", "route")
    graph.add_edge("guard", "act")
    graph.add_edge("hold", "settle")
    graph.add_edge("reply", END)
    return graph
