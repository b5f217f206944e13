"""Where traces go: nowhere, unless the operator names a collector."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

SCOPE = "countersign"


class TracingError(ValueError):
    """Traces cannot be sent; the message says what to install."""


def open_traces(endpoint: str, ratio: float, version: str) -> "TracerProvider":
    """Traces to a collector that speaks OTLP over HTTP; `ratio` of those that nobody else has decided about.

    Raises: TracingError where the exporter is not installed.
    """
    try:
        sdk = importlib.import_module("opentelemetry.sdk.trace")
        export = importlib.import_module("opentelemetry.sdk.trace.export")
        sampling = importlib.import_module("opentelemetry.sdk.trace.sampling")
        resources = importlib.import_module("opentelemetry.sdk.resources")
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError as error:
        raise TracingError("traces_endpoint needs packages: pip install 'countersign[otel]'") from error
    provider: TracerProvider = sdk.TracerProvider(
        sampler=sampling.ParentBased(sampling.TraceIdRatioBased(ratio)),
        resource=resources.Resource.create({"service.name": SCOPE, "service.version": version}),
    )
    address = f"{endpoint.rstrip('/')}/v1/traces"
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter(endpoint=address)))
    return provider
