"""The shapes of the LangGraph server protocol, as its public clients send and read them."""

import re
import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from api.errors import InputError
from crm.fields import to_json
from crm.work import Approval, Run, Thread
from graphs.assistants import TURN, Assistant, Graphs, assistant_id
from graphs.conversations import Ask
from graphs.messages import text_of
from graphs.requests import describe_approval

MAX_MESSAGE_CHARS = 100_000
MAX_DETAILS_CHARS = 16_000
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LONGEST_ID = 200
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
Json = dict[str, Any]
StreamMode = Literal[
    "values", "updates", "messages", "messages-tuple", "custom", "tasks", "checkpoints", "debug", "events", "trees"
]


def _check_size(value: Json | None) -> Json | None:
    if value is not None and len(str(value)) > MAX_DETAILS_CHARS:
        raise ValueError(f"at most {MAX_DETAILS_CHARS:,} characters in all")
    return value


def check_details(value: Json) -> Json:
    """Raises: InputError for metadata that has become too large, piece by piece."""
    if len(str(value)) > MAX_DETAILS_CHARS:
        raise InputError("metadata", f"at most {MAX_DETAILS_CHARS:,} characters in all")
    return value


Details = Annotated[Json, AfterValidator(_check_size)]


def _check_instant(text: object) -> object:
    if isinstance(text, str) and not _INSTANT.fullmatch(text):
        raise ValueError("expected a time of day with its zone, such as 2026-11-02T09:00:00Z")
    return text


def _check_year(instant: datetime) -> datetime:
    if not 1900 <= instant.year <= 2199:
        raise ValueError("expected a year from 1900 to 2199")
    return instant


Instant = Annotated[AwareDatetime, BeforeValidator(_check_instant), AfterValidator(_check_year)]
"""An instant in a query, in the form of RFC 3339 only: numbers are taken for instants otherwise."""


class Body(BaseModel):
    """Base of request bodies: a field that does not exist is an error that names it."""

    model_config = ConfigDict(extra="forbid")


class RunContextBody(Body):
    """What a run may be told besides the message."""

    today: date | None = Field(
        default=None,
        ge=date(1900, 1, 1),
        le=date(2199, 12, 31),
        description="The day to work with; relative dates count from it.",
    )
    instructions: str | None = Field(default=None, max_length=20_000, description="Task policy, as the caller's words.")


class CommandBody(Body):
    """How to go on with a thread that waits."""

    resume: Any = None
    goto: Any = None
    update: Any = None


class RunBody(Body):
    """A run, as the public SDKs send it. Options that would bypass the service's own flow are refused by name."""

    assistant_id: str = Field(max_length=100, description=f"`{TURN.name}` or another assistant, by name or id.")
    input: Json | None = Field(
        default=None,
        description='`{"messages": [{"type": "human", "content": "..."}]}`, or what the assistant\'s schema asks for. '
        "A message with `replaces`, the id of the caller's last message, is said in its place.",
    )
    command: CommandBody | None = None
    context: RunContextBody | None = None
    config: Json | None = Field(default=None, description="Accepted for the clients' sake; nothing in it is used.")
    metadata: Details | None = None
    stream_mode: StreamMode | Annotated[list[StreamMode], Field(max_length=20)] | None = None
    stream_subgraphs: bool | None = None
    stream_resumable: bool | None = None
    multitask_strategy: Literal["reject", "enqueue", "interrupt", "rollback"] | None = None
    if_not_exists: Literal["create", "reject"] | None = None
    on_disconnect: Literal["cancel", "continue"] | None = None
    on_completion: Literal["delete", "keep"] | None = None
    durability: Literal["sync", "async", "exit"] | None = None
    strict_resume: bool | None = None
    checkpoint: Json | None = None
    checkpoint_id: str | None = None
    checkpoint_during: bool | None = None
    feedback_keys: list[str] | None = None
    langsmith_tracer: Json | None = None
    interrupt_before: Literal["*"] | list[str] | None = None
    interrupt_after: Literal["*"] | list[str] | None = None
    webhook: str | None = None
    after_seconds: float | None = None

    def check(self) -> None:
        """Raises: InputError for what this service does not do."""
        for name in ("interrupt_before", "interrupt_after", "webhook", "after_seconds"):
            if getattr(self, name):
                raise InputError(name, "is not supported")
        if self.command is not None and self.command.update is not None:
            raise InputError("command.update", "the state of a conversation is not edited from outside")

    @property
    def is_repetition(self) -> bool:
        """Whether nothing is said or decided: the last message is to be answered anew."""
        command = self.command
        return self.input is None and (command is None or (command.resume is None and command.goto is None))

    def modes(self) -> tuple[str, ...]:
        if self.stream_mode is None:
            return ("values",)
        return tuple(self.stream_mode) if isinstance(self.stream_mode, list) else (self.stream_mode,)

    def to_ask(self, assistant: Assistant) -> Ask:
        """Raises: InputError unless the input is what the assistant takes."""
        text, message_id, given = read_input(self.input or {}, assistant)
        replaces = None if given is not None else read_replaced(self.input or {})
        context = self.context or RunContextBody()
        return Ask(
            text=text,
            message_id=message_id,
            replaces=replaces,
            assistant=assistant.name,
            given=given,
            today=context.today,
            instructions=context.instructions,
            stream_mode=self.modes(),
            details=self.metadata,
            strategy=self.multitask_strategy,
        )


