"""Runs the service in a process of its own that kills itself at a chosen instant; started by `test_crash`."""

import json
import os
import signal
import socket
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvicorn
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agents._scripted import ScriptedModel
from api.app import build_app
from api.settings import Settings
from api.transports import DirectoryTransport
from crm.repositories.records import EmbeddedCrm
from graphs._calls import CallDesk
from graphs._voice import Voice
from graphs.runner import Runner
from tests.e2e.crashing import RENEWAL_ID, Instant

LEASE = timedelta(seconds=1)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_before(owner: Any, name: str, *, when: Callable[..., bool] = lambda *given, **more: True) -> None:
    real = getattr(owner, name)

    async def wrapped(*given: Any, **more: Any) -> Any:
        if when(*given, **more):
            die()
        return await real(*given, **more)

    setattr(owner, name, wrapped)


def die_after(owner: Any, name: str) -> None:
    real = getattr(owner, name)

    async def wrapped(*given: Any, **more: Any) -> Any:
        await real(*given, **more)
        die()

    setattr(owner, name, wrapped)


def has_tool_answer(voice: Voice, state: Any, *rest: Any) -> bool:
    return any(message["type"] == "tool" for message in state["messages"])


def arm(instant: Instant) -> None:
    """Let the process die when it comes to the instant."""
    if instant is Instant.REQUEST_WRITTEN:
        die_before(CallDesk, "act")
    elif instant is Instant.INTERRUPT_STORED:
        die_before(Runner, "_finish")
    elif instant is Instant.DECIDED:
        die_before(CallDesk, "settle")
    elif instant is Instant.WRITTEN_UNCOMMITTED:
        die_after(EmbeddedCrm, "apply")
    elif instant is Instant.WRITTEN:
        die_after(CallDesk, "settle")
    elif instant is Instant.SETTLED:
        die_before(Voice, "answer", when=has_tool_answer)
    elif instant is Instant.LETTER_TAKEN:
        die_before(DirectoryTransport, "deliver")
    elif instant is Instant.LETTER_DELIVERED:
        die_after(DirectoryTransport, "deliver")
    elif instant is Instant.ANSWERED:
        die_before(Runner, "_finish", when=lambda runner, tenant, run, *rest, **more: run.request["kind"] == "resume")


def speak_as(call_id: str) -> Callable[[list[BaseMessage]], AIMessage]:
    def speak(messages: list[BaseMessage]) -> AIMessage:
        """Asks for the change, and afterwards tells what came of it."""
        if isinstance(messages[-1], HumanMessage):
            verb, _, draft_id = str(messages[-1].content).partition(" ")
            name, arguments = "send_email", {"draft_id": draft_id}
            if verb != "send":
                name = "update_record"
                arguments = {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"NextStep": "Call Ann"}}
            return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": call_id}])
        told = next(m for m in reversed(messages) if isinstance(m, ToolMessage))
        return AIMessage(f"The change was {json.loads(str(told.content))['result']['status']}.")

    return speak


def run(given: dict[str, Any], dies_at: Instant | None, call_id: str, address: Connection) -> None:
    """Serve until killed; sends the port. Without a call id, those of the model are those of its process."""
    settings = Settings(**{**given, "data_dir": Path(given["data_dir"])})
    if dies_at is not None:
        arm(dies_at)
    model = ScriptedModel(lines=[speak_as(call_id or f"c{os.getpid()}")] * 20)
    app = build_app(settings, model_for=lambda tenant: model, lease=LEASE)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address.send(listener.getsockname()[1])
        config = uvicorn.Config(app, log_level="warning", ws="none", timeout_graceful_shutdown=2)
        uvicorn.Server(config).run(sockets=[listener])
