"""Checkpoints are one tenant's, survive a restart, and hold data only, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Annotated, Any, Literal, TypedDict
from uuid import uuid4

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver, empty_checkpoint
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Interrupt, Send, interrupt
from sqlalchemy import select

from crm.conversation import StoredCheckpoint, StoredItem, StoredWrite
from crm.database import Database, DatabaseConfig, TenantSession
from crm.errors import ErasedError, TenantContextError
from crm.ids import TenantId
from crm.sealing import SealError
from graphs._codec import CodecError, TaskFailedError, decode, encode
from graphs.checkpoints import SealedSaver, acting_for, checkpoint_thread_id, forget_past
from trust.keys import shred_tenant_key, shred_thread_key

ACME, GLOBEX = TenantId("acme"), TenantId("globex")
Saver = BaseCheckpointSaver[int]


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
def saver(database: Database) -> Saver:
    return SealedSaver(database)


async def run_turn(graph: Any, tenant: TenantId, thread_id: str, *, durability: str = "sync") -> list[str]:
    config = config_of(tenant, thread_id)
    with acting_for(tenant):
        await graph.ainvoke({"said": [tenant]}, config, durability=durability)
        result = await graph.ainvoke(Command(resume="yes"), config, durability=durability)
    found: list[str] = result["said"]
    return found


async def keep_latest(database: Database, tenant: TenantId, thread_id: str) -> None:
    async with database.session(tenant, write=True) as session:
        await forget_past(session, thread_id)


async def count_checkpoints(saver: Saver, tenant: TenantId, thread_id: str) -> int:
    with acting_for(tenant):
        return len([found async for found in saver.alist(config_of(tenant, thread_id))])


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_a_conversation_rests_and_goes_on_after_a_restart(
    database_config: DatabaseConfig, durability: Literal["sync", "async", "exit"]
) -> None:
    thread_id = str(uuid4())
    with acting_for(ACME):
        async with opened(database_config) as before:
            graph = build_graph(SealedSaver(before))
            await graph.ainvoke({"said": ["hi"]}, config_of(ACME, thread_id), durability=durability)
        async with opened(database_config) as after:
            graph = build_graph(SealedSaver(after))
            result = await graph.ainvoke(Command(resume="yes"), config_of(ACME, thread_id))
    assert result["said"] == ["hi", "answered yes"]


@asynccontextmanager
async def opened(config: DatabaseConfig) -> AsyncIterator[Database]:
    database = Database(config)
    try:
        yield database
    finally:
        await database.close()


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


async def refuses_all(saver: Saver, config: Any, key: str) -> None:
    calls = [
        saver.aget_tuple(config),
        saver.aput(config, empty_checkpoint(), {}, {}),
        saver.aput_writes(config, [("said", "x")], "task"),
        saver.adelete_thread(key),
        saver.aprune([key]),
        saver.aget_delta_channel_history(config=config, channels=["said"]),
        anext(saver.alist(config)),
    ]
    for call in calls:
        with pytest.raises(TenantContextError):
            await call


class TestForgetting:
    async def test_only_the_latest_checkpoint_is_kept_and_the_thread_goes_on(
        self, database: Database, saver: Saver
    ) -> None:
        graph, thread_id, other = build_graph(saver), str(uuid4()), str(uuid4())
        await run_turn(graph, ACME, thread_id)
        await run_turn(graph, ACME, other)
        before = await count_checkpoints(saver, ACME, other)
        await keep_latest(database, ACME, thread_id)
        assert await count_checkpoints(saver, ACME, thread_id) == 1
        assert await count_checkpoints(saver, ACME, other) == before
        assert await run_turn(graph, ACME, thread_id) == ["acme", "answered yes"] * 2

    async def test_a_thread_that_waits_for_an_answer_still_takes_it(self, database: Database, saver: Saver) -> None:
        graph, thread_id = build_graph(saver), str(uuid4())
        await run_turn(graph, ACME, thread_id)
        with acting_for(ACME):
            await graph.ainvoke({"said": ["again"]}, config_of(ACME, thread_id))
        await keep_latest(database, ACME, thread_id)
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

    async def test_nobody_forgets_a_thread_of_another_tenant(self, database: Database, saver: Saver) -> None:
        thread_id = str(uuid4())
        await run_turn(build_graph(saver), ACME, thread_id)
        before = await count_checkpoints(saver, ACME, thread_id)
        await keep_latest(database, GLOBEX, thread_id)
        assert await count_checkpoints(saver, ACME, thread_id) == before


class TestCodec:
    @pytest.mark.parametrize(
        "value",
        [
            None,
            {"said": ["hi", 1, 2.5, True, None, "\ud800 é"]},
            {"$": "send", "value": ["x", {"$": 1}]},
            Interrupt({"question": "go on?"}, "id-1", response_schema={"type": "object"}),
            [Send("node", {"a": 1})],
        ],
        ids=["nothing", "json", "looks-like-a-tag", "interrupt", "send"],
    )
    def test_what_may_be_kept_comes_back(self, value: Any) -> None:
        assert decode(encode(value)) == value

    def test_of_an_error_only_its_name_is_kept(self) -> None:
        kept = decode(encode(ValueError("Ann Poe")))
        assert isinstance(kept, TaskFailedError)
        assert kept.args == ("ValueError",)

    @pytest.mark.parametrize("value", [{1: "a"}, {"a"}, b"x", object(), float("nan"), TenantId, print])
    def test_anything_else_is_not_written(self, value: Any) -> None:
        with pytest.raises(CodecError):
            encode({"said": [value]})

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"\xff",
            b"{",
            b'{"$":"exec","value":["id"]}',
            b'{"$":"interrupt"}',
            b'{"$":"interrupt","value":[]}',
            b'{"$":["send"],"value":[]}',
            b'{"lc":2,"type":"constructor","$":"os.system","value":["id"]}',
        ],
    )
    def test_bytes_name_no_other_type(self, text: bytes) -> None:
        with pytest.raises(CodecError):
            decode(text)


Row = StoredCheckpoint | StoredWrite | StoredItem
Tamper = Callable[[Row, dict[type[Row], list[Row]]], bytes]


def flip_a_bit(row: Row, others: Any) -> bytes:
    return row.sealed[:-1] + bytes([row.sealed[-1] ^ 1])


def put_in_clear(row: Row, others: Any) -> bytes:
    return encode([{"channel_values": {}, "channel_versions": {}}, None, {}])


def take_from(place: str) -> Tamper:
    return lambda row, others: others[type(row), place][0].sealed


class ChatState(TypedDict):
    messages: Annotated[list[dict[str, Any]], keep_both]
    topic: str


async def reply(state: ChatState) -> dict[str, Any]:
    name = interrupt({"question": f"who is {state['topic']}?"})
    return {"messages": [{"type": "ai", "content": f"it is {name}"}]}


def build_chat(saver: Saver) -> Any:
    graph = StateGraph(ChatState).add_node("reply", reply).add_edge(START, "reply").add_edge("reply", END)
    return graph.compile(checkpointer=saver)


def say(text: str) -> dict[str, Any]:
    return {"messages": [{"type": "human", "content": text}], "topic": text}


async def rows_of(session: TenantSession, kind: type[Row], thread_id: str) -> list[Any]:
    return list(await session.scalars(select(kind).where(kind.thread_id == thread_id)))


@pytest.mark.parametrize("kind", [StoredCheckpoint, StoredWrite, StoredItem])
async def test_a_row_that_is_not_what_was_stored_there_is_refused(
    kind: type[Row], database: Database, saver: Saver
) -> None:
    places = [(ACME, "one"), (ACME, "two"), (GLOBEX, "one")]
    for tenant, thread_id in places:
        with acting_for(tenant):
            await build_chat(saver).ainvoke(say("Ann Poe"), config_of(tenant, thread_id), durability="exit")
    others: dict[Any, list[Any]] = {}
    for tenant, thread_id in places[1:]:
        async with database.session(tenant) as session:
            others[kind, f"{tenant} {thread_id}"] = await rows_of(session, kind, thread_id)
    tampers = [flip_a_bit, put_in_clear, take_from("acme two"), take_from("globex one")]
    for tamper in tampers:
        with acting_for(ACME):
            assert await saver.aget_tuple(config_of(ACME, "one"))
        async with database.session(ACME, write=True) as session:
            (row, *_) = await rows_of(session, kind, "one")
            original, row.sealed = row.sealed, tamper(row, others)
        with acting_for(ACME):
            with pytest.raises(SealError):
                await saver.aget_tuple(config_of(ACME, "one"))
            with pytest.raises(SealError):
                _ = [one async for one in saver.alist(config_of(ACME, "one"))]
            with pytest.raises(SealError):
                await build_chat(saver).ainvoke(Command(resume="x"), config_of(ACME, "one"))
        async with database.session(ACME, write=True) as session:
            (row, *_) = await rows_of(session, kind, "one")
            row.sealed = original


async def test_a_missing_message_is_refused(database: Database, saver: Saver) -> None:
    with acting_for(ACME):
        await build_chat(saver).ainvoke(say("Ann Poe"), config_of(ACME, "one"))
        async with database.session(ACME, write=True) as session:
            (row,) = await rows_of(session, StoredItem, "one")
            await session.delete(row)
        with pytest.raises(SealError, match="missing"):
            await saver.aget_tuple(config_of(ACME, "one"))


@pytest.mark.parametrize("shred", [lambda session: shred_thread_key(session, "one"), shred_tenant_key])
async def test_a_shredded_conversation_neither_opens_nor_goes_on(shred: Any, database: Database, saver: Saver) -> None:
    graph = build_chat(saver)
    for tenant in (ACME, GLOBEX):
        with acting_for(tenant):
            await graph.ainvoke(say("Ann Poe"), config_of(tenant, "one"))
    async with database.session(ACME, write=True) as session:
        await shred(session)
    with acting_for(ACME):
        for call in (saver.aget_tuple(config_of(ACME, "one")), graph.ainvoke(say("again"), config_of(ACME, "one"))):
            with pytest.raises(ErasedError):
                await call
    with acting_for(GLOBEX):
        assert await saver.aget_tuple(config_of(GLOBEX, "one"))


@pytest.mark.parametrize("durability", ["sync", "exit"])
async def test_every_turn_takes_up_the_same_room(durability: Any, database: Database, saver: Saver) -> None:
    graph, config, sizes, written = build_chat(saver), config_of(ACME, "one"), [0], []
    with acting_for(ACME):
        for turn in range(12):
            text = f"{turn:04}" * 500
            await graph.ainvoke(say(text), config, durability=durability)
            written.append(await size_of(database, "one"))
            await graph.ainvoke(Command(resume=text), config, durability=durability)
            await keep_latest(database, ACME, "one")
            sizes.append(await size_of(database, "one"))
        found = await saver.aget_tuple(config)
    assert found is not None
    assert len(found.checkpoint["channel_values"]["messages"]) == 24
    grown = [after - before for before, after in pairwise(sizes)][1:]
    assert max(grown) < 1.05 * min(grown) < 5_000
    held = [at_hold - before for at_hold, before in zip(written, sizes, strict=False)][1:]
    assert max(held) < 1.05 * min(held)


async def size_of(database: Database, thread_id: str) -> int:
    """Bytes of what is sealed of a conversation."""
    async with database.session(ACME) as session:
        found = [await rows_of(session, kind, thread_id) for kind in (StoredCheckpoint, StoredWrite, StoredItem)]
    return sum(len(row.sealed) for some in found for row in some)
