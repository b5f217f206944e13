"""A conversation as people read it: turns with their steps, and answers as trees of what may be shown."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.marked_trees import Marks, mark_tree
from crm.schema import object_of
from graphs.messages import text_of
from graphs.state import Message
from tools._catalogue import load_catalogue
from trust.egress import sanitize
from trust.invisible import one_line
from trust.links import Hosts

Json = dict[str, Any]
StepStatus = Literal["done", "failed", "denied", "working", "waiting"]
_TITLE = 80
_OUTSIDE = "external"
_ORIGIN = re.compile(r"(\w+) ([0-9A-Za-z]{15,18})(?:\.(\w+))?")
_INDEXED = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Origin(BaseModel):
    """Where a value came from."""

    object: str
    id: str
    field: str | None = Field(description="Null for the record as a whole.")


class Citation(Origin):
    """A value of an answer, by the number of its `citation` node in the tree, with the record's field behind it."""

    number: int
    text: str


class Computed(BaseModel):
    """How a figure came about, for the chart and the table of it."""

    how: str
    records_counted: int
    left_out: list[Json]
    columns: list[Json]
    rows: list[Json]


class Step(BaseModel):
    """A call of a tool and what became of it."""

    call_id: str
    tool: str
    agent: str | None
    effect: str | None = Field(description="read, draft, write or send; null for a tool that does not exist.")
    status: StepStatus
    arguments: Json
    error: str | None
    took_ms: int | None
    summary: str | None = Field(description="The finding in the tool's words, if it has one.")
    outside: bool = Field(description="Whether somebody outside may have written any value of the result.")
    has_chart: bool = Field(description="Whether `/threads/{thread_id}/charts/{call_id}.svg` draws it.")
    computed: Computed | None
    saved: str | None = Field(description="Id of the record that the step wrote, once somebody has countersigned it.")


class Rating(BaseModel):
    """What the caller thinks of the answer."""

    rating: Literal["up", "down"]
    reason: str | None


class Answer(BaseModel):
    """Something that the copilot said."""

    message_id: str
    agent: str | None
    text: str = Field(description="As Markdown that leads nowhere.")
    tree: list[Json] = Field(description="The same as a tree, with `citation` and `outside` nodes.")
    citations: list[Citation]
    outside: list[Origin] = Field(description="Values in it that somebody outside may have written.")
    notice: str | None = Field(description="Why no model answered, if none did.")
    took_ms: int | None
    rating: Rating | None


class Turn(BaseModel):
    """What the caller said, what was done about it, and what was answered."""

    message_id: str
    question: str
    agent: str | None
    route: Json | None = Field(description="Of the last turn: kind, agent and reason.")
    steps: list[Step]
    answers: list[Answer]
    took_ms: int | None = Field(description="How long models and tools took together.")


