"""Reads rules written in Cedar, one by one, so that every error has a line; and the schema they are checked against."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib.resources import files
from typing import Any, Final

from cedarpy import PolicySet, Schema, validate_policies
from cedarpy import pst as tree

FOLDER: Final = files("trust") / "policies"
SCHEMA_TEXT: Final = (FOLDER / "schema.cedarschema").read_text("utf-8")
SCHEMA: Final = Schema.from_str(SCHEMA_TEXT)

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|;', re.DOTALL)
_QUOTED = re.compile(r"`([^`\n]{1,80})`")
_ABOUT = re.compile(r"for policy `[^`]*`[,:] ?")
_FACT_LINE = re.compile(r"^\s+(\w+): [\w<>]+,", re.MULTILINE)
_ENUM = re.compile(r"entity (\w+) enum \[([^\]]+)\]")

FORM: Final = 'forbid (principal, action == Action::"perform", resource) when { ... };'


class PolicyTextError(ValueError):
    """Rules that cannot be taken. `line` counts from 1 in the text as it was given."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


@dataclass(frozen=True)
class Rule:
    """One policy, with what its annotations say."""

    rule_id: str
    line: int
    node: tree.Template
    reason: str
    remedy: str
    permission: str | None
    second_person: bool
    votes: int
    is_general: bool

    @property
    def covers(self) -> frozenset[str]:
        """The questions that it answers: `perform`, `performUnattended`."""
        match self.node.action:
            case tree.ActionEq(entity):
                return frozenset({entity.id})
            case tree.ActionIn(entities):
                return frozenset(entity.id for entity in entities)
        return frozenset({"perform", "performUnattended"})


def read_rules(text: str) -> list[Rule]:
    """The rules of a text, in order, each valid against the schema. Raises: PolicyTextError for the first fault."""
    rules = [_read_rule(line, statement) for line, statement in _split(text)]
    seen: set[str] = set()
    for rule in rules:
        if rule.rule_id in seen:
            raise PolicyTextError(rule.line, f"there is another rule with the id {rule.rule_id!r}")
        seen.add(rule.rule_id)
    return rules


def policy_set_of(rules: Mapping[str, Rule]) -> PolicySet:
    """A parsed set in which every rule goes by the name it has here."""
    named = {name: replace(rule.node, id=name) for name, rule in rules.items()}
    return PolicySet.from_pst(tree.PolicySet(templates={}, static_policies=named, template_links=()))


def _split(text: str) -> Iterator[tuple[int, str]]:
    """Every statement with the line on which its first word stands; what follows the last semicolon is one, too."""
    start = 0
    for token in _TOKEN.finditer(text):
        if token.group() == ";":
            yield _line_of(text, start), text[start : token.end()]
            start = token.end()
    rest = text[start:]
    if re.sub(r"//[^\n]*", "", rest).strip():
        yield _line_of(text, start), rest


def _line_of(text: str, start: int) -> int:
    blank = re.compile(r"(?:\s|//[^\n]*)*").match(text, start)
    return text.count("\n", 0, blank.end() if blank else start) + 1


def _read_rule(line: int, statement: str) -> Rule:
    try:
        node_set = PolicySet.from_str(statement).to_pst()
    except ValueError as error:
        raise _fault(line, statement, f"{error}; expected a rule such as {FORM}") from None
    nodes = list(node_set.static_policies.values())
    if len(nodes) != 1:
        raise PolicyTextError(line, f"a rule has no open slots; expected one such as {FORM}")
    checked = validate_policies(statement, SCHEMA)
    if not checked.validation_passed:
        said = [_ABOUT.sub("", one.error) for one in checked.errors] or ["the rule does not fit the schema"]
        raise _fault(line, statement, said[0] + _hint(said[0]))
    return _with_annotations(line, nodes[0])


def _fault(line: int, statement: str, message: str) -> PolicyTextError:
    """The error, on the line of what it quotes if that stands in the rule once, else on the rule's first."""
    for quoted in _QUOTED.findall(message):
        word = quoted.rsplit("::", 1)[-1]
        if statement.count(word) == 1:
            lead = statement[: statement.index(word)].lstrip()
            body = re.sub(r"^(?:\s|//[^\n]*)*", "", lead)
            return PolicyTextError(line + body.count("\n"), message)
    return PolicyTextError(line, message)


def _hint(message: str) -> str:
    """What would have been right, where the schema tells."""
    quoted = _QUOTED.findall(message)
    word = quoted[0] if quoted else ""
    if message.startswith("attribute "):
        close = get_close_matches(word, FACT_NAMES, n=3)
        return f"; expected a fact of the schema, such as {', '.join(close or FACT_NAMES[:3])}"
    if "unrecognized action" in message:
        return '; expected Action::"perform" or Action::"performUnattended"'
    if "enumerated entity type" in message:
        return f"; expected one of {ENUMS.get(word.split('::')[0], 'those in the schema')}"
    return ""


FACT_NAMES: Final = _FACT_LINE.findall(SCHEMA_TEXT)
ENUMS: Final = {name: values.replace('"', "") for name, values in _ENUM.findall(SCHEMA_TEXT)}


def _with_annotations(line: int, node: tree.Template) -> Rule:
    said: Mapping[str, Any] = node.annotations
    return Rule(
        rule_id=said.get("id", ""),
        line=line,
        node=node,
        reason=said.get("reason", ""),
        remedy=said.get("remedy", ""),
        permission=said.get("permission"),
        second_person="second_person" in said,
        votes=int(said["votes"]) if str(said.get("votes", "")).isdecimal() else 1,
        is_general="general" in said,
    )
