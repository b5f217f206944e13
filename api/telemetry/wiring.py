"""Joins the parts: who watches a service, what is counted, where traces go."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry.trace import Tracer

from api.settings import Settings
from api.telemetry.gauges import Gauges
from api.telemetry.metrics import Metrics
from api.telemetry.tracing import SCOPE, open_traces
from crm.database import Database
from graphs.runner import Clock
from trust.telemetry import Watcher

VERSION = "0.1.0"


@dataclass(frozen=True)
class Telemetry:
    """What one service tells about itself."""

    watcher: Watcher
    metrics: Metrics
    gauges: Gauges


@contextmanager
def open_telemetry(
    settings: Settings, database: Database, clock: Clock, *, tracer: Tracer | None = None
) -> Iterator[Telemetry]:
    """Watch until the end, and send what is left then. A given tracer takes the place of the configured one.

    Raises: TracingError.
    """
    provider = None
    if tracer is None and settings.traces_endpoint is not None:
        provider = open_traces(settings.traces_endpoint, settings.traces_ratio, VERSION)
        tracer = provider.get_tracer(SCOPE, VERSION)
    metrics = Metrics(by_tenant=settings.metrics_by_tenant)
    gauges = Gauges(database, clock, metrics.registry, metrics.tenant_label, every_s=settings.metrics_refresh_s)
    watcher = Watcher(tracer, metrics.listen, contents=settings.traces_contents)
    try:
        yield Telemetry(watcher, metrics, gauges)
    finally:
        if provider is not None:
            provider.shutdown()
