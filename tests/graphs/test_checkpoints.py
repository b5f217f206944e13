"""Checkpoints are one tenant's, survive a restart, and hold data only, on both databases."""

import asyncio
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Annotated, Any, Literal, TypedDict
from uuid import uuid4

import ormsgpack
import psycopg
import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver, empty_checkpoint
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from crm.database import CONTEXT_SQL, MARK_SQL, DatabaseConfig, sign_context
from crm.errors import TenantContextError
from crm.ids import TenantId
from graphs.checkpoints import StrictSerializer, acting_for, checkpoint_thread_id, keep_latest, open_saver
from tests.conftest import CONTEXT_KEY, PostgresTemplates

ACME, GLOBEX = TenantId("acme"), TenantId("globex")
Saver = BaseCheckpointSaver[str]


def keep_both(old: list[str], new: list[str]) -> list[str]:
    return [*old, *new]


class State(TypedDict):
    said: Annotated[list[str], keep_both]
    topic: str
    answer: str


class Question(TypedDict):
    topic: str
    answer: str


async def listen(state: State) -> dict[str, Any]:
    return {"topic": state["said"][-1]}


async def ask(state: Question) -> dict[str, Any]:
    return {"answer": interrupt({"question": "go on?", "topic": state["topic"]})}


async def note(state: State) -> dict[str, Any]:
    return {"said": [f"answered {state['answer']}"]}


def build_graph(saver: Saver) -> Any:
    """A conversation that asks from within a sub-graph, which keeps checkpoints under a namespace of its own."""
    inner = StateGraph(Question).add_node("ask", ask).add_edge(START, "ask").compile()
    graph = StateGraph(State).add_node("listen", listen).add_node("inner", inner).add_node("note", note)
    graph.add_edge(START, "listen").add_edge("listen", "inner").add_edge("inner", "note").add_edge("note", END)
    return graph.compile(checkpointer=saver)


def config_of(tenant: TenantId, thread_id: str) -> Any:
    return {"configurable": {"thread_id": checkpoint_thread_id(tenant, thread_id)}}


@pytest.fixture
async def saver(database_config: DatabaseConfig) -> AsyncIterator[Saver]:
    async with open_saver(database_config) as opened:
        yield opened


async def run_turn(graph: Any, tenant: TenantId, thread_id: str, *, durability: str = "sync") -> list[str]:
    config = config_of(tenant, thread_id)
    with acting_for(tenant):
        await graph.ainvoke({"said": [tenant]}, config, durability=durability)
        result = await graph.ainvoke(Command(resume="yes"), config, durability=durability)
    found: list[str] = result["said"]
    return found


async def count_checkpoints(saver: Saver, tenant: TenantId, thread_id: str) -> int:
    with acting_for(tenant):
        return len([found async for found in saver.alist(config_of(tenant, thread_id))])


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_a_conversation_rests_and_goes_on_after_a_restart(
    database_config: DatabaseConfig, durability: Literal["sync", "async", "exit"]
) -> None:
    thread_id = str(uuid4())
    with acting_for(ACME):
        async with open_saver(database_config) as saver:
            await build_graph(saver).ainvoke({"said": ["hi"]}, config_of(ACME, thread_id), durability=durability)
        async with open_saver(database_config) as saver:
            result = await build_graph(saver).ainvoke(Command(resume="yes"), config_of(ACME, thread_id))
    assert result["said"] == ["hi", "answered yes"]


