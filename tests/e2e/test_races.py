"""Many at once: one decision counts, one effect happens, one process works on a run; on one service and on two."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk

from agents._scripted import ScriptedModel
from api.settings import Settings
from crm.ids import TenantId
from crm.repositories import runs
from crm.seed.people import staff_id
from crm.work import Run
from tests.service import (
    ADMIN,
    DANA,
    MARA,
    RENEWAL,
    Json,
    World,
    calls,
    held,
    last_answer,
    message,
    open_world,
    script,
)

NORTHWIND = TenantId("northwind")  # tenant-id: a test looks into the tenant that it asks through
RENEWAL_ID = "006CS0000000001YAA"
MARA_ID = staff_id("mara")
ASK = "change the opportunity"
DONE = AIMessage("Done.")
MANY = 32


def update(**fields: Any) -> AIMessage:
    return calls(("update_record", {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": fields}))


def next_line(messages: list[BaseMessage]) -> AIMessage:
    """A change when asked for one, a word otherwise: whose turn it is cannot be foreseen in a race."""
    asked = isinstance(messages[-1], HumanMessage) and "change" in str(messages[-1].content)
    return update(NextStep=str(uuid.uuid4())) if asked else DONE


async def renewal(world: World) -> Json:
    return await world.find(DANA, "Opportunity", RENEWAL)


async def applied(world: World, thread: str) -> list[Json]:
    entries = await world.get(ADMIN, "/ledger", params={"thread_id": thread})
    return [entry for entry in entries if entry["status"] == "applied"]


async def check_audit(world: World, approval: Json, *kinds: str) -> None:
    entries = await world.get(ADMIN, "/audit", params={"subject": approval["approval_id"]})
    assert [entry["kind"] for entry in entries] == ["approval.requested", *kinds]
    assert (await world.get(ADMIN, "/audit/verify"))["first_bad"] is None


def statuses(answers: list[httpx.Response]) -> dict[int, int]:
    found: dict[int, int] = {}
    for answer in answers:
        found[answer.status_code] = found.get(answer.status_code, 0) + 1
    return found


async def settled(world: World, thread: str) -> Json:
    """The thread once no run of it is unfinished."""
    for run in await world.get(DANA, f"/threads/{thread}/runs", params={"limit": 100}):
        await world.call(DANA, "GET", f"/threads/{thread}/runs/{run['run_id']}/join")
    found = await world.get(DANA, f"/threads/{thread}")
    assert found["status"] in ("idle", "interrupted")
    return found


@asynccontextmanager
async def two_worlds(settings: Settings, *models: ScriptedModel) -> AsyncIterator[tuple[World, World]]:
    """Two services on one database, each with a model of its own."""
    async with open_world(settings, model=models[0]) as first, open_world(settings, model=models[1]) as second:
        yield first, second


async def test_of_many_decisions_on_one_approval_one_counts(settings: Settings) -> None:
    model = script(update(StageName="Negotiation"), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, ASK))
        await world.token(MARA)
        answers = await asyncio.gather(*[world.decide(MARA, approval, "approve") for _ in range(MANY)])
        assert statuses(answers) == {200: 1, 409: MANY - 1}
        refusals = {answer.json()["type"] for answer in answers if answer.status_code == 409}
        assert refusals == {"urn:countersign:problem:approval-closed"}
        await settled(world, thread)
        assert (await renewal(world))["StageName"] == "Negotiation"
        assert len(await applied(world, thread)) == 1
        assert len(model.heard) == 2
        await check_audit(world, approval, "approval.approved", "effect.applied")


async def test_of_many_resumes_of_one_interrupt_one_counts(settings: Settings) -> None:
    model = script(update(NextStep="Call Ann"), DONE)
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        [approval] = held(await world.say(DANA, thread, ASK))
        answers = await asyncio.gather(*[world.resume(DANA, thread, {"type": "approve"}) for _ in range(MANY)])
        assert statuses(answers) == {200: 1, 409: MANY - 1}
        await settled(world, thread)
        assert (await renewal(world))["NextStep"] == "Call Ann"
        assert len(await applied(world, thread)) == 1
        assert len(model.heard) == 2
        await check_audit(world, approval, "approval.approved", "effect.applied")


async def test_of_contradicting_decisions_one_wins_and_the_record_agrees(settings: Settings) -> None:
    async with open_world(settings, model=script(*[next_line] * 8)) as world:
        for _ in range(4):
            thread = await world.open_thread(DANA)
            [approval] = held(await world.say(DANA, thread, ASK))
            wanted = approval["card"]["changes"][0]["fields"][0]["new"]
            answers = await asyncio.gather(
                *[world.decide(DANA, approval, "approve") for _ in range(4)],
                *[world.decide(MARA, approval, "reject", reason="no") for _ in range(4)],
                world.decide(DANA, approval, "recall"),
            )
            assert statuses(answers) == {200: 1, 409: 8}
            await settled(world, thread)
            won = (await world.get(DANA, f"/approvals/{approval['approval_id']}"))["status"]
            assert won in ("applied", "rejected", "recalled")
            assert ((await renewal(world))["NextStep"] == wanted) is (won == "applied")
            assert len(await applied(world, thread)) == (1 if won == "applied" else 0)


async def test_approvals_of_one_message_decided_at_once_each_happen_once(settings: Settings) -> None:
    fields = [{"NextStep": "Call"}, {"Description": "Told"}, {"LeadSource": "Web"}, {"ContactId": None}]
    wanted = [("update_record", {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": f}) for f in fields]
    async with open_world(settings, model=script(calls(*wanted), DONE)) as world:
        thread = await world.open_thread(DANA)
        waiting = held(await world.say(DANA, thread, ASK))
        assert len(waiting) == 4
        answers = await asyncio.gather(*[world.decide(DANA, one, "approve") for one in waiting for _ in range(2)])
        assert statuses(answers) == {200: 4, 409: 4}
        found = await settled(world, thread)
        assert found["status"] == "idle"
        assert len(await applied(world, thread)) == 4
        record = await renewal(world)
        assert (record["NextStep"], record["Description"], record["LeadSource"]) == ("Call", "Told", "Web")


async def test_two_services_on_one_database_carry_out_one_decision(settings: Settings) -> None:
    async with two_worlds(settings, script(*[next_line] * 6), script(*[next_line] * 6)) as (first, second):
        await asyncio.gather(first.token(MARA), second.token(MARA))
        for _ in range(3):
            thread = await first.open_thread(DANA)
            [approval] = held(await first.say(DANA, thread, ASK))
            both = [world.decide(MARA, approval, "approve") for _ in range(8) for world in (first, second)]
            answers = await asyncio.gather(*both)
            assert statuses(answers) == {200: 1, 409: 15}
            await settled(first, thread)
            assert len(await applied(first, thread)) == 1
            await check_audit(second, approval, "approval.approved", "effect.applied")


async def test_a_decision_and_a_new_message_at_once_do_not_block_each_other(settings: Settings) -> None:
    async with open_world(settings, model=script(*[next_line] * 18)) as world:
        for _ in range(6):
            thread = await world.open_thread(DANA)
            [approval] = held(await world.say(DANA, thread, ASK))
            body = message("show the accounts", multitask_strategy="interrupt")
            decided, said = await asyncio.gather(
                world.decide(DANA, approval, "approve"),
                world.call(DANA, "POST", f"/threads/{thread}/runs/wait", json=body),
            )
            assert decided.status_code in (200, 409)
            assert said.status_code == 200
            found = await settled(world, thread)
            assert found["status"] == "idle"
            status = (await world.get(DANA, f"/approvals/{approval['approval_id']}"))["status"]
            # A decision that won may still be stopped by the message before it is carried out; then it is refused.
            assert status in (("applied", "refused") if decided.status_code == 200 else ("recalled",))
            assert len(await applied(world, thread)) == (1 if status == "applied" else 0)


async def test_a_thread_deleted_while_it_is_decided_ends_both_cleanly(settings: Settings) -> None:
    async with open_world(settings, model=script(*[update(NextStep=f"S{n}") for n in range(5)], *[DONE] * 5)) as world:
        waiting = []
        for _ in range(5):
            thread = await world.open_thread(DANA)
            [approval] = held(await world.say(DANA, thread, ASK))
            waiting.append((thread, approval))
        for thread, approval in waiting:
            path = f"/approvals/{approval['approval_id']}/decision"
            body = {"decision": "approve", "digest": approval["digest"]}
            decided, deleted = await asyncio.gather(
                world.call(DANA, "POST", path, json=body), world.call(DANA, "DELETE", f"/threads/{thread}")
            )
            assert decided.status_code in (200, 404, 409)
            assert deleted.status_code == 204
            assert (await world.call(DANA, "GET", f"/threads/{thread}")).status_code == 404
            assert len(await applied(world, thread)) <= 1
        assert (await world.get(ADMIN, "/audit/verify"))["first_bad"] is None


class SlowModel(ScriptedModel):
    """Says its words with pauses."""

    async def _astream(self, *given: Any, **more: Any) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(*given, **more):
            await asyncio.sleep(0.05)
            yield chunk


async def test_two_runners_never_work_on_one_run(settings: Settings) -> None:
    first_model, second_model = (SlowModel(lines=[DONE] * 12) for _ in range(2))
    async with two_worlds(settings, first_model, second_model) as (first, second):
        threads = [await first.open_thread(DANA) for _ in range(6)]
        started = []
        for world, thread in zip([first, second] * 3, threads, strict=True):
            body = message("show the accounts")
            started.append((thread, await world.post(DANA, f"/threads/{thread}/runs", body)))
        for _ in range(20):
            for world in (first, second):
                for thread, _ in started:
                    world.service.runner.submit(NORTHWIND, thread)
            await asyncio.sleep(0.02)
        for thread, run in started:
            for world in (second, first):
                joined = await world.call(DANA, "GET", f"/threads/{thread}/runs/{run['run_id']}/join")
                assert last_answer(joined.json()).strip() == "Done."
        assert len(first_model.heard) + len(second_model.heard) == 6
        async with first.service.database.session(NORTHWIND) as session:
            for _, run in started:
                row = await runs.find(session, run["run_id"])
                assert row is not None
                assert (row.status, row.attempt) == ("success", 1)
                events = [
                    event.event for event in await runs.list_events(session, run["run_id"], thread_id=run["thread_id"])
                ]
                assert events.count("metadata") == events.count("end") == 1


async def test_a_free_run_is_leased_to_one_of_many(settings: Settings) -> None:
    async with two_worlds(settings, script(), script()) as (first, second):
        thread = await first.open_thread(DANA)
        principal = await first.service.authenticator.authenticate(await first.token(DANA))
        now = datetime.now(UTC)
        async with first.service.database.session(NORTHWIND, write=True) as session:
            run = Run(
                run_id="00000000-0000-4000-8000-000000000001",
                thread_id=thread,
                assistant_id="countersign",
                on_behalf_of=principal.id,
                request={"kind": "message", "input": [], "context": {}, "scopes": [], "stream_mode": []},
                details={},
                status="running",
                attempt=1,
                lease_owner="somebody who is at work",
                lease_until=now + timedelta(hours=1),
                created_at=now,
                updated_at=now,
            )
            await runs.add(session, run)

        async def claim(world: World, who: str, at: datetime) -> bool:
            async with world.service.database.session(NORTHWIND, write=True) as session:
                until = at + timedelta(hours=1)
                return await runs.claim(session, run.run_id, by=who, at=at, until=until)

        assert not await claim(first, "too early", now + timedelta(minutes=59))
        later = now + timedelta(minutes=61)
        claims = [claim(world, f"{n}", later) for n in range(8) for world in (first, second)]
        assert sorted(await asyncio.gather(*claims)) == [False] * 15 + [True]


async def test_a_run_whose_lease_was_lost_is_not_finished_by_its_former_holder(settings: Settings) -> None:
    model = SlowModel(lines=[AIMessage("one two three four five six seven eight nine ten"), DONE])
    async with open_world(settings, model=model) as world:
        thread = await world.open_thread(DANA)
        run = await world.post(DANA, f"/threads/{thread}/runs", message("show the accounts"))
        async with world.service.database.session(NORTHWIND, write=True) as session:
            row = await runs.find(session, run["run_id"])
            assert row is not None
            row.lease_owner = "another"
        await asyncio.sleep(1.2)
        async with world.service.database.session(NORTHWIND) as session:
            row = await runs.find(session, run["run_id"])
            assert row is not None
            assert (row.status, row.lease_owner) == ("running", "another")
            assert "end" not in [
                event.event for event in await runs.list_events(session, run["run_id"], thread_id=run["thread_id"])
            ]
        assert (await world.get(DANA, f"/threads/{thread}"))["status"] == "busy"


async def test_a_run_accepted_as_the_last_one_ends_starts_at_once(settings: Settings) -> None:
    rounds = 30
    async with open_world(settings, model=script(*[DONE] * (rounds + 1))) as world:
        thread = await world.open_thread(DANA)
        await world.say(DANA, thread, "show the accounts")
        for _ in range(rounds):
            async with asyncio.timeout(10):  # a run left to its lease takes 15 s
                await world.say(DANA, thread, "show the accounts")


async def test_a_run_cancelled_at_any_moment_stops_without_waiting_for_its_lease(settings: Settings) -> None:
    model = SlowModel(lines=[AIMessage("word " * 2_000)] * 12)
    async with open_world(settings, model=model, lease=timedelta(hours=1)) as world:
        for pause_ms in range(12):
            thread = await world.open_thread(DANA)
            run = await world.post(DANA, f"/threads/{thread}/runs", message("show the accounts"))
            await asyncio.sleep(pause_ms / 1000)
            path = f"/threads/{thread}/runs/{run['run_id']}"
            async with asyncio.timeout(20):
                assert (await world.call(DANA, "POST", f"{path}/cancel", params={"wait": True})).status_code == 204
            assert (await world.get(DANA, path))["status"] == "interrupted"
            assert (await world.get(DANA, f"/threads/{thread}"))["status"] == "idle"


async def test_of_deciding_recalling_passing_on_and_running_out_one_ends_it(settings: Settings) -> None:
    """All at once, on one approval after the other; the audit and the record agree on who was first."""
    late = [datetime.now(UTC)]
    model = script(*[next_line] * 20)
    async with open_world(settings, model=model, clock=lambda: late[0]) as world:
        await world.service.housekeeper.stop()
        conversations = world.service.conversations
        await asyncio.gather(world.token(DANA), world.token(MARA))
        for is_late in (False, True, True):
            thread = await world.open_thread(DANA)
            [approval] = held(await world.say(DANA, thread, ASK))
            wanted = approval["card"]["changes"][0]["fields"][0]["new"]
            path = f"/approvals/{approval['approval_id']}/reassign"
            late[0] += timedelta(days=8 if is_late else 0)
            *answers, expired, expired_too = await asyncio.gather(
                world.decide(MARA, approval, "approve"),
                world.decide(MARA, approval, "reject", reason="no"),
                world.decide(DANA, approval, "recall"),
                world.call(MARA, "POST", path, json={"to": MARA_ID}),
                conversations.expire_due(NORTHWIND),
                conversations.expire_due(NORTHWIND),
            )
            await settled(world, thread)
            won = (await world.get(DANA, f"/approvals/{approval['approval_id']}"))["status"]
            decided = sum(one.status_code == 200 for one in answers[:3])
            if is_late:
                assert won in ("expired", "recalled")
                assert decided == (1 if won == "recalled" else 0)
                assert expired + expired_too <= (1 if won == "expired" else 0)
            else:
                assert (won in ("applied", "rejected", "recalled"), decided, expired, expired_too) == (True, 1, 0, 0)
            assert ((await renewal(world))["NextStep"] == wanted) is (won == "applied")
            ends = [e["kind"] for e in await world.get(ADMIN, "/audit", params={"subject": approval["approval_id"]})]
            closing = {"approval.approved", "approval.rejected", "approval.recalled", "approval.expired"}
            assert len([kind for kind in ends if kind in closing]) == 1
            values = (await world.get(DANA, f"/threads/{thread}"))["values"]
            asked = {call["id"] for m in values["messages"] for call in m.get("tool_calls") or ()}
            assert asked <= {m.get("tool_call_id") for m in values["messages"]}
