"""What every answer carries, whichever part made it, and the answer when a part fails without one."""

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import answer_unknown


class EnvelopeMiddleware:
    """Adds headers and turns an unknown error into a problem.

    It sits inside CORS. Starlette's own place for unknown errors is outside, where a browser may not read the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def carry(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self.app(scope, receive, carry)
        except Exception as error:
            answer = answer_unknown(Request(scope), error)
            if has_begun:
                raise  # the server cuts the answer off, so that nobody takes it for whole
            await answer(scope, receive, carry)
