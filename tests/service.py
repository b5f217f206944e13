"""The whole service for tests: in the test's own loop or as a server, with people of both tenants to call it."""

import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from agents._scripted import ScriptedModel
from api.app import build_app
from api.settings import Settings
from api.wiring import Service
from crm.database import DatabaseConfig

DANA = "dana@northwind.example"
"""Sales rep."""
ELI = "eli@northwind.example"
"""Sales rep of another region."""
MARA = "mara@northwind.example"
"""Sales manager above Dana."""
SAM = "sam@northwind.example"
"""Service agent."""
ADMIN = "ada@northwind.example"
OTHER_DANA = "dana@southridge.example"
"""Sales rep of the other tenant."""

RENEWAL = "Acme Industries - Fabrication Line Renewal"

Json = Any


def settings_for(config: DatabaseConfig, folder: Path, **more: Any) -> Settings:
    given: dict[str, Any] = {"mode": "development", "dev_login": True, "data_dir": folder, "database_url": config.url}
    if config.master_keys:
        given["master_key"] = config.master_keys[0].decode()
    if config.context_key is not None:
        given["context_key"] = config.context_key.decode()
    if config.owner_url is not None:
        given["database_owner_url"] = config.owner_url
    return Settings(**{**given, **more})


@dataclass
class World:
    """A running service; `call` acts as a person by user name."""

    app: FastAPI
    client: httpx.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def service(self) -> Service:
        service: Service = self.app.state.service
        return service

    async def token(self, who: str) -> str:
        if who not in self.tokens:
            response = await self.client.post("/dev/login", json={"username": who})
            assert response.status_code == 200, response.text
            self.tokens[who] = response.json()["access_token"]
        return self.tokens[who]

    async def call(self, who: str, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {await self.token(who)}", **options.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **options)

    async def get(self, who: str, path: str, **options: Any) -> Json:
        response = await self.call(who, "GET", path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, who: str, path: str, body: Json) -> Json:
        response = await self.call(who, "POST", path, json=body)
        assert response.status_code == 200, response.text
        return response.json()

    async def open_thread(self, who: str) -> str:
        return str((await self.post(who, "/threads", {}))["thread_id"])

    async def say(self, who: str, thread: str, text: str, **more: Any) -> Json:
        """The conversation's values after a turn."""
        return await self.post(who, f"/threads/{thread}/runs/wait", message(text, **more))

    async def resume(self, who: str, thread: str, *decisions: Json) -> httpx.Response:
        body = {"assistant_id": "countersign", "command": {"resume": {"decisions": list(decisions)}}}
        return await self.call(who, "POST", f"/threads/{thread}/runs/wait", json=body)

    async def find(self, who: str, object_name: str, name: str) -> Json:
        return await self.get(who, f"/records/{object_name}", params={"name": name})

    async def decide(self, who: str, approval: Json, decision: str, **more: Any) -> httpx.Response:
        body = {"decision": decision, "digest": approval["digest"], **more}
        path = f"/approvals/{approval['approval_id']}/decision?wait=true"
        return await self.call(who, "POST", path, json=body)


def message(text: str, **more: Any) -> Json:
    return {"assistant_id": "countersign", "input": {"messages": [{"type": "human", "content": text}]}, **more}


def held(values: Json) -> list[Json]:
    """The approvals that a conversation waits for."""
    return [one for waiting in values.get("__interrupt__", []) for one in waiting["value"]["approvals"]]


def tool_results(values: Json) -> list[Json]:
    """What the tools of a conversation answered, in order."""
    return [json.loads(m["content"]) for m in values["messages"] if m["type"] == "tool"]


def last_answer(values: Json) -> str:
    return str(values["messages"][-1]["content"])


def calls(*wanted: tuple[str, dict[str, Any]], text: str = "") -> AIMessage:
    """A model's message with tool calls."""
    numbered = [
        {"name": name, "args": arguments, "id": f"call-{name}-{place}-{abs(hash(str(arguments))) % 10_000}"}
        for place, (name, arguments) in enumerate(wanted)
    ]
    return AIMessage(content=text, tool_calls=numbered)


def script(*lines: Any) -> ScriptedModel:
    return ScriptedModel(lines=list(lines))


_routes: dict[Any, list[Any]] = {}
"""The routes of the first application of each kind, with what FastAPI worked out about them at first use."""


def make_app(settings: Settings, **parts: Any) -> FastAPI:
    """The application, with routes that an earlier one has used: working them out takes longer than most tests."""
    app = build_app(settings, **parts)
    app.router.routes = _routes.setdefault((settings.mode, settings.dev_login), app.router.routes)
    return app


@asynccontextmanager
async def open_world(settings: Settings, *, model: BaseChatModel | None = None, **parts: Any) -> AsyncIterator[World]:
    """The service in this loop, called without a network. A given model answers for every tenant."""
    if model is not None:
        parts["model_for"] = lambda tenant: model
    app = make_app(settings, **parts)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service", timeout=60) as client:
            yield World(app, client)


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """The application behind a real socket of this machine; gives its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            until = time.monotonic() + 20
            while not server.started:
                assert time.monotonic() < until, "the server did not start"
                assert thread.is_alive(), "the server ended"
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(timeout=20)


def kinds(values: Json) -> Sequence[str]:
    return [m["type"] for m in values["messages"]]
