"""What a table of a metric says, in a sentence or two made by rule."""

from collections.abc import Mapping, Sequence
from typing import Any

from crm.semantics.model import Measure, Unit

_UNITS: dict[Unit, str] = {
    "count": "",
    "hours": " hours",
    "days": " days",
    "money": "",
    "percent": " %",
    "number": "",
}
_MOST_NAMES = 5


def amount(value: float | int | None, unit: Unit) -> str:
    """A number with its unit, to two places."""
    if value is None:
        return "no value"
    rounded = round(value, 2)
    if unit == "money" and rounded % 1:
        return f"{rounded:,.2f}"
    return f"{rounded:,.10g}{_UNITS[unit]}"


def name_of(row: Mapping[str, Any], keys: Sequence[str]) -> str:
    return ", ".join(str(row[key]) for key in keys)


def extreme(rows: Sequence[Mapping[str, Any]], key: str, *, highest: bool) -> list[Mapping[str, Any]]:
    """All rows that share the highest or the lowest value, in their order."""
    values = [row[key] for row in rows if row[key] is not None]
    if not values:
        return []
    wanted = max(values) if highest else min(values)
    return [row for row in rows if row[key] == wanted]


def find(
    measure: Measure,
    key: str,
    *,
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
    over_time: bool,
    highest: bool,
    total: float | int | None,
    counted: int,
    noun: str,
    is_only_group: bool,
) -> str:
    """The finding: who or what is at the top or the bottom, or the one number there is."""
    label = measure.label
    if not counted or not rows:
        return f"{label}: there is nothing to count."
    if not keys:
        return f"{label}: {amount(total, measure.unit)}, over {counted:,} {noun}."
    first = _sentence(label, extreme(rows, key, highest=highest), key, keys, measure.unit, highest, is_only_group)
    overall = f"Over all: {amount(total, measure.unit)}, from {counted:,} {noun}."
    if over_time and len(keys) == 1 and len(rows) > 1:
        other = _sentence(
            label, extreme(rows, key, highest=not highest), key, keys, measure.unit, not highest, is_only_group
        )
        return f"{first} {other} {overall}"
    return f"{first} {overall}"


def _sentence(
    label: str,
    tops: Sequence[Mapping[str, Any]],
    key: str,
    keys: Sequence[str],
    unit: Unit,
    highest: bool,
    is_only_group: bool,
) -> str:
    word = "highest" if highest else "lowest"
    if not tops:
        return f"{label}: no group has a value."
    value = amount(tops[0][key], unit)
    if is_only_group:
        return f"{label}: {name_of(tops[0], keys)} with {value}."
    if len(tops) == 1:
        return f"{label} is {word} for {name_of(tops[0], keys)}: {value}."
    names = "; ".join(name_of(row, keys) for row in tops[:_MOST_NAMES])
    more = f" and {len(tops) - _MOST_NAMES} more" if len(tops) > _MOST_NAMES else ""
    return f"No single one is {word} in {label.lower()}: {names}{more} share {value}."
