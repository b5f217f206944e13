"""How a tool describes itself: to the model, to the guards, to the person who approves and to the documentation."""

import inspect
import math
import types
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, Protocol, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crm.connector import (
    Aggregate,
    Aggregation,
    Change,
    Json,
    Match,
    MetricQuery,
    MetricTable,
    Page,
    Query,
    Row,
    TextMatch,
    Writing,
)
from crm.description import ObjectDescription
from crm.mailing import Sender
from crm.semantics.model import Layer
from tools._sandbox.report import Report
from trust.actions import Effect, ForeignCall, Outgoing
from trust.digests import digest_of
from trust.handles import OutsideText
from trust.policy_changes import PolicyPlan

Operation = Literal["create", "update", "delete", "confirm", "convert"]
_DEEPEST = 12
_OURS = ("source", "ask_user", "personal", "fields_of", "title")
"""Of an argument's declaration, what models are not shown."""
_LARGEST = 2**63


class Source(StrEnum):
    """Where the value of an argument may come from."""

    ANY = "any"
    USER = "user"
    RECORD = "record"
    """A record id that a tool returned, or that the user named."""
    HANDLE = "handle"
    """A handle for outside text, taken as it is and not for the words it stands for."""
    PLATFORM = "platform"
    """Filled in by the service; a model's value is ignored."""


class Integrity(StrEnum):
    """How far a value of a result is to be trusted, by where it was written, never by what it says."""

    SYSTEM = "system"
    """Ids, enums, numbers, dates."""
    BY_FIELD = "by_field"
    """Text of the CRM: as trustworthy as the field's declaration and the record's source say."""
    EXTERNAL = "external"
    """Anything an outsider could have written."""
    STAFF = "staff"
    """Text that only people of the tenant write, though not into the CRM."""
    ARGUMENTS = "arguments"
    """The call's own arguments, said again: as trustworthy as they are, and no evidence of anything."""
    COMPOSED = "composed"
    """Sentences that the tool makes of the result's other values: as trustworthy as the least of those."""


