"""The HTTP application: routes, errors, what clients in a browser may read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from api.envelope import EnvelopeMiddleware
from api.errors import Problem, register_errors
from api.intake import IntakeMiddleware
from api.pages import PagePolicyMiddleware
from api.routes import (
    a2a,
    ag_ui,
    api_keys,
    approval_batches,
    approvals,
    assistants,
    audit,
    charts,
    completions,
    console,
    conversations,
    crons,
    delegations,
    erasure,
    evaluations,
    feedback,
    gateway,
    inbox,
    landing_pages,
    ledger,
    mcp,
    mcp_servers,
    measuring,
    metrics,
    names,
    oidc,
    operations,
    outbox,
    people,
    policy,
    preapprovals,
    reach,
    records,
    rights,
    runs,
    scim,
    service,
    sign_in,
    simulation,
    slack,
    stateless,
    switches,
    thread_streams,
    threads,
    triggers,
    webhooks,
)
from api.scim import ScimErrorsMiddleware
from api.settings import Settings
from api.telemetry.requests import RequestsMiddleware
from api.telemetry.wiring import VERSION
from api.wiring import Service, open_service
from trust.telemetry import Watcher

_EXPOSED = ["Content-Location", "Location", "X-Request-Id", "X-Pagination-Total", "X-Pagination-Next"]
_TAKEN = [
    "authorization",
    "content-type",
    "last-event-id",
    "traceparent",
    "x-api-key",
    "x-auth-scheme",
    "x-request-id",
]


ROUTES = (
    service,
    sign_in,
    oidc,
    api_keys,
    people,
    scim,
    assistants,
    threads,
    thread_streams,
    runs,
    conversations,
    charts,
    measuring,
    crons,
    stateless,
    completions,
    a2a,
    ag_ui,
    triggers,
    approval_batches,
    approvals,
    inbox,
    webhooks,
    slack,
    delegations,
    outbox,
    names,
    records,
    landing_pages,
    ledger,
    audit,
    feedback,
    policy,
    preapprovals,
    simulation,
    reach,
    rights,
    gateway,
    operations,
    switches,
    erasure,
    evaluations,
    metrics,
    console,
    mcp,
    mcp_servers,
)


def build_app(settings: Settings, **parts: Any) -> FastAPI:
    """The application; `parts` are handed to `open_service` in place of the usual ones."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_service(settings, **parts) as app.state.service:
            yield

    app = FastAPI(
        title="Countersign",
        version=VERSION,
        description="A CRM copilot whose every write waits until a person countersigns the exact change.",
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
        # The pages for trying things out run scripts from elsewhere, on the service's own address.
        docs_url="/docs" if settings.mode == "development" else None,
        redoc_url=None,
        # A redirect is built from the Host header and may send a token to another place, or in the clear.
        redirect_slashes=False,
    )
    app.add_middleware(IntakeMiddleware)
    app.add_middleware(EnvelopeMiddleware)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=_TAKEN,
            expose_headers=_EXPOSED,
        )
    app.add_middleware(ScimErrorsMiddleware)
    app.add_middleware(PagePolicyMiddleware, docs_path=app.docs_url)
    app.add_middleware(RequestsMiddleware, watcher_of=lambda: _watcher_of(app))
    register_errors(app)
    for part in ROUTES:
        app.include_router(part.router)
    if settings.dev_login:
        app.include_router(service.development)
        app.include_router(sign_in.development)
    _describe_problems(app)
    return app


def _watcher_of(app: FastAPI) -> Watcher | None:
    """Who watches; nobody before the service has started."""
    service = getattr(app.state, "service", None)
    return service.telemetry.watcher if isinstance(service, Service) else None


def _describe_problems(app: FastAPI) -> None:
    """Put the shape of problem details into the OpenAPI document, where the routes' responses point to it."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas["Problem"] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign] # the way FastAPI documents
