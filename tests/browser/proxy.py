"""A proxy for tests that sends each request to the next of several services, as a load balancer does."""

import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.service import serve

_HOP = {"connection", "transfer-encoding", "content-length", "date", "server"}


@contextmanager
def round_robin(addresses: Sequence[str], served: list[str]) -> Iterator[str]:
    """The address of a proxy; `served` gets the address of the service that each request went to."""
    turns = itertools.cycle(addresses)

    async def forward(request: Request) -> Response:
        address = next(turns)
        served.append(f"{request.method} {request.url.path} {address}")
        client = httpx.AsyncClient(timeout=None)
        body = await request.body()
        asked = client.build_request(
            request.method,
            f"{address}{request.url.path}?{request.url.query}",
            headers=request.headers.raw,
            content=body,
        )
        answer = await client.send(asked, stream=True)

        async def pieces() -> AsyncIterator[bytes]:
            try:
                async for piece in answer.aiter_raw():
                    yield piece
            finally:
                await answer.aclose()
                await client.aclose()

        headers = {key: value for key, value in answer.headers.items() if key not in _HOP and key != "set-cookie"}
        response = StreamingResponse(pieces(), answer.status_code, headers)
        for cookie in answer.headers.get_list("set-cookie"):
            response.headers.append("set-cookie", cookie)
        return response

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    with serve(Starlette(routes=[Route("/{path:path}", forward, methods=methods)])) as url:
        yield url
