"""One process of the service under test: it serves, or only works, with a model that asks for one change a message."""

import asyncio
import multiprocessing
import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from api.app import build_app
from api.settings import Settings
from api.wiring import configured_queue, open_service

LEASE = timedelta(seconds=4)

fresh = multiprocessing.get_context("forkserver")
fresh.set_forkserver_preload(["evals.chaos.process"])
"""Processes fork from a server that has loaded the service once: loading takes longer than most of them live."""


class Asker(BaseChatModel):
    """Asks for a contact of the name that the message ends with, and tells when that is done.

    Every process gives its calls other ids, as models do.
    """

    @property
    def _llm_type(self) -> str:
        return "asker"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kw: Any
    ) -> ChatResult:
        answer = AIMessage("That is settled.")
        if isinstance(messages[-1], HumanMessage):
            word = messages[-1].text.split()[-1]
            arguments = {"object": "Contact", "fields": {"LastName": word}}
            call = {"name": "create_record", "args": arguments, "id": f"call-{os.getpid()}-{word}"}
            answer = AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=answer)])


def run(given: dict[str, Any], name: str, port: int | None) -> None:
    """Serve on the port, or only work, until killed."""
    settings = Settings(**{**given, "data_dir": Path(given["data_dir"])})
    queue = configured_queue(settings, f"{name}-{os.getpid()}", lease=LEASE)
    parts: dict[str, Any] = {"model_for": lambda tenant: Asker(), "lease": LEASE, "queue": queue}
    if port is None:
        asyncio.run(_work(settings, parts))
        return
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        config = uvicorn.Config(build_app(settings, **parts), log_level="error", ws="none")
        uvicorn.Server(config).run(sockets=[listener])


async def _work(settings: Settings, parts: dict[str, Any]) -> None:
    async with open_service(settings, **parts):
        await asyncio.Event().wait()
