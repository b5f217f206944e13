"""What every route depends on: the running service, and the principal behind the request."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from api.auth import AuthError
from api.errors import ForbiddenError
from api.wiring import Service
from trust.principal import Principal

_bearer = HTTPBearer(auto_error=False, description="A token of the configured issuer.")
_key_header = APIKeyHeader(name="x-api-key", auto_error=False, description="The same token, where clients send keys.")


def get_service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceOf = Annotated[Service, Depends(get_service)]


async def get_principal(
    service: ServiceOf,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    key: Annotated[str | None, Depends(_key_header)],
) -> Principal:
    """Raises: AuthError."""
    token = bearer.credentials if bearer is not None else key
    if not token:
        raise AuthError("send a token: Authorization: Bearer <token>, or x-api-key")
    return await service.authenticator.authenticate(token)


PrincipalOf = Annotated[Principal, Depends(get_principal)]


def require_permission(principal: Principal, permission: str, scope: str) -> None:
    """Raises: ForbiddenError."""
    if permission not in principal.access.permissions:
        raise ForbiddenError(f"this needs the permission {permission!r}")
    if scope not in principal.scopes:
        raise ForbiddenError(f"this needs a token with scope {scope!r}")
