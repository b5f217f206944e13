"""Calls to servers of others, over the official SDK: looked at before each call, made once, and believed in nothing."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import mcp_types as types
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from api.mcp.faults import ForeignServerDownError
from api.mcp.foreign_transport import ForeignTransport
from api.outward import AddressError, Outward
from crm.database import Database
from crm.foreign import ForeignServer
from crm.ids import TenantId
from crm.repositories import foreign as rows
from graphs._foreign import result_of
from graphs.runner import Clock
from tools._declare import ToolFailedError
from trust import audit, foreign
from trust.actions import ForeignCall
from trust.foreign import MOST_TOOLS, ForeignServerNotFoundError, Offer
from trust.foreign_ledger import Ended
from trust.ledger import UNKNOWN

LONGEST_ANSWER: Final = 20_000
"""Characters of an answer that go on to a model."""
_LONGEST_OFFER: Final = 20_000
_MOST_PAGES: Final = 5
_log = logging.getLogger(__name__)


class _NotSentError(Exception):
    """The call was not made; the message says why."""


@dataclass(frozen=True)
class _Known:
    """Where a tool is, and what was reviewed of it."""

    server: ForeignServer
    token: str | None
    tool: str
    digest: str


@dataclass(frozen=True)
class ForeignDoor:
    """Implements `graphs._foreign.ForeignDesk`."""

    database: Database
    outward: Outward
    clock: Clock
    timeout_s: float

    def for_run(self, tenant: TenantId) -> "_Reading":
        return _Reading(self, tenant)

    async def list_offers(self, server: ForeignServer, token: str | None) -> list[Offer]:
        """What the server offers now. Raises: ForeignServerDownError."""
        try:
            async with asyncio.timeout(self.timeout_s), self._open(server.url, token) as client:
                return await _offers_of(client)
        except Exception as error:
            raise ForeignServerDownError(f"the server cannot be asked: {_reason_of(error)}") from error

    async def read(self, tenant: TenantId, server: str, tool: str, arguments: Mapping[str, Any]) -> str:
        """Raises: ToolFailedError."""
        try:
            known = await self._find(tenant, server, tool)
            async with asyncio.timeout(self.timeout_s), self._open(known.server.url, known.token) as client:
                await self._require_unchanged(client, known, tenant)
                return _text_of(await _call(client, tool, arguments))
        except Exception as error:
            raise ToolFailedError(f"{server} could not be asked: {_reason_of(error)}") from None

    async def carry_out(self, tenant: TenantId, call: ForeignCall) -> Ended:
        """What came of a call that a person has approved. From the moment it may have been sent, silence is unknown."""
        is_sent = False
        try:
            known = await self._find(tenant, call.server, call.tool)
            async with asyncio.timeout(self.timeout_s), self._open(known.server.url, known.token) as client:
                await self._require_unchanged(client, known, tenant)
                is_sent = True
                result = await _call(client, call.tool, call.arguments)
                text = _text_of(result, is_cut=True)
            if result.is_error:
                return Ended("refused", {"kind": "failed", "message": f"{call.server} says that it failed"})
            return Ended("applied", dict(result_of(call, text)))
        except Exception as error:
            if is_sent:
                return Ended("unknown", UNKNOWN)
            message = f"it was not sent to {call.server}: {_reason_of(error)}"
            return Ended("refused", {"kind": "failed", "message": message})

    async def _find(self, tenant: TenantId, server: str, tool: str) -> _Known:
        """Raises: _NotSentError."""
        async with self.database.session(tenant) as session:
            found = next((one for one in await rows.list_servers(session) if one.name == server), None)
            tools = [] if found is None else await rows.list_tools(session, found.server_id)
            row = next((one for one in tools if one.name == tool), None)
            if found is None or not found.is_enabled or row is None or row.state != "ready":
                raise _NotSentError("the tool is not in use")
            return _Known(found, await foreign.open_token(session, found), tool, row.pinned_digest or "")

    async def _require_unchanged(self, client: Client, known: _Known, tenant: TenantId) -> None:
        """The tool as the server describes it now has to be the one that was reviewed. Raises: _NotSentError."""
        offers = await _offers_of(client)
        if any(one.name == known.tool and one.digest == known.digest for one in offers):
            return
        async with self.database.session(tenant, write=True) as session:
            try:
                server = await foreign.get(session, known.server.server_id)
            except ForeignServerNotFoundError:
                raise _NotSentError("the server was taken away") from None
            await foreign.take_in(session, server, offers, by=audit.SERVICE, at=self.clock())
        raise _NotSentError("the tool is described in another way than when it was reviewed, and is out of use")

    @asynccontextmanager
    async def _open(self, url: str, token: str | None) -> AsyncIterator[Client]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(
                transport=ForeignTransport(self.outward),
                headers=headers,
                timeout=self.timeout_s,
                follow_redirects=False,
                trust_env=False,
            ) as http,
            Client(streamable_http_client(url, http_client=http), read_timeout_seconds=self.timeout_s) as client,
        ):
            yield client


@dataclass(frozen=True)
class _Reading:
    """Implements `tools._declare.ForeignServers` for one tenant."""

    door: ForeignDoor
    tenant: TenantId

    async def read(self, server: str, tool: str, arguments: Mapping[str, Any]) -> str:
        """Raises: ToolFailedError."""
        return await self.door.read(self.tenant, server, tool, arguments)


async def _offers_of(client: Client) -> list[Offer]:
    """Raises: _NotSentError, MCPError."""
    found: list[Offer] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        params = types.PaginatedRequestParams(cursor=cursor)
        page = await client.session.send_request(types.ListToolsRequest(params=params), types.ListToolsResult)
        found += [Offer(one.name, one.description or "", one.input_schema) for one in page.tools]
        cursor = page.next_cursor
        if cursor is None:
            break
    if cursor is not None or len(found) > MOST_TOOLS:
        raise _NotSentError(f"the server offers more than {MOST_TOOLS} tools")
    if any(len(json.dumps(one.to_json())) > _LONGEST_OFFER for one in found):
        raise _NotSentError("the description of a tool is too long")
    return found


async def _call(client: Client, tool: str, arguments: Mapping[str, Any]) -> types.CallToolResult:
    """One request, with nothing of the answer checked against what the server says of itself."""
    params = types.CallToolRequestParams(name=tool, arguments=dict(arguments))
    return await client.session.send_request(types.CallToolRequest(params=params), types.CallToolResult)


def _text_of(result: types.CallToolResult, *, is_cut: bool = False) -> str:
    """Data as JSON where there is any, text otherwise. Raises: _NotSentError for what is too long, or an error."""
    if result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False)
    else:
        text = "\n".join(one.text for one in result.content if isinstance(one, types.TextContent))
    if is_cut:
        return text[:LONGEST_ANSWER]
    if result.is_error:
        raise _NotSentError("it answered with an error")
    if len(text) > LONGEST_ANSWER:
        raise _NotSentError(f"its answer has more than {LONGEST_ANSWER:,} characters")
    return text


def _reason_of(error: BaseException) -> str:
    """In the service's own words: what a server says of a failure is an outsider's text."""
    found = error
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    if isinstance(found, _NotSentError | AddressError):
        return str(found)
    if isinstance(found, TimeoutError | httpx2.TimeoutException):
        return "no answer in time"
    if isinstance(found, httpx2.RemoteProtocolError) and "too long" in str(found):
        return "its answer is too long"
    if isinstance(found, httpx2.HTTPError | MCPError | OSError):
        return "it cannot be reached, or does not speak the protocol"
    _log.warning("a server of others failed in a way of its own", exc_info=found)
    return "it cannot be used"