def find_assistant(named: str, graphs: Graphs, *, is_customer: bool) -> Assistant:
    """The assistant that a body names. Raises: InputError."""
    found = graphs.find(named, is_customer=is_customer)
    if found is None:
        known = ", ".join(repr(one.name) for one in graphs.for_caller(is_customer=is_customer))
        raise InputError("assistant_id", f"expected one of {known}")
    return found


def read_input(given: Mapping[str, Any], assistant: Assistant) -> tuple[str | None, str | None, Json | None]:
    """The message with its id, or in its place what the assistant is started with. Raises: InputError."""
    if assistant.input is None:
        return *read_message(given), None
    try:
        return None, None, assistant.input.model_validate(given).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(["input", *(str(part)[:80] for part in first["loc"])])
        raise InputError(where, first["msg"][:300]) from None


def read_message(given: Mapping[str, Any]) -> tuple[str, str | None]:
    """The user's message in a run's input, and its id. Clients may send tool messages along: they are not believed.

    Raises: InputError.
    """
    if set(given) - {"messages"}:
        raise InputError("input", "expected only messages")
    messages = given.get("messages")
    if isinstance(messages, str | dict):
        messages = [messages]
    if not isinstance(messages, list) or not messages:
        raise InputError("input.messages", "expected a list with the user's message")
    said: list[tuple[str, str | None]] = []
    for place, message in enumerate(messages):
        where = f"input.messages.{place}"
        if isinstance(message, str):
            said.append((message, None))
            continue
        if not isinstance(message, dict):
            raise InputError(where, "expected a message with type and content")
        kind = message.get("type", message.get("role"))
        if kind == "tool":
            continue
        if kind not in ("human", "user"):
            raise InputError(f"{where}.type", "expected human: only the user's own words can be sent")
        said.append((read_content(message.get("content"), where), read_message_id(message.get("id"), where)))
    if not said:
        raise InputError("input.messages", "expected a message of the user")
    text = "\n".join(one for one, _ in said)
    if not text.strip():
        raise InputError("input.messages", "the message is empty")
    if len(text) > MAX_MESSAGE_CHARS:
        raise InputError("input.messages", f"at most {MAX_MESSAGE_CHARS} characters, not {len(text)}")
    return text, said[-1][1]


def read_replaced(given: Mapping[str, Any]) -> str | None:
    """The id of the message that the user's message is said in place of. Raises: InputError."""
    messages = given.get("messages")
    messages = messages if isinstance(messages, list) else [messages]
    named = [one.get("replaces") for one in messages if isinstance(one, dict) and one.get("replaces") is not None]
    if not named:
        return None
    if len(messages) > 1 or not isinstance(named[0], str) or not 0 < len(named[0]) <= _LONGEST_ID:
        raise InputError("input.messages.0.replaces", "expected one message, and the id of your last one")
    return named[0]


def read_content(content: object, where: str) -> str:
    """The text of a message. Raises: InputError."""
    if not isinstance(content, str | list):
        raise InputError(f"{where}.content", "expected text or a list of text blocks")
    for place, block in enumerate(content if isinstance(content, list) else ()):
        is_block = isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("text"), str)
        if not is_block and not isinstance(block, str):
            raise InputError(f"{where}.content.{place}", "expected a block of type text, with its text")
    return text_of({"content": content})


def read_message_id(given: object, where: str) -> str | None:
    """Raises: InputError."""
    if given is None:
        return None
    if not isinstance(given, str) or not _MESSAGE_ID.fullmatch(given):
        raise InputError(f"{where}.id", "expected 1 to 100 letters, digits, hyphens and underscores")
    return given


class ThreadBody(Body):
    thread_id: uuid.UUID | None = None
    metadata: Details | None = None
    if_exists: Literal["raise", "do_nothing"] | None = None
    ttl: Any = Field(default=None, description="Accepted for the clients' sake; retention is the tenant's policy.")
    graph_id: str | None = None
    supersteps: list[Any] | None = None


