"""Traces leave for the collector that the operator names, and for nobody else."""

import importlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from api.telemetry.tracing import TracingError, open_traces
from crm.database import DatabaseConfig
from tests.service import DANA, open_world, settings_for


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """The address of a collector, and what it was sent."""
    taken: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """The test's output is for the test."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


async def test_a_service_sends_its_traces_before_it_ends(
    seeded_config: DatabaseConfig, tmp_path: Path, collector: tuple[str, list[tuple[str, bytes]]]
) -> None:
    address, taken = collector
    async with open_world(settings_for(seeded_config, tmp_path, traces_endpoint=address)) as world:
        await world.say(DANA, await world.open_thread(DANA), "who is Ann Poe?")
    assert {path for path, _ in taken} == {"/v1/traces"}
    sent = b"".join(body for _, body in taken)
    assert b"invoke_workflow countersign" in sent
    assert b"gen_ai.operation.name" in sent
    assert b"Poe" not in sent


async def test_nothing_is_sent_of_a_share_of_nothing(
    seeded_config: DatabaseConfig, tmp_path: Path, collector: tuple[str, list[tuple[str, bytes]]]
) -> None:
    address, taken = collector
    settings = settings_for(seeded_config, tmp_path, traces_endpoint=address, traces_ratio=0)
    async with open_world(settings) as world:
        await world.say(DANA, await world.open_thread(DANA), "who is Ann Poe?")
    assert taken == []


def test_without_the_exporter_the_operator_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(TracingError, match=r"countersign\[otel\]"):
        open_traces("http://collector:4318", 1.0, "0.1.0")
