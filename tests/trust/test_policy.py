"""Guards in their order, a yes that only the policy can say, and that is good for one thing only."""

import copy
import dataclasses
import pickle
from datetime import date
from typing import Any

import pytest

from tests.trust.acting import ACME, DANA, GLOBEX, MARA, create, customer, reads, staff, update, writes
from trust import policy
from trust.actions import Action, Input
from trust.decisions import Allow, Deny, Hold
from trust.labels import Integrity, Label
from trust.policy import GUARDS, Grant, GrantError, decide, redeem
from trust.principal import Principal
from trust.tenant_policy import Preapproval, TenantPolicy

SELLER = staff(objects={"Account": "cre"}, fields={"Account": {"Name": "re", "OwnerId": "re"}})
CHANGE = update("Account", Name="x")
RULE = Hold("hold_writes", "r", "approve_writes", self_approval=False)


def use_guards(monkeypatch: pytest.MonkeyPatch, *guards: Any) -> None:
    monkeypatch.setattr(policy, "GUARDS", guards)


def allow(action: Action, principal: Principal) -> Allow:
    return Allow()


def deny(action: Action, principal: Principal) -> Deny:
    return Deny("deny", "no")


def fail(action: Action, principal: Principal) -> Allow:
    raise LookupError("secret detail")


def hold(permission: str | None = "a", **more: Any) -> Any:
    given = {"guard": "hold", "reason": "r", "permission": permission, "self_approval": True, **more}
    return lambda action, principal: Hold(**given)


def test_the_order_of_the_guards() -> None:
    assert [guard.__name__ for guard in GUARDS] == [
        "stay_in_tenant",
        "heed_switches",
        "require_listed_tool",
        "stay_in_plan",
        "bind_customers",
        "require_scope",
        "require_permission",
        "require_rights",
        "limit_records",
        "keep_mail_status",
        "keep_order_of_states",
        "suppress",
        "hold_writes",
        "hold_policy_changes",
        "follow_policy",
    ]


@pytest.mark.parametrize(
    ("action", "principal", "guard"),
    [
        (reads(tenant=GLOBEX, tool="x"), customer(), "stay_in_tenant"),
        (reads(tool="x"), customer(), "require_listed_tool"),
        (reads(scope="x"), customer(), "bind_customers"),
        (writes(CHANGE, scope="x"), staff(), "require_scope"),
        (writes(*[CHANGE] * 20), staff(), "require_rights"),
        (writes(*(update("Account", str(n), Name="x") for n in range(20))), SELLER, "limit_records"),
    ],
)
def test_the_first_that_denies_is_the_one_that_speaks(action: Action, principal: Principal, guard: str) -> None:
    decision = decide(action, principal)
    assert isinstance(decision, Deny)
    assert decision.guard == guard


