"""Which argument of a measuring tool plays which part, as its schema tells."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from agents._offline.options import counted_by, orders, splits
from agents._offline.schemas import Argument, Spec, Takes

_GRAINS = frozenset(("day", "week", "month", "quarter", "year"))
_FEWEST_MEASURES = 4


@dataclass(frozen=True, eq=False)
class Roles:
    """The arguments of a tool that measures; None where it has none for the part."""

    measure: Argument
    split: Argument
    order: Argument
    grain: Argument | None
    parts: Argument | None
    """Parts of the records that have a name."""
    keep: Argument | None
    leave: Argument | None
    at_least: Argument | None
    more_than: Argument | None
    limit: Argument | None
    named_period: Argument | None
    count: Argument | None
    unit: Argument | None
    since: Argument | None
    until: Argument | None

    def dated(self) -> frozenset[str]:
        """Arguments that say when; a later period takes the place of all of them."""
        ones = (self.named_period, self.count, self.unit, self.since, self.until)
        return frozenset(one.name for one in ones if one)


@lru_cache(maxsize=256)
def roles_of(spec: Spec) -> Roles | None:
    """The roles of a tool that takes a measure, a split and an order; None for any other tool."""
    choices = spec.taking(Takes.CHOICE)
    measure = next((one for one in choices if one.is_required and len(one.values) >= _FEWEST_MEASURES), None)
    split = next((one for one in choices if one.is_list and splits(one)), None)
    order = next((one for one in choices if orders(one) and "highest" in one.values), None)
    if measure is None or split is None or order is None:
        return None
    units = [one for one in choices if counted_by(one, spec)]
    texts = [one for one in spec.taking(Takes.TEXT) if one.is_list]
    days = spec.taking(Takes.DAY)
    numbers = spec.taking(Takes.NUMBER)
    return Roles(
        measure=measure,
        split=split,
        order=order,
        grain=_first(one for one in choices if not one.is_list and set(one.values) >= _GRAINS),
        parts=_first(one for one in choices if one.is_list and one is not split),
        keep=_first(one for one in texts if "keep" in one.description.lower()),
        leave=_first(one for one in texts if "leave" in one.description.lower()),
        at_least=_first(one for one in numbers if "at least" in one.description.lower()),
        more_than=_first(one for one in numbers if "more than" in one.description.lower()),
        limit=_first(one for one in numbers if "single" in one.description.lower()),
        named_period=_first(one for one in choices if "this_year" in one.values),
        count=counted_by(units[0], spec) if units else None,
        unit=units[0] if units else None,
        since=_first(one for one in days if "since" in one.name or "from this day" in one.description.lower()),
        until=_first(one for one in days if "until" in one.name or "up to this day" in one.description.lower()),
    )


def _first(ones: Iterator[Argument]) -> Argument | None:
    return next(ones, None)