class TestTenants:
    async def test_the_same_thread_id_is_another_thread_for_another_tenant(self, saver: Saver) -> None:
        graph, thread_id = build_graph(saver), str(uuid4())
        assert await run_turn(graph, ACME, thread_id) == ["acme", "answered yes"]
        assert await run_turn(graph, GLOBEX, thread_id) == ["globex", "answered yes"]

    async def test_every_call_on_another_tenants_thread_is_refused(self, saver: Saver) -> None:
        thread_id = str(uuid4())
        await run_turn(build_graph(saver), ACME, thread_id)
        foreign = config_of(ACME, thread_id)
        with acting_for(GLOBEX):
            await refuses_all(saver, foreign, checkpoint_thread_id(ACME, thread_id))
            with pytest.raises(TenantContextError):
                await build_graph(saver).ainvoke({"said": ["x"]}, foreign)
        assert await count_checkpoints(saver, ACME, thread_id) > 0

    async def test_every_call_is_refused_while_no_tenant_is_bound(self, saver: Saver) -> None:
        await refuses_all(saver, config_of(ACME, str(uuid4())), checkpoint_thread_id(ACME, "x"))

    @pytest.mark.parametrize(
        "config",
        [
            pytest.param(None, id="none"),
            pytest.param({}, id="empty"),
            pytest.param({"configurable": {}}, id="no thread"),
            pytest.param({"configurable": {"thread_id": "acme"}}, id="no separator"),
            pytest.param({"configurable": {"thread_id": "acme:"}}, id="no id"),
            pytest.param({"configurable": {"thread_id": "acme2:x"}}, id="longer name"),
            pytest.param({"configurable": {"thread_id": 7}}, id="number"),
        ],
    )
    async def test_a_config_without_a_thread_of_the_tenant_is_refused(self, saver: Saver, config: Any) -> None:
        with acting_for(ACME), pytest.raises(TenantContextError):
            _ = [found async for found in saver.alist(config)]

    @pytest.mark.parametrize(("tenant", "thread_id"), [("", "x"), ("acme", ""), ("a:b", "x"), ("acme", "x:y")])
    def test_a_key_cannot_be_made_ambiguous(self, tenant: str, thread_id: str) -> None:
        with pytest.raises(TenantContextError):
            checkpoint_thread_id(TenantId(tenant), thread_id)

    async def test_concurrent_tasks_keep_their_tenants(self, saver: Saver) -> None:
        graph = build_graph(saver)
        turns = [(tenant, run_turn(graph, tenant, str(uuid4()))) for tenant in (ACME, GLOBEX) * 4]
        results = await asyncio.gather(*(turn for _, turn in turns))
        assert [said[0] for said in results] == [tenant for tenant, _ in turns]

    def test_raw_sql_of_the_service_sees_nothing_without_a_signature(
        self, postgresql_templates: PostgresTemplates
    ) -> None:
        with postgresql_templates.copied("migrated") as config:

            async def run() -> None:
                async with open_saver(config) as saver:
                    await run_turn(build_graph(saver), ACME, "x")

            asyncio.run(run())
            with psycopg.connect(config.libpq_url) as connection:
                assert [count_rows(connection, tenant) for tenant in (None, "globex")] == [[0, 0, 0], [0, 0, 0]]
                assert all(count_rows(connection, "acme"))


def count_rows(connection: psycopg.Connection, tenant: str | None) -> list[int]:
    if tenant is not None:
        (mark,) = connection.execute(MARK_SQL.encode()).fetchone() or ()
        connection.execute(CONTEXT_SQL.encode(), (sign_context(CONTEXT_KEY, tenant, mark),))
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM checkpoints), (SELECT count(*) FROM checkpoint_blobs),"
        " (SELECT count(*) FROM checkpoint_writes)"
    ).fetchone()
    connection.rollback()
    return list(counts or ())


async def refuses_all(saver: Saver, config: Any, key: str) -> None:
    calls = [
        saver.aget_tuple(config),
        saver.aput(config, empty_checkpoint(), {}, {}),
        saver.aput_writes(config, [("said", "x")], "task"),
        saver.adelete_thread(key),
        saver.aprune([key]),
        saver.aget_delta_channel_history(config=config, channels=["said"]),
        anext(saver.alist(config)),
        asyncio.to_thread(saver.get_tuple, config),
    ]
    for call in calls:
        with pytest.raises(TenantContextError):
            await call


class TestForgetting:
    async def test_only_the_latest_checkpoint_is_kept_and_the_thread_goes_on(self, saver: Saver) -> None:
        graph, thread_id, other = build_graph(saver), str(uuid4()), str(uuid4())
        await run_turn(graph, ACME, thread_id)
        await run_turn(graph, ACME, other)
        before = await count_checkpoints(saver, ACME, other)
        await keep_latest(saver, ACME, thread_id)
        assert await count_checkpoints(saver, ACME, thread_id) == 1
        assert await count_checkpoints(saver, ACME, other) == before
        assert await run_turn(graph, ACME, thread_id) == ["acme", "answered yes"] * 2

    async def test_a_thread_that_waits_for_an_answer_still_takes_it(self, saver: Saver) -> None:
        graph, thread_id = build_graph(saver), str(uuid4())
        await run_turn(graph, ACME, thread_id)
        with acting_for(ACME):
            await graph.ainvoke({"said": ["again"]}, config_of(ACME, thread_id))
        await keep_latest(saver, ACME, thread_id)
        with acting_for(ACME):
            result = await graph.ainvoke(Command(resume="later"), config_of(ACME, thread_id))
        assert result["said"] == ["acme", "answered yes", "again", "answered later"]

    async def test_a_deleted_thread_is_gone(self, saver: Saver) -> None:
        graph, thread_id, other = build_graph(saver), str(uuid4()), str(uuid4())
        await run_turn(graph, ACME, thread_id)
        await run_turn(graph, ACME, other)
        with acting_for(ACME):
            await saver.adelete_thread(checkpoint_thread_id(ACME, thread_id))
        assert await count_checkpoints(saver, ACME, thread_id) == 0
        assert await count_checkpoints(saver, ACME, other) > 0

    async def test_nobody_forgets_a_thread_of_another_tenant(self, saver: Saver) -> None:
        thread_id = str(uuid4())
        await run_turn(build_graph(saver), ACME, thread_id)
        before = await count_checkpoints(saver, ACME, thread_id)
        await keep_latest(saver, GLOBEX, thread_id)
        assert await count_checkpoints(saver, ACME, thread_id) == before


