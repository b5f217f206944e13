"""Foreign servers as administrators manage them: named, looked at, and each tool declared before it is used.

A tool is what it was when somebody looked: its description and schema are kept with their digest, and whatever differs
from them puts it out of use until somebody has looked again. What the server claims of itself declares nothing.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from crm.database import TenantSession
from crm.foreign import ForeignServer, ForeignTool
from crm.repositories import foreign as rows
from trust import audit, keys
from trust.digests import digest_of
from trust.principal import Principal

MOST_SERVERS: Final = 20
MOST_TOOLS: Final = 100
SERVER_NAME: Final = re.compile(r"[a-z][a-z0-9]{1,15}")
_TOOL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")


class ForeignServerNotFoundError(Exception):
    """The tenant has no such server, or the server no such tool."""


class ForeignServerError(Exception):
    """It cannot be done; `field` is the place in the request."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class ForeignToolChangedError(Exception):
    """What was reviewed is not what the server says now."""


@dataclass(frozen=True)
class Offer:
    """A tool as its server describes it."""

    name: str
    description: str
    schema: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {"description": self.description, "schema": dict(self.schema)}

    @property
    def digest(self) -> str:
        return digest_of([self.name, self.description, dict(self.schema)])


@dataclass(frozen=True)
class Declaration:
    """What an administrator says of a tool. Nothing has a default that lets more happen."""

    effect: Literal["READ", "WRITE"]
    scope: Literal["crm:read", "crm:write"]
    description: str
    integrity: Literal["external", "crm_verified"] = "external"
    """Of its answers: an outsider's text, or that of a system in which only people of the tenant write."""


async def register(
    session: TenantSession,
    name: str,
    url: str,
    principal: Principal,
    *,
    label: str,
    handles: Sequence[str],
    token: str | None,
    taken: frozenset[str],
    at: datetime,
) -> ForeignServer:
    """`taken`: names of agents and others that it must not pass for. Raises: ForeignServerError."""
    if not SERVER_NAME.fullmatch(name):
        raise ForeignServerError("name", "expected 2 to 16 lower-case letters and digits, a letter first")
    standing = await rows.list_servers(session)
    if name in taken or any(one.name == name for one in standing):
        raise ForeignServerError("name", f"{name!r} is taken")
    if len(standing) >= MOST_SERVERS:
        raise ForeignServerError("name", f"a tenant has at most {MOST_SERVERS} servers")
    server_id = str(uuid.uuid4())
    sealed = None
    if token is not None:
        sealed = (await keys.get_tenant_key(session)).seal(token.encode(), "foreign_server", server_id)
    server = ForeignServer(
        server_id=server_id,
        name=name,
        label=label,
        handles=list(handles),
        url=url,
        sealed_token=sealed,
        is_enabled=True,
        created_by=principal.id,
        created_at=at,
    )
    await rows.add(session, server)
    await _note(session, "foreign.registered", principal.id, server, {"url": url}, at=at)
    return server


async def enable(
    session: TenantSession, server_id: str, principal: Principal, *, is_enabled: bool, at: datetime
) -> ForeignServer:
    """Raises: ForeignServerNotFoundError."""
    server = await get(session, server_id)
    server.is_enabled = is_enabled
    await session.flush()
    await _note(session, "foreign.enabled" if is_enabled else "foreign.disabled", principal.id, server, {}, at=at)
    return server


async def remove(session: TenantSession, server_id: str, principal: Principal, *, at: datetime) -> None:
    """Raises: ForeignServerNotFoundError."""
    server = await get(session, server_id)
    await rows.remove(session, server_id)
    await _note(session, "foreign.removed", principal.id, server, {}, at=at)


async def get(session: TenantSession, server_id: str) -> ForeignServer:
    """Raises: ForeignServerNotFoundError."""
    server = await rows.find_server(session, server_id)
    if server is None:
        raise ForeignServerNotFoundError(f"no server {server_id!r}")
    return server


async def take_in(
    session: TenantSession, server: ForeignServer, offers: Sequence[Offer], *, by: str, at: datetime
) -> list[ForeignTool]:
    """Note what the server offers now. What nobody has reviewed in this form is not used.

    Names that could pass for others, or that two tools would share here, are left out.
    """
    standing = {one.name: one for one in await rows.list_tools(session, server.server_id)}
    usable = {one.name: one for one in offers[:MOST_TOOLS] if _TOOL_NAME.fullmatch(one.name)}
    shared = [full_name(server.name, one) for one in usable]
    usable = {name: one for name, one in usable.items() if shared.count(full_name(server.name, name)) == 1}
    for name, offer in usable.items():
        if name not in standing:
            row = ForeignTool(server_id=server.server_id, name=name, found_at=at)
            row.found, row.found_digest = offer.to_json(), offer.digest
            await rows.add(session, row)
    for name, tool in standing.items():
        before, said = tool.state, usable.get(name)
        tool.found, tool.found_at = None if said is None else said.to_json(), at
        tool.found_digest = None if said is None else said.digest
        if before == "ready" and tool.state != "ready":
            await _note(session, "foreign.changed", by, server, {"tool": name, "state": tool.state}, at=at)
    await session.flush()
    return await rows.list_tools(session, server.server_id)


async def review(
    session: TenantSession,
    server_id: str,
    name: str,
    declared: Declaration,
    principal: Principal,
    *,
    digest: str,
    at: datetime,
) -> ForeignTool:
    """Take a tool as it is described now, with what is declared of it. `digest` is that of what was looked at.

    Raises: ForeignServerNotFoundError, ForeignToolChangedError.
    """
    server = await get(session, server_id)
    tool = await rows.find_tool(session, server_id, name)
    if tool is None or tool.found is None:
        raise ForeignServerNotFoundError(f"the server offers no tool {name!r}")
    if tool.found_digest != digest:
        raise ForeignToolChangedError("the tool is described in another way by now: look at it again")
    tool.pinned, tool.pinned_digest = tool.found, tool.found_digest
    tool.effect, tool.scope, tool.description = declared.effect, declared.scope, declared.description
    tool.integrity = declared.integrity
    tool.reviewed_by, tool.reviewed_at = principal.id, at
    await session.flush()
    said = {"effect": declared.effect, "scope": declared.scope, "integrity": declared.integrity}
    payload = {"tool": name, "digest": digest, **said}
    await _note(session, "foreign.reviewed", principal.id, server, payload, at=at)
    return tool


async def open_token(session: TenantSession, server: ForeignServer) -> str | None:
    """Raises: ErasedError, SealError."""
    if server.sealed_token is None:
        return None
    key = await keys.get_tenant_key(session)
    return key.open(server.sealed_token, "foreign_server", server.server_id).decode()


def full_name(server: str, tool: str) -> str:
    """What a foreign tool is called here. No tool of the catalogue has two underscores in its name."""
    return f"{server}__{re.sub(r'[^a-z0-9]+', '_', tool.lower()).strip('_')}"


async def list_full_names(session: TenantSession) -> set[str]:
    """What the tenant's foreign tools are called here, those that may not be used among them."""
    servers = {one.server_id: one.name for one in await rows.list_servers(session)}
    return {full_name(servers[one.server_id], one.name) for one in await rows.list_tools(session)} if servers else set()


async def _note(
    session: TenantSession, kind: str, actor: str, server: ForeignServer, payload: dict[str, Any], *, at: datetime
) -> None:
    more = {"name": server.name} | payload
    await audit.record(session, at=at, kind=kind, actor=actor, subject=server.server_id, payload=more)
