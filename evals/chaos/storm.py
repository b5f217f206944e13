"""The storm itself: work, kills, decisions, a restart of the database; then quiet, and the verdict."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from crm.database import Database, DatabaseConfig
from crm.seed.people import username
from evals.chaos.fleet import Fleet
from evals.chaos.people import Asked, Caller, Tally, ask, decide_all
from evals.chaos.verdict import Verdict, is_quiet, judge

QUIET_WITHIN_S = 300.0


@dataclass(frozen=True)
class Plan:
    """How hard it blows: `runs` messages with a write each, `kills` processes killed meanwhile."""

    runs: int
    kills: int
    kill_every_s: float
    at_once: int = 12
    seed: int = 1


@dataclass
class Report:
    """What happened."""

    verdict: Verdict
    kills: int
    accepted: int
    sent: int
    tally: Tally
    seconds: float
    restarts: int

    @property
    def holds(self) -> bool:
        return not self.verdict.faults


async def blow(
    config: DatabaseConfig,
    tenants: Sequence[str],
    fleet: Fleet,
    plan: Plan,
    *,
    restart_database: Callable[[], None] | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Report:
    """Let the storm blow over a fleet that runs. Raises: TimeoutError if it does not become quiet afterwards."""
    started = time.monotonic()
    asked, tally, over = Asked(), Tally(), asyncio.Event()
    chance = random.Random(plan.seed)
    restarts = 0
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=200)) as client:

        def caller(key: str, tenant: str) -> Caller:
            return Caller(client, fleet.addresses, username(key, tenant), random.Random(chance.random()))

        deciders = [
            asyncio.create_task(decide_all([caller("mara", tenant), caller("mara", tenant)], tally, over))
            for tenant in tenants
        ]
        gate = asyncio.Semaphore(plan.at_once)
        reps = {tenant: caller("dana", tenant) for tenant in tenants}

        async def one(number: int) -> None:
            tenant = tenants[number % len(tenants)]
            async with gate:
                await ask(reps[tenant], tenant, asked, waits=number % 2 == 0)

        work = asyncio.gather(*(one(number) for number in range(plan.runs)))
        while not work.done() or fleet.kills < plan.kills:
            await asyncio.sleep(chance.uniform(0.5, 1.5) * plan.kill_every_s)
            if fleet.kills < plan.kills:
                await asyncio.to_thread(fleet.kill_one)
            if restart_database is not None and not restarts and fleet.kills >= plan.kills // 2:
                await asyncio.to_thread(restart_database)
                restarts = 1
            await asyncio.to_thread(fleet.revive)
            tell(f"{len(asked.accepted)} of {plan.runs} accepted, {fleet.kills} killed, {tally.taken} decided")
        await work
        await asyncio.to_thread(fleet.revive)
        verdict = await _settle(config, tenants, asked)
        over.set()
        await asyncio.gather(*deciders)
    seconds = time.monotonic() - started
    return Report(verdict, fleet.kills, len(asked.accepted), len(asked.sent), tally, seconds, restarts)


async def _settle(config: DatabaseConfig, tenants: Sequence[str], asked: Asked) -> Verdict:
    database = Database(config)
    try:
        async with asyncio.timeout(QUIET_WITHIN_S):
            while True:
                if await is_quiet(database, tenants):
                    break
                await asyncio.sleep(0.5)
        return await judge(database, tenants, asked)
    except TimeoutError:
        verdict = await judge(database, tenants, asked)
        verdict.failed.append(f"not quiet within {QUIET_WITHIN_S:g} seconds")
        return verdict
    finally:
        await database.close()


def given_settings(config: DatabaseConfig, folder: Any, **more: Any) -> dict[str, Any]:
    """Settings of a process under test, as plain values."""
    given: dict[str, Any] = {
        "mode": "development",
        "dev_login": True,
        "data_dir": str(folder),
        "database_url": config.url,
        "master_key": config.master_keys[0].decode(),
        "pool_size": 8,
        "queue_slots": 6,
        "queue_tenant_slots": 3,
        "audit_heads_every_s": 3_600,
    }
    if config.context_key is not None:
        given["context_key"] = config.context_key.decode()
    return {**given, **more}
