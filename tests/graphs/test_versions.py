"""A request outlives the build that made it: it goes on by its own graph, is carried over, or stops the start."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from api.settings import Settings
from api.wiring import utc_now
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from graphs.assistants import ASSISTANTS, TURN, Assistant, Graphs, known_versions
from graphs.context import RunContext
from graphs.migrating import graphs_of, migrate_runs
from graphs.requests import Settled
from graphs.state import TurnState
from graphs.turn import Turn, build_turn
from graphs.versions import (
    GraphVersion,
    OrphanedApprovalsError,
    Position,
    check_versions,
    fingerprint,
    is_within_reach,
    way,
)
from tests.oracle import raw_connection, raw_rows
from tests.service import ADMIN, DANA, OTHER_DANA, World, calls, held, last_answer, open_world, script

Json = Any
NORTHWIND = TenantId("northwind")  # tenant-id: a test looks into the tenant that it asks through
RENEWAL = "006CS0000000001YAA"
UPDATE = calls(("update_record", {"object": "Opportunity", "record_id": RENEWAL, "fields": {"NextStep": "Call Ann"}}))
DONE = AIMessage("Done.")


class WiderState(TurnState, total=False):
    """The state of a later build."""

    steps_told: list[str]


def build_changed(voice: Any, desk: Any) -> StateGraph[Any, RunContext, Any, Any]:
    """A later build: the node that waits and the one that settles have other names, and one more comes in between."""
    turn = Turn(voice, desk)

    async def await_people(state: WiderState) -> WiderState:
        interrupt(state["request"], response_schema=Settled)
        return {}

    async def look_around(state: WiderState) -> WiderState:
        return {"steps_told": [*state.get("steps_told", []), "looked"]}

    async def act(state: WiderState, runtime: Runtime[RunContext]) -> Any:
        command = await turn.act(state, runtime)
        return Command(update=command.update, goto="await_people" if command.goto == "hold" else "agent")

    async def carry_out(state: WiderState, runtime: Runtime[RunContext]) -> Any:
        command = await turn.settle(state, runtime)
        return Command(update=command.update, goto="await_people" if command.goto == "hold" else command.goto)

    graph: StateGraph[Any, RunContext, Any, Any] = StateGraph(WiderState, context_schema=RunContext)
    for name, node in (
        ("admit", turn.admit),
        ("route", turn.route),
        ("agent", turn.agent),
        ("guard", turn.guard),
        ("await_people", await_people),
        ("look_around", look_around),
        ("reply", turn.reply),
    ):
        graph.add_node(name, node)
    graph.add_node("act", act, destinations=("agent", "await_people"))
    graph.add_node("carry_out", carry_out, destinations=("agent", "await_people", "reply"))
    graph.add_edge(START, "admit")
    graph.add_edge("admit", "route")
    graph.add_edge("guard", "act")
    graph.add_edge("await_people", "look_around")
    graph.add_edge("look_around", "carry_out")
    graph.add_edge("reply", END)
    return graph


def move(position: Position) -> Position:
    """What waited at `hold` goes on where decisions are read; a mark tells that it came through here."""
    names = {"hold": "carry_out", "settle": "carry_out"}
    following = tuple(names.get(one, one) for one in position.next)
    return Position({**position.values, "steps_told": ["moved"]}, following)


OLD = TURN.versions[0]
GONE = replace(OLD, build=None)
NEW = GraphVersion(2, "", build_changed, move)
WITHOUT_A_WAY = GraphVersion(2, "", build_changed)


def known(*versions: GraphVersion) -> dict[str, Assistant]:
    """The assistants of a build that has these versions of the turn."""
    return {**ASSISTANTS, TURN.name: replace(TURN, versions=versions)}


@asynccontextmanager
async def running(settings: Settings, *versions: GraphVersion, lines: Any = (DONE, DONE)) -> AsyncIterator[World]:
    async with open_world(settings, model=script(*lines), assistants=known(*versions or (OLD,))) as world:
        yield world


async def pause(settings: Settings, who: str = DANA) -> tuple[str, Json]:
    """A thread that waits, and its request, made by the first build in a process that has ended."""
    async with running(settings, lines=(UPDATE,)) as world:
        thread = await world.open_thread(who)
        [approval] = held(await world.say(who, thread, "change the opportunity"))
        return thread, approval


def version_of(config: DatabaseConfig, thread: str) -> int:
    return int(next(row["graph_version"] for row in raw_rows(config, "thread") if row["thread_id"] == thread))


async def approve(world: World, thread: str, approval: Json) -> None:
    """Decide, and see that all came right: applied once, told, and the conversation at rest."""
    decided = (await world.decide(DANA, approval, "approve")).json()["approval"]
    assert decided["status"] == "applied", decided
    assert (await world.get(DANA, f"/records/Opportunity/{RENEWAL}"))["NextStep"] == "Call Ann"
    entries = await world.get(ADMIN, "/ledger")
    assert [one["approval_id"] for one in entries] == [approval["approval_id"]]
    values = (await world.get(DANA, f"/threads/{thread}"))["values"]
    assert "Done." in last_answer(values)
    assert [m["type"] for m in values["messages"]] == ["human", "ai", "tool", "ai"]


def test_another_graph_needs_another_number() -> None:
    """If this fails, the graph has changed: give it a number and a fingerprint of its own, and a way to it."""
    for assistant in ASSISTANTS.values():
        for version in assistant.versions:
            if version.build is not None:
                graph = version.build(None, None).compile(name=assistant.name)  # type: ignore[arg-type]
                assert fingerprint(graph) == version.fingerprint, f"version {version.number} of {assistant.name}"
        numbers = [version.number for version in assistant.versions]
        assert numbers == sorted(set(numbers))
        assert assistant.versions[-1].build is not None


def test_a_fingerprint_tells_graphs_apart() -> None:
    def printed(build: Any) -> str:
        return fingerprint(build(None, None).compile(name="countersign"))

    def with_one_more_edge(voice: Any, desk: Any) -> Any:
        return build_turn(voice, desk).add_edge("guard", "reply")

    assert len({printed(build_turn), printed(build_changed), printed(with_one_more_edge)}) == 3
    assert printed(build_turn) == printed(build_turn)


class TestUpgraded:
    async def test_a_paused_run_goes_on_by_its_own_graph_where_the_build_has_it(
        self, settings: Settings, seeded_config: DatabaseConfig
    ) -> None:
        thread, approval = await pause(settings)
        assert version_of(seeded_config, thread) == 1
        async with running(settings, OLD, NEW) as world:
            state = await world.get(DANA, f"/threads/{thread}/state")
            assert state["next"] == ["hold"]
            await approve(world, thread, approval)
            assert version_of(seeded_config, thread) == 1
            assert "Done." in last_answer(await world.say(DANA, thread, "thank you, show the opportunity"))
            assert version_of(seeded_config, thread) == 2  # a new turn begins on the new graph

    async def test_else_it_is_carried_over(self, settings: Settings, seeded_config: DatabaseConfig) -> None:
        thread, approval = await pause(settings)
        async with running(settings, GONE, NEW) as world:
            await approve(world, thread, approval)
            assert version_of(seeded_config, thread) == 2
            assert "Done." in last_answer(await world.say(DANA, thread, "show the opportunity"))
            assert (await world.get(ADMIN, "/audit/verify"))["first_bad"] is None

    async def test_through_several_versions(self, settings: Settings, seeded_config: DatabaseConfig) -> None:
        thread, approval = await pause(settings)
        third = GraphVersion(3, "", build_changed, lambda position: position)
        async with running(settings, replace(NEW, build=None), third) as world:
            await approve(world, thread, approval)
        assert version_of(seeded_config, thread) == 3

    async def test_a_rejection_reaches_the_agent_on_the_new_graph(self, settings: Settings) -> None:
        thread, approval = await pause(settings)
        async with running(settings, GONE, NEW) as world:
            await world.decide(DANA, approval, "reject", reason="not now")
            values = (await world.get(DANA, f"/threads/{thread}"))["values"]
            assert "not now" in str(values["messages"])
            assert (await world.get(ADMIN, "/ledger")) == []

    async def test_a_new_conversation_waits_on_the_new_graph(
        self, settings: Settings, seeded_config: DatabaseConfig
    ) -> None:
        async with running(settings, GONE, NEW, lines=(UPDATE, DONE)) as world:
            thread = await world.open_thread(DANA)
            [approval] = held(await world.say(DANA, thread, "change the opportunity"))
            assert (await world.get(DANA, f"/threads/{thread}/state"))["next"] == ["await_people"]
            await approve(world, thread, approval)
        assert version_of(seeded_config, thread) == 2


class TestOrphaned:
    @pytest.mark.parametrize(
        "versions", [(WITHOUT_A_WAY,), (GONE, WITHOUT_A_WAY), (GraphVersion(3, "", build_changed, move),)]
    )
    async def test_the_service_does_not_start(self, settings: Settings, versions: tuple[GraphVersion, ...]) -> None:
        _, approval = await pause(settings)
        await pause(settings, OTHER_DANA)
        with pytest.raises(OrphanedApprovalsError, match=r"2 on version 1 of countersign\. .*migrate-runs --withdraw"):
            async with running(settings, *versions):
                pass
        async with running(settings) as world:  # the build that made them takes them up as they were
            assert (await world.get(DANA, f"/approvals/{approval['approval_id']}"))["status"] == "pending"

    async def test_nor_when_a_later_build_made_the_request(self, settings: Settings) -> None:
        async with running(settings, NEW, lines=(UPDATE,)) as world:
            thread = await world.open_thread(DANA)
            assert held(await world.say(DANA, thread, "change the opportunity"))
        with pytest.raises(OrphanedApprovalsError, match="1 on version 2"):
            async with running(settings, OLD):
                pass

    async def test_what_is_decided_and_not_carried_out_counts_too(
        self, settings: Settings, seeded: Database, seeded_config: DatabaseConfig
    ) -> None:
        await pause(settings)
        with raw_connection(seeded_config) as connection:
            connection.execute("UPDATE approval SET status = 'approved'")
        with pytest.raises(OrphanedApprovalsError):
            await check_versions(seeded, known_versions(known(WITHOUT_A_WAY)))
        with raw_connection(seeded_config) as connection:
            connection.execute("UPDATE approval SET status = 'rejected'")
        await check_versions(seeded, known_versions(known(WITHOUT_A_WAY)))

    async def test_a_run_that_comes_to_it_is_put_aside_and_nothing_is_lost(
        self, settings: Settings, seeded: Database, seeded_config: DatabaseConfig
    ) -> None:
        """As when two builds work on one database."""
        thread, approval = await pause(settings)
        async with running(settings) as world:
            runner = world.service.runner
            old = runner.graphs.versions_of(TURN.name)
            runner.graphs = Graphs(old.voice, old.desk, old.saver, known(WITHOUT_A_WAY))
            decided = await world.decide(DANA, approval, "approve")
            assert decided.json()["approval"]["status"] == "approved"
            [run, _] = await world.get(DANA, f"/threads/{thread}/runs")
            assert run["status"] == "error"
            assert (
                "version 1 of the graph"
                in (await world.call(DANA, "GET", f"/threads/{thread}/runs/{run['run_id']}/stream")).text
            )
            assert await world.get(ADMIN, "/ledger") == []
        assert [r["status"] for r in raw_rows(seeded_config, "run") if r["run_id"] == run["run_id"]] == ["parked"]
        done = await migrate_runs(seeded, graphs_of(seeded, known(GONE, NEW)), utc_now)
        assert (done.carried_over, done.taken_up, done.withdrawn) == (1, 1, 0)
        async with running(settings, GONE, NEW) as world:
            async for _ in world.service.runner.follow(NORTHWIND, run["run_id"]):
                pass
            assert (await world.get(DANA, f"/approvals/{approval['approval_id']}"))["status"] == "applied"
            assert len(await world.get(ADMIN, "/ledger")) == 1


class TestMigrateRuns:
    async def test_what_waits_is_carried_over_once(
        self, settings: Settings, seeded: Database, seeded_config: DatabaseConfig
    ) -> None:
        thread, approval = await pause(settings)
        graphs = graphs_of(seeded, known(GONE, NEW))
        first = await migrate_runs(seeded, graphs, utc_now)
        again = await migrate_runs(seeded, graphs, utc_now)
        assert (first.carried_over, again.carried_over, again.left) == (1, 0, 1)
        assert version_of(seeded_config, thread) == 2
        async with running(settings, NEW) as world:
            await approve(world, thread, approval)

    async def test_what_cannot_be_is_withdrawn_only_when_told_to(self, settings: Settings, seeded: Database) -> None:
        thread, approval = await pause(settings)
        graphs = graphs_of(seeded, known(WITHOUT_A_WAY))
        assert (await migrate_runs(seeded, graphs, utc_now)).left == 1
        assert (await migrate_runs(seeded, graphs, utc_now, withdraw=True)).withdrawn == 1
        async with running(settings, WITHOUT_A_WAY) as world:
            found = await world.get(DANA, f"/approvals/{approval['approval_id']}")
            assert (found["status"], found["reason"]) == ("recalled", "the graph that it waited on is gone")
            assert (await world.get(DANA, f"/threads/{thread}"))["status"] == "error"

    async def test_a_migration_that_leads_nowhere_changes_nothing(
        self, settings: Settings, seeded: Database, seeded_config: DatabaseConfig
    ) -> None:
        thread, _ = await pause(settings)
        before = raw_rows(seeded_config, "checkpoint")
        lost = replace(NEW, migrate=lambda position: position)  # still says hold
        with pytest.raises(ValueError, match="hold"):
            await migrate_runs(seeded, graphs_of(seeded, known(GONE, lost)), utc_now)
        assert raw_rows(seeded_config, "checkpoint") == before
        assert version_of(seeded_config, thread) == 1


def test_ways_have_no_gaps() -> None:
    third = GraphVersion(3, "", build_changed, move)
    assert way((OLD, NEW, third), 1) == [move, move]
    assert way((OLD, third), 1) is None
    assert way((OLD, NEW), 3) is None
    assert is_within_reach((NEW,), 0)
    assert is_within_reach((OLD, third), 2)  # from 2 to 3, although the build no longer knows 2 itself
    assert not is_within_reach((OLD, third), 4)
