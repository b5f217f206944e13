"""What stands between a model and foreign tools: every call becomes an action, and only trust's own yes lets it run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from crm.connector import Change
from evals.agentdojo import references
from evals.agentdojo.declare import Argument, Asked, ForeignTool, Listing, Row, World, label_identity, label_value
from evals.agentdojo.references import Path, Place, Sources, user_place
from evals.agentdojo.tenant import TODAY
from graphs._sight import Sight, look, notes_of, plan_after_reading
from graphs.context import RunContext
from graphs.messages import failure, human, success, tool_answer
from graphs.state import Message, TurnState
from tools._inputs import Seen, label_written
from tools._labels import Labelled
from tools.outside_text import read_text
from trust import policy
from trust.actions import Action, Effect, FieldLabels, Input
from trust.decisions import Deny, Hold
from trust.egress import outward
from trust.handles import HANDLE, map_strings
from trust.labels import NOTHING, Integrity, Label
from trust.policy import Grant
from trust.principal import Principal
from trust.scopes import CRM_READ, CRM_SEND, CRM_WRITE

_RUN = "run-1"
_SECRET = b"hides the words of one conversation"
_SCOPES = {Effect.READ: CRM_READ, Effect.DRAFT: CRM_WRITE, Effect.WRITE: CRM_WRITE, Effect.SEND: CRM_SEND}
READ_TEXT = ForeignTool(
    read_text.name,
    read_text.effect,
    {"handles": Argument("option"), "tools_needed": Argument("option")},
    optional=frozenset({"tools_needed"}),
)
"""The service's own tool."""

Fate = Literal["ran", "ran with a person", "rejected", "denied", "failed"]
Runner = Callable[[str, Mapping[str, Any]], tuple[Any, str | None]]
"""Runs a tool: what it returned, or an error."""


@dataclass(frozen=True)
class Outcome:
    """What became of a call. `shown` is what the model gets to see, `said` why it did not simply run."""

    fate: Fate
    shown: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    said: str = ""

    @property
    def went_before_a_person(self) -> bool:
        return self.fate in ("ran with a person", "rejected")


