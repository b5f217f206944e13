"""What happens, told step by step to whoever watches: traces, metrics, logs. Never a word of what was said.

Whoever starts work (a request, a run) brings a watcher; what is done for it finds the watcher in its context. Without
one nothing is kept and nothing is paid for. What is noted has one of the names below and is a number or a short name of
the service's own: a value that could be text is replaced by `?` before any exporter sees it. Source:
docs/decisions/0017.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from types import MappingProxyType
from typing import Any, Final, ParamSpec, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

P = ParamSpec("P")
T = TypeVar("T")

Value = str | int | float | bool

# Names of the GenAI conventions of OpenTelemetry, which are in development: they stand here and nowhere else.
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
MODEL: Final = "gen_ai.request.model"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CONVERSATION: Final = "gen_ai.conversation.id"
AGENT: Final = "gen_ai.agent.name"
WORKFLOW: Final = "gen_ai.workflow.name"
TOOL: Final = "gen_ai.tool.name"
SOURCE: Final = "gen_ai.data_source.id"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
ERROR: Final = "error.type"
METHOD: Final = "http.request.method"
ROUTE: Final = "http.route"
HTTP_STATUS: Final = "http.response.status_code"

REQUEST_ID: Final = "countersign.request.id"
RUN: Final = "countersign.run.id"
TURN: Final = "countersign.turn.id"
RUN_KIND: Final = "countersign.run.kind"
RUN_STATUS: Final = "countersign.run.status"
RESTS: Final = "countersign.run.rests"
WAITED: Final = "countersign.run.waited_s"
TENANT: Final = "countersign.tenant"
ROUTED: Final = "countersign.route.kind"
GUARD: Final = "countersign.guard"
DECISION: Final = "countersign.decision"
APPROVAL: Final = "countersign.approval.id"
OUTCOME: Final = "countersign.outcome"

ALLOWED: Final = frozenset(
    value for name, value in dict(globals()).items() if name.isupper() and isinstance(value, str) and "." in value
) - {INPUT_MESSAGES, OUTPUT_MESSAGES}
"""What may be noted of any step. The words of models come besides, where the operator has asked for them."""

_NAME = re.compile(r"[A-Za-z0-9_.:/{}*+<>-]{1,128}", re.ASCII)
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)
NAMELESS: Final = "?"


@dataclass(frozen=True)
class Ended:
    """A step that is over. `error` is the name of the error's kind, never its words."""

    name: str
    notes: Mapping[str, Value]
    seconds: float
    error: str | None


Listener = Callable[[Ended], None]


@dataclass(frozen=True)
class Watcher:
    """Where steps are told: a tracer, somebody who counts, or both. `contents`: models' words are wanted too."""

    tracer: trace.Tracer | None = None
    listener: Listener | None = None
    contents: bool = False


@dataclass
class Step:
    """Something that is being done. `span` is None where nobody traces."""

    name: str
    span: Span | None = None
    notes: dict[str, Value] = field(default_factory=dict)
    error: str | None = None

    def note(self, notes: Mapping[str, Value | None]) -> None:
        """Keep what has a known name and is no text; a None is left out. Raises: ValueError for an unknown name."""
        for name, value in notes.items():
            if name not in ALLOWED:
                raise ValueError(f"{name!r} is not among the names that may be noted")
            if value is None:
                continue
            safe = shown(value) if isinstance(value, str) else value
            self.notes[name] = safe
            if self.span is not None:
                self.span.set_attribute(name, safe)

    def fail(self, kind: str) -> None:
        """Mark the step as gone wrong."""
        self.error = shown(kind)
        self.note({ERROR: self.error})
        if self.span is not None:
            self.span.set_status(Status(StatusCode.ERROR))

    def tell(self, name: str, make: Callable[[], str]) -> None:
        """Keep words of a model, where they are wanted; they are made only then."""
        watcher = _watcher.get()
        if self.span is not None and watcher is not None and watcher.contents and self.span.is_recording():
            self.span.set_attribute(name, make())


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
_step: ContextVar[Step | None] = ContextVar("step", default=None)
_ids: ContextVar[Mapping[str, str]] = ContextVar("ids", default=MappingProxyType({}))


def shown(value: str) -> str:
    """The value if it is a name or an id of ours; otherwise `?`: whatever could be text is not kept."""
    return value if _NAME.fullmatch(value) else NAMELESS


