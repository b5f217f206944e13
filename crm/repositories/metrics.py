"""Questions over the semantic layer as SQL: one statement that groups, one that counts what is left out.

Records reached by a join are as good as absent if the caller may not see them, and every field that a question touches
must be one that the caller may read, whether it is shown, measured, filtered or grouped by or only leads somewhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, cast

from sqlalchemy import BigInteger, ColumnElement, Integer, Numeric, and_, case, func, literal, or_, select, true
from sqlalchemy import cast as cast_to
from sqlalchemy import type_coerce as read_as
from sqlalchemy.orm import aliased
from sqlalchemy.types import NullType

from crm.access import Access
from crm.connector import PERIOD, Filter, Group, LeftOut, MetricQuery
from crm.database import TenantSession
from crm.errors import FieldError
from crm.fields import FieldSpec, Fixed, Kind, UtcDateTime, to_json
from crm.repositories.conditions import Condition, Dialect, build_condition, date_part
from crm.repositories.visibility import visible_to
from crm.schema import OBJECT_INFO
from crm.semantics.loading import spec_at
from crm.semantics.model import Between, Dataset, Dimension, Layer, Measure, Related, TimeField
from crm.semantics.model import Condition as Where

MAX_GROUPS = 1_000
MAX_FILTERS = 20
CHECKED = "every table that is joined is held to the caller's tenant where it is joined"


@dataclass(frozen=True)
class Counted:
    """What one measure came to."""

    groups: list[Group]
    total: float | int | None
    rows: int
    left_out: list[LeftOut]
    is_cut: bool


@dataclass
class MetricStatement:
    """One question on its way to SQL. Raises: FieldError, ObjectRightError from every method."""

    access: Access
    dialect: Dialect
    dataset: Dataset
    measure: Measure
    query: MetricQuery
    _aliases: dict[str, Any] = field(default_factory=dict)
    _joins: list[tuple[Any, Condition]] = field(default_factory=list)

    # Fields and joins

    @cached_property
    def _base(self) -> Any:
        self.access.require("read", self.dataset.object)
        return OBJECT_INFO[self.dataset.object].record_type

    def _entity(self, join: str) -> Any:
        """The records that a join leads to, added to the statement when it is first needed."""
        if not join:
            return self._base
        if join not in self._aliases:
            reference, _ = self._column(self.dataset.joins[join].by)
            name = self.dataset.joins[join].to
            self.access.require("read", name)
            self.access.require_readable(name, "Id")
            target = OBJECT_INFO[name].record_type
            entity: Any = aliased(target)
            on = and_(entity.tenant == self.access.caller.tenant, entity.Id == reference, entity.IsDeleted.is_(False))
            seen = visible_to(self.access, target)
            if seen is not true():
                on = and_(on, entity.Id.in_(select(target.Id).where(target.tenant == self.access.caller.tenant, seen)))
            self._aliases[join] = entity
            self._joins.append((entity, on))
        return self._aliases[join]

    def _column(self, path: str) -> tuple[Any, FieldSpec]:
        join, _, name = path.rpartition(".")
        object_name = self.dataset.joins[join].to if join else self.dataset.object
        self.access.require_readable(object_name, name)
        spec = spec_at(self.dataset, path)
        if spec is None:
            raise FieldError(path, "there is no such field")
        return getattr(self._entity(join), name), spec

    def _dimension(self, name: str) -> Dimension:
        found = self.dataset.dimensions.get(name)
        if found is None:
            known = ", ".join(self.dataset.dimensions)
            raise FieldError(name, f"{self.measure.label.lower()} cannot be split by this; expected one of {known}")
        return found

    def _key(self, name: str) -> Any:
        dimension = self._dimension(name)
        column, _ = self._column(dimension.field)
        return _in_groups(column, dimension) if dimension.groups else column

    # Conditions

    @cached_property
    def _time(self) -> tuple[Any, FieldSpec]:
        return self._column(self._require_time(self.query.time or self.measure.time).field)

    def _require_time(self, name: str) -> TimeField:
        if name not in self.dataset.times:
            known = ", ".join(self.dataset.times)
            raise FieldError("time", f"{self.measure.label.lower()} has no date {name!r}; expected one of {known}")
        return self.dataset.times[name]

    def _meant(self) -> list[Condition]:
        """What is asked about: visible, in the period, past the filters and in the segments."""
        base = self._base
        found = [base.tenant == self.access.caller.tenant, base.IsDeleted.is_(False)]
        found += [visible_to(self.access, base), *self._in_period()]
        if len(self.query.filters) > MAX_FILTERS:
            raise FieldError("filters", f"at most {MAX_FILTERS} filters")
        found += [self._filter(one) for one in self.query.filters]
        for name in self.query.segments:
            found += self._in_segment(name)
        return found

    def _in_period(self) -> list[Condition]:
        since, until = self.query.since, self.query.until
        if since is None and until is None:
            return []
        if since is not None and until is not None and since > until:
            raise FieldError("period", "it ends before it begins")
        column, spec = self._time
        if spec.kind is Kind.DATE:
            bounds = [] if since is None else [column >= since]
            return bounds + ([] if until is None else [column <= until])
        bounds = [] if since is None else [column >= _midnight(since)]
        return bounds + ([] if until is None else [column < _midnight(_day_after(until))])

    def _filter(self, one: Filter) -> Condition:
        dimension = self.dataset.dimensions.get(one.field)
        if dimension is not None and dimension.groups:
            values = one.value if isinstance(one.value, list) else [one.value]
            if one.op not in ("eq", "ne", "in") or not set(values) <= set(dimension.groups):
                raise FieldError(one.field, f"expected some of {', '.join(dimension.groups)}")
            key = self._key(one.field)
            inside = key.in_(values)
            return cast("Condition", or_(~inside, key.is_(None)) if one.op == "ne" else inside)
        path = dimension.field if dimension is not None else one.field
        if dimension is None and ("." in path or path not in OBJECT_INFO[self.dataset.object].fields):
            known = ", ".join(self.dataset.dimensions)
            raise FieldError(path[:60], f"expected one of {known}, or a field of {self.dataset.object}")
        column, spec = self._column(path)
        return build_condition(column, spec, replace(one, field=path.rpartition(".")[2]))

    def _where(self, conditions: Iterable[Where]) -> list[Condition]:
        found = []
        for one in conditions:
            column, spec = self._column(one.field)
            found.append(build_condition(column, spec, _as_filter(one)))
        return found

    def _in_segment(self, name: str) -> list[Condition]:
        segment = self.dataset.segments.get(name)
        if segment is None:
            known = ", ".join(self.dataset.segments) or "none"
            raise FieldError("segments", f"{self.dataset.label} have no part {name[:60]!r}; there are {known}")
        found = self._where(segment.where)
        if segment.having is not None:
            found.append(self._base.Id.in_(self._pointing(segment.having)))
        if segment.without is not None:
            found.append(self._base.Id.not_in(self._pointing(segment.without)))
        return found

    def _pointing(self, related: Related) -> Any:
        """Ids of the records that visible others point to."""
        self.access.require("read", related.object)
        record_type = OBJECT_INFO[related.object].record_type
        for name in (related.by, *(one.field for one in related.where)):
            self.access.require_readable(related.object, name)
        specs = OBJECT_INFO[related.object].fields
        conditions = [
            build_condition(getattr(record_type, one.field), specs[one.field], _as_filter(one)) for one in related.where
        ]
        reference = getattr(record_type, related.by)
        return select(reference).where(
            record_type.tenant == self.access.caller.tenant,
            record_type.IsDeleted.is_(False),
            visible_to(self.access, record_type),
            reference.is_not(None),
            *conditions,
        )

    # Measures

    @cached_property
    def _measured(self) -> tuple[ColumnElement[Any] | None, int]:
        """What is measured of each record, and by what the result is to be divided; None: the record itself."""
        one = self.measure
        if one.hours is not None:
            return self._seconds(one.hours), 3600
        if one.days is not None:
            return self._days(one.days), 1
        if one.product:
            (left, by), (right, and_by) = (self._number(path) for path in one.product)
            return left * right, by * and_by
        if one.function == "distinct":
            return self._column(one.field or "")[0], 1
        if one.field is not None:
            return self._number(one.field)
        if one.function == "share":
            return case((and_(*self._where(one.holds)), 100), else_=0), 1
        return None, 1

    def _number(self, path: str) -> tuple[ColumnElement[Any], int]:
        """The column as a number for exact sums, and what it is a multiple of."""
        column, _ = self._column(path)
        if isinstance(column.type, Fixed):
            return cast_to(read_as(column, BigInteger), Numeric), 100
        return column, 1

    def _seconds(self, between: Between) -> ColumnElement[Any]:
        start, end = self._column(between.start)[0], self._column(between.end)[0]
        if self.dialect == "postgresql":
            return func.floor(func.extract("epoch", end)) - func.floor(func.extract("epoch", start))
        return cast_to(func.strftime("%s", end), Integer) - cast_to(func.strftime("%s", start), Integer)

    def _days(self, between: Between) -> ColumnElement[Any]:
        return self._day_number(between.end) - self._day_number(between.start)

    def _day_number(self, path: str) -> ColumnElement[Any]:
        column, _ = self._column(path)
        if self.dialect == "postgresql":
            day = func.date(func.timezone("UTC", column)) if isinstance(column.type, UtcDateTime) else column
            return cast("ColumnElement[Any]", day - literal(date(1970, 1, 1)))
        return func.julianday(func.date(column), type_=Integer)

    def _result(self) -> ColumnElement[Any]:
        value, _ = self._measured
        if value is None:
            return func.count()
        if self.measure.function == "distinct":
            return func.count(value.distinct())
        name = "avg" if self.measure.function == "share" else self.measure.function
        return cast("ColumnElement[Any]", getattr(func, name)(value, type_=NullType()))

    def _to_number(self, found: Any) -> float | int | None:
        if found is None:
            return None
        number = Decimal(str(found)) / self._measured[1]
        return cast("float | int", to_json(round(number, 4)))

    # The question

    async def run(self, session: TenantSession) -> Counted:
        """The groups and the total, and what is left out for which reason."""
        keys = {name: self._key(name) for name in self.query.group_by}
        if self.query.time is not None:
            self._require_time(self.query.time)
        if self.query.grain is not None:
            keys[PERIOD] = date_part(self._time[0], self.query.grain, self.dialect)
        meant, within = self._meant(), self._where(self.measure.where)
        value, _ = self._measured
        filled = ([value] if value is not None and self.measure.function != "distinct" else []) + list(keys.values())
        counted = [*meant, *within, *(one.is_not(None) for one in filled)]
        left_out = await self._count_left_out(session, meant, within, value, keys)
        total, rows = (await session.execute(self._from(self._result(), func.count()).where(*counted))).one()
        groups = await self._groups(session, counted, keys) if keys else [Group({}, self._to_number(total), rows)]
        is_cut = len(groups) > MAX_GROUPS
        if self.query.min_records > 1 and not is_cut and keys:
            small = rows - sum(group.rows for group in groups)
            left_out.append(LeftOut(f"in groups of fewer than {self.query.min_records}", small))
        return Counted(groups[:MAX_GROUPS], self._to_number(total), rows, [o for o in left_out if o.rows], is_cut)

    async def _groups(self, session: TenantSession, counted: Sequence[Condition], by: dict[str, Any]) -> list[Group]:
        keys = list(by.values())
        result = self._result()
        order = [result.desc() if self.query.descending else result.asc(), *keys]
        if self.query.by_key:
            order = order[1:]
        statement = (
            self._from(result, func.count(), *keys)
            .where(*counted)
            .group_by(*keys)
            .having(func.count() >= max(1, self.query.min_records))
            .order_by(*order)
            .limit(MAX_GROUPS + 1)
        )
        return [
            Group(
                key={name: to_json(one) for name, one in zip(by, values, strict=True)},
                value=self._to_number(found),
                rows=rows,
            )
            for found, rows, *values in await session.execute(statement)
        ]

    async def _count_left_out(
        self,
        session: TenantSession,
        meant: Sequence[Condition],
        within: Sequence[Condition],
        value: ColumnElement[Any] | None,
        keys: dict[str, Any],
    ) -> list[LeftOut]:
        """Records that are asked about and yet not counted, each under the first reason that applies."""
        reasons: list[tuple[str, Condition]] = []
        if within:
            reasons.append((self.measure.leaves_out or "", ~func.coalesce(and_(*within), False)))
        if value is not None and self.measure.function != "distinct":
            reasons.append(("nothing to measure", value.is_(None)))
        for name, key in keys.items():
            words = "without a date" if name == PERIOD else f"without {name.replace('_', ' ')}"
            reasons.append((words, key.is_(None)))
        if not reasons:
            return []
        first = case(*((condition, place) for place, (_, condition) in enumerate(reasons)), else_=len(reasons))
        counts = [func.sum(case((first == place, 1), else_=0)) for place in range(len(reasons))]
        found = (await session.execute(self._from(*counts).where(*meant))).one()
        return [LeftOut(words, int(rows or 0)) for (words, _), rows in zip(reasons, found, strict=True) if words]

    def _from(self, *columns: Any) -> Any:
        statement = select(*columns).select_from(self._base)
        for entity, on in self._joins:
            statement = statement.outerjoin(entity, on)
        return statement.execution_options(tenant_checked=CHECKED)


def _as_filter(one: Where) -> Filter:
    return Filter(one.field, one.op, list(one.value) if isinstance(one.value, tuple) else one.value)


def _in_groups(column: Any, dimension: Dimension) -> ColumnElement[Any]:
    lowered = func.lower(column)
    whens = [
        (lowered.in_([value.lower() for value in values]), literal(name)) for name, values in dimension.groups.items()
    ]
    return case(*whens, else_=None)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _day_after(day: date) -> date:
    if day == date.max:
        raise FieldError("until", "expected a date before 9999-12-31")
    return day + timedelta(days=1)


async def measure_over(
    session: TenantSession, access: Access, dialect: Dialect, layer: Layer, query: MetricQuery
) -> Counted:
    """The answer to a question over a layer, in the order and up to the limit that it asks for.

    Groups that share the value of the last one are shown as well: a winner is one only if nobody else has as much.

    Raises: FieldError, ObjectRightError.
    """
    dataset, measure = _find(layer, query.metric)
    if measure.among is None or not query.group_by:
        counted = await MetricStatement(access, dialect, dataset, measure, query).run(session)
    else:
        counted = await _measure_among(session, access, dialect, layer, query)
    ordered = order_groups(counted.groups, query)
    shown = min(query.limit, len(ordered))
    while not query.by_key and 0 < shown < len(ordered) and ordered[shown].value == ordered[shown - 1].value:
        shown += 1
    return replace(counted, groups=ordered[:shown], is_cut=counted.is_cut or len(ordered) > shown)


async def _measure_among(
    session: TenantSession, access: Access, dialect: Dialect, layer: Layer, query: MetricQuery
) -> Counted:
    """Groups come from the measure that this one is counted among; where this one finds nothing it is zero."""
    dataset, measure = _find(layer, query.metric)
    base_dataset, base = _find(layer, measure.among or "")
    own = await MetricStatement(access, dialect, dataset, measure, replace(query, min_records=1)).run(session)
    among = await MetricStatement(access, dialect, base_dataset, base, query).run(session)
    if own.is_cut or among.is_cut:
        raise FieldError("group_by", f"there are more than {MAX_GROUPS} groups: narrow the question down")
    values = {tuple(group.key.items()): group.value for group in own.groups}
    groups = [Group(group.key, values.get(tuple(group.key.items()), 0), group.rows) for group in among.groups]
    if query.min_records == 1:
        known = {tuple(group.key.items()) for group in groups}
        groups += [replace(group, rows=0) for group in own.groups if tuple(group.key.items()) not in known]
    return replace(own, groups=groups)


def _find(layer: Layer, metric: str) -> tuple[Dataset, Measure]:
    found = layer.find(metric)
    if found is None:
        known = ", ".join(name for name, _ in layer.metrics())
        raise FieldError("metric", f"there is no {metric[:60]!r}; expected one of {known}")
    return found


def order_groups(groups: Iterable[Group], query: MetricQuery) -> list[Group]:
    """In the order that the question asks for; nothing measured comes last."""

    def by_key(group: Group) -> list[str]:
        return [str(value) for value in group.key.values()]

    if query.by_key:
        return sorted(groups, key=by_key)
    sign = -1 if query.descending else 1
    return sorted(groups, key=lambda group: (group.value is None, sign * float(group.value or 0), by_key(group)))
