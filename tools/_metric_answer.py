"""The answer to a question over the semantic layer: the table, the finding, the chart, how it was computed."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from crm.connector import PERIOD, Group, MetricTable
from crm.errors import HiddenFieldError
from crm.schema import object_of
from crm.semantics.model import Dataset, Grain, Layer, Measure
from tools._charts import build_chart, choose_kind
from tools._declare import Integrity, Result, ToolContext, ToolFailedError, ToolRetryError, output
from tools._findings import find
from tools._metric_question import Question, Understood, understand
from tools._metric_words import AppliedFilter
from tools._periods import Period, name_of, steps_between


class LeftOutRecords(Result):
    why: str = output("What is missing of them.")
    records: int = output("How many.")


class Column(Result):
    key: str = output("Key in the rows.")
    title: str = output("Heading.")
    object: str | None = output("Kind of record that the values are from; null for what was worked out.")
    field: str | None = output("Field that the values are from.")


class MetricAnswer(Result):
    summary: str = output("The finding in a sentence.", integrity=Integrity.COMPOSED)
    metric: str = output("What was measured.")
    unit: str = output("What the value is in: count, hours, days, money, percent or number.")
    rows: list[dict[str, Any]] = output(
        "The table, one row per group; columns says what is in it.", integrity=Integrity.BY_FIELD
    )
    total: float | int | None = output("The metric over everything that was counted.")
    records_counted: int = output("How many records are behind it.")
    left_out: list[LeftOutRecords] = output("Records that were asked about and not counted, and why.")
    more_groups: bool = output("Whether there are more groups than shown.")
    since: date | None = output("First day of the period; null if it is open.")
    until: date | None = output("Last day of the period; null if it is open.")
    filters: list[AppliedFilter] = output("The conditions that were applied.", integrity=Integrity.BY_FIELD)
    computed: str = output("How this was computed, in words.", integrity=Integrity.COMPOSED)
    columns: list[Column] = output("What the columns of rows hold.")
    chart: dict[str, Any] | None = output("A Vega-Lite specification of the chart; null if none was wanted.")


async def answer(ctx: ToolContext, metric: str, asked: Question) -> MetricAnswer:
    """Raises: ToolRetryError, CrmError."""
    layer = await ctx.crm.semantics()
    dataset, measure = find_measure(layer, metric)
    understood = await understand(ctx.crm, metric, asked, dataset, measure, ctx.today)
    try:
        table = await ctx.crm.measure(understood.query)
    except HiddenFieldError as error:
        raise ToolFailedError(f"{measure.label} cannot be worked out for you as asked: {error}") from None
    return compose(metric, asked, dataset, measure, understood, table, await _names(ctx, understood))


def find_measure(layer: Layer, metric: str) -> tuple[Dataset, Measure]:
    """Raises: ToolRetryError that lists the metrics there are."""
    found = layer.find(metric)
    if found is None:
        raise ToolRetryError(f"metric: expected one of {', '.join(name for name, _ in layer.metrics())}")
    return found


async def _names(ctx: ToolContext, understood: Understood) -> dict[str, str]:
    return await ctx.crm.names_of([found for one in understood.applied for found in one.record_ids])


def compose(
    metric: str,
    asked: Question,
    dataset: Dataset,
    measure: Measure,
    understood: Understood,
    table: MetricTable,
    names: dict[str, str],
) -> MetricAnswer:
    """Everything that is told of a table."""
    query, over_time = understood.query, understood.query.grain is not None
    columns = _columns(metric, dataset, measure, understood)
    keys = [one.key for one in columns if one.key not in (metric, "records")]
    groups = _with_gaps(table, query.grain, understood.period) if _may_fill(measure, understood) else table.groups
    rows = [_row(metric, group, columns, table.names) for group in groups]
    filters = [AppliedFilter.of(one, dataset, names) for one in understood.applied]
    kind = choose_kind(asked.chart, over_time=over_time, groups=len(rows))
    titles = {one.key: one.title for one in columns}
    chart = build_chart(
        kind,
        title=measure.label,
        measure=(metric, titles[metric]),
        keys=[(key, titles[key]) for key in keys],
        time_key=query.grain,
        rows=rows,
    )
    summary = find(
        measure,
        metric,
        rows=rows,
        keys=keys,
        over_time=over_time,
        highest=query.descending,
        total=table.total,
        counted=table.rows,
        noun=dataset.label,
        is_only_group=len(rows) == 1 and not table.is_cut,
    )
    return MetricAnswer(
        summary=summary,
        metric=measure.label,
        unit=measure.unit,
        rows=rows,
        total=table.total,
        records_counted=table.rows,
        left_out=[LeftOutRecords(why=one.why, records=one.rows) for one in table.left_out],
        more_groups=table.is_cut,
        since=understood.period.since,
        until=understood.period.until,
        filters=filters,
        computed=_computed(dataset, measure, understood, table, filters),
        columns=columns,
        chart=None if kind == "none" or not rows else chart,
    )


def _columns(metric: str, dataset: Dataset, measure: Measure, understood: Understood) -> list[Column]:
    found = [column_of(name, dataset) for name in understood.query.group_by]
    grain = understood.query.grain
    if grain is not None:
        found.append(Column(key=grain, title=title_of(grain), object=None, field=None))
    unit = f" ({measure.unit})" if measure.unit in ("hours", "days", "percent") else ""
    found.append(Column(key=metric, title=f"{measure.label}{unit}", object=None, field=None))
    found.append(Column(key="records", title=title_of("records"), object=None, field=None))
    return found


def column_of(name: str, dataset: Dataset) -> Column:
    """What a dimension's cells hold; names of groups are the layer's own words and no field's."""
    dimension = dataset.dimensions[name]
    join, _, field = dimension.field.rpartition(".")
    if dimension.groups:
        return Column(key=name, title=title_of(name), object=None, field=None)
    object_name = dataset.joins[join].to if join else dataset.object
    return Column(key=name, title=title_of(name), object=object_name, field=field)


