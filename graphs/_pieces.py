"""The pieces of an answer while it comes: what the gateway lets through, on its way to whoever streams the run."""

import json
from collections.abc import Sequence
from typing import Any

from langgraph.config import get_config, get_stream_writer

from graphs.messages import storable
from graphs.state import Call

PIECE = "countersign.piece"
"""Marks a part of the custom stream as a piece of an answer; clients get it as a message, never as it is."""


class AnswerPieces:
    """Tells a run's stream of one answer, under the id that the finished message has."""

    def __init__(self, message_id: str) -> None:
        self.message_id = message_id
        self._write = get_stream_writer()
        metadata = get_config().get("metadata") or {}
        self._about = {name: metadata.get(name) for name in ("langgraph_node", "langgraph_step")}

    async def tell(self, text: str) -> None:
        self._write({PIECE: {"id": self.message_id, "content": storable(text)}, "about": self._about})

    def tell_calls(self, calls: Sequence[Call]) -> None:
        """The calls of the answer, each whole; those that could not be read are left to the finished message."""
        readable = [call for call in calls if call["verdict"] != "broken"]
        if not readable:
            return
        self._write({PIECE: {"id": self.message_id, "content": "", **_wire_calls(readable)}, "about": self._about})


def _wire_calls(calls: Sequence[Call]) -> dict[str, Any]:
    whole = [{"name": c["name"], "args": c["arguments"], "id": c["id"], "type": "tool_call"} for c in calls]
    pieces = [
        {
            "name": c["name"],
            "args": json.dumps(c["arguments"]),
            "id": c["id"],
            "index": place,
            "type": "tool_call_chunk",
        }
        for place, c in enumerate(calls)
    ]
    return {"tool_calls": whole, "tool_call_chunks": pieces}