@contextmanager
def watched_by(watcher: Watcher | None) -> Iterator[None]:
    """Let what is done meanwhile be told to this watcher; None: to nobody."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextmanager
def about(*, anew: bool = False, **ids: str | None) -> Iterator[None]:
    """Let every line that is logged meanwhile carry these ids, beside those that it carries already unless `anew`."""
    before = {} if anew else _ids.get()
    token = _ids.set({**before, **{name: shown(value) for name, value in ids.items() if value}})
    try:
        yield
    finally:
        _ids.reset(token)


def remember(**ids: str) -> None:
    """Carry these ids from now on, until the `about` around it ends: for what becomes known on the way."""
    _ids.set({**_ids.get(), **{name: shown(value) for name, value in ids.items()}})


def known_ids() -> Mapping[str, str]:
    """Request, run, thread, tenant as far as they are known here, and the trace if there is one."""
    context = trace.get_current_span().get_span_context()
    return {**_ids.get(), "trace_id": f"{context.trace_id:032x}"} if context.is_valid else _ids.get()


@contextmanager
def step(
    name: str,
    notes: Mapping[str, Value | None] | None = None,
    *,
    title: str | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: str | None = None,
    link: str | None = None,
    began_at: datetime | None = None,
) -> Iterator[Step]:
    """Do something watched. An exception marks the step with its kind; a cancelled step has not gone wrong.

    `name` is the kind of step, `title` what a trace shows. `parent` and `link` are traceparents: the step hangs from
    the first in place of the step at hand (from nothing if it is empty), and points at the second.
    """
    watcher = _watcher.get()
    if watcher is None:
        yield Step(name)
        return
    span = None if watcher.tracer is None else _start(watcher.tracer, title or name, kind, parent, link, began_at)
    here = Step(name, span)
    here.note(notes or {})
    token = _step.set(here)
    started = time.perf_counter()
    try:
        if span is None:
            yield here
        else:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                yield here
    except (asyncio.CancelledError, GeneratorExit):
        here.note({OUTCOME: "cancelled"})
        raise
    except BaseException as error:
        here.fail(type(error).__name__)
        raise
    finally:
        _step.reset(token)
        if span is not None:
            span.end()
        if watcher.listener is not None:
            watcher.listener(Ended(name, here.notes, time.perf_counter() - started, here.error))


def note(notes: Mapping[str, Value | None]) -> None:
    """Note something of the step at hand, if there is one."""
    here = _step.get()
    if here is not None and _watcher.get() is not None:
        here.note(notes)


def fail(kind: str) -> None:
    """Mark the step at hand as gone wrong."""
    here = _step.get()
    if here is not None and _watcher.get() is not None:
        here.fail(kind)


def happened(name: str, notes: Mapping[str, Value | None]) -> None:
    """Something that takes no time: an event of the step at hand, told to those who count as a step of no length."""
    watcher = _watcher.get()
    if watcher is None:
        return
    point = Step(name)
    point.note(notes)
    here = _step.get()
    if here is not None and here.span is not None:
        here.span.add_event(name, point.notes)
    if watcher.listener is not None:
        watcher.listener(Ended(name, point.notes, 0.0, None))


def step_of(
    name: str, told: Callable[[Any], Mapping[str, Value | None]]
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """A decorator: each call is a step, and `told` says what is noted of its result."""

    def decorate(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        @wraps(function)
        async def watched(*args: P.args, **kwargs: P.kwargs) -> T:
            with step(name) as here:
                result = await function(*args, **kwargs)
                here.note(told(result))
                return result

        return watched

    return decorate


def traceparent() -> str | None:
    """Where we are in a trace, in the form that W3C Trace Context gives it; None where nobody traces."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def read_traceparent(text: str | None) -> SpanContext | None:
    """The place in a trace that a traceparent names; None if it is none. Whatever else comes with it is not kept."""
    found = _TRACEPARENT.fullmatch(text or "")
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags & 1))


def _title(title: str) -> str:
    """What is done and to what: two names."""
    verb, _, name = title.partition(" ")
    return f"{shown(verb)} {shown(name)}" if name else shown(verb)


def _start(
    tracer: trace.Tracer, title: str, kind: SpanKind, parent: str | None, link: str | None, began_at: datetime | None
) -> Span:
    above = read_traceparent(parent)
    other = read_traceparent(link)
    elsewhere = Context() if above is None else trace.set_span_in_context(NonRecordingSpan(above), Context())
    return tracer.start_span(
        _title(title),
        context=None if parent is None else elsewhere,
        kind=kind,
        links=[] if other is None else [Link(other)],
        start_time=None if began_at is None else int(began_at.timestamp() * 1e9),
        record_exception=False,
        set_status_on_exception=False,
    )
