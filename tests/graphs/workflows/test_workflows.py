"""Every workflow: begun, resumed by another process at each of its checkpoints, finished; and told no at each."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from api.settings import Settings
from crm.database import DatabaseConfig
from graphs.workflows._book import load_workflows
from graphs.workflows._declare import Step
from graphs.workflows._drawing import MARK, describe_workflows
from tests.conftest import SqliteTemplates, seed_small
from tests.graphs.workflows.scenarios import SCENARIOS
from tests.graphs.workflows.stage import Scenario, decide, log_of, look, run_on, start
from tests.oracle import raw_rows
from tests.service import ADMIN, held, open_world, script, settings_for

REASON = "not like this: ask the customer first"


def each(scenarios: Iterable[Scenario]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", list(scenarios), ids=lambda one: f"{one.workflow}-{one.case}")


@pytest.fixture
def one_database(sqlite_templates: SqliteTemplates) -> Iterator[DatabaseConfig]:
    """For what does not depend on the database."""
    sqlite_templates.build("seeded", seed_small)
    with sqlite_templates.copied("seeded") as config:
        yield config


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


@each(one for one in SCENARIOS if one.is_main)
async def test_it_goes_on_in_another_process_after_every_checkpoint(
    scenario: Scenario, settings: Settings, seeded_config: DatabaseConfig
) -> None:
    await complete(scenario, settings, seeded_config)


@each(one for one in SCENARIOS if not one.is_main)
async def test_so_does_every_other_case(scenario: Scenario, one_database: DatabaseConfig, tmp_path: Path) -> None:
    await complete(scenario, settings_for(one_database, tmp_path), one_database)


async def complete(scenario: Scenario, settings: Settings, config: DatabaseConfig) -> None:
    """Begin it, say yes at each checkpoint in a process of its own, and see what came of it."""
    met: list[str] = []
    async with open_world(settings, model=script()) as world:
        thread = await start(world, scenario)
    while True:
        async with open_world(settings, model=script()) as world:
            values = await look(world, scenario, thread)
            progress = values["workflow"]
            if not held(values):
                break
            assert progress["status"] == "waiting"
            assert (await world.get(scenario.who, f"/threads/{thread}/state"))["next"] == [f"{progress['step']}_wait"]
            met.append(progress["step"])
            assert len(met) < 20, met
            await decide(world, scenario, values, "approve")
    assert (progress["status"], progress["step"]) == (scenario.ends, None), values["messages"][-1]["content"]
    assert tuple(met) == scenario.waits
    async with open_world(settings, model=script()) as world:
        await scenario.check(world, values)
        applied = [one for one in await world.get(ADMIN, "/ledger?limit=200") if one["thread_id"] == thread]
        assert len(applied) == len({one["approval_id"] for one in applied})
        assert {one["agent"] for one in applied} == {scenario.workflow}
        assert (await world.get(ADMIN, "/audit/verify"))["first_bad"] is None
    told = [row["kind"] for row in raw_rows(config, "audit_entry")]
    assert told.count("workflow.finished") == 1


@each(SCENARIOS)
async def test_a_no_is_acted_on_at_every_checkpoint(
    scenario: Scenario, one_database: DatabaseConfig, tmp_path: Path
) -> None:
    async with open_world(settings_for(one_database, tmp_path), model=script()) as world:
        for checkpoint, expected in scenario.rejected.items():
            thread = await start(world, scenario)
            values = await look(world, scenario, thread)
            while values["workflow"]["step"] != checkpoint:
                assert held(values), (checkpoint, values["workflow"], values["messages"][-1]["content"])
                await decide(world, scenario, values, "approve")
                values = await look(world, scenario, thread)
            await decide(world, scenario, values, "reject", reason=REASON)
            after, values = await run_on(world, scenario, thread)
            assert tuple(after) == expected.then, checkpoint
            assert values["workflow"]["status"] == expected.status, (checkpoint, values["workflow"])
            said = [one for one in log_of(values, checkpoint) if one["outcome"] == "rejected"]
            assert {one["reason"] for one in said} == {REASON}, checkpoint
            assert REASON in values["messages"][-1]["content"], checkpoint
            if expected.check is not None:
                await expected.check(world, values)
