"""Several processes on one database: a stream that is followed now here, now there, and a queue that all share."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.durable_queue import make_queue_tables
from crm.database import DatabaseConfig
from evals.chaos.fleet import Fleet
from evals.chaos.storm import given_settings
from tests.processes import PATIENCE_S, wait_until_up
from tests.service import ADMIN, DANA, Json, message

pytestmark = pytest.mark.slow


@contextmanager
def fleet(config: DatabaseConfig, folder: Path, *, servers: int, workers: int, **more: Any) -> Iterator[Fleet]:
    make_queue_tables(config, folder)
    with Fleet(given_settings(config, folder, **more), servers, workers) as running:
        for address in running.addresses:
            wait_until_up(address)
        yield running


def client(address: str, who: str = DANA) -> httpx.Client:
    opened = httpx.Client(base_url=address, timeout=PATIENCE_S)
    token = opened.post("/dev/login", json={"username": who}).json()["access_token"]
    opened.headers["Authorization"] = f"Bearer {token}"
    return opened


def read_some(at: httpx.Client, path: str, after: int, count: int) -> list[tuple[int, str, Json]]:
    """The next events past `after`, at most so many; then the line is cut."""
    found: list[tuple[int, str, Json]] = []
    with at.stream("GET", path, headers={"Last-Event-ID": str(after)} if after else {}) as lines:
        event: dict[str, str] = {}
        for line in lines.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif "id" in event:
                found.append((int(event["id"]), event["event"], json.loads(event["data"])))
                event = {}
                if len(found) == count:
                    break
    return found


def test_a_stream_that_is_cut_twenty_times_and_read_at_two_processes_is_whole(
    seeded_config: DatabaseConfig, tmp_path: Path
) -> None:
    workers = 0 if seeded_config.file is not None else 1
    with fleet(seeded_config, tmp_path, servers=2, workers=workers) as running, ExitStack() as stack:
        here, there = (stack.enter_context(closing(client(address))) for address in running.addresses)
        thread = here.post("/threads", json={}).json()["thread_id"]
        body = message("Please add Streamling", stream_mode=["values", "updates", "messages-tuple", "tasks", "debug"])
        run = here.post(f"/threads/{thread}/runs", json=body).json()
        path = f"/threads/{thread}/runs/{run['run_id']}/stream"
        got: list[tuple[int, str, Json]] = []
        cuts = 0
        while not got or got[-1][1] != "end":
            part = read_some((here, there)[cuts % 2], path, got[-1][0] if got else 0, 1 + cuts % 2)
            got += part
            cuts += 1
        assert cuts >= 20, "the stream was too short for this test"
        whole = read_some(there, path, 0, 10_000)
        assert got == whole
        assert [number for number, _, _ in got] == list(range(1, len(got) + 1))


def test_background_runs_are_worked_on_by_workers_and_a_drained_server_loses_none(
    seeded_config: DatabaseConfig, tmp_path: Path
) -> None:
    workers = 0 if seeded_config.file is not None else 2
    with fleet(seeded_config, tmp_path, servers=2, workers=workers) as running, ExitStack() as stack:
        here, there = (stack.enter_context(closing(client(address))) for address in running.addresses)
        threads = [here.post("/threads", json={}).json()["thread_id"] for _ in range(6)]
        runs = [
            here.post(f"/threads/{thread}/runs", json=message(f"Please add Worker{place}")).json()
            for place, thread in enumerate(threads)
        ]
        assert {run["status"] for run in runs} == {"pending"}
        first = running.members[0].process
        assert first is not None
        first.terminate()  # SIGTERM: what it has is ended or handed on
        first.join(timeout=PATIENCE_S)
        assert first.exitcode in (0, -signal.SIGTERM)
        for thread, run in zip(threads, runs, strict=True):
            values = there.get(f"/threads/{thread}/runs/{run['run_id']}/join").json()
            assert values["__interrupt__"], values
        admin = stack.enter_context(closing(client(running.addresses[1], ADMIN)))
        assert admin.get("/admin/runs/waiting").json() == {"pending": 0, "unfinished": 0}
        assert admin.get("/admin/runs/parked").json() == []
