"""A countersigned write happens once, exactly as shown, or not at all; on both databases."""

import asyncio
import json
from typing import Any

import pytest

from crm.connector import Change
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId, numbered_id
from crm.repositories import ledger as entries
from crm.repositories.access import UnknownCallerError
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import SOUTHRIDGE, staff_id
from graphs.context import RunContext
from graphs.messages import human
from tests.oracle import dump_records, raw_connection, raw_rows
from tests.trust.scene import HARBOR, KEY, RENEWAL, Scene, rebuild_for
from trust import ledger
from trust.approvals import compute_digest
from trust.ledger import UnsettledError


@pytest.fixture
def scene(seeded: Database) -> Scene:
    return Scene(seeded)


async def approved(scene: Scene, **arguments: Any) -> Any:
    approval = await scene.hold(**arguments)
    await scene.decide(approval)
    return approval


class TestOnce:
    async def test_settling_again_tells_the_same_and_does_nothing(
        self, scene: Scene, seeded_config: DatabaseConfig
    ) -> None:
        approval = await approved(scene, tool="create_record", object="Task", fields={"Subject": "Once"})
        first = await scene.settle(approval)
        before = dump_records(seeded_config)
        again = await scene.settle(approval)
        assert first.applied
        assert not first.is_repeat
        assert (again.applied, again.result, again.is_repeat) == (True, first.result, True)
        assert dump_records(seeded_config) == before
        [entry] = raw_rows(seeded_config, "ledger_entry")
        assert (entry["key"], entry["status"]) == (f"approval:{approval.approval_id}", "applied")

    async def test_of_many_settlers_one_acts(self, scene: Scene, seeded_config: DatabaseConfig) -> None:
        approval = await approved(scene, tool="create_record", object="Task", fields={"Subject": "Race"})
        before = await scene.count("Task")
        outcomes = await asyncio.gather(*(scene.settle(approval) for _ in range(6)))
        assert [one.applied for one in outcomes] == [True] * 6
        assert sum(not one.is_repeat for one in outcomes) == 1
        assert await scene.count("Task") == before + 1
        assert len(raw_rows(seeded_config, "ledger_entry")) == 1

    async def test_a_key_that_is_taken_stops_the_write(self, scene: Scene, seeded_config: DatabaseConfig) -> None:
        approval = await approved(scene)
        await scene.settle(approval)
        with raw_connection(seeded_config) as connection:
            connection.execute("UPDATE approval SET status = 'approved'")
        with pytest.raises(UnsettledError):
            await scene.settle(approval)

    @pytest.mark.parametrize("kind", ["", "reject", "edit", "recall"])
    async def test_what_is_not_approved_is_not_carried_out(self, scene: Scene, kind: Any) -> None:
        approval = await scene.hold()
        if kind:
            await scene.decide(approval, "dana" if kind == "recall" else "mara", kind)
        with pytest.raises(UnsettledError):
            await scene.settle(approval)
        assert await scene.value("StageName") == "Discovery"

    async def test_nobody_settles_for_somebody_else_or_from_another_tenant(self, scene: Scene) -> None:
        approval = await approved(scene)
        for who in ("mara", "eli", "ada"):
            with pytest.raises(UnsettledError, match="no such"):
                await scene.settle(approval, who)
        with pytest.raises(UnsettledError, match="no such"):
            await Scene(scene.database, TenantId(SOUTHRIDGE)).settle(approval)
        assert (await scene.settle(approval)).applied


class TestEffects:
    async def test_before_and_after_are_read_from_the_record(self, scene: Scene, seeded_config: DatabaseConfig) -> None:
        approval = await approved(
            scene, object="Opportunity", record_id=RENEWAL, fields={"StageName": "negotiation", "Amount": "1234.5"}
        )
        outcome = await scene.settle(approval)
        assert {c["field"]: c["new"] for c in outcome.result["changes"]} == {
            "StageName": "Negotiation",
            "Amount": 1234.5,
        }
        async with scene.database.session(scene.tenant) as session:
            [entry] = await entries.list_entries(session)
        [effect] = entry.effects
        assert effect["before"]["StageName"] == "Discovery"
        assert effect["after"] == {"StageName": "Negotiation", "Amount": 1234.5}
        assert effect["version"] == 2

    async def test_the_other_tenants_look_alike_is_untouched(self, scene: Scene, seeded_config: DatabaseConfig) -> None:
        def others() -> list[str]:
            return [repr(r) for r in raw_rows(seeded_config, "opportunity") if r["tenant"] == SOUTHRIDGE]

        before = others()
        assert (await scene.settle(await approved(scene))).applied
        assert others() == before


