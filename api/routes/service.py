"""The caller's own view of themselves, and the service's of itself."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.callers import PrincipalOf, ServiceOf
from api.errors import problem, problems
from api.wire import Body
from crm.access import Operation
from crm.database import DatabaseNotReadyError
from crm.schema import OBJECT_INFO

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


@router.get("/info")
async def get_info() -> dict[str, Any]:
    """What clients of the LangGraph protocol ask before anything else."""
    return {
        "version": "0.1.0",
        "flags": {"assistants": True, "crons": False, "langsmith": False, "strict_resume": True},
    }


@router.get("/ok")
async def get_ok() -> dict[str, bool]:
    return {"ok": True}


@router.get("/health")
async def get_health() -> dict[str, str]:
    """Whether the process lives."""
    return {"status": "ok"}


@router.get("/ready", responses={503: problems(503)[503]})
async def get_ready(service: ServiceOf) -> JSONResponse:
    """Whether the process can work: the database is there, migrated, and walled."""
    try:
        await service.database.check()
    except DatabaseNotReadyError:
        return problem(503, "not-ready", "the database is not ready; `countersign doctor` says why")
    except OSError:
        return problem(503, "not-ready", "the database cannot be reached")
    return JSONResponse({"status": "ready"})


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
