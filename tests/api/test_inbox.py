"""The inbox over HTTP: whose what is, deciding many at once, passing on, and asking again for what was refused."""

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from sqlalchemy import delete, event, update

from api.housekeeper import Housekeeper
from api.settings import Settings
from crm.ids import TenantId
from crm.inbox import ApprovalRecord
from crm.repositories import approvals as approval_rows
from crm.repositories.inbox import list_below, note_of
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import staff_id
from crm.work import Approval
from tests.service import ADMIN, DANA, ELI, MARA, OTHER_DANA, World, calls, held, open_world, script
from trust.approvals import can_see
from trust.entitlement import Judge
from trust.inbox import find_seen_among

Json = Any
RENEWAL_ID = "006CS0000000001YAA"
HARBOR_ID = "006CS0000000004YAA"
OWEN, VICTOR, OTHER_MARA = "owen@northwind.example", "victor@northwind.example", "mara@southridge.example"
NORTHWIND = TenantId("northwind")  # tenant-id: a test looks into the tenant that it asks through
DONE = AIMessage("Done.")
ASK = "change the opportunity"
READ = ("approval", "account", "opportunity", "data_key")


def updates(*fields: dict[str, Any], record: str = RENEWAL_ID) -> AIMessage:
    wanted = [("update_record", {"object": "Opportunity", "record_id": record, "fields": one}) for one in fields]
    return calls(*wanted)


async def ask(world: World, who: str = DANA) -> list[Json]:
    return held(await world.say(who, await world.open_thread(who), ASK))


def ids(found: list[Json]) -> list[str]:
    return [one["approval_id"] for one in found]


async def test_each_view_shows_whose_it_is_and_the_counts_agree(settings: Settings) -> None:
    first = updates({"NextStep": "Call Ann"}, {"StageName": "Negotiation"})
    async with open_world(settings, model=script(first, first)) as world:
        own, second_person = await ask(world)
        await ask(world, OTHER_DANA)
        expected = {
            DANA: {"all": 2, "mine": 1, "team": 0, "decidable": 1, "requested": 2},
            MARA: {"all": 2, "mine": 2, "team": 2, "decidable": 2, "requested": 0},
            VICTOR: {"all": 2, "mine": 2, "team": 2, "decidable": 2, "requested": 0},
            ELI: {"all": 0, "mine": 0, "team": 0, "decidable": 0, "requested": 0},
            OTHER_MARA: {"all": 2, "mine": 2, "team": 2, "decidable": 2, "requested": 0},
        }
        for who, counts in expected.items():
            told = await world.get(who, "/approvals/counts")
            assert {view: told[view] for view in counts} == counts, who
            assert (told["oldest"] is None) is (counts["mine"] == 0)
            for view, count in counts.items():
                found = await world.get(who, "/approvals", params={"view": view})
                assert len(found) == count, (who, view)
                if who != OTHER_MARA:
                    assert set(ids(found)) <= {own["approval_id"], second_person["approval_id"]}
        assert ids(await world.get(DANA, "/approvals", params={"view": "mine"})) == [own["approval_id"]]


