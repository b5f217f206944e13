"""Asks Cedar, and makes one of three answers of what it says. Whatever is not clearly a yes is a no."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Final

from cedarpy import AuthzResult, Entities, is_authorized_batch
from cedarpy import Decision as Answer

from trust.additions import read_additions
from trust.cedar_rules import FOLDER, SCHEMA, SCHEMA_TEXT, Rule, policy_set_of, read_rules
from trust.decisions import Allow, Deny, Hold
from trust.digests import digest_of
from trust.facts import Facts, Names
from trust.labels import Integrity

FILES: Final = {name: (FOLDER / name).read_text("utf-8") for name in ("permit.cedar", "deny.cedar", "hold.cedar")}
BASE_DIGEST: Final = digest_of({"schema": SCHEMA_TEXT, **FILES})
"""Changes with every character of the schema and of the rules that come with the service."""

QUESTIONS: Final = ("perform", "performUnattended")
DECIDE_WITHIN_S = 2.0
_APPROVE = "approve_writes"
_NO_ENTITIES: Final = Entities.from_json_str("[]", SCHEMA)


class PolicyFailedError(Exception):
    """Cedar gave no answer that counts."""


@dataclass(frozen=True)
class Verdict:
    """A decision, and the ids of the rules that it follows from; a tenant's own begin with `tenant/`."""

    decision: Allow | Hold | Deny
    rules: tuple[str, ...] = ()


class Engine:
    """One set of rules, parsed. The same facts and names always get the same verdict, so it is worked out once."""

    def __init__(
        self, rules: Mapping[str, Rule], *, reads_names: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rules = dict(rules)
        self._policies = policy_set_of(rules)
        self._reads_names = reads_names
        self._clock = clock
        self._known: dict[tuple[Facts, Names], Verdict] = {}

    def decide(self, facts: Facts, names: Names) -> Verdict:
        key = (facts, names if self._reads_names else Names())
        known = self._known.get(key)
        if known is not None:
            return known
        started = self._clock()
        try:
            verdict = self._decide(*key)
        except Exception:  # a check that fails is a check that denies
            return Verdict(Deny("policy", "the check could not be made"))
        if self._clock() - started > DECIDE_WITHIN_S:
            return Verdict(Deny("policy", "the check took too long"))
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[key] = verdict
        return verdict

    def _decide(self, facts: Facts, names: Names) -> Verdict:
        denying, holding = self._ask(facts, names)
        if denying is not None:
            return Verdict(_deny(denying), tuple(name for name, _ in denying))
        if holding is None:
            return Verdict(Allow())
        if facts.is_preapproved:  # what has to wait after all waits for those whom it would wait for without
            return self._decide(replace(facts, is_preapproved=False), names)
        return Verdict(_hold(holding), tuple(name for name, _ in holding))

    def _ask(self, facts: Facts, names: Names) -> "tuple[Speaking | None, Speaking | None]":
        """What speaks against it at all, and against it without a person; None where nothing does.

        Raises: PolicyFailedError. A rule that cannot be evaluated is left out by Cedar, as if it had not spoken.
        """
        requests = [request_of(question, facts, names) for question in QUESTIONS]
        answers = is_authorized_batch(requests, self._policies, _NO_ENTITIES, SCHEMA)
        if len(answers) != len(QUESTIONS):
            raise PolicyFailedError("an answer is missing")
        denying, holding = map(self._read, answers)
        return denying, holding

    def _read(self, answer: AuthzResult) -> "Speaking | None":
        if answer.diagnostics.errors or answer.decision not in (Answer.Allow, Answer.Deny):
            raise PolicyFailedError("the question could not be answered")
        spoken = set(answer.diagnostics.reasons)
        if not spoken <= set(self.rules):
            raise PolicyFailedError("a rule spoke that nobody knows")
        if answer.decision is Answer.Allow:
            return None
        found = [(name, rule) for name, rule in self.rules.items() if name in spoken]
        if not found or any(rule.node.effect != "forbid" for _, rule in found):
            raise PolicyFailedError("nothing permits it")
        return found


Speaking = list[tuple[str, Rule]]
"""Rules that say no, by name, in the order they are written."""

_MOST_KNOWN = 4_096


def request_of(question: str, facts: Facts, names: Names) -> dict[str, Any]:
    return {
        "principal": {"type": "Person", "id": names.person},
        "action": {"type": "Action", "id": question},
        "resource": {"type": "Tool", "id": names.tool},
        "context": context_of(facts, names),
    }


def context_of(facts: Facts, names: Names) -> dict[str, Any]:
    """The facts as the schema has them."""
    context = {_camel(one.name): _value(one.name, getattr(facts, one.name)) for one in fields(facts)}
    return context | {
        "agent": {"type": "Agent", "id": names.agent},
        "permissions": [{"type": "Permission", "id": one} for one in sorted(names.permissions)],
        "objects": [{"type": "Object", "id": one} for one in sorted(names.objects)],
        "fields": [{"type": "Field", "id": one} for one in sorted(names.fields)],
        "records": names.records,
        "largestAmount": names.largest_amount,
        "recipientDomains": sorted(names.recipient_domains),
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _value(name: str, value: Any) -> Any:
    if isinstance(value, Integrity):
        return {"type": "Integrity", "id": value.word}
    if isinstance(value, str):
        return {"type": name.capitalize(), "id": value.lower()}
    return value


def _deny(speaking: Speaking) -> Deny:
    name, rule = speaking[0]
    return Deny(f"policy:{name}", rule.reason)


def _hold(speaking: Speaking) -> Hold:
    telling = [one for one in speaking if not one[1].is_general] or speaking
    permissions = {word for _, rule in speaking for word in (rule.permission or _APPROVE).split()}
    return Hold(
        guard=f"policy:{telling[0][0]}",
        reason="; ".join(dict.fromkeys(rule.reason for _, rule in telling)),
        permission=" ".join(sorted(permissions)),
        self_approval=not any(rule.second_person for _, rule in speaking),
        votes=max(rule.votes for _, rule in speaking),
    )


def _base_rules() -> dict[str, Rule]:
    return {rule.rule_id: rule for text in FILES.values() for rule in read_rules(text)}


BASE: Final = Engine(_base_rules(), reads_names=False)


@lru_cache(maxsize=256)
def engine_for(additions: str) -> Engine:
    """The service's rules with a tenant's own. Raises: PolicyTextError for a text that no longer fits the schema."""
    if not additions.strip():
        return BASE
    own = {f"tenant/{rule.rule_id}": rule for rule in read_additions(additions)}
    return Engine({**BASE.rules, **own})
