"""Clients that leave, or never read: they cost the others nothing."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage

from api.settings import Settings
from crm.database import DatabaseConfig
from tests.service import DANA, make_app, message, script, serve, settings_for

Json = Any


@dataclass
class Slow:
    """A service with two connections to its database, whose model answers when it is let."""

    url: str
    headers: dict[str, str]
    thread: str
    go_on: threading.Event


@pytest.fixture
def slow(seeded_config: DatabaseConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slow]:
    go_on = threading.Event()

    def speak(messages: Json) -> AIMessage:
        go_on.wait(30)
        return AIMessage("Done.")

    settings: Settings = settings_for(seeded_config, tmp_path_factory.mktemp("slow"), pool_size=2)
    model = script(speak, AIMessage("Hello."))
    with serve(make_app(settings, model_for=lambda tenant: model)) as url:
        token = httpx.post(f"{url}/dev/login", json={"username": DANA}).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        thread = httpx.post(f"{url}/threads", json={}, headers=headers).json()["thread_id"]
        yield Slow(url, headers, thread, go_on)
        go_on.set()


async def test_clients_that_leave_a_stream_take_nothing_with_them(slow: Slow) -> None:
    async with httpx.AsyncClient(base_url=slow.url, headers=slow.headers, timeout=30) as client:
        asked = message("show the opportunity", stream_mode=["values", "messages"])
        run = (await client.post(f"/threads/{slow.thread}/runs", json=asked)).json()
        path = f"/threads/{slow.thread}/runs/{run['run_id']}"

        async def look_and_leave(kind: str) -> None:
            async with client.stream("GET", f"{path}/{kind}") as response:
                assert response.status_code == 200
                await asyncio.sleep(0.05)

        await asyncio.gather(*[look_and_leave(kind) for kind in ["stream", "join"] * 10])
        for _ in range(5):
            assert (await client.get("/ready")).status_code == 200
            assert (await client.get(path)).json()["status"] == "running"
        slow.go_on.set()
        assert (await client.get(f"{path}/join")).json()["messages"][-1]["content"].strip() == "Done."
        again = await client.post(f"/threads/{slow.thread}/runs/wait", json=message("show the opportunity"))
        assert again.json()["messages"][-1]["content"].strip() == "Hello."


async def test_a_client_comes_back_to_where_it_was(slow: Slow) -> None:
    async with httpx.AsyncClient(base_url=slow.url, headers=slow.headers, timeout=30) as client:
        asked = message("show the opportunity", stream_mode=["values", "updates"])
        run = (await client.post(f"/threads/{slow.thread}/runs", json=asked)).json()
        path = f"/threads/{slow.thread}/runs/{run['run_id']}/stream"
        seen: list[str] = []
        async with client.stream("GET", path) as response:
            async for line in response.aiter_lines():
                if line.startswith("id: "):
                    seen.append(line[4:])
                    break
        slow.go_on.set()
        rest = (await client.get(path, headers={"Last-Event-ID": seen[-1]})).text
        whole = (await client.get(path, headers={"Last-Event-ID": "-1"})).text
        assert seen + ids_in(rest) == ids_in(whole)
        assert ids_in(whole) == [str(number) for number in range(1, len(ids_in(whole)) + 1)]
        last = [json.loads(line[6:]) for line in whole.splitlines() if line.startswith("data: ")][-1]
        assert last == {"run_id": run["run_id"], "status": "success"}
        beyond = await client.get(path, headers={"Last-Event-ID": "999999999"})
        assert (beyond.status_code, ids_in(beyond.text)) == (200, [])


def ids_in(stream: str) -> list[str]:
    return [line[4:] for line in stream.splitlines() if line.startswith("id: ")]
