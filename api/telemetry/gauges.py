"""What stands in the database at a scrape: what waits, how long, and how much of the budgets is used.

Asked for at most every few seconds, whoever scrapes how often: one short transaction per tenant.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily

from crm.database import Database
from crm.ids import TenantId
from crm.repositories.gauges import Standing, measure
from trust.outgoing import Outgoing, load_outgoing

_log = logging.getLogger(__name__)

AT_ONCE = 4
"""Connections that a refresh may take at most."""


class Gauges:
    """`tenant_label` says under which name a tenant is shown; several may share one, and are added up."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        registry: CollectorRegistry,
        tenant_label: Callable[[str], str],
        *,
        every_s: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._tenant_label = tenant_label
        self._every_s = every_s
        self._taken_at = -float("inf")
        self._turn = asyncio.Lock()
        self._found: dict[str, tuple[Standing, Outgoing]] = {}
        self._is_fresh = False
        registry.register(self)

    async def refresh(self) -> None:
        """Look again if the last look is old enough; whoever comes meanwhile waits for the one look."""
        async with self._turn:
            if time.monotonic() - self._taken_at < self._every_s:
                return
            try:
                self._found = await self._look()
                self._is_fresh = True
            except Exception:  # the counters of the process are worth having without the database too
                _log.exception("what waits could not be counted")
                self._found, self._is_fresh = {}, False
            self._taken_at = time.monotonic()

    async def _look(self) -> dict[str, tuple[Standing, Outgoing]]:
        room = asyncio.Semaphore(AT_ONCE)
        found: dict[str, tuple[Standing, Outgoing]] = {}

        async def look(name: str) -> None:
            # tenant-id: the service's own chore, for each tenant by itself
            async with room, self._database.session(TenantId(name)) as session:
                found[name] = await measure(session, at=self._clock().astimezone(UTC)), await load_outgoing(session)

        await asyncio.gather(*(look(name) for name in await self._database.tenants()))
        return found

    def collect(self) -> Iterator[Metric]:
        """For the registry: what the last look found."""
        yield _gauge(
            "database_counted", "Whether the figures from the database could be taken.", [((), self._is_fresh)]
        )
        now = self._clock()
        waiting: dict[tuple[str, ...], float] = defaultdict(float)
        oldest: dict[tuple[str, ...], float] = defaultdict(float)
        queue: dict[tuple[str, ...], float] = defaultdict(float)
        queue_age: dict[tuple[str, ...], float] = defaultdict(float)
        mails: dict[tuple[str, ...], float] = defaultdict(float)
        budget: dict[tuple[str, ...], float] = defaultdict(float)
        for name, (standing, rules) in self._found.items():
            label = self._tenant_label(name)
            waiting[label,] += standing.approvals
            oldest[label,] = max(oldest[label,], _age(standing.oldest_approval, now))
            queue[label, "queued"] += standing.queued
            queue[label, "running"] += standing.running
            queue_age[label,] = max(queue_age[label,], _age(standing.oldest_run, now))
            for status, count in standing.mails.items():
                mails[label, status] += count
            for unit, used, limit in (
                ("calls", standing.calls, rules.tenant_calls_per_day),
                ("tokens", standing.tokens, rules.tenant_tokens_per_day),
            ):
                if limit:  # the fullest budget is what matters where tenants are not told apart
                    budget[label, unit] = max(budget[label, unit], used / limit)
        yield _gauge("approvals_waiting", "Requests that wait for a person.", waiting.items(), "tenant")
        yield _gauge("approvals_oldest_seconds", "Age of the oldest of them.", oldest.items(), "tenant")
        yield _gauge("queue_depth", "Runs that are not finished.", queue.items(), "tenant", "state")
        yield _gauge("queue_oldest_seconds", "Age of the oldest run nobody works on.", queue_age.items(), "tenant")
        yield _gauge("outbox", "E-mails that have not been sent.", mails.items(), "tenant", "status")
        yield _gauge("budget_used_ratio", "Share of the day's budget that is used.", budget.items(), "tenant", "unit")


def _gauge(name: str, text: str, found: Iterable[tuple[Sequence[str], float]], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"countersign_{name}", text, labels=labels)
    for values, number in found:
        family.add_metric(values, float(number))
    return family


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
