"""Servers of others over HTTP: named by administrators, looked at, and each tool declared before it is used."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, SecretStr

from api.callers import EntranceOf, PolicyAdminOf, ServiceOf
from api.errors import ForbiddenError, InputError, problems
from api.outward import AddressError
from api.wire import Body
from crm.fields import to_json
from crm.foreign import ForeignServer, ForeignTool
from crm.repositories import foreign as rows
from tools._foreign_schema import SchemaError, plain_schema
from trust import foreign
from trust.foreign import Declaration, full_name

router = APIRouter(tags=["mcp"])


class ServerBody(Body):
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,15}$", description="Of the server and of its agent.")]
    url: Annotated[str, Field(min_length=1, max_length=2_000)]
    label: Annotated[str, Field(min_length=1, max_length=60)]
    words: Annotated[
        list[Annotated[str, Field(min_length=2, max_length=40)]],
        Field(min_length=1, max_length=20, description="By which people mean it: they lead to its agent."),
    ]
    token: SecretStr | None = Field(default=None, max_length=4_000, description="Sent to it as a bearer token.")


class ServerPatch(Body):
    enabled: bool


class ServerWire(BaseModel):
    server_id: str
    name: str
    url: str
    label: str
    words: list[str]
    has_token: bool
    enabled: bool
    created_by: str
    created_at: str


class Described(BaseModel):
    """A tool in the words of its server: text from outside."""

    description: str
    parameters: dict[str, Any]


class ToolWire(BaseModel):
    """`reviewed` is what counts, `found` what the server says now. Only a tool that is `ready` is used."""

    tool: str
    full_name: str = Field(description="What it is called here.")
    state: Literal["undeclared", "ready", "changed", "gone"]
    reviewed: Described | None
    found: Described | None
    digest: str | None = Field(description="Of what was found: a review has to name it.")
    effect: Literal["READ", "WRITE"] | None
    scope: str | None
    integrity: Literal["external", "crm_verified"] | None
    description: str | None
    reviewed_by: str | None
    reviewed_at: str | None
    found_at: str


class ReviewBody(Body):
    """What is declared of a tool as it is described now. What changes anything is a WRITE, whatever it claims."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    effect: Literal["READ", "WRITE"]
    scope: Literal["crm:read", "crm:write"]
    integrity: Literal["external", "crm_verified"] = Field(
        default="external",
        description="Of its answers. crm_verified: only people of your organisation write where it reads, and what it "
        "answers counts as entered by them; it reaches models in clear and is evidence.",
    )
    description: Annotated[
        str, Field(min_length=1, max_length=2_000, description="What models are told of it: your words.")
    ]


def server_wire(server: ForeignServer) -> ServerWire:
    return ServerWire(
        server_id=server.server_id,
        name=server.name,
        url=server.url,
        label=server.label,
        words=server.handles,
        has_token=server.sealed_token is not None,
        enabled=server.is_enabled,
        created_by=server.created_by,
        created_at=to_json(server.created_at),
    )


def tool_wire(server: ForeignServer, tool: ForeignTool) -> ToolWire:
    return ToolWire.model_validate(
        {
            "tool": tool.name,
            "full_name": full_name(server.name, tool.name),
            "state": tool.state,
            "reviewed": _described(tool.pinned),
            "found": _described(tool.found),
            "digest": tool.found_digest,
            "effect": tool.effect,
            "scope": tool.scope,
            "integrity": tool.integrity,
            "description": tool.description,
            "reviewed_by": tool.reviewed_by,
            "reviewed_at": None if tool.reviewed_at is None else to_json(tool.reviewed_at),
            "found_at": to_json(tool.found_at),
        }
    )


