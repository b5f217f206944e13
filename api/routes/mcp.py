"""MCP over HTTP: the endpoint, and where clients learn whose tokens it takes."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.routing import Route

from api.callers import ServiceOf
from api.errors import problems
from api.mcp.endpoint import METADATA_PATH, PATH, McpEndpoint, resource_of
from trust.scopes import ALL_SCOPES

router = APIRouter(tags=["mcp"])
router.routes.append(Route(PATH, McpEndpoint(), name="mcp", include_in_schema=False))


class ProtectedResource(BaseModel):
    """Protected resource metadata as RFC 9728 defines it."""

    resource: str
    authorization_servers: list[str] = Field(description="Empty where the issuer of tokens is no address.")
    scopes_supported: list[str]
    bearer_methods_supported: list[str]
    resource_name: str


@router.get(METADATA_PATH, responses=problems(is_open=True))
@router.get(METADATA_PATH + PATH, responses=problems(is_open=True), include_in_schema=False)
async def get_protected_resource(request: Request, service: ServiceOf) -> ProtectedResource:
    """Which tokens `/mcp` takes, and who issues them."""
    issuer = service.settings.token_issuer
    return ProtectedResource(
        resource=resource_of(request, service.settings),
        authorization_servers=[issuer] if issuer.startswith(("https://", "http://")) else [],
        scopes_supported=sorted(ALL_SCOPES),
        bearer_methods_supported=["header"],
        resource_name="Countersign",
    )
