"""Suites from YAML files; faults name file, case and field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from evals.quality.cases import ROUTES, Suite
from evals.quality.expecting import Form


class SuiteError(Exception):
    """A suite cannot be read; the message names file, case and field, a line for each fault."""


class Names(Form):
    """The agents and tools there are: a case that expects others can never pass."""

    agents: frozenset[str]
    tools: frozenset[str]


def load_suite(path: Path, names: Names) -> Suite:
    """Raises: SuiteError."""
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
        suite = Suite.model_validate(given)
    except ValidationError as error:
        raise SuiteError("\n".join(_faults(path, given, error))) from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SuiteError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    faults = [f"{path}: {fault}" for fault in find_faults(suite, names)]
    if faults:
        raise SuiteError("\n".join(faults))
    return suite


def find_faults(suite: Suite, names: Names) -> Iterator[str]:
    """Ids used twice, and agents or tools that do not exist."""
    seen: set[str] = set()
    for case in suite.cases:
        if case.id in seen:
            yield f"case {case.id!r}: there are two of that id"
        seen.add(case.id)
        for expected in (case.expect, *(turn.expect for turn in case.turns)):
            for agent in expected.agent:
                if agent not in names.agents and agent not in ROUTES:
                    yield f"case {case.id!r}: there is no agent {agent!r}"
            called = {tool for call in expected.tools.calls for tool in call.tools}
            called |= set(expected.tools.never) | {tool for one in expected.approvals for tool in one.tool}
            for tool in sorted(called - names.tools):
                yield f"case {case.id!r}: there is no tool {tool!r}"


def _faults(path: Path, given: Any, error: ValidationError) -> Iterator[str]:
    faults = error.errors(include_url=False)
    # What a broken case leaves behind is a list that is too short, which is no fault of its own.
    for fault in [one for one in faults if one["type"] != "too_short"] or faults:
        place = list(fault["loc"])
        case = ""
        if len(place) > 1 and place[0] == "cases" and isinstance(place[1], int):
            found = given["cases"][place[1]]
            name = found.get("id") if isinstance(found, dict) else None
            case, place = f"case {name!r}: " if name else f"case {place[1] + 1}: ", place[2:]
        where = f"{'.'.join(map(str, place))}: " if place else ""
        yield f"{path}: {case}{where}{fault['msg'].removeprefix('Value error, ')}"
