"""The only door to a model: every prompt leaves and every answer comes back through here."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, message_chunk_to_message
from langchain_core.messages.tool import ToolCallChunk, invalid_tool_call, tool_call

OnText = Callable[[str], Awaitable[None]]
"""Takes the next piece of an answer's text."""
OnRestart = Callable[[], None]
"""Told that the answer begins anew, from another model: what came of it so far is void."""


class ModelError(Exception):
    """The model gave no usable answer. The message is for the caller and names no provider secret."""


@dataclass(frozen=True)
class Gateway:
    """Calls the model of a run, with a time limit for the whole answer. Errors of the model never pass as answers."""

    model: BaseChatModel
    fallback: BaseChatModel | None = None
    timeout_s: float = 120

    async def ask(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[dict[str, Any]],
        *,
        on_text: OnText | None = None,
        on_restart: OnRestart | None = None,
    ) -> AIMessage:
        """One answer; its text is handed on while it comes. Raises: ModelError."""
        try:
            return await self._ask(self.model, messages, tools, on_text)
        except ModelError:
            if self.fallback is None:
                raise
            if on_restart is not None:
                on_restart()
            return await self._ask(self.fallback, messages, tools, on_text)

    async def _ask(
        self,
        model: BaseChatModel,
        messages: Sequence[BaseMessage],
        tools: Sequence[dict[str, Any]],
        on_text: OnText | None,
    ) -> AIMessage:
        bound = model.bind_tools(list(tools)) if tools else model
        whole: AIMessageChunk | AIMessage | None = None
        try:
            async with asyncio.timeout(self.timeout_s):
                async for piece in bound.astream(list(messages)):
                    whole = piece if whole is None else whole + piece  # type: ignore[assignment]
                    if on_text is not None and piece.text:
                        await on_text(piece.text)
        except TimeoutError:
            raise ModelError(f"the model did not answer within {self.timeout_s:g} seconds") from None
        except Exception as error:  # a provider may raise anything; no interrupt passes through a model call
            raise ModelError(f"the model could not be asked ({type(error).__name__})") from error
        if whole is None:
            raise ModelError("the model gave an empty answer")
        answer = message_chunk_to_message(whole) if isinstance(whole, AIMessageChunk) else whole
        if not isinstance(answer, AIMessage):
            raise ModelError("the model gave something that is no answer")
        return _read_calls(answer, whole.tool_call_chunks) if isinstance(whole, AIMessageChunk) else answer


def _read_calls(answer: AIMessage, chunks: Sequence[ToolCallChunk]) -> AIMessage:
    """The answer with the calls as they were written.

    Put together from pieces, arguments that break off are completed by the library: an amount that lost its last
    digits would pass for an amount. Here they are no call, and the model is told so.
    """
    if not chunks:
        return answer
    calls, broken = [], []
    for chunk in chunks:
        name, written, call_id = chunk["name"] or "", chunk["args"] or "{}", chunk["id"]
        try:
            arguments = json.loads(written)
        except (ValueError, RecursionError):
            arguments = None
        if name and isinstance(arguments, dict):
            calls.append(tool_call(name=name, args=arguments, id=call_id))
        else:
            broken.append(invalid_tool_call(name=name, args=written, id=call_id, error=None))
    return answer.model_copy(update={"tool_calls": calls, "invalid_tool_calls": broken})
