"""The shapes of OpenAI's chat completions, as far as this service takes them, and what of a conversation is believed.

The caller's messages are their words. What a client sends as said by the assistant or by a tool is compared with what
the service said, to find the conversation again, and is used for nothing else.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from api.errors import InputError
from api.wire import MAX_MESSAGE_CHARS, Body, Json
from graphs.messages import text_of
from trust.principal import Principal

MAX_MESSAGES = 1_000
MAX_INSTRUCTIONS = 20_000
KEY = "completions"
"""Of a thread's metadata: which conversation of a client it is."""


class StreamOptions(Body):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class CompletionBody(Body):
    """A request. What bears on sampling is taken and not used: the operator chooses the model and its settings."""

    model: str = Field(max_length=100)
    messages: list[Json] = Field(min_length=1, max_length=MAX_MESSAGES)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    logprobs: Literal[False] | None = None
    modalities: list[Literal["text"]] | None = None
    response_format: Json | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    functions: list[Any] | None = None
    function_call: Any = None
    parallel_tool_calls: bool | None = None

    def check(self) -> None:
        """Raises: InputError for what this service does not do."""
        for name in ("tools", "functions"):
            if getattr(self, name):
                raise InputError(name, "is not supported: the copilot calls the service's own tools only")
        for name in ("tool_choice", "function_call"):
            if getattr(self, name) not in (None, "none", "auto"):
                raise InputError(name, "is not supported: the copilot calls the service's own tools only")
        if self.response_format is not None and self.response_format.get("type") != "text":
            raise InputError("response_format", "expected text")


class Conversation:
    """What a request says: the caller's words since the last answer, their instructions, and how it went before."""

    def __init__(self, messages: Sequence[Json]) -> None:
        """Raises: InputError."""
        self.instructions: list[str] = []
        self.said: list[tuple[str, str]] = []
        for place, message in enumerate(messages):
            role, where = message.get("role"), f"messages.{place}"
            if role in ("system", "developer"):
                self.instructions.append(_text_in(message, where))
            elif role == "user":
                self.said.append(("user", _text_in(message, where)))
            elif role == "assistant":
                if message.get("content") is not None:
                    self.said.append(("assistant", _text_in(message, where)))
            elif role not in ("tool", "function"):
                raise InputError(f"{where}.role", "expected system, developer, user, assistant or tool")
        if messages[-1].get("role") != "user":
            raise InputError("messages", "expected the last message to be the user's")
        last = [text for _, text in self.said[self._known() :]]
        self.text = "\n".join(last)
        if not self.text.strip():
            raise InputError(f"messages.{len(messages) - 1}.content", "the message is empty")
        if len(self.text) > MAX_MESSAGE_CHARS:
            raise InputError(f"messages.{len(messages) - 1}.content", f"at most {MAX_MESSAGE_CHARS} characters")
        if sum(map(len, self.instructions)) > MAX_INSTRUCTIONS:
            raise InputError("messages", f"at most {MAX_INSTRUCTIONS} characters of instructions")

    def key_before(self, principal: Principal, model: str) -> str | None:
        """Which conversation this goes on with; None for the first words of one."""
        known = self._known()
        return None if known == 0 else _key(self.said[:known], principal, model)

    def _known(self) -> int:
        """How much of what was said has been answered."""
        answered = [place for place, (role, _) in enumerate(self.said) if role == "assistant"]
        return answered[-1] + 1 if answered else 0

    def key_after(self, answer: str, principal: Principal, model: str) -> str:
        """Which conversation it is once it was answered."""
        return _key([*self.said, ("assistant", answer)], principal, model)


def _key(said: Sequence[tuple[str, str]], principal: Principal, model: str) -> str:
    """Blanks do not count: clients trim what they keep."""
    plain = [[role, " ".join(text.split())] for role, text in said]
    return hashlib.sha256(json.dumps([principal.tenant, principal.id, model, plain]).encode()).hexdigest()


def _text_in(message: Json, where: str) -> str:
    content = message.get("content")
    if not isinstance(content, str | list):
        raise InputError(f"{where}.content", "expected text or a list of text parts")
    for place, part in enumerate(content if isinstance(content, list) else ()):
        if not (isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)):
            raise InputError(f"{where}.content.{place}", "expected a part of type text, with its text")
    return text_of({"content": content})


def usage_of(messages: Sequence[Json]) -> dict[str, int]:
    """The tokens of the last turn as the model has counted them; 0 where it counts none."""
    used = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    for message in reversed(messages):
        if message["type"] == "human":
            break
        counted = message.get("usage_metadata") or {}
        used["prompt_tokens"] += counted.get("input_tokens", 0)
        used["completion_tokens"] += counted.get("output_tokens", 0)
    used["total_tokens"] = used["prompt_tokens"] + used["completion_tokens"]
    return used


def completion(run_id: str, model: str, text: str, usage: Json, about: Json) -> Json:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", "logprobs": None}
    return _frame(run_id, model, "chat.completion") | {"choices": [choice], "usage": usage, "countersign": about}


def chunk(run_id: str, model: str, delta: Json, *, is_last: bool = False, **more: Any) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": "stop" if is_last else None, "logprobs": None}
    return _frame(run_id, model, "chat.completion.chunk") | {"choices": [choice]} | more


def usage_chunk(run_id: str, model: str, usage: Json) -> Json:
    return _frame(run_id, model, "chat.completion.chunk") | {"choices": [], "usage": usage}


def _frame(run_id: str, model: str, kind: str) -> Json:
    return {"id": f"chatcmpl-{run_id}", "object": kind, "created": int(time.time()), "model": model}