def title_of(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _row(metric: str, group: Group, columns: Sequence[Column], names: Mapping[str, str]) -> dict[str, Any]:
    """The row's cells; a record is shown by its name, with its id beside it."""
    row: dict[str, Any] = {}
    ids: list[str] = []
    for column in columns:
        value = group.key.get(column.key, group.key.get(PERIOD))
        if column.key == metric:
            row[metric] = group.value
        elif column.key == "records":
            row["records"] = group.rows
        elif column.field is not None and isinstance(value, str) and object_of(value) is not None:
            row |= {column.key: names.get(value, value), f"{column.key}_id": value}
            ids.append(value)
        else:
            row[column.key] = value
    return {"id": ids[0], **row} if len(ids) == 1 else row


def _with_gaps(table: MetricTable, grain: Grain | None, period: Period) -> list[Group]:
    """The series with its empty periods, from the first to the last that is asked about or has anything."""
    if grain is None or not table.groups or table.is_cut:
        return table.groups
    known = {str(group.key[PERIOD]): group for group in table.groups}
    first = min(known) if period.since is None else name_of(period.since, grain)
    last = max(known) if period.until is None else name_of(period.until, grain)
    names = steps_between(first, last, grain)
    if not set(known) <= set(names):
        return table.groups
    return [known.get(name, Group({PERIOD: name}, 0, 0)) for name in names]


def _may_fill(measure: Measure, understood: Understood) -> bool:
    """Whether a month without records is a month with zero, and all months are there to be seen."""
    query = understood.query
    is_series = query.grain is not None and not query.group_by and query.by_key and query.min_records <= 1
    return is_series and measure.function in ("count", "distinct", "sum")


def _computed(
    dataset: Dataset,
    measure: Measure,
    understood: Understood,
    table: MetricTable,
    filters: Sequence[AppliedFilter],
) -> str:
    query = understood.query
    time = dataset.times[query.time or measure.time]
    said = [measure.definition, f"Period: {understood.period.words()} ({time.says.partition(',')[0]})."]
    parts = [dataset.segments[name].says.partition(",")[0] for name in query.segments]
    if parts:
        said.append(f"Only {dataset.label} that are {' and '.join(parts)}.")
    if filters:
        said.append(f"Only where {' and '.join(one.words() for one in filters)}.")
    if query.min_records > 1:
        said.append(f"Only groups with at least {query.min_records} records.")
    said.append(f"{table.rows:,} {dataset.label} counted, of those that you may see.")
    left_out = "; ".join(f"{one.rows:,} {one.why}" for one in table.left_out)
    if left_out:
        said.append(f"Left out: {left_out}.")
    return " ".join(said)
