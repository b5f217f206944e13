"""How long the inbox takes to list, filter and count when thousands wait: `python -m bench.inbox`."""

import argparse
import asyncio
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from langchain_core.messages import AIMessage

from agents._scripted import ScriptedModel
from api.app import build_app
from api.settings import Settings
from bench.databases import open_postgresql, open_sqlite
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.repositories import approvals as rows
from crm.work import Approval
from evals.chaos.storm import given_settings
from trust.approvals import compute_digest

RENEWAL = "006CS0000000001YAA"
QUESTIONS: dict[str, dict[str, Any]] = {
    "first page of mine": {"view": "mine", "limit": 50},
    "200 of mine": {"view": "mine", "limit": 200},
    "about one record": {"record": RENEWAL, "limit": 50},
    "of a tool nobody used": {"tool": "create_order", "limit": 50},
    "expiring first": {"view": "decidable", "sort": "expiring", "limit": 50},
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the inbox.")
    parser.add_argument("--waiting", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    for name, opened in (("SQLite", open_sqlite), ("PostgreSQL", open_postgresql)):
        with opened(0.1) as config, tempfile.TemporaryDirectory() as folder:
            asyncio.run(_print(name, config, Path(folder), arguments.waiting, arguments.rounds))


async def fill(database: Database, tenant: TenantId, like: str, count: int) -> None:
    """So many more requests like this one, a second apart, each with a card and digest of its own."""
    async with database.session(tenant, write=True) as session:
        model = await rows.find(session, like)
        assert model is not None
        for number in range(count):
            given = {column: getattr(model, column) for column in _COPIED}
            twin = Approval(
                **given,
                approval_id=str(uuid.uuid4()),
                key=f"bench:{number}",
                digest="",
                status="pending",
                created_at=model.created_at - timedelta(seconds=number),
            )
            twin.digest = compute_digest(session, twin)
            await rows.add(session, twin)


_COPIED = (
    "thread_id run_id call_id agent tool requester arguments changes card labels rule schema_hash policy_version"
    " expires_at"
).split()


async def _print(name: str, config: DatabaseConfig, folder: Path, waiting: int, rounds: int) -> None:
    settings = Settings(**{**given_settings(config, folder), "data_dir": folder})
    wanted = {"object": "Opportunity", "record_id": RENEWAL, "fields": {"NextStep": "Call Ann"}}
    call = {"name": "update_record", "args": wanted, "id": "call-1"}
    model = ScriptedModel(lines=[AIMessage("", tool_calls=[call])])
    app = build_app(settings, model_for=lambda tenant: model)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service", timeout=120) as client:
            dana, mara, eli = [await _login(client, who) for who in ("dana", "mara", "eli")]
            thread = (await client.post("/threads", json={}, headers=dana)).json()["thread_id"]
            ask = {"assistant_id": "countersign", "input": {"messages": [{"type": "human", "content": "call Ann"}]}}
            await client.post(f"/threads/{thread}/runs/wait", json=ask, headers=dana)
            [one] = (await client.get("/approvals", headers=dana)).json()
            await fill(_database(app), TenantId("northwind"), one["approval_id"], waiting)  # tenant-id: of the demo
            print(f"{name}, {waiting} waiting, ms")
            for what, params in QUESTIONS.items():
                await _time(what, partial(client.get, "/approvals", params=params, headers=mara), rounds)
            await _time("counts", lambda: client.get("/approvals/counts", headers=mara), rounds)
            await _time("counts of one who sees none", lambda: client.get("/approvals/counts", headers=eli), rounds)
            await _time("page of one who sees none", lambda: client.get("/approvals", headers=eli), rounds)


def _database(app: FastAPI) -> Database:
    database: Database = app.state.service.database
    return database


async def _login(client: httpx.AsyncClient, who: str) -> dict[str, str]:
    token = (await client.post("/dev/login", json={"username": f"{who}@northwind.example"})).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


async def _time(what: str, ask: Callable[[], Awaitable[httpx.Response]], rounds: int) -> None:
    (await ask()).raise_for_status()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        (await ask()).raise_for_status()
        taken.append((time.perf_counter() - began) * 1000)
    print(f"  {what:<30}{statistics.median(taken):>8.0f}{max(taken):>8.0f}")


if __name__ == "__main__":
    main()
