"""Signing in and out with a browser, and looking after sessions: one's own, and as an administrator other people's."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from api.callers import Entrance, EntranceOf, PersonEntranceOf, ServiceOf, UserAdminOf
from api.errors import problems
from api.routes.service import LoginBody
from api.sessions import SignedIn
from api.wiring import Service
from crm.fields import to_json
from crm.repositories.access import find_tenant_name
from crm.sign_in import SignInSession
from trust import sessions

router = APIRouter(tags=["sign-in"])
development = APIRouter(tags=["development"])

SessionId = Annotated[str, Path(max_length=36)]
PersonId = Annotated[str, Path(max_length=18)]


class PersonWire(BaseModel):
    """Who came in."""

    id: str
    name: str
    title: str


class OrganisationWire(BaseModel):
    """Whose service it is to them."""

    id: str
    name: str


class SessionWire(BaseModel):
    """A browser that somebody is signed in with."""

    session_id: str
    provider: str = Field(description="Who vouched for the person: an identity provider, or `development`.")
    browser: str = Field(description="What the browser called itself then; any text at all.")
    created_at: str
    seen_at: str = Field(description="To within a minute.")
    expires_at: str = Field(description="When it ends however much it is used.")
    is_current: bool = Field(description="Whether this request came with it.")


class SelfWire(BaseModel):
    """Who the caller is, and what their browser needs to know."""

    person: PersonWire
    organisation: OrganisationWire
    kind: Literal["user", "contact"]
    permissions: list[str]
    scopes: list[str]
    csrf: str | None = Field(description="What a session's unsafe requests carry in `x-csrf-token`. None: by a token.")
    session: SessionWire | None


class ProviderWire(BaseModel):
    """A way to sign in."""

    provider_id: str
    label: str
    start: str = Field(description="Where a browser goes to begin, with `return_to` as it likes.")


class ProvidersWire(BaseModel):
    """All ways to sign in."""

    providers: list[ProviderWire]
    development: bool = Field(description="Whether anybody may sign in as any seeded person: POST /dev/sign-in.")


class EndedWire(BaseModel):
    """What was ended."""

    ended: int


@router.get("/auth/providers", responses=problems(is_open=True))
async def list_providers(service: ServiceOf) -> ProvidersWire:
    """How one can sign in here."""
    found = [
        ProviderWire(provider_id=name, label=one.config.label, start=f"/auth/oidc/{name}/start")
        for name, one in service.oidc.providers.items()
    ]
    return ProvidersWire(providers=found, development=service.settings.dev_login)


@router.get("/auth/me", responses=problems(403))
async def get_self(entrance: EntranceOf, service: ServiceOf) -> SelfWire:
    """Who the caller is, by a session or a token. What a page asks first; 401 says that nobody is signed in."""
    return await _describe(entrance, service)


@router.post("/auth/sign-out", responses=problems(403))
async def sign_out(entrance: EntranceOf, service: ServiceOf, response: Response) -> EndedWire:
    """End the session that the request came with. A token is not ended: there is nothing here to end it with."""
    if entrance.signed_in is None:
        return EndedWire(ended=0)
    principal = entrance.principal
    session_id = entrance.signed_in.session.session_id
    async with service.database.session(principal.tenant, write=True) as session:
        await sessions.end(session, principal.id, session_id, by=principal.id, at=service.runner.clock())
    service.sessions.forget(response)
    return EndedWire(ended=1)


@router.get("/auth/sessions", responses=problems(403))
async def list_sessions(entrance: PersonEntranceOf, service: ServiceOf) -> list[SessionWire]:
    """The caller's own sessions, last used first."""
    return await _list(service, entrance, entrance.principal.id)


@router.delete("/auth/sessions", responses=problems(403))
async def end_other_sessions(entrance: PersonEntranceOf, service: ServiceOf) -> EndedWire:
    """End all of the caller's sessions but the one that the request came with."""
    return await _end_all(service, entrance, entrance.principal.id)


