"""What was written is taken back by people who may, as long as nobody has worked on it since; on both databases."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from crm.connector import Change, FieldChange
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.repositories import approvals as approval_rows
from crm.repositories import audit as audit_rows
from crm.repositories import ledger as rows
from crm.repositories import provenance
from crm.repositories.audit import Criteria as AuditCriteria
from crm.repositories.ledger import Criteria
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import SOUTHRIDGE, staff_id
from crm.work import Approval, LedgerEntry
from tests.oracle import dump_records, raw_connection, raw_rows
from tests.trust.scene import HARBOR, KEY, RENEWAL, Scene
from trust.approvals import ApprovalError, DigestMismatchError, NotEntitledError
from trust.principal import load_principal
from trust.scopes import CRM_READ
from trust.switches import Throw, throw
from trust.undo import EntryNotFoundError, Preview, Undoing, Undone

Json = Any


@dataclass
class Desk:
    """A scene, and people who look through its ledger."""

    scene: Scene
    scopes: Json = field(default=None)

    @property
    def undoing(self) -> Undoing:
        return Undoing(
            self.scene.database, lambda s, p, now: EmbeddedCrm(s, p.access, now, KEY), lambda: self.scene.now
        )

    async def person(self, who: str) -> Any:
        async with self.scene.database.session(self.scene.tenant) as session:
            found = await self.scene.principal(session, who)
            return found if self.scopes is None else replace(found, scopes=self.scopes)

    async def write(
        self, who: str = "dana", by: str | None = None, tool: str = "update_record", **arguments: Any
    ) -> str:
        """A countersigned write, carried out; its entry."""
        approval = await self.scene.hold(who, tool, **arguments)
        await self.scene.decide(approval, by or who)
        assert (await self.scene.settle(approval, who)).applied
        return (await self.entry(f"approval:{approval.approval_id}")).entry_id

    async def entry(self, key: str) -> LedgerEntry:
        async with self.scene.database.session(self.scene.tenant) as session:
            found = await rows.find_by_key(session, key)
        assert found is not None
        return found

    async def entries(self, **criteria: Any) -> list[LedgerEntry]:
        async with self.scene.database.session(self.scene.tenant) as session:
            return await rows.list_entries(session, Criteria(**criteria))

    async def preview(self, who: str = "mara", *, audits: bool = False, **what: str) -> Preview:
        return await self.undoing.preview(await self.person(who), **what, is_auditor=audits)

    async def undo(self, who: str = "mara", *, digest: str | None = None, audits: bool = False, **what: str) -> Undone:
        if digest is None:
            digest = (await self.preview(who, audits=audits, **what)).digest
        return await self.undoing.undo(await self.person(who), digest, **what, is_auditor=audits)

    async def decide(self, approval_id: str, who: str) -> Approval:
        """As the conversations do it: the last vote carries out."""
        approval = await self.scene.row(approval_id)
        await self.scene.decide(approval, who)
        async with self.scene.database.session(self.scene.tenant, write=True) as session:
            decided = await approval_rows.find(session, approval_id, for_update=True)
            assert decided is not None
            await self.undoing.carry_out(session, decided, self.scene.scopes)
        return await self.scene.row(approval_id)

    async def kept(self, record_id: str, field_name: str) -> Json:
        async with self.scene.database.session(self.scene.tenant) as session:
            found = (await provenance.list_kept(session, record_id, [field_name])).get(field_name)
        return None if found is None else (found.integrity, sorted(found.writers), found.source)


@pytest.fixture
def desk(seeded: Database) -> Desk:
    return Desk(Scene(seeded))


def step_to(text: str, record: str = RENEWAL) -> Json:
    return {"object": "Opportunity", "record_id": record, "fields": {"NextStep": text}}


def reasons(undone: Undone) -> list[str]:
    return [one.refusal.kind for one in undone.refused]


class TestOneEntry:
    async def test_a_change_goes_back_and_again_forward(self, desk: Desk) -> None:
        former = await desk.scene.value("NextStep")
        entry = await desk.write(**step_to("Call Ann"))
        [(undone, by)] = (await desk.undo(entry_id=entry)).done
        assert undone == entry
        assert await desk.scene.value("NextStep") == former
        [redone] = (await desk.undo(entry_id=by)).done
        assert await desk.scene.value("NextStep") == "Call Ann"
        [again] = await desk.entries(undoes=by)
        assert (again.entry_id, again.tool, again.agent) == (redone[1], "undo", "ledger")
        assert len((await desk.undo(entry_id=entry)).done) == 1  # what was done again can be taken back again
        assert await desk.scene.value("NextStep") == former

    async def test_it_is_a_write_like_any_other(self, desk: Desk) -> None:
        entry = await desk.write(**step_to("Call Ann"))
        [(_, by)] = (await desk.undo(entry_id=entry)).done
        [row] = await desk.entries(undoes=entry)
        assert (row.entry_id, row.status, row.on_behalf_of) == (by, "applied", staff_id("mara"))
        approval = await desk.scene.row(row.approval_id or "")
        assert (approval.status, approval.decided_by, approval.key) == ("applied", staff_id("mara"), row.key)
        async with desk.scene.database.session(desk.scene.tenant) as session:
            kinds = [
                one.kind for one in await audit_rows.list_entries(session, AuditCriteria(subject=approval.approval_id))
            ]
        assert kinds == ["approval.requested", "approval.approved", "effect.applied"]

    async def test_where_a_value_came_from_is_restored_with_it(self, desk: Desk, seeded_config: DatabaseConfig) -> None:
        async with desk.scene.database.session(desk.scene.tenant, write=True) as session:
            values = {"integrity": "external", "writers": ["outside"], "readers": None, "source": "a letter"}
            await provenance.keep(session, RENEWAL, "NextStep", {**values, "version": 1, "at": desk.scene.now})
        entry = await desk.write(**step_to("Call Ann"))
        assert (await desk.kept(RENEWAL, "NextStep"))[0] != "external"
        [(_, by)] = (await desk.undo(entry_id=entry)).done
        assert await desk.kept(RENEWAL, "NextStep") == ("external", ["outside"], "a letter")
        await desk.undo(entry_id=by)
        assert (await desk.kept(RENEWAL, "NextStep"))[0] != "external"
        with raw_connection(seeded_config) as connection:  # as entries were kept before
            assert "sources" in str(raw_rows(seeded_config, "ledger_entry")[0]["effects"])
            connection.execute(
                "UPDATE ledger_entry SET effects = replace(cast(effects AS TEXT), 'sources', 'x')"
                + ("" if seeded_config.file else "::json")
            )
        [last] = [one for one in await desk.entries(undoes=by) if one.status == "applied"]
        await desk.undo(entry_id=last.entry_id)
        assert (await desk.kept(RENEWAL, "NextStep"))[0] == "external"

    async def test_a_confirmation_is_lowered_and_given_again(self, desk: Desk) -> None:
        entry = await desk.write(**step_to("Call Ann"))
        async with desk.scene.database.session(desk.scene.tenant, write=True) as session:
            values = {"integrity": "external", "writers": ["outside"], "readers": None, "source": "a letter"}
            await provenance.keep(session, RENEWAL, "NextStep", {**values, "version": 2, "at": desk.scene.now})
        ask = {"object": "Opportunity", "record_id": RENEWAL, "fields": ["NextStep"]}
        confirmed = await desk.write(tool="confirm_fields", **ask)
        assert (await desk.kept(RENEWAL, "NextStep"))[0] == "crm_verified"
        [(_, by)] = (await desk.undo(entry_id=confirmed)).done
        assert await desk.kept(RENEWAL, "NextStep") == ("external", ["outside"], "a letter")
        assert await desk.scene.value("NextStep") == "Call Ann"
        await desk.undo(entry_id=by)
        assert await desk.kept(RENEWAL, "NextStep") == ("crm_verified", [staff_id("dana")], "confirmed")
        await desk.scene.change(NextStep="Call Bob")
        assert reasons(await desk.undo(entry_id=entry)) == ["moved_on"]

    async def test_a_field_that_moved_on_is_left_alone_and_shown(self, desk: Desk) -> None:
        entry = await desk.write(**step_to("Call Ann"))
        await desk.scene.change(NextStep="Call Bob")
        undone = await desk.undo(entry_id=entry)
        [one] = undone.refused
        [moved] = one.refusal.fields
        assert (moved["field"], moved["wrote"], moved["now"]) == ("NextStep", "Call Ann", "Call Bob")
        assert moved["record_changed_by"]
        assert moved["record_changed_at"].startswith("2026-11-02")
        assert (undone.done, undone.run_id) == ((), None)
        assert await desk.scene.value("NextStep") == "Call Bob"

    async def test_other_fields_may_have_moved_on(self, desk: Desk) -> None:
        entry = await desk.write(**step_to("Call Ann"))
        await desk.scene.change(Description="meanwhile")
        assert len((await desk.undo(entry_id=entry)).done) == 1
        assert await desk.scene.value("Description") == "meanwhile"

    async def test_a_refused_write_left_nothing_to_take_back(self, desk: Desk) -> None:
        approval = await desk.scene.hold(**step_to("Call Ann"))
        await desk.scene.decide(approval, "dana")
        await desk.scene.change(NextStep="Call Bob")
        await desk.scene.settle(approval)
        entry = await desk.entry(f"approval:{approval.approval_id}")
        assert reasons(await desk.undo("dana", entry_id=entry.entry_id)) == ["not_applied"]


class TestRecords:
    async def made(self, desk: Desk, subject: str = "Call") -> tuple[str, str]:
        entry = await desk.write(tool="create_record", object="Task", fields={"Subject": subject})
        [found] = [one for one in await desk.entries() if one.entry_id == entry]
        return entry, found.effects[0]["id"]

    async def test_a_new_record_goes_to_the_bin_by_two_people_and_comes_back(self, desk: Desk) -> None:
        before = await desk.scene.count("Task")
        entry, _ = await self.made(desk)
        preview = await desk.preview("dana", entry_id=entry)
        assert [plan.way for plan in preview.plans] == ["asks"]
        [(_, approval_id)] = (await desk.undo("dana", entry_id=entry)).asked
        assert await desk.scene.count("Task") == before + 1
        with pytest.raises(NotEntitledError):
            await desk.decide(approval_id, "dana")
        assert (await desk.undo("dana", entry_id=entry)).asked == ((entry, approval_id),)  # the same request
        assert (await desk.decide(approval_id, "mara")).status == "applied"
        assert await desk.scene.count("Task") == before
        [by] = await desk.entries(undoes=entry)
        assert len((await desk.undo("mara", entry_id=by.entry_id)).done) == 1
        assert await desk.scene.count("Task") == before + 1

    async def test_who_may_not_delete_such_records_does_not_take_one_back(self, desk: Desk) -> None:
        fields = {"LastName": "Poe", "Company": "Poe & Co"}
        entry = await desk.write(tool="create_record", object="Lead", fields=fields)
        [one] = (await desk.undo("dana", entry_id=entry)).refused
        assert (one.refusal.kind, one.refusal.message) == ("forbidden", "you may not delete records of 'Lead'")
        assert (await desk.preview("mara", entry_id=entry)).plans[0].way == "asks"

    async def test_not_once_somebody_has_worked_on_it(self, desk: Desk) -> None:
        entry, task = await self.made(desk)
        await desk.scene.change(task, "Task", Description="notes")
        assert reasons(await desk.undo("dana", entry_id=entry)) == ["moved_on"]

    async def test_the_ledgers_own_changes_do_not_count_as_work(self, desk: Desk) -> None:
        entry, task = await self.made(desk)
        change = await desk.write(object="Task", record_id=task, fields={"Description": "x"})
        assert [plan.way for plan in (await desk.preview("dana", entry_id=entry)).plans] == ["asks"]
        await desk.undo("dana", entry_id=change)
        [(_, approval_id)] = (await desk.undo("dana", entry_id=entry)).asked
        await desk.scene.change(task, "Task", Description="notes")  # between the request and the decision
        assert (await desk.decide(approval_id, "mara")).status == "refused"

    async def test_not_once_another_record_points_at_it(self, desk: Desk) -> None:
        fields = {"Name": "New Co"}
        entry = await desk.write("mara", "mara", tool="create_record", object="Account", fields=fields)
        [made] = [one for one in await desk.entries() if one.entry_id == entry]
        account = made.effects[0]["id"]
        async with desk.scene.database.session(desk.scene.tenant, write=True) as session:
            principal = await desk.scene.principal(session, "ada")
            crm = EmbeddedCrm(session, principal.access, desk.scene.now, KEY)
            await crm.apply(await crm.propose_create("Contact", {"LastName": "Poe", "AccountId": account}))
        assert reasons(await desk.undo("mara", entry_id=entry)) == ["referred_to"]


class TestWho:
    async def test_another_tenant_finds_nothing(self, desk: Desk, seeded_config: DatabaseConfig) -> None:
        entry = await desk.write(**step_to("Call Ann"))
        digest = (await desk.preview("mara", audits=True, entry_id=entry)).digest
        other = Desk(Scene(desk.scene.database, TenantId(SOUTHRIDGE)))
        before = dump_records(seeded_config)
        for who in ("dana", "mara", "ada"):
            with pytest.raises(EntryNotFoundError):
                await other.undo(who, digest=digest, audits=True, entry_id=entry)
            with pytest.raises(EntryNotFoundError):
                await other.preview(who, audits=True, run_id="run-1")
        assert dump_records(seeded_config) == before

    async def test_others_of_the_tenant_find_nothing_unless_they_took_part_or_audit(self, desk: Desk) -> None:
        entry = await desk.write(**step_to("Call Ann"))
        for who in ("eli", "sam", "iris"):
            with pytest.raises(EntryNotFoundError):
                await desk.preview(who, entry_id=entry)
        for who in ("dana", "mara", "ada"):  # who asked, and who could have decided
            assert (await desk.preview(who, entry_id=entry)).plans[0].way == "now"

    async def test_it_takes_the_right_to_approve_or_having_approved(self, desk: Desk) -> None:
        own = await desk.write("dana", "dana", **step_to("Call Ann"))
        assert len((await desk.undo("dana", entry_id=own)).done) == 1  # she has approved it
        by_mara = await desk.write("dana", "mara", **step_to("Call Bob"))
        undone = await desk.undo("dana", entry_id=by_mara)
        assert reasons(undone) == ["forbidden"]
        assert "approve_writes" in undone.refused[0].refusal.message
        assert len((await desk.undo("mara", entry_id=by_mara)).done) == 1

    async def test_the_record_has_to_be_within_reach(self, desk: Desk, seeded_config: DatabaseConfig) -> None:
        """Seen when it was written, hidden since: the entry does not tell any more which record it was."""
        entry = await desk.write("dana", "dana", **step_to("Call Ann", HARBOR))
        with raw_connection(seeded_config) as connection:
            connection.execute(
                f"""UPDATE opportunity SET "OwnerId" = '{staff_id("eli")}' WHERE "Id" = '{HARBOR}'"""
                " AND tenant = 'northwind'"
            )
        undone = await desk.undo("dana", entry_id=entry)
        [one] = undone.refused
        assert (one.refusal.kind, one.step.record) == ("hidden", None)
        assert HARBOR not in str(undone)
        assert "Call Ann" not in str(undone)
        assert await desk.scene.value("NextStep", HARBOR) == "Call Ann"

    async def test_tokens_have_to_cover_it(self, desk: Desk) -> None:
        entry = await desk.write("dana", "dana", **step_to("Call Ann"))
        weak = Desk(desk.scene, frozenset({CRM_READ}))
        with pytest.raises(NotEntitledError):
            await weak.undo("dana", entry_id=entry)
        deciding = Desk(desk.scene, frozenset({CRM_READ, "approvals:decide"}))
        assert reasons(await deciding.undo("dana", entry_id=entry)) == ["forbidden"]

    async def test_what_is_grave_asks_a_second_person(self, desk: Desk) -> None:
        entry = await desk.write("dana", "mara", object="Opportunity", record_id=RENEWAL, fields={"Amount": 5})
        [(_, approval_id)] = (await desk.undo("mara", entry_id=entry)).asked
        assert await desk.scene.value("Amount") == 5
        with pytest.raises(NotEntitledError):
            await desk.decide(approval_id, "mara")
        with pytest.raises(ApprovalError):
            await desk.decide(approval_id, "eli")
        assert (await desk.decide(approval_id, "ada")).status == "applied"
        assert await desk.scene.value("Amount") != 5

    async def test_while_the_copilot_is_switched_off_too(self, desk: Desk) -> None:
        entry = await desk.write("dana", "dana", **step_to("Call Ann"))
        async with desk.scene.database.session(desk.scene.tenant, write=True) as session:
            await throw(session, Throw("tenant", "", True, "a wrong day"), by="x", at=desk.scene.now)
        assert len((await desk.undo("dana", entry_id=entry)).done) == 1


class TestAgreement:
    async def test_a_digest_is_for_one_person_one_subject_and_one_state(self, desk: Desk) -> None:
        first = await desk.write("dana", "mara", **step_to("Call Ann"))
        second = await desk.write("dana", "mara", **step_to("Call Bob", HARBOR))
        mine = await desk.preview("mara", entry_id=first)
        for digest, what in (
            ((await desk.preview("ada", audits=True, entry_id=first)).digest, first),
            ((await desk.preview("mara", entry_id=second)).digest, first),
            (mine.digest, second),
            ("0" * 64, first),
        ):
            with pytest.raises(DigestMismatchError):
                await desk.undo("mara", digest=digest, entry_id=what)
        await desk.scene.change(NextStep="Call Eve")
        with pytest.raises(DigestMismatchError):
            await desk.undo("mara", digest=mine.digest, entry_id=first)

    async def test_a_replay_does_nothing(self, desk: Desk, seeded_config: DatabaseConfig) -> None:
        entry = await desk.write("dana", "mara", **step_to("Call Ann"))
        digest = (await desk.preview("mara", entry_id=entry)).digest
        await desk.undo("mara", digest=digest, entry_id=entry)
        before = dump_records(seeded_config)
        with pytest.raises(DigestMismatchError):
            await desk.undo("mara", digest=digest, entry_id=entry)
        assert reasons(await desk.undo("mara", entry_id=entry)) == ["undone"]
        assert dump_records(seeded_config) == before

    async def test_of_many_at_once_one_takes_back(self, desk: Desk, seeded_config: DatabaseConfig) -> None:
        entry = await desk.write("dana", "mara", **step_to("Call Ann"))
        digest = (await desk.preview("mara", entry_id=entry)).digest
        tries = [desk.undo("mara", digest=digest, entry_id=entry) for _ in range(5)]
        found = await asyncio.gather(*tries, return_exceptions=True)
        assert all(isinstance(one, Undone | DigestMismatchError) for one in found), found
        assert sum(len(one.done) for one in found if isinstance(one, Undone)) == 1
        [row] = [one for one in raw_rows(seeded_config, "ledger_entry") if one["undoes"] == entry]
        assert row["key"] == f"undo:{entry}:0"

    async def test_a_request_that_ran_out_makes_room_for_another(self, desk: Desk) -> None:
        entry = await desk.write("dana", "mara", object="Opportunity", record_id=RENEWAL, fields={"Amount": 5})
        [(_, first)] = (await desk.undo("mara", entry_id=entry)).asked
        desk.scene.now += timedelta(days=8)
        [(_, second)] = (await desk.undo("mara", entry_id=entry)).asked
        assert first != second
        assert (await desk.scene.row(first)).status == "expired"

    async def test_a_tampered_request_is_not_carried_out(self, desk: Desk) -> None:
        entry = await desk.write("dana", "mara", object="Opportunity", record_id=RENEWAL, fields={"Amount": 5})
        [(_, approval_id)] = (await desk.undo("mara", entry_id=entry)).asked
        await desk.scene.decide(await desk.scene.row(approval_id), "ada")
        async with desk.scene.database.session(desk.scene.tenant, write=True) as session:
            row = await approval_rows.find(session, approval_id, for_update=True)
            assert row is not None
            row.changes = [Change("update", "Opportunity", RENEWAL, "x", (FieldChange("Amount", 5, 1),)).to_json()]
        async with desk.scene.database.session(desk.scene.tenant, write=True) as session:
            row = await approval_rows.find(session, approval_id, for_update=True)
            assert row is not None
            assert not (await desk.undoing.carry_out(session, row, desk.scene.scopes)).applied
        assert await desk.scene.value("Amount") == 5


class TestARun:
    async def test_of_many_writes_three_moved_on_and_stay(self, desk: Desk, thorough: bool) -> None:
        scene, count = desk.scene, 40 if thorough else 12
        async with scene.database.session(scene.tenant, write=True) as session:
            dana = await load_principal(session, staff_id("dana"), scene.scopes)
            crm = EmbeddedCrm(session, dana.access, scene.now, KEY)
            made = [
                (await crm.apply(await crm.propose_create("Task", {"Subject": f"Call {n}"}))).change.record_id
                for n in range(count)
            ]
        for number, task in enumerate(made):
            scene.runs = 0  # the same run asks each time
            await desk.write(object="Task", record_id=task, fields={"Description": f"wrong {number}"})
        edited = made[3], made[7], made[-1]
        for task in edited:
            await scene.change(task, "Task", Description="by a person")
        undone = await desk.undo("dana", run_id="run-1")
        assert (len(undone.done), len(undone.refused), undone.asked) == (count - 3, 3, ())
        assert {one.step.record for one in undone.refused} == {("Task", task) for task in edited}
        assert set(reasons(undone)) == {"moved_on"}
        for task in made:
            now = await scene.value("Description", task, "Task")
            assert now == ("by a person" if task in edited else None)
        again = await desk.undo("dana", run_id="run-1")
        assert (again.done, sorted(set(reasons(again)))) == ((), ["moved_on", "undone"])
        back = await desk.undo("dana", run_id=undone.run_id or "")
        assert len(back.done) == count - 3
        assert await scene.value("Description", made[0], "Task") == "wrong 0"

    async def test_two_writes_to_one_field_go_back_one_after_the_other(self, desk: Desk) -> None:
        former = await desk.scene.value("NextStep")
        for text in ("first", "second"):
            desk.scene.runs = 0
            await desk.write(**step_to(text))
            desk.scene.now += timedelta(minutes=1)
        undone = await desk.undo("dana", run_id="run-1")
        assert (len(undone.done), undone.refused) == (2, ())
        assert await desk.scene.value("NextStep") == former