async def test_requests_are_found_by_what_they_are_about(settings: Settings) -> None:
    first = calls(
        ("update_record", {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"NextStep": "Call Ann"}}),
        ("create_record", {"object": "Task", "fields": {"Subject": "Call", "WhatId": RENEWAL_ID}}),
        ("update_record", {"object": "Opportunity", "record_id": HARBOR_ID, "fields": {"NextStep": "Call Bob"}}),
    )
    async with open_world(settings, model=script(first, first)) as world:
        renewal, task, harbor = await ask(world)
        await ask(world, OTHER_DANA)
        one = await world.get(DANA, f"/approvals/{renewal['approval_id']}")
        for params, expected in (
            ({"record": RENEWAL_ID}, [renewal, task]),
            ({"record": RENEWAL_ID[:15]}, [renewal, task]),
            ({"record": HARBOR_ID}, [harbor]),
            ({"record": "006CS0000000099YAA"}, []),
            ({"tool": "create_record"}, [task]),
            ({"object": "Opportunity"}, [renewal, harbor]),
            ({"run_id": one["run_id"]}, [renewal, task, harbor]),
            ({"thread_id": one["thread_id"], "status": ["applied"]}, []),
            ({"requester": staff_id("dana")}, [renewal, task, harbor]),
            ({"requester": staff_id("eli")}, []),
            ({"tainted": "true"}, []),
            ({"external": "false", "object": "Task"}, [task]),
            ({"since": "2100-01-01T00:00:00Z"}, []),
            ({"until": "2100-01-01T00:00:00Z"}, [renewal, task, harbor]),
        ):
            found = await world.get(DANA, "/approvals", params=params)
            assert set(ids(found)) == {one["approval_id"] for one in expected}, params
        for params, field in (({"record": "x"}, "record"), ({"view": "all of it"}, "view"), ({"sort": "x"}, "sort")):
            refused = await world.call(DANA, "GET", "/approvals", params=params)
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


async def test_pages_follow_each_other_without_gaps_and_belong_to_one_question(settings: Settings) -> None:
    steps = [updates(*({"NextStep": f"Step {place}.{n}"} for n in range(4))) for place in range(3)]
    async with open_world(settings, model=script(*steps)) as world:
        for _ in steps:
            await ask(world)
        everything = ids(await world.get(MARA, "/approvals", params={"view": "mine"}))
        assert len(everything) == 12
        for sort in ("newest", "oldest", "expiring"):
            seen, cursor = [], None
            while True:
                params = {"view": "mine", "sort": sort, "limit": 5} | ({"cursor": cursor} if cursor else {})
                page = await world.call(MARA, "GET", "/approvals", params=params)
                seen += ids(page.json())
                cursor = page.headers.get("X-Pagination-Next") or ""
                if not cursor:
                    break
                last = cursor
            assert sorted(seen) == sorted(everything)
            for who, params in (
                (MARA, {"view": "team", "sort": sort}),
                (VICTOR, {"view": "mine", "sort": sort}),
                (OTHER_MARA, {"view": "mine", "sort": sort}),
                (MARA, {"view": "mine", "sort": sort, "tool": "create_record"}),
            ):
                refused = await world.call(who, "GET", "/approvals", params=params | {"cursor": last})
                assert (refused.status_code, refused.json()["type"]) == (422, "urn:countersign:problem:cursor")
            forged = last[:-6] + ("AAAAAA" if not last.endswith("AAAAAA") else "BBBBBB")
            refused = await world.call(
                MARA, "GET", "/approvals", params={"view": "mine", "sort": sort, "cursor": forged}
            )
            assert refused.status_code == 422


async def test_what_many_show_is_what_each_shows_and_costs_the_same_statements(settings: Settings) -> None:
    mixed = calls(
        ("update_record", {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"NextStep": "Call Ann"}}),
        ("create_record", {"object": "Task", "fields": {"Subject": "Call", "WhatId": RENEWAL_ID}}),
        ("update_record", {"object": "Account", "record_id": "001CS0000000001YAA", "fields": {"Phone": "+1 555 0100"}}),
    )
    async with open_world(settings, model=script(*[mixed] * 4)) as world:
        database, service = world.service.database, world.service
        for chore in (service.courier, service.announcer, service.housekeeper, service.postman):
            await chore.stop()
        counted: list[int] = []
        await world.token(MARA)
        for _ in range(2):
            await ask(world)
            await ask(world)
            statements: list[str] = []
            listen = lambda *given: statements.append(given[2])  # noqa: B023, E731
            event.listen(database._engine.sync_engine, "before_cursor_execute", listen)
            assert len(await world.get(MARA, "/approvals", params={"limit": 200})) == 6 * (len(counted) + 1)
            event.remove(database._engine.sync_engine, "before_cursor_execute", listen)
            counted.append(
                len([one for one in statements if "approval" in one or "FROM account" in one or "FROM opp" in one])
            )
        assert counted[0] == counted[1]
        for person in ("dana", "mara", "victor", "owen", "eli", "lena", "ada", "stella"):
            async with database.session(NORTHWIND) as session:
                principal = await world.service.authenticator.authenticate(
                    await world.token(f"{person}@northwind.example")
                )
                now = world.service.runner.clock()
                crm = EmbeddedCrm(session, principal.access, now, b"k" * 32)
                rows = await approval_rows.list_approvals(session)
                below = await list_below(session, principal.access)
                alone = [
                    one.approval_id
                    for one in rows
                    if await can_see(one, principal, crm, at=now, is_superior=one.requester in below)
                ]
                notes = [note_of(one) for one in rows]
                seen = await find_seen_among(session, notes, principal, crm, Judge(principal, now))
                together = [one.approval_id for one in seen]
            assert together == alone, person
            counted_all = (await world.service.inbox.count(principal)).by_view["all"]
            assert counted_all == len(alone), person