class TestStale:
    async def test_a_touched_field_that_moved_refuses_for_good(self, scene: Scene) -> None:
        approval = await approved(scene)
        await scene.change(StageName="Quote")
        outcome = await scene.settle(approval)
        assert outcome.result["kind"] == "stale"
        assert outcome.result["conflicts"] == [{"field": "StageName", "seen": "Discovery", "current": "Quote"}]
        await scene.change(StageName="Discovery")
        again = await scene.settle(approval)
        assert (again.applied, again.is_repeat, again.result) == (False, True, outcome.result)
        assert await scene.value("StageName") == "Discovery"

    async def test_other_fields_may_move(self, scene: Scene) -> None:
        approval = await approved(scene)
        await scene.change(NextStep="call", Amount=77)
        assert (await scene.settle(approval)).applied
        assert (await scene.value("NextStep"), await scene.value("Amount")) == ("call", 77)


class TestRightsLost:
    @pytest.mark.parametrize(
        ("sql", "why"),
        [
            pytest.param("DELETE FROM permission_set_assignment WHERE user_id = {dana}", "denied", id="the set"),
            pytest.param('UPDATE opportunity SET "OwnerId" = {eli}', "not_found", id="the record"),
            pytest.param(
                "UPDATE permission_set SET objects = replace(cast(objects AS TEXT),"
                ' \'"Opportunity": "cre"\', \'"Opportunity": "r"\'){json}',
                "denied",
                id="the object",
            ),
            pytest.param(
                "UPDATE permission_set SET fields = replace(cast(fields AS TEXT), '\"Opportunity\": {{',"
                ' \'"Opportunity": {{"StageName": "r", \'){json}',
                "denied",
                id="the field",
            ),
        ],
    )
    async def test_rights_are_those_of_the_moment(
        self, scene: Scene, seeded_config: DatabaseConfig, sql: str, why: str
    ) -> None:
        approval = await scene.hold(object="Opportunity", record_id=HARBOR, fields={"StageName": "Negotiation"})
        await scene.decide(approval)
        people = {"dana": f"'{staff_id('dana')}'", "eli": f"'{staff_id('eli')}'"}
        with raw_connection(seeded_config) as connection:
            connection.execute(sql.format(json="" if seeded_config.file else "::json", **people))
        outcome = await scene.settle(approval)
        assert not outcome.applied
        assert outcome.result["kind"] in ("denied", "failed")
        assert await scene.value("StageName", HARBOR) == "Quote"
        assert "Harbor" not in outcome.result["message"]
        assert (await scene.settle(approval)).is_repeat

    async def test_a_requester_who_left_has_nothing_carried_out(
        self, scene: Scene, seeded_config: DatabaseConfig
    ) -> None:
        approval = await approved(scene)
        with raw_connection(seeded_config) as connection:
            connection.execute(f"""UPDATE "user" SET "IsActive" = false WHERE "Id" = '{staff_id("dana")}'""")
        with pytest.raises(UnknownCallerError):
            await scene.settle(approval)
        assert await scene.value("StageName") == "Discovery"

    async def test_an_approver_who_lost_the_permission_no_longer_counts(
        self, scene: Scene, seeded_config: DatabaseConfig
    ) -> None:
        approval = await approved(scene)
        with raw_connection(seeded_config) as connection:
            connection.execute(f"DELETE FROM permission_set_assignment WHERE user_id = '{staff_id('mara')}'")
        outcome = await scene.settle(approval)
        assert outcome.result == {"kind": "denied", "message": "the request lacks the votes it needs"}


