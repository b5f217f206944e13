"""How soon a kill switch counts in every process: `python -m bench.kill_switch`.

Two processes serve one database. Clients of both approve waiting requests and start conversations without a pause, then
somebody throws a switch at the first process. Told are, for both processes, the time from sending the throw to the
first request that was refused, how much was let through that began after the throw had been answered, and what was
written in the second after that and later. Times include waiting for a busy machine; counts do not depend on it.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import socket
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from api.app import build_app
from api.settings import Settings
from bench.databases import open_postgresql, open_sqlite
from bench.turn import InstantModel
from crm import migrate
from crm.database import DatabaseConfig

DANA, ADA = "dana@northwind.example", "ada@northwind.example"
HELLO = {"assistant_id": "countersign", "input": {"messages": [{"type": "human", "content": "create a task"}]}}
SCOPES = ("tenant", "tool", "global")
_UP_WITHIN_S = 60.0


class CreatingModel(InstantModel):
    """Asks for a new task once per question, and then answers."""

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kw: Any) -> ChatResult:
        if isinstance(messages[-1], ToolMessage):
            answer = AIMessage("Done.")
        else:
            arguments = {"object": "Task", "fields": {"Subject": f"Call {uuid.uuid4().hex[:8]}"}}
            answer = AIMessage("", tool_calls=[{"name": "create_record", "args": arguments, "id": uuid.uuid4().hex}])
        return ChatResult(generations=[ChatGeneration(message=answer)])


@dataclass
class Seen:
    """What a client of one process met: when each request began and was answered, and whether it was refused."""

    answers: list[tuple[float, float, bool]] = field(default_factory=list)

    def first_refusal(self, sent: float) -> float:
        """Seconds from `sent` to the first refused answer."""
        return min((ended for _, ended, refused in self.answers if refused), default=float("inf")) - sent

    def let_through(self, answered: float) -> int:
        """Requests that began after the throw was answered, and were not refused."""
        return sum(1 for began, _, refused in self.answers if began > answered and not refused)


@dataclass(frozen=True)
class Figures:
    """For one switch on one database, the worse of the two processes."""

    database: str
    scope: str
    throw_ms: float
    first_refusal_ms: float
    let_through: int
    asked: int
    written_within: int
    """Ledger entries applied in the second after the throw was answered: what was under way."""
    written_later: int
    """Ledger entries applied after that second."""


def serve(given: dict[str, Any], port: int) -> None:
    """A process of the service; until it is terminated."""
    model = CreatingModel()
    app = build_app(Settings(**given), model_for=lambda tenant: model)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", ws="none")


@contextlib.contextmanager
def two_processes(config: DatabaseConfig, folder: Path) -> Iterator[list[str]]:
    given: dict[str, Any] = {
        "mode": "development",
        "dev_login": True,
        "data_dir": str(folder),
        "database_url": config.url,
        "master_key": config.master_keys[0].decode(),
    }
    if config.context_key is not None:
        given |= {"context_key": config.context_key.decode(), "database_owner_url": config.owner_url}
    fresh = multiprocessing.get_context("forkserver")
    ports = [_free_port(), _free_port()]
    running = [fresh.Process(target=serve, args=(given, port), daemon=True) for port in ports]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        for process, url in zip(running, urls, strict=True):
            process.start()
            _wait_for(url)
        yield urls
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.join()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(url: str) -> None:
    until = time.monotonic() + _UP_WITHIN_S
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/ok").status_code == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("the service did not start")


@contextlib.asynccontextmanager
async def client_of(url: str, who: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        answer = await client.post("/dev/login", json={"username": who})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


async def measure(database: str, config: DatabaseConfig, urls: Sequence[str], scope: str, *, requests: int) -> Figures:
    """`requests` wait at each process when it begins."""
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client_of(url, DANA)) for url in urls]
        admin = await stack.enter_async_context(client_of(urls[0], ADA))
        waiting = [[await _ask(client) for _ in range(requests)] for client in clients]
        seen = [Seen() for _ in clients]
        work = [
            asyncio.create_task(_approve_all(client, approvals, one))
            for client, approvals, one in zip(clients, waiting, seen, strict=True)
        ]
        await asyncio.sleep(0.5)
        sent = time.monotonic()
        await _throw(config, admin, scope, is_on=True)
        answered = time.monotonic()
        at_once = await _count_applied(admin)
        await asyncio.sleep(max(0.0, answered + 1 - time.monotonic()))
        after_a_second = await _count_applied(admin)
        await asyncio.gather(*work)
        in_the_end = await _count_applied(admin)
        await _throw(config, admin, scope, is_on=False)
    return Figures(
        database=database,
        scope=scope,
        throw_ms=(answered - sent) * 1000,
        first_refusal_ms=max(one.first_refusal(sent) for one in seen) * 1000,
        let_through=sum(one.let_through(answered) for one in seen),
        asked=sum(1 for one in seen for began, _, _ in one.answers if began > answered),
        written_within=after_a_second - at_once,
        written_later=in_the_end - after_a_second,
    )


async def _ask(client: httpx.AsyncClient) -> dict[str, Any]:
    thread = (await client.post("/threads", json={})).json()["thread_id"]
    values = (await client.post(f"/threads/{thread}/runs/wait", json=HELLO)).json()
    [approval] = values["__interrupt__"][0]["value"]["approvals"]
    found: dict[str, Any] = approval
    return found


async def _approve_all(client: httpx.AsyncClient, approvals: Sequence[dict[str, Any]], seen: Seen) -> None:
    for approval in approvals:
        body = {"decision": "approve", "digest": approval["digest"]}
        began = time.monotonic()
        answer = await client.post(f"/approvals/{approval['approval_id']}/decision?wait=true", json=body)
        applied = answer.status_code == 200 and answer.json()["approval"]["status"] == "applied"
        seen.answers.append((began, time.monotonic(), not applied))


async def _count_applied(admin: httpx.AsyncClient) -> int:
    return len((await admin.get("/ledger", params={"status": "applied", "limit": 500})).json())


async def _throw(config: DatabaseConfig, admin: httpx.AsyncClient, scope: str, *, is_on: bool) -> None:
    if scope == "global":
        values = {
            "is_on": is_on,
            "reason": "a measurement",
            "changed_by": "operator",
            "changed_at": datetime.now(UTC),
            "until": None,
        }
        await asyncio.to_thread(migrate.throw_service_switch, config, values)
        return
    name = "create_record" if scope == "tool" else ""
    body = {"scope": scope, "name": name, "state": "on" if is_on else "off", "reason": "a measurement"}
    answer = await admin.post("/admin/switches", json=body)
    answer.raise_for_status()


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how soon a kill switch counts in two processes.")
    parser.add_argument("--requests", type=int, default=60, help="requests that wait at each process")
    parser.add_argument("--factor", type=float, default=0.1, help="size of the seeded data")
    arguments = parser.parse_args()
    heads = f"{'throw ms':>10}{'refused after ms':>18}{'let through':>13}{'of':>5}{'written in 1 s':>16}{'later':>7}"
    print(f"{'switch':<20}{heads}")
    for name, opened in (("SQLite", open_sqlite), ("PostgreSQL", open_postgresql)):
        with (
            opened(arguments.factor) as config,
            tempfile.TemporaryDirectory() as folder,
            two_processes(config, Path(folder)) as urls,
        ):
            for scope in SCOPES:
                one = asyncio.run(measure(name, config, urls, scope, requests=arguments.requests))
                print(
                    f"{one.database + ' ' + one.scope:<20}{one.throw_ms:>10.0f}{one.first_refusal_ms:>18.0f}"
                    f"{one.let_through:>13}{one.asked:>5}{one.written_within:>16}{one.written_later:>7}"
                )


if __name__ == "__main__":
    main()
