"""What stands out in a metric without being asked for: changes, who contributed, and who is far from the rest."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from crm.errors import HiddenFieldError
from crm.semantics.model import Dataset
from tools._declare import Integrity, Result, ToolContext, ToolFailedError, argument, output, tool
from tools._insights import Insight, Look
from tools._metric_answer import Column, column_of, find_measure, title_of
from tools._metric_question import METRICS, Metric, Scope, understand
from tools._periods import Period
from trust.actions import Effect
from trust.scopes import CRM_READ


class FindInsights(Scope):
    metric: Metric = argument("The metric to look into.", options=METRICS)
    most: int = argument("How many insights to return.", default=5, ge=1, le=20)


class Insights(Result):
    summary: str = output("The most telling of them, in sentences.", integrity=Integrity.COMPOSED)
    metric: str = output("What was looked into.")
    unit: str = output("What the values are in: count, hours, days, money, percent or number.")
    insights: list[dict[str, Any]] = output("Most telling first.", integrity=Integrity.BY_FIELD)
    columns: list[Column] = output("What the insights hold.")
    since: date | None = output("First day of the period.")
    until: date | None = output("Last day of the period.")
    before_since: date | None = output("First day of the period it is compared with.")
    before_until: date | None = output("Last day of the period it is compared with.")
    computed: str = output("How this was worked out.", integrity=Integrity.COMPOSED)


@tool(effect=Effect.READ, scope=CRM_READ)
async def find_insights(ctx: ToolContext, args: FindInsights) -> Insights:
    """Find what stands out in a metric: insights, what changed, why it went up or down, against the period before; who
    or what contributed most; outliers, anything unusual or worth knowing.

    Looks at the past three months unless a period is given, and at all that the metric can be split by unless group_by
    says what.

    People say: anything odd/unusual/strange/weird/off in the numbers/figures/data; anything
    odd/unusual/strange/weird/off; anything I should know about the numbers/figures; anything worth knowing; what stands
    out; what jumps out; what is different from before; did anything change in the numbers/figures; any surprises in the
    numbers/figures; any surprises; what should I know about the numbers/figures; explain the drop/rise/jump in.
    """
    layer = await ctx.crm.semantics()
    dataset, measure = find_measure(layer, args.metric)
    is_open = args.period is None and args.past_count is None and args.since is None
    asked = args.model_copy(update={"past_count": 3, "past_unit": "months"}) if is_open else args
    understood = await understand(ctx.crm, args.metric, asked, dataset, measure, ctx.today)
    look = Look(ctx.crm, dataset, measure, understood.query, understood.period)
    try:
        ranked = (await look.around(args.group_by))[: args.most]
    except HiddenFieldError as error:
        raise ToolFailedError(f"{measure.label} cannot be worked out for you as asked: {error}") from None
    before = look.before or Period()
    return Insights(
        summary=" ".join(one.sentence for one in ranked) or f"{measure.label}: nothing stands out.",
        metric=measure.label,
        unit=measure.unit,
        insights=[one.row for one in ranked],
        columns=_columns(ranked, dataset),
        since=understood.period.since,
        until=understood.period.until,
        before_since=before.since,
        before_until=before.until,
        computed=f"{measure.definition} {look.described()}",
    )


def _columns(insights: Sequence[Insight], dataset: Dataset) -> list[Column]:
    """Dimensions as the answers of `ask_metric` have them; all else was worked out."""
    names = dict.fromkeys(one.dimension for one in insights if one.dimension is not None)
    worked_out = [name for name in dict.fromkeys(key for one in insights for key in one.row) if name not in names]
    plain = [
        Column(key=name, title=title_of(name), object=None, field=None)
        for name in worked_out
        if name != "id" and name.removesuffix("_id") not in names
    ]
    return [*(column_of(name, dataset) for name in names), *plain]
