"""Calls to addresses that tenants name: never to where only this machine or its neighbours can reach, never elsewhere.

The name is resolved here, every address it has is looked at, and the connection goes to one of those: what a name
server answers a moment later makes no difference. A redirect is an answer, not a way on. Nothing of an answer is read
but its status.
"""

import asyncio
import ipaddress
import json
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpcore

STEP_TIMEOUT_S = 5.0
"""For connecting, and for each piece of sending and of the answer's head."""
WHOLE_TIMEOUT_S = 15.0
_EMBEDDING = tuple(ipaddress.ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
"""IPv6 networks whose addresses lead to an IPv4 address that is written into them."""


@cache
def trusted_here() -> ssl.SSLContext:
    return ssl.create_default_context()


class AddressError(Exception):
    """The address is not one that is called; the message says why and names nothing that was found out."""


class CallError(Exception):
    """The call came to nothing."""


@dataclass(frozen=True)
class Outward:
    """What may be called. `hosts` are exempt from the rule about private addresses; plain HTTP is for development."""

    hosts: frozenset[str] = frozenset()
    allow_http: bool = False
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """None: certificates that this machine trusts, read when something is first called."""

    def check(self, url: str) -> None:
        """Raises: AddressError for what would never be called, whatever the name stands for."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise AddressError("expected an address such as https://example.com/hook") from None
        if not url.isascii() or not url.isprintable() or " " in url or not host:
            raise AddressError("expected an address such as https://example.com/hook")
        if parts.scheme != "https" and not (parts.scheme == "http" and self.allow_http):
            raise AddressError("expected https")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise AddressError("expected an address without user, password and fragment")
        if port == 0:
            raise AddressError("expected another port")
        if host not in self.hosts and (_is_numeric(host) and not is_public(host)):
            raise AddressError("the address is not a public one")

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the answer. Raises: AddressError, CallError."""
        self.check(url)
        backend = _PublicOnly(self.hosts)
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        given += [(b"content-type", b"application/json"), (b"user-agent", b"countersign")]
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), STEP_TIMEOUT_S)
        try:
            async with (
                asyncio.timeout(WHOLE_TIMEOUT_S),
                httpcore.AsyncConnectionPool(ssl_context=self.tls or trusted_here(), network_backend=backend) as pool,
                pool.stream(
                    "POST",
                    url,
                    headers=[(b"host", _host_header(url)), *given],
                    content=body,
                    extensions={"timeout": timeouts},
                ) as response,
            ):
                return int(response.status)
        except TimeoutError:
            raise CallError("no answer in time") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError, ValueError) as error:
            raise CallError(f"the call failed ({type(error).__name__})") from error


def _host_header(url: str) -> bytes:
    return urlsplit(url).netloc.encode()


def to_body(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class _PublicOnly(httpcore.AsyncNetworkBackend):
    """Connects to public addresses, and to the hosts that the operator has listed."""

    def __init__(self, hosts: frozenset[str]) -> None:
        self._hosts = hosts
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await resolve(host, port)
        if host not in self._hosts and not all(is_public(one) for one in addresses):
            raise AddressError("the address is not a public one")
        last: Exception | None = None
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last or httpcore.ConnectError("the name stands for no address")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


async def resolve(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError("the name cannot be resolved") from error
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_public(address: str) -> bool:
    """Whether an address leads to the internet, and neither to this machine, its network, nor to many at once."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in _EMBEDDING):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _is_numeric(host: str) -> bool:
    """Also in the short forms that resolvers understand, such as `127.1` and `0x7f000001`."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        return last.isdigit() or last.lower().startswith("0x")
    return True
