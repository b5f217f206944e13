"""Every workflow: begun, resumed by another process at each of its checkpoints, finished; and told no at each."""

import shutil
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from crm.database import DatabaseConfig
from graphs.context import Limits
from graphs.workflows._book import load_workflows
from graphs.workflows._declare import Step
from graphs.workflows._drawing import MARK, describe_workflows
from tests.conftest import PostgresTemplates, SqliteTemplates, seed_small
from tests.graphs.workflows.deals import RENEWAL_OUTREACH
from tests.graphs.workflows.scenarios import SCENARIOS
from tests.graphs.workflows.stage import Json, Scenario, decide, log_of, look, run_on, start
from tests.oracle import raw_rows
from tests.service import ADMIN, World, held, open_world, script, settings_for

REASON = "not like this: ask the customer first"


def each(scenarios: Iterable[Scenario]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", list(scenarios), ids=lambda one: f"{one.workflow}-{one.case}")


@dataclass(frozen=True)
class Place:
    """A database in a file, of which there may be copies while nobody has it open."""

    config: DatabaseConfig
    folder: Path

    @asynccontextmanager
    async def process(self) -> AsyncIterator[World]:
        """The service, started anew."""
        async with open_world(settings_for(self.config, self.folder), model=script()) as world:
            yield world

    def copy(self, name: str) -> "Place":
        """As it stands: what is done there does not count here."""
        there = self.folder / name
        there.mkdir()
        shutil.copyfile(Path(self.config.url.partition("///")[2]), there / "copy.db")
        return Place(replace(self.config, url=f"sqlite+aiosqlite:///{there / 'copy.db'}"), there)


@pytest.fixture
def place(sqlite_templates: SqliteTemplates, tmp_path: Path) -> Iterator[Place]:
    sqlite_templates.build("seeded", seed_small)
    with sqlite_templates.copied("seeded") as config:
        yield Place(config, tmp_path)


def test_every_workflow_has_scenarios_that_meet_all_its_checkpoints() -> None:
    for name, workflow in load_workflows().items():
        mine = [one for one in SCENARIOS if one.workflow == name]
        assert any(one.is_main for one in mine), name
        met = {step for one in mine for step in one.waits}
        met |= {step for one in mine for rejected in one.rejected.values() for step in rejected.then}
        assert met == {one.name for one in workflow.steps if isinstance(one, Step) and one.waits}, name
        assert {step for one in mine for step in one.rejected} == {step for one in mine for step in one.waits}, name


def test_the_documentation_draws_the_graphs_as_they_are() -> None:
    page = (Path(__file__).parents[3] / "docs" / "workflows.md").read_text()
    assert page.partition(MARK)[2] == describe_workflows(), "run `make catalog`"


@each(SCENARIOS)
async def test_another_process_goes_on_after_every_checkpoint_and_a_no_is_acted_on_at_each(
    scenario: Scenario, place: Place
) -> None:
    met: list[str] = []
    async with place.process() as world:
        thread = await start(world, scenario)
        values = await look(world, scenario, thread)
    while held(values):
        step = values["workflow"]["step"]
        met.append(step)
        assert len(met) < 20, met
        assert values["workflow"]["status"] == "waiting"
        if step in scenario.rejected:
            async with place.copy(f"{len(met)}").process() as world:
                await say_no(world, scenario, thread, step)
        async with place.process() as world:
            assert (await world.get(scenario.who, f"/threads/{thread}/state"))["next"] == [f"{step}_wait"]
            await decide(world, scenario, values, "approve")
            values = await look(world, scenario, thread)
    assert tuple(met) == scenario.waits
    async with place.process() as world:
        await check_end(world, scenario, thread, values)
    told = [row["kind"] for row in raw_rows(place.config, "audit_entry")]
    assert told.count("workflow.finished") == 1


async def test_many_things_are_taken_a_handful_at_a_time_whatever_is_said_to_some(place: Place) -> None:
    handful = Limits(calls_per_message=1)
    settings = settings_for(place.config, place.folder)
    async with open_world(settings, model=script(), limits=handful) as world:
        thread = await start(world, RENEWAL_OUTREACH)
        first = await look(world, RENEWAL_OUTREACH, thread)
        assert len(held(first)) == 1
        await decide(world, RENEWAL_OUTREACH, first, "reject", reason=REASON)
        met, values = await run_on(world, RENEWAL_OUTREACH, thread)
        assert met == ["draft", "send", "tasks", "tasks", "tasks"]
        assert "1 were written to, 3 tasks are left" in values["messages"][-1]["content"]


async def say_no(world: World, scenario: Scenario, thread: str, checkpoint: str) -> None:
    """Reject what waits, with a reason; say yes to whatever follows."""
    expected = scenario.rejected[checkpoint]
    await decide(world, scenario, await look(world, scenario, thread), "reject", reason=REASON)
    after, values = await run_on(world, scenario, thread)
    assert tuple(after) == expected.then, checkpoint
    assert values["workflow"]["status"] == expected.status, (checkpoint, values["workflow"])
    said = [one for one in log_of(values, checkpoint) if one["outcome"] == "rejected"]
    assert {one["reason"] for one in said} == {REASON}, checkpoint
    assert REASON in values["messages"][-1]["content"], checkpoint
    if expected.check is not None:
        await expected.check(world, values)


async def check_end(world: World, scenario: Scenario, thread: str, values: Json) -> None:
    """It came to its end, did what it was to do, and each write once."""
    progress = values["workflow"]
    assert (progress["status"], progress["step"]) == (scenario.ends, None), values["messages"][-1]["content"]
    await scenario.check(world, values)
    applied = [one for one in await world.get(ADMIN, "/ledger?limit=200") if one["thread_id"] == thread]
    assert len(applied) == len({one["approval_id"] for one in applied})
    assert {one["agent"] for one in applied} == {scenario.workflow}
    assert (await world.get(ADMIN, "/audit/verify"))["first_bad"] is None


@each(one for one in SCENARIOS if one.is_main)
async def test_the_same_on_the_other_database(
    scenario: Scenario, postgresql_templates: PostgresTemplates, tmp_path: Path
) -> None:
    postgresql_templates.build("seeded", seed_small)
    with postgresql_templates.copied("seeded") as config:
        async with open_world(settings_for(config, tmp_path), model=script()) as world:
            thread = await start(world, scenario)
            met, values = await run_on(world, scenario, thread)
            assert tuple(met) == scenario.waits
            await check_end(world, scenario, thread, values)
