"""The case it exists for: a rule that fails to evaluate is left out by Cedar, and what it forbids goes through."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from cedarpy import AuthzResult

from tests.trust.acting import staff, update, writes
from trust import cedar
from trust.actions import Effect
from trust.additions import read_additions
from trust.cedar import BASE, Engine, context_of, engine_for
from trust.cedar_rules import PolicyTextError, Rule, read_rules
from trust.decisions import Allow, Deny, Hold
from trust.facts import Facts, Names
from trust.guards.follow_policy import follow_policy
from trust.tenant_policy import TenantPolicy

WRITE = Facts(effect=Effect.WRITE, takes_effect=True)
NAMES = Names(person="005", tool="update_record", agent="sales")
FAILED = Deny("policy", "the check could not be made")


def rules_with(text: str) -> Mapping[str, Rule]:
    return {**BASE.rules, **{rule.rule_id: rule for rule in read_rules(text)}}


def engine_without(*names: str) -> Engine:
    return Engine({name: rule for name, rule in BASE.rules.items() if name not in names})


def test_reading_goes_and_writing_waits() -> None:
    assert BASE.decide(Facts(), NAMES).decision == Allow()
    verdict = BASE.decide(WRITE, NAMES)
    assert verdict.decision == Hold("policy:every-write", "every write is countersigned", "approve_writes", True)
    assert verdict.rules == ("every-write",)


def test_without_a_permit_nothing_goes() -> None:
    assert Engine({}).decide(Facts(), NAMES).decision == FAILED
    for name in ("permit-perform", "permit-unattended"):
        assert engine_without(name).decide(Facts(), NAMES).decision == FAILED


def test_a_rule_that_cannot_be_evaluated_denies_what_cedar_would_allow() -> None:
    overflowing = '@id("x") forbid (principal, action, resource) when { context.largestAmount * 9000 > 1 };'
    engine = Engine(rules_with(overflowing))
    assert engine.decide(Facts(), NAMES).decision == Allow()
    assert engine.decide(Facts(), replace(NAMES, largest_amount=10**16)).decision == FAILED


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"decision": "NoDecision", "diagnostics": {"reason": [], "errors": []}}, id="no decision"),
        pytest.param({"decision": "Maybe", "diagnostics": {"reason": [], "errors": []}}, id="an unknown outcome"),
        pytest.param({"decision": "Allow", "diagnostics": {"reason": [], "errors": ["x"]}}, id="an error beside a yes"),
        pytest.param({"decision": "Allow", "diagnostics": {"reason": ["y"], "errors": []}}, id="an unknown rule"),
        pytest.param({"decision": "Deny", "diagnostics": {"reason": [], "errors": []}}, id="a no that nobody said"),
        pytest.param({}, id="nothing at all"),
    ],
)
def test_whatever_is_not_clearly_a_yes_is_a_no(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    monkeypatch.setattr(cedar, "is_authorized_batch", lambda *_: [AuthzResult(answer), AuthzResult(answer)])
    assert Engine(BASE.rules).decide(Facts(), NAMES).decision == FAILED


def test_a_missing_answer_and_a_crash_are_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cedar, "is_authorized_batch", lambda *_: [])
    assert Engine(BASE.rules).decide(Facts(), NAMES).decision == FAILED
    monkeypatch.setattr(cedar, "is_authorized_batch", lambda *_: 1 / 0)
    assert Engine(BASE.rules).decide(Facts(), NAMES).decision == FAILED


def test_an_answer_that_takes_too_long_is_a_no_and_is_not_kept() -> None:
    def ticking(*times: float) -> Iterator[float]:
        yield from times

    times = ticking(0, 60, 100, 100.1)
    engine = Engine(BASE.rules, clock=lambda: next(times))
    assert engine.decide(Facts(), NAMES).decision == Deny("policy", "the check took too long")
    assert engine.decide(Facts(), NAMES).decision == Allow()
    assert engine.decide(Facts(), NAMES).decision == Allow()  # from memory: the clock has run out


def test_facts_that_the_schema_does_not_have_are_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cedar, "context_of", lambda facts, names: {**context_of(facts, names), "more": True})
    assert Engine(BASE.rules).decide(Facts(), NAMES).decision == FAILED


class TestAdditions:
    def test_a_tenants_rule_denies(self) -> None:
        own = """@id("no-contracts") @reason("contracts are made elsewhere")
            forbid (principal, action == Action::"perform", resource)
            when { context.objects.contains(Object::"Contract") };"""
        engine = engine_for(own)
        contract = replace(NAMES, objects=frozenset({"Contract"}))
        assert engine.decide(WRITE, contract).decision == Deny(
            "policy:tenant/no-contracts", "contracts are made elsewhere"
        )
        assert engine.decide(WRITE, contract).rules == ("tenant/no-contracts",)
        assert engine.decide(WRITE, NAMES) == BASE.decide(WRITE, NAMES)

    def test_a_tenants_rule_asks_for_more(self) -> None:
        own = """@id("two") @reason("two people look at e-mail") @permission("read_audit") @second_person @votes("2")
            forbid (principal, action == Action::"performUnattended", resource)
            when { context.takesEffect && context.objects.contains(Object::"EmailMessage") };"""
        mail = replace(NAMES, objects=frozenset({"EmailMessage"}))
        hold = engine_for(own).decide(WRITE, mail).decision
        assert isinstance(hold, Hold)
        assert (hold.permissions, hold.self_approval, hold.votes) == ({"approve_writes", "read_audit"}, False, 2)
        assert hold.reason == "two people look at e-mail"

    def test_they_only_ever_restrict(self) -> None:
        own = '@id("every-write") @reason("x") forbid (principal, action, resource) when { context.isGrave };'
        engine = engine_for(own)
        assert len(engine.rules) == len(BASE.rules) + 1
        assert isinstance(engine.decide(WRITE, NAMES).decision, Hold)
        assert isinstance(engine.decide(replace(WRITE, is_grave=True), NAMES).decision, Deny)

    def test_a_text_that_no_longer_fits_denies_everything(self) -> None:
        action = writes(update("Task", Subject="x"))
        principal = replace(staff(), policy=TenantPolicy(1, "forbid (nonsense);").standing_on(date.max))
        with pytest.raises(PolicyTextError):
            follow_policy(action, principal)

    def test_what_was_read_is_what_is_asked(self) -> None:
        text = '@id("a") @reason("r") forbid (principal, action, resource) when { context.isTainted };'
        assert [rule.rule_id for rule in read_additions(text)] == ["a"]
        assert isinstance(engine_for(text).decide(Facts(is_tainted=True), NAMES).decision, Deny)