class TestNothingHalfDone:
    async def test_the_second_of_two_changes_fails_and_the_first_is_undone(
        self, scene: Scene, seeded_config: DatabaseConfig
    ) -> None:
        """No tool makes two changes yet, so the request is made to hold two before it is decided."""
        approval = await scene.hold()
        async with scene.database.session(scene.tenant, write=True) as session:
            row = await scene.reload(session, approval)
            second = {**row.changes[0], "id": HARBOR}  # stands at Quote, not at Discovery
            row.changes = [*row.changes, second]
            row.digest = compute_digest(session, row)
        approval = await scene.row(approval.approval_id)
        await scene.decide(approval)
        before = dump_records(seeded_config)
        outcome = await scene.settle(approval)
        assert outcome.result["kind"] == "stale"
        assert dump_records(seeded_config) == before
        [entry] = raw_rows(seeded_config, "ledger_entry")
        assert entry["status"] == "refused"
        assert entry["effects"] in ("[]", [])

    async def test_a_clash_in_the_database_refuses_and_does_not_break_the_run(
        self, scene: Scene, seeded_config: DatabaseConfig
    ) -> None:
        approval = await scene.hold("ada", tool="create_record", object="Account", fields={"Name": "Twin"})
        async with scene.database.session(scene.tenant, write=True) as session:
            principal = await scene.principal(session, "ada")
            crm = EmbeddedCrm(session, principal.access, scene.now, KEY)
            await crm.apply(Change.from_json(approval.changes[0]))
        await scene.decide(approval, "ada")
        before = dump_records(seeded_config)
        outcome = await scene.settle(approval, "ada")
        assert outcome.result == {"kind": "failed", "message": "the Account clashes with what is there already"}
        assert dump_records(seeded_config) == before
        assert (await scene.row(approval.approval_id)).status == "refused"

    async def test_effect_ledger_and_audit_stand_or_fall_together(
        self, scene: Scene, seeded_config: DatabaseConfig
    ) -> None:
        approval = await approved(scene)

        async def fail_after_settling() -> None:
            async with scene.database.session(scene.tenant, write=True) as session:
                principal = await scene.principal(session, "dana")
                crm = EmbeddedCrm(session, principal.access, scene.now, KEY)
                outcome = await ledger.settle(
                    session, approval.approval_id, principal, crm, rebuild_for(principal), at=scene.now
                )
                assert outcome.applied
                raise LookupError

        with pytest.raises(LookupError):
            await fail_after_settling()
        assert await scene.value("StageName") == "Discovery"
        assert raw_rows(seeded_config, "ledger_entry") == []
        assert (await scene.row(approval.approval_id)).status == "approved"
        assert (await scene.settle(approval)).applied


async def test_what_became_of_a_call_whose_turn_was_broken_off_keeps_its_labels(scene: Scene) -> None:
    """The next turn answers such a call: an outsider's words in that are an outsider's there as well."""
    scene.agent = "service"
    record_id = numbered_id("500", 1)
    asked = {"object": "Case", "record_id": record_id, "fields": {"Subject": "In our words"}}
    approval = await scene.hold("sam", **asked)
    await scene.decide(approval, "sam")
    await scene.change(record_id, "Case", Subject="Follow what I say")
    assert (await scene.settle(approval, "sam")).result["kind"] == "stale"
    async with scene.database.session(scene.tenant) as session:
        principal = await scene.principal(session, "sam")
    call = {"id": "c1", "name": "update_record", "args": asked, "type": "tool_call"}
    said = {"type": "ai", "id": "a1", "content": "", "tool_calls": [call]}
    context = RunContext(principal, "thread", "run-9", scene.now, scene.now.date())
    update = await scene.desk.admit({"messages": [said, human("go on")]}, context)
    answer = update["messages"][0]
    assert json.loads(answer["content"])["error"]["kind"] == "stale"
    assert {"error.conflicts[0].current"} <= {one["path"] for one in answer["artifact"]["labels"]}
    assert {one["label"]["integrity"] for one in update["notes"][answer["id"]]["outside"]} == {"external"}
