"""Who sees a request, who decides it, and what a decision is bound to; on both databases, with a look-alike tenant."""

from datetime import timedelta
from typing import Any

import pytest

from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.seed.people import SOUTHRIDGE, staff_id
from crm.work import Approval
from tests.oracle import raw_connection, raw_rows
from tests.trust.scene import ASK, HARBOR, RENEWAL, Scene
from trust.approval_rules import EXPIRES_AFTER
from trust.approvals import (
    ApprovalClosedError,
    ApprovalError,
    ApprovalNotFoundError,
    DigestMismatchError,
    NotEntitledError,
    compute_digest,
)

OTHER = TenantId(SOUTHRIDGE)


@pytest.fixture
def scene(seeded: Database) -> Scene:
    return Scene(seeded)


def tamper(config: DatabaseConfig, table: str, column: str, value: str) -> None:
    """`value` is SQL; behind the back of everything."""
    with raw_connection(config) as connection:
        connection.execute(f'UPDATE "{table}" SET "{column}" = {value}')


class TestDeciding:
    async def test_a_manager_approves_and_it_is_done(self, scene: Scene) -> None:
        approval = await scene.hold()
        assert (approval.status, approval.requester) == ("pending", staff_id("dana"))
        decided = await scene.decide(approval)
        assert (decided.status, decided.decided_by) == ("approved", staff_id("mara"))
        assert (await scene.settle(approval)).applied
        assert await scene.value("StageName") == "Negotiation"

    async def test_the_requester_decides_only_what_needs_no_second_person(self, scene: Scene) -> None:
        grave = await scene.hold()
        for kind in ("approve", "reject", "edit"):
            with pytest.raises(NotEntitledError, match="second person"):
                await scene.decide(grave, "dana", kind)
        plain = await scene.hold(object="Opportunity", record_id=RENEWAL, fields={"NextStep": "call"})
        assert (await scene.decide(plain, "dana")).status == "approved"
        assert (await scene.row(grave.approval_id)).status == "pending"

    @pytest.mark.parametrize("digest", ["", "0" * 64, "same with a space"])
    async def test_another_digest_than_the_shown_one_is_refused(self, scene: Scene, digest: str) -> None:
        approval = await scene.hold()
        wrong = approval.digest + " " if digest.startswith("same") else digest
        with pytest.raises(DigestMismatchError):
            await scene.decide(approval, digest=wrong)
        assert (await scene.row(approval.approval_id)).status == "pending"
        assert (await scene.decide(approval)).status == "approved"

    async def test_the_digest_of_another_request_is_refused(self, scene: Scene) -> None:
        one, other = await scene.hold(), await scene.hold()
        assert one.digest != other.digest, "the same change asked for twice is two requests"
        with pytest.raises(DigestMismatchError):
            await scene.decide(one, digest=other.digest)

    @pytest.mark.parametrize("kind", ["approve", "reject", "edit", "recall"])
    async def test_a_decision_is_final(self, scene: Scene, kind: Any) -> None:
        approval = await scene.hold()
        await scene.decide(approval, "dana" if kind == "recall" else "mara", kind)
        for who, again in (("mara", "approve"), ("mara", "reject"), ("victor", "approve"), ("dana", "recall")):
            with pytest.raises(ApprovalClosedError):
                await scene.decide(approval, who, again)

    async def test_only_the_requester_recalls(self, scene: Scene) -> None:
        approval = await scene.hold()
        with pytest.raises(NotEntitledError):
            await scene.decide(approval, "mara", "recall")
        assert (await scene.decide(approval, "dana", "recall")).status == "recalled"

    async def test_nobody_decides_after_the_time_is_up(self, scene: Scene) -> None:
        approval = await scene.hold()
        moment = scene.later(seconds=EXPIRES_AFTER.total_seconds() - 1)
        other = await moment.hold()
        assert (await moment.decide(approval)).status == "approved"
        late = scene.later(seconds=2 * EXPIRES_AFTER.total_seconds())
        assert (await late.decide(other)).status == "expired"
        with pytest.raises(ApprovalClosedError):
            await late.decide(other)
        assert approval.expires_at - approval.created_at == timedelta(days=7)

    async def test_a_request_that_runs_out_is_entered_once_whoever_notices(self, scene: Scene) -> None:
        decided, settled = await scene.hold(), await scene.hold()
        late = scene.later(days=8)
        assert (await late.decide(decided)).status == "expired"
        assert [await late.settle_late(settled) for _ in range(2)] == ["expired", "expired"]
        for approval in (decided, settled):
            trail = await scene.trail(approval)
            assert [entry.kind for entry in trail] == ["approval.requested", "approval.expired"]
            assert trail[1].actor == "countersign"
            assert (await scene.row(approval.approval_id)).decided_at == late.now

    async def test_a_token_without_the_scope_decides_nothing(self, scene: Scene) -> None:
        approval = await scene.hold()
        weak = Scene(scene.database, scopes=scene.scopes - {"approvals:decide"})
        with pytest.raises(NotEntitledError, match="approvals:decide"):
            await weak.decide(approval)
        assert (await scene.decide(approval)).status == "approved"

    async def test_a_reason_has_an_end(self, scene: Scene) -> None:
        approval = await scene.hold()
        with pytest.raises(ApprovalError):
            await scene.decide(approval, kind="reject", reason="x" * 2_001)
        rejected = await scene.decide(approval, kind="reject", reason="too early")
        assert (rejected.status, rejected.reason) == ("rejected", "too early")

    async def test_two_votes_are_two_people(self, scene: Scene, seeded_config: DatabaseConfig) -> None:
        approval = await self._needing_two_votes(scene, seeded_config)
        assert (await scene.decide(approval, "mara")).status == "pending"
        with pytest.raises(ApprovalClosedError, match="voted"):
            await scene.decide(approval, "mara")
        assert (await scene.decide(approval, "victor")).status == "approved"
        assert (await scene.settle(approval)).applied

    async def test_one_no_outweighs_a_yes(self, scene: Scene, seeded_config: DatabaseConfig) -> None:
        approval = await self._needing_two_votes(scene, seeded_config)
        await scene.decide(approval, "mara")
        assert (await scene.decide(approval, "victor", "reject")).status == "rejected"

    @staticmethod
    async def _needing_two_votes(scene: Scene, config: DatabaseConfig) -> Approval:
        approval = await scene.hold()
        async with scene.database.session(scene.tenant, write=True) as session:
            row = await scene.reload(session, approval)
            row.rule = {**row.rule, "votes": 2}
            row.digest = compute_digest(session, row)
        return await scene.row(approval.approval_id)