class TestDecide:
    def test_all_allow_makes_a_grant(self) -> None:
        grant = decide(reads(), staff())
        assert isinstance(grant, Grant)
        assert grant.changes_digest is None
        grant.require_cover(reads(), staff())

    def test_a_change_never_gets_a_grant_without_an_approval(self) -> None:
        for change in (CHANGE, create("Account", Name="x"), update("Account", OwnerId=MARA)):
            assert isinstance(decide(writes(change), SELLER), Hold)

    def test_a_guard_that_fails_denies_and_tells_no_detail(self, monkeypatch: pytest.MonkeyPatch) -> None:
        use_guards(monkeypatch, allow, fail, allow)
        assert decide(reads(), staff()) == Deny("fail", "the check could not be made")

    @pytest.mark.parametrize("answer", [None, True, "Allow", Allow, {}, [Allow()]])
    def test_an_answer_that_is_none_of_the_three_denies(self, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
        def guard(action: Action, principal: Principal) -> Any:
            return answer

        use_guards(monkeypatch, guard)
        assert decide(reads(), staff()) == Deny("guard", "the check gave no clear answer")

    def test_a_denial_after_a_hold_denies(self, monkeypatch: pytest.MonkeyPatch) -> None:
        use_guards(monkeypatch, hold(), deny)
        assert isinstance(decide(reads(), staff()), Deny)
        use_guards(monkeypatch, hold(), fail)
        assert isinstance(decide(reads(), staff()), Deny)

    def test_a_hold_outlives_later_allows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        use_guards(monkeypatch, allow, hold(), allow)
        assert isinstance(decide(reads(), staff()), Hold)

    def test_holds_join_to_the_strictest_of_each(self, monkeypatch: pytest.MonkeyPatch) -> None:
        use_guards(monkeypatch, hold("b", votes=2), hold("a", self_approval=False), hold(None))
        decision = decide(reads(), staff())
        assert isinstance(decision, Hold)
        assert (decision.permissions, decision.self_approval, decision.votes) == ({"a", "b"}, False, 2)


class TestGrants:
    def test_nobody_else_makes_one(self) -> None:
        parts: dict[str, Any] = {
            "tool": "query_records",
            "arguments_digest": "",
            "changes_digest": None,
            "approval_id": None,
            "tenant": ACME,
            "principal_id": DANA,
        }
        for mint in (None, object(), "_MINT", True):
            with pytest.raises(GrantError):
                Grant(**parts, mint=mint)

    def test_none_is_made_out_of_another(self) -> None:
        grant = decide(reads(), staff())
        assert isinstance(grant, Grant)
        assert not hasattr(grant, "mint")
        with pytest.raises((GrantError, ValueError)):
            dataclasses.replace(grant, tool="update_record")
        with pytest.raises(dataclasses.FrozenInstanceError):
            grant.tool = "update_record"  # type: ignore[misc]
        for same in (copy.copy(grant), copy.deepcopy(grant), pickle.loads(pickle.dumps(grant))):
            assert same == grant

    @pytest.mark.parametrize(
        ("action", "principal"),
        [
            pytest.param(reads(tool="get_record"), staff(), id="another tool"),
            pytest.param(reads(arguments={"object": "Account"}), staff(), id="other arguments"),
            pytest.param(reads(arguments={"object": "Opportunity", "limit": 1}), staff(), id="one argument more"),
            pytest.param(reads(arguments={}), staff(), id="no arguments"),
            pytest.param(reads(), staff(user=MARA), id="another person"),
            pytest.param(reads(), customer(), id="a customer"),
            pytest.param(reads(), staff(tenant=GLOBEX), id="the same id in another tenant"),
            pytest.param(reads(tenant=GLOBEX), staff(tenant=GLOBEX), id="another tenant altogether"),
            pytest.param(reads(changes=(CHANGE,)), staff(), id="changes where there were none"),
        ],
    )
    def test_a_grant_covers_its_own_call_only(self, action: Action, principal: Principal) -> None:
        grant = decide(reads(), staff())
        assert isinstance(grant, Grant)
        grant.require_cover(reads(), staff())
        with pytest.raises(GrantError):
            grant.require_cover(action, principal)

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param((), id="none"),
            pytest.param((update("Account", Name="y"),), id="another value"),
            pytest.param((update("Account", "001", Name="x"),), id="another record"),
            pytest.param((update("Account", Name="x", OwnerId=MARA),), id="another field too"),
            pytest.param((CHANGE, CHANGE), id="twice"),
            pytest.param((create("Account", Name="x"),), id="another operation"),
        ],
    )
    def test_a_countersigned_grant_covers_its_own_changes_only(self, changes: Any) -> None:
        grant = redeem(writes(CHANGE), SELLER, approval_id="1", rule=RULE)
        assert isinstance(grant, Grant)
        grant.require_cover(writes(CHANGE), SELLER)
        with pytest.raises(GrantError):
            grant.require_cover(dataclasses.replace(writes(CHANGE), changes=changes), SELLER)
        with pytest.raises(GrantError):
            grant.require_cover(writes(), SELLER)