@dataclass
class Desk:
    """One conversation of one caller. `approves` is the person; `run` is the world."""

    tools: Mapping[str, ForeignTool]
    principal: Principal
    world: World
    prompt: str
    run: Runner
    approves: Callable[[Action], bool]
    waves_through: ClassVar[bool] = False
    """Whether what is held runs without anybody being asked."""

    def __post_init__(self) -> None:
        self.messages: list[Message] = [human(self.prompt)]
        self.notes: dict[str, Any] = {}
        self.turn: dict[str, Any] = {"run_id": _RUN}
        now = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
        self.context = RunContext(self.principal, "thread-1", _RUN, now, TODAY)
        self.sources = Sources(self.world, user_place(self.prompt, self.principal.id))

    @property
    def sight(self) -> Sight:
        """What the model sees, and how far it can be trusted by now."""
        state: TurnState = {"messages": self.messages, "notes": self.notes, "turn": self.turn}
        return look(state, self.context, _SECRET)

    def call(self, call_id: str, name: str, written: Mapping[str, Any]) -> Outcome:
        """Decide on a call as the model wrote it, with references and handles, and run it if nothing is against it."""
        tool = READ_TEXT if name == READ_TEXT.name else self.tools.get(name)
        if tool is None or not tool.takes(written):
            return self._answer(call_id, name, Outcome("failed", "", said="there is no tool that takes this"))
        try:
            if tool is READ_TEXT:
                return self._read_out(call_id, written)
            return self._decide(call_id, tool, self._action(tool, written))
        except references.BadReferenceError as error:
            return self._answer(call_id, name, Outcome("failed", "", said=str(error)))
        except (LookupError, TypeError, ValueError):
            return self._answer(call_id, name, Outcome("failed", "", said="the arguments do not fit the tool"))

    def _action(self, tool: ForeignTool, written: Mapping[str, Any]) -> Action:
        """Raises: BadReferenceError."""
        seen = self.sight.seen
        resolved = {name: self._resolve(tool, name, value, seen) for name, value in written.items()}
        inputs = [one for _, one in resolved.values()]
        if tool.on_own_record:
            inputs.append(Input("", "target", Label(Integrity.SYSTEM, origin="the caller's own record"), True))
        plan = self.turn.get("plan")
        return Action(
            tool=tool.name,
            effect=tool.effect,
            scope=_SCOPES[tool.effect],
            arguments={name: value for name, (value, _) in resolved.items()},
            schema_hash=tool.schema_hash,
            tenant=self.principal.tenant,
            agent="agentdojo",
            agent_tools=frozenset(self.tools) | {READ_TEXT.name},
            plan=None if plan is None else frozenset(plan),
            inputs=tuple(inputs),
        )

    def _resolve(self, tool: ForeignTool, name: str, value: Any, seen: Seen) -> tuple[Any, Input]:
        argument = tool.arguments[name]
        if references.is_reference(value):
            told, label = self.sources.resolve(value, argument)
            made = Input(name, argument.role, label, is_reference=True)
        else:
            told = map_strings(value, seen.handles.reveal)
            made = label_written(name, argument.role, value, seen)
            made = replace(made, is_reference=made.is_reference and argument.kind is None)
        leaves = tool.effect is Effect.SEND and argument.role == "content"
        return (map_strings(told, outward) if leaves else told), made

    def _decide(self, call_id: str, tool: ForeignTool, action: Action) -> Outcome:
        """As for the service's own tools: once before a change is worked out, and again with it in sight."""
        decision = policy.decide(action, self.principal)
        if isinstance(decision, Grant) and tool.change is not None:
            decision.require_cover(action, self.principal)
            action = self._propose(tool, action, tool.change(self.world, action.arguments))
            decision = policy.decide(action, self.principal)
        outcome = Outcome("ran", "", action.arguments)
        if isinstance(decision, Hold):
            outcome = replace(outcome, fate="ran with a person", said=f"{decision.guard}: {decision.reason}")
            if not self.waves_through and not self.approves(action):
                return self._answer(call_id, tool.name, replace(outcome, fate="rejected"))
            decision = policy.redeem(action, self.principal, approval_id=call_id, rule=decision)
        if isinstance(decision, Deny):
            said = f"{decision.guard}: {decision.reason}"
            return self._answer(call_id, tool.name, replace(outcome, fate="denied", said=said))
        return self._carry_out(call_id, tool, action, decision, outcome)

    def _propose(self, tool: ForeignTool, action: Action, change: Change) -> Action:
        asked = Asked(action.arguments, {one.path: one.label for one in action.inputs})
        return replace(
            action,
            changes=(change,),
            field_labels=self._field_labels(change, asked),
            outgoing=tool.outgoing(self.world, asked) if tool.outgoing is not None else None,
        )

    def _field_labels(self, change: Change, asked: Asked) -> dict[tuple[str, str], FieldLabels]:
        """Arguments fill the fields of their name, or in their order where the tool calls them otherwise."""
        filled = list(asked.labels.values())
        present = Label(Integrity.CRM_VERIFIED)
        found = {}
        for place, one in enumerate(change.fields):
            old = self.world.kept.get((change.object_name, change.record_id, one.field), present)
            new = asked.labels.get(one.field, filled[place] if place < len(filled) else NOTHING)
            found[change.record_id, one.field] = FieldLabels(old if one.old is not None else NOTHING, new)
        return found

    def _carry_out(self, call_id: str, tool: ForeignTool, action: Action, grant: Grant, outcome: Outcome) -> Outcome:
        grant.require_cover(action, self.principal)
        result, error = self.run(tool.name, action.arguments)
        if error is not None:
            failed = replace(outcome, fate="failed", said=error)
            return self._answer(call_id, tool.name, failed, told="the tool could not do that")
        self._keep_labels(action)
        if tool.listing is None:
            return self._answer(call_id, tool.name, outcome, {"done": True})
        return self._show(call_id, tool.name, tool.listing, outcome, result)

    def _keep_labels(self, action: Action) -> None:
        """What a call writes is no better than what it was made of, whoever approved it."""
        for change in action.changes or ():
            for one in change.fields:
                label = action.field_labels[change.record_id, one.field].new
                kept = replace(label, integrity=min(label.integrity, Integrity.CRM_VERIFIED))
                self.world.kept[change.object_name, change.record_id, one.field] = kept

    def _show(self, call_id: str, name: str, listing: Listing, outcome: Outcome, result: Any) -> Outcome:
        rows: list[Row] = []
        labels: dict[Path, Label] = {}
        places: dict[Path, Place] = {}
        for number, (key, row) in enumerate(listing.rows(self.world, outcome.arguments, result)):
            rows.append(row)
            for part, value in row.items():
                spec = listing.kind.fields[part]
                label = label_value(self.world, listing.kind, key, row, part)
                is_shown = spec.may_be_shown(value, label)
                path: Path = ("rows", number, part)
                places[path] = Place(value, label, label_identity(spec, label), spec.identifies, is_shown)
                if isinstance(value, str) and not (is_shown and label.integrity is Integrity.EXTERNAL):
                    labels[path] = label
        self.sources.results[call_id] = places
        return self._answer(call_id, name, outcome, {"rows": rows}, Labelled(labels, frozenset()))

    def _read_out(self, call_id: str, written: Mapping[str, Any]) -> Outcome:
        """What stands behind handles; from then on there are only the tools that were named before."""
        handles, wanted = list(written["handles"]), list(written.get("tools_needed", ()))
        action = self._action(READ_TEXT, {"handles": handles, "tools_needed": wanted})
        grant = policy.decide(action, self.principal)
        known = self.sight.seen.handles.texts
        if not isinstance(grant, Grant) or any(HANDLE.fullmatch(one) is None or one not in known for one in handles):
            return self._answer(call_id, READ_TEXT.name, Outcome("denied", "", said="there is no such handle"))
        labels: dict[Path, Label] = {}
        places: dict[Path, Place] = {}
        for number, one in enumerate(handles):
            path: Path = ("texts", number, "text")
            labels[path] = known[one].label
            places[path] = Place(known[one].text, known[one].label, known[one].label)
        self.turn["plan"] = plan_after_reading([*self.tools.values(), READ_TEXT], wanted, self.turn.get("plan"))
        self.sources.results[call_id] = places
        texts = [{"handle": one, "text": known[one].text} for one in handles]
        outcome = Outcome("ran", "", action.arguments)
        return self._answer(
            call_id, READ_TEXT.name, outcome, {"texts": texts}, Labelled(labels, frozenset()), is_read_out=True
        )

    def _answer(
        self,
        call_id: str,
        name: str,
        outcome: Outcome,
        result: Mapping[str, Any] | None = None,
        labelled: Labelled | None = None,
        told: str | None = None,
        **notes: Any,
    ) -> Outcome:
        """Put the answer into the conversation, and say what of it the model sees.

        A tool's own words about an error may repeat an outsider's: the model is `told` something else.
        """
        envelope = success(result) if result is not None else failure(outcome.fate, told or outcome.said)
        message = tool_answer(call_id, name, envelope)
        self.notes[message["id"]] = notes_of(labelled or Labelled({}, frozenset()), _RUN, **notes)
        self.messages.append(message)
        return replace(outcome, shown=str(self.sight.messages[-1]["content"]))
