"""Processes of their own, for tests of what one process alone cannot show.

They fork from a server that has imported the service once: importing it takes longer than most tests. That server was
started anew, so nothing of the tests' own process comes along: no thread, no connection, no event loop.
"""

import contextlib
import multiprocessing
import time

import httpx

PATIENCE_S = 60

fresh = multiprocessing.get_context("forkserver")
fresh.set_forkserver_preload(["crm.migrate", "tests.crm.writing", "tests.e2e.crash_runner"])


def wait_until_up(address: str) -> None:
    """Until the service at this address answers; a minute at most."""
    until = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/ok", timeout=5).status_code == 200:
                return
        assert time.monotonic() < until, "the service did not start"
        time.sleep(0.05)
