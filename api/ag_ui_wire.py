"""A run's stored events as those of AG-UI, in the order that its clients demand.

Made from what every other stream is made of, so that nothing is told here that was not checked, revealed for the reader
or withheld before.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ag_ui.core import (
    PROTOCOL_VERSION,
    AssistantMessage,
    BaseEvent,
    CustomEvent,
    FunctionCall,
    Interrupt,
    Message,
    MessagesSnapshotEvent,
    RunErrorEvent,
    RunFinishedCancelledOutcome,
    RunFinishedEvent,
    RunFinishedInterruptOutcome,
    RunFinishedSuccessOutcome,
    RunStartedEvent,
    StateSnapshotEvent,
    StepFinishedEvent,
    StepStartedEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
    ToolCall,
    ToolCallArgsEvent,
    ToolCallEndEvent,
    ToolCallResultEvent,
    ToolCallStartEvent,
    ToolMessage,
    UserMessage,
)

from api.wire import Json, link_to
from graphs._log import StreamEvent
from graphs.messages import text_of

OURS = "countersign"
"""Key of what only this service says, in the protocol's places for metadata."""
MODES = ("messages-tuple", "values", "events", "custom")
"""How runs are stored whose events are told here."""
_OUTSIDE = "external"


def frame(event: BaseEvent) -> bytes:
    """ASCII: some clients take U+0085, U+2028 and U+2029 for the end of a line, and what follows for an event."""
    return f"data: {json.dumps(event.model_dump(mode='json', by_alias=True), separators=(',', ':'))}\n\n".encode()


class Teller:
    """Tells one run. `run_id` is the client's own name for it; `own`: messages of the client's that it may keep."""

    def __init__(self, thread_id: str, run_id: str, *, public_url: str = "", own: Sequence[Message] = ()) -> None:
        self.is_over = False
        self._thread_id = thread_id
        self._run_id = run_id
        self._public_url = public_url
        self._own = own
        self._values: Json = {}
        self._state: Json | None = None
        self._texts: dict[str, None] = {}
        self._steps: dict[str, None] = {}
        self._calls: set[str] = set()

    def begin(self) -> BaseEvent:
        return RunStartedEvent(thread_id=self._thread_id, run_id=self._run_id, protocol_version=PROTOCOL_VERSION)

    def take(self, event: StreamEvent) -> Iterator[BaseEvent]:
        """What is to be told of an event; nothing once the run is over."""
        if self.is_over:
            return
        data = event.data
        if event.name == "metadata":
            yield from self._close()  # of an attempt that was broken off
        elif event.name == "messages":
            yield from self._take_message(data[0])
        elif event.name == "events" and data.get("event") == "on_chain_start" and data["name"] not in self._steps:
            self._steps[data["name"]] = None
            yield StepStartedEvent(step_name=data["name"])
        elif event.name == "values":
            self._values = data
            yield from self._close()
            yield from self._tell_state()
        elif event.name == "custom":
            yield CustomEvent(name=f"{OURS}.{_kind_of(data)}", value=data)
        elif event.name == "error":
            yield from self.fail(data["message"], data["error"])
        elif event.name == "end":
            yield from self._end(data["status"])

    def fail(self, message: str, code: str) -> Iterator[BaseEvent]:
        yield from self._close()
        self.is_over = True
        yield RunErrorEvent(message=message, code=code)

    def _take_message(self, piece: Json) -> Iterator[BaseEvent]:
        if piece["type"] == "tool":
            yield ToolCallResultEvent(
                message_id=piece["id"],
                tool_call_id=piece["tool_call_id"],
                content=text_of(piece),
                role="tool",
                metadata=_about_tool(piece),
            )
        if piece["type"] not in ("ai", "AIMessageChunk"):
            return
        message_id, text = piece["id"], text_of(piece)
        if text:
            if message_id not in self._texts:
                self._texts[message_id] = None
                yield TextMessageStartEvent(message_id=message_id, role="assistant")
            yield TextMessageContentEvent(message_id=message_id, delta=text)
        for call in piece.get("tool_calls") or ():
            yield from self._tell_call(call, message_id)

    def _tell_call(self, call: Json, message_id: str) -> Iterator[BaseEvent]:
        if call["id"] in self._calls:
            return
        self._calls.add(call["id"])
        yield ToolCallStartEvent(tool_call_id=call["id"], tool_call_name=call["name"], parent_message_id=message_id)
        yield ToolCallArgsEvent(tool_call_id=call["id"], delta=json.dumps(call["args"], ensure_ascii=False))
        yield ToolCallEndEvent(tool_call_id=call["id"])

    def _close(self) -> Iterator[BaseEvent]:
        for message_id in self._texts:
            yield TextMessageEndEvent(message_id=message_id)
        for name in self._steps:
            yield StepFinishedEvent(step_name=name)
        self._texts, self._steps = {}, {}

    def _tell_state(self) -> Iterator[BaseEvent]:
        """The conversation's state but for its messages, which have events of their own."""
        state = {key: value for key, value in self._values.items() if key not in ("messages", "__interrupt__")}
        if state != self._state:
            self._state = state
            yield StateSnapshotEvent(snapshot=state)

    def _end(self, status: str) -> Iterator[BaseEvent]:
        if status not in ("success", "interrupted"):
            yield from self.fail(f"the run ended as {status!r}", status)
            return
        yield from self._close()
        self.is_over = True
        if status == "interrupted":
            yield self._finished(RunFinishedCancelledOutcome())
            return
        messages = [found for one in self._values.get("messages", ()) if (found := message_of(one)) is not None]
        yield MessagesSnapshotEvent(messages=[*self._own, *messages])
        yield from self._tell_state()
        interrupts = interrupts_in(self._values.get("__interrupt__", ()), self._public_url)
        waits = RunFinishedInterruptOutcome(interrupts=interrupts) if interrupts else RunFinishedSuccessOutcome()
        yield self._finished(waits)

    def _finished(self, outcome: Any) -> BaseEvent:
        return RunFinishedEvent(thread_id=self._thread_id, run_id=self._run_id, outcome=outcome)