@router.delete("/auth/sessions/{session_id}", responses=problems(403, 404))
async def end_session(session_id: SessionId, entrance: PersonEntranceOf, service: ServiceOf) -> EndedWire:
    """End one of the caller's own sessions. It counts from the next request on, at every process."""
    return await _end(service, entrance, entrance.principal.id, session_id)


@router.get("/admin/people/{person_id}/sessions", responses=problems(403, 404))
async def list_sessions_of(
    person_id: PersonId, _: UserAdminOf, entrance: PersonEntranceOf, service: ServiceOf
) -> list[SessionWire]:
    """The sessions of a person of the caller's own organisation; nobody else has any."""
    return await _list(service, entrance, person_id)


@router.delete("/admin/people/{person_id}/sessions", responses=problems(403, 404))
async def end_sessions_of(
    person_id: PersonId, _: UserAdminOf, entrance: PersonEntranceOf, service: ServiceOf
) -> EndedWire:
    """Sign a person out everywhere. They may sign in again; who must not is deactivated."""
    return await _end_all(service, entrance, person_id)


@router.delete("/admin/people/{person_id}/sessions/{session_id}", responses=problems(403, 404))
async def end_session_of(
    person_id: PersonId, session_id: SessionId, _: UserAdminOf, entrance: PersonEntranceOf, service: ServiceOf
) -> EndedWire:
    """End one session of a person."""
    return await _end(service, entrance, person_id, session_id)


@development.post("/dev/sign-in", responses=problems(403))
async def sign_in_for_development(
    body: LoginBody, request: Request, response: Response, service: ServiceOf
) -> SelfWire:
    """Sign a browser in as a seeded person. Exists in development only; the answer is that of `GET /auth/me`."""
    service.sessions.require_own_page(request)
    principal = await service.authenticator.find_for_development(body.username, body.tenant)
    signed_in = await service.sessions.begin(principal, request, response, provider="development")
    return await _describe(Entrance(principal, signed_in), service)


async def _describe(entrance: Entrance, service: Service) -> SelfWire:
    principal, signed_in = entrance.principal, entrance.signed_in
    async with service.database.session(principal.tenant) as session:
        name = await find_tenant_name(session)
    return SelfWire(
        person=PersonWire(id=principal.id, name=principal.access.display_name, title=principal.access.title),
        organisation=OrganisationWire(id=principal.tenant, name=name),
        kind="contact" if principal.is_customer else "user",
        permissions=sorted(principal.access.permissions),
        scopes=sorted(principal.scopes),
        csrf=None if signed_in is None else signed_in.csrf,
        session=None if signed_in is None else _wire(signed_in.session, signed_in),
    )


async def _list(service: Service, entrance: Entrance, member_id: str) -> list[SessionWire]:
    now, lifetimes = service.runner.clock(), service.sessions.lifetimes
    async with service.database.session(entrance.principal.tenant) as session:
        found = await sessions.list_alive(session, member_id, at=now, lifetimes=lifetimes)
    return [_wire(one, entrance.signed_in) for one in found]


async def _end(service: Service, entrance: Entrance, member_id: str, session_id: str) -> EndedWire:
    principal = entrance.principal
    async with service.database.session(principal.tenant, write=True) as session:
        await sessions.end(session, member_id, session_id, by=principal.id, at=service.runner.clock())
    return EndedWire(ended=1)


async def _end_all(service: Service, entrance: Entrance, member_id: str) -> EndedWire:
    principal, signed_in = entrance.principal, entrance.signed_in
    but = None if signed_in is None else signed_in.session.session_id
    async with service.database.session(principal.tenant, write=True) as session:
        count = await sessions.end_all(session, member_id, by=principal.id, at=service.runner.clock(), but=but)
    return EndedWire(ended=count)


def _wire(row: SignInSession, signed_in: SignedIn | None) -> SessionWire:
    return SessionWire(
        session_id=row.session_id,
        provider=row.provider,
        browser=row.browser,
        created_at=to_json(row.created_at),
        seen_at=to_json(row.seen_at),
        expires_at=to_json(row.expires_at),
        is_current=signed_in is not None and signed_in.session.session_id == row.session_id,
    )
