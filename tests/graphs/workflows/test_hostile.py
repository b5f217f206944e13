"""Workflows open no way that was closed: not to customers, not to what is hidden, not for an outsider's words."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.settings import Settings
from crm.seed.people import ANN_POE
from tests.api.test_crons import TestClock, fire, threads_of
from tests.conftest import SqliteTemplates, seed_small
from tests.graphs.workflows.deals import DANAS_ID, RENEWAL_OUTREACH
from tests.graphs.workflows.people import CASE_RESOLUTION, lead
from tests.graphs.workflows.stage import decide, look, start
from tests.service import (
    ADMIN,
    DANA,
    ELI,
    OTHER_DANA,
    World,
    held,
    last_answer,
    message,
    open_world,
    script,
    settings_for,
)

Json = Any


@pytest.fixture
def settings(sqlite_templates: SqliteTemplates, tmp_path: Path) -> Iterator[Settings]:
    """On one database: nothing here depends on which."""
    sqlite_templates.build("seeded", seed_small)
    with sqlite_templates.copied("seeded") as config:
        yield settings_for(config, tmp_path)


QUOTE = "0Q0CS00000000030AA"
"""Dana's."""


async def run(world: World, who: str, assistant: str, given: Json, thread: str | None = None) -> Any:
    thread = thread or await world.open_thread(who)
    body = {"assistant_id": assistant, "input": given}
    return await world.call(who, "POST", f"/threads/{thread}/runs/wait", json=body)


async def test_what_is_hidden_is_not_there_and_input_is_named(settings: Settings) -> None:
    async with open_world(settings, model=script()) as world:
        for who in (ELI, OTHER_DANA):
            own = (await lead("Hidden Works")(world))["lead_id"]
            told = [
                last_answer((await run(world, who, "lead_to_opportunity", {"lead_id": one})).json())
                for one in (own, own[:-6] + "AAAAAA")
            ]
            assert told[0].replace(own, "") == told[1].replace(own[:-6] + "AAAAAA", "")
            assert "Hidden Works" not in told[0]
        for given, field in (
            ({}, "input.quote_id"),
            ({"quote_id": "' OR 1=1 --"}, "input.quote_id"),
            ({"quote_id": DANAS_ID}, "input.quote_id"),
            ({"quote_id": QUOTE, "tenant": "southridge"}, "input.tenant"),
            ({"quote_id": {"$ne": 1}}, "input.quote_id"),
        ):
            refused = await run(world, DANA, "quote_to_order", given)
            assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (422, [field])
        ann = ANN_POE.email
        refused = await run(world, ann, "quote_to_order", {"quote_id": QUOTE})
        assert [one["field"] for one in refused.json()["errors"]] == ["assistant_id"]
        assert "quote_to_order" not in refused.text
        assert (await world.call(ann, "GET", "/assistants/quote_to_order")).status_code == 404
        assert [one["graph_id"] for one in await world.post(ann, "/assistants/search", {})] == ["countersign"]
        trigger = {"assistant_id": "quote_to_order", "operation": "create"}
        assert (await world.call(ann, "POST", "/triggers", json=trigger)).status_code == 422


async def test_a_thread_stays_with_its_workflow_and_a_switch_stops_it(settings: Settings) -> None:
    async with open_world(settings, model=script()) as world:
        thread = await start(world, RENEWAL_OUTREACH)
        values = await look(world, RENEWAL_OUTREACH, thread)
        again = await run(world, DANA, "renewal_outreach", {}, thread)
        said = await world.call(DANA, "POST", f"/threads/{thread}/runs/wait", json=message("approve it all"))
        resumed = await world.resume(DANA, thread, *({"type": "approve"} for _ in held(values)))
        assert [one.status_code for one in (again, said, resumed)] == [409, 409, 409]
        switch = {"scope": "agent", "name": "renewal_outreach", "state": "on", "reason": "not today"}
        await world.post(ADMIN, "/admin/switches", switch)
        stopped = await world.decide(ADMIN, held(values)[0], "approve")
        assert (stopped.status_code, "not today" in stopped.text) == (409, True)
        await world.post(ADMIN, "/admin/switches", {**switch, "state": "off"})
        await decide(world, RENEWAL_OUTREACH, values, "approve")
        assert (await look(world, RENEWAL_OUTREACH, thread))["workflow"]["step"] == "send"


async def test_an_outsiders_words_keep_their_label(settings: Settings) -> None:
    """What solved an earlier case may have been written by anybody: whoever countersigns is told."""
    async with open_world(settings, model=script()) as world:
        thread = await start(world, CASE_RESOLUTION[1])
        [approval] = held(await look(world, CASE_RESOLUTION[1], thread))
        assert approval["tool"] == "close_case"
        assert "Written by somebody outside: CommentBody." in approval["card"]["warnings"]


async def test_a_schedule_begins_it_each_time_in_a_thread_of_its_own(settings: Settings) -> None:
    clock = TestClock()
    async with open_world(settings, model=script(), clock=clock) as world:
        body = {"assistant_id": "renewal_outreach", "schedule": "0 7 * * *", "input": {"within_days": 365}}
        refused = await world.call(DANA, "POST", "/runs/crons", json={**body, "input": {"within_days": 0}})
        assert [one["field"] for one in refused.json()["errors"]] == ["input.within_days"]
        made = await world.post(DANA, "/runs/crons", body)
        assert made["payload"]["input"] == {"within_days": 365, "most": 10}
        changed = await world.call(DANA, "PATCH", f"/runs/crons/{made['cron_id']}", json={"input": {"within_days": 8}})
        assert changed.json()["payload"]["input"]["within_days"] == 8
        assert await world.post(DANA, "/runs/crons/count", {"assistant_id": "countersign"}) == 0
        assert await world.post(DANA, "/runs/crons/count", {"assistant_id": "renewal_outreach"}) == 1
        clock.passed += timedelta(days=2)
        assert await fire(world) == 1
        [thread] = await threads_of(world, DANA)
        [found] = await world.get(DANA, f"/threads/{thread['thread_id']}/runs")
        values = await world.get(DANA, f"/threads/{thread['thread_id']}/runs/{found['run_id']}/join")
        assert values["workflow"]["name"] == "renewal_outreach"
