"""Processes of their own, for tests of what one process alone cannot show.

They fork from a server that has imported the service once: importing it takes longer than most tests. That server was
started anew, so nothing of the tests' own process comes along: no thread, no connection, no event loop.
"""

import contextlib
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator

import httpx

from api.settings import Settings

PATIENCE_S = 60

fresh = multiprocessing.get_context("forkserver")
fresh.set_forkserver_preload(["crm.migrate", "tests.crm.writing", "tests.e2e.crash_runner"])


@contextlib.contextmanager
def running_service(run: Callable[[Settings, int], None], settings: Settings) -> Iterator[str]:
    """A service in a process of its own, which `run` lets listen at a port; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = fresh.Process(target=run, args=(settings, port), daemon=True)
    process.start()
    try:
        wait_until_up(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.join()


def wait_until_up(address: str) -> None:
    """Until the service at this address answers; a minute at most."""
    until = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/ok", timeout=5).status_code == 200:
                return
        assert time.monotonic() < until, "the service did not start"
        time.sleep(0.05)
