"""The written policy against the table of decisions, over every point of the finite world that it decides in."""

from collections import Counter
from dataclasses import fields

import pytest

from tests.trust.policy_space import STRENGTH, WORST, bases, expected, scattered, space, word_of, worse_neighbours
from trust.cedar import BASE, Engine
from trust.facts import Facts, Names

Words = dict[Facts, str]


def decide(facts: Facts) -> str:
    return word_of(BASE.decide(facts, Names()).decision)


@pytest.fixture(scope="module")
def words(thorough: bool) -> Words:
    """Every point with up to two facts at their worst, and points from all over; three and many more if thorough."""
    points = [*space(3 if thorough else 2), *scattered(50_000 if thorough else 400)]
    return {facts: decide(facts) for facts in points}


def test_the_world_is_as_large_as_the_facts() -> None:
    together = {"effect", "takes_effect", "is_egress", "audience", "is_preapproved"}
    assert set(WORST) | together == {one.name for one in fields(Facts)}
    assert all(WORST[name] != getattr(Facts(), name) for name in WORST)


def test_every_point_is_decided_as_the_table_says(words: Words) -> None:
    wrong = [(facts, word, expected(facts)) for facts, word in words.items() if word != expected(facts)]
    assert wrong == []
    assert set(Counter(words.values())) == {"allow", "anybody", "second", "deny"}


def test_making_anything_worse_never_makes_the_decision_milder(words: Words, thorough: bool) -> None:
    pairs = 0
    for facts in space(2 if thorough else 1):
        for changed, worse in worse_neighbours(facts):
            if worse in words:
                assert STRENGTH[words[worse]] >= STRENGTH[words[facts]], (changed, facts)
                pairs += 1
    assert pairs > 5_000


def test_what_a_person_is_told_names_nothing_of_the_call() -> None:
    for rule in BASE.rules.values():
        if rule.node.effect == "forbid":
            assert rule.reason, rule.rule_id
            assert rule.remedy, rule.rule_id
            assert not any(sign in rule.reason for sign in '"{}@:;'), rule.rule_id


def test_names_make_no_difference_to_the_rules_that_come_with_the_service() -> None:
    fresh = Engine(BASE.rules)
    loud = Names(
        person="005",
        tool="update_record",
        agent="sales",
        permissions=frozenset({"approve_writes"}),
        objects=frozenset({"Contract"}),
        fields=frozenset({"Contract.Status"}),
        records=9,
        largest_amount=10**15,
        recipient_domains=frozenset({"example.com"}),
    )
    for facts in bases():
        assert fresh.decide(facts, loud) == BASE.decide(facts, Names())