class TestBatch:
    async def test_one_card_for_many_a_veto_for_one_and_twice_is_once(self, settings: Settings) -> None:
        steps = updates({"NextStep": "Call Ann"}, {"Description": "Told"}, {"LeadSource": "Web"})
        async with open_world(settings, model=script(steps, DONE)) as world:
            waiting = await ask(world)
            body: Json = {"approval_ids": ids(waiting)}
            card = await world.post(MARA, "/approvals/batch/preview", body)
            assert (card["tool"], card["object"]) == ("update_record", "Opportunity")
            shown = [item["changes"][0]["fields"][0]["field"] for item in card["items"]]
            assert shown == ["NextStep", "Description", "LeadSource"]
            body |= {"decision": "approve", "digest": card["digest"], "reason": "fine"}
            body["veto"] = [{"approval_id": waiting[1]["approval_id"], "reason": "not told yet"}]
            wrong = await world.call(MARA, "POST", "/approvals/batch/decision", json=body | {"digest": "0" * 64})
            assert (wrong.status_code, wrong.json()["type"]) == (409, "urn:countersign:problem:digest-mismatch")
            for _ in range(2):
                told = await world.post(MARA, "/approvals/batch/decision", body)
                assert [one["outcome"] for one in told["items"]] == ["decided", "vetoed", "decided"]
            other = await world.post(VICTOR, "/approvals/batch/decision", body)
            assert [one["outcome"] for one in other["items"]] == ["not_decided"] * 3
            await self.rest(world, waiting[0])
            statuses = [(await world.get(MARA, f"/approvals/{one}"))["status"] for one in ids(waiting)]
            assert statuses == ["applied", "rejected", "applied"]
            record = await world.find(DANA, "Opportunity", RENEWAL_ID)
            assert (record["NextStep"], record["LeadSource"], record["Description"] == "Told") == (
                "Call Ann",
                "Web",
                False,
            )

    @staticmethod
    async def rest(world: World, approval: Json) -> None:
        thread = (await world.get(DANA, f"/approvals/{approval['approval_id']}"))["thread_id"]
        for run in await world.get(DANA, f"/threads/{thread}/runs"):
            await world.call(DANA, "GET", f"/threads/{thread}/runs/{run['run_id']}/join")

    async def test_what_does_not_belong_is_named_with_its_reason(self, settings: Settings) -> None:
        mixed = calls(
            ("update_record", {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"NextStep": "Call Ann"}}),
            (
                "update_record",
                {"object": "Account", "record_id": "001CS0000000001YAA", "fields": {"Phone": "+15550100"}},
            ),
            ("create_record", {"object": "Task", "fields": {"Subject": "Call", "WhatId": RENEWAL_ID}}),
            (
                "update_record",
                {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"StageName": "Negotiation"}},
            ),
        )
        async with open_world(settings, model=script(mixed, mixed)) as world:
            first, account, task, stage = await ask(world)
            [foreign, *_] = await ask(world, OTHER_DANA)

            async def refuse(who: str, *approvals: str) -> dict[str, str]:
                answer = await world.call(who, "POST", "/approvals/batch/preview", json={"approval_ids": approvals})
                assert (answer.status_code, answer.json()["type"]) == (422, "urn:countersign:problem:batch")
                return {one["field"]: one["message"] for one in answer.json()["errors"]}

            one = first["approval_id"]
            for other, word in ((account, "kind of record"), (task, "tool"), (stage, "rule")):
                told = await refuse(MARA, one, other["approval_id"])
                assert list(told) == [f"approval_ids.{other['approval_id']}"]
                assert word in told[f"approval_ids.{other['approval_id']}"]
            hidden = "there is no such request that you can see"
            for who, approval in ((MARA, foreign["approval_id"]), (MARA, staff_uuid()), (ELI, one)):
                assert await refuse(who, approval) == {f"approval_ids.{approval}": hidden}
            assert (
                "may not decide" in (await refuse(DANA, stage["approval_id"]))[f"approval_ids.{stage['approval_id']}"]
            )
            await world.decide(MARA, first, "reject")
            assert "already rejected" in (await refuse(MARA, one))[f"approval_ids.{one}"]
            double = await world.call(MARA, "POST", "/approvals/batch/preview", json={"approval_ids": [one, one]})
            assert double.status_code == 422
            for body, field in (({"approval_ids": []}, "approval_ids"), ({"approval_ids": ["x"]}, "approval_ids.0")):
                answer = await world.call(MARA, "POST", "/approvals/batch/preview", json=body)
                assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)

    async def test_a_batch_and_single_decisions_at_once_decide_each_once(self, settings: Settings) -> None:
        steps = updates({"NextStep": "Call Ann"}, {"Description": "Told"}, {"LeadSource": "Web"})
        async with open_world(settings, model=script(steps, *[DONE] * 6)) as world:
            waiting = await ask(world)
            await asyncio.gather(world.token(MARA), world.token(VICTOR))
            card = await world.post(MARA, "/approvals/batch/preview", {"approval_ids": ids(waiting)})
            body = {"approval_ids": ids(waiting), "decision": "approve", "digest": card["digest"]}
            batch, *singles = await asyncio.gather(
                world.post(MARA, "/approvals/batch/decision", body),
                *(world.decide(VICTOR, one, "reject", reason="no") for one in waiting),
            )
            await self.rest(world, waiting[0])
            entries = await world.get(ADMIN, "/audit", params={"limit": 500})
            for one, single, item in zip(waiting, singles, batch["items"], strict=True):
                assert (single.status_code == 200) is (item["outcome"] == "not_decided")
                status = (await world.get(MARA, f"/approvals/{one['approval_id']}"))["status"]
                assert status == ("rejected" if single.status_code == 200 else "applied")
                kinds = [e["kind"] for e in entries if e["subject"] == one["approval_id"]]
                assert len([kind for kind in kinds if kind in ("approval.approved", "approval.rejected")]) == 1