def forge(*call: object) -> bytes:
    """What a row looks like that asks its reader to import something and call it."""
    return ormsgpack.packb({"said": ormsgpack.Ext(0, ormsgpack.packb(call))})


class TestForgedRows:
    def test_a_forged_value_runs_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(subprocess, "getoutput", lambda _: pytest.fail("the forged value was called"))
        forged = forge("subprocess", "getoutput", "id")
        assert StrictSerializer().loads_typed(("msgpack", forged)) == {"said": "id"}

    @pytest.mark.parametrize("kind", ["json", "pickle", "msgpack+aes", ""])
    def test_other_formats_are_refused(self, kind: str) -> None:
        with pytest.raises(ValueError, match="refused"):
            StrictSerializer().loads_typed((kind, b"{}"))

    async def test_a_forged_row_runs_nothing_and_a_graph_cannot_widen_what_is_read(
        self, database_config: DatabaseConfig, saver: Saver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        thread_id = str(uuid4())
        await run_turn(build_graph(saver), ACME, thread_id)
        forge_writes(database_config, checkpoint_thread_id(ACME, thread_id))
        monkeypatch.setattr(subprocess, "getoutput", lambda _: pytest.fail("the forged row was called"))
        widened = saver.with_allowlist([("subprocess", "getoutput")])
        with acting_for(ACME):
            found = [tuple_ async for tuple_ in widened.alist(config_of(ACME, thread_id))]
        writes = [value for tuple_ in found for _, _, value in tuple_.pending_writes or ()]
        assert {"said": "id"} in writes


def forge_writes(config: DatabaseConfig, key: str) -> None:
    """As somebody with write access to the database, replace what the thread's tasks wrote."""
    forged = forge("subprocess", "getoutput", "id")
    if config.file is not None:
        with closing(sqlite3.connect(f"{config.file}.checkpoints")) as file, file:
            file.execute("UPDATE writes SET type = 'msgpack', value = ? WHERE thread_id = ?", (forged, key))
        return
    with psycopg.connect(config.libpq_url) as connection:
        (mark,) = connection.execute(MARK_SQL.encode()).fetchone() or ()
        connection.execute(CONTEXT_SQL.encode(), (sign_context(CONTEXT_KEY, "acme", mark),))
        connection.execute("UPDATE checkpoint_writes SET type = 'msgpack', blob = %s", (forged,))


class TestTables:
    async def test_the_migrated_tables_are_the_librarys(self, postgresql_templates: PostgresTemplates) -> None:
        with postgresql_templates.copied("migrated") as config, postgresql_templates.copied("migrated") as scratch:
            assert scratch.owner_url is not None
            owner = scratch.owner_url.replace("+psycopg", "")
            with psycopg.connect(owner) as connection:
                for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "checkpoint_migrations"):
                    connection.execute(f"DROP TABLE {table}".encode())
            async with AsyncPostgresSaver.from_conn_string(owner) as library:
                await library.setup()
            assert describe_tables(config) == describe_tables(scratch)

    async def test_operations_run_side_by_side(self, postgresql_templates: PostgresTemplates) -> None:
        """The library would put them all behind one lock."""
        with postgresql_templates.copied("migrated") as config:
            async with open_saver(config) as saver:
                assert isinstance(saver, AsyncPostgresSaver)
                with acting_for(ACME):
                    async with saver._cursor(), saver._cursor():
                        assert await saver.aget_tuple(config_of(ACME, "x")) is None


def describe_tables(config: DatabaseConfig) -> dict[str, Any]:
    assert config.owner_url is not None
    with psycopg.connect(config.owner_url.replace("+psycopg", "")) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
            " WHERE table_name LIKE 'checkpoint%' ORDER BY 1, 2"
        ).fetchall()
        indexes = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'checkpoint%' ORDER BY 1"
        ).fetchall()
        versions = connection.execute("SELECT v FROM checkpoint_migrations ORDER BY 1").fetchall()
    return {"columns": columns, "indexes": indexes, "versions": versions}
