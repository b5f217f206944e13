"""One question to one model: its answer piece by piece, tried again where that helps, and seen by nobody else."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, message_chunk_to_message
from langchain_core.messages.tool import ToolCallChunk, invalid_tool_call, tool_call
from langchain_core.runnables import RunnableConfig

OnPiece = Callable[[str], Awaitable[None]]

_UNSEEN: RunnableConfig = {"callbacks": [], "tags": ["nostream"]}
"""Nobody listens to the model itself: its raw pieces are for the gateway only."""
_LONGEST_WAIT_S = 20.0


class ModelError(Exception):
    """The model gave no usable answer. The message is for the caller and names no provider secret."""

    details: dict[str, Any] = {}  # noqa: RUF012 - never changed in place
    """What clients are told besides the message."""


@dataclass(frozen=True)
class Patience:
    """How long a model may take in all, and how often it is asked again when it is busy or out of reach."""

    timeout_s: float = 120
    retries: int = 2
    first_wait_s: float = 0.25

    def wait_s(self, attempt: int, error: Exception) -> float:
        """Four times as long after each attempt; as long as the provider asks for, if it does and that is bearable."""
        asked = _retry_after(error)
        return min(asked, _LONGEST_WAIT_S) if asked is not None else self.first_wait_s * 4**attempt


async def call_model(
    model: BaseChatModel,
    messages: Sequence[BaseMessage],
    tools: Sequence[dict[str, Any]],
    patience: Patience,
    on_piece: OnPiece,
) -> AIMessage:
    """The whole answer; its text went to `on_piece` before. Raises: ModelError."""
    try:
        async with asyncio.timeout(patience.timeout_s):
            return await _call_with_retries(model, messages, tools, patience, on_piece)
    except TimeoutError:
        raise ModelError(f"the model did not answer within {patience.timeout_s:g} seconds") from None


async def _call_with_retries(
    model: BaseChatModel,
    messages: Sequence[BaseMessage],
    tools: Sequence[dict[str, Any]],
    patience: Patience,
    on_piece: OnPiece,
) -> AIMessage:
    has_spoken = False

    async def tell(text: str) -> None:
        nonlocal has_spoken
        has_spoken = True
        await on_piece(text)

    attempt = 0
    while True:
        try:
            return await _call(model, messages, tools, tell)
        except (ModelError, TimeoutError):
            raise
        except Exception as error:  # a provider may raise anything; no interrupt passes through a model call
            # What was said once cannot be taken back, so a model that broke off in its words is not asked again.
            if has_spoken or attempt >= patience.retries or not may_pass(error):
                raise ModelError(f"the model could not be asked ({type(error).__name__})") from error
            await asyncio.sleep(patience.wait_s(attempt, error))
            attempt += 1


async def _call(
    model: BaseChatModel, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]], tell: OnPiece
) -> AIMessage:
    bound = model.bind_tools(list(tools)) if tools else model
    whole: AIMessageChunk | AIMessage | None = None
    async for piece in bound.astream(list(messages), _UNSEEN):
        whole = piece if whole is None else whole + piece  # type: ignore[assignment]
        if piece.text:
            await tell(piece.text)
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


def may_pass(error: Exception) -> bool:
    """Whether asking again may help: the provider is busy or broken, or could not be reached. Other refusals stand."""
    status = _status_of(error)
    if status is not None:
        return status == 429 or status >= 500
    return isinstance(error, ConnectionError | httpx.TransportError) or type(error).__name__ in _LOST_CONNECTIONS


_LOST_CONNECTIONS = frozenset(
    {"APIConnectionError", "APITimeoutError", "EndpointConnectionError", "ConnectTimeoutError"}
)
"""What the providers' clients call it, which are not all installed."""


def _status_of(error: Exception) -> int | None:
    """The HTTP status behind a client's error, wherever it keeps it."""
    response = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
    found = (
        getattr(error, "status_code", None),
        getattr(response, "status_code", None),
        metadata.get("HTTPStatusCode"),
        getattr(error, "code", None),
    )
    return next((status for status in found if isinstance(status, int) and 400 <= status < 600), None)


def _retry_after(error: Exception) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None)
    try:
        return max(0.0, float(headers["retry-after"])) if headers is not None else None
    except (KeyError, TypeError, ValueError):
        return None
