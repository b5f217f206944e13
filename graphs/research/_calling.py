"""Calls that code makes in a model's place, through the same guards: no grant, no look."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from graphs._calls import CallDesk
from graphs.context import RunContext
from graphs.messages import human
from graphs.research._agent import NAME
from graphs.research._plan import Wanted
from graphs.state import Call, Message, TurnState, append_messages, merge_notes


@dataclass
class Bench:
    """One worker's own small context: its question, its calls and their answers, and nothing of the others'."""

    run_id: str
    words: str
    stem: str
    state: TurnState = field(default_factory=lambda: cast("TurnState", {}))

    def __post_init__(self) -> None:
        turn = {"run_id": self.run_id, "model_calls": 0, "tool_calls": 0, "trail": [], "flags": []}
        self.state = {
            "messages": [human(self.words, f"{self.stem}-{self.run_id}")],
            "notes": {},
            "route": {"kind": "agent", "agent": NAME, "reason": "research"},
            "calls": [],
            "request": {},
            "turn": turn,
        }

    @property
    def turn(self) -> dict[str, Any]:
        return self.state["turn"]

    @property
    def said(self) -> list[Message]:
        """Everything but the question."""
        return self.state["messages"][1:]

    def take(self, update: TurnState) -> None:
        merged = {**self.state, **update}
        merged["messages"] = append_messages(self.state["messages"], update.get("messages", ()))
        merged["notes"] = merge_notes(self.state["notes"], update.get("notes") or {})
        self.state = cast("TurnState", merged)

    async def call(self, desk: CallDesk, context: RunContext, wanted: Sequence[Wanted]) -> list[dict[str, Any]]:
        """The answers, in the order of the calls."""
        first = self.turn["tool_calls"]
        calls: list[Call] = [
            {
                "id": f"{self.stem}-{place}-{self.run_id}",
                "name": name,
                "arguments": dict(arguments),
                "written": dict(arguments),
                "verdict": "new",
                "approval_id": None,
            }
            for place, (name, arguments) in enumerate(wanted, first)
        ]
        told = [{"name": c["name"], "args": c["arguments"], "id": c["id"], "type": "tool_call"} for c in calls]
        asks = f"{self.stem}-{first}-calls-{self.run_id}"
        self.take({"messages": [{"type": "ai", "content": "", "id": asks, "name": NAME, "tool_calls": told}]})
        await self.run(desk, context, calls)
        answers = envelopes_of(self.state["messages"])
        return [answers[call["id"]] for call in calls]

    async def run(self, desk: CallDesk, context: RunContext, calls: list[Call]) -> None:
        """Guard the calls, and run those that may be."""
        self.take({"calls": calls})
        self.take(await desk.guard(self.state, context))
        self.take(await desk.act(self.state, context))


def envelopes_of(messages: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What tools answered, by the id of the call."""
    return {one["tool_call_id"]: json.loads(one["content"]) for one in messages if one["type"] == "tool"}
