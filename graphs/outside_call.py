"""One call of one tool by an assistant outside, as a machine: begin, guard, act, hold, settle, finish.

It is the way that a call of the service's own models goes, with the same desk, and without a model of the service's in
it. What is given is the call; what comes of it is the tool's message, or the request that waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, RetryPolicy, interrupt
from pydantic import BaseModel, ConfigDict, Field

from agents._outside import OUTSIDE_NAME
from crm.database import is_unreachable
from graphs._calls import CallDesk
from graphs._ending import enter_end
from graphs._voice import Voice
from graphs.context import RunContext
from graphs.messages import human
from graphs.requests import Settled
from graphs.state import Call, Message, TurnState

_SAID: Final = "An assistant outside makes a call."
"""Nothing of the call is in it: what the assistant writes must not pass for words of the person."""
_READ_AGAIN = RetryPolicy(initial_interval=0.1, backoff_factor=4, max_attempts=3, retry_on=is_unreachable)


class OutsideGiven(BaseModel):
    """The call, as it came in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tool: str = Field(max_length=60)
    arguments: dict[str, Any]
    client: str = Field(default="", max_length=100)
    """What the assistant's program calls itself; nothing depends on it."""


class OutsideState(TurnState, total=False):
    """That of a turn, and the call that was given."""

    given: dict[str, Any]


@dataclass(frozen=True)
class OutsideCall:
    """The nodes."""

    desk: CallDesk

    async def begin(self, state: OutsideState, runtime: Runtime[RunContext]) -> OutsideState:
        """Raises: PausedError."""
        context, given = runtime.context, state["given"]
        said = human(_SAID, f"start-{context.run_id}")
        update = cast("OutsideState", await self.desk.admit({"messages": [said]}, context))
        update["route"] = {"kind": "agent", "agent": OUTSIDE_NAME, "reason": "outside"}
        call = _call_of(given, context.run_id)
        update["calls"] = [call]
        update["messages"] = [*update["messages"], _message_of(call, context.run_id)]
        return update

    async def guard(self, state: OutsideState, runtime: Runtime[RunContext]) -> TurnState:
        return await self.desk.guard(state, runtime.context)

    async def act(self, state: OutsideState, runtime: Runtime[RunContext]) -> Command[Literal["finish", "hold"]]:
        update = await self.desk.act(state, runtime.context)
        return Command(update=dict(update), goto="hold" if state.get("request") else "finish")

    async def hold(self, state: OutsideState) -> TurnState:
        # Nothing stands before this line: the node starts over when the run resumes.
        interrupt(state["request"], response_schema=Settled)
        return {}

    async def settle(self, state: OutsideState, runtime: Runtime[RunContext]) -> Command[Literal["finish", "hold"]]:
        update = await self.desk.settle(state, runtime.context)
        return Command(update=dict(update), goto="hold" if update.get("request") else "finish")

    async def finish(self, state: OutsideState, runtime: Runtime[RunContext]) -> OutsideState:
        """Enter the call into the audit."""
        context, turn = runtime.context, state["turn"]
        payload = {
            "thread": context.thread_id,
            "client": state["given"]["client"],
            "calls": turn.get("trail", []),
            "flags": turn.get("flags", []),
        }
        async with self.desk.database.session(context.principal.tenant, write=True) as session:
            await enter_end(session, context, "call.finished", payload)
        return {"calls": [], "request": {}}


def _call_of(given: Mapping[str, Any], run_id: str) -> Call:
    return {
        "id": f"call-{run_id}",
        "name": given["tool"],
        "arguments": dict(given["arguments"]),
        "written": dict(given["arguments"]),
        "verdict": "new",
        "approval_id": None,
    }


def _message_of(call: Call, run_id: str) -> Message:
    told = {"name": call["name"], "args": call["arguments"], "id": call["id"], "type": "tool_call"}
    return {"type": "ai", "content": "", "id": f"asked-{run_id}", "name": OUTSIDE_NAME, "tool_calls": [told]}


def build_outside_call(voice: Voice, desk: CallDesk) -> StateGraph[Any, RunContext, Any, Any]:
    """The graph, uncompiled. It has no model, so that `voice` has nothing to say in it."""
    made = OutsideCall(desk)
    graph: StateGraph[Any, RunContext, Any, Any] = StateGraph(OutsideState, context_schema=RunContext)
    graph.add_node("begin", made.begin)
    graph.add_node("guard", made.guard)
    graph.add_node("act", made.act, retry_policy=_READ_AGAIN)
    graph.add_node("hold", made.hold)
    graph.add_node("settle", made.settle)
    graph.add_node("finish", made.finish)
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "guard")
    graph.add_edge("guard", "act")
    graph.add_edge("hold", "settle")
    graph.add_edge("finish", END)
    return graph
