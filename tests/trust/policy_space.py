"""The finite world that policies decide in, what the table of decisions says of each of its points, and what is worse
than what. Written without looking at the policy files, so that the two can be compared."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from trust.actions import Effect
from trust.decisions import Allow, Deny, Hold
from trust.facts import Audience, Facts
from trust.labels import Integrity

EXTERNAL = Integrity.EXTERNAL

WORST: dict[str, Any] = {
    "same_tenant": False,
    "is_customer": True,
    "tool_is_for_customers": False,
    "tool_is_listed": False,
    "tool_is_in_plan": False,
    "scope_is_covered": False,
    "rights_are_held": False,
    "is_tainted": True,
    "model_confirms": True,
    "targets": EXTERNAL,
    "recipients": EXTERNAL,
    "urls": EXTERNAL,
    "contents": EXTERNAL,
    "amounts": EXTERNAL,
    "any_input": EXTERNAL,
    "targets_are_resolved": False,
    "recipients_may_read": False,
    "recipients_are_willing": False,
    "external_into_verified": True,
    "empties_filled": True,
    "deletes": True,
    "exceeds_record_cap": True,
    "exceeds_amount_limit": True,
    "is_grave": True,
    "wrong_reader_is_denied": True,
}
"""The harmful end of each fact that stands by itself; its harmless end is the default of `Facts`."""


def bases() -> Iterator[Facts]:
    """Every combination of the facts that hang together: effect, taking effect, egress, audience, pre-approval."""
    yield from (Facts(), Facts(is_egress=True))
    for effect in (Effect.DRAFT, Effect.WRITE, Effect.SEND):
        for audience in Audience:
            start = Facts(effect=effect, is_egress=effect is Effect.SEND, audience=audience)
            yield start
            for is_preapproved in (True, False):
                yield replace(start, takes_effect=True, is_preapproved=is_preapproved)


def space(at_once: int, facts: Iterable[str] = WORST) -> Iterator[Facts]:
    """Every base with up to so many facts at their harmful end; with at most one where a base decides by itself.

    `facts` are those that come together; alone, each of them comes.
    """
    for base in bases():
        for count in range((at_once if _is_telling(base) else 1) + 1):
            for names in combinations(WORST if count == 1 else facts, count):
                yield replace(base, **{name: WORST[name] for name in names})


def _is_telling(base: Facts) -> bool:
    """Where nothing but the facts to come would deny or hold."""
    if base.takes_effect:
        return base.is_preapproved
    return base.is_egress and base.audience in (Audience.NONE, Audience.OUTSIDE)


def scattered(count: int, seed: int = 1) -> Iterator[Facts]:
    """Points drawn from the whole product, from mostly harmless to mostly harmful, with integrities of every level."""
    draw = random.Random(seed)
    starts = list(bases())
    for _ in range(count):
        share = draw.choice((0.03, 0.08, 0.2, 0.5))
        chosen = {name: WORST[name] for name in WORST if draw.random() < share}
        levels = {name: draw.choice(list(Integrity)[1:]) for name in WORST if isinstance(WORST[name], Integrity)}
        yield replace(draw.choice(starts), **levels | chosen)


@dataclass(frozen=True)
class Row:
    """One row of the table. `who`: nobody for a denial, else whether the requester may approve it themself."""

    name: str
    holds_for: Callable[[Facts], bool]
    who: str


def _is_external_target(facts: Facts) -> bool:
    return EXTERNAL in (facts.targets, facts.recipients, facts.urls)


def _reaches_wrong_reader(facts: Facts) -> bool:
    return facts.audience is Audience.OUTSIDE and not facts.recipients_may_read


TABLE = (
    Row("other tenant", lambda f: not f.same_tenant, "nobody"),
    Row("tool not listed", lambda f: not f.tool_is_listed, "nobody"),
    Row("staff only", lambda f: f.is_customer and not f.tool_is_for_customers, "nobody"),
    Row("scope", lambda f: not f.scope_is_covered, "nobody"),
    Row("rights", lambda f: not f.rights_are_held, "nobody"),
    Row("tool outside the plan", lambda f: not f.tool_is_in_plan, "nobody"),
    Row("a confirmation set by a model", lambda f: f.model_confirms, "nobody"),
    Row("egress to an external target", lambda f: f.is_egress and _is_external_target(f), "nobody"),
    Row("does not wish it", lambda f: f.effect is Effect.SEND and not f.recipients_are_willing, "nobody"),
    Row(
        "wrong reader, denied by the tenant",
        lambda f: f.wrong_reader_is_denied and f.is_egress and _reaches_wrong_reader(f),
        "nobody",
    ),
    Row("any other write", lambda f: not f.is_preapproved, "anybody"),
    Row("a message", lambda f: f.effect is Effect.SEND and not f.is_preapproved, "second"),
    Row("grave", lambda f: f.is_grave and not f.is_preapproved, "second"),
    Row("other external target", _is_external_target, "anybody"),
    Row("not looked up", lambda f: not f.targets_are_resolved, "anybody"),
    Row("tainted", lambda f: f.is_tainted and f.any_input is EXTERNAL, "anybody"),
    Row("external amount", lambda f: f.amounts is EXTERNAL, "anybody"),
    Row("destructive", lambda f: f.deletes, "second"),
    Row("more records than the cap", lambda f: f.exceeds_record_cap, "second"),
    Row("amount or change beyond the policy", lambda f: f.exceeds_amount_limit, "second"),
    Row(
        "external content to an outsider",
        lambda f: f.contents is EXTERNAL and f.audience is Audience.OUTSIDE,
        "anybody",
    ),
    Row("external into a verified field", lambda f: f.external_into_verified, "anybody"),
    Row("emptying a filled field", lambda f: f.empties_filled, "anybody"),
    Row("wrong reader", _reaches_wrong_reader, "second"),
)


def expected(facts: Facts) -> str:
    """`deny`, `second`, `anybody` or `allow`: what the table says of a point."""
    if any(row.who == "nobody" and row.holds_for(facts) for row in TABLE):
        return "deny"
    if not facts.takes_effect or not _speaking(facts):
        return "allow"
    return "second" if "second" in _speaking(replace(facts, is_preapproved=False)) else "anybody"


def _speaking(facts: Facts) -> set[str]:
    return {row.who for row in TABLE if row.who != "nobody" and row.holds_for(facts)}


def word_of(decision: Allow | Hold | Deny) -> str:
    """A decision in the words of `expected`; anything else about a hold than the table asks for is not among them."""
    if isinstance(decision, Deny):
        return "deny"
    if isinstance(decision, Allow):
        return "allow"
    if (decision.permission, decision.votes) != ("approve_writes", 1):
        return "other"
    return "anybody" if decision.self_approval else "second"


STRENGTH = {"allow": 0, "other": 0, "anybody": 1, "second": 2, "deny": 3}


def worse_neighbours(facts: Facts) -> Iterator[tuple[str, Facts]]:
    """Every point that differs in one respect, for the worse."""
    for name, worst in WORST.items():
        if getattr(facts, name) == getattr(Facts(), name):
            yield name, replace(facts, **{name: worst})
    if facts.is_preapproved:
        yield "is_preapproved", replace(facts, is_preapproved=False)
    if facts.audience is not Audience.OUTSIDE:
        yield "audience", replace(facts, audience=list(Audience)[list(Audience).index(facts.audience) + 1])
    if not facts.takes_effect and facts.effect is not Effect.READ:
        yield "takes_effect", replace(facts, takes_effect=True)
    if facts.effect is Effect.WRITE:
        yield "effect", replace(facts, effect=Effect.SEND, is_egress=True)
    if not facts.is_egress:
        yield "is_egress", replace(facts, is_egress=True)
