"""What watching costs: the same turn with nobody watching, with metrics, and with metrics and traces.

Rounds of the three are interleaved on one service, and medians are compared. Spans are made, batched and thrown away:
what a collector and the way to it cost is not in here.
"""

import argparse
import asyncio
import gc
import statistics
import tempfile
import time
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from api.telemetry.metrics import Metrics
from api.wiring import open_service
from bench.databases import open_postgresql, open_sqlite
from bench.turn import USER, InstantModel, service_turn, settings_for
from crm.database import DatabaseConfig
from trust import telemetry
from trust.telemetry import Watcher


class Nowhere(SpanExporter):
    """Takes spans and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def export(self, spans: "list[ReadableSpan] | tuple[ReadableSpan, ...]") -> SpanExportResult:  # type: ignore[override]
        self.count += len(spans)
        return SpanExportResult.SUCCESS


async def measure(config: DatabaseConfig, folder: Path, rounds: int) -> tuple[dict[str, float], float]:
    """Milliseconds of a turn, by who watches; and spans per turn."""
    exporter = Nowhere()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    async with open_service(settings_for(config, folder), model_for=lambda tenant: InstantModel()) as service:
        _, principal = await service.authenticator.login_for_development(USER, None)
        listener = service.telemetry.metrics.listen
        watchers = {
            "nobody": None,
            "metrics": Watcher(listener=listener),
            "metrics and traces": Watcher(provider.get_tracer("bench"), listener),
        }
        taken: dict[str, list[float]] = {name: [] for name in watchers}
        for place in range(rounds + 4):
            for name, watcher in watchers.items():
                service.runner.watcher = watcher
                gc.collect()  # so that none of them pays for what another has left
                started = time.perf_counter()
                await service_turn(service, principal)
                if place >= 4:  # the first ones warm up
                    taken[name].append((time.perf_counter() - started) * 1000)
        await asyncio.to_thread(provider.force_flush)
    await asyncio.to_thread(provider.shutdown)
    return {name: statistics.median(found) for name, found in taken.items()}, exporter.count / (rounds + 4)


def measure_step(steps: int = 20_000) -> dict[str, float]:
    """Microseconds of one step with three notes, by who watches."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    listener = Metrics().listen
    watchers = {
        "nobody": None,
        "metrics": Watcher(listener=listener),
        "metrics and traces": Watcher(provider.get_tracer("bench"), listener),
    }
    notes = {telemetry.OPERATION: "execute_tool", telemetry.TOOL: "lookup_account", telemetry.OUTCOME: "ok"}
    taken = {}
    for name, watcher in watchers.items():
        with telemetry.watched_by(watcher):
            started = time.perf_counter()
            for _ in range(steps):
                with telemetry.step("tool", notes, title="execute_tool lookup_account"):
                    pass
            taken[name] = (time.perf_counter() - started) / steps * 1e6
    provider.shutdown()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what metrics and traces add to a turn.")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--factor", type=float, default=0.3, help="size of the seeded data")
    arguments = parser.parse_args()
    for watched, microseconds in measure_step().items():
        print(f"one step, watched by {watched:<20}{microseconds:>8.1f} us")
    for name, opened in (("SQLite", open_sqlite), ("PostgreSQL", open_postgresql)):
        with opened(arguments.factor) as config, tempfile.TemporaryDirectory() as folder:
            turns, spans = asyncio.run(measure(config, Path(folder), arguments.rounds))
        print(f"{name}: {spans:.0f} spans a turn")
        for watched, milliseconds in turns.items():
            print(f"  {watched:<20}{milliseconds:>8.1f} ms{milliseconds / turns['nobody']:>8.2f}")


if __name__ == "__main__":
    main()
