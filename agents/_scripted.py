"""A chat model that plays a script: for tests, where what the model says is given and what follows is the question."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

Line = AIMessage | Callable[[list[BaseMessage]], AIMessage] | Exception


class ScriptedModel(BaseChatModel):
    """Says the lines one after the other; a line may be computed from the messages, or be an error to raise.

    Running out of lines is an error of the test that wrote the script.
    """

    lines: Sequence[Any]
    _next: int = PrivateAttr(default=0)
    _heard: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @property
    def heard(self) -> list[list[BaseMessage]]:
        """The messages of each call so far."""
        return self._heard

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tools=list(tools), **kwargs)

    def _speak(self, messages: list[BaseMessage]) -> AIMessage:
        self._heard.append(messages)
        if self._next >= len(self.lines):
            raise AssertionError(f"the script has only {len(self.lines)} lines")
        line: Line = self.lines[self._next]
        self._next += 1
        if isinstance(line, Exception):
            raise line
        return line if isinstance(line, AIMessage) else line(messages)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._speak(messages))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        spoken = self._speak(messages)
        for word in str(spoken.text).split(" ") if spoken.text else []:
            yield ChatGenerationChunk(message=AIMessageChunk(content=f"{word} ", id=spoken.id))
        calls = [
            tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index)
            for index, call in enumerate(spoken.tool_calls)
        ]
        used = spoken.usage_metadata
        last = AIMessageChunk(content="", tool_call_chunks=calls, id=spoken.id, usage_metadata=used)
        yield ChatGenerationChunk(message=last)
