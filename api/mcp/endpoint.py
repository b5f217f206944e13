"""`/mcp`: who is let in, before a word of the protocol is read.

A browser page of somebody else's gets nowhere: `Host` has to be one that the service knows itself by, `Origin` one that
may call it, and cookies count for nothing here.
"""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.auth import AuthError, KeySetError
from api.errors import problem
from api.mcp.server import CALLER
from api.settings import Settings
from trust import telemetry
from trust.principal import Principal
from trust.scopes import CRM_READ

if TYPE_CHECKING:
    from api.wiring import Service

PATH: Final = "/mcp"
METADATA_PATH: Final = "/.well-known/oauth-protected-resource"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


class McpEndpoint:
    """The ASGI application behind the path. Holds nothing: the service is that of the application it runs in."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service: Service = scope["app"].state.service
        request = Request(scope, receive)
        refusal = await _refuse(request, service.settings)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        try:
            principal = await _authenticate(request, service)
        except AuthError as error:
            told = problem(401, "auth", str(error), headers={"WWW-Authenticate": _challenge(request, service.settings)})
            await told(scope, receive, send)
            return
        except KeySetError as error:
            await problem(503, "key-set", str(error), headers={"Retry-After": "2"})(scope, receive, send)
            return
        if CRM_READ not in principal.scopes:
            more = f'error="insufficient_scope", scope="{CRM_READ}"'
            headers = {"WWW-Authenticate": _challenge(request, service.settings, more)}
            told = problem(403, "forbidden", f"this needs a token with scope {CRM_READ!r}", headers=headers)
            await told(scope, receive, send)
            return
        await service.mcp.handle({**scope, CALLER: principal}, receive, send)


async def _refuse(request: Request, settings: Settings) -> Response | None:
    if request.method != "POST":
        detail = "send messages with POST: there are no sessions, and no stream that the service opens by itself"
        return problem(405, "method-not-allowed", detail, headers={"Allow": "POST"})
    found = await TransportSecurityMiddleware(security_of(settings)).validate_request(request, is_post=True)
    if found is None:
        return None
    kinds = {400: "content-type", 403: "origin", 421: "host"}
    expected = {
        400: "Content-Type: expected application/json",
        403: "Origin: pages of that origin may not call this service",
        421: "Host: expected a name that the service is known by (COUNTERSIGN_PUBLIC_URL, COUNTERSIGN_MCP_HOSTS)",
    }
    return problem(found.status_code, kinds[found.status_code], expected[found.status_code])


def security_of(settings: Settings) -> TransportSecuritySettings:
    """The names that the service answers to, and the origins whose pages may call it."""
    public = urlsplit(settings.public_url)
    hosts = [*_LOOPBACK, *settings.mcp_hosts, *([public.netloc] if public.netloc else [])]
    origins = [*settings.cors_origins, *([f"{public.scheme}://{public.netloc}"] if public.netloc else [])]
    if settings.mode == "development":
        origins += [f"http://{one}" for one in _LOOPBACK]
        origins += [f"http://{one}:*" for one in _LOOPBACK]
    return TransportSecuritySettings(
        allowed_hosts=[*hosts, *(f"{one}:*" for one in hosts if ":" not in one or one.endswith("]"))],
        allowed_origins=[one for one in origins if one != "*"],
    )


def resource_of(request: Request, settings: Settings) -> str:
    """The address that tokens for this service are asked for."""
    return (settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")) + PATH


def _challenge(request: Request, settings: Settings, more: str = 'error="invalid_token"') -> str:
    base = resource_of(request, settings).removesuffix(PATH)
    has_token = "authorization" in request.headers or "x-api-key" in request.headers
    told = f", {more}" if has_token else f', scope="{CRM_READ}"'
    return f'Bearer resource_metadata="{base}{METADATA_PATH}{PATH}"{told}'


async def _authenticate(request: Request, service: "Service") -> Principal:
    """By a token or a key, and never by the cookie of a session. Raises: AuthError, KeySetError."""
    kind, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer.strip() if kind.lower() == "bearer" else request.headers.get("x-api-key", "")
    if not token:
        raise AuthError("send a token: Authorization: Bearer <token>, or x-api-key")
    principal = await service.authenticator.authenticate(token)
    telemetry.remember(tenant=principal.tenant)
    return principal
