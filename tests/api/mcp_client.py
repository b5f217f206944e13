"""The official MCP SDK as a client of the service, and what a client that keeps to no rules sends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

Json = Any
VERSION = "2025-11-25"


@asynccontextmanager
async def mcp_client(url: str, token: str, *, mode: str = "auto") -> AsyncIterator[Client]:
    """A client that has signed in. `mode`: the newest protocol, or `legacy` for the one with a handshake."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


def raw(method: str, **params: Any) -> dict[str, Any]:
    """A message, and the headers that go with it, as `httpx` takes them."""
    return {
        "json": {"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
        "headers": {
            "Accept": "application/json, text/event-stream",
            "Host": "127.0.0.1:8000",
            "MCP-Protocol-Version": VERSION,
        },
    }
