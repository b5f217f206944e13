"""The case it exists for: something is not known about an action, and is taken for harmless."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from crm.connector import Change, FieldChange
from tests.trust.acting import DANA, GLOBEX, MARA, RECORD, create, customer, reads, staff, update, writes
from trust.actions import Action, Effect, FieldLabels, Input, Outgoing, Recipient
from trust.facts import Audience, Facts, facts_of, names_of
from trust.labels import Integrity, Label
from trust.principal import Principal
from trust.tenant_policy import PolicySettings, Preapproval, TenantPolicy

OUTSIDE, VERIFIED, SAID = Label(Integrity.EXTERNAL), Label(Integrity.CRM_VERIFIED), Label(Integrity.USER)
SELLER = staff(
    objects={"Account": "cred", "Opportunity": "cred", "Task": "cre"},
    fields={
        "Account": dict.fromkeys(("Name", "Phone", "AnnualRevenue"), "re"),
        "Opportunity": dict.fromkeys(("Amount", "NextStep"), "re"),
        "Task": dict.fromkeys(("Subject", "OwnerId"), "re"),
    },
)
TARGET = Input("record_id", "target", SAID, is_reference=True)
PHONE = update("Account", Phone="1")
SIX = [update("Account", str(number), Phone="1") for number in range(6)]


def facts(action: Action, principal: Principal = SELLER, **settings: Any) -> Facts:
    policy = TenantPolicy(settings=PolicySettings(**settings)).standing_on(date.min)
    return facts_of(action, principal, policy)


def changed(field: str, old: Any, new: Any, object_name: str = "Account") -> Change:
    return Change("update", object_name, RECORD, "a name", (FieldChange(field, old, new),))


def mail(*recipients: Recipient, readers: Any = frozenset(), content: Integrity = Integrity.SYSTEM) -> Action:
    outgoing = Outgoing("email", recipients, Label(content, readers=readers), wrong_reader="hold")
    return writes(create("Task", Subject="x"), effect=Effect.SEND, outgoing=outgoing)


ANN = Recipient("ann@acme.example", VERIFIED, record="Contact:003A", account_id="001A")
MARA_HERSELF = Recipient("mara@northwind.example", VERIFIED, is_staff=True)


def test_an_ordinary_change_has_nothing_against_it_but_being_one() -> None:
    found = facts(writes(PHONE, inputs=(TARGET,), arguments={"record_id": RECORD}))
    plain = Facts(effect=Effect.WRITE, takes_effect=True, tool_is_for_customers=False)
    assert found == replace(plain, targets=Integrity.USER, any_input=Integrity.USER)


@pytest.mark.parametrize(
    ("action", "principal", "name", "value"),
    [
        pytest.param(reads(), SELLER, "takes_effect", False, id="reading"),
        pytest.param(writes(), SELLER, "takes_effect", False, id="a change that is being worked out"),
        pytest.param(writes(PHONE, effect=Effect.DRAFT), SELLER, "takes_effect", True, id="a draft"),
        pytest.param(writes(effect=Effect.SEND), SELLER, "is_egress", True, id="sending"),
        pytest.param(reads(inputs=(Input("u", "url", SAID),)), SELLER, "is_egress", True, id="a look at an address"),
        pytest.param(writes(PHONE, effect=Effect.DRAFT), SELLER, "is_egress", False, id="a draft stays"),
        pytest.param(reads(tenant=GLOBEX), SELLER, "same_tenant", False, id="another tenant"),
        pytest.param(reads(), customer(), "is_customer", True, id="a customer"),
        pytest.param(reads(for_customers=True), customer(), "tool_is_for_customers", True, id="a customer's tool"),
        pytest.param(reads(tool="x"), SELLER, "tool_is_listed", False, id="a tool not listed"),
        pytest.param(reads(plan=frozenset({"x"})), SELLER, "tool_is_in_plan", False, id="outside the plan"),
        pytest.param(reads(plan=frozenset({"query_records"})), SELLER, "tool_is_in_plan", True, id="in the plan"),
        pytest.param(reads(), SELLER, "tool_is_in_plan", True, id="no plan is needed yet"),
        pytest.param(reads(plan=frozenset()), SELLER, "is_tainted", True, id="tainted"),
        pytest.param(reads(scope="x"), SELLER, "scope_is_covered", False, id="a scope"),
        pytest.param(writes(PHONE), staff(), "rights_are_held", False, id="no rights"),
        pytest.param(writes(*SIX), SELLER, "exceeds_record_cap", True, id="six"),
        pytest.param(writes(*SIX[1:]), SELLER, "exceeds_record_cap", False, id="five"),
        pytest.param(writes(PHONE, PHONE), SELLER, "exceeds_record_cap", False, id="one record twice"),
        pytest.param(writes(Change("delete", "Account", RECORD, "x", ())), SELLER, "deletes", True, id="a delete"),
        pytest.param(writes(changed("Phone", "1", None)), SELLER, "empties_filled", True, id="emptied"),
        pytest.param(writes(changed("Phone", "1", "")), SELLER, "empties_filled", True, id="emptied with nothing"),
        pytest.param(writes(changed("Phone", None, None)), SELLER, "empties_filled", False, id="empty as before"),
        pytest.param(writes(changed("Phone", "1", 0)), SELLER, "empties_filled", False, id="a nought is a value"),
        pytest.param(writes(create("Account", Phone=None)), SELLER, "empties_filled", False, id="a new record"),
        pytest.param(writes(update("Opportunity", Amount=5)), SELLER, "is_grave", True, id="an amount"),
        pytest.param(writes(update("Opportunity", NextStep="x")), SELLER, "is_grave", False, id="a next step"),
        pytest.param(writes(create("Task", Subject="x", OwnerId=DANA)), SELLER, "is_grave", False, id="an own task"),
        pytest.param(writes(update("Account", OwnerId=MARA)), SELLER, "is_grave", True, id="an owner"),
    ],
)  # fmt: skip
def test_what_is_seen(action: Action, principal: Principal, name: str, value: Any) -> None:
    assert getattr(facts(action, principal), name) == value


@pytest.mark.parametrize(
    ("old", "new", "exceeds"),
    [
        (None, 1_000_000, False),
        (None, 1_000_000.01, True),
        (None, -2_000_000, True),
        (100, 150, False),
        (100, 151, True),
        (100, 49, True),
        (0, 1, True),
        (100, None, True),
        (100, 100, False),
    ],
)
def test_amounts_and_how_they_change(old: Any, new: Any, exceeds: bool) -> None:
    assert facts(writes(changed("Amount", old, new, "Opportunity"))).exceeds_amount_limit is exceeds
    assert facts(writes(changed("AnnualRevenue", old, new))).exceeds_amount_limit is exceeds
    assert not facts(writes(changed("Phone", str(old), str(new)))).exceeds_amount_limit


def test_a_new_record_grows_from_nothing_and_has_the_limit_only() -> None:
    assert not facts(writes(create("Opportunity", Amount=900_000))).exceeds_amount_limit
    assert facts(writes(create("Opportunity", Amount=900_000)), amount_limit=10).exceeds_amount_limit


class TestInputs:
    @pytest.mark.parametrize(
        ("role", "name"),
        [
            ("target", "targets"),
            ("recipient", "recipients"),
            ("url", "urls"),
            ("content", "contents"),
            ("amount", "amounts"),
            ("option", "any_input"),
        ],
    )
    def test_the_worst_of_a_role_counts(self, role: Any, name: str) -> None:
        found = facts(reads(inputs=(Input("a", role, SAID), Input("b", role, OUTSIDE), Input("c", "option", VERIFIED))))
        assert getattr(found, name) is Integrity.EXTERNAL
        assert found.any_input is Integrity.EXTERNAL
        others = {"targets", "recipients", "urls", "contents", "amounts"} - {name}
        assert {getattr(found, other) for other in others} == {Integrity.SYSTEM}

    def test_an_argument_without_a_label_counts_as_outside_text_once_such_was_read(self) -> None:
        given = {"arguments": {"record_id": RECORD, "fields": {"Phone": "1"}}, "inputs": (TARGET,)}
        assert facts(writes(PHONE, **given)).any_input is Integrity.USER
        assert facts(writes(PHONE, plan=frozenset(), **given)).any_input is Integrity.EXTERNAL
        labelled = {**given, "inputs": (TARGET, Input("fields.Phone", "content", VERIFIED))}
        assert facts(writes(PHONE, plan=frozenset(), **labelled)).any_input is Integrity.CRM_VERIFIED
        empty = {**given, "arguments": {"record_id": RECORD, "fields": None}}
        assert facts(writes(PHONE, plan=frozenset(), **empty)).any_input is Integrity.USER

    def test_records_are_looked_up_or_a_models_word(self) -> None:
        assert facts(writes(PHONE, inputs=(TARGET,))).targets_are_resolved
        assert not facts(writes(PHONE, inputs=(replace(TARGET, is_reference=False),))).targets_are_resolved
        assert not facts(writes(PHONE)).targets_are_resolved
        assert facts(writes(create("Task", Subject="x"))).targets_are_resolved
        assert not facts(
            writes(create("Task", Subject="x"), inputs=(Input("to", "recipient", SAID),))
        ).targets_are_resolved

    @pytest.mark.parametrize(
        ("arguments", "inputs", "confirms"),
        [
            ({"confirmed": True}, (), True),
            ({"Confirm": "yes"}, (), True),
            ({"confirmed": False}, (), False),
            ({"confirmed": True}, (Input("confirmed", "option", SAID, is_reference=True),), True),
            ({"confirmed": True}, (Input("confirmed", "confirmation", SAID, is_reference=True),), False),
            ({"confirmed": True}, (Input("confirmed", "confirmation", SAID),), True),
            ({"agreed": 1}, (Input("agreed", "confirmation", OUTSIDE, is_reference=True),), True),
            ({"subject": "confirmed"}, (), False),
        ],
    )
    def test_a_model_that_says_that_somebody_agreed(self, arguments: Any, inputs: Any, confirms: bool) -> None:
        assert facts(reads(arguments=arguments, inputs=inputs)).model_confirms is confirms


class TestLabelsOfFields:
    def test_outside_text_over_what_staff_stands_for(self) -> None:
        action = writes(changed("Phone", "1", "2"))
        for old, new, dirties in ((VERIFIED, OUTSIDE, True), (OUTSIDE, OUTSIDE, False), (VERIFIED, SAID, False)):
            labels = {(RECORD, "Phone"): FieldLabels(old, new)}
            assert facts(replace(action, field_labels=labels)).external_into_verified is dirties
            emptied = replace(action, changes=(changed("Phone", None, "2"),), field_labels=labels)
            assert not facts(emptied).external_into_verified

    def test_without_labels_a_turn_that_read_outside_text_would_write_it(self) -> None:
        action = writes(changed("Phone", "1", "2"))
        assert not facts(action).external_into_verified
        assert facts(replace(action, plan=frozenset())).external_into_verified

    def test_what_is_written_counts_among_the_inputs(self) -> None:
        labels = {(RECORD, "Phone"): FieldLabels(OUTSIDE, OUTSIDE)}
        assert facts(writes(PHONE, field_labels=labels)).any_input is Integrity.EXTERNAL


class TestMessages:
    @pytest.mark.parametrize(
        ("recipients", "audience"),
        [((MARA_HERSELF,), Audience.INSIDE), ((ANN,), Audience.OUTSIDE), ((MARA_HERSELF, ANN), Audience.OUTSIDE)],
    )
    def test_the_audience(self, recipients: Any, audience: Audience) -> None:
        assert facts(mail(*recipients)).audience is audience

    def test_a_message_to_nobody_known_goes_to_the_worst(self) -> None:
        for action in (mail(), replace(mail(ANN), outgoing=None)):
            assert (facts(action).audience, facts(action).recipients) == (Audience.OUTSIDE, Integrity.EXTERNAL)
        assert facts(writes(effect=Effect.SEND)).audience is Audience.NONE

    @pytest.mark.parametrize(
        ("readers", "may"),
        [
            (None, True),
            (frozenset(), False),
            ({"contact:003A"}, True),
            ({"account:001A"}, True),
            ({"account:001B", "contact:003B"}, False),
            ({"account:", "contact:", ":"}, False),
        ],
    )
    def test_who_may_read_it(self, readers: Any, may: bool) -> None:
        chosen = None if readers is None else frozenset(readers)
        assert facts(mail(ANN, readers=chosen)).recipients_may_read is may
        assert facts(mail(MARA_HERSELF, readers=chosen)).recipients_may_read
        assert facts(mail(MARA_HERSELF, ANN, readers=chosen)).recipients_may_read is may
        assert facts(mail(Recipient("x@y", VERIFIED), readers=chosen)).recipients_may_read is (chosen is None)

    def test_one_who_opted_out_or_was_named_from_outside_spoils_all(self) -> None:
        assert facts(mail(ANN)).recipients_are_willing
        assert not facts(mail(ANN, replace(ANN, may_be_written_to=False))).recipients_are_willing
        assert facts(mail(ANN, replace(ANN, label=OUTSIDE))).recipients is Integrity.EXTERNAL
        assert facts(mail(ANN, content=Integrity.EXTERNAL)).contents is Integrity.EXTERNAL


class TestPreapprovals:
    GIVEN = Preapproval(
        "p", "update_record", "Opportunity", frozenset({"Amount", "NextStep"}), date(2026, 12, 31), 1_000
    )

    def holds(self, action: Action, *, principal: Principal = SELLER, on: date = date(2026, 12, 31)) -> bool:
        policy = TenantPolicy(1, preapprovals=(self.GIVEN,)).standing_on(on)
        return facts(action, replace(principal, policy=policy)).is_preapproved

    @pytest.mark.parametrize(
        ("action", "holds"),
        [
            pytest.param(writes(update("Opportunity", NextStep="x")), True, id="a part of the fields"),
            pytest.param(writes(update("Opportunity", Amount=1_000, NextStep="x")), True, id="up to the cap"),
            pytest.param(writes(update("Opportunity", Amount=1_000.01)), False, id="beyond the cap"),
            pytest.param(writes(update("Opportunity", Amount=-2_000)), False, id="far below nought"),
            pytest.param(writes(update("Opportunity", NextStep="x", StageName="Closed")), False, id="one field more"),
            pytest.param(writes(PHONE), False, id="another object"),
            pytest.param(writes(update("Opportunity", NextStep="x"), PHONE), False, id="and another"),
            pytest.param(writes(update("Opportunity", NextStep="x"), tool="x"), False, id="another tool"),
            pytest.param(writes(Change("delete", "Opportunity", RECORD, "x", ())), False, id="a delete"),
            pytest.param(writes(), False, id="nothing known yet"),
        ],
    )  # fmt: skip
    def test_exactly_this_kind(self, action: Action, holds: bool) -> None:
        assert self.holds(action) is holds

    def test_until_its_last_day_and_for_staff_only(self) -> None:
        action = writes(update("Opportunity", NextStep="x"))
        assert not self.holds(action, on=date(2027, 1, 1))
        assert not self.holds(action, principal=customer())

    def test_without_a_cap_no_amount_is_touched(self) -> None:
        policy = TenantPolicy(1, preapprovals=(replace(self.GIVEN, amount_cap=None),)).standing_on(date.min)
        principal = replace(SELLER, policy=policy)
        assert facts(writes(update("Opportunity", NextStep="x")), principal).is_preapproved
        assert not facts(writes(update("Opportunity", Amount=1)), principal).is_preapproved


class TestMoneyElsewhere:
    """Of a tool that is not the CRM's only the roles of its arguments are known."""

    GIVEN = Preapproval("p", "pay", "Payment", frozenset({"amount", "times"}), date.max, 100)

    @pytest.mark.parametrize(
        ("new", "inputs", "is_preapproved", "largest"),
        [
            pytest.param({"amount": 100}, (Input("amount", "amount", SAID),), True, 100, id="an amount up to the cap"),
            pytest.param({"amount": 101}, (Input("amount", "amount", SAID),), False, 101, id="an amount beyond it"),
            pytest.param({"times": 101}, (Input("times", "option", SAID),), True, 0, id="a number that is no amount"),
            pytest.param({"times": 101}, (), False, 101, id="a number of which nothing is known"),
            pytest.param({"times": True}, (), True, 0, id="a yes"),
        ],
    )
    def test_is_what_fills_an_amount(self, new: Any, inputs: Any, is_preapproved: bool, largest: int) -> None:
        change = Change("create", "Payment", "1", "x", tuple(FieldChange(name, None, one) for name, one in new.items()))
        policy = TenantPolicy(1, preapprovals=(self.GIVEN,)).standing_on(date.min)
        action = writes(change, tool="pay", inputs=inputs)
        assert facts(action, replace(SELLER, policy=policy)).is_preapproved is is_preapproved
        assert names_of(action, SELLER).largest_amount == largest

    def test_is_limited_like_the_crms(self) -> None:
        change = Change("update", "Payment", "1", "x", (FieldChange("amount", 100, 151),))
        action = writes(change, inputs=(Input("amount", "amount", SAID),))
        assert facts(action).exceeds_amount_limit
        assert not facts(action, change_limit_percent=51).exceeds_amount_limit


def test_names_for_a_tenants_own_rules() -> None:
    action = replace(mail(ANN), changes=(create("Opportunity", Amount=10.2), create("Task", Subject="x")))
    found = names_of(action, SELLER)
    assert (found.person, found.tool, found.agent) == (DANA, "update_record", "sales")
    assert found.objects == {"Opportunity", "Task"}
    assert found.fields == {"Opportunity.Amount", "Task.Subject"}
    assert (found.records, found.largest_amount, found.recipient_domains) == (2, 11, {"acme.example"})
