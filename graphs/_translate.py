"""From what LangGraph streams to the events that clients of its protocol read."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from graphs._outlet import CHUNK, STEP
from graphs.messages import text_of
from graphs.state import Message
from trust.egress import NO_HOSTS, sanitize
from trust.links import Hosts
from trust.markdown import Node

MODES = (
    *("values", "updates", "messages", "messages-tuple", "custom", "tasks", "checkpoints", "debug", "events"),
    "trees",
)
"""`trees` is the service's own: answers as trees of what may be shown, for clients that draw no Markdown."""
_PUBLIC = ("messages", "route", "handoff", "workflow", "research")
NativeMode = Literal["values", "updates", "custom", "tasks", "checkpoints", "debug"]
_NATIVE: dict[str, NativeMode] = {
    "values": "values",
    "updates": "updates",
    "messages": "custom",  # a model's words reach clients through the outlet only
    "messages-tuple": "custom",
    "custom": "custom",
    "tasks": "tasks",
    "checkpoints": "checkpoints",
    "debug": "debug",
    "events": "tasks",
    "trees": "custom",
}


def native_modes(modes: Iterable[str]) -> list[NativeMode]:
    """What to ask LangGraph for. Values and updates are always needed: they tell how the run ends."""
    wanted: set[NativeMode] = {_NATIVE[mode] for mode in modes}
    if "messages" in wanted:
        wanted = (wanted - {"messages"}) | {"custom"}  # answers come through the gateway only: graphs/_pieces.py
    return sorted(wanted | {"values", "updates"})


def public_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a conversation's state that is the client's business."""
    return {key: values[key] for key in _PUBLIC if values.get(key) is not None}


def is_for(event: str, modes: Iterable[str] | None) -> bool:
    """Whether an event belongs to one of the stream modes; the frame of a stream belongs to all."""
    if modes is None or event in ("metadata", "error", "end"):
        return True
    mode = "messages-tuple" if event == "messages" else event.partition("/")[0]
    return mode in modes


@dataclass
class Translator:
    """Turns parts into (event, data) pairs for the modes a client asked for, and remembers how the run stands."""

    modes: tuple[str, ...]
    hosts: Hosts = NO_HOSTS
    """Where links in trees may lead."""
    values: dict[str, Any] = field(default_factory=dict)
    interrupts: list[dict[str, Any]] = field(default_factory=list)
    _streamed: dict[str, str] = field(default_factory=dict)
    _trees: dict[str, list[Node]] = field(default_factory=dict)

    def translate(self, part: Mapping[str, Any]) -> list[tuple[str, Any]]:
        kind, data = part["type"], part["data"]
        if kind == "values":
            self.values = data
            return [("values", public_values(data))] if "values" in self.modes else []
        if kind == "updates":
            return self._updates(data)
        if kind == "custom" and isinstance(data, Mapping) and CHUNK in data:
            return self._chunk(data[CHUNK], data.get(STEP))
        if kind == "tasks" and "events" in self.modes and "triggers" in data:
            started = {"event": "on_chain_start", "name": data["name"], "metadata": {"langgraph_node": data["name"]}}
            found: list[tuple[str, Any]] = [("events", started | {"data": {}, "run_id": data["id"]})]
            return [*found, ("tasks", plain_data(data))] if "tasks" in self.modes else found
        return [(kind, plain_data(data))] if kind in self.modes else []

    def _updates(self, data: Mapping[str, Any]) -> list[tuple[str, Any]]:
        if "__interrupt__" in data:
            self.interrupts = [{"id": one.id, "value": one.value} for one in data["__interrupt__"]]
            return [("updates", {"__interrupt__": self.interrupts})] if "updates" in self.modes else []
        found: list[tuple[str, Any]] = []
        for node, update in data.items():
            for message in (update or {}).get("messages") or ():
                found += self._whole(message, node)
        if "updates" in self.modes:
            shown = {node: public_values(update or {}) for node, update in data.items()}
            found.append(("updates", shown))
        return found

    def _chunk(self, chunk: Mapping[str, Any], step: int | None) -> list[tuple[str, Any]]:
        """A piece of an answer that has been checked."""
        chunk_id = chunk["id"]
        first = chunk_id not in self._streamed
        self._streamed[chunk_id] = self._streamed.get(chunk_id, "") + chunk["text"]
        about = {"langgraph_node": "agent", "langgraph_step": step}
        found: list[tuple[str, Any]] = []
        if "messages-tuple" in self.modes:
            found.append(("messages", [_wire_chunk(chunk), about]))
        if "messages" in self.modes:
            if first:
                found.append(("messages/metadata", {chunk_id: {"metadata": about}}))
            whole = {"type": "ai", "id": chunk_id, "content": self._streamed[chunk_id]}
            found.append(("messages/partial", [whole]))
        if chunk.get("ends"):
            found += self._tree(chunk_id, self._streamed[chunk_id])
        return found

    def _tree(self, message_id: str, text: str) -> list[tuple[str, Any]]:
        """How an answer's tree goes on: `keep` of its nodes stay as they were told, and `nodes` come after them."""
        if "trees" not in self.modes:
            return []
        before, now = self._trees.get(message_id, []), sanitize(text, self.hosts).tree
        keep = next(
            (at for at, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), min(len(before), len(now))
        )
        self._trees[message_id] = now
        return [("trees", {"id": message_id, "keep": keep, "nodes": now[keep:]})]

    def _whole(self, message: Message, node: str) -> list[tuple[str, Any]]:
        """A finished message: as it is for those that list whole messages, and for all if no piece was shown before."""
        found: list[tuple[str, Any]] = []
        if "messages" in self.modes:
            found.append(("messages/complete", [message]))
        if "messages-tuple" in self.modes and message["id"] not in self._streamed and message["type"] != "human":
            found.append(("messages", [message, {"langgraph_node": node}]))
        if message["type"] == "ai" and message["id"] not in self._streamed and text_of(message).strip():
            found += self._tree(message["id"], text_of(message))
        return found


def _wire_chunk(chunk: Mapping[str, Any]) -> dict[str, Any]:
    """A piece as clients read it."""
    calls = chunk.get("calls") or []
    return {
        "type": "AIMessageChunk",
        "content": chunk["text"],
        "id": chunk["id"],
        "tool_calls": calls,
        "tool_call_chunks": [
            {
                "name": one["name"],
                "args": json.dumps(one["args"]),
                "id": one["id"],
                "index": at,
                "type": "tool_call_chunk",
            }
            for at, one in enumerate(calls)
        ],
        "invalid_tool_calls": [],
    }


def plain_data(value: Any) -> Any:
    """Anything LangGraph puts into a debugging part, as JSON; what has no JSON form is named by its type."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain_data(one) for key, one in value.items() if key not in ("config", "parent_config")}
    if isinstance(value, list | tuple | set):
        return [plain_data(one) for one in value]
    if hasattr(value, "id") and hasattr(value, "value"):
        return {"id": value.id, "value": plain_data(value.value)}
    return type(value).__name__