class ToolRetryError(Exception):
    """The arguments were wrong in a way that the model can correct; the message tells it how. `field`: the first of
    them, where one can be named."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class ToolFailedError(Exception):
    """The call cannot succeed as asked; the model should tell the user or try another way."""


class Arguments(BaseModel):
    """Base of argument models: an argument that the tool does not have is an error, not noise."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Result(BaseModel):
    """Base of result models."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def argument(
    description: str,
    *,
    default: Any = ...,
    source: Source = Source.ANY,
    ask_user: bool = True,
    personal: bool = False,
    options: Mapping[str, str] | None = None,
    fields_of: str | None = None,
    **constraints: Any,
) -> Any:
    """A field of an argument model. `ask_user`: whether the copilot may ask the person for it. `fields_of`: for fields
    of a record with their values, the argument that names its kind.

    `options`: what each value means that may be chosen, in words that people use for it. They are put into the
    description, one line `- value: meaning` each, where any model reads them.
    """
    extra: dict[str, Any] = {"source": source.value, "ask_user": ask_user, "personal": personal}
    if fields_of is not None:
        extra["fields_of"] = fields_of
    description = "\n".join([description, *(f"- {value}: {meaning}" for value, meaning in (options or {}).items())])
    return Field(default=default, description=description, json_schema_extra=extra, **constraints)


def output(
    description: str,
    *,
    integrity: Integrity = Integrity.SYSTEM,
    personal: bool = False,
    displayable: bool = True,
    plannable: bool = True,
    **constraints: Any,
) -> Any:
    """A field of a result model. `plannable`: whether the planner may act on its value."""
    extra: dict[str, Any] = {
        "integrity": integrity.value,
        "personal": personal,
        "displayable": displayable,
        "plannable": plannable,
    }
    return Field(description=description, json_schema_extra=extra, **constraints)


class ReadingCrm(Protocol):
    """The part of `crm.connector.Connector` that a tool can reach: it looks and proposes, and cannot write."""

    async def describe(self, object_name: str) -> ObjectDescription: ...

    async def list_objects(self) -> list[str]: ...

    async def get(self, object_name: str, record_id: str, fields: Any = None) -> Row: ...

    async def query(self, query: Query) -> Page: ...

    async def aggregate(self, question: Aggregate) -> Aggregation: ...

    async def measure(self, question: MetricQuery) -> MetricTable: ...

    async def semantics(self) -> Layer: ...

    async def find(self, text: str, objects: Any, limit: int) -> list[Match]: ...

    async def search(self, object_name: str, text: str, limit: int) -> list[TextMatch]: ...

    async def names_of(self, record_ids: Any) -> dict[str, str]: ...

    async def propose_create(
        self, object_name: str, fields: Mapping[str, Json], *, beside: Sequence[Change] = ()
    ) -> Change: ...

    async def propose_update(self, object_name: str, record_id: str, fields: Mapping[str, Json]) -> Change: ...

    async def propose_confirm(self, object_name: str, record_id: str, fields: Sequence[str]) -> Change: ...

    async def propose_convert(
        self, lead_id: str, became: Mapping[str, Json], *, beside: Sequence[Change] = ()
    ) -> Change: ...


class OutsideTexts(Protocol):
    """Words of outsiders that the conversation came across, by their handles."""

    def look_up(self, handle: str) -> OutsideText | None: ...

    async def extract(self, handle: str, wanted: Sequence[Any]) -> dict[str, Any]: ...


class NoOutsideTexts:
    """For callers that show nobody any handles."""

    def look_up(self, handle: str) -> OutsideText | None:
        return None

    async def extract(self, handle: str, wanted: Sequence[Any]) -> dict[str, Any]:
        return {}


class PostRules(Protocol):
    """What a tool that sends has to know of the tenant: how it sends, and who wants no mail."""

    async def sender(self) -> Sender | None: ...

    async def opted_out(self, addresses: Collection[str]) -> frozenset[str]: ...


class CodeRunner(Protocol):
    """Runs code that nobody has checked, where it can do no harm; counted, and entered into the audit."""

    async def run(self, code: str, tests: str | None) -> Report: ...


class WorkflowBook(Protocol):
    """What a tool can know of workflows: those there are, and how the caller's own stand."""

    def check(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The title of the workflow that could be started so. Raises: ToolRetryError, naming what is wrong."""

    async def list_standings(self, name: str | None, *, only_open: bool, limit: int) -> list[dict[str, Any]]: ...


class PolicyPlanner(Protocol):
    """Says what a change of the tenant's approval rules would come to, without making it."""

    async def plan(self, values: Mapping[str, Any]) -> PolicyPlan: ...


class ForeignServers(Protocol):
    """Calls the tools of others that read. Those that write are called by the ledger's word only."""

    async def read(self, server: str, tool: str, arguments: Mapping[str, Any]) -> str:
        """What the tool answered, as text. Raises: ToolFailedError."""
        ...


@dataclass(frozen=True)
class ToolContext:
    """What a tool is given besides its arguments. The tenant and the person are inside `crm`, out of reach."""

    crm: ReadingCrm
    user_id: str | None
    """None when a customer calls."""
    now: datetime
    today: date
    """The day the caller works with; all relative dates count from it."""
    outside: OutsideTexts = field(default_factory=NoOutsideTexts)
    post: PostRules | None = None
    """None where nothing can be sent."""
    code: CodeRunner | None = None
    """None where no code can be run."""
    policy: PolicyPlanner | None = None
    """None where the policy cannot be changed."""
    workflows: WorkflowBook | None = None
    """None where none can be started."""
    foreign: ForeignServers | None = None
    """None where no server of others can be reached."""


@dataclass(frozen=True)
class Proposal:
    """What a writing tool would change. It writes nothing: the ledger does, once a person has countersigned."""

    changes: tuple[Change, ...]
    outgoing: Outgoing | None = None
    """The message that leaves the house with the change; tools that send have one, and no others."""
    taken_from: Mapping[tuple[str, str], Sequence[tuple[str, str]]] = field(default_factory=dict)
    """By record id and field of a change: the records and fields that its value was copied or worked out from, besides
    the call's arguments. The value keeps their labels: what an outsider wrote stays an outsider's."""
    call: ForeignCall | None = None
    """What a server of others would be told to do; foreign tools that write have one, and no changes."""


@dataclass(frozen=True)
class Tool:
    """A tool of the catalogue. Not callable: it runs through `tools._run` on a grant."""

    name: str
    description: str
    effect: Effect
    scope: str
    arguments: type[Arguments]
    result: type[Result] | None
    """None for tools that write: their result is what the ledger read back."""
    function: Callable[[ToolContext, Any], Awaitable[Result | Proposal]]
    module: str
    for_customers: bool = False
    permission: str | None = None
    """What a person needs besides the scope; None: nothing more."""
    changes: tuple[tuple[Operation, str], ...] = ()
    """What it may propose, as operation and object, with `*` for any object; empty: anything."""
    judges_outside: bool = False
    """Whether values of its result, though of the service's making, were taken out of texts that it returns with them:
    what the model does with the values then counts as those texts' doing."""
    most_records: int | None = None
    """How many records it may touch at once, for tools that are made for many; None: as many as any."""
    asks: str | None = None
    """How a person would ask for it, with `{record}` in the place of the record that is all it has to be told; None: it
    is not offered as something to ask next."""
    ways: tuple[str, ...] = ()
    """Ways to ask for it, word for word, as `agents/_offline/asking.py` reads them."""
    is_foreign: bool = False
    """Whether somebody outside has described it: a model that has it may do what the description says."""

    def may_propose(self, operation: Writing, object_name: str) -> bool:
        if operation in ("restore", "unconfirm", "unconvert"):
            return False  # they take back, which is a person's to do
        is_declared = bool({(operation, object_name), (operation, "*")} & set(self.changes))
        return is_declared or (not self.changes and operation not in ("delete", "convert"))

    @cached_property
    def schema(self) -> dict[str, Any]:
        """What a model is shown: an OpenAI-style function with JSON Schema parameters."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": _plain_schema(self.arguments),
                **({"ways": list(self.ways)} if self.ways else {}),
            },
        }

    @cached_property
    def schema_hash(self) -> str:
        """Changes when anything does that an approval relied on; how a tool is asked for is no such thing."""
        return digest_of([without_ways(self.schema), self.effect, self.scope])

    @cached_property
    def handle_arguments(self) -> frozenset[str]:
        """Names of the arguments that take handles."""
        extras = {name: field.json_schema_extra for name, field in self.arguments.model_fields.items()}
        return frozenset(n for n, e in extras.items() if isinstance(e, dict) and e.get("source") == Source.HANDLE)

    @cached_property
    def field_arguments(self) -> dict[str, str]:
        """Names of the arguments that hold fields of a record with their values -> the argument that names its kind."""
        extras = {name: field.json_schema_extra for name, field in self.arguments.model_fields.items()}
        return {n: str(e["fields_of"]) for n, e in extras.items() if isinstance(e, dict) and "fields_of" in e}

    def place_of(self, field: str) -> str:
        """Where among the arguments something stands: an argument by its name, a record's field inside of its argument.
        Empty for what stands nowhere."""
        if not field or field.partition(".")[0] in self.arguments.model_fields:
            return field
        return f"{next(iter(self.field_arguments))}.{field}" if len(self.field_arguments) == 1 else ""

    def validate(self, arguments: Any) -> Arguments:
        """Raises: ToolRetryError, naming each argument and what was expected."""
        if not isinstance(arguments, Mapping):
            raise ToolRetryError(f"{self.name} takes an object with named arguments")
        fault = find_json_fault(arguments)
        if fault is not None:
            raise ToolRetryError(f"{self.name}: {fault}")
        try:
            return self.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[:5]
            faults = "; ".join(_fault(one) for one in found)
            raise ToolRetryError(f"{self.name}: {faults}", field=_place(found[0])) from None


def _fault(error: Mapping[str, Any]) -> str:
    return f"{_place(error) or 'arguments'}: {error['msg'][:300]}"


def _place(error: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in error["loc"])[:80]


def find_json_fault(value: Any, depth: int = 0) -> str | None:
    """What in a model's arguments no digest, database or client could take; None if there is nothing.

    Parsers let more through than JSON has: NaN, numbers without end, halves of surrogate pairs.
    """
    if depth > _DEEPEST:
        return f"at most {_DEEPEST} levels of nesting"
    if isinstance(value, str):
        return "text must be valid Unicode" if _is_broken(value) else None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return None if abs(value) < _LARGEST else "whole numbers must be below 2^63"
    if isinstance(value, float):
        return None if math.isfinite(value) else "numbers must be finite"
    if isinstance(value, Mapping):
        inside = (fault for pair in value.items() for one in pair if (fault := find_json_fault(one, depth + 1)))
        return next(inside, None)
    if isinstance(value, list | tuple):
        return next((fault for one in value if (fault := find_json_fault(one, depth + 1))), None)
    return f"{type(value).__name__} is not a JSON value"


def _is_broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _plain_schema(model: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema without what only the service reads."""

    def strip(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: strip(v) for k, v in node.items() if k not in _OURS}
        return [strip(one) for one in node] if isinstance(node, list) else node

    schema = model.model_json_schema()
    properties = schema.get("properties", {})
    plain = strip({k: v for k, v in schema.items() if k not in ("properties", "description")})
    plain["properties"] = {name: strip(value) for name, value in properties.items()}
    return cast("dict[str, Any]", plain)


A = TypeVar("A", bound=Arguments)


def without_ways(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as a provider's model is shown it: without the ways to ask, which it needs none of."""
    function = {name: value for name, value in schema["function"].items() if name != "ways"}
    return {**schema, "function": function}


def _split_ways(doc: str) -> tuple[str, tuple[str, ...]]:
    """A docstring without the paragraph that begins with 'People say:', and the ways to ask that stand in it."""
    told, _, ways = doc.partition("\n\nPeople say: ")
    return told, tuple(filter(None, (" ".join(one.split()).strip(" .") for one in ways.split(";"))))


def tool(
    *,
    effect: Effect,
    scope: str,
    for_customers: bool = False,
    permission: str | None = None,
    changes: tuple[tuple[Operation, str], ...] = (),
    judges_outside: bool = False,
    most_records: int | None = None,
    asks: str | None = None,
) -> Callable[[Callable[[ToolContext, A], Awaitable[Result | Proposal]]], Tool]:
    """Declare a tool. The function's name is the tool's, its docstring is what the model reads.

    A last paragraph of it that begins with 'People say:' holds ways to ask, for the model that decides by rules.

    The argument and result models are taken from the annotations.
    """

    def declare(function: Callable[[ToolContext, A], Awaitable[Result | Proposal]]) -> Tool:
        annotations = inspect.get_annotations(function, eval_str=True)
        arguments, result = annotations["args"], annotations["return"]
        writes = result is Proposal
        description, ways = _split_ways(inspect.cleandoc(function.__doc__ or ""))
        if writes is (effect is Effect.READ):
            raise TypeError(f"{function.__name__}: a tool that writes returns a Proposal, and no other does")
        return Tool(
            name=function.__name__,
            description=description,
            effect=effect,
            scope=scope,
            arguments=arguments,
            result=None if writes else result,
            function=cast("types.FunctionType", function),
            module=function.__module__,
            for_customers=for_customers,
            permission=permission,
            changes=changes,
            judges_outside=judges_outside,
            most_records=most_records,
            asks=asks,
            ways=ways,
        )

    return declare
