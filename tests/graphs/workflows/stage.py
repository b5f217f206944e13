"""Scenarios of workflows: what starts them, where they wait, and what is to come of a yes or a no there."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crm.ids import TenantId
from tests.service import ADMIN, World, held
from trust.principal import load_principal

Json = Any
NORTHWIND = TenantId("northwind")  # tenant-id: a test prepares records of the tenant that it asks through
TODAY = "2026-09-01"
Check = Callable[[World, Json], Awaitable[None]]


@dataclass(frozen=True)
class Rejected:
    """What a no at a checkpoint leads to: how it ends, and where it waits before that."""

    status: str
    then: tuple[str, ...] = ()
    check: Check | None = None


@dataclass(frozen=True)
class Scenario:
    """One run through a workflow; `given` makes what it is started with."""

    workflow: str
    case: str
    """What is special about it, in a word."""
    who: str
    given: Callable[[World], Awaitable[Json]]
    waits: tuple[str, ...]
    check: Check
    rejected: Mapping[str, Rejected]
    decider: str = ADMIN
    ends: str = "done"
    is_main: bool = True
    """Whether it is tried on both databases."""
    context: Mapping[str, Json] = field(default_factory=lambda: {"today": TODAY})


async def create(world: World, object_name: str, by: str, **fields: Json) -> str:
    """A record of somebody's, as if they had entered it long ago; gives its id."""
    runner = world.service.runner
    async with world.service.database.session(NORTHWIND, write=True) as session:
        principal = await load_principal(session, by, frozenset(), at=runner.clock())
        crm = runner.desk.crm_for(session, principal, runner.clock())
        return (await crm.apply(await crm.propose_create(object_name, fields))).change.record_id


async def start(world: World, scenario: Scenario) -> str:
    """Start it over HTTP; gives the thread."""
    thread = await world.open_thread(scenario.who)
    body = {
        "assistant_id": scenario.workflow,
        "input": await scenario.given(world),
        "context": dict(scenario.context),
    }
    await world.post(scenario.who, f"/threads/{thread}/runs/wait", body)
    return thread


async def look(world: World, scenario: Scenario, thread: str) -> Json:
    """The thread's values, with what it waits for."""
    found = await world.get(scenario.who, f"/threads/{thread}")
    waiting = [one for some in found["interrupts"].values() for one in some]
    assert found["status"] == ("interrupted" if waiting else "idle"), found
    return found["values"] | {"__interrupt__": waiting}


async def decide(world: World, scenario: Scenario, values: Json, decision: str, **more: Any) -> None:
    """The same word on everything that it waits for."""
    for approval in held(values):
        decided = await world.decide(scenario.decider, approval, decision, **more)
        assert decided.status_code == 200, decided.text
        found = decided.json()["approval"]
        assert found["status"] == ("applied" if decision == "approve" else "rejected"), found["result"]


async def run_on(world: World, scenario: Scenario, thread: str) -> tuple[list[str], Json]:
    """Say yes to everything from here; gives the checkpoints that were met, and the values at the end."""
    met: list[str] = []
    values = await look(world, scenario, thread)
    while held(values):
        met.append(values["workflow"]["step"])
        assert len(met) < 20, met
        await decide(world, scenario, values, "approve")
        values = await look(world, scenario, thread)
    return met, values


def log_of(values: Json, step: str) -> list[Json]:
    return [one for one in values["workflow"]["log"] if one["step"] == step]


def records_of(values: Json, step: str) -> list[str]:
    return [one["record"] for one in log_of(values, step)]
