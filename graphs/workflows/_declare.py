"""How a workflow describes itself: what it is started with, its steps in their order, and where each of them leads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents._agent import DomainAgent
from crm.ids import normalise_id
from crm.schema import OBJECT_INFO, object_of
from graphs.versions import GraphVersion
from graphs.workflows._view import View
from tools._declare import Tool, ToolRetryError
from trust.actions import Effect

NEXT: Final = "(next)"
"""The step that comes next in the list."""
AGAIN: Final = "(again)"
"""The same step once more: it sees why it did not come through."""
STOP: Final = "(stop)"
"""The end, before the work was done."""
DONE: Final = "(done)"
"""The end."""
FINISH: Final = "finish"
"""The node that every path leads to."""
MOST_ROUNDS: Final = 3

Outcome = Literal["done", "rejected", "expired", "failed"]
Arguments = Mapping[str, Any]


class WorkflowError(Exception):
    """A workflow that does not hold together. The program does not start."""


class Given(BaseModel):
    """Base of what workflows are started with."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def record_id(object_name: str, description: str) -> Any:
    """A field that takes the id of a record of one kind, of 15 or 18 characters."""
    prefix = OBJECT_INFO[object_name].prefix
    return Field(
        description=description,
        pattern=f"^{prefix}[0-9A-Za-z]{{12}}([0-9A-Za-z]{{3}})?$",
        json_schema_extra={"x-object": object_name},
    )


@dataclass(frozen=True)
class Step:
    """One tool, called once or for each of several things; what it would write waits for people.

    It is left out if there is nothing to call the tool with.
    """

    name: str
    title: str
    """What it does, for people: a verb and what."""
    tool: Tool
    call: Callable[[View], Arguments | None] | None = None
    """The arguments; None: there is nothing to do."""
    calls: Callable[[View], Sequence[Arguments]] | None = None
    """In place of `call`: the arguments for each of several things."""
    to: str = NEXT
    on_rejected: str = STOP
    """Where it goes on if a person said no, to one of several things as well; why is in the view."""
    on_expired: str = STOP
    on_failed: str = STOP
    """Where it goes on if a guard or the records stood in the way."""

    @property
    def waits(self) -> bool:
        return self.tool.effect is not Effect.READ

    @property
    def wait_node(self) -> str:
        """The node beside it where people are waited for."""
        return f"{self.name}_wait"

    def wanted(self, view: View) -> list[Arguments]:
        if self.calls is not None:
            return list(self.calls(view))
        found = None if self.call is None else self.call(view)
        return [] if found is None else [found]

    def path(self, outcome: Outcome) -> str:
        ways = {"rejected": self.on_rejected, "expired": self.on_expired, "failed": self.on_failed}
        return ways.get(outcome, self.to)

    @property
    def paths(self) -> dict[str, str]:
        """Where it may lead, each way with what leads there."""
        found: dict[str, list[str]] = {self.to: ["done"]}
        outcomes: tuple[Outcome, ...] = ("rejected", "expired", "failed") if self.waits else ("failed",)
        for outcome in outcomes:
            found.setdefault(self.path(outcome), []).append(outcome)
        return {way: ", ".join(outcomes) for way, outcomes in found.items()}


@dataclass(frozen=True)
class Branch:
    """A choice by what is known so far. It calls nothing."""

    name: str
    title: str
    choose: Callable[[View], str | tuple[str, str]]
    """The way; with it, if it is to be told, why."""
    ways: Mapping[str, str]
    """Where it may lead, each way with what is true then."""

    @property
    def paths(self) -> dict[str, str]:
        return dict(self.ways)


@dataclass(frozen=True)
class Workflow:
    """A graph of its own. It is an agent as well: it has the tools of its steps, no others, and can be switched off."""

    name: str
    title: str
    description: str
    input: type[Given]
    steps: tuple[Step | Branch, ...]
    fingerprint: str
    """Of the graph, for its version: `graphs/versions.py`."""
    version: int = 1
    earlier: tuple[GraphVersion, ...] = ()
    about: tuple[str, str] | None = None
    """The kind of record that it is about, and the part of the input that takes its id: so it can follow an event."""
    summary: Callable[[View], str] | None = field(default=None)
    """What came of it, in a sentence, when it is done."""

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        return tuple({step.tool.name: step.tool for step in self.steps if isinstance(step, Step)}.values())

    @cached_property
    def agent(self) -> DomainAgent:
        return DomainAgent(
            name=self.name,
            label=self.title,
            handles=(),
            home_object=None,
            instructions=self.description,
            tools=self.tools,
        )

    def after(self, name: str, way: str) -> str:
        """The node that a step's way leads to."""
        if way in (STOP, DONE):
            return FINISH
        if way == AGAIN:
            return name
        names = [step.name for step in self.steps]
        following = names.index(name) + 1
        if way == NEXT:
            return names[following] if following < len(names) else FINISH
        return way

    def step(self, name: str | None) -> Step | Branch | None:
        return next((step for step in self.steps if step.name == name), None)

    def check(self) -> None:
        """Raises: WorkflowError."""
        names = [step.name for step in self.steps]
        if len(set(names)) != len(names) or FINISH in names:
            raise WorkflowError(f"{self.name}: every step needs a name of its own")
        for step in self.steps:
            lost = [way for way in step.paths if way not in (NEXT, AGAIN, STOP, DONE, *names)]
            if lost:
                raise WorkflowError(f"{self.name}: the step {step.name!r} leads to {lost[0]!r}, which it does not have")
            if isinstance(step, Step) and (step.call is None) is (step.calls is None):
                raise WorkflowError(f"{self.name}: the step {step.name!r} takes either call or calls")
            if isinstance(step, Step) and step.calls is not None and AGAIN in step.paths:
                raise WorkflowError(f"{self.name}: the step {step.name!r} would do again what it has done")
        if self.about is not None:
            object_name, argument = self.about
            if object_name not in OBJECT_INFO or argument not in self.input.model_fields:
                raise WorkflowError(f"{self.name}: it cannot be about {object_name!r} by {argument!r}")

    def read(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Its input from the arguments of the tool that starts workflows: the record, and what goes by the same name.

        Raises: ToolRetryError, naming what is wrong.
        """
        given = {name: value for name, value in arguments.items() if name in self.input.model_fields}
        record = arguments.get("record_id")
        if record is not None:
            found = self.given_for(str(record))
            if found is None:
                wanted = f"the id of a record of {self.about[0]}" if self.about else "nothing"
                raise ToolRetryError(f"record_id: {self.title} takes {wanted}")
            given |= found
        given = {name: value for name, value in given.items() if value is not None}
        try:
            return self.input.model_validate(given).model_dump(mode="json")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part)[:80] for part in first["loc"])
            named = "record_id" if self.about is not None and where == self.about[1] else where
            raise ToolRetryError(f"{named}: {first['msg'][:300]}") from None

    def given_for(self, record: str) -> dict[str, Any] | None:
        """What it is started with for a record; None if it is about another kind, or about none."""
        found = normalise_id(record)
        if self.about is None or found is None or object_of(found) != self.about[0]:
            return None
        return {self.about[1]: found}
