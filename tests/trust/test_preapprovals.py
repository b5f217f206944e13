"""Caps of pre-approvals: counted in the transaction of the effect, by everybody at once; on both databases."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from crm.database import Database
from crm.ids import TenantId
from crm.repositories import approvals as rows
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import SOUTHRIDGE, staff_id
from graphs._calls import CallDesk
from graphs.context import RunContext
from tests.trust.scene import KEY, RENEWAL, Scene
from trust import policy_book
from trust.decisions import Deny
from trust.preapprovals import find_use
from trust.tenant_policy import Preapproval, TenantPolicy

STEP = Preapproval(
    "p1", "update_record", "Opportunity", frozenset({"NextStep"}), date(2026, 12, 31), None, staff_id("ada"), "r"
)
AMOUNT = replace(STEP, fields=frozenset({"Amount"}), amount_cap=500)


@pytest.fixture
def scene(seeded: Database) -> Scene:
    return Scene(seeded)


async def put(scene: Scene, *given: Preapproval, **more: Any) -> None:
    async with scene.database.session(scene.tenant, write=True) as session:
        current = await policy_book.load_current(session)
        changed = TenantPolicy(preapprovals=given, **more)
        await policy_book.put(
            session, changed, based_on=current.version, by=staff_id("ada"), note="", at=scene.now, kind="policy.changed"
        )


async def ask(scene: Scene, number: int, *, thread: str = "thread", record: str = RENEWAL, **fields: Any) -> str:
    """What becomes of one call: `applied`, `held`, or the error's words."""
    async with scene.database.session(scene.tenant) as session:
        principal = await scene.principal(session, "dana")
    context = RunContext(principal, thread, f"run-{number}", scene.now, scene.now.date())
    arguments = {"object": "Opportunity", "record_id": record, "fields": fields or {"NextStep": f"step {number}"}}
    call = {"id": "c1", "name": "update_record", "arguments": arguments, "verdict": ""}
    said = {"type": "human", "id": "m1", "content": f"{record} " + " ".join(map(str, fields.values()))}
    state: Any = {
        "messages": [said],
        "calls": [call],
        "route": {"agent": "sales"},
        "turn": {"trail": [], "tool_calls": 0},
    }
    update = await scene.desk.guard(state, context)
    if not update["messages"]:
        return "held"
    told = json.loads(update["messages"][0]["content"])
    return str(told["result"]["status"] if told["ok"] else told["error"]["message"])


async def used(scene: Scene, one: Preapproval) -> tuple[int, int]:
    async with scene.database.session(scene.tenant) as session:
        use = await find_use(session, one, at=scene.now)
    return use.count, use.amount


async def test_the_cap_counts_and_what_is_beyond_it_waits(scene: Scene) -> None:
    one = replace(STEP, count_cap=2)
    await put(scene, one)
    assert [await ask(scene, n) for n in range(4)] == ["applied", "applied", "held", "held"]
    assert await used(scene, one) == (2, 0)
    assert await scene.value("NextStep") == "step 1"
    tomorrow = replace(scene, now=scene.now.replace(day=3))
    assert await used(tomorrow, one) == (0, 0)
    assert await ask(tomorrow, 5) == "applied"
    elsewhere = Scene(scene.database, tenant=TenantId(SOUTHRIDGE))
    assert await ask(elsewhere, 1) == "held", "the other tenant has approved nothing"
    await put(elsewhere, one)
    assert [await ask(elsewhere, n) for n in (2, 3, 4)] == ["applied", "applied", "held"], "and counts for itself"


async def test_the_sum_counts_too(scene: Scene) -> None:
    one = replace(AMOUNT, sum_cap=700, period="always")
    await put(scene, one)
    await scene.change(Amount=450)
    assert await ask(scene, 1, Amount=400) == "applied"
    assert await ask(scene, 2, Amount=301) == "held"
    assert await ask(scene, 3, Amount=300) == "applied"
    assert await used(scene, one) == (2, 700)
    assert await ask(replace(scene, now=datetime(2026, 12, 30, tzinfo=UTC)), 4, Amount=310) == "held"


async def test_another_pre_approval_takes_over_and_one_without_a_cap_comes_first(scene: Scene) -> None:
    small, large = replace(STEP, count_cap=1), replace(STEP, preapproval_id="p2", count_cap=2)
    await put(scene, small, large)
    assert [await ask(scene, n) for n in range(4)] == ["applied"] * 3 + ["held"]
    free = replace(STEP, preapproval_id="p3")
    await put(scene, small, large, free)
    assert [await ask(scene, n) for n in range(5, 8)] == ["applied"] * 3
    assert (await used(scene, small), await used(scene, large)) == ((1, 0), (2, 0))


