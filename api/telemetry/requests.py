"""Every request under a name: an id in and out, a place in the caller's trace, a line in the log, a figure.

A line names the route, never the address: paths and queries hold ids and names of records.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable

from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trust import telemetry
from trust.telemetry import Step, Watcher

_log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_QUIET = frozenset({"/ok", "/health", "/ready", "/metrics"})
"""Asked every few seconds by machines; in the log at `debug` only, and in no trace."""
UNKNOWN_ROUTE = "none"


class RequestsMiddleware:
    """`watcher_of` gives who watches, once the service runs."""

    def __init__(self, app: ASGIApp, watcher_of: Callable[[], Watcher | None]) -> None:
        self.app = app
        self._watcher_of = watcher_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers.get("x-request-id"))
        is_quiet = scope["path"] in _QUIET
        method = scope["method"] if scope["method"] in _METHODS else telemetry.NAMELESS
        with (
            telemetry.watched_by(_silenced(self._watcher_of()) if is_quiet else self._watcher_of()),
            telemetry.about(anew=True, request_id=request_id),
            telemetry.step(
                "http",
                {telemetry.METHOD: method, telemetry.REQUEST_ID: request_id},
                title=method,
                kind=SpanKind.SERVER,
                parent=_parent(headers),
            ) as step,
        ):
            await self._serve(scope, receive, send, request_id, method, step)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, request_id: str, method: str, step: Step
    ) -> None:
        started = time.perf_counter()
        status, first_byte = 0, 0.0

        async def carry(message: Message) -> None:
            nonlocal status, first_byte
            if message["type"] == "http.response.start":
                status, first_byte = message["status"], time.perf_counter() - started
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self.app(scope, receive, carry)
        finally:
            route = _route_of(scope)
            step.note({telemetry.ROUTE: route, telemetry.HTTP_STATUS: status, telemetry.WAITED: first_byte})
            if step.span is not None:
                step.span.update_name(f"{method} {route}")
            if status >= 500:
                step.fail(str(status))
            level = logging.DEBUG if scope["path"] in _QUIET else logging.INFO
            ms = round((time.perf_counter() - started) * 1000, 1)
            fields = {"method": method, "route": route, "status": status, "ms": ms}
            _log.log(level, "request", extra={"fields": fields})


def _request_id(given: str | None) -> str:
    """The caller's own, if it is one and no text; otherwise a new one."""
    return given if given is not None and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _parent(headers: Headers) -> str:
    """The caller's place in a trace, if it names one. What vendors and callers add to it is not taken over."""
    given = headers.get("traceparent", "")
    return given if telemetry.read_traceparent(given) is not None else ""


def _silenced(watcher: Watcher | None) -> Watcher | None:
    return None if watcher is None else Watcher(listener=watcher.listener)


def _route_of(scope: Scope) -> str:
    """The route's pattern: there are as many as the service declares."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else UNKNOWN_ROUTE
