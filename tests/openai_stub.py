"""A server that speaks enough of OpenAI's chat interface for a real client: says its script, keeps what it was sent."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Json = Any


def text(words: str) -> list[Json]:
    """The deltas of an answer in words, one piece at a time."""
    return [{"content": f"{word} "} for word in words.split(" ")]


def tool_calls(*wanted: tuple[str, Json], pieces: int = 4) -> list[Json]:
    """The deltas of tool calls, their arguments cut into pieces. Arguments may be text, to be wrong on purpose."""
    deltas: list[Json] = []
    for index, (name, arguments) in enumerate(wanted):
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        head = {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": ""}}
        deltas.append({"tool_calls": [head]})
        size = max(1, len(written) // pieces)
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": written[at : at + size]}}]}
            for at in range(0, len(written), size)
        ]
    return deltas


@dataclass
class Fault:
    """An answer that is an HTTP error."""

    status: int
    body: Json = None


@dataclass
class Silence:
    """Nothing comes for so long."""

    seconds: float


@dataclass
class Break:
    """Some deltas, and then the line is cut."""

    deltas: list[Json]


@dataclass
class OpenAiStub:
    """Gives the answers one after the other, the last one for ever. An answer may be computed from the request."""

    answers: list[Any]
    requests: list[Json] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    async def complete(self, request: Request) -> Response:
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if callable(answer):
            answer = answer(self.requests[-1])
        if isinstance(answer, Silence):
            await asyncio.sleep(answer.seconds)
            return JSONResponse({"error": {"message": "too late"}}, 500)
        if isinstance(answer, Fault):
            return JSONResponse(answer.body or {"error": {"message": "the stub is out of order"}}, answer.status)
        return StreamingResponse(_frames(answer), media_type="text/event-stream")


async def _frames(answer: list[Json] | Break) -> AsyncIterator[str]:
    deltas = answer.deltas if isinstance(answer, Break) else answer
    calls = any("tool_calls" in delta for delta in deltas)
    for delta in [{"role": "assistant", "content": ""}, *deltas]:
        yield _frame({"index": 0, "delta": delta, "finish_reason": None})
        await asyncio.sleep(0.002)
    if isinstance(answer, Break):
        raise ConnectionError("the stub cuts the line")
    yield _frame({"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"})
    yield "data: [DONE]\n\n"


def _frame(choice: Json) -> str:
    chunk = {
        "id": "chatcmpl-always-the-same",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "gpt-test",
        "choices": [choice],
    }
    return f"data: {json.dumps(chunk)}\n\n"


@contextmanager
def openai_stub(*answers: Any) -> Iterator[OpenAiStub]:
    """A running stub; `url` is what a client takes as its base URL."""
    stub = OpenAiStub(list(answers))
    app = Starlette(routes=[Route("/v1/chat/completions", stub.complete, methods=["POST"])])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        stub.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1, ws="none", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            until = time.monotonic() + 20
            while not server.started:
                assert time.monotonic() < until, "the stub did not start"
                time.sleep(0.01)
            yield stub
        finally:
            server.should_exit = True
            thread.join(timeout=20)