async def test_what_comes_to_nothing_uses_nothing_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    one = replace(STEP, count_cap=1)
    await put(scene, one)
    monkeypatch.setattr(CallDesk, "_rebuild", _refusing)
    assert await ask(scene, 1) == "the tool has changed"
    assert await used(scene, one) == (0, 0)
    monkeypatch.undo()
    assert [await ask(scene, n) for n in (2, 3)] == ["applied", "held"]


def _refusing(desk: Any, session: Any, context: Any) -> Any:
    async def rebuild(approval: Any) -> Deny:
        return Deny("catalogue", "the tool has changed")

    return rebuild


async def _open_opportunity(scene: Scene, number: int) -> str:
    async with scene.database.session(scene.tenant, write=True) as session:
        principal = await scene.principal(session, "dana")
        crm = EmbeddedCrm(session, principal.access, scene.now, KEY)
        values = {"Name": f"Deal {number}", "StageName": "Qualification", "CloseDate": "2026-12-01", "NextStep": "call"}
        return (await crm.apply(await crm.propose_create("Opportunity", values))).change.record_id


async def test_many_at_once_never_do_more_than_the_cap_and_none_is_lost(scene: Scene) -> None:
    """Two pre-approvals are used up by turns of several conversations, on PostgreSQL truly at once."""
    first, second = replace(STEP, count_cap=3), replace(STEP, preapproval_id="p2", count_cap=4)
    await put(scene, first, second)
    records = [await _open_opportunity(scene, n) for n in range(12)]
    asked = (ask(scene, n, thread=f"thread-{n % 5}", record=record) for n, record in enumerate(records))
    outcomes = await asyncio.gather(*asked)
    assert sorted(outcomes) == ["applied"] * 7 + ["held"] * (len(records) - 7)
    assert (await used(scene, first), await used(scene, second)) == ((3, 0), (4, 0))
    async with scene.database.session(scene.tenant) as session:
        written = await rows.list_approvals(session, limit=200)
        asked_now = [one for one in written if one.run_id.startswith("run-")]
        assert sorted(one.status for one in asked_now) == ["applied"] * 7 + ["pending"] * (len(records) - 7)
        assert {one.arguments["record_id"] for one in asked_now} == set(records), "every row still opens"


async def test_of_many_at_once_on_one_record_only_what_was_done_counts(scene: Scene) -> None:
    one = replace(STEP, count_cap=20)
    await put(scene, one)
    outcomes = await asyncio.gather(*(ask(scene, n, thread=f"thread-{n % 5}") for n in range(8)))
    done = outcomes.count("applied")
    assert done >= 1
    assert all(told == "applied" or told.startswith("changed since") for told in outcomes)
    assert await used(scene, one) == (done, 0)


async def test_a_pre_approval_that_was_withdrawn_meanwhile_is_not_stood_in_for(scene: Scene) -> None:
    """The request says which one it was done on; at the effect it has to be that one that still covers it."""
    await put(scene, STEP)
    assert await ask(scene, 1) == "applied"
    async with scene.database.session(scene.tenant) as session:
        [done] = [one for one in await rows.list_approvals(session, statuses=["applied"]) if one.run_id == "run-1"]
        principal = await scene.principal(session, "dana")
    assert done.rule["drawn"]["id"] == "p1"
    assert principal.with_preapprovals("p1").policy.preapprovals == (STEP,)
    assert principal.with_preapprovals("").policy.preapprovals == ()


@pytest.mark.parametrize(
    ("period", "day", "first"),
    [
        ("day", date(2026, 11, 4), date(2026, 11, 4)),
        ("week", date(2026, 11, 2), date(2026, 11, 2)),
        ("week", date(2026, 11, 8), date(2026, 11, 2)),
        ("week", date(2027, 1, 1), date(2026, 12, 28)),
        ("month", date(2026, 12, 31), date(2026, 12, 1)),
        ("always", date(2026, 12, 31), date(1970, 1, 1)),
    ],
)
def test_periods_begin_where_people_expect_it(period: Any, day: date, first: date) -> None:
    assert replace(STEP, period=period).period_of(day) == first


def test_what_was_granted_before_there_were_caps_reads_the_same() -> None:
    assert "period" not in STEP.to_json()
    capped = replace(STEP, count_cap=3, period="week")
    assert [Preapproval.from_json(one.to_json()) for one in (STEP, capped)] == [STEP, capped]
