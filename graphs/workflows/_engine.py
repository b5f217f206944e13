"""Runs a workflow as a graph: every step a node, with a node beside it where people are waited for.

Calls go the way that a model's calls go: guarded, held, decided, settled by the same desk. A step's node looks at the
approvals' rows itself, so that it may start over at any time.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from graphs._calls import CallDesk
from graphs._ending import enter_end
from graphs._sight import Sight, look, note_what_was_written
from graphs._voice import Voice
from graphs.context import RunContext
from graphs.messages import human, spoken
from graphs.requests import Settled
from graphs.state import Call, Message, TurnState, append_messages, merge_notes
from graphs.workflows._declare import AGAIN, DONE, FINISH, MOST_ROUNDS, STOP, Branch, Outcome, Step, Workflow
from graphs.workflows._progress import WorkflowState, describe_end, enter, entry_of, envelopes_of, started
from graphs.workflows._view import view_of
from trust import telemetry
from trust.digests import digest_of

Node = Callable[[WorkflowState, Runtime[RunContext]], Awaitable[Command[Any]]]


@dataclass(frozen=True)
class Engine:
    """The nodes of one workflow."""

    workflow: Workflow
    desk: CallDesk

    async def begin(self, state: WorkflowState, runtime: Runtime[RunContext]) -> WorkflowState:
        """Raises: PausedError."""
        context = runtime.context
        words = human(started(self.workflow.title, state["given"]), f"start-{context.run_id}")
        update = cast("WorkflowState", await self.desk.admit({"messages": [words]}, context))
        update["route"] = {"kind": "agent", "agent": self.workflow.name, "reason": "workflow"}
        update["workflow"] = {
            "name": self.workflow.name,
            "title": self.workflow.title,
            "status": "running",
            "step": self.workflow.steps[0].name,
            "because": None,
            "log": [],
            "rounds": {},
        }
        return update

    async def choose(self, branch: Branch, state: WorkflowState, runtime: Runtime[RunContext]) -> Command[Any]:
        sight = self._look(state, runtime.context)
        chosen = branch.choose(view_of(state, sight.messages, runtime.context.today))
        way, because = (chosen, branch.ways[chosen]) if isinstance(chosen, str) else chosen
        noted = enter(state["workflow"], branch.name, [{"outcome": branch.ways[way]}])
        return self._go_on(branch, way, cast("WorkflowState", {"workflow": noted}), because=because)

    async def step(self, step: Step, state: WorkflowState, runtime: Runtime[RunContext]) -> Command[Any]:
        """Make the calls, or carry out what became of those that were held."""
        with telemetry.step("step", {telemetry.AGENT: self.workflow.name}, title=f"step {step.name}"):
            if any(call["verdict"] == "hold" for call in state.get("calls", ())):
                update = cast("WorkflowState", await self.desk.settle(state, runtime.context))
            else:
                found = await self._call(step, state, runtime.context)
                if found is None:
                    noted = enter(state["workflow"], step.name, [{"outcome": "left out"}])
                    return self._go_on(step, step.to, cast("WorkflowState", {"workflow": noted}))
                update = found
        _tell_flags(update, state, runtime)
        if update.get("request"):
            waiting = {**state["workflow"], "status": "waiting", "step": step.name}
            return Command(update={**update, "workflow": waiting}, goto=step.wait_node)
        return await self._conclude(step, state, update, runtime.context)

    async def _call(self, step: Step, state: WorkflowState, context: RunContext) -> WorkflowState | None:
        """Guard the step's next calls and make those that may be made; None if there is nothing to call with."""
        sight = self._look(state, context)
        view = view_of(state, sight.messages, context.today)
        number = state["workflow"]["rounds"].get(step.name, 0)
        made = sum(1 for one in state["workflow"]["log"] if (one["step"], one["round"]) == (step.name, number))
        wanted = step.wanted(view)[made : made + self.desk.limits.calls_per_message]
        if not wanted:
            return None
        message, calls, note = self._write_calls(step, wanted, f"{step.name}-{number}", made, sight, context)
        asked: WorkflowState = {"messages": [message], "calls": calls, "notes": {message["id"]: note} if note else {}}
        guarded = _joined(asked, await self.desk.guard(_after(state, asked), context))
        return _joined(guarded, await self.desk.act(_after(state, guarded), context))

    def _write_calls(
        self, step: Step, wanted: list[Any], stem: str, first: int, sight: Sight, context: RunContext
    ) -> tuple[Message, list[Call], dict[str, Any]]:
        """The message that makes the calls, as a model's would, and what is to be noted about it.

        Their ids follow from the step, so that a run that starts over finds its own requests again.
        """
        calls: list[Call] = [
            {
                "id": f"{stem}-{place}",
                "name": step.tool.name,
                "arguments": dict(arguments),
                "written": dict(arguments),
                "verdict": "new",
                "approval_id": None,
            }
            for place, arguments in enumerate(wanted, first)
        ]
        told = [{"name": c["name"], "args": c["arguments"], "id": c["id"], "type": "tool_call"} for c in calls]
        message: Message = {
            "type": "ai",
            "content": step.title + ".",
            "id": f"{context.run_id}-{stem}-{first}",
            "name": self.workflow.name,
            "tool_calls": told,
        }
        return message, calls, note_what_was_written(message, calls, sight, self.workflow.tools, context.run_id)

    async def _conclude(
        self, step: Step, state: WorkflowState, update: WorkflowState, context: RunContext
    ) -> Command[Any]:
        """Note what became of the calls, and go where that leads."""
        calls = update["calls"]
        decided = await self.desk.read_decisions(calls, context)
        answers = envelopes_of(_after(state, update)["messages"])
        entries = [entry_of(call, answers[call["id"]], decided.get(call["id"])) for call in calls]
        update = cast("WorkflowState", {**update, "calls": [], "request": {}})
        update["workflow"] = enter(state["workflow"], step.name, entries)
        outcomes = [one["outcome"] for one in entries]
        reason = next((one["reason"] for one in entries if one["outcome"] != "done"), None)
        if set(outcomes) == {"withdrawn"}:
            return self._go_on(step, STOP, update, because="it was withdrawn")
        goes_on = all(step.path(cast("Outcome", one)) == step.to for one in outcomes)
        if step.calls is not None and goes_on and self._has_more(step, state, update, context):
            return Command(update=dict(update), goto=step.name)
        outcome = next((one for one in ("failed", "expired", "rejected") if one in outcomes), "done")
        is_stale = step.calls is None and any(one["is_stale"] for one in entries)
        way = AGAIN if is_stale else step.path(cast("Outcome", outcome))
        return self._go_on(step, way, update, because=reason)

    def _has_more(self, step: Step, state: WorkflowState, update: WorkflowState, context: RunContext) -> bool:
        """Whether the step has things left that it has not come to: it takes a handful at a time."""
        now = _after(state, update)
        view = view_of(now, self._look(now, context).messages, context.today)
        number = now["workflow"]["rounds"].get(step.name, 0)
        made = sum(1 for one in now["workflow"]["log"] if (one["step"], one["round"]) == (step.name, number))
        return len(step.wanted(view)) > made

    def _go_on(
        self, step: Step | Branch, way: str, update: WorkflowState, *, because: str | None = None
    ) -> Command[Any]:
        following = self.workflow.after(step.name, way)
        progress = {**update["workflow"], "step": following, "status": "running"}
        number = progress["rounds"].get(following, 0) + 1
        if any((one["step"], one["round"]) == (following, number - 1) for one in progress["log"]):
            if number >= MOST_ROUNDS:
                return self._go_on(step, STOP, update, because=f"asked {number} times: {because}")
            progress["rounds"] = {**progress["rounds"], following: number}
        if following == FINISH:
            stopped = way == STOP
            progress |= {"status": "stopped" if stopped else "done", "step": None}
            progress |= {"because": because if stopped or way == DONE else None}
        return Command(update={**update, "workflow": progress}, goto=following)

    async def finish(self, state: WorkflowState, runtime: Runtime[RunContext]) -> WorkflowState:
        """Tell what came of it, and enter it in the audit."""
        context, progress = runtime.context, state["workflow"]
        sight = self._look(state, context)
        view = view_of(state, sight.messages, context.today)
        told = self.workflow.summary(view) if self.workflow.summary and progress["status"] == "done" else None
        message = spoken(sight.seen.handles.reveal(describe_end(progress, told))) | {"id": f"end-{context.run_id}"}
        payload = {
            "thread": context.thread_id,
            "workflow": self.workflow.name,
            "status": progress["status"],
            "steps": [[one["step"], one["outcome"]] for one in progress["log"]],
            "calls": state["turn"].get("trail", []),
            "answer": digest_of(message["content"]),
        }
        async with self.desk.database.session(context.principal.tenant, write=True) as session:
            await enter_end(session, context, "workflow.finished", payload)
        return {"messages": [message]}

    def _look(self, state: TurnState, context: RunContext) -> Sight:
        return look(state, context, self.desk.cursor_key, hide_people=True)


