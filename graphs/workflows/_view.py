"""What a workflow's steps go by: what it was started with, and what came of the steps before."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from graphs.state import Message
from trust.handles import HANDLE

Json = Any


@dataclass(frozen=True)
class Made:
    """One call of a step. Words of outsiders stand as handles in `arguments` and `result`."""

    arguments: Mapping[str, Json]
    outcome: str
    """done | rejected | expired | withdrawn | failed."""
    result: Json
    """None unless it is done."""
    reason: str | None


@dataclass(frozen=True)
class View:
    """`given` is what the workflow was started with; `today` is the day of the run."""

    given: Mapping[str, Json]
    today: date
    calls: Mapping[str, Sequence[Made]]
    """By step, of its newest round."""
    said: Mapping[str, Sequence[str]]
    """By step, why people said no, in all its rounds."""

    def made(self, step: str) -> Sequence[Made]:
        return self.calls.get(step, ())

    def results(self, step: str) -> list[Json]:
        """Of those calls that came through."""
        return [one.result for one in self.made(step) if one.outcome == "done"]

    def result(self, step: str) -> Json:
        """The first one; an empty object if there is none."""
        return next(iter(self.results(step)), {})

    def is_done(self, step: str) -> bool:
        return bool(self.results(step))

    def reasons(self, step: str) -> Sequence[str]:
        return self.said.get(step, ())


def view_of(state: Mapping[str, Any], messages: Sequence[Message], today: date) -> View:
    """`messages` as a model would see them: with handles."""
    progress = state["workflow"]
    written = {call["id"]: call["args"] for one in messages if one["type"] == "ai" for call in one["tool_calls"]}
    answers = {one["tool_call_id"]: json.loads(one["content"]) for one in messages if one["type"] == "tool"}
    calls: dict[str, list[Made]] = {}
    said: dict[str, list[str]] = {}
    for one in progress["log"]:
        step = one["step"]
        if one["outcome"] == "rejected" and one["reason"]:
            said.setdefault(step, []).append(one["reason"])
        if one["round"] != progress["rounds"].get(step, 0) or one["call"] is None:
            continue
        result = answers[one["call"]].get("result") if one["outcome"] == "done" else None
        made = Made(written[one["call"]], one["outcome"], result, one["reason"])
        calls.setdefault(step, []).append(made)
    return View(state["given"], today, calls, said)


def is_outside(value: Json) -> bool:
    """Whether an outsider may have written the value."""
    return isinstance(value, str) and HANDLE.search(value) is not None
