"""Policy documents on disk: YAML or JSON, read strictly. Loaded only when such a file is given."""

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from api._policy_check import count_rules, known_names
from api._terminal import CommandError
from trust.approval_rules import ApprovalRule, find_twice, named_in

DOCUMENTS = (".yaml", ".yml", ".json")
_PARTS = {"additions", "settings", "rules", "preapprovals"}


class _Loader(yaml.SafeLoader):
    """A name that stands twice is an error: the later one would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for name in names:
            if names.count(name) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} stands there twice", node.start_mark)
        return dict(super().construct_mapping(node, deep))


_WHOLE = ("tag:yaml.org,2002:int", re.compile(r"-?(0|[1-9][0-9]*)$", re.ASCII))
_KEPT = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
_Loader.yaml_implicit_resolvers = {
    start: [one for one in yaml.SafeLoader.yaml_implicit_resolvers.get(start, []) if one[0] in _KEPT]
    + ([_WHOLE] if start in "-0123456789" and start else [])
    for start in [*yaml.SafeLoader.yaml_implicit_resolvers]
}
"""Only whole numbers, truth and nothing are no texts: YAML would take 08:00 for a number to the base of sixty."""


def is_document(file: Path) -> bool:
    return file.suffix.lower() in DOCUMENTS


def read_document(file: Path) -> dict[str, Any]:
    """What the file says. Raises: CommandError."""
    try:
        found = yaml.load(file.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader, made stricter
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandError(f"{file}: {error}") from None
    if not isinstance(found, dict) or not found or not set(found) <= _PARTS:
        raise CommandError(f"{file}: expected one or more of {', '.join(sorted(_PARTS))} at the top")
    return found


def check_document(file: Path) -> str:
    """What is in it, as far as it can be checked without the tenant's people. Raises: CommandError."""
    document = read_document(file)
    rules = _read_rules(document.get("rules") or [])
    known = known_names()["Tool"]
    for place, kind, name in named_in(rules):
        if kind == "tool" and name not in known:
            raise CommandError(f"rules.{place}: there is no tool {name!r}")
    added = count_rules(document.get("additions") or "")
    return f"{len(rules)} approval rules and {added} rules in Cedar, all good as far as this machine knows."


def _read_rules(given: Any) -> list[ApprovalRule]:
    if not isinstance(given, list):
        raise CommandError("rules: expected a list")
    rules = []
    for place, one in enumerate(given):
        try:
            rules.append(ApprovalRule.model_validate(one))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, ("rules", place, *first["loc"])))
            raise CommandError(f"{where}: {first['msg']}") from None
    twice = find_twice(rules)
    if twice is not None:
        raise CommandError(f"rules.{twice}.id: there is another rule with this id")
    return rules
