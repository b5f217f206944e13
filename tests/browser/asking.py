"""What waits in the inbox, arranged through the interface: a copilot that asks for what a test tells it to."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import Field

from agents._scripted import ScriptedModel
from tests.service import DANA, calls, held

if TYPE_CHECKING:
    from tests.browser.conftest import Site

Json = Any
RENEWAL_ID, ACME = "006CS0000000001YAA", "001CS0000000001YAA"


class Copilot(ScriptedModel):
    """Says what it was told last, once, and is done otherwise."""

    lines: list[Any] = Field(default_factory=list)

    def _speak(self, messages: list[BaseMessage]) -> AIMessage:
        return self.lines.pop(0) if self.lines else AIMessage("Done.")


@dataclass
class Asking:
    """The running service and its copilot."""

    site: "Site"
    copilot: Copilot

    def ask(self, *wanted: tuple[str, dict[str, Any]], who: str = DANA, looked_up: bool = True) -> list[Json]:
        """The requests that wait for these calls, made once their records were looked up as a copilot does."""
        named = dict.fromkeys(one[1]["record_id"] for one in wanted if "record_id" in one[1])
        look_ups = [("find_record", {"text": record_id}) for record_id in named]
        self.copilot.lines += [*([calls(*look_ups)] if look_ups and looked_up else []), calls(*wanted)]
        _, values = self.site.say(who, "change the opportunity")
        return held(values)

    def status(self, approval: Json, who: str = DANA) -> str:
        return str(self.site.call(who, "GET", f"/approvals/{approval['approval_id']}")["status"])

    def wait_for(self, approval: Json, status: str) -> None:
        """Until it has the status and its conversation rests: a run at work would take the next line of the copilot."""
        until = time.monotonic() + 30
        while self.status(approval) != status or self._is_busy(approval):
            assert time.monotonic() < until, f"it is {self.status(approval)}, not {status}, or still at work"
            time.sleep(0.05)

    def _is_busy(self, approval: Json, who: str = DANA) -> bool:
        thread = self.site.call(who, "GET", f"/approvals/{approval['approval_id']}")["thread_id"]
        return bool(self.site.call(who, "GET", f"/threads/{thread}")["status"] == "busy")

    def record(self, kind: str = "Opportunity", record_id: str = RENEWAL_ID, who: str = DANA) -> Json:
        return self.site.call(who, "GET", f"/records/{kind}/{record_id}")


def update(record: str = RENEWAL_ID, kind: str = "Opportunity", **fields: Any) -> tuple[str, dict[str, Any]]:
    return "update_record", {"object": kind, "record_id": record, "fields": fields}


@dataclass
class Restartable:
    """A service at one address that can be stopped and started again, as by a deployment."""

    make: Any
    port: int = 0
    _server: uvicorn.Server | None = None
    _thread: threading.Thread | None = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        app: FastAPI = self.make()
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, ws="none"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        until = time.monotonic() + 60
        while not self._server.started:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = True
        self._thread.join(timeout=30)


@contextmanager
def restartable(make: Any) -> Iterator[Restartable]:
    served = Restartable(make)
    served.start()
    try:
        yield served
    finally:
        served.stop()
