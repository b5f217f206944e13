"""A receiver of webhooks on a socket of this machine, as friendly or hostile as it is told to be."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Receiver:
    """`answers` are statuses in order, the last one for good; 0 hangs up, -1 never answers, -2 trickles."""

    answers: list[int] = field(default_factory=lambda: [200])
    location: str = ""
    port: int = 0
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    at_work: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.at_work.add(task)
        try:
            await self.answer(reader, writer)
        finally:
            writer.transport.abort()
            self.at_work.discard(task)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.got.append((headers, body))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer == -1:
                await asyncio.sleep(30)
            if answer == -2:
                writer.write(b"HTTP/1.1 200 OK\r\n")
                while True:
                    writer.write(b"x-more: y\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.02)
            if answer > 0:
                extra = f"location: {self.location}\r\n" if self.location else ""
                writer.write(f"HTTP/1.1 {answer} X\r\n{extra}content-length: 1000000000\r\n\r\nxx".encode())
                await writer.drain()
                writer.close()
                await writer.wait_closed()


@asynccontextmanager
async def receiving(*answers: int, location: str = "") -> AsyncIterator[Receiver]:
    receiver = Receiver(list(answers) or [200], location)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        left = list(receiver.at_work)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
