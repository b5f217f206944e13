"""Ways to get a rule wrong: every one that a slip of the hand, or somebody who wishes for more, could come up with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from cedarpy import pst as tree

from trust.cedar_rules import ENUMS, Rule

FLIPPED = {"and": "or", "or": "and", "eq": "not_eq", "not_eq": "eq"}


@dataclass(frozen=True)
class Mutant:
    """`rule` takes the place of the rule `name`; None: that one is gone."""

    name: str
    what: str
    rule: Rule | None


def mutants_of(rules: Mapping[str, Rule]) -> Iterator[Mutant]:
    for name, rule in rules.items():
        yield Mutant(name, "removed", None)
        for what, node in _nodes(rule.node):
            yield Mutant(name, what, replace(rule, node=node))
        for what, changed in _annotations(rule):
            yield Mutant(name, what, changed)


def _annotations(rule: Rule) -> Iterator[tuple[str, Rule]]:
    if rule.second_person:
        yield "the requester may decide", replace(rule, second_person=False)
    elif rule.permission:
        yield "a second person decides", replace(rule, second_person=True)
    if rule.permission:
        yield "another permission", replace(rule, permission="read_audit")
        yield "two votes", replace(rule, votes=2)


def _nodes(node: tree.Template) -> Iterator[tuple[str, tree.Template]]:
    yield "effect flipped", replace(node, effect="permit" if node.effect == "forbid" else "forbid")
    if isinstance(node.action, tree.ActionEq):
        asked = node.action.entity
        other = "perform" if asked.id == "performUnattended" else "performUnattended"
        yield "the other question", replace(node, action=tree.ActionEq(replace(asked, id=other)))
        yield "both questions", replace(node, action=tree.ScopeAny())
    for place, clause in enumerate(node.clauses):
        rest = (*node.clauses[:place], *node.clauses[place + 1 :])
        yield "condition dropped", replace(node, clauses=rest)
        turned = tree.Unless(clause.expr) if isinstance(clause, tree.When) else tree.When(clause.expr)
        yield "when and unless swapped", replace(node, clauses=(*rest, turned))
        for what, expr in _expressions(clause.expr):
            yield what, replace(node, clauses=(*rest, replace(clause, expr=expr)))


def _expressions(expr: tree.Expr) -> Iterator[tuple[str, tree.Expr]]:
    """Every expression that differs from this one in one place."""
    yield from _replacements(expr)
    if not is_dataclass(expr) or isinstance(expr, tree.GetAttr):
        return
    for one in fields(expr):
        part: Any = getattr(expr, one.name)
        if is_dataclass(part) and not isinstance(part, tree.EntityUid | type):
            for what, changed in _expressions(part):  # type: ignore[arg-type]
                yield what, replace(expr, **{one.name: changed})


def _replacements(expr: tree.Expr) -> Iterator[tuple[str, tree.Expr]]:
    match expr:
        case tree.BinaryOp(op, left, right):
            if op in FLIPPED:
                yield f"{op} flipped", replace(expr, op=FLIPPED[op])  # type: ignore[arg-type]
            if op in ("and", "or"):
                yield f"{op}: left part dropped", right
                yield f"{op}: right part dropped", left
            yield f"{op} negated", tree.UnaryOp("not", expr)
        case tree.GetAttr(tree.Var("context"), fact) if fact not in ("effect", "audience", *_INTEGRITIES):
            yield f"{fact} negated", tree.UnaryOp("not", expr)
            yield f"{fact} always", tree.BoolLit(True)
            yield f"{fact} never", tree.BoolLit(False)
        case tree.GetAttr(tree.Var("context"), fact) if fact in _INTEGRITIES:
            other = _INTEGRITIES[_INTEGRITIES.index(fact) - 1]
            yield f"{other} for {fact}", replace(expr, attr=other)
        case tree.EntityLit(uid) if uid.type.basename in ENUMS:
            for value in ENUMS[uid.type.basename].split(", "):
                if value != uid.id:
                    yield f"{value} for {uid.id}", tree.EntityLit(replace(uid, id=value))


_INTEGRITIES = ("targets", "recipients", "urls", "contents", "amounts", "anyInput")
