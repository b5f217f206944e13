"""A process that takes no requests works on what another has accepted, and says how it is."""

import asyncio
from pathlib import Path

import httpx
import pytest

from api.probes import build_worker
from crm.database import DatabaseConfig
from tests.service import DANA, World, message, open_world, settings_for

TOKEN = "what-the-scraper-sends"
SCRAPER = {"Authorization": f"Bearer {TOKEN}"}


async def test_a_worker_does_what_an_api_process_has_accepted(seeded_config: DatabaseConfig, tmp_path: Path) -> None:
    settings = settings_for(seeded_config, tmp_path, metrics_token=TOKEN)
    async with open_world(settings) as world:
        thread = await world.open_thread(DANA)
        runner = world.service.runner
        # As if it died between accepting the run and working on it.
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(runner, "submit", lambda *args, **more: None)
            patched.setattr(runner, "_adopt_all", lambda: asyncio.sleep(0))
            patched.setattr(runner, "lease", lambda: {"status": "pending", "attempt": 0})
            body = message("show the open cases of Acme Industries")
            run = (await world.call(DANA, "POST", f"/threads/{thread}/runs", json=body)).json()
            assert run["status"] == "pending"
            for chore in runner._chores:
                chore.cancel()
            worker = build_worker(settings)
            async with worker.router.lifespan_context(worker):
                transport = httpx.ASGITransport(worker, raise_app_exceptions=False)
                async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
                    async with asyncio.timeout(30):
                        await wait_for(world, f"/threads/{thread}/runs/{run['run_id']}")
                    counted = (await client.get("/metrics", headers=SCRAPER)).text
    assert 'countersign_runs_total{kind="message",rests="no",status="success",tenant="northwind"} 1.0' in counted


async def wait_for(world: World, run: str) -> None:
    joined = await world.call(DANA, "GET", f"{run}/join")
    assert joined.status_code == 200, joined.text
    assert (await world.get(DANA, run))["status"] == "success"


async def test_a_worker_answers_signs_of_life_and_nothing_else(seeded_config: DatabaseConfig, tmp_path: Path) -> None:
    settings = settings_for(seeded_config, tmp_path, metrics_token=TOKEN)
    async with open_world(settings) as world:
        token = await world.token(DANA)
    worker = build_worker(settings)
    async with worker.router.lifespan_context(worker):
        transport = httpx.ASGITransport(worker, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
            for path in ("/ok", "/health", "/ready"):
                assert (await client.get(path)).status_code == 200, path
            assert (await client.get("/metrics")).status_code == 401
            assert (await client.get("/metrics", headers=SCRAPER)).status_code == 200
            for path in ("/me", "/info", "/threads", "/approvals", "/docs", "/openapi.json", "/dev/login"):
                asked = await client.get(path, headers={"Authorization": f"Bearer {token}"})
                assert asked.status_code == 404, path