class TestSeeing:
    @pytest.mark.parametrize(
        ("who", "seen"),
        [
            pytest.param("dana", True, id="requester"),
            pytest.param("mara", True, id="manager above"),
            pytest.param("victor", True, id="manager above that"),
            pytest.param("owen", True, id="manager of the other region, by the deal desk's share"),
            pytest.param("ada", True, id="administrator"),
            pytest.param("eli", False, id="colleague"),
            pytest.param("lena", False, id="rep of the same region"),
            pytest.param("stella", False, id="approver who may not read stages of this kind with amounts hidden"),
            pytest.param("sam", False, id="no permission to approve"),
            pytest.param("alan", False, id="sees the record, may not approve"),
        ],
    )
    async def test_a_request_is_seen_by_those_who_may_decide_and_read_it(
        self, scene: Scene, who: str, seen: bool
    ) -> None:
        approval = await scene.hold(object="Opportunity", record_id=RENEWAL, fields={"Amount": 1_000})
        assert await scene.sees(approval, who) is seen
        if not seen:
            with pytest.raises(ApprovalNotFoundError) as caught:
                await scene.decide(approval, who)
            assert str(caught.value) == f"no approval {approval.approval_id!r} that you can see"

    async def test_a_record_that_the_approver_does_not_see_hides_the_request(self, scene: Scene) -> None:
        shared = await scene.hold()
        own = await scene.hold(object="Opportunity", record_id=HARBOR, fields={"StageName": "Negotiation"})
        for who, expected in (("mara", (True, True)), ("owen", (True, False))):
            assert (await scene.sees(shared, who), await scene.sees(own, who)) == expected

    async def test_a_hidden_field_on_the_card_hides_the_request(self, scene: Scene) -> None:
        """Service managers may approve, and see won and shared opportunities, but no amounts."""
        stage = await scene.hold()
        amount = await scene.hold(object="Opportunity", record_id=RENEWAL, fields={"Amount": 5})
        both = await scene.hold(object="Opportunity", record_id=RENEWAL, fields={"Amount": 5, "NextStep": "x"})
        assert [await scene.sees(one, "stella") for one in (stage, amount, both)] == [True, False, False]

    async def test_a_new_record_is_seen_with_what_it_points_to(self, scene: Scene) -> None:
        fields = {"Subject": "Call", "WhatId": HARBOR}
        task = await scene.hold(tool="create_record", object="Task", fields=fields)
        free = await scene.hold(tool="create_record", object="Task", fields={"Subject": "Call"})
        assert [await scene.sees(one, "owen") for one in (task, free)] == [False, True]
        assert [await scene.sees(one, "mara") for one in (task, free)] == [True, True]

    async def test_an_update_is_seen_with_what_it_would_point_to(self, scene: Scene) -> None:
        harbor_account = await scene.value("AccountId", HARBOR)
        approval = await scene.hold(object="Opportunity", record_id=RENEWAL, fields={"AccountId": harbor_account})
        assert [await scene.sees(approval, who) for who in ("mara", "owen")] == [True, False]

    async def test_another_tenant_has_no_such_request(self, scene: Scene) -> None:
        approval = await scene.hold()
        elsewhere = Scene(scene.database, OTHER)
        own = await elsewhere.hold()
        for who in ("dana", "mara", "ada"):
            with pytest.raises(ApprovalNotFoundError):
                await elsewhere.decide(approval, who)
        assert (await scene.row(approval.approval_id)).status == "pending"
        assert (await elsewhere.decide(own)).status == "approved"

    async def test_an_unknown_request_and_a_hidden_one_are_told_alike(self, scene: Scene) -> None:
        approval = await scene.hold()
        told = []
        for approval_id in (approval.approval_id, "00000000-0000-0000-0000-000000000000"):
            approval.approval_id = approval_id
            with pytest.raises(ApprovalNotFoundError) as caught:
                await scene.decide(approval, "eli")
            told.append(str(caught.value).replace(approval_id, "ID"))
        assert told[0] == told[1]


