"""Rules that find what stands out in a metric; each finding is numbers of the CRM and a sentence made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from crm.connector import Group, MetricQuery, MetricTable
from crm.errors import CrmError
from crm.schema import object_of
from crm.semantics.model import Dataset, Measure
from tools._declare import ReadingCrm
from tools._findings import amount
from tools._periods import Period

MOST_DIMENSIONS = 8
FEWEST_RECORDS = 5
"""A group of fewer says nothing about a mean or a share."""
FEWEST_GROUPS = 5
FAR = 3.5
"""Robust z-score from which a group counts as far from the others (Iglewicz and Hoaglin)."""
LARGE_SHARE = 30.0
_DEVIATIONS = 0.6745
"""Median absolute deviations in a standard deviation of normally distributed values."""
_MOST_GROUPS = 200


@dataclass(frozen=True)
class Insight:
    """`row` has the numbers behind the sentence; `score` ranks, above zero."""

    sentence: str
    row: dict[str, Any]
    score: float
    dimension: str | None = None


@dataclass(frozen=True)
class Look:
    """One metric over one period, and over the period before it."""

    crm: ReadingCrm
    dataset: Dataset
    measure: Measure
    query: MetricQuery
    period: Period

    @property
    def before(self) -> Period | None:
        return self.period.before()

    @property
    def is_additive(self) -> bool:
        """Whether groups add up to the total."""
        return self.measure.function in ("count", "sum")

    def described(self) -> str:
        against = "" if self.before is None else f", compared with {self.before.words()}"
        return (
            f"Period: {self.period.words()}{against}. Looked for: the change of the total; groups with the largest "
            f"part in it; groups with at least {LARGE_SHARE:.0f} % of the total; groups far from the others (robust "
            f"z-score of {FAR} or more, at least {FEWEST_GROUPS} groups of at least {FEWEST_RECORDS} records)."
        )

    async def around(self, dimensions: Sequence[str]) -> list[Insight]:
        """Everything that stands out, most telling first. Raises: CrmError for what was asked for by name."""
        now = await self._table(None, self.period)
        then = None if self.before is None else await self._table(None, self.before)
        found = self._change_of_total(now, then)
        for name in dimensions or list(self.dataset.dimensions)[:MOST_DIMENSIONS]:
            try:
                groups = await self._table(name, self.period)
                earlier = None if self.before is None else await self._table(name, self.before)
            except CrmError:
                if dimensions:
                    raise
                continue  # what the caller may not split by has nothing to tell them
            found += self._of_groups(name, groups, earlier, now, then)
        return sorted(found, key=lambda one: -one.score)

    async def _table(self, dimension: str | None, period: Period) -> MetricTable:
        by = () if dimension is None else (dimension,)
        query = replace(self.query, group_by=by, since=period.since, until=period.until, limit=_MOST_GROUPS)
        return await self.crm.measure(query)

    def _of_groups(
        self, name: str, now: MetricTable, then: MetricTable | None, total: MetricTable, before: MetricTable | None
    ) -> list[Insight]:
        if now.is_cut or (then is not None and then.is_cut):
            return []  # parts of a whole that is not there to be seen
        found = self._outliers(name, now)
        if self.is_additive:
            found += self._large_parts(name, now, total)
        if then is not None and before is not None:
            found += self._contributors(name, now, then, total, before)
        return found

    # Rules

    def _change_of_total(self, now: MetricTable, then: MetricTable | None) -> list[Insight]:
        if then is None or now.total is None or then.total is None or now.total == then.total:
            return []
        change = _percent(now.total - then.total, then.total)
        row: dict[str, Any] = {
            "kind": "change",
            "value": now.total,
            "before": then.total,
            "change": _short(now.total - then.total),
        }
        row |= {"change_percent": change, "records": now.rows}
        way = "up" if now.total > then.total else "down"
        by = "" if change is None else f", {abs(change):,} % {way}"
        sentence = (
            f"{self.measure.label}: {self._say(now.total)} after {self._say(then.total)} in the period before{by}."
        )
        return [Insight(sentence, row, 0.3 + min(abs(change or 100.0), 200.0) / 100)]

    def _contributors(
        self, name: str, now: MetricTable, then: MetricTable, total: MetricTable, before: MetricTable
    ) -> list[Insight]:
        """The group with the largest part in the change, or whose own value has changed most."""
        earlier = {group.key[name]: group for group in then.groups}
        names = {**then.names, **now.names}
        changes = []
        for key, group in _all_groups(name, now, then).items():
            past = earlier.get(key)
            value, base = (group.value if group else 0) or 0, (past.value if past else 0) or 0
            rows = min(group.rows if group else 0, past.rows if past else 0)
            if value == base or (not self.is_additive and rows < FEWEST_RECORDS):
                continue
            changes.append((key, float(value), float(base), group.rows if group else 0))
        if not changes or len(earlier) < 2:
            return []
        key, value, base, rows = max(changes, key=lambda one: (abs(one[1] - one[2]), str(one[0])))
        row = {"kind": "contributor", "by": name, **_cell(name, key, names), "value": _short(value)}
        row |= {"before": _short(base), "change": _short(value - base), "change_percent": _percent(value - base, base)}
        who, way = _name(key, names), f"from {self._say(base)} to {self._say(value)}"
        whole = float(total.total or 0) - float(before.total or 0)
        if self.is_additive and whole and (value - base) / whole > 0:
            share = round(100 * (value - base) / whole, 1)
            row |= {"share_of_change": share, "records": rows}
            sentence = f"By {_words(name)}, {who} has the largest part in the change: {way}, {share:,} % of it."
            return [Insight(sentence, row, min(share, 100.0) / 100 + 0.1, name)]
        sentence = f"By {_words(name)}, {who} has changed most: {way}."
        return [
            Insight(sentence, {**row, "records": rows}, min(abs(row["change_percent"] or 100.0), 100.0) / 200, name)
        ]

    def _large_parts(self, name: str, now: MetricTable, total: MetricTable) -> list[Insight]:
        whole = float(total.total or 0)
        if whole <= 0 or len(now.groups) < FEWEST_GROUPS:
            return []
        top = max(now.groups, key=lambda group: float(group.value or 0))
        share = _percent(float(top.value or 0), whole) or 0.0
        if share < LARGE_SHARE:
            return []
        key = top.key[name]
        row = {"kind": "top contributor", "by": name, **_cell(name, key, now.names), "value": top.value}
        row |= {"share": share, "records": top.rows}
        sentence = f"By {_words(name)}, {_name(key, now.names)} makes up {share:,} % of all: {self._say(top.value)}."
        return [Insight(sentence, row, share / 200, name)]

    def _outliers(self, name: str, now: MetricTable) -> list[Insight]:
        groups = [group for group in now.groups if group.rows >= FEWEST_RECORDS and group.value is not None]
        if len(groups) < FEWEST_GROUPS:
            return []
        values = [float(group.value or 0) for group in groups]
        middle = median(values)
        spread = median(abs(value - middle) for value in values)
        if not spread:
            return []
        distance, group = max(
            ((abs(_DEVIATIONS * (float(one.value or 0) - middle) / spread), one) for one in groups),
            key=lambda pair: pair[0],
        )
        if distance < FAR:
            return []
        key = group.key[name]
        row = {"kind": "outlier", "by": name, **_cell(name, key, now.names), "value": group.value}
        row |= {"median_of_groups": _short(middle), "robust_z": round(distance, 1), "records": group.rows}
        sentence = (
            f"By {_words(name)}, {_name(key, now.names)} is far from the others: {self._say(group.value)}, "
            f"where the median is {self._say(_short(middle))}."
        )
        return [Insight(sentence, row, min(distance / 10, 1.0), name)]

    def _say(self, value: float | int | str | None) -> str:
        return amount(value if isinstance(value, int | float) else None, self.measure.unit)


def _all_groups(name: str, now: MetricTable, then: MetricTable) -> dict[Any, Group | None]:
    found: dict[Any, Group | None] = {group.key[name]: group for group in now.groups}
    return {**{group.key[name]: None for group in then.groups}, **found}


def _cell(name: str, key: Any, names: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(key, str) and object_of(key) is not None:
        return {"id": key, name: names.get(key, key), f"{name}_id": key}
    return {name: key}


def _name(key: Any, names: Mapping[str, str]) -> str:
    return names.get(str(key), str(key))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _short(value: float) -> float | int:
    rounded = round(value, 4)
    return int(rounded) if rounded == int(rounded) else rounded


def _percent(part: float, whole: float) -> float | None:
    return None if not whole else round(100 * part / abs(whole), 1)
