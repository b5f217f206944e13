"""What every route depends on: the running service, and the principal behind the request.

A route says in its signature which callers it serves. `PrincipalOf` is anybody with a valid token, which is right only
where nothing of the tenant's is shown; the others need a scope besides.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from api.auth import AuthError
from api.errors import ForbiddenError
from api.sessions import COOKIE, SignedIn
from api.wiring import Service
from trust import telemetry
from trust.credentials import is_key
from trust.principal import Principal
from trust.scopes import APPROVALS_DECIDE, AUDIT_READ, CRM_READ, DATA_ERASE, GATEWAY_MANAGE, POLICY_MANAGE, USERS_MANAGE

_bearer = HTTPBearer(auto_error=False, description="A token of the configured issuer, or a key.")
_key_header = APIKeyHeader(name="x-api-key", auto_error=False, description="A key or token, where clients send keys.")
_cookie = APIKeyCookie(
    name=COOKIE,
    auto_error=False,
    description="A browser's session. What may change something carries its token in `x-csrf-token` besides.",
)


def get_service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceOf = Annotated[Service, Depends(get_service)]


@dataclass(frozen=True)
class Entrance:
    """Who came in, and how."""

    principal: Principal
    signed_in: SignedIn | None
    """None: by a token."""
    is_program: bool = False
    """Whether a key opened it, with which a program acts, and nobody who could answer for it."""


async def get_entrance(
    request: Request,
    service: ServiceOf,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    key: Annotated[str | None, Depends(_key_header)],
    _: Annotated[str | None, Depends(_cookie)],
) -> Entrance:
    """By the token that was sent, good or bad; by the session only where none was.

    Raises: AuthError, KeySetError, CrossSiteError.
    """
    token = bearer.credentials if bearer is not None else key
    shows_token = "authorization" in request.headers or "x-api-key" in request.headers
    signed_in = None if shows_token else await service.sessions.authenticate(request)
    if signed_in is not None:
        entrance = Entrance(signed_in.principal, signed_in)
    elif token:
        entrance = Entrance(await service.authenticator.authenticate(token), None, is_program=is_key(token))
    else:
        raise AuthError("send a token: Authorization: Bearer <token>, or x-api-key")
    telemetry.remember(tenant=entrance.principal.tenant)
    return entrance


EntranceOf = Annotated[Entrance, Depends(get_entrance)]


async def get_person_entrance(entrance: EntranceOf) -> Entrance:
    """Raises: ForbiddenError."""
    if entrance.is_program:
        raise ForbiddenError("a key cannot do this; a person has to")
    return entrance


PersonEntranceOf = Annotated[Entrance, Depends(get_person_entrance)]
"""For what says who comes in, or who else decides in whose name: no key opens it, whatever its scopes."""


async def get_principal(entrance: EntranceOf) -> Principal:
    return entrance.principal


PrincipalOf = Annotated[Principal, Depends(get_principal)]


def is_auditor(principal: Principal) -> bool:
    """Whether the whole ledger is open to this caller."""
    return AUDIT_READ in principal.scopes and "read_audit" in principal.access.permissions


def with_scope(
    *scopes: str, permission: str | None = None, staff: bool = False
) -> Callable[[Principal], Awaitable[Principal]]:
    """A dependency that lets a principal pass whose token has one of the scopes, and who has the permission."""

    async def check(principal: PrincipalOf) -> Principal:
        """Raises: ForbiddenError."""
        if staff and principal.is_customer:
            raise ForbiddenError("this is for staff only")
        if permission is not None and permission not in principal.access.permissions:
            raise ForbiddenError(f"this needs the permission {permission!r}")
        if principal.scopes.isdisjoint(scopes):
            raise ForbiddenError(f"this needs a token with scope {' or '.join(map(repr, scopes))}")
        return principal

    return check


ReaderOf = Annotated[Principal, Depends(with_scope(CRM_READ))]
"""For records, and for conversations: they show what was read from the records, maybe with another token."""

StaffReaderOf = Annotated[Principal, Depends(with_scope(CRM_READ, staff=True))]
"""For what is worked out over many records: the company's business, and no customer's."""

ApproverOf = Annotated[Principal, Depends(with_scope(APPROVALS_DECIDE, CRM_READ))]
"""For held actions. Reading is enough to look at them and to recall one's own; deciding is checked where it is done."""

GatewayKeeperOf = Annotated[Principal, Depends(with_scope(GATEWAY_MANAGE, permission="manage_policy"))]
"""For what leaves the house."""

AuditorOf = Annotated[Principal, Depends(with_scope(AUDIT_READ, permission="read_audit"))]
"""For ledger and audit."""

DelegatorOf = Annotated[Principal, Depends(with_scope(APPROVALS_DECIDE, POLICY_MANAGE, staff=True))]
"""For delegations. Which scope is needed depends on whose they are, and is checked where that is known."""

LedgerReaderOf = Annotated[Principal, Depends(with_scope(CRM_READ, AUDIT_READ))]
"""For single entries of the ledger and what came of a run: whose they are is asked of each."""

UndoerOf = Annotated[Principal, Depends(with_scope(APPROVALS_DECIDE))]
"""For taking back what was written; the guards ask for the rest."""

PolicyAdminOf = Annotated[Principal, Depends(with_scope(POLICY_MANAGE, permission="manage_policy"))]
"""For the policy: looking at it, asking what it says of whom, changing it."""

UserAdminOf = Annotated[Principal, Depends(with_scope(USERS_MANAGE, permission="manage_users", staff=True))]
"""For who comes in: people's sessions, keys of programs, groups."""


async def get_rights_reader(principal: PrincipalOf) -> Principal:
    """Raises: ForbiddenError."""
    doors = {USERS_MANAGE: "manage_users", POLICY_MANAGE: "manage_policy"}
    open_to = [scope for scope, permission in doors.items() if permission in principal.access.permissions]
    if principal.is_customer or not open_to:
        raise ForbiddenError(f"this needs the permission {' or '.join(map(repr, doors.values()))}")
    if principal.scopes.isdisjoint(open_to):
        raise ForbiddenError(f"this needs a token with scope {' or '.join(map(repr, open_to))}")
    return principal


RightsReaderOf = Annotated[Principal, Depends(get_rights_reader)]
"""For who there is and what they may do: looked at by those who manage users, and by those who manage the policy."""

EraserOf = Annotated[Principal, Depends(with_scope(DATA_ERASE, permission="erase_data"))]
"""For erasing, and for how long things are kept."""