BOUND = {
    "key": "'other'",
    "thread_id": "'other'",
    "run_id": "'other'",
    "call_id": "'other'",
    "agent": "'service'",
    "tool": "'create_record'",
    "sealed_arguments": "sealed_card",
    "sealed_changes": "sealed_card",
    "sealed_card": "sealed_changes",
    "sealed_labels": "sealed_card",
    "rule": "replace(cast(rule AS TEXT), 'approve_writes', 'read_records')",
    "schema_hash": "'0'",
    "policy_version": "'0'",
    "digest": "'0000000000000000000000000000000000000000000000000000000000000000'",
    "replaces": "'other'",
    "expires_at": "'2027-01-01 00:00:00+00:00'",
}
"""Column -> what an attacker with the database writes into it."""
_UNBOUND = {"tenant", "approval_id", "requester", "created_at", "escalates_at", "sealed_result"}
_FOR_FINDING_IT = {"assignee", "object_name", "is_external", "is_tainted"}
"""Nothing is decided by them."""
_OF_THE_DECISION = {"status", "decided_by", "decided_at", "sealed_reason", "sealed_edited_arguments"}


class TestDigest:
    def test_every_column_is_bound_or_accounted_for(self) -> None:
        columns = {column.key for column in Approval.__table__.columns}
        assert columns == set(BOUND) | _UNBOUND | _OF_THE_DECISION | _FOR_FINDING_IT

    @pytest.mark.parametrize("column", BOUND)
    async def test_what_was_changed_after_it_was_shown_is_refused(
        self, scene: Scene, seeded_config: DatabaseConfig, column: str
    ) -> None:
        approval = await scene.hold()
        await scene.decide(approval)
        value = BOUND[column]
        if seeded_config.file is None and value.startswith("replace("):
            value = f"({value})::json"
        elif seeded_config.file is not None and column == "expires_at":
            value = "'2027-01-01 00:00:00.000000'"
        tamper(seeded_config, "approval", column, value)
        outcome = await scene.settle(approval)
        assert not outcome.applied
        assert outcome.result == {"kind": "denied", "message": "the request was changed after it was written down"}
        assert await scene.value("StageName") == "Discovery"
        assert (await scene.row(approval.approval_id)).status == "refused"

    async def test_another_requester_cannot_have_it_carried_out(
        self, scene: Scene, seeded_config: DatabaseConfig
    ) -> None:
        approval = await scene.hold()
        await scene.decide(approval)
        tamper(seeded_config, "approval", "requester", f"'{staff_id('lena')}'")
        outcome = await scene.settle(approval, "lena")
        assert (outcome.applied, await scene.value("StageName")) == (False, "Discovery")

    async def test_a_status_set_by_hand_is_worth_nothing_without_votes(
        self, scene: Scene, seeded_config: DatabaseConfig
    ) -> None:
        approval = await scene.hold()
        tamper(seeded_config, "approval", "status", "'approved'")
        tamper(seeded_config, "approval", "decided_by", f"'{staff_id('mara')}'")
        outcome = await scene.settle(approval)
        assert outcome.result == {"kind": "denied", "message": "the request lacks the votes it needs"}
        assert await scene.value("StageName") == "Discovery"

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("voter", staff_id("dana")),
            ("voter", staff_id("eli")),
            ("voter", staff_id("gus")),
            ("voter", "nobody"),
            ("decision", "reject"),
            ("digest", "0" * 64),
        ],
        ids=["own vote", "no permission", "has left", "no person", "a no", "another card"],
    )
    async def test_a_vote_that_does_not_count_is_none(
        self, scene: Scene, seeded_config: DatabaseConfig, column: str, value: str
    ) -> None:
        approval = await scene.hold()
        await scene.decide(approval)
        tamper(seeded_config, "vote", column, f"'{value}'")
        outcome = await scene.settle(approval)
        assert outcome.result == {"kind": "denied", "message": "the request lacks the votes it needs"}

    async def test_the_card_and_the_votes_are_stored_as_they_were_shown(
        self, scene: Scene, seeded_config: DatabaseConfig
    ) -> None:
        approval = await scene.hold()
        await scene.decide(approval)
        [vote] = raw_rows(seeded_config, "vote")
        assert (vote["voter"], vote["digest"]) == (staff_id("mara"), approval.digest)
        [change] = approval.card["changes"]
        assert (change["operation"], change["id"]) == ("update", RENEWAL)
        [field] = change["fields"]
        assert (field["field"], field["old"], field["new"]) == ("StageName", "Discovery", "Negotiation")
        assert field["source"]["origin"] == "the copilot's own words"
        assert field["old_source"] == {
            "integrity": "system",
            "origin": f"Opportunity {RENEWAL}.StageName",
            "writers": [],
        }
        assert approval.arguments == ASK
