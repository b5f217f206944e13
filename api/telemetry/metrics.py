"""What a process counts, for Prometheus. Labels come from lists that do not grow with use; tenants may be left out."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from trust import telemetry
from trust.telemetry import NAMELESS, Ended, Value

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SLOW = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_DAYS = (60, 300, 900, 3_600, 4 * 3_600, 8 * 3_600, 24 * 3_600, 3 * 24 * 3_600, 7 * 24 * 3_600)

EVERYBODY = "all"
"""In the place of a tenant where tenants are not told apart."""


class Metrics:
    """The counters of one service. `listen` is what a watcher calls for every step that ended."""

    def __init__(self, *, by_tenant: bool = True) -> None:
        self.registry = CollectorRegistry()
        self._by_tenant = by_tenant
        for collect in (ProcessCollector, PlatformCollector, GCCollector):
            collect(registry=self.registry)
        self._counters()
        self._histograms()
        self._by_step: dict[str, Callable[[Ended], None]] = {
            "http": self._count_request,
            "run": self._count_run,
            "guard": self._count_verdict,
            "decision": self._count_denial,
            "hold": self._count_rest,
            "chat": self._count_model_call,
            "tool": self._count_tool_call,
            "ledger": self._count_effect,
        }

    def _counters(self) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"countersign_{name}", text, labels, registry=self.registry)

        self.runs = counter("runs", "Stretches of work that ended, by how.", "tenant", "status", "kind", "rests")
        self.verdicts = counter("guard_verdicts", "Calls of models, by what became of them.", "tool", "verdict")
        self.denials = counter("guard_denials", "Denials, by the guard that denied.", "guard", "tool")
        self.tokens = counter("model_tokens", "Tokens as providers count them.", "provider", "model", "direction")
        self.effects = counter("ledger_settled", "Approved actions that were settled, by how.", "outcome")

    def _histograms(self) -> None:
        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"countersign_{name}_seconds", text, labels, buckets=buckets, registry=self.registry)

        self.requests = histogram(
            "http_request", "From a request to the start of its answer.", _QUICK, "method", "route", "status"
        )
        self.run_seconds = histogram("run", "Work on a run, without the time it rests.", _SLOW, "kind", "status")
        self.run_waited = histogram("run_wait", "From accepting a run to working on it.", _QUICK, "kind")
        self.held = histogram("approval_wait", "From asking for an approval to going on.", _DAYS, "outcome")
        self.model = histogram("model_call", "One question to a model.", _SLOW, "provider", "model", "outcome")
        self.tool = histogram("tool_call", "One call of a tool.", _QUICK, "tool", "outcome")

    def listen(self, ended: Ended) -> None:
        count = self._by_step.get(ended.name)
        if count is not None:
            count(ended)

    def expose(self) -> bytes:
        """All of it in the text format of Prometheus."""
        return generate_latest(self.registry)

    def tenant_label(self, tenant: str) -> str:
        return tenant if self._by_tenant else EVERYBODY

    def _count_request(self, ended: Ended) -> None:
        first_byte = ended.notes.get(telemetry.WAITED)
        seconds = ended.seconds if first_byte is None else float(first_byte)
        labels = (_of(ended, telemetry.METHOD), _of(ended, telemetry.ROUTE), _of(ended, telemetry.HTTP_STATUS))
        self.requests.labels(*labels).observe(seconds)

    def _count_run(self, ended: Ended) -> None:
        kind = _of(ended, telemetry.RUN_KIND)
        status = _of(ended, telemetry.RUN_STATUS, "lost")
        tenant = self.tenant_label(_of(ended, telemetry.TENANT))
        rests = "yes" if ended.notes.get(telemetry.RESTS) else "no"
        self.runs.labels(tenant, status, kind, rests).inc()
        self.run_seconds.labels(kind, status).observe(ended.seconds)
        self.run_waited.labels(kind).observe(float(ended.notes.get(telemetry.WAITED, 0)))

    def _count_verdict(self, ended: Ended) -> None:
        self.verdicts.labels(_of(ended, telemetry.TOOL), _outcome(ended)).inc()

    def _count_denial(self, ended: Ended) -> None:
        if ended.notes.get(telemetry.DECISION) == "deny":
            self.denials.labels(_of(ended, telemetry.GUARD), _of(ended, telemetry.TOOL)).inc()

    def _count_rest(self, ended: Ended) -> None:
        self.held.labels(_outcome(ended)).observe(float(ended.notes.get(telemetry.WAITED, 0)))

    def _count_model_call(self, ended: Ended) -> None:
        provider, model = _of(ended, telemetry.PROVIDER), _of(ended, telemetry.MODEL)
        self.model.labels(provider, model, _outcome(ended)).observe(ended.seconds)
        for direction, name in (("input", telemetry.INPUT_TOKENS), ("output", telemetry.OUTPUT_TOKENS)):
            used = ended.notes.get(name)
            if used is not None:
                self.tokens.labels(provider, model, direction).inc(float(used))

    def _count_tool_call(self, ended: Ended) -> None:
        self.tool.labels(_of(ended, telemetry.TOOL), _outcome(ended)).observe(ended.seconds)

    def _count_effect(self, ended: Ended) -> None:
        self.effects.labels(_outcome(ended)).inc()


def _of(ended: Ended, name: str, missing: str = NAMELESS) -> str:
    value: Value = ended.notes.get(name, missing)
    return str(value)


def _outcome(ended: Ended) -> str:
    """What became of it; of what went wrong, the kind of error."""
    return ended.error or _of(ended, telemetry.OUTCOME, "ok")
