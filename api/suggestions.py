"""What could be asked next: tools that say how they are asked for, on the records that the last answer was about."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field

from agents._agent import DomainAgent
from agents._roster import load_roster
from crm.schema import OBJECT_INFO, object_of
from graphs.state import Message
from tools._declare import Tool
from trust.actions import Effect
from trust.invisible import one_line
from trust.principal import Principal

MOST = 4
_LONGEST_NAME = 60
_STEMS = {"article": "Knowledge__kav"}
_NAMES = ("Name", "name", "CaseNumber", "OrderNumber", "QuoteNumber", "Title", "Subject")
_OPERATIONS = {"create": "create", "update": "edit", "delete": "delete", "convert": "edit", "confirm": "edit"}


class Suggestion(BaseModel):
    """Something to ask, in words that can be sent as they are."""

    text: str
    tool: str = Field(description="The tool that is meant to answer.")
    effect: str = Field(description="What the tool does: read, draft, write or send. All but read wait for a person.")


def suggest(values: Mapping[str, Any], principal: Principal) -> list[Suggestion]:
    """From the tools' declarations and the caller's rights. Before the first question: what needs no record."""
    messages = values.get("messages") or []
    agents = _agents_for((values.get("route") or {}).get("agent"), principal)
    offered = (tool for agent in agents for tool in agent.tools if tool.asks and may_use(tool, principal))
    usable = list({tool.name: tool for tool in offered}.values())
    starts = [at for at, one in enumerate(messages) if one["type"] == "human"]
    if not starts:
        return [_suggestion(tool) for tool in usable if tool.effect is Effect.READ and not _names_record(tool)][:MOST]
    turn = messages[starts[-1] :]
    used = {call["name"] for one in turn if one["type"] == "ai" for call in one.get("tool_calls") or ()}
    records = _records_in(turn)
    found: list[Suggestion] = []
    for tool in usable:
        about = _about(tool) if _names_record(tool) else None
        record = None if about is None else next((one for one in records if about in ("*", one[0])), None)
        if record is not None and tool.name not in used:
            found.append(_suggestion(tool, record[1]))
    found.sort(key=lambda one: one.effect != "read")
    return found[:MOST]


def may_use(tool: Tool, principal: Principal) -> bool:
    """Whether the caller has what the tool asks for, as far as that is known before it is called."""
    access = principal.access
    if tool.is_foreign or tool.scope not in principal.scopes:
        return False
    if principal.is_customer and not tool.for_customers:
        return False
    if tool.permission is not None and tool.permission not in access.permissions:
        return False
    about = _about(tool)
    if about not in (None, "*") and not access.may("read", str(about)):
        return False
    return all(access.may(_OPERATIONS[op], name) for op, name in tool.changes if name != "*")  # type: ignore[arg-type]


def _agents_for(current: str | None, principal: Principal) -> Iterable[DomainAgent]:
    """The agent of the conversation; before it has one, those whose records the caller works on."""
    roster = load_roster()
    if current in roster:
        return [roster[str(current)]]
    homes = [one for one in roster.values() if one.home_object and principal.access.may("edit", one.home_object)]
    return homes or list(roster.values())


def _names_record(tool: Tool) -> bool:
    return "{record}" in (tool.asks or "")


def _about(tool: Tool) -> str | None:
    """The kind of record that is all that the tool has to be told; `*` for any, None if it takes more or none."""
    required = [name for name, field in tool.arguments.model_fields.items() if field.is_required()]
    if len(required) != 1 or not required[0].endswith("_id"):
        return None
    stem = required[0].removesuffix("_id")
    if stem == "record":
        return "*" if tool.effect is Effect.READ else None
    name = _STEMS.get(stem, stem.capitalize())
    return name if name in OBJECT_INFO else None


def _suggestion(tool: Tool, record: str = "") -> Suggestion:
    text = (tool.asks or "").replace("{record}", record)
    return Suggestion(text=text, tool=tool.name, effect=tool.effect.value.lower())


def _records_in(turn: Sequence[Message]) -> list[tuple[str, str]]:
    """Kind and name of the records that the turn's tools returned, those of the last call first.

    What somebody outside may have written is no name here: sent back, it would pass for the caller's own words.
    """
    found: dict[tuple[str, str], None] = {}
    for message in reversed(turn):
        if message["type"] != "tool":
            continue
        envelope = json.loads(message["content"])
        outside = {one.get("origin") for one in (message.get("artifact") or {}).get("labels", ())}
        for record_id, name, field in _named(envelope.get("result")):
            kind = object_of(record_id)
            if kind is not None:
                is_outside = f"{kind} {record_id}.{field}" in outside
                found[kind, record_id if is_outside else one_line(name)[:_LONGEST_NAME]] = None
    return list(found)


def _named(value: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, list):
        for one in value:
            yield from _named(one)
    elif isinstance(value, dict):
        record_id = value.get("Id") or value.get("id")
        field = next((key for key in _NAMES if isinstance(value.get(key), str)), None)
        if isinstance(record_id, str) and field is not None:
            yield record_id, value[field], field.capitalize() if field == "name" else field
        for key, one in value.items():
            if key != "chart":
                yield from _named(one)
