"""What a conversation takes up on disk: 50 turns of 2 KB, beside the library's own savers in the same run.

python -m bench.checkpoints
"""

import asyncio
import hashlib
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, TypedDict
from urllib.parse import unquote

import psycopg
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

from bench.databases import open_postgresql, open_sqlite
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from graphs.checkpoints import SealedSaver, acting_for, checkpoint_thread_id, forget_past
from graphs.state import append_messages

TENANT, THREAD = TenantId("northwind"), "00000000-0000-4000-8000-000000000001"
TURNS, TEXT = 50, 1_000
OWN_TABLES = ("checkpoint", "checkpoint_write", "thread_item")
STOCK_TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "writes")


class State(TypedDict):
    messages: Annotated[list[dict[str, Any]], append_messages]
    turn: dict[str, Any]


async def answer(state: State) -> dict[str, Any]:
    asked = state["messages"][-1]
    return {"messages": [{"type": "ai", "id": f"ai-{asked['id']}", "content": text_of(asked["id"], "answer")}]}


async def think(state: State) -> dict[str, Any]:
    return {"turn": {"steps": 2}}


def text_of(turn: Any, what: str) -> str:
    """Text that no database compresses to nothing."""
    words = [hashlib.sha256(f"{what} {turn} {place}".encode()).hexdigest() for place in range(TEXT // 64 + 1)]
    return "".join(words)[:TEXT]


@dataclass
class Subject:
    name: str
    saver: BaseCheckpointSaver[Any]
    after_turn: Callable[[], Awaitable[None]]
    stored: Callable[[], int]


async def measure(subject: Subject) -> tuple[list[int], float]:
    """Bytes stored after each turn, and seconds for all of them."""
    graph = StateGraph(State).add_node("think", think).add_node("answer", answer)
    graph.add_edge(START, "think").add_edge("think", "answer").add_edge("answer", END)
    compiled = graph.compile(checkpointer=subject.saver)
    config: Any = {"configurable": {"thread_id": checkpoint_thread_id(TENANT, THREAD)}}
    sizes, spent = [subject.stored()], 0.0
    for turn in range(TURNS):
        began = time.perf_counter()
        asked = {"type": "human", "id": str(turn), "content": text_of(turn, "question")}
        said: Any = {"messages": [asked]}
        await compiled.ainvoke(said, config, durability="sync")
        await subject.after_turn()
        spent += time.perf_counter() - began
        sizes.append(subject.stored())
    return sizes, spent


def stored_in_sqlite(path: str, tables: tuple[str, ...]) -> int:
    """Bytes of all values in the tables."""
    total = 0
    with sqlite3.connect(path) as connection:
        known = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in known & set(tables):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            size = " + ".join(f"coalesce(length(cast({column} AS BLOB)), 0)" for column in columns)
            total += connection.execute(f"SELECT coalesce(sum({size}), 0) FROM {table}").fetchone()[0]  # noqa: S608
    return total


def stored_in_postgresql(url: str, tables: tuple[str, ...]) -> int:
    """Bytes of all rows in the tables, as they are kept: compressed where the database does so."""
    total = 0
    with psycopg.connect(url, autocommit=True) as connection:
        for table in tables:
            if connection.execute("SELECT to_regclass(%s)", (table,)).fetchone() != (None,):
                row = connection.execute(f"SELECT coalesce(sum(pg_column_size(t.*)), 0) FROM {table} AS t".encode())  # noqa: S608
                total += int((row.fetchone() or (0,))[0])
    return total


async def nothing() -> None:
    pass


@asynccontextmanager
async def own(config: DatabaseConfig, stored: Callable[[], int]) -> AsyncIterator[Subject]:
    database = Database(config)

    async def forget() -> None:
        async with database.session(TENANT, write=True) as session:
            await forget_past(session, THREAD)

    try:
        yield Subject("Countersign", SealedSaver(database), forget, stored)
    finally:
        await database.close()


async def compare(backend: str, config: DatabaseConfig, superuser: str | None) -> None:
    if config.file is not None:
        path = str(config.file)
        stock_path = str(Path(path).with_name("stock.db"))
        async with AsyncSqliteSaver.from_conn_string(stock_path) as saver:
            await saver.setup()
            stock = Subject("stock saver", saver, nothing, lambda: stored_in_sqlite(stock_path, STOCK_TABLES))
            await report(backend, stock)
        async with own(config, lambda: stored_in_sqlite(path, OWN_TABLES)) as subject:
            await report(backend, subject)
        return
    assert superuser is not None
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("CREATE DATABASE stock")
    stock_url = superuser.replace("dbname=bench", "dbname=stock")
    async with AsyncPostgresSaver.from_conn_string(stock_url) as saver:
        await saver.setup()
        stock = Subject("stock saver", saver, nothing, lambda: stored_in_postgresql(stock_url, STOCK_TABLES))
        await report(backend, stock)
    async with own(config, lambda: stored_in_postgresql(superuser, OWN_TABLES)) as subject:
        await report(backend, subject)


async def report(backend: str, subject: Subject) -> None:
    with acting_for(TENANT):
        sizes, spent = await measure(subject)
    grown = [after - before for before, after in pairwise(sizes)]
    per_turn = " ".join(f"{grown[turn - 1]:>8,}" for turn in (2, 10, 20, 30, 40, 50))
    print(f"{backend:<11} {subject.name:<12} {per_turn} {sizes[-1] - sizes[0]:>12,} {spent * 1000 / TURNS:>8.1f}")


def main() -> None:
    print(f"{TURNS} turns of 2 x {TEXT} characters, every step stored; bytes that a turn adds")
    print(
        f"{'':<24} "
        + " ".join(f"{f'turn {turn}':>8}" for turn in (2, 10, 20, 30, 40, 50))
        + f"{'all':>13} {'ms/turn':>8}"
    )
    with open_sqlite(0.05) as config:
        asyncio.run(compare("SQLite", config, None))
    with open_postgresql(0.05) as config:
        superuser = f"host={unquote(config.libpq_url.partition('host=')[2])} user=postgres dbname=bench"
        asyncio.run(compare("PostgreSQL", config, superuser))


if __name__ == "__main__":
    main()
