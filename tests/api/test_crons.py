"""Schedules over HTTP: made, changed, found and deleted as the public client does, fired once, with today's rights."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from api.settings import Settings
from crm.ids import TenantId
from crm.records import User
from graphs.schedules import MOST_SCHEDULES
from tests.graphs.test_turn import TestClock
from tests.service import (
    ADMIN,
    DANA,
    ELI,
    MARA,
    OTHER_DANA,
    Json,
    World,
    held,
    last_answer,
    make_app,
    open_world,
    script,
    serve,
)

NORTHWIND = TenantId("northwind")  # tenant-id: a test looks into the tenant that it asks through
REVIEW = "review my day"


def cron(**more: Any) -> Json:
    return {
        "assistant_id": "countersign",
        "schedule": "0 7 * * 1-5",
        "timezone": "Europe/Berlin",
        "input": {"messages": [{"type": "human", "content": REVIEW}]},
        **more,
    }


async def fire(world: World) -> int:
    begun = await world.service.schedules.fire_due()
    for _, task in list(world.service.runner._running.values()):
        await task
    return begun


async def threads_of(world: World, who: str) -> list[Json]:
    found: list[Json] = await world.post(who, "/threads/search", {"limit": 100})
    return [one for one in found if "schedule_id" in one["metadata"]]


async def answered(world: World, who: str) -> list[str]:
    """What was answered in each conversation that a schedule began."""
    answers = []
    for thread in await threads_of(world, who):
        [run] = await world.get(who, f"/threads/{thread['thread_id']}/runs")
        values = await world.get(who, f"/threads/{thread['thread_id']}/runs/{run['run_id']}/join")
        answers.append(last_answer(values))
    return answers


class TestFiring:
    async def test_each_time_opens_a_conversation_of_the_owners(self, settings: Settings) -> None:
        clock = TestClock()
        async with open_world(settings, clock=clock) as world:
            made = await world.post(DANA, "/runs/crons", cron())
            assert await fire(world) == 0
            clock.passed += timedelta(days=4)
            assert await fire(world) == 1
            assert await fire(world) == 0  # what was missed is made up for once
            [answer] = await answered(world, DANA)
            assert answer
            assert [one["metadata"]["schedule_id"] for one in await threads_of(world, DANA)] == [made["cron_id"]]
            assert await threads_of(world, OTHER_DANA) == []
            assert await threads_of(world, MARA) == []

    async def test_two_processes_that_look_at_once_fire_it_once(self, settings: Settings) -> None:
        clock = TestClock()
        async with open_world(settings, clock=clock) as one, open_world(settings, clock=clock) as other:
            await one.post(DANA, "/runs/crons", cron())
            clock.passed += timedelta(days=4)
            due = [await world.service.database.tenants() for world in (one, other)]
            assert due[0] == due[1]
            begun = [await fire(world) for world in (one, other)]
            assert sum(begun) == 1

    async def test_it_asks_each_holder_of_a_permission_set_with_their_own_rights(self, settings: Settings) -> None:
        clock = TestClock()
        async with open_world(settings, clock=clock) as world:
            await world.post(ADMIN, "/runs/crons", cron(for_each="sales_rep"))
            clock.passed += timedelta(days=4)
            assert await fire(world) >= 2
            assert len(await answered(world, DANA)) == len(await answered(world, ELI)) == 1
            assert await threads_of(world, OTHER_DANA) == []

    async def test_a_write_that_it_asks_for_waits_like_any_other(self, settings: Settings) -> None:
        clock = TestClock()
        write = ("create_record", {"object": "Contact", "fields": {"LastName": "Scheduled"}})
        call = {"name": write[0], "args": write[1], "id": "c1"}
        model = script(AIMessage("", tool_calls=[call]))
        async with open_world(settings, model=model, clock=clock) as world:
            text = "create a contact named Scheduled"
            await world.post(DANA, "/runs/crons", cron(input={"messages": [{"type": "human", "content": text}]}))
            clock.passed += timedelta(days=4)
            assert await fire(world) == 1
            [thread] = await threads_of(world, DANA)
            [run] = await world.get(DANA, f"/threads/{thread['thread_id']}/runs")
            values = await world.get(DANA, f"/threads/{thread['thread_id']}/runs/{run['run_id']}/join")
            assert [one["tool"] for one in held(values)] == ["create_record"]

    async def test_it_stops_when_its_owner_is_gone(self, settings: Settings) -> None:
        clock = TestClock()
        async with open_world(settings, clock=clock) as world:
            me = await world.get(DANA, "/me")
            await world.post(DANA, "/runs/crons", cron())
            async with world.service.database.session(NORTHWIND, write=True) as session:
                user = await session.get(User, (NORTHWIND, me["id"]))
                assert user is not None
                user.IsActive = False
            clock.passed += timedelta(days=4)
            assert await fire(world) == 0
            async with world.service.database.session(NORTHWIND, write=True) as session:
                user = await session.get(User, (NORTHWIND, me["id"]))
                assert user is not None
                user.IsActive = True
            [found] = await world.post(DANA, "/runs/crons/search", {})
            assert found["enabled"] is False
            assert found["stopped_because"]

    async def test_it_keeps_the_wall_time_of_its_zone(self, settings: Settings) -> None:
        winter = TestClock(datetime(2026, 3, 27, 12, tzinfo=UTC) - datetime.now(UTC))
        async with open_world(settings, clock=winter) as world:
            before = await world.post(DANA, "/runs/crons", cron(schedule="0 7 * * *"))
            assert before["next_run_date"] == "2026-03-28T06:00:00Z"
            winter.passed += timedelta(days=2)
            after = await world.post(DANA, "/runs/crons", cron(schedule="0 7 * * *"))
            assert after["next_run_date"] == "2026-03-30T05:00:00Z"


class TestOwnership:
    async def test_nobody_else_sees_changes_or_deletes_it(self, world: World) -> None:
        made = await world.post(DANA, "/runs/crons", cron())
        for who in (MARA, ADMIN, OTHER_DANA):
            assert await world.post(who, "/runs/crons/search", {}) == []
            assert await world.post(who, "/runs/crons/count", {}) == 0
            changed = await world.call(who, "PATCH", f"/runs/crons/{made['cron_id']}", json={"enabled": False})
            deleted = await world.call(who, "DELETE", f"/runs/crons/{made['cron_id']}")
            assert (changed.status_code, deleted.status_code) == (404, 404)
        assert await world.post(DANA, "/runs/crons/count", {}) == 1

    async def test_asking_for_others_needs_the_permission(self, world: World) -> None:
        for who in (DANA, MARA):
            refused = await world.call(who, "POST", "/runs/crons", json=cron(for_each="sales_rep"))
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "for_each")

    async def test_there_is_an_end_to_how_many_a_person_has(self, world: World) -> None:
        for _ in range(MOST_SCHEDULES):
            await world.post(DANA, "/runs/crons", cron())
        refused = await world.call(DANA, "POST", "/runs/crons", json=cron())
        assert refused.status_code == 422


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("schedule", cron(schedule="every morning")),
        ("schedule", cron(schedule="* * * * * *")),
        ("schedule", cron(schedule="0 7 31 2 *")),
        ("timezone", cron(timezone="Mars/Olympus")),
        ("timezone", cron(timezone="../../etc/passwd")),
        ("assistant_id", cron(assistant_id="another")),
        ("input.messages", cron(input={"messages": []})),
        ("input", cron(input=None)),
        ("webhook", cron(webhook="https://example.com")),
        ("interrupt_before", cron(interrupt_before="*")),
        ("context.today", cron(context={"today": "2026-01-01"})),
        ("end_time", cron(end_time="tomorrow")),
        ("for_each", cron(for_each="nobody has this")),
    ],
    ids=str,
)
async def test_a_schedule_that_cannot_be_names_what_is_wrong(world: World, field: str, body: Json) -> None:
    refused = await world.call(ADMIN, "POST", "/runs/crons", json=body)
    assert refused.status_code == 422, refused.text
    assert [error["field"] for error in refused.json()["errors"]] == [field]


@pytest.mark.slow
async def test_the_public_client_makes_changes_finds_and_deletes_it(settings: Settings) -> None:
    with serve(make_app(settings)) as url:
        async with httpx.AsyncClient(base_url=url) as plain:
            token = (await plain.post("/dev/login", json={"username": DANA})).json()["access_token"]
        client = get_client(url=url, api_key=None, headers={"Authorization": f"Bearer {token}"})
        async with client:
            await use(client)


async def use(client: LangGraphClient) -> None:
    made = await client.crons.create(
        "countersign",
        schedule="0 7 * * 1-5",
        timezone="Europe/Berlin",
        input={"messages": [{"role": "user", "content": REVIEW}]},
        metadata={"kind": "review"},
        end_time=datetime(2099, 1, 1, tzinfo=UTC),
    )
    assert made["enabled"] is True  # type: ignore[typeddict-item] # the client calls what it gets a run
    assert await client.crons.count() == 1
    [found] = await client.crons.search(metadata={"kind": "review"})
    assert found["payload"]["input"]["messages"][0]["content"] == REVIEW
    changed = await client.crons.update(found["cron_id"], enabled=False, schedule="0 8 * * *")
    assert (changed["enabled"], changed["next_run_date"]) == (False, None)
    await client.crons.delete(found["cron_id"])
    assert await client.crons.count() == 0
