"""What a case expects: calls, answer, refusal, requests, records; with short forms for what is common."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from crm.schema import OBJECT_INFO
from evals.quality.refusals import REASONS


class Form(BaseModel):
    """A field that does not exist is an error that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ExpectedCall(Form):
    """A call of one of the tools, with these arguments among its own."""

    tools: tuple[str, ...]
    arguments: dict[str, Any] = {}


def _read_call(given: Any) -> Any:
    """`tool`, `tool: {argument: value}`, or `any_of: [tool, ...]` with arguments beside it."""
    if isinstance(given, str):
        return {"tools": [given]}
    if isinstance(given, dict) and "any_of" in given:
        return {"tools": given["any_of"], **{name: value for name, value in given.items() if name != "any_of"}}
    if isinstance(given, dict) and len(given) == 1 and "tools" not in given:
        ((name, arguments),) = given.items()
        return {"tools": [name], "arguments": arguments or {}}
    return given


class ExpectedTools(Form):
    """`exact`: these calls and no others; `partial`: these in this order; `any`: these in any order."""

    order: Literal["any", "partial", "exact"] = "any"
    calls: tuple[Annotated[ExpectedCall, BeforeValidator(_read_call)], ...] = ()
    never: tuple[str, ...] = ()
    """Tools that must not be called."""


def _read_tools(given: Any) -> Any:
    return {"calls": given} if isinstance(given, list) else given


class Answer(Form):
    """What the answer has to say. `value` and `numbers` are exact: a value, a list of them, or `{sql: query}`."""

    equals: str | None = None
    value: Any = None
    numbers: Any = None
    contains: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    in_order: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    matches: str | None = None
    says: str | None = None
    """A model answer in free words: its numbers, dates, ids, codes and names of records have to occur."""

    @property
    def is_exact(self) -> bool:
        return any(one is not None for one in (self.equals, self.value, self.numbers))


class Refusal(Form):
    """The request is to be declined, for one of these reasons."""

    because: tuple[str, ...]
    wrong_caller: bool = False
    """Whether another caller would be answered."""

    @model_validator(mode="after")
    def check(self) -> Self:
        unknown = [one for one in self.because if one not in REASONS]
        if unknown:
            raise ValueError(f"because: {unknown[0]!r} is none of {', '.join(REASONS)}")
        return self


def _read_names(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


class ExpectedApproval(Form):
    """A request that has to be put before a person, with these new values among its changes."""

    tool: Annotated[tuple[str, ...], BeforeValidator(_read_names)]
    """One, or several of which any will do."""
    object: str | None = None
    fields: dict[str, Any] = {}


class ExpectedRecord(Form):
    """What is in the database afterwards: how many records match `find`, and what they hold."""

    object: str
    find: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    count: int | None = Field(default=None, ge=0)
    """None: at least one."""
    is_new: bool = False
    """Whether only records count that the case has made."""

    @model_validator(mode="after")
    def check(self) -> Self:
        if self.object not in OBJECT_INFO:
            raise ValueError(f"there is no object {self.object!r}")
        known = OBJECT_INFO[self.object].fields
        unknown = [name for name in (*self.find, *self.fields) if name not in known]
        if unknown:
            raise ValueError(f"{self.object} has no field {unknown[0]!r}")
        return self


class Expectation(Form):
    """What has to come of a message, or of a whole conversation. Nothing said, nothing checked, except for claims
    that come from nowhere, requests that nobody expects, and records that change without one."""

    agent: Annotated[tuple[str, ...], BeforeValidator(_read_names)] = ()
    tools: Annotated[ExpectedTools, BeforeValidator(_read_tools)] = ExpectedTools()
    answer: Answer | None = None
    refusal: Refusal | None = None
    approvals: tuple[ExpectedApproval, ...] = ()
    records: tuple[ExpectedRecord, ...] = ()
    may_ask: bool = False
    """Whether a question back is as good."""
