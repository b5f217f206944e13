"""Whether the condition of an alert holds: the same look for whoever sets it and for the service that keeps watch."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from crm.connector import Row
from crm.semantics.model import Measure
from tools._declare import ReadingCrm, ToolFailedError, ToolRetryError
from tools._metric_answer import find_measure
from tools._metric_question import Scope, understand
from tools._saved import from_text

When = Literal["above", "below", "rises_by", "falls_by"]
WHEN: dict[str, str] = {
    "above": "is above, rises above, climbs above, exceeds, more than, goes over the threshold",
    "below": "is below, less than, under, falls below, falls under, drops below, drops under the threshold",
    "rises_by": "rises by so many per cent or more against the period before",
    "falls_by": "falls, drops by so many per cent or more against the period before",
}
PICKED: dict[When, str] = {"above": "Above", "below": "Below", "rises_by": "Rises By", "falls_by": "Falls By"}


@dataclass(frozen=True)
class Reading:
    """What was measured; None: there was nothing to measure, and the condition does not hold."""

    label: str
    value: float | None
    is_met: bool


async def read_alert(crm: ReadingCrm, row: Row, *, today: date) -> Reading:
    """The condition of a stored alert. Raises: ToolFailedError, ToolRetryError, CrmError."""
    when = next((when for when, picked in PICKED.items() if picked == row.get("Condition__c")), None)
    threshold = row.get("Threshold__c")
    if when is None or not isinstance(threshold, int | float):
        raise ToolFailedError("the alert has no condition that can be read")
    asked = from_text(row.get("Question__c"), Scope)
    return await take_reading(crm, str(row.get("Metric__c")), asked, when, float(threshold), today=today)


async def take_reading(
    crm: ReadingCrm, metric: str, asked: Scope, when: When, threshold: float, *, today: date
) -> Reading:
    """Measure, and compare. With `group_by`, one group that passes the threshold is enough.

    Raises: ToolRetryError, CrmError.
    """
    dataset, measure = find_measure(await crm.semantics(), metric)
    understood = await understand(crm, metric, asked, dataset, measure, today)
    query = replace(understood.query, descending=when in ("above", "rises_by"), limit=1)
    if when in ("above", "below"):
        table = await crm.measure(query)
        value = table.groups[0].value if table.groups and query.group_by else table.total
        return _compare(measure, value, value, when, threshold)
    before = understood.period.before()
    if query.group_by or before is None:
        raise ToolRetryError(
            "when: a change needs a period with both ends, such as past_count or period, and no group_by"
        )
    now = await crm.measure(query)
    then = await crm.measure(replace(query, since=before.since, until=before.until))
    change = None if now.total is None or not then.total else 100 * (now.total - then.total) / abs(then.total)
    return _compare(measure, now.total, change, when, threshold)


def _compare(measure: Measure, value: Any, compared: Any, when: When, threshold: float) -> Reading:
    if not isinstance(compared, int | float):
        return Reading(measure.label, None, False)
    holds = {
        "above": compared > threshold,
        "below": compared < threshold,
        "rises_by": compared >= threshold,
        "falls_by": -compared >= threshold,
    }
    return Reading(measure.label, float(value), holds[when])