def title_of(details: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """The name that the caller gave the conversation, else how it begins."""
    given = details.get("title")
    if isinstance(given, str) and given.strip():
        return one_line(given)[:_TITLE]
    first = next((text_of(one) for one in values.get("messages", ()) if one["type"] == "human"), "")
    words = one_line(first)
    return words if len(words) <= _TITLE else f"{words[: _TITLE - 1]}…"


def build_turns(values: Mapping[str, Any], hosts: Hosts, ratings: Mapping[str, Rating], held: set[str]) -> list[Turn]:
    """The turns, oldest first. `held`: the calls that wait for a person."""
    turns = []
    messages = values.get("messages") or []
    starts = [at for at, one in enumerate(messages) if one["type"] == "human"]
    for start, end in zip(starts, [*starts[1:], len(messages)], strict=True):
        is_last = end == len(messages)
        turns.append(_build_turn(messages[start:end], values.get("route") if is_last else None, hosts, ratings, held))
    return turns


def _build_turn(
    messages: Sequence[Message], route: Json | None, hosts: Hosts, ratings: Mapping[str, Rating], held: set[str]
) -> Turn:
    answered = {one["tool_call_id"]: one for one in messages if one["type"] == "tool"}
    outside = dict(_outside_values(answered.values()))
    said = [one for one in messages if one["type"] == "ai"]
    steps = [
        _build_step(call, one.get("name"), answered.get(call["id"]), held)
        for one in said
        for call in one.get("tool_calls") or ()
    ]
    took = [one["took_ms"] for one in messages if isinstance(one.get("took_ms"), int)]
    return Turn(
        message_id=messages[0]["id"],
        question=text_of(messages[0]),
        agent=next((one["name"] for one in said if one.get("name")), None),
        route=None if route is None else dict(route),
        steps=steps,
        answers=[_build_answer(one, outside, hosts, ratings) for one in said if text_of(one).strip()],
        took_ms=sum(took) if took else None,
    )


def _build_step(call: Json, agent: str | None, answer: Message | None, held: set[str]) -> Step:
    tool = load_catalogue().get(call["name"])
    envelope: Json = {} if answer is None else json.loads(answer["content"])
    error = envelope.get("error")
    result = envelope.get("result")
    result = result if isinstance(result, dict) else {}
    status: StepStatus = "waiting" if call["id"] in held else "working"
    if answer is not None:
        kind = error.get("kind") if isinstance(error, dict) else None
        status = "done" if envelope.get("ok") else "denied" if kind in ("denied", "rejected", "recalled") else "failed"
    labels = [] if answer is None else (answer.get("artifact") or {}).get("labels", ())
    summary = result.get("summary")
    return Step(
        call_id=call["id"],
        tool=call["name"],
        agent=agent,
        effect=None if tool is None else tool.effect.value.lower(),
        status=status,
        arguments={key: value for key, value in call["args"].items() if value not in (None, [], {})},
        error=str(error.get("message")) if isinstance(error, dict) else None,
        took_ms=None if answer is None else answer.get("took_ms"),
        summary=summary if isinstance(summary, str) else None,
        outside=any(one.get("integrity") == _OUTSIDE for one in labels),
        has_chart=tool is not None and not tool.is_foreign and isinstance(result.get("chart"), dict),
        computed=_read_computed(result),
        saved=_saved_in(result),
    )


def _saved_in(result: Json) -> str | None:
    record_id = result.get("id")
    return record_id if result.get("status") == "applied" and isinstance(record_id, str) else None


def _read_computed(result: Json) -> Computed | None:
    if not isinstance(result.get("computed"), str):
        return None
    return Computed(
        how=result["computed"],
        records_counted=result.get("records_counted") or 0,
        left_out=result.get("left_out") or [],
        columns=result.get("columns") or [],
        rows=result.get("rows") or [],
    )


def _build_answer(message: Message, outside: Json, hosts: Hosts, ratings: Mapping[str, Rating]) -> Answer:
    more = message.get("additional_kwargs") or {}
    text = text_of(message)
    citations = [_cite(number, one, text) for number, one in enumerate(more.get("citations") or (), 1)]
    named = {str(one): outside.get(one) for one in more.get("outside") or ()}
    marks = Marks(
        cited=[(one["start"], one["end"]) for one in more.get("citations") or ()],
        outside=[value for value in named.values() if isinstance(value, str)],
    )
    return Answer(
        message_id=message["id"],
        agent=message.get("name"),
        text=text,
        tree=mark_tree(sanitize(text, hosts).tree, text, marks),
        citations=citations,
        outside=[origin for one in named if (origin := _read_origin(one)) is not None],
        notice=more.get("notice"),
        took_ms=message.get("took_ms"),
        rating=ratings.get(message["id"]),
    )


def _cite(number: int, given: Json, text: str) -> Citation:
    """A citation; the id of another record leads to that record."""
    words = text[given["start"] : given["end"]]
    named = object_of(words) if len(words) in (15, 18) else None
    if named is not None:
        return Citation(number=number, text=words, object=named, id=words, field=None)
    return Citation(number=number, text=words, object=given["object"], id=given["id"], field=given["field"])


def _read_origin(origin: str) -> Origin | None:
    """`Case 500….Subject` as its parts; what a value was made of besides is left out."""
    found = _ORIGIN.match(origin)
    return None if found is None else Origin(object=found[1], id=found[2], field=found[3])


def _outside_values(answers: Any) -> Iterator[tuple[str, Any]]:
    """Origin -> value, of what somebody outside may have written."""
    for answer in answers:
        labels = (answer.get("artifact") or {}).get("labels") or ()
        envelope = json.loads(answer["content"]) if labels else {}
        for one in labels:
            if one.get("integrity") == _OUTSIDE:
                yield one.get("origin"), _value_at(envelope, str(one.get("path", "")))


def _value_at(value: Any, path: str) -> Any:
    for key, place in _INDEXED.findall(path):
        try:
            value = value[key] if key else value[int(place)]
        except (KeyError, IndexError, TypeError):
            return None
    return value