class ThreadPatch(Body):
    metadata: Details
    ttl: Any = None


ThreadField = Literal[
    "thread_id", "created_at", "updated_at", "state_updated_at", "metadata", "status", "config", "values", "interrupts",
    "error",
]  # fmt: skip


class ThreadSearch(Body):
    metadata: Details | None = None
    values: Details | None = None
    ids: list[uuid.UUID] | None = Field(default=None, max_length=200)
    status: Literal["idle", "busy", "interrupted", "error"] | None = None
    limit: int = Field(default=10, ge=1, le=1000)
    offset: int = Field(default=0, ge=0, le=1_000_000)
    sort_by: Literal["thread_id", "status", "created_at", "updated_at", "state_updated_at"] | None = None
    sort_order: Literal["asc", "desc"] | None = None
    select: list[ThreadField] | None = Field(default=None, min_length=1, max_length=20)
    extract: dict[str, str] | None = None


class ThreadCount(Body):
    metadata: Details | None = None
    values: Details | None = None
    status: Literal["idle", "busy", "interrupted", "error"] | None = None


class ThreadsBody(Body):
    """Conversations to be cleared away."""

    thread_ids: list[uuid.UUID] = Field(max_length=200)
    strategy: Literal["delete", "keep_latest"] | None = None


class StateBody(Body):
    values: Any = None
    as_node: str | None = None
    checkpoint: Json | None = None
    checkpoint_id: str | None = None


class CheckpointPlace(Body):
    """Where a state is, as clients got it with one."""

    thread_id: str | None = None
    checkpoint_ns: Literal[""] | None = None
    checkpoint_id: uuid.UUID | None = None
    checkpoint_map: Json | None = None


class CheckpointBody(Body):
    checkpoint: CheckpointPlace
    subgraphs: bool | None = None
    select: list[str] | None = None


class HistoryBody(Body):
    limit: int = Field(default=10, ge=1, le=1000)
    before: Json | str | None = None
    metadata: Details | None = None
    checkpoint: Json | None = None
    select: list[str] | None = None

    def before_id(self) -> str | None:
        given = self.before
        if isinstance(given, dict):
            inner = given.get("configurable")
            given = given.get("checkpoint_id", inner.get("checkpoint_id") if isinstance(inner, dict) else None)
        if given is not None and not isinstance(given, str):
            raise InputError("before", "expected the id of a checkpoint")
        return given


class AssistantSearch(Body):
    metadata: Details | None = None
    graph_id: str | None = None
    name: str | None = None
    limit: int = Field(default=10, ge=1, le=1000)
    offset: int = Field(default=0, ge=0, le=1_000_000)
    sort_by: str | None = None
    sort_order: str | None = None
    select: list[str] | None = None
    response_format: Literal["object", "array"] | None = None


class VersionSearch(Body):
    metadata: Details | None = None
    limit: int = Field(default=10, ge=1, le=1000)
    offset: int = Field(default=0, ge=0, le=1_000_000)


class LatestBody(Body):
    version: int = Field(ge=1)


class ThreadWire(BaseModel):
    thread_id: str
    created_at: str
    updated_at: str
    state_updated_at: str
    metadata: Json
    status: Literal["idle", "busy", "interrupted", "error"]
    config: Json
    values: Json | None
    interrupts: dict[str, list[Json]]
    error: str | None


class ThreadPart(BaseModel):
    """Of a thread, what was asked for."""

    thread_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    state_updated_at: str | None = None
    metadata: Json | None = None
    status: Literal["idle", "busy", "interrupted", "error"] | None = None
    config: Json | None = None
    values: Json | None = None
    interrupts: dict[str, list[Json]] | None = None
    error: str | None = None


class RunWire(BaseModel):  # type: ignore[no-redef] # `kwargs` is the protocol's name; the plugin takes it for its own
    run_id: str
    thread_id: str
    assistant_id: str
    status: Literal["pending", "running", "error", "success", "timeout", "interrupted"]
    metadata: Json
    kwargs: Json
    multitask_strategy: str | None
    created_at: str
    updated_at: str


class AssistantVersionWire(BaseModel):
    assistant_id: str
    graph_id: str
    config: Json
    context: Json
    metadata: Json
    name: str
    description: str
    version: int
    created_at: str


class AssistantWire(AssistantVersionWire):
    updated_at: str


ApprovalStatus = Literal[
    "pending", "approved", "rejected", "edited", "answered", "recalled", "expired", "applied", "refused"
]


class StaleField(BaseModel):
    """A value that had moved on: what stood there when it was asked for, what was seen on the card, what stands there
    now, and what was to stand there."""

    record_id: str
    field: str
    old: Any
    seen: Any
    current: Any
    new: Any


