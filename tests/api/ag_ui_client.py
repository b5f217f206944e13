"""A client of AG-UI as strict as the protocol: every event is of the official types, and comes when it may."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from ag_ui.core import (
    BaseEvent,
    Event,
    EventType,
    Interrupt,
    Message,
    MessagesSnapshotEvent,
    ResumeEntry,
    RunAgentInput,
    RunErrorEvent,
    RunFinishedEvent,
    RunFinishedInterruptOutcome,
    TextMessageContentEvent,
    UserMessage,
)
from pydantic import TypeAdapter

from tests.service import World

_EVENT: TypeAdapter[BaseEvent] = TypeAdapter(Event)
_PAIRS = {
    EventType.TEXT_MESSAGE_START: ("message_id", EventType.TEXT_MESSAGE_END),
    EventType.TOOL_CALL_START: ("tool_call_id", EventType.TOOL_CALL_END),
    EventType.STEP_STARTED: ("step_name", EventType.STEP_FINISHED),
}
_INSIDE = {
    EventType.TEXT_MESSAGE_CONTENT: EventType.TEXT_MESSAGE_START,
    EventType.TOOL_CALL_ARGS: EventType.TOOL_CALL_START,
}
_TERMINAL = (EventType.RUN_FINISHED, EventType.RUN_ERROR)


def read_events(text: str) -> list[BaseEvent]:
    """The events of a stream, read as the strictest reader splits lines."""
    found = []
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith(":")]
        if lines:
            [line] = lines
            assert line.startswith("data: "), line
            found.append(_EVENT.validate_json(line.removeprefix("data: ")))
    return found


def check_order(events: list[BaseEvent]) -> None:
    """What clients of the protocol refuse to read on after."""
    assert events[0].type is EventType.RUN_STARTED
    assert [at for at, one in enumerate(events) if one.type in _TERMINAL] == [len(events) - 1]
    assert sum(one.type is EventType.RUN_STARTED for one in events) == 1
    opened: set[tuple[EventType, str]] = set()
    ends = {end: (start, name) for start, (name, end) in _PAIRS.items()}
    for one in events:
        if one.type in _PAIRS:
            key = (one.type, getattr(one, _PAIRS[one.type][0]))
            assert key not in opened, one
            opened.add(key)
        elif one.type in ends:
            start, name = ends[one.type]
            assert (start, getattr(one, name)) in opened, one
            opened.remove((start, getattr(one, name)))
        elif one.type in _INSIDE:
            start = _INSIDE[one.type]
            assert (start, getattr(one, _PAIRS[start][0])) in opened, one
        elif one.type is EventType.RUN_FINISHED:
            assert opened == set()
            types = [each.type for each in events]
            outcome = getattr(one, "outcome", None)
            assert getattr(outcome, "type", "") == "cancelled" or EventType.MESSAGES_SNAPSHOT in types


@dataclass
class Told:
    """What one run was told as."""

    events: list[BaseEvent]

    @property
    def types(self) -> list[str]:
        return [one.type.value for one in self.events]

    def of(self, kind: type[Any]) -> list[Any]:
        return [one for one in self.events if isinstance(one, kind)]

    @property
    def text(self) -> str:
        return "".join(one.delta for one in self.of(TextMessageContentEvent))

    @property
    def error(self) -> RunErrorEvent:
        last = self.events[-1]
        assert isinstance(last, RunErrorEvent), last
        return last

    @property
    def finished(self) -> RunFinishedEvent:
        last = self.events[-1]
        assert isinstance(last, RunFinishedEvent), last
        return last

    @property
    def interrupts(self) -> list[Interrupt]:
        outcome = self.finished.outcome
        return outcome.interrupts if isinstance(outcome, RunFinishedInterruptOutcome) else []


@dataclass
class Agent:
    """One conversation of one person, kept on the client's side as the official clients keep it."""

    world: World
    who: str
    thread_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    messages: list[Message] = field(default_factory=list)

    async def post(self, **more: Any) -> Any:
        """The raw answer."""
        given = {"thread_id": self.thread_id, "run_id": "run-1", "messages": self.messages, **more}
        body = RunAgentInput(**given).model_dump(mode="json", by_alias=True)
        return await self.world.call(self.who, "POST", "/ag-ui", json=body)

    async def run(self, **more: Any) -> Told:
        answer = await self.post(**more)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = Told(read_events(answer.text))
        check_order(told.events)
        for snapshot in told.of(MessagesSnapshotEvent):
            self.messages = list(snapshot.messages)
        return told

    async def say(self, text: str, **more: Any) -> Told:
        self.messages.append(UserMessage(id=str(uuid.uuid4()), content=text))
        return await self.run(**more)

    async def answer(self, interrupt: Interrupt, payload: Any, status: str = "resolved") -> Told:
        return await self.run(resume=[resume(interrupt.id, payload, status)])


def resume(interrupt_id: str, payload: Any = None, status: str = "resolved") -> ResumeEntry:
    return ResumeEntry.model_validate({"interruptId": interrupt_id, "status": status, "payload": payload})


def digest_in(interrupt: Interrupt) -> str:
    """The digest of the card, from the schema of the answer, which says the same as the metadata."""
    assert interrupt.response_schema is not None
    assert interrupt.metadata is not None
    digest = str(interrupt.response_schema["properties"]["digest"]["const"])
    assert digest == interrupt.metadata["countersign"]["digest"]
    return digest


def args_of(told: Told, call_id: str | None) -> Any:
    """The arguments of a call, put together from its pieces."""
    pieces = [
        one.delta for one in told.events if getattr(one, "tool_call_id", None) == call_id and hasattr(one, "delta")
    ]
    return json.loads("".join(pieces))