def _described(kept: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if kept is None else {"description": kept["description"], "parameters": kept["schema"]}


@router.get("/admin/mcp-servers", responses=problems(403))
async def list_servers(principal: PolicyAdminOf, service: ServiceOf) -> list[ServerWire]:
    """All of the tenant's, by name."""
    async with service.database.session(principal.tenant) as session:
        return [server_wire(one) for one in await rows.list_servers(session)]


@router.post("/admin/mcp-servers", responses=problems(403))
async def register_server(body: ServerBody, principal: PolicyAdminOf, service: ServiceOf) -> ServerWire:
    """Name a server. Nothing of it is used before its tools were looked at and declared."""
    try:
        service.foreign.outward.check(body.url)
    except AddressError as error:
        raise InputError("url", str(error)) from None
    desk = service.runner.desk
    async with service.database.session(principal.tenant, write=True) as session:
        server = await foreign.register(
            session,
            body.name,
            body.url,
            principal,
            label=body.label,
            handles=body.words,
            token=None if body.token is None else body.token.get_secret_value(),
            taken=frozenset({*desk.roster, *service.runner.graphs.assistants}),
            at=service.runner.clock(),
        )
        return server_wire(server)


@router.patch("/admin/mcp-servers/{server_id}", responses=problems(403, 404))
async def enable_server(
    server_id: uuid.UUID, body: ServerPatch, principal: PolicyAdminOf, service: ServiceOf
) -> ServerWire:
    """Switch it off or on."""
    at = service.runner.clock()
    async with service.database.session(principal.tenant, write=True) as session:
        found = await foreign.enable(session, str(server_id), principal, is_enabled=body.enabled, at=at)
        return server_wire(found)


@router.delete("/admin/mcp-servers/{server_id}", status_code=204, responses=problems(403, 404))
async def remove_server(server_id: uuid.UUID, principal: PolicyAdminOf, service: ServiceOf) -> None:
    """Forget it, with all that was declared of its tools."""
    async with service.database.session(principal.tenant, write=True) as session:
        await foreign.remove(session, str(server_id), principal, at=service.runner.clock())


@router.post("/admin/mcp-servers/{server_id}/refresh", responses=problems(403, 404, 502))
async def refresh_server(server_id: uuid.UUID, principal: PolicyAdminOf, service: ServiceOf) -> list[ToolWire]:
    """Ask the server what it offers. What differs from what was reviewed is out of use from now on."""
    async with service.database.session(principal.tenant) as session:
        server = await foreign.get(session, str(server_id))
        token = await foreign.open_token(session, server)
    offers = await service.foreign.list_offers(server, token)
    async with service.database.session(principal.tenant, write=True) as session:
        server = await foreign.get(session, str(server_id))
        tools = await foreign.take_in(session, server, offers, by=principal.id, at=service.runner.clock())
        return [tool_wire(server, one) for one in tools]


@router.get("/admin/mcp-servers/{server_id}/tools", responses=problems(403, 404))
async def list_foreign_tools(server_id: uuid.UUID, principal: PolicyAdminOf, service: ServiceOf) -> list[ToolWire]:
    """What was reviewed beside what was found last."""
    async with service.database.session(principal.tenant) as session:
        server = await foreign.get(session, str(server_id))
        return [tool_wire(server, one) for one in await rows.list_tools(session, str(server_id))]


@router.post("/admin/mcp-servers/{server_id}/tools/{tool}/review", responses=problems(403, 404, 409))
async def review_tool(
    server_id: uuid.UUID,
    tool: str,
    body: ReviewBody,
    principal: PolicyAdminOf,
    entrance: EntranceOf,
    service: ServiceOf,
) -> ToolWire:
    """Take a tool as it was found, with what you declare of it. What was found meanwhile is refused.

    That its answers are `crm_verified` is for a person to say: no key does.
    """
    if body.integrity != "external" and entrance.is_program:
        raise ForbiddenError("a key cannot vouch for what somebody else's server answers; a person has to")
    if body.effect == "WRITE" and body.scope != "crm:write":
        raise InputError("scope", "expected crm:write for a tool that changes something")
    declared = Declaration(body.effect, body.scope, body.description, body.integrity)
    async with service.database.session(principal.tenant, write=True) as session:
        server = await foreign.get(session, str(server_id))
        at = service.runner.clock()
        found = await foreign.review(session, str(server_id), tool, declared, principal, digest=body.digest, at=at)
        try:
            plain_schema((found.pinned or {}).get("schema"))
        except SchemaError as error:
            raise InputError("digest", f"the tool's schema cannot be used: {error}") from None
        return tool_wire(server, found)
