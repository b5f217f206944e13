"""Rules with one thing wrong in them: those that let more through are found by the table, the others only restrict.

Cedar evaluates all mutants at once: each is put, under a name of its own, as a `forbid` beside one that always speaks,
and then Cedar names all that apply. What each mutant's set of rules would answer follows from that by Cedar's own rule:
a forbid that applies wins, and without a permit that applies nothing is allowed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from cedarpy import Decision as Answer
from cedarpy import Entities, PolicySet, is_authorized_batch
from cedarpy import pst as tree

from tests.trust.policy_mutants import Mutant, mutants_of
from tests.trust.policy_space import STRENGTH, WORST, expected, scattered, space, word_of
from trust.cedar import BASE, QUESTIONS, _hold, request_of
from trust.cedar_rules import SCHEMA, Rule
from trust.facts import Facts, Names

Applying = tuple[frozenset[str], frozenset[str]]
"""Names of the rules that apply to either question."""


def probe(rules: Mapping[str, Rule], points: Iterable[Facts]) -> list[Applying]:
    nodes = {name: replace(rule.node, id=name, effect="forbid", annotations={}) for name, rule in rules.items()}
    always = tree.Template("", "forbid", tree.ScopeAny(), tree.ScopeAny(), tree.ScopeAny(), (), {})
    policies = PolicySet.from_pst(tree.PolicySet({}, {**nodes, "always": replace(always, id="always")}, ()))
    requests = [request_of(question, facts, Names()) for facts in points for question in QUESTIONS]
    answers = is_authorized_batch(requests, policies, Entities.from_json_str("[]", SCHEMA), SCHEMA)
    assert all(one.decision is Answer.Deny and not one.diagnostics.errors for one in answers)
    spoken = [frozenset(one.diagnostics.reasons) - {"always"} for one in answers]
    return list(zip(spoken[::2], spoken[1::2], strict=True))


@dataclass(frozen=True)
class Bench:
    """All mutants, and what applies at which point; points go by number."""

    mutants: Sequence[Mutant]
    points: Sequence[Facts]
    swept: int
    """How many of the points the sweep visits; the others lie elsewhere."""
    applying: Sequence[Applying]
    twins: Sequence[Applying]
    """The same without a pre-approval."""
    expected: Sequence[str]

    def lets_more_through(self, number: int, among: range) -> bool:
        rules = self.rules_of(number)
        return any(is_milder(self.word(rules, point), self.expected[point]) for point in self._changed(number, among))

    def _changed(self, number: int, among: range) -> Iterator[int]:
        """Points where the mutant may make a difference: elsewhere exactly the same rules apply."""
        mutant = self.mutants[number]
        names = frozenset({mutant.name, f"mutant-{number}"})
        is_same_rule = mutant.rule is not None and _is_condition_only(mutant.rule, BASE.rules[mutant.name])
        for point in among:
            speaking = [len(names & one) for one in (*self.applying[point], *self.twins[point])]
            if 1 in speaking or (not is_same_rule and 2 in speaking):
                yield point

    def rules_of(self, number: int | None) -> dict[str, Rule]:
        """By the name they have in the probe."""
        rules = dict(BASE.rules)
        if number is not None:
            mutant = self.mutants[number]
            rules.pop(mutant.name)
            if mutant.rule is not None:
                rules[f"mutant-{number}"] = mutant.rule
        return rules

    def word(self, rules: Mapping[str, Rule], point: int) -> str:
        """What the engine would say under these rules; that it does is tested below."""
        word = _word(rules, self.applying[point])
        is_held = word not in ("allow", "deny")
        return _word(rules, self.twins[point]) if is_held and self.points[point].is_preapproved else word


def _word(rules: Mapping[str, Rule], applying: Applying) -> str:
    denying, holding = (_against(rules, one) for one in applying)
    if denying is None or denying or holding is None:
        return "deny"
    return word_of(_hold([(rule.rule_id, rule) for rule in holding])) if holding else "allow"


def _against(rules: Mapping[str, Rule], applying: frozenset[str]) -> list[Rule] | None:
    """The rules that say no; None if none says yes either."""
    speaking = [rule for name, rule in rules.items() if name in applying]
    against = [rule for rule in speaking if rule.node.effect == "forbid"]
    return against if speaking else None


@pytest.fixture(scope="module")
def bench(thorough: bool) -> Bench:
    mutants = list(mutants_of(BASE.rules))
    swept = list(dict.fromkeys(space(2, WORST if thorough else TOGETHER)))
    elsewhere = [one for one in dict.fromkeys(scattered(20_000 if thorough else 400, seed=2)) if one not in set(swept)]
    points = [*swept, *elsewhere]
    rules = dict(BASE.rules) | {f"mutant-{n}": one.rule for n, one in enumerate(mutants) if one.rule is not None}
    applying = probe(rules, points)
    twins = [n for n, facts in enumerate(points) if facts.is_preapproved]
    of_twins = dict(zip(twins, probe(rules, [replace(points[n], is_preapproved=False) for n in twins]), strict=True))
    return Bench(
        mutants,
        points,
        len(swept),
        applying,
        [of_twins.get(n, one) for n, one in enumerate(applying)],
        [expected(facts) for facts in points],
    )


TOGETHER = (
    *("is_customer", "tool_is_for_customers", "is_tainted", "any_input", "targets", "recipients", "urls", "contents"),
    *("recipients_may_read", "wrong_reader_is_denied"),
)
"""Facts that come in pairs here. The sweep has all pairs, so what is found here is found there."""


def _is_condition_only(mutant: Rule, original: Rule) -> bool:
    """Whether it is the same rule wherever both apply."""
    return replace(mutant, node=original.node) == original and mutant.node.effect == original.node.effect


def is_milder(word: str, than: str) -> bool:
    return STRENGTH[word] < STRENGTH[than] or (word == "other" and than != "allow")


def test_the_probe_answers_as_the_engine_does(bench: Bench) -> None:
    unchanged = bench.rules_of(None)
    for point in range(0, len(bench.points), 5):
        word = word_of(BASE.decide(bench.points[point], Names()).decision)
        assert bench.word(unchanged, point) == word == bench.expected[point]


def test_every_mutant_that_lets_more_through_is_found_by_the_sweep(bench: Bench) -> None:
    found, restricting, escaped = [], [], []
    for number, mutant in enumerate(bench.mutants):
        if bench.lets_more_through(number, range(bench.swept)):
            found.append(mutant)
        elif bench.lets_more_through(number, range(bench.swept, len(bench.points))):
            escaped.append((mutant.name, mutant.what))
        else:
            restricting.append(mutant)
    print(
        f"{len(bench.mutants)} mutants: {len(found)} let more through and are found, {len(restricting)} restrict only"
    )
    assert escaped == []
    assert {one.name for one in found} == {name for name, rule in BASE.rules.items() if rule.node.effect == "forbid"}
    assert {one.name for one in found if one.what == "removed"} == {one.name for one in found}
    assert len(found) > 250