def staff_uuid() -> str:
    return "00000000-0000-4000-8000-000000000000"


async def test_a_request_is_put_before_somebody_who_may_decide_it(settings: Settings) -> None:
    async with open_world(settings, model=script(updates({"StageName": "Negotiation"}), DONE)) as world:
        [approval] = await ask(world)
        path = f"/approvals/{approval['approval_id']}/reassign"
        for who, to, status in (
            (MARA, staff_id("eli"), 422),
            (MARA, staff_id("gus"), 422),
            (MARA, "003CS0000000001YAA", 422),
            (MARA, "nobody at all!!", 422),
            (ELI, staff_id("victor"), 404),
            (OTHER_MARA, staff_id("victor"), 404),
        ):
            assert (await world.call(who, "POST", path, json={"to": to})).status_code == status, (who, to)
        moved = await world.post(DANA, path, {"to": staff_id("victor"), "reason": "Mara is away"})
        assert moved["assignee"] == staff_id("victor")
        assert await world.get(MARA, "/approvals", params={"view": "mine"}) == []
        assert len(await world.get(MARA, "/approvals", params={"view": "decidable"})) == 1
        assert len(await world.get(VICTOR, "/approvals", params={"view": "mine"})) == 1
        [entry] = await world.get(ADMIN, "/audit", params={"kind": "approval.reassigned"})
        assert entry["payload"] == {"from": None, "to": staff_id("victor"), "reason": "Mara is away"}
        assert (await world.decide(MARA, approval, "approve")).json()["approval"]["status"] == "applied"
        assert (await world.call(MARA, "POST", path, json={"to": staff_id("victor")})).status_code == 409


