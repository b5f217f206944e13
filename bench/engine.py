"""What the durable queue costs, how far it scales, and what it is worth to a small tenant: `python -m bench.engine`.

Every figure is compared with one of the same round: runs through the queue with runs that begin where they were
accepted, several workers with one, a tenant beside a flood with the same tenant alone.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psycopg

from api.durable_queue import make_queue_tables
from api.settings import Settings
from api.wiring import Service, configured_queue, open_service
from bench.databases import name_tenants, open_postgresql, open_sqlite
from bench.turn import QUESTION, InstantModel, service_turn
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.repositories import runs
from crm.seed.people import username
from crm.work import Run
from evals.chaos.process import fresh
from evals.chaos.storm import given_settings
from graphs.conversations import Ask
from trust.principal import Principal

LOOK_S = 0.02
SAMPLES = 100


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the durable queue.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=200, help="how many runs several workers share")
    parser.add_argument("--flood", type=int, default=2_000, help="how many runs the flooding tenant has waiting")
    parser.add_argument("--only", choices=["cost", "workers", "fairness"])
    arguments = parser.parse_args()
    wanted = [arguments.only] if arguments.only else ["cost", "workers", "fairness"]
    if "cost" in wanted:
        for name, opened in (("SQLite", open_sqlite), ("PostgreSQL", open_postgresql)):
            with opened(0.1) as config, tempfile.TemporaryDirectory() as folder:
                asyncio.run(print_cost(name, config, Path(folder), arguments.rounds))
    if "workers" in wanted:
        print_workers(arguments.runs)
    if "fairness" in wanted:
        print_fairness(arguments.flood)


def settings_of(config: DatabaseConfig, folder: Path, **more: Any) -> Settings:
    given = given_settings(config, folder, **more)
    return Settings(**{**given, "data_dir": folder})


@contextlib.asynccontextmanager
async def serving(config: DatabaseConfig, folder: Path, *, slots: int, per_tenant: int) -> AsyncIterator[Service]:
    """The service with its part in the queue, in this process."""
    make_queue_tables(config, folder)
    settings = settings_of(config, folder, queue_slots=slots, queue_tenant_slots=per_tenant, queue_poll_s=LOOK_S)
    queue = configured_queue(settings, "bench")
    async with open_service(settings, model_for=lambda tenant: InstantModel(), queue=queue) as service:
        yield service


async def print_cost(name: str, config: DatabaseConfig, folder: Path, rounds: int) -> None:
    """Milliseconds from accepted to done, through the queue and where it was accepted."""
    before = _size_of(config, folder)
    async with serving(config, folder, slots=32, per_tenant=32) as service:
        _, principal = await service.authenticator.login_for_development("dana@northwind.example", None)
        await _round(service, principal, 4, in_background=True)
        await asyncio.sleep(1.5)  # the queue looks for its own configuration once a second
        count = 0
        for at_once in (1, 8, 32):
            found: dict[bool, list[float]] = {True: [], False: []}
            for _ in range(rounds):
                for in_background in (False, True):
                    found[in_background].append(await _round(service, principal, at_once, in_background=in_background))
                    count += at_once
            here, queued = statistics.median(found[False]), statistics.median(found[True])
            print(
                f"{name}, {at_once:>2} at once: {here:7.1f} ms a run where it was accepted, {queued:7.1f} ms through "
                f"the queue: {queued / here:.2f} times"
            )
    after = _size_of(config, folder)
    print(f"{name}: {(after - before) / count:,.0f} bytes a run, the queue's own record included")


async def _round(service: Service, principal: Principal, at_once: int, *, in_background: bool) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(service_turn(service, principal, in_background=in_background) for _ in range(at_once)))
    return (time.perf_counter() - started) * 1000 / at_once


def _size_of(config: DatabaseConfig, folder: Path) -> int:
    if config.file is not None:
        files = [*config.file.parent.glob(f"{config.file.name}*"), *folder.glob("queue.db*")]
        return sum(file.stat().st_size for file in files)
    with psycopg.connect(config.libpq_url) as connection:
        found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(found[0]) if found else 0


# Several workers, each a process of its own


def work(given: dict[str, Any], name: str) -> None:
    """Work on the queue until killed."""
    settings = Settings(**{**given, "data_dir": Path(given["data_dir"])})

    async def working() -> None:
        queue = configured_queue(settings, name)
        async with open_service(settings, model_for=lambda tenant: InstantModel(), queue=queue):
            await asyncio.Event().wait()

    asyncio.run(working())


@contextmanager
def workers(given: dict[str, Any], count: int) -> Iterator[None]:
    processes: list[BaseProcess] = [
        fresh.Process(target=work, args=(given, f"worker-{number}"), daemon=True) for number in range(count)
    ]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


@dataclass(frozen=True)
class Accepting:
    """A process that accepts runs for others to work on."""

    service: Service
    principals: Sequence[Principal]

    async def accept(self, count: int) -> list[tuple[TenantId, str]]:
        """Accept so many runs, of each tenant in turn; their tenants and ids."""
        accepted = []
        for number in range(count):
            principal = self.principals[number % len(self.principals)]
            thread = await self.service.conversations.create_thread(principal, None, {})
            ask = Ask(QUESTION, in_background=True)
            run = await self.service.conversations.ask(principal, thread.thread_id, ask)
            accepted.append((principal.tenant, run.run_id))
        return accepted


@contextlib.asynccontextmanager
async def accepting(config: DatabaseConfig, folder: Path, tenants: Sequence[TenantId]) -> AsyncIterator[Accepting]:
    settings = settings_of(config, folder, max_waiting_runs=100_000, queue_slots=0)
    queue = configured_queue(settings, "accepting")
    async with open_service(settings, model_for=lambda tenant: InstantModel(), queue=queue) as service:
        people = [
            (await service.authenticator.login_for_development(username("dana", tenant), None))[1] for tenant in tenants
        ]
        yield Accepting(service, people)


async def _until_done(database: Database, tenants: Sequence[TenantId]) -> None:
    while True:
        left = 0
        for tenant in tenants:
            async with database.session(tenant) as session:
                left += await runs.count_unfinished(session)
        if not left:
            return
        await asyncio.sleep(0.05)


def print_workers(count: int) -> None:
    """Runs a second that 1, 2 and 4 workers get done, on PostgreSQL."""
    tenants = name_tenants(8)
    with open_postgresql(0.02, tenants) as config, tempfile.TemporaryDirectory() as folder:
        make_queue_tables(config, Path(folder))
        given = given_settings(config, folder, queue_slots=8, queue_tenant_slots=8, queue_poll_s=LOOK_S)

        async def measure(number: int) -> float:
            async with accepting(config, Path(folder), tenants) as door:
                with workers(given, number):
                    await door.accept(number * 4)
                    await _until_done(door.service.database, tenants)  # everybody is there by now
                    accepted = await door.accept(count)
                    started = time.perf_counter()
                    await _until_done(door.service.database, tenants)
                    return len(accepted) / _span(started, await _finished(door.service.database, accepted))

        figures = {number: asyncio.run(measure(number)) for number in (1, 2, 4)}
    for number, rate in figures.items():
        print(f"PostgreSQL, {number} workers: {rate:5.1f} runs a second, {rate / figures[1]:.2f} times one worker")


def _span(started: float, finished: Sequence[float]) -> float:
    """Seconds from the first to the last end among runs, from which a rate follows."""
    return max(finished) - min(finished) or time.perf_counter() - started


async def _finished(database: Database, accepted: Sequence[tuple[TenantId, str]]) -> list[float]:
    return [(await _run(database, *one)).updated_at.timestamp() for one in accepted]


async def _run(database: Database, tenant: TenantId, run_id: str) -> Run:
    async with database.session(tenant) as session:
        run = await runs.find(session, run_id)
        if run is None:
            raise RuntimeError(f"run {run_id} is gone")
        return run


# A small tenant beside one that floods the queue


def print_fairness(flood: int) -> None:
    """How long the runs of a tenant wait that has few, alone and beside a tenant that has thousands, on PostgreSQL."""
    tenants = name_tenants(2)
    with open_postgresql(0.02, tenants) as config, tempfile.TemporaryDirectory() as folder:
        make_queue_tables(config, Path(folder))
        given = given_settings(config, folder, queue_slots=8, queue_tenant_slots=2)  # as it is shipped

        async def measure() -> tuple[list[float], list[float], int]:
            async with accepting(config, Path(folder), tenants) as door:
                calm = Accepting(door.service, door.principals[1:])
                busy = Accepting(door.service, door.principals[:1])
                with workers(given, 2):
                    await calm.accept(8)
                    await _until_done(door.service.database, tenants)
                    idle = await _waits(calm, SAMPLES)
                    await busy.accept(flood)
                    beside = await _waits(calm, SAMPLES)
                    async with door.service.database.session(tenants[0]) as session:
                        left = await runs.count_unfinished(session)
                return idle, beside, left

        idle, beside, left = asyncio.run(measure())
    before, after = _p95(idle), _p95(beside)
    print(
        f"PostgreSQL, 2 workers: 95 of 100 runs wait at most {before:.0f} ms alone (half of them "
        f"{statistics.median(idle):.0f}) and {after:.0f} ms ({statistics.median(beside):.0f}) beside a tenant "
        f"with {flood:,} runs ({left:,} of them still waiting at the end): {after / before:.2f} times"
    )


async def _waits(door: Accepting, count: int) -> list[float]:
    """Milliseconds from accepted to begun, of runs that come one after the other."""
    waits = []
    for _ in range(count):
        [(tenant, run_id)] = await door.accept(1)
        accepted = time.perf_counter()
        while True:
            if (await _run(door.service.database, tenant, run_id)).attempt:
                break
            await asyncio.sleep(0.005)
        waits.append((time.perf_counter() - accepted) * 1000)
        await _until_run_done(door.service.database, tenant, run_id)
    return waits


async def _until_run_done(database: Database, tenant: TenantId, run_id: str) -> None:
    while True:
        if (await _run(database, tenant, run_id)).status not in runs.UNFINISHED:
            return
        await asyncio.sleep(0.02)


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


if __name__ == "__main__":
    main()
