"""Research as a graph: a lead plans, workers look things up side by side, each claim is checked, and a report is given.

    begin -> lead -> worker (one for each sub-question, at the same time) -> cite -> reply

Nothing here can write: the run's scopes are cut down to those that read before the first call, so that the guards make
no grant for anything else, and there is no node at which a request could wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, Final, TypedDict, cast

from langchain_core.messages import HumanMessage, SystemMessage
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, RetryPolicy, Send

from agents._gateway import ModelError, PausedError
from crm.database import is_unreachable
from crm.ids import normalise_id
from crm.schema import object_of
from graphs._asking import asking_of
from graphs._calls import CallDesk
from graphs._sight import look
from graphs._voice import Voice
from graphs.context import Limits, RunContext
from graphs.messages import human, spoken
from graphs.research._agent import NAME, RESEARCHER, Budget, only_reading
from graphs.research._calling import Bench, envelopes_of
from graphs.research._plan import Question, plan
from graphs.research._report import choices, sections, shortcomings
from graphs.research._worker import Worker
from graphs.state import TurnState, merge_notes
from trust import telemetry
from trust.answers import AnswerCheck
from trust.evidence import gather
from trust.grounding import Grounding, remark

_MOST_ASKED = 4
_LEAD_PROMPT = (
    "You plan research on one record of a CRM. Split the question into at most four sub-questions, each of which can "
    "be looked up in records by itself, and give them with plan_research."
)
_PLAN_TOOL: Final = {
    "type": "function",
    "function": {
        "name": "plan_research",
        "description": "Give the sub-questions of a piece of research.",
        "parameters": {
            "type": "object",
            "properties": {
                "questions": {
                    "type": "array",
                    "items": {"type": "string", "maxLength": 300},
                    "maxItems": _MOST_ASKED,
                    "description": "Each a whole sentence that names the record it is about.",
                }
            },
            "required": ["questions"],
        },
    },
}
_READ_AGAIN = RetryPolicy(initial_interval=0.1, backoff_factor=4, max_attempts=3, retry_on=is_unreachable)


class ResearchState(TurnState, total=False):
    """That of a turn, and what research itself has to remember."""

    given: dict[str, Any]
    findings: Annotated[dict[str, Any], merge_notes]
    """By sub-question, how it went."""
    questions: list[dict[str, Any]]
    research: dict[str, Any]
    """What callers see: `status` (done | partly | failed | unclear) and `questions`, each with what became of it."""


class WorkerState(TypedDict):
    """All that a worker knows."""

    question: dict[str, Any]


@dataclass(frozen=True)
class Research:
    """The nodes. `service_voice` and `service_desk` are those of all runs."""

    service_voice: Voice
    service_desk: CallDesk
    budget: Budget

    @cached_property
    def limits(self) -> Limits:
        """Those of one sub-question."""
        return replace(self.service_desk.limits, model_calls=self.budget.model_calls, tool_calls=self.budget.calls)

    @cached_property
    def voice(self) -> Voice:
        roster = {**self.service_voice.roster, NAME: RESEARCHER}
        return replace(self.service_voice, roster=roster, limits=self.limits)

    @cached_property
    def desk(self) -> CallDesk:
        return replace(self.service_desk, roster={**self.service_desk.roster, NAME: RESEARCHER}, limits=self.limits)

    async def begin(self, state: ResearchState, runtime: Runtime[RunContext]) -> ResearchState:
        """Raises: PausedError."""
        given, context = state["given"], runtime.context
        words = f"Research {given['about']}." + (f" {given['question']}" if given["question"] else "")
        admitted = await self.desk.admit({"messages": [human(words, f"start-{context.run_id}")]}, context)
        update = cast("ResearchState", admitted)
        update["route"] = {"kind": "agent", "agent": NAME, "reason": "research"}
        return update

    async def lead(self, state: ResearchState, runtime: Runtime[RunContext]) -> Command[Any]:
        """Find the record, and send a worker for each sub-question."""
        context = only_reading(runtime.context)
        with telemetry.step("plan", {telemetry.OPERATION: "plan", telemetry.AGENT: NAME}):
            bench = Bench(context.run_id, state["given"]["about"], "lead")
            record, update = await self._find(bench, state["given"]["about"], context)
            update["turn"] = _joined_turns(state["turn"], [bench.turn])
            if record is None:
                return Command(update=dict(update), goto="cite")
            object_name = object_of(record) or ""
            access = context.principal.access
            questions = plan(object_name, record, access, self.budget, context.today)
            if state["given"]["question"]:
                asked = await self._split(state["given"], record, context)
                questions = [*questions[:2], *asked, *questions[2:]]
            chosen = questions[: state["given"]["workers"]]
        update["questions"] = [one.to_json() for one in questions]
        return Command(update=dict(update), goto=[Send("worker", {"question": one.to_json()}) for one in chosen])

    async def _find(self, bench: Bench, about: str, context: RunContext) -> tuple[str | None, ResearchState]:
        """The id of the one record that is meant; or None and what to tell."""
        [found] = await bench.call(self.desk, context, [("find_record", {"text": about, "limit": 5})])
        update: ResearchState = {"messages": bench.said, "notes": bench.state["notes"]}
        matches = (found.get("result") or {}).get("matches") or []
        exact = [one for one in matches if one["exact"]]
        if len(exact) == 1 or (exact and normalise_id(about)):
            return exact[0]["id"], update
        best = matches[0]["score"] if matches else 0
        near = [one for one in exact or matches if one["score"] >= best - 0.08]
        if len(near) == 1 and best >= 0.6:
            return near[0]["id"], update
        update["research"] = {"status": "unclear" if matches else "failed", "questions": []}
        return None, update

    async def _split(self, given: Mapping[str, Any], record: str, context: RunContext) -> list[Question]:
        """The question itself, and those that a model makes of it; the question alone if it makes none."""
        words = f"{given['question']} This is about {given['about']} ({object_of(record)}:{record})."
        asked = [Question("asked", words)]
        messages = [SystemMessage(_LEAD_PROMPT), HumanMessage(words)]
        asking = asking_of(context, frozenset(_LEAD_PROMPT.split("\n")))
        try:
            answer = await self.voice.gateway_for(context.principal.tenant).ask(messages, [_PLAN_TOOL], asking)
        except PausedError:
            raise
        except ModelError:
            return asked  # the question itself goes to a worker, which says what became of it
        split = [one["args"].get("questions") for one in answer.message.tool_calls if one["name"] == "plan_research"]
        given_words = [one for some in split if isinstance(some, list) for one in some if isinstance(one, str)]
        fresh = [one.strip()[:300] for one in given_words if one.strip()][:_MOST_ASKED]
        return asked + [Question(f"asked-{place}", one) for place, one in enumerate(fresh, 1)]

    async def worker(self, state: WorkerState, runtime: Runtime[RunContext]) -> ResearchState:
        question, context = Question.from_json(state["question"]), only_reading(runtime.context)
        notes = {telemetry.OPERATION: "invoke_agent", telemetry.AGENT: NAME}
        with telemetry.step("worker", notes, title="research worker") as watched:
            bench, finding = await Worker(self.voice, self.desk, self.budget).answer(question, context)
            watched.note({telemetry.OUTCOME: finding["status"]})
        return {"messages": bench.said, "notes": bench.state["notes"], "findings": {question.id: finding}}

    async def cite(self, state: ResearchState, runtime: Runtime[RunContext]) -> ResearchState:
        """Put the report together from what tools returned, and let nothing in that none of them did."""
        context = only_reading(runtime.context)
        sight = look(state, context, self.desk.cursor_key, hide_people=True)
        findings = self._in_order(state)
        blocks = self._blocks(state, sight.messages, findings)
        check = AnswerCheck(
            Grounding(lambda: gather(state["messages"], today=context.today)),
            self.desk.screens.hosts(context.principal.tenant),
        )
        shown, withheld, sources = [], [], set()
        for block in blocks:
            passed = check.check(sight.seen.handles.reveal_cut(block))
            sources |= {label.origin for label in sight.seen.handles.labels_in(block)}
            withheld += passed.withheld
            shown.append(passed.text.strip())
        text = "\n\n".join(filter(None, shown)) or "Nothing was found."
        lacking = "\n\n".join(filter(None, [shortcomings(findings), remark(withheld) if withheld else ""]))
        cited = [one.to_json() for one in check.grounding.cite(text)]
        message = spoken("\n\n".join(filter(None, [text, lacking])), citations=cited, outside=sorted(sources))
        turn = _joined_turns(state["turn"], [one["turn"] for one in findings if "turn" in one])
        turn["withheld"] = len(withheld)
        told = [{key: value for key, value in one.items() if key not in ("turn", "text")} for one in findings]
        status = "done" if all(one["status"] == "done" for one in findings) else "partly"
        progress = state.get("research") or {"status": status, "questions": told}
        message_id = f"end-{context.run_id}"
        return {"messages": [message | {"id": message_id, "name": NAME}], "turn": turn, "research": progress}

    def _in_order(self, state: ResearchState) -> list[dict[str, Any]]:
        """What became of each sub-question, those included that no worker was sent for."""
        found = state.get("findings") or {}
        left = {"status": "failed", "because": ["there were more sub-questions than workers"], "calls": 0}
        return [
            found.get(one["id"]) or {"id": one["id"], "question": one["words"], "text": "", **left}
            for one in state.get("questions") or ()
        ]

    def _blocks(
        self, state: ResearchState, messages: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]]
    ) -> list[str]:
        answers = envelopes_of(messages)
        if state.get("research"):
            matches = [m for one in answers.values() for m in (one.get("result") or {}).get("matches", ())]
            about = "There is no such record that you can see; expected a name, a number or an id."
            return [choices(matches) if matches else about]
        return [
            block
            for finding in findings
            for block in sections(finding, _answers_to(finding, messages, answers), self.budget)
        ]

    async def reply(self, state: ResearchState, runtime: Runtime[RunContext]) -> ResearchState:
        """Enter the research into the audit."""
        return cast("ResearchState", await self.voice.reply(state, runtime.context))


def _answers_to(
    finding: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], answers: Mapping[str, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """What tools answered to one sub-question; a model's own are in its words."""
    stem = f"{finding['id']}-"
    if finding["id"].startswith("asked"):
        return []
    calls = [call["id"] for one in messages if one["type"] == "ai" for call in one.get("tool_calls") or ()]
    return [answers[one] for one in calls if one.startswith(stem) and one[len(stem) :][:1].isdigit() and one in answers]


def _joined_turns(turn: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What was used up by all of them together, for the audit."""
    joined = dict(turn)
    for other in others:
        for name in ("model_calls", "tool_calls"):
            joined[name] = joined.get(name, 0) + other.get(name, 0)
        for name in ("trail", "flags", "asked"):
            joined[name] = [*joined.get(name, ()), *other.get(name, ())]
    return joined


def build_research(voice: Voice, desk: CallDesk, budget: Budget | None = None) -> StateGraph[Any, RunContext, Any, Any]:
    """The graph, uncompiled: whoever runs it brings the checkpointer."""
    research = Research(voice, desk, budget or Budget())
    graph: StateGraph[Any, RunContext, Any, Any] = StateGraph(ResearchState, context_schema=RunContext)
    graph.add_node("begin", research.begin)
    graph.add_node("lead", research.lead, destinations=("worker", "cite"), retry_policy=_READ_AGAIN)
    graph.add_node("worker", research.worker, retry_policy=_READ_AGAIN)
    graph.add_node("cite", research.cite)
    graph.add_node("reply", research.reply)
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "lead")
    graph.add_edge("worker", "cite")
    graph.add_edge("cite", "reply")
    graph.add_edge("reply", END)
    return graph