async def test_an_edit_says_that_it_made_a_new_request_and_both_know_each_other(settings: Settings) -> None:
    async with open_world(settings, model=script(updates({"NextStep": "Call Ann"}), DONE)) as world:
        [approval] = await ask(world)
        arguments = {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"NextStep": "Call Bob"}}
        told = (await world.decide(MARA, approval, "edit", arguments=arguments)).json()
        new = told["approval"]
        assert (told["edited_from"], new["replaces"], new["status"]) == (*[approval["approval_id"]] * 2, "pending")
        old = await world.get(MARA, f"/approvals/{approval['approval_id']}")
        assert (old["status"], old["replaced_by"]) == ("edited", new["approval_id"])
        assert (await world.decide(MARA, new, "approve")).json()["approval"]["status"] == "applied"
        assert (await world.find(DANA, "Opportunity", RENEWAL_ID))["NextStep"] == "Call Bob"


class TestStale:
    async def stale(self, world: World) -> Json:
        """A request that was refused because somebody had worked on the record."""
        [approval] = await ask(world)
        admin = await world.service.authenticator.authenticate(await world.token(ADMIN))
        async with world.service.database.session(NORTHWIND, write=True) as session:
            crm = EmbeddedCrm(session, admin.access, world.service.runner.clock(), b"k" * 32)
            await crm.apply(await crm.propose_update("Opportunity", RENEWAL_ID, {"StageName": "Quote"}))
        return (await world.decide(MARA, approval, "approve")).json()["approval"]

    async def test_it_shows_what_moved_and_is_asked_for_again_in_one_call(self, settings: Settings) -> None:
        async with open_world(settings, model=script(updates({"StageName": "Negotiation"}), DONE)) as world:
            refused = await self.stale(world)
            assert refused["status"] == "refused"
            assert refused["stale"] == [
                {
                    "record_id": RENEWAL_ID,
                    "field": "StageName",
                    "old": "Discovery",
                    "seen": "Discovery",
                    "current": "Quote",
                    "new": "Negotiation",
                }
            ]
            path = f"/approvals/{refused['approval_id']}/repropose"
            for who, status in ((ELI, 404), (OTHER_DANA, 404), (OTHER_MARA, 404)):
                assert (await world.call(who, "POST", path)).status_code == status
            again = await world.post(MARA, path, {})
            assert (again["replaces"], again["requester"]) == (refused["approval_id"], staff_id("dana"))
            field = again["card"]["changes"][0]["fields"][0]
            assert (field["old"], field["new"]) == ("Quote", "Negotiation")
            assert (await world.post(DANA, path, {}))["approval_id"] == again["approval_id"]
            assert (await world.get(DANA, f"/approvals/{refused['approval_id']}"))["replaced_by"] == again[
                "approval_id"
            ]
            own = await world.decide(DANA, again, "approve")
            assert (own.status_code, own.json()["type"]) == (403, "urn:countersign:problem:not-entitled")
            # The conversation does not wait for it: it can go on, and leaves the request alone.
            values = await world.say(DANA, refused["thread_id"], "show the accounts")
            assert "__interrupt__" not in values
            answers = await asyncio.gather(*(world.decide(MARA, again, "approve") for _ in range(6)))
            assert sorted(one.status_code for one in answers) == [200] + [409] * 5
            done = await world.get(DANA, f"/approvals/{again['approval_id']}")
            assert done["status"] == "applied"
            assert (await world.find(DANA, "Opportunity", RENEWAL_ID))["StageName"] == "Negotiation"
            entries = await world.get(ADMIN, "/ledger", params={"thread_id": refused["thread_id"]})
            assert [one["status"] for one in entries].count("applied") == 1
            assert (await world.call(DANA, "POST", f"/approvals/{again['approval_id']}/repropose")).status_code == 409

    async def test_what_the_requester_may_not_do_any_more_is_not_asked_for_again(self, settings: Settings) -> None:
        async with open_world(settings, model=script(updates({"StageName": "Negotiation"}), DONE)) as world:
            refused = await self.stale(world)
            admin = await world.service.authenticator.authenticate(await world.token(ADMIN))
            async with world.service.database.session(NORTHWIND, write=True) as session:
                crm = EmbeddedCrm(session, admin.access, world.service.runner.clock(), b"k" * 32)
                await crm.apply(await crm.propose_update("Opportunity", RENEWAL_ID, {"OwnerId": staff_id("tom")}))
            answer = await world.call(MARA, "POST", f"/approvals/{refused['approval_id']}/repropose")
            assert answer.status_code in (404, 422), answer.text
            found = await world.get(ADMIN, "/audit", params={"kind": "approval.reproposed"})
            assert found == []

    @pytest.mark.parametrize("decision", ["reject", "recall"])
    async def test_what_a_person_refused_stays_refused(self, settings: Settings, decision: str) -> None:
        async with open_world(settings, model=script(updates({"NextStep": "Call Ann"}), DONE)) as world:
            [approval] = await ask(world)
            await world.decide(DANA, approval, decision)
            answer = await world.call(DANA, "POST", f"/approvals/{approval['approval_id']}/repropose")
            assert (answer.status_code, answer.json()["type"]) == (409, "urn:countersign:problem:approval-closed")


