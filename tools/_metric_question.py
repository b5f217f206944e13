"""What may be asked of any metric, in arguments whose words come from the semantic layer."""

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Literal

from crm.connector import MetricQuery
from crm.semantics.loading import shipped_layer
from crm.semantics.model import Dataset, Measure
from tools._charts import KINDS, Kind
from tools._declare import Arguments, ReadingCrm, ToolRetryError, argument
from tools._metric_words import Applied, WordReader
from tools._periods import NAMED, STEPS, Named, Period, Step, named, past
from tools._shapes import FilterArgument, day

_LAYER = shipped_layer()
METRICS = _LAYER.meanings("measures")
_DIMENSIONS = _LAYER.meanings("dimensions")
_SEGMENTS = _LAYER.meanings("segments")
_TIMES = _LAYER.meanings("times")
_ORDERS = {
    "highest": "highest, most, largest, longest, slowest, top, maximum, more than all others",
    "lowest": "lowest, fewest, least, smallest, shortest, quickest, fastest, bottom, minimum",
    "best": "best, whichever of high and low is good for the metric",
    "worst": "worst, whichever of high and low is bad for the metric",
    "name": "in the order of names or dates",
}
_GRAINS = {
    "day": "per day, daily",
    "week": "per week, weekly",
    "month": "per month, by month, monthly, which month, months",
    "quarter": "per quarter, by quarter, quarterly",
    "year": "per year, by year, yearly, annual",
}

if TYPE_CHECKING:
    Metric = str
    Dimension = str
    SegmentName = str
    TimeName = str
else:
    Metric = Literal[tuple(METRICS)]
    Dimension = Literal[tuple(_DIMENSIONS)]
    SegmentName = Literal[tuple(_SEGMENTS)]
    TimeName = Literal[tuple(_TIMES)]


class Scope(Arguments):
    """Over which records any metric may be taken."""

    group_by: list[Dimension] = argument(
        "What to split it by: per agent, by state, for each product, which agent, which state.",
        default=[],
        max_length=2,
        options=_DIMENSIONS,
    )
    period: Named | None = argument("A period by its name.", default=None, options=NAMED)
    past_count: int | None = argument(
        "How many days, weeks, months, quarters or years back from today, or from until: past 3 quarters is 3.",
        default=None,
        ge=1,
        le=10_000,
    )
    past_unit: Step | None = argument("What past_count counts.", default=None, options=STEPS)
    since: str | None = day("From this day on.", default=None)
    until: str | None = day("Up to this day, included.", default=None)
    date_of: TimeName | None = argument(
        "Which date the period is about, if not the usual one of the metric.", default=None, options=_TIMES
    )
    only: list[str] = argument(
        "Keep to these: names or values as the user says them, such as EMEA, CA, High, Phone, a person, a product or "
        "a company.",
        default=[],
        max_length=10,
    )
    without: list[str] = argument("Leave these out: names or values as the user says them.", default=[], max_length=10)
    filters: list[FilterArgument] = argument(
        "Exact conditions; field is one of the values of group_by or a field of the records.", default=[], max_length=20
    )
    segments: list[SegmentName] = argument(
        "Keep to parts of the records that have a name.", default=[], max_length=5, options=_SEGMENTS
    )

    def days(self, today: date) -> Period:
        """The period that is meant. Raises: ToolRetryError for two at once."""
        ends = [one for one in (self.since, self.until) if one is not None]
        if self.past_count is not None:
            if self.period is not None or self.since is not None:
                raise ToolRetryError(
                    "past_count: give either a period, or past_count with past_unit, or since and until"
                )
            return past(self.past_count, self.past_unit or "days", _day("until", self.until) or today)
        if self.period is not None:
            if ends:
                raise ToolRetryError("period: give either a period by its name or since and until")
            return named(self.period, today)
        return Period(_day("since", self.since), _day("until", self.until))

    def shape(self, query: MetricQuery, measure: Measure) -> MetricQuery:
        """The query with what else is asked."""
        return query


class Question(Scope):
    """What may be asked of any metric."""

    per: Literal["day", "week", "month", "quarter", "year"] | None = argument(
        "Split it over time: trend, development, monthly, by quarter.", default=None, options=_GRAINS
    )
    at_least_records: int | None = argument(
        "Only groups with at least so many records: agents with at least 2 cases.", default=None, ge=1, le=1_000_000
    )
    more_than_records: int | None = argument(
        "Only groups with more than so many records: agents who handled more than one case is 1.",
        default=None,
        ge=0,
        le=1_000_000,
    )
    order: Literal["highest", "lowest", "best", "worst", "name"] | None = argument(
        "What comes first.", default=None, options=_ORDERS
    )
    limit: int = argument("How many groups: top 5 is 5, a single winner is 1.", default=50, ge=1, le=200)
    chart: Kind = argument("How to draw it.", default="auto", options=KINDS)

    def shape(self, query: MetricQuery, measure: Measure) -> MetricQuery:
        return replace(
            query,
            grain=self.per,
            min_records=self.min_records(),
            descending=self.is_highest_first(measure),
            by_key=self.order == "name" or (self.order is None and self.per is not None),
            limit=self.limit,
        )

    def min_records(self) -> int:
        least = self.at_least_records or 1
        return max(least, 0 if self.more_than_records is None else self.more_than_records + 1)

    def is_highest_first(self, measure: Measure) -> bool:
        """Whether high values come first, or are what the finding is about."""
        if self.order in ("best", "worst") and measure.better is None:
            raise ToolRetryError(
                f"order: of {measure.label.lower()} neither high nor low is better; say which is meant"
            )
        lowest = {"best": measure.better == "lower", "worst": measure.better == "higher"}
        return not lowest.get(self.order or "", self.order == "lowest")


@dataclass(frozen=True)
class Understood:
    """A question as it will be asked."""

    query: MetricQuery
    period: Period
    applied: tuple[Applied, ...]


async def understand(
    crm: ReadingCrm, metric: str, asked: Scope, dataset: Dataset, measure: Measure, today: date
) -> Understood:
    """Words to conditions, names to ids, periods to days. Raises: ToolRetryError, CrmError."""
    reader = WordReader(crm, dataset, metric, frozenset(asked.group_by))
    applied = (
        *await reader.read_filters(asked.filters),
        *await reader.read_words(asked.only, keep=True),
        *await reader.read_words(asked.without, keep=False),
    )
    period = asked.days(today)
    query = MetricQuery(
        metric=metric,
        group_by=tuple(dict.fromkeys(asked.group_by)),
        time=asked.date_of,
        since=period.since,
        until=period.until,
        filters=tuple(one.filter for one in applied),
        segments=tuple(dict.fromkeys(asked.segments)),
    )
    return Understood(asked.shape(query, measure), period, applied)


def _day(name: str, value: str | None) -> date | None:
    """Raises: ToolRetryError."""
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ToolRetryError(f"{name}: expected a date such as 2026-05-31") from None
