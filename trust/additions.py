"""A tenant's own rules: Cedar text that can only forbid. Checked when it is put in, and again whenever it is loaded."""

import re
import unicodedata
from collections.abc import Collection, Mapping

from cedarpy import pst as tree

from crm.schema import OBJECT_INFO
from trust.cedar_rules import FORM, PolicyTextError, Rule, read_rules

MAX_CHARS = 20_000
MAX_RULES = 50
MAX_VOTES = 5
MAX_REASON = 200

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_PERMISSIONS = re.compile(r"[a-z_]{1,40}(?: [a-z_]{1,40}){0,4}")
_ANNOTATIONS = {"id", "reason", "remedy", "permission", "second_person", "votes"}
_OF_HOLDS = {"permission", "second_person", "votes"}

KNOWN: Mapping[str, Collection[str]] = {
    "Object": frozenset(OBJECT_INFO),
    "Field": frozenset(f"{name}.{field}" for name, info in OBJECT_INFO.items() for field in info.fields),
}
"""Names that a rule may mention; one that does not exist would make a rule that never applies."""


def read_additions(text: str, known: Mapping[str, Collection[str]] | None = None) -> list[Rule]:
    """The rules of a tenant. `known` adds kinds of name to check, such as `Tool`. Raises: PolicyTextError."""
    if len(text) > MAX_CHARS:
        raise PolicyTextError(1, f"at most {MAX_CHARS:,} characters, not {len(text):,}")
    rules = read_rules(text)
    if len(rules) > MAX_RULES:
        raise PolicyTextError(rules[MAX_RULES].line, f"at most {MAX_RULES} rules, not {len(rules)}")
    for rule in rules:
        _check(rule, {**KNOWN, **(known or {})})
    return rules


def _check(rule: Rule, known: Mapping[str, Collection[str]]) -> None:
    fault = _find_fault(rule) or _find_unknown(rule, known)
    if fault:
        raise PolicyTextError(rule.line, fault)


def _find_fault(rule: Rule) -> str | None:
    said = rule.node.annotations
    if rule.node.effect != "forbid":
        return f"a tenant's rules only restrict: expected forbid, such as {FORM}"
    unknown = sorted(set(said) - _ANNOTATIONS)
    if unknown:
        return f"there is no annotation @{unknown[0]}; expected one of {', '.join(sorted(_ANNOTATIONS))}"
    if len(rule.rule_id) > 60 or not _ID.fullmatch(rule.rule_id):
        return 'expected an @id of small letters, digits and hyphens, such as @id("no-contracts")'
    if not _is_line(rule.reason):
        return f'expected a @reason, one line of at most {MAX_REASON} characters, such as @reason("not on Sundays")'
    if rule.remedy and not _is_line(rule.remedy):
        return f"expected a @remedy of one line of at most {MAX_REASON} characters"
    return _find_hold_fault(rule)


def _find_hold_fault(rule: Rule) -> str | None:
    said = rule.node.annotations
    about_approval = sorted(_OF_HOLDS & set(said))
    if about_approval and "perform" in rule.covers:
        return f'@{about_approval[0]} is for rules with action == Action::"performUnattended": a denial has no approver'
    if rule.permission is not None and not _PERMISSIONS.fullmatch(rule.permission):
        return 'expected names of permissions, such as @permission("approve_writes")'
    if "votes" in said and not (said["votes"].isdecimal() and 1 <= int(said["votes"]) <= MAX_VOTES):
        return f"expected @votes from 1 to {MAX_VOTES}"
    return None


def _find_unknown(rule: Rule, known: Mapping[str, Collection[str]]) -> str | None:
    for named in sorted(tree.entity_uids(rule.node), key=str):
        names = known.get(named.type.basename)
        if names is not None and named.id not in names:
            return f"there is no {named}; expected the name of {_article(named.type.basename)} that exists"
    return None


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIO' else 'a'} {kind.lower()}"


def _is_line(text: str) -> bool:
    """Plain words: what a rule says is shown on cards, in terminals and to models."""
    return 0 < len(text.strip()) <= MAX_REASON and all(unicodedata.category(one)[0] != "C" for one in text)