async def test_an_edited_repetition_is_carried_out_without_a_conversation(settings: Settings) -> None:
    async with open_world(settings, model=script(updates({"StageName": "Negotiation"}), DONE)) as world:
        refused = await TestStale().stale(world)
        again = await world.post(DANA, f"/approvals/{refused['approval_id']}/repropose", {})
        arguments = {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"StageName": "Qualification"}}
        edited = (await world.decide(MARA, again, "edit", arguments=arguments)).json()["approval"]
        assert (edited["status"], edited["replaces"]) == ("pending", again["approval_id"])
        assert (await world.decide(MARA, edited, "approve")).status_code == 403  # a second person
        done = (await world.decide(VICTOR, edited, "approve")).json()
        assert (done["approval"]["status"], done["run_id"]) == ("applied", None)
        assert (await world.find(DANA, "Opportunity", RENEWAL_ID))["StageName"] == "Qualification"


async def test_requests_of_an_earlier_version_are_shown_at_once_and_found_once_indexed(settings: Settings) -> None:
    async with open_world(settings, model=script(updates({"NextStep": "Call Ann"}))) as world:
        keeper = world.service.housekeeper
        await keeper.stop()
        [approval] = await ask(world)
        async with world.service.database.session(NORTHWIND, write=True) as session:
            options = {"synchronize_session": False}
            await session.execute(delete(ApprovalRecord), execution_options=options)
            await session.execute(update(Approval).values(object_name=None), execution_options=options)
        assert ids(await world.get(MARA, "/approvals", params={"view": "mine"})) == [approval["approval_id"]]
        assert await world.get(ELI, "/approvals") == []
        about = {"record": RENEWAL_ID}
        assert await world.get(MARA, "/approvals", params=about) == []
        again = Housekeeper(world.service.database, world.service.conversations, world.service.triggers)
        await again.make_round()
        assert ids(await world.get(MARA, "/approvals", params=about)) == [approval["approval_id"]]
        assert await world.get(ELI, "/approvals") == []
