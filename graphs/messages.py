"""Between the messages that state and clients hold as JSON and the message objects that models take."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from graphs.state import Message


def human(text: str, message_id: str | None = None) -> Message:
    return {"type": "human", "content": text, "id": message_id or str(uuid.uuid4())}


def spoken(text: str, **extra: Any) -> Message:
    """A message that the service itself says, without a model."""
    return {"type": "ai", "content": text, "id": str(uuid.uuid4()), "tool_calls": [], "additional_kwargs": extra}


def storable(text: object) -> str:
    """The text as every database and client can take it: what is half a character or none shows as a question mark."""
    return str(text).encode("utf-8", "replace").decode().replace("\x00", "?")


def answered(message: AIMessage, agent: str) -> Message:
    """A model's answer; calls without an id of their own get one that is unique in the conversation."""
    message_id = storable(message.id or uuid.uuid4())
    calls = [
        {
            "name": call["name"],
            "args": call["args"],
            "id": call["id"] or _call_id(message_id, place),
            "type": "tool_call",
        }
        for place, call in enumerate(message.tool_calls)
    ]
    broken = [
        {"name": call["name"], "args": call["args"], "id": call["id"] or _call_id(message_id, place, "broken")}
        for place, call in enumerate(message.invalid_tool_calls)
    ]
    return {
        "type": "ai",
        "content": storable(message.text),
        "id": message_id,
        "name": agent,
        "tool_calls": calls,
        "invalid_tool_calls": broken,
        "usage_metadata": dict(message.usage_metadata) if message.usage_metadata else None,
    }


def _call_id(message_id: str, place: int, salt: str = "") -> str:
    return "call_" + hashlib.sha256(f"{message_id}:{place}:{salt}".encode()).hexdigest()[:20]


_ANSWER = "tool:"


def answered_call(message_id: str) -> str | None:
    """The id of the call that a tool's answer of this id answers."""
    return message_id.removeprefix(_ANSWER) if message_id.startswith(_ANSWER) else None


def tool_answer(call_id: str, name: str, envelope: dict[str, Any]) -> Message:
    """A tool's answer. Its id follows from the call, so that answering twice is answering once."""
    return {
        "type": "tool",
        "content": json.dumps(envelope, ensure_ascii=False),
        "id": f"{_ANSWER}{call_id}",
        "name": name,
        "tool_call_id": call_id,
        "status": "success" if envelope.get("ok") else "error",
    }


def failure(kind: str, message: str) -> dict[str, Any]:
    return {"ok": False, "error": {"kind": kind, "message": message}}


def success(result: Any) -> dict[str, Any]:
    return {"ok": True, "result": result}


def text_of(message: Message) -> str:
    """The text of a message whose content may be a list of blocks."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(
        block if isinstance(block, str) else str(block.get("text", ""))
        for block in content
        if isinstance(block, str) or (isinstance(block, dict) and block.get("type") == "text")
    )


def unanswered_calls(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Tool calls that no tool message answers; a provider refuses a history that has them."""
    answered_ids = {message.get("tool_call_id") for message in messages if message["type"] == "tool"}
    return [
        call
        for message in messages
        if message["type"] == "ai"
        for call in message.get("tool_calls") or ()
        if call["id"] not in answered_ids
    ]


def _answers_after_calls(messages: Sequence[Message]) -> list[Message]:
    answers = {message["tool_call_id"]: message for message in messages if message["type"] == "tool"}
    ordered: list[Message] = []
    for message in messages:
        if message["type"] != "tool":
            ordered.append(message)
            called = [call["id"] for call in message.get("tool_calls") or ()] if message["type"] == "ai" else []
            ordered += [answers.pop(one) for one in called if one in answers]
    return ordered


def to_model(messages: Iterable[Message]) -> list[BaseMessage]:
    """The history as a model takes it: every call followed by its answer, broken calls left out.

    A turn that was broken off has its calls answered when the user has spoken again; providers want it before that.
    """
    found: list[BaseMessage] = []
    for message in _answers_after_calls(list(messages)):
        kind = message["type"]
        if kind == "human":
            found.append(HumanMessage(text_of(message), id=message["id"]))
        elif kind == "ai":
            calls = message.get("tool_calls") or []
            found.append(AIMessage(text_of(message), id=message["id"], tool_calls=calls))
        elif kind == "tool":
            found.append(ToolMessage(text_of(message), tool_call_id=message["tool_call_id"], name=message.get("name")))
    return found
