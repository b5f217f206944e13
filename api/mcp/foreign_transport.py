"""The line to a server of others: to public addresses only, one host only, so long and so much and no more."""

from collections.abc import AsyncIterator
from typing import Final

import httpx2

from api.outward import AddressError, Outward, is_public, resolve, trusted_here

LARGEST_ANSWER: Final = 1024 * 1024
_KEPT_HEADERS: Final = frozenset(
    {"content-type", "content-length", "mcp-session-id", "transfer-encoding", "retry-after"}
)


class ForeignTransport(httpx2.AsyncBaseTransport):
    """Looks at every address that the name stands for and connects to one of those, whatever the name says next."""

    def __init__(self, outward: Outward) -> None:
        self._outward = outward
        self._inner = httpx2.AsyncHTTPTransport(verify=outward.tls or trusted_here(), trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises: AddressError, httpx2.HTTPError."""
        self._outward.check(str(request.url))
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = await resolve(host, port)
        except Exception as error:
            raise httpx2.ConnectError("the name cannot be resolved", request=request) from error
        if host not in self._outward.hosts and not all(is_public(one) for one in addresses):
            raise AddressError("the address is not a public one")
        request.headers["Host"] = request.url.netloc.decode("ascii")
        request.headers["Accept-Encoding"] = "identity"
        sent = httpx2.Request(
            request.method,
            request.url.copy_with(host=addresses[0]),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        response = await self._inner.handle_async_request(sent)
        if response.is_redirect or response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx2.RemoteProtocolError("the server answered with something else than an answer", request=request)
        kept = [(name, value) for name, value in response.headers.multi_items() if name.lower() in _KEPT_HEADERS]
        stream = _Bounded(response, request)
        return httpx2.Response(response.status_code, headers=kept, stream=stream, extensions=response.extensions)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Bounded(httpx2.AsyncByteStream):
    """The answer's body, which ends with an error where it becomes too long."""

    def __init__(self, response: httpx2.Response, request: httpx2.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._response.aiter_raw():
            size += len(piece)
            if size > LARGEST_ANSWER:
                raise httpx2.RemoteProtocolError("the answer is too long", request=self._request)
            yield piece

    async def aclose(self) -> None:
        await self._response.aclose()
