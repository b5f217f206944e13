"""Conditions as Python that a person would write, and the cases that try each of them on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm.connector import Row
from crm.fields import FieldSpec, Kind
from crm.value_conditions import Matching, ValueCondition, are_met
from tools._codegen.samples import meeting_row, missing_row, turned_row

_SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_HELPERS = {
    "is_blank": '''def is_blank(value):
    """Whether a field is empty."""
    return value is None or value == ""
''',
    "lower": '''def lower(value):
    """Text compares without case, as everywhere in the CRM; an empty field is an empty text."""
    return str(value).lower() if value is not None else ""
''',
}


@dataclass(frozen=True)
class Case:
    """A record for a test, and whether the conditions are met by it."""

    name: str
    row: Row
    is_met: bool


def helpers_for(source: str) -> str:
    """Those small functions that the source calls, each followed by two blank lines."""
    return "".join(f"{text}\n\n" for name, text in _HELPERS.items() if f"{name}(" in source)


def write_conditions(conditions: Sequence[ValueCondition], matching: Matching) -> str:
    """A function `applies(record)`; without conditions it applies to every record."""
    if not conditions:
        return "def applies(record):\n    return True\n"
    joined = f"\n        {'and' if matching == 'all' else 'or'} ".join(_write(one) for one in conditions)
    return f"def applies(record):\n    return (\n        {joined}\n    )\n"


def _write(one: ValueCondition) -> str:
    at = f"record.get({one.field!r})"
    if one.op == "is_null":
        return f"is_blank({at})" if one.value else f"not is_blank({at})"
    is_text = not (isinstance(one.value, bool | int | float) or one.kind in (Kind.DATE, Kind.DATETIME))
    if one.op == "in":
        values = tuple(value.lower() if isinstance(value, str) else value for value in one.value)
        return f"{f'lower({at})' if _has_text(one) else at} in {values!r}"
    if one.op == "contains":
        return f"{one.value.lower()!r} in lower({at})"
    if one.op == "starts_with":
        return f"lower({at}).startswith({one.value.lower()!r})"
    if is_text:
        return f"lower({at}) {_SIGNS[one.op]} {str(one.value).lower()!r}"
    if isinstance(one.value, bool):
        return f"{at} {'is' if one.op == 'eq' else 'is not'} {one.value!r}"
    present = f"str({at})[:10]" if one.is_about_days else at
    if one.op in ("eq", "ne"):
        return f"{present} {_SIGNS[one.op]} {one.value!r}"
    return f"(not is_blank({at}) and {present} {_SIGNS[one.op]} {one.value!r})"


def _has_text(one: ValueCondition) -> bool:
    return all(isinstance(value, str) for value in one.value)


def cases_of(conditions: Sequence[ValueCondition], matching: Matching, specs: dict[str, FieldSpec]) -> list[Case]:
    """A record that meets the conditions, for each condition one where it alone turns the answer, and an empty one.

    Raises: NoSuchRecordError where conditions exclude each other.
    """
    if not conditions:
        return [Case("any record", {}, True)]
    meeting = meeting_row(conditions, specs) if matching == "all" else _meet_one(conditions, specs)
    found = [Case("conditions met", meeting, True)]
    start = meeting if matching == "all" else missing_row(conditions, specs)
    if matching == "any" and start is not None:
        found.append(Case("no condition met", start, False))
    for place, one in enumerate(conditions):
        turned = turned_row(conditions, matching, specs, place, start) if start is not None else None
        if turned is not None:
            said = "only" if matching == "any" else "all but"
            found.append(Case(f"{said} {one.field} {one.op}", turned, matching == "any"))
    found.append(Case("empty record", {}, are_met(conditions, matching, {})))
    return found


def _meet_one(conditions: Sequence[ValueCondition], specs: dict[str, FieldSpec]) -> Row:
    return meeting_row(conditions[:1], specs)


def test_name(place: int, case: Case, outcome: str) -> str:
    """A name for the case's test: its words joined, told apart by number."""
    words = "".join(character if character.isalnum() else "_" for character in case.name.lower())
    return f"test_{place}_{words}_{outcome}"
