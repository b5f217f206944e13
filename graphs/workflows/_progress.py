"""How far a workflow has come: kept in its state, and shown to whoever asks."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from crm.work import Approval
from graphs.state import Call, Message, TurnState

Json = Any


class WorkflowState(TurnState, total=False):
    """The state of a workflow's graph: that of a turn, for the desk, and what the workflow itself has to remember."""

    given: dict[str, Any]
    """What it was started with."""
    workflow: dict[str, Any]
    """`name`, `title`, `status` (running | waiting | done | stopped), `step` (where it is; None at the end), `because`,
    `log` (what became of each call, in order), `rounds` (how often each step was begun again)."""


def started(title: str, given: Mapping[str, Json]) -> str:
    """The first message of a workflow's conversation, in the name of whoever started it."""
    parts = [f"{name.replace('_', ' ')}: {value}" for name, value in given.items() if value not in (None, [], "")]
    return f"Start the workflow '{title}'" + (f" with {'; '.join(parts)}." if parts else ".")


def envelopes_of(messages: Sequence[Message]) -> dict[str, dict[str, Any]]:
    """What tools answered, by the id of the call."""
    return {one["tool_call_id"]: json.loads(one["content"]) for one in messages if one["type"] == "tool"}


def entry_of(call: Call, envelope: Mapping[str, Any], decided: Approval | None) -> dict[str, Any]:
    """What became of a call. Whoever asked something else instead of deciding has said no, with the reason."""
    error = envelope.get("error") or {}
    kind = str(error.get("kind"))
    kind = {"answered": "rejected", "recalled": "withdrawn"}.get(kind, kind)
    outcome = "done" if envelope["ok"] else kind if kind in ("rejected", "expired", "withdrawn") else "failed"
    result = envelope.get("result") or {}
    reason = decided.reason if decided is not None and outcome == "rejected" else None
    return {
        "call": call["id"],
        "outcome": outcome,
        "reason": reason or (None if envelope["ok"] else error.get("message")),
        "by": None if decided is None else decided.decided_by,
        "record": result.get("id") if result.get("status") == "applied" else None,
        "is_stale": error.get("kind") == "stale",
    }


def enter(progress: Mapping[str, Any], step: str, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The progress with what became of a step's calls."""
    blank = {"call": None, "reason": None, "by": None, "record": None, "is_stale": False}
    number = progress["rounds"].get(step, 0)
    noted = [{"step": step, "round": number, **blank, **one} for one in entries]
    return {**progress, "log": [*progress["log"], *noted]}


def describe_end(progress: Mapping[str, Any], told: str | None) -> str:
    """What people read at the end: what came of it, and what was said no to, with the reason."""
    said = [f"{_words(one['step'])} {_NO[one['outcome']]}: {one['reason']}" for one in progress["log"] if _is_no(one)]
    because = progress["because"]
    if progress["status"] == "stopped":
        head = f"{progress['title']} was stopped" + (f": {because}" if because else "")
    else:
        head = told or f"{progress['title']} is done" + (f": {because}" if because else "")
    others = [one for one in said if because is None or because not in one or progress["status"] != "stopped"]
    return "\n".join([head.rstrip(".") + ".", *(f"- {one.rstrip('.')}." for one in others)])


_NO = {"rejected": "was rejected", "expired": "was not decided in time", "failed": "was not possible"}


def _is_no(entry: Mapping[str, Any]) -> bool:
    return entry["outcome"] in _NO and bool(entry["reason"])


def _words(step: str) -> str:
    return step.replace("_", " ").capitalize()
