"""Traces, metrics and logs of a process: what listens to `trust.telemetry`, and where it puts it."""
