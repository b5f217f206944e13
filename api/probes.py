"""What a worker answers: signs of life and figures. It takes no requests; its work comes from the queue."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from api.envelope import EnvelopeMiddleware
from api.errors import register_errors
from api.routes import metrics, service
from api.settings import Settings
from api.telemetry.requests import RequestsMiddleware
from api.telemetry.wiring import VERSION
from api.wiring import open_service

ANSWERED = frozenset({"/ok", "/health", "/ready", "/metrics"})


def build_worker(settings: Settings, **parts: Any) -> FastAPI:
    """The service without its interface; `parts` are handed to `open_service` in place of the usual ones."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_service(settings, **parts) as app.state.service:
            yield

    app = FastAPI(
        title="Countersign worker",
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(EnvelopeMiddleware)
    app.add_middleware(RequestsMiddleware, watcher_of=lambda: None)
    register_errors(app)
    for route in (*service.router.routes, *metrics.router.routes):
        if getattr(route, "path", None) in ANSWERED:
            app.router.routes.append(route)
    return app