def _kind_of(data: Any) -> str:
    kind = data.get("type") if isinstance(data, dict) else None
    return kind if isinstance(kind, str) else "custom"


def message_of(message: Json) -> Message | None:
    """A message of a conversation as AG-UI has it; None for what is nobody's."""
    text = text_of(message)
    if message["type"] == "human":
        return UserMessage(id=message["id"], content=text)
    if message["type"] == "tool":
        return ToolMessage(
            id=message["id"],
            content=text,
            tool_call_id=message["tool_call_id"],
            error=_error_in(text),
            metadata=_about_tool(message),
        )
    if message["type"] != "ai":
        return None
    calls = [
        ToolCall(
            id=call["id"],
            function=FunctionCall(name=call["name"], arguments=json.dumps(call["args"], ensure_ascii=False)),
        )
        for call in message.get("tool_calls") or ()
    ]
    more = message.get("additional_kwargs") or {}
    told = {key: more[key] for key in ("citations", "outside", "notice") if more.get(key)}
    return AssistantMessage(
        id=message["id"], content=text, tool_calls=calls or None, metadata={OURS: told} if told else None
    )


def _error_in(content: str) -> str | None:
    error = json.loads(content).get("error")
    return str(error.get("message")) if isinstance(error, dict) else None


def _about_tool(message: Json) -> dict[str, Any] | None:
    """Which values of a result somebody outside may have written, by their place and origin."""
    labels = (message.get("artifact") or {}).get("labels") or ()
    outside = [
        {"path": one.get("path"), "origin": one.get("origin")} for one in labels if one.get("integrity") == _OUTSIDE
    ]
    return {OURS: {"outside": outside}} if outside else None


def interrupts_in(waiting: Sequence[Json], public_url: str) -> list[Interrupt]:
    """Each held action as an interrupt of its own, with all that somebody who decides has to know."""
    return [
        _interrupt(request, place, public_url)
        for one in waiting
        for request in (one["value"],)
        for place in range(len(request["approvals"]))
    ]


def shown_in(request: Json, place: int) -> Json:
    """A held action of a request, with its arguments and its lines."""
    approval, action = request["approvals"][place], request["action_requests"][place]
    call_id = approval.get("call_id") or (request.get("tool_call_id") if place == 0 else None)
    return {**approval, "call_id": call_id, "arguments": action["args"], "description": action["description"]}


def _interrupt(request: Json, place: int, public_url: str) -> Interrupt:
    shown = shown_in(request, place)
    named = ("approval_id", "digest", "tool", "arguments", "card", "rule", "flags")
    return Interrupt(
        id=shown["approval_id"],
        reason="tool_call" if shown["call_id"] else "confirmation",
        message=shown["description"],
        tool_call_id=shown["call_id"],
        response_schema=_response_schema(shown["digest"]),
        expires_at=shown["expires_at"],
        metadata={
            OURS: {**{key: shown.get(key) for key in named}, "decide_at": link_to(shown["approval_id"], public_url)}
        },
    )


def _response_schema(digest: str) -> Json:
    return {
        "type": "object",
        "properties": {
            "approved": {"type": "boolean"},
            "digest": {"const": digest, "description": "Of the card that was shown to whoever decides."},
            "editedArgs": {
                "type": "object",
                "description": "With approved: true, all arguments anew. They become a request of their own.",
            },
            "reason": {"type": "string", "maxLength": 2_000, "description": "With approved: false."},
        },
        "required": ["approved", "digest"],
        "additionalProperties": False,
    }
