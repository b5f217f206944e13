"""The chat model: reads a conversation, answers with the next tool calls or with text."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agents._offline.extraction import extract, read_wanted
from agents._offline.memory import Memory
from agents._offline.plan import plan_turn
from agents._offline.prompt import Briefing, read_briefing
from agents._offline.route import choose_agent
from agents._offline.toolbox import Call, Outcome, Toolbox, read_outcome
from agents._offline.understand import with_usual_objects
from agents._offline.work import Work

MAX_ROUNDS = 5
"""Rounds of tool calls within one user turn; with the answer, the model is asked once more than that."""
_CHARACTERS_PER_TOKEN = 4


class OfflineModel(BaseChatModel):
    """A chat model that works by rules. Same conversation and tools, same answer; no network, clock or chance."""

    model_name: str = "offline"

    @property
    def _llm_type(self) -> str:
        return "offline"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        schemas = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=schemas, **({"tool_choice": tool_choice} if tool_choice else {}), **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=respond(messages, kwargs.get("tools") or ()))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in _chunks(respond(messages, kwargs.get("tools") or ())):
            piece = ChatGenerationChunk(message=chunk)
            if run_manager:
                run_manager.on_llm_new_token(str(chunk.content), chunk=piece)
            yield piece


def respond(messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> AIMessage:
    """The next message of the assistant."""
    toolbox = Toolbox(tools)
    decided = _decide(messages, toolbox)
    calls = [] if isinstance(decided, str) else decided
    text = decided if isinstance(decided, str) else ""
    spent = json.dumps([call.args for call in calls]) if calls else text
    usage = _usage(messages, spent)
    if not calls:
        return AIMessage(content=text, usage_metadata=usage)
    stem = _digest(messages)
    return AIMessage(
        content="",
        usage_metadata=usage,
        tool_calls=[tool_call(name=call.tool, args=call.args, id=f"call_{stem}_{at}") for at, call in enumerate(calls)],
    )


def _chunks(message: AIMessage) -> Iterator[AIMessageChunk]:
    """The message word by word; tool calls come whole. Put together, the chunks are the message."""
    if message.tool_calls:
        parts = [
            tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=at)
            for at, call in enumerate(message.tool_calls)
        ]
        yield AIMessageChunk(content="", tool_call_chunks=parts, usage_metadata=message.usage_metadata)
        return
    words = str(message.content).split(" ")
    for at, word in enumerate(words):
        is_last = at == len(words) - 1
        yield AIMessageChunk(
            content=word if is_last else f"{word} ", usage_metadata=message.usage_metadata if is_last else None
        )


def _usage(messages: Sequence[BaseMessage], answer: str) -> UsageMetadata:
    """Rough counts: characters, not a tokenizer's."""
    read = sum(len(_text(message)) for message in messages) // _CHARACTERS_PER_TOKEN + 1
    written = len(answer) // _CHARACTERS_PER_TOKEN + 1
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)


def _digest(messages: Sequence[BaseMessage]) -> str:
    seen = hashlib.sha256()
    for message in messages:
        seen.update(f"{message.type}\0{_text(message)}\0{getattr(message, 'tool_call_id', '')}\0".encode())
    seen.update(str(len(messages)).encode())
    return seen.hexdigest()[:12]


def _text(message: BaseMessage) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    return " ".join(block if isinstance(block, str) else str(block.get("text", "")) for block in content)


# One turn after the other


@dataclass
class _Turn:
    """What the user said, and the outcomes of the calls made since."""

    said: str
    outcomes: list[Outcome]
    rounds: int = 0


def _decide(messages: Sequence[BaseMessage], toolbox: Toolbox) -> str | list[Call]:
    turns = _turns(messages)
    if not turns:
        return "There is no request to answer yet."
    instructions = "\n".join(_text(m) for m in messages if isinstance(m, SystemMessage))
    wanted = None if toolbox.names else read_wanted(instructions)
    if wanted is not None:
        return extract(turns[-1].said, wanted)
    if toolbox.names == ["choose_agent"]:
        call = None if turns[-1].rounds else choose_agent(turns[-1].said, toolbox)
        return [call] if call else "No agent's description fits this request."
    briefing = with_usual_objects(read_briefing(instructions))
    memory = Memory()
    for turn in turns[:-1]:
        _replay(turn, briefing, toolbox, memory)
    return _replay(turns[-1], briefing, toolbox, memory)


def _turns(messages: Sequence[BaseMessage]) -> list[_Turn]:
    turns: list[_Turn] = []
    answers = {message.tool_call_id: message for message in messages if isinstance(message, ToolMessage)}
    for message in messages:
        if isinstance(message, HumanMessage):
            turns.append(_Turn(_text(message), []))
        elif isinstance(message, AIMessage) and turns and message.tool_calls:
            turns[-1].rounds += 1
            for made in message.tool_calls:
                if made["id"] in answers:
                    turns[-1].outcomes.append(
                        read_outcome(Call(made["name"], made["args"]), answers[made["id"]].content)
                    )
    return turns


def _replay(turn: _Turn, briefing: Briefing, toolbox: Toolbox, memory: Memory) -> str | list[Call]:
    """Runs the plan of a turn over the outcomes it already has; the calls it still needs, or its answer."""
    unread = list(turn.outcomes)
    program = plan_turn(Work(briefing, toolbox, memory), turn.said)
    try:
        batch = next(program)
        while True:
            outcomes, missing = _match(batch, unread)
            for outcome in outcomes:
                memory.observe(outcome)
            if missing:
                return missing if turn.rounds < MAX_ROUNDS else _give_up(turn)
            batch = program.send(outcomes)
    except StopIteration as done:
        return str(done.value)
    finally:
        for outcome in unread:
            memory.observe(outcome)


def _match(batch: Sequence[Call], unread: list[Outcome]) -> tuple[list[Outcome], list[Call]]:
    """Takes the outcome of each call from those not read yet, in order; returns the calls that have none."""
    outcomes, missing = [], []
    for call in batch:
        at = next((i for i, outcome in enumerate(unread) if outcome.call.tool == call.tool), None)
        if at is None:
            missing.append(call)
        else:
            outcomes.append(unread.pop(at))
    return outcomes, missing


def _give_up(turn: _Turn) -> str:
    failed = [outcome for outcome in turn.outcomes if not outcome.ok]
    reason = f" The last problem was: {failed[-1].message}" if failed else ""
    return (
        f"I stopped after several rounds of look-ups without finishing this request.{reason}"
        " Please ask for a smaller part of it."
    )
