"""Processes of their own, for tests of what one process alone cannot show.

They fork from a server that has imported the service once: importing it takes longer than most tests. That server was
started anew, so nothing of the tests' own process comes along: no thread, no connection, no event loop.
"""

import multiprocessing

fresh = multiprocessing.get_context("forkserver")
fresh.set_forkserver_preload(["crm.migrate", "tests.crm.writing", "tests.e2e.crash_runner"])
