"""Approval rules: what can be written, which actions they fit, and that together they only ever ask for more."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any, ClassVar

import pytest

from crm.access import Access, Caller
from crm.connector import Change, FieldChange
from crm.ids import UserId, numbered_id
from tests.trust.acting import ACME, ANN, customer, reads, staff, update, writes
from tests.trust.acting import create as creates
from trust import policy
from trust.actions import Action, Effect, Input, Outgoing, Recipient
from trust.approval_rules import HoursTest, find_twice, is_within_hours, read_rules
from trust.decisions import Deny, Hold
from trust.labels import Integrity, Label
from trust.policy import Grant, decide, redeem
from trust.principal import Principal
from trust.rule_matching import fits, tighten
from trust.tenant_policy import Preapproval, TenantPolicy

DANA, MARA = UserId(numbered_id("005", 5)), UserId(numbered_id("005", 3))
AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
"""A Monday."""
GROUP = {"then": {"approvers": [{"group": "legal"}]}}
OPPORTUNITY = {"Opportunity": "cre", "Account": "cre", "Task": "cre"}
SELLER = staff(user=DANA, objects=OPPORTUNITY, fields={name: {"*": "re"} for name in OPPORTUNITY})


def rule(then: Any = None, name: str = "r", **when: Any) -> dict[str, Any]:
    return {"id": name, "reason": f"because of {name}", "when": when, "then": then or {}}


def under(principal: Principal, *rules: Any, at: datetime | None = AT, **more: Any) -> Principal:
    given = TenantPolicy(1, rules=read_rules(rules), **more)
    return replace(principal, policy=replace(given.standing_on(AT.date()), asked_at=at))


def change(old: Any, new: Any, field: str = "Amount", object_name: str = "Opportunity") -> Change:
    return Change("update", object_name, "006CS00000000000AA", "a", (FieldChange(field, old, new),))


def may_write(principal: Principal) -> Principal:
    fields = {
        name: {f: frozenset("re") for f in ("Amount", "NextStep", "Name", "Probability", "Subject", "OwnerId")}
        for name in OPPORTUNITY
    }
    return replace(principal, access=replace(principal.access, fields=fields))


SELLER = may_write(SELLER)


def mail(*addresses: str, **more: Any) -> Action:
    people = tuple(Recipient(one, Label(Integrity.CRM_VERIFIED), "Contact:x", **more) for one in addresses)
    outgoing = Outgoing("email", people, Label(Integrity.USER)) if people else None
    return writes(change(None, "x", "Subject", "Task"), effect=Effect.SEND, tool="send_email", outgoing=outgoing)


class TestWriting:
    @pytest.mark.parametrize(
        ("bad", "told"),
        [
            (rule({"votes": 0}), "greater than or equal to 1"),
            (rule({"votes": 6}), "less than or equal to 5"),
            (rule({"votes": True}), "valid integer"),
            (rule({"self_approval": True}), "Extra inputs"),
            (rule({"permission": None}), "Extra inputs"),
            (rule({"second_person": False}), "True"),
            (rule({"expires_after": "8d"}), "at most 7d"),
            (rule({"expires_after": "0h"}), "such as 30m"),
            (rule({"expires_after": "-1h"}), "such as 30m"),
            (rule({"qualified_because": "they know"}), "expected with qualified_because"),
            (rule({"escalate": {"after": "1h", "to": [{"group": "g"}]}}), "expected with qualified_because"),
            (rule({**GROUP["then"], "escalate": {"after": "7d", "to": [{"group": "g"}]}}), "less than the time"),
            (rule({"approvers": []}), "at least 1 item"),
            (rule({"approvers": [{}]}), "exactly one of"),
            (rule({"approvers": [{"group": None}]}), "exactly one of"),
            (rule({"approvers": [{"group": "g", "role": "r"}]}), "exactly one of"),
            (rule({"approvers": [{"manager_of_owner": False}]}), "True"),
            (rule({"approvers": [{"person": ANN}]}), "record id of a user"),
            (rule({"approvers": [{"person": "*"}]}), "record id of a user"),
            (rule(objects=["Deal"]), "no object 'Deal'"),
            (rule(fields=["Amount"]), "no field 'Amount'"),
            (rule(fields=["Opportunity.Price"]), "no field 'Opportunity.Price'"),
            (rule(amount={}), "at least one of above, below"),
            (rule(amount={"above": None}), "at least one of above, below"),
            (rule(amount={"above": "5"}), "valid integer"),
            (rule(size={"percent": 5}), "Extra inputs"),
            (rule(recipients={"domains": ["*.example"]}), "a domain in small letters"),
            (rule(recipients={"domains": []}), "at least one of"),
            (rule(requester={"name": "x"}), "Extra inputs"),
            (rule(hours={"zone": "Mars/Olympus"}), "name of a time zone"),
            (rule(hours={"zone": "../../etc/passwd"}), "name of a time zone"),
            (rule(hours={"zone": "UTC", "start": "24:00"}), "pattern"),
            (rule(hours={"zone": "UTC", "days": ["Monday"]}), "'mon'"),
            (rule(tool="update_record"), "Extra inputs"),
            ({**rule(), "id": "Two Words"}, "pattern"),
            ({**rule(), "reason": "two\nlines"}, "one line"),
            ({**rule(), "reason": "\u202ehidden"}, "one line"),
            ({"id": "r", "when": {}}, "required"),
        ],
        ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else None,
    )
    def test_what_cannot_be_meant_is_refused(self, bad: Any, told: str) -> None:
        with pytest.raises(ValueError, match=told):
            read_rules([bad])

    def test_what_was_written_comes_back_as_it_was(self) -> None:
        written = [
            rule(
                {**GROUP["then"], "votes": 2, "escalate": {"after": "1h", "to": [{"role": "CEO"}]}}, amount={"above": 5}
            ),
            {"id": "bare", "reason": "r"},
        ]
        assert [one.to_json() for one in read_rules(written)] == written

    def test_ids_count_once_and_rules_are_not_without_number(self) -> None:
        with pytest.raises(ValueError, match="two rules"):
            read_rules([rule(), rule()])
        with pytest.raises(ValueError, match="too many"):
            read_rules([rule(name=f"r{n}") for n in range(51)])
        assert find_twice(read_rules([rule(name="a"), rule(name="b")])) is None

    def test_they_are_part_of_the_digest_and_none_leaves_it_as_it_was(self) -> None:
        bare = TenantPolicy()
        assert TenantPolicy(rules=read_rules([rule()])).digest != bare.digest
        assert (
            TenantPolicy(rules=read_rules([rule()])).digest != TenantPolicy(rules=read_rules([rule(name="s")])).digest
        )


HUGE = {"amount": {"above": 100_000}}


@pytest.mark.parametrize(
    ("when", "yes", "no"),
    [
        ({}, [writes(change(1, 2))], []),
        ({"tools": ["update_record"]}, [writes(change(1, 2))], [writes(change(1, 2), tool="update_records")]),
        ({"objects": ["Account"]}, [writes(update("Account", Name="x"))], [writes(change(1, 2))]),
        ({"operations": ["create"]}, [writes(creates("Task", Subject="x"))], [writes(change(1, 2))]),
        (
            {"fields": ["Opportunity.Amount"]},
            [writes(change(1, 2))],
            [writes(change("a", "b", "NextStep")), writes(creates("Opportunity", Name="x"))],
        ),
        (
            HUGE,
            [writes(change(1, 100_001)), writes(change(1, -100_001)), writes(change(1, "100001.5"))],
            [writes(change(1, 100_000)), writes(change(200_000, 5)), writes(change(1, 100_001, "Probability"))],
        ),
        ({"amount": {"below": 10}}, [writes(change(1, 9)), writes(change(5, None))], [writes(change(1, 10))]),
        ({"amount": {"above": 1, "below": 10}}, [writes(change(1, 9))], [writes(change(1, 1)), writes(change(1, 10))]),
        ({**HUGE, "objects": ["Account"]}, [], [writes(change(1, 100_001), update("Account", Name="x"))]),
        (
            {"size": {"percent_above": 20}},
            [writes(change(100, 121)), writes(change(100, 79)), writes(change(None, 1)), writes(change(0, 1))],
            [
                writes(change(100, 120)),
                writes(change(100, 80)),
                writes(creates("Opportunity", Amount=5)),
                writes(change(None, 0)),
                writes(change("a", "b", "NextStep")),
            ],
        ),
        ({"size": {"by_more_than": 50}}, [writes(change(100, 151))], [writes(change(100, 150))]),
        (
            {"size": {"percent_above": 10}, "fields": ["Opportunity.Probability"]},
            [writes(change(50, 90, "Probability"))],
            [writes(change(50, 90))],
        ),
        (
            {"records_above": 1},
            [
                writes(
                    update("Task", "00TCS00000000000AA", Subject="x"), update("Task", "00TCS00000000001AA", Subject="x")
                )
            ],
            [writes(update("Task", Subject="x"), update("Task", Subject="y"))],
        ),
        ({"recipients": {"outside": True}}, [mail("a@x.example"), mail()], [mail("a@x.example", is_staff=True)]),
        ({"recipients": {"outside": False}}, [mail("a@x.example", is_staff=True)], [mail("a@x.example"), mail()]),
        (
            {"recipients": {"domains": ["x.example"]}},
            [mail("a@X.example"), mail("a@b.x.example"), mail("b@y.example", "a@x.example"), mail()],
            [mail("a@xx.example"), mail("a@x.example.org"), writes(change(1, 2))],
        ),
        ({"integrity": "external"}, [writes(change(1, 2), plan=frozenset({"update_record"}))], [writes(change(1, 2))]),
    ],
)
def test_which_actions_a_rule_is_for(when: Any, yes: list[Action], no: list[Action]) -> None:
    [read] = read_rules([rule(**when)])
    principal = under(SELLER)
    assert [fits(read.when, one, principal) for one in yes] == [True] * len(yes)
    assert [fits(read.when, one, principal) for one in no] == [False] * len(no)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"roles": ["Rep"]}, True),
        ({"roles": ["Boss"]}, False),
        ({"permission_sets": ["sales"]}, True),
        ({"permission_sets": ["service", "sales"]}, True),
        ({"groups": ["west"]}, True),
        ({"groups": ["east"]}, False),
        ({"persons": [DANA]}, True),
        ({"persons": [MARA]}, False),
        ({"roles": ["Rep"], "groups": ["east"]}, False),
        ({"customer": False}, True),
        ({"customer": True}, False),
    ],
)
def test_on_whose_behalf(asked: Any, expected: bool) -> None:
    access = replace(
        SELLER.access,
        role="Rep",
        roles_from_here=frozenset({"Rep", "Boss"}),
        groups=frozenset({"west"}),
        permission_sets=frozenset({"sales"}),
    )
    [read] = read_rules([rule(requester=asked)])
    assert fits(read.when, writes(change(1, 2)), under(replace(SELLER, access=access))) is expected
    assert fits(read.when, writes(change(1, 2)), under(customer())) is (asked == {"customer": True})


@pytest.mark.parametrize(
    ("hours", "moment", "expected"),
    [
        ({"start": "08:00", "end": "18:00"}, "2026-11-02T08:00:00+01:00", True),
        ({"start": "08:00", "end": "18:00"}, "2026-11-02T07:59:59+01:00", False),
        ({"start": "08:00", "end": "18:00"}, "2026-11-02T17:59:59+01:00", True),
        ({"start": "08:00", "end": "18:00"}, "2026-11-02T18:00:00+01:00", False),
        # The same hour of the clock is another moment in summer, and around the day on which clocks go back.
        ({"start": "08:00", "end": "18:00"}, "2026-07-01T06:00:00Z", True),
        ({"start": "08:00", "end": "18:00"}, "2026-11-02T06:30:00Z", False),
        ({"start": "02:00", "end": "03:00"}, "2026-10-25T00:30:00Z", True),
        ({"start": "02:00", "end": "03:00"}, "2026-10-25T01:30:00Z", True),
        ({"start": "02:00", "end": "03:00"}, "2026-10-25T02:00:00Z", False),
        # The hour that spring leaves out.
        ({"start": "02:00", "end": "03:00"}, "2026-03-29T01:00:00Z", False),
        # Past midnight: the day is that on which the hours began.
        ({"days": ["fri"], "start": "22:00", "end": "06:00"}, "2026-11-06T23:00:00+01:00", True),
        ({"days": ["fri"], "start": "22:00", "end": "06:00"}, "2026-11-07T05:59:00+01:00", True),
        ({"days": ["fri"], "start": "22:00", "end": "06:00"}, "2026-11-07T06:00:00+01:00", False),
        ({"days": ["fri"], "start": "22:00", "end": "06:00"}, "2026-11-06T05:00:00+01:00", False),
        ({"days": ["sun"], "start": "22:00", "end": "06:00"}, "2026-11-02T05:00:00+01:00", True),
        # A day is a day there, not here.
        ({"days": ["sat", "sun"]}, "2026-11-01T22:59:00Z", True),
        ({"days": ["sat", "sun"]}, "2026-11-01T23:00:00Z", False),
        ({"days": ["mon"]}, "2026-11-01T23:00:00Z", True),
        ({"start": "08:00", "end": "18:00", "outside": True}, "2026-11-02T18:00:00+01:00", True),
        ({"start": "08:00", "end": "18:00", "outside": True}, "2026-11-02T12:00:00+01:00", False),
    ],
)
def test_when_it_was_asked_for(hours: Any, moment: str, expected: bool) -> None:
    test = HoursTest(zone="Europe/Berlin", **hours)
    assert is_within_hours(test, datetime.fromisoformat(moment)) is expected
    assert is_within_hours(test, None), "a moment that nobody knows is the harmful one"


BASE = Hold("hold_writes", "every write", "approve_writes", self_approval=True)
THENS: list[Any] = [
    {},
    {"votes": 3},
    {"second_person": True},
    {"expires_after": "2h"},
    {"approvers": [{"group": "legal"}]},
    {"approvers": [{"group": "legal"}], "qualified_because": "they are lawyers"},
    {
        "approvers": [{"role": "VP"}, {"person": MARA}],
        "expires_after": "1d",
        "votes": 2,
        "escalate": {"after": "3h", "to": [{"group": "board"}]},
    },
]


@pytest.mark.parametrize("base", [BASE, replace(BASE, self_approval=False, votes=2), replace(BASE, permission=None)])
@pytest.mark.parametrize("then", THENS, ids=str)
def test_a_rule_only_ever_asks_for_more(base: Hold, then: Any) -> None:
    held = tighten(base, read_rules([rule(then)]))
    assert held.votes >= base.votes
    assert base.self_approval or not held.self_approval
    if not held.waives_permission:
        assert held.covers(base)
        assert held.permissions == base.permissions
    else:
        assert then["qualified_because"]
        assert base.permissions
        assert held.requirements
        assert not held.self_approval
        assert not held.covers(base), "whom a lawyer's word does not bind may ask for more"
    assert base.covers(held) is (not then or then == {"expires_after": "2h"} or _says_nothing_new(base, then))
    assert Hold.from_json(json.loads(json.dumps(held.to_json()))) == held


def _says_nothing_new(base: Hold, then: Any) -> bool:
    return then == {"second_person": True} and not base.self_approval


def test_several_rules_ask_for_all_of_it_in_any_order() -> None:
    rules = read_rules([rule(then, name=f"r{n}") for n, then in enumerate(THENS)])
    for order in list(permutations(rules))[::200]:
        held = tighten(BASE, order)
        assert (held.votes, held.self_approval, held.expires_after) == (3, False, timedelta(hours=2))
        assert {one.rule for one in held.requirements} == {"r4", "r5", "r6"}
        assert held.permissions == {"approve_writes"}, "one of those that name approvers does not waive it"
        assert set(held.rules) == {one.id for one in rules}
        for one in rules:
            alone = tighten(BASE, [one])
            assert held.covers(replace(alone, waives_permission=False))
    waived = tighten(BASE, [rules[1], rules[5]])
    assert (waived.permissions, waived.waives_permission, waived.votes) == (frozenset(), True, 3)
    assert tighten(BASE, []) == BASE


def test_only_the_permission_to_approve_is_waived() -> None:
    stricter = replace(BASE, permission="approve_writes sign_contracts")
    held = tighten(stricter, read_rules([rule(THENS[5])]))
    assert held.permissions == {"sign_contracts"}


GIVEN = Preapproval("p", "update_record", "Opportunity", frozenset({"NextStep"}), AT.date(), None, MARA, "r")
STEP = writes(change("a", "b", "NextStep"), inputs=())


class TestDeciding:
    def asking(self, *rules: Any, **more: Any) -> Principal:
        return under(SELLER, *rules, preapprovals=(GIVEN,), **more)

    def step(self) -> Action:
        return replace(STEP, changes=(change("a", "b", "NextStep"),), inputs=_targets())

    def test_a_preapproved_kind_is_held_again_for_those_whom_it_would_wait_for(self) -> None:
        assert isinstance(decide(self.step(), self.asking()), Grant)
        held = decide(self.step(), self.asking(rule(GROUP["then"], requester={"persons": [DANA]})))
        assert isinstance(held, Hold)
        assert (held.permission, held.self_approval, held.votes, held.rules) == ("approve_writes", True, 1, ("r",))
        assert isinstance(decide(self.step(), self.asking(rule(preapproved=False))), Grant)
        assert isinstance(decide(self.step(), self.asking(rule(preapproved=True))), Hold)

    def test_reading_and_working_out_are_nothing_to_hold(self) -> None:
        principal = self.asking(rule({"votes": 3}))
        assert isinstance(decide(reads(), principal), Grant)
        assert isinstance(decide(writes(), principal), Grant)
        assert isinstance(decide(writes(change("a", "b", "Name")), principal), Hold)

    def test_what_is_denied_stays_denied(self) -> None:
        assert isinstance(decide(writes(change(1, 2), tenant="globex"), self.asking(rule())), Deny)

    def test_a_rule_that_fails_denies(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: Any) -> Any:
            raise ArithmeticError

        principal = self.asking(rule(amount={"above": 5}))
        assert isinstance(decide(writes(change(1, "many")), principal), Deny)
        monkeypatch.setattr(policy, "find_rules", fail)
        assert isinstance(decide(self.step(), principal), Deny)

    def test_what_was_decided_under_less_is_not_redeemed_and_under_more_it_is(self) -> None:
        action = writes(change("a", "b", "Name"))
        before, after = self.asking(), self.asking(rule({"votes": 2, **GROUP["then"]}))
        weak, strong = decide(action, before), decide(action, after)
        assert isinstance(weak, Hold)
        assert isinstance(strong, Hold)
        assert isinstance(redeem(action, after, approval_id="a", rule=weak), Deny)
        assert isinstance(redeem(action, before, approval_id="a", rule=strong), Grant)
        assert isinstance(redeem(action, after, approval_id="a", rule=strong), Grant)
        wider = {"votes": 2, "approvers": [{"group": "legal"}, {"group": "sales"}]}
        assert isinstance(redeem(action, self.asking(rule(wider)), approval_id="a", rule=strong), Grant)
        other = {"votes": 2, "approvers": [{"group": "sales"}]}
        assert isinstance(redeem(action, self.asking(rule(other)), approval_id="a", rule=strong), Deny)


def _targets() -> Any:
    return (Input("record_id", "target", Label(Integrity.USER), is_reference=True),)


class TestEscalating:
    THEN: ClassVar[Any] = {"approvers": [{"group": "legal"}], "escalate": {"after": "3h", "to": [{"group": "board"}]}}

    def test_others_may_decide_once_it_is_time_and_not_before(self) -> None:
        held = tighten(BASE, read_rules([rule(self.THEN)])).settled(frozenset(), at=AT)
        [requirement] = held.requirements
        board = Access(Caller(ACME, user_id=UserId(MARA)), "Mara", groups=frozenset({"board"}))
        for delta, expected in ((-1, False), (0, True), (1, True)):
            moment = AT + timedelta(hours=3, seconds=delta)
            assert requirement.is_met_by(board, at=moment) is expected
        [unsettled] = tighten(BASE, read_rules([rule(self.THEN)])).requirements
        assert not unsettled.is_met_by(board, at=AT + timedelta(days=6))

    @pytest.mark.parametrize(
        ("then", "expected"),
        [
            (THEN, True),
            ({"approvers": [{"group": "legal"}]}, False),
            ({**THEN, "escalate": {"after": "4h", "to": [{"group": "board"}]}}, False),
            ({**THEN, "escalate": {"after": "2h", "to": [{"group": "board"}, {"group": "x"}]}}, True),
            ({**THEN, "escalate": {"after": "2h", "to": [{"group": "x"}]}}, False),
            ({"approvers": [{"group": "legal"}, {"group": "board"}]}, True),
        ],
    )
    def test_an_escalation_that_is_gone_by_now_asks_for_more(self, then: Any, expected: bool) -> None:
        old = tighten(BASE, read_rules([rule(self.THEN)])).settled(frozenset(), at=AT)
        assert old.covers(tighten(BASE, read_rules([rule(then)]))) is expected