class ApprovalWire(BaseModel):
    """A held action. `card` shows what would change; `digest` is to be sent back with a decision."""

    approval_id: str
    digest: str
    status: ApprovalStatus
    tool: str
    agent: str
    arguments: Json
    card: Json
    rule: Json
    requester: str
    assignee: str | None = Field(description="Who is to look at it first.")
    object: str | None = Field(description="The kind of record that it is about.")
    is_tainted: bool | None = Field(description="Whether the copilot had read text from outside before it asked.")
    is_external: bool | None = Field(description="Whether somebody outside may have written a value in it.")
    thread_id: str
    run_id: str
    link: str
    replaces: str | None
    replaced_by: str | None = Field(description="The newest request that took its place: an edit, or one made again.")
    decided_by: str | None
    decided_at: str | None
    reason: str | None
    result: Json | None
    stale: list[StaleField] = Field(description="Of one that was refused because a record had changed: field by field.")
    created_at: str
    expires_at: str


def thread_wire(thread: Thread) -> ThreadWire:
    return ThreadWire(
        thread_id=thread.thread_id,
        created_at=to_json(thread.created_at),
        updated_at=to_json(thread.updated_at),
        state_updated_at=to_json(thread.updated_at),
        metadata=thread.details,
        status=thread.status,
        config={},
        values=thread.values or None,
        interrupts=thread.interrupts,
        error=thread.error,
    )


_SHOWN_AS = {"waiting": "pending", "parked": "error"}
"""States that the protocol does not know."""


def run_wire(run: Run) -> RunWire:
    return RunWire(
        run_id=run.run_id,
        thread_id=run.thread_id,
        assistant_id=assistant_id(run.assistant_id),
        status=_SHOWN_AS.get(run.status, run.status),
        metadata=run.details,
        kwargs={"stream_mode": run.request.get("stream_mode"), "context": run.request.get("context")},
        multitask_strategy=run.multitask_strategy,
        created_at=to_json(run.created_at),
        updated_at=to_json(run.updated_at),
    )


def approval_wire(approval: Approval, *, replaced_by: str | None = None, public_url: str = "") -> ApprovalWire:
    return ApprovalWire(
        **{k: v for k, v in describe_approval(approval).items() if k != "expires_at"},
        status=approval.status,
        agent=approval.agent,
        arguments=approval.arguments,
        requester=approval.requester,
        assignee=approval.assignee,
        object=approval.object_name,
        is_tainted=approval.is_tainted,
        is_external=approval.is_external,
        thread_id=approval.thread_id,
        run_id=approval.run_id,
        link=link_to(approval.approval_id, public_url),
        replaces=approval.replaces,
        replaced_by=replaced_by,
        decided_by=approval.decided_by,
        decided_at=to_json(approval.decided_at),
        reason=approval.reason,
        result=approval.result,
        stale=_stale_fields(approval),
        created_at=to_json(approval.created_at),
        expires_at=to_json(approval.expires_at),
    )


def link_to(approval_id: str, public_url: str) -> str:
    """Where a person looks at a request. It names it and lets nobody in."""
    return f"{public_url.rstrip('/')}/console/#/approvals/{approval_id}"


def _stale_fields(approval: Approval) -> list[StaleField]:
    result = approval.result or {}
    if result.get("kind") != "stale":
        return []
    found = []
    shown = [(change, field) for change in approval.changes for field in change["fields"]]
    for conflict in result.get("conflicts", ()):
        for change, field in shown:
            if field["field"] == conflict["field"] and field["old"] == conflict["seen"]:
                found.append(
                    StaleField(
                        record_id=change["id"],
                        field=field["field"],
                        old=field["old"],
                        seen=conflict["seen"],
                        current=conflict["current"],
                        new=field["new"],
                    )
                )
                break
    return found


def assistant_wire(assistant: Assistant) -> AssistantWire:
    born = "2026-01-01T00:00:00Z"
    return AssistantWire(
        assistant_id=assistant.assistant_id,
        graph_id=assistant.name,
        config={},
        context={},
        metadata={"created_by": "system", "kind": assistant.kind, "title": assistant.title},
        name=assistant.name,
        description=assistant.description,
        version=assistant.versions[-1].number,
        created_at=born,
        updated_at=born,
    )


def version_wires(assistant: Assistant) -> list[AssistantVersionWire]:
    """The versions of the assistant's graph that this build knows, newest first."""
    told = assistant_wire(assistant).model_dump(exclude={"version", "updated_at"})
    return [AssistantVersionWire(**told, version=one.number) for one in reversed(assistant.versions)]