class TestRedeem:
    def test_guards_run_again(self) -> None:
        assert isinstance(redeem(writes(CHANGE), SELLER, approval_id="1", rule=RULE), Grant)
        assert isinstance(redeem(writes(CHANGE), staff(), approval_id="1", rule=RULE), Deny)
        assert isinstance(redeem(writes(CHANGE), customer(), approval_id="1", rule=RULE), Deny)

    def test_votes_under_a_milder_rule_do_not_serve_a_stricter_one(self) -> None:
        grave = writes(update("Account", OwnerId=MARA))
        mild = dataclasses.replace(RULE, self_approval=True)
        assert isinstance(redeem(grave, SELLER, approval_id="1", rule=RULE), Grant)
        assert isinstance(redeem(grave, SELLER, approval_id="1", rule=mild), Deny)
        assert isinstance(redeem(writes(CHANGE), SELLER, approval_id="1", rule=mild), Grant)
        wrong = dataclasses.replace(RULE, permission="read_audit")
        assert isinstance(redeem(grave, SELLER, approval_id="1", rule=wrong), Deny)

    def test_too_few_votes_are_too_few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        use_guards(monkeypatch, hold("approve_writes", votes=2))
        assert isinstance(redeem(writes(CHANGE), SELLER, approval_id="1", rule=RULE), Deny)
        enough = dataclasses.replace(RULE, votes=2)
        assert isinstance(redeem(writes(CHANGE), SELLER, approval_id="1", rule=enough), Grant)


@pytest.mark.parametrize("votes", [1, 2])
@pytest.mark.parametrize("permission", [None, "a", "a b"])
def test_a_joined_hold_covers_both_of_its_parts(votes: int, permission: str | None) -> None:
    one = Hold("g", "r", permission, self_approval=True, votes=votes)
    other = Hold("g", "r", "b", self_approval=False)
    assert one.joined(other).covers(one)
    assert one.joined(other).covers(other)
    assert not one.covers(other)


class TestPreapproved:
    """What a tenant has approved in advance goes without a person, unless something else speaks against it."""

    GIVEN = Preapproval("p", "update_record", "Account", frozenset({"Name"}), date.max)
    PRINCIPAL = dataclasses.replace(SELLER, policy=TenantPolicy(1, preapprovals=(GIVEN,)).standing_on(date.min))
    TARGET = Input("record_id", "target", Label(Integrity.USER), is_reference=True)
    NAMED_OUTSIDE = Input("record_id", "target", Label(Integrity.EXTERNAL), is_reference=True)

    def test_a_grant_without_an_approval_covers_the_change(self) -> None:
        action = writes(CHANGE, inputs=(self.TARGET,))
        grant = decide(action, self.PRINCIPAL)
        assert isinstance(grant, Grant)
        assert grant.approval_id is None
        assert grant.changes_digest is not None
        grant.require_cover(action, self.PRINCIPAL)
        assert isinstance(decide(action, SELLER), Hold)

    @pytest.mark.parametrize(
        ("action", "outcome"),
        [
            pytest.param(writes(CHANGE), Hold, id="nobody looked the record up"),
            pytest.param(writes(CHANGE, inputs=(NAMED_OUTSIDE,)), Hold, id="named outside"),
            pytest.param(writes(update("Account", OwnerId=MARA), inputs=(TARGET,)), Hold, id="another field"),
            pytest.param(writes(CHANGE, inputs=(TARGET,), plan=frozenset({"update_record"})), Hold, id="tainted"),
            pytest.param(writes(CHANGE, inputs=(TARGET,), plan=frozenset()), Deny, id="outside the plan"),
            pytest.param(writes(CHANGE, inputs=(TARGET,), scope="x"), Deny, id="no scope"),
        ],
    )  # fmt: skip
    def test_what_speaks_against_it_still_does(self, action: Action, outcome: type) -> None:
        assert isinstance(decide(action, self.PRINCIPAL), outcome)

    def test_votes_are_still_needed_where_they_were_asked_for(self) -> None:
        action = writes(CHANGE, inputs=(self.TARGET,))
        assert isinstance(redeem(action, self.PRINCIPAL, approval_id="1", rule=RULE), Grant)
