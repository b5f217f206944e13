"""The caller's own view of themselves, and the service's of itself."""

import asyncio
import logging
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.callers import PrincipalOf, ServiceOf
from api.errors import problem, problems
from api.wire import Body
from crm.access import Operation
from crm.schema import OBJECT_INFO

READY_WITHIN_S = 5.0
_log = logging.getLogger(__name__)

router = APIRouter(tags=["service"])
development = APIRouter(tags=["development"])


class Me(BaseModel):
    """Who the token stands for, and what they may do."""

    id: str
    name: str
    title: str
    tenant: str
    kind: str = Field(description="user or contact")
    scopes: list[str]
    permissions: list[str]
    objects: dict[str, list[str]] = Field(description="Kind of record -> create, read, edit, delete.")


@router.get("/me", responses=problems())
async def get_me(principal: PrincipalOf) -> Me:
    """Who the caller is to this service. Any valid token may ask, also one that may do nothing else."""
    access = principal.access
    operations: tuple[Operation, ...] = ("create", "read", "edit", "delete")
    objects = {name: [op for op in operations if access.may(op, name)] for name in OBJECT_INFO}
    return Me(
        id=principal.id,
        name=access.display_name,
        title=access.title,
        tenant=principal.tenant,
        kind="contact" if principal.is_customer else "user",
        scopes=sorted(principal.scopes),
        permissions=sorted(access.permissions),
        objects={name: allowed for name, allowed in objects.items() if allowed},
    )


class Flags(BaseModel):
    """Which parts of the LangGraph protocol there are."""

    assistants: bool = True
    crons: bool = True
    langsmith: bool = False
    strict_resume: bool = True


class Info(BaseModel):
    """The service, as clients of the LangGraph protocol know it."""

    version: str
    flags: Flags


class Ok(BaseModel):
    """The sign of life that load balancers look for."""

    ok: bool = True


class Health(BaseModel):
    """The sign of life that container platforms look for."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """The service can work."""

    status: Literal["ready"] = "ready"


@router.get("/info", responses=problems(is_open=True))
async def get_info(request: Request) -> Info:
    """What clients of the LangGraph protocol ask before anything else."""
    return Info(version=request.app.version, flags=Flags())


@router.get("/ok", responses=problems(is_open=True))
async def get_ok() -> Ok:
    """Whether the process lives, in the words of the LangGraph protocol."""
    return Ok()


@router.get("/health", responses=problems(is_open=True))
async def get_health() -> Health:
    """Whether the process lives."""
    return Health()


@router.get("/ready", response_model=Ready, responses=problems(503, is_open=True))
async def get_ready(service: ServiceOf) -> Ready | JSONResponse:
    """Whether the process can work: the database is there, migrated, and walled, and the token keys can be read."""
    try:
        service.authenticator.keys.refresh()
        async with asyncio.timeout(READY_WITHIN_S), service.ready_turn:
            await service.database.check()
    except Exception:  # whatever it is: a service that cannot tell that it is ready is not ready
        _log.warning("not ready", exc_info=True)
        return problem(503, "not-ready", "the service cannot work now; `countersign doctor` says why")
    return Ready()


class LoginBody(Body):
    username: Annotated[str, Field(min_length=1, max_length=254)]
    tenant: str | None = Field(default=None, max_length=40)


class Login(BaseModel):
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a kind, not a secret
    name: str
    tenant: str


@development.post("/dev/login", responses=problems())
async def login(body: LoginBody, service: ServiceOf) -> Login:
    """Log in as a seeded person, by user name or as a contact by e-mail address. Exists in development only."""
    token, principal = await service.authenticator.login_for_development(body.username, body.tenant)
    return Login(access_token=token, name=principal.access.display_name, tenant=principal.tenant)
