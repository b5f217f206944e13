"""What a page of another origin may send and read: the public clients' headers, on every kind of answer."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from crm.database import DatabaseConfig
from tests.service import DANA, World, message, open_world, script, settings_for

CONSOLE, ELSEWHERE = "https://console.example", "https://elsewhere.example"
HEADERS = ["authorization", "content-type", "last-event-id", "x-api-key", "x-auth-scheme"]
EXPOSED = {"content-location", "location", "x-pagination-total", "x-pagination-next"}


@pytest.fixture
async def world(seeded_config: DatabaseConfig, tmp_path: Path) -> AsyncIterator[World]:
    settings = settings_for(seeded_config, tmp_path, cors_origins=[CONSOLE])
    async with open_world(settings, model=script(AIMessage("Hello."))) as opened:
        yield opened


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_a_page_may_send_what_the_clients_send(world: World, method: str) -> None:
    asked = {"Origin": CONSOLE, "Access-Control-Request-Method": method}
    for header in HEADERS:
        response = await world.client.options("/threads", headers={**asked, "Access-Control-Request-Headers": header})
        assert response.status_code == 200, header
        assert response.headers["access-control-allow-origin"] == CONSOLE
    refused = await world.client.options("/threads", headers={**asked, "Access-Control-Request-Headers": "x-tenant"})
    assert refused.status_code == 400


async def test_another_page_may_not(world: World) -> None:
    asked = {"Origin": ELSEWHERE, "Access-Control-Request-Method": "POST"}
    response = await world.client.options("/threads", headers=asked)
    assert response.status_code == 400
    assert "access-control-allow-origin" not in response.headers
    answered = await world.client.get("/ok", headers={"Origin": ELSEWHERE})
    assert "access-control-allow-origin" not in answered.headers


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        pytest.param("/threads", {"json": {}}, 200, id="answer"),
        pytest.param("/threads", {"content": b"{"}, 400, id="malformed"),
        pytest.param("/threads", {"content": b'{"metadata": {"a": "\xff"}}'}, 400, id="not-utf8"),
        pytest.param("/threads", {"content": b"x" * 1_000_000}, 413, id="too-large"),
        pytest.param("/threads", {"json": {"x": 1}}, 422, id="invalid"),
        pytest.param("/threads", {"json": {}, "headers": {"Authorization": "Bearer x"}}, 401, id="no-caller"),
        pytest.param("/nowhere", {"json": {}}, 404, id="not-found"),
        pytest.param("/ok", {"json": {}}, 405, id="wrong-method"),
    ],
)
async def test_a_page_may_read_every_answer(world: World, path: str, options: dict[str, Any], status: int) -> None:
    headers = {"Origin": CONSOLE, "Content-Type": "application/json", **options.get("headers", {})}
    token = {"Authorization": f"Bearer {await world.token(DANA)}"}
    response = await world.client.post(path, **{**options, "headers": {**token, **headers}})
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == CONSOLE
    exposed = {name.strip().lower() for name in response.headers["access-control-expose-headers"].split(",")}
    assert exposed >= EXPOSED
    assert response.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in response.headers


async def test_a_page_may_read_a_stream_and_where_to_come_back_to(world: World) -> None:
    thread = await world.open_thread(DANA)
    response = await world.call(
        DANA,
        "POST",
        f"/threads/{thread}/runs/stream",
        json=message("show the opportunity"),
        headers={"Origin": CONSOLE},
    )
    assert response.headers["access-control-allow-origin"] == CONSOLE
    run = response.headers["content-location"]
    assert response.headers["location"] == f"{run}/stream"
    assert run.startswith(f"/threads/{thread}/runs/")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"


async def test_without_origins_no_page_may_read_anything(seeded_config: DatabaseConfig, tmp_path: Path) -> None:
    async with open_world(settings_for(seeded_config, tmp_path)) as closed:
        response = await closed.client.get("/ok", headers={"Origin": CONSOLE})
        assert not [name for name in response.headers if name.startswith("access-control")]