async def wait(state: WorkflowState) -> WorkflowState:
    # Nothing stands before this line: the node starts over when the run resumes.
    interrupt(state["request"], response_schema=Settled)
    return {}


def build_workflow(workflow: Workflow, voice: Voice, desk: CallDesk) -> StateGraph[Any, RunContext, Any, Any]:
    """The graph, uncompiled: whoever runs it brings the checkpointer."""
    engine = Engine(workflow, desk)
    graph: StateGraph[Any, RunContext, Any, Any] = StateGraph(WorkflowState, context_schema=RunContext)
    graph.add_node("begin", engine.begin)
    for step in workflow.steps:
        ways: dict[str, str] = {}
        for way, told in step.paths.items():
            target = workflow.after(step.name, way)
            ways[target] = f"{ways[target]}, {told}" if target in ways else told
        if isinstance(step, Branch):
            graph.add_node(step.name, partial(engine.choose, step), destinations=ways)
            continue
        if step.waits:
            ways[step.wait_node] = "held"
            graph.add_node(step.wait_node, wait)
            graph.add_edge(step.wait_node, step.name)
        if step.calls is not None and step.name not in ways:
            ways[step.name] = "more"
        graph.add_node(step.name, partial(engine.step, step), destinations=ways)
    graph.add_node(FINISH, engine.finish)
    graph.add_edge(START, "begin")
    graph.add_edge("begin", workflow.steps[0].name)
    graph.add_edge(FINISH, END)
    return graph


def _after(state: TurnState, update: Mapping[str, Any]) -> WorkflowState:
    """The state as it will be with the update."""
    return cast(
        "WorkflowState",
        {
            **state,
            **update,
            "messages": append_messages(state.get("messages", []), update.get("messages", ())),
            "notes": merge_notes(state.get("notes") or {}, update.get("notes") or {}),
        },
    )


def _joined(first: WorkflowState, then: TurnState) -> WorkflowState:
    """Two updates as one."""
    return cast(
        "WorkflowState",
        {
            **first,
            **then,
            "messages": [*first.get("messages", ()), *then.get("messages", ())],
            "notes": {**first.get("notes", {}), **then.get("notes", {})},
        },
    )


def _tell_flags(update: TurnState, before: TurnState, runtime: Runtime[RunContext]) -> None:
    """Tell staff who follow the run of new flags."""
    new = update.get("turn", {}).get("flags", [])[len(before["turn"].get("flags", ())) :]
    if new:
        runtime.stream_writer({"type": "flags", "flags": new})
