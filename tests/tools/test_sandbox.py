"""Code that nobody has checked: what it tries is stopped, by layers that hold one without the other, and reported."""

import os
from collections.abc import Iterator

import pytest

from tools._sandbox.report import Report
from tools._sandbox.runner import Sandbox, SandboxBusyError, SandboxLimits, SandboxUnavailableError

SMALL = SandboxLimits(cpu_s=1, wall_s=90, memory_mb=192, output_bytes=20_000)
"""On a busy machine a second of processor time takes long."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(SMALL)
    yield made
    made.close()


def stopped(report: Report) -> tuple[str, str | None, int | None]:
    assert report.verdict == "stopped", report
    assert report.stop is not None
    return report.stop.kind, report.stop.file, report.stop.line


async def test_code_and_its_tests_are_run_and_each_test_is_reported(sandbox: Sandbox) -> None:
    code = "def double(n):\n    print('doubling', n)\n    return n * 2\n"
    tests = (
        "from generated import double\n\n\n"
        "def test_numbers():\n    assert double(2) == 4\n\n\n"
        "def test_wrong():\n    assert double(2) == 5, 'not five'\n\n\n"
        "def test_raises():\n    double(None)\n"
    )
    report = await sandbox.run(code, tests)
    assert report.verdict == "failed"
    assert [(one.name, one.fault and one.fault.type) for one in report.tests] == [
        ("test_numbers", None),
        ("test_wrong", "AssertionError"),
        ("test_raises", "TypeError"),
    ]
    wrong, raises = report.tests[1].fault, report.tests[2].fault
    assert wrong is not None
    assert (wrong.message, wrong.file, wrong.line) == ("not five", "test_generated.py", 9)
    assert raises is not None
    assert (raises.file, raises.line) == ("generated.py", 3)
    assert report.output.splitlines() == ["doubling 2", "doubling 2", "doubling None"]
    assert {"seccomp", "limits"} <= set(report.layers)
    passed = await sandbox.run("from decimal import Decimal\nimport re, json, datetime\nx = Decimal('1.10')\n", None)
    assert passed.verdict == "passed"


async def test_code_that_cannot_be_loaded_says_where(sandbox: Sandbox) -> None:
    broken = await sandbox.run("x = 1\ny = (\n", "def test_a():\n    pass\n")
    assert broken.fault is not None
    assert (broken.verdict, broken.fault.type, broken.fault.line) == ("failed", "SyntaxError", 2)
    missing = await sandbox.run("import numpy\n")
    assert missing.fault is not None
    assert "'numpy' is not there; what can be imported: abc, base64" in missing.fault.message


TRIES = [
    pytest.param("import socket\nsocket.create_connection(('10.0.0.1', 80))\n", "network", 1, id="socket"),
    pytest.param("import urllib.request\n", "network", 1, id="urllib"),
    pytest.param("\nopen('/etc/passwd').read()\n", "files", 2, id="reads-a-file"),
    pytest.param("import os\nos.open('/proc/self/environ', os.O_RDONLY)\n", "files", 2, id="reads-the-environment"),
    pytest.param("open('here.txt', 'w')\n", "files", 1, id="writes-a-file"),
    pytest.param("import os\nwhile True:\n    os.fork()\n", "processes", 3, id="fork-bomb"),
    pytest.param("import os\nos.system('id')\n", "processes", 2, id="a-shell"),
    pytest.param("import threading\n", "processes", 1, id="threads"),
    pytest.param("import ctypes\nctypes.CDLL(None).socket(2, 1, 0)\n", "native code", 1, id="ctypes"),
    pytest.param("import os\nos.stat('/etc/passwd')\n", "system call", 2, id="stat"),
    pytest.param("import os\nos.getppid()\n", "system call", 2, id="who-started-me"),
]
"""Each on a line that the report must name."""


@pytest.mark.parametrize(("code", "kind", "line"), TRIES)
async def test_what_code_must_not_do_is_stopped_and_named(sandbox: Sandbox, code: str, kind: str, line: int) -> None:
    assert stopped(await sandbox.run(code)) == (kind, "generated.py", line)


FIND_CTYPES = """
import os, sys
import ctypes
libc = ctypes.CDLL(None)
"""
WALLED = {
    "network": "libc.socket(2, 1, 0)",
    "opens": "libc.open(b'/etc/passwd', 0)",
    "the environment of the service": f"libc.open(b'/proc/{os.getpid()}/environ', 0)",
    "writes": "libc.creat(b'/tmp/escaped', 0o600)",
    "forks": "os.fork()",
    "another program": "libc.execve(b'/bin/sh', None, None)",
    "memory of another process": f"libc.ptrace(16, {os.getpid()}, 0, 0)",
    "kills": f"libc.kill({os.getpid()}, 9)",
    "machine code": "libc.mmap(0, 4096, 7, 34, -1, 0)",
    "lifts a limit": "libc.setrlimit(9, None)",
    "another filter": "libc.prctl(22, 2, 0)",
    "inherited descriptors": "libc.read(3, libc.malloc(10), 10)",
    "a thread": "import _thread; _thread.start_new_thread(print, ())",
}


@pytest.mark.parametrize("what", WALLED)
async def test_the_filter_holds_by_itself_when_pythons_own_watch_is_got_round(sandbox: Sandbox, what: str) -> None:
    """As if code had found a way to machine level: it has ctypes here, which the watch would not let it have."""
    report = await sandbox.run(FIND_CTYPES + WALLED[what] + "\nprint('through')\n", watch=False)
    assert stopped(report)[0] == "system call"
    assert "through" not in report.output
    assert "escaped" not in os.listdir("/tmp")


async def test_endless_processor_time_memory_output_and_sleep_end(sandbox: Sandbox) -> None:
    assert stopped(await sandbox.run("while True:\n    pass\n"))[0] == "cpu time"
    assert stopped(await sandbox.run("x = []\nwhile True:\n    x.append(bytearray(1_000_000))\n"))[0] == "memory"
    printing = await sandbox.run("while True:\n    print('x' * 1000)\n")
    assert stopped(printing)[0] == "output"
    assert len(printing.output) == SMALL.output_bytes
    assert stopped(await sandbox.run("import os\nwhile True:\n    os.write(2, b'x' * 1000)\n"))[0] == "output"
    brief = Sandbox(SandboxLimits(wall_s=2))
    asleep = await brief.run("", "import time\ndef test_slow():\n    time.sleep(600)\n")
    brief.close()
    assert (stopped(asleep)[0], asleep.stop and asleep.stop.during) == ("wall time", "test_slow")


async def test_a_process_that_ends_itself_or_crashes_has_not_passed(sandbox: Sandbox) -> None:
    tests = "import os\ndef test_a():\n    os._exit(0)\n"
    ended = await sandbox.run("", tests)
    assert (stopped(ended)[0], ended.stop and ended.stop.during) == ("crash", "test_a")
    segfault = "import sys\nsys.setrecursionlimit(10**6)\nx = []\nfor _ in range(10**6):\n    x = [x]\nrepr(x)\n"
    crashed = await sandbox.run(segfault)
    assert crashed.verdict != "passed"
    forged = 'import os\nos.write(2, b\'{"done": true}\\n{"test": 1}\\n[1]\\n\')\nos._exit(3)\n'
    assert stopped(await sandbox.run(forged))[0] == "crash"


async def test_nothing_of_the_service_is_in_sight(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_MASTER_KEY", "a secret of the service, thirty-two characters")
    ours = "sorted(name for name in sys.modules if name.startswith(('crm', 'tools', 'api')))"
    seen = f"import os, sys\nprint(dict(os.environ), sys.argv[1:], sys.path, {ours})\n"
    report = await sandbox.run(seen)
    assert report.verdict == "passed"
    assert "secret" not in report.output
    assert report.output.strip().endswith("[] [] []")


async def test_where_the_filter_does_not_hold_no_code_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    fresh = Sandbox(SMALL)
    with monkeypatch.context() as broken:
        broken.setattr("tools._sandbox.runner._TRESPASS", "x = 1\n")
        with pytest.raises(SandboxUnavailableError, match="does not hold"):
            await fresh.run("print('ran')\n")
    with monkeypatch.context() as broken:
        broken.setattr("tools._sandbox.runner._library_paths", lambda: [str(tmp_path)])
        with pytest.raises(SandboxUnavailableError, match=r"walls could not be put up.*seccompy"):
            await fresh.run("print('ran')\n")
    with monkeypatch.context() as broken:
        broken.setattr("sys.platform", "darwin")
        with pytest.raises(SandboxUnavailableError, match="only Linux"):
            await fresh.check()
    assert "seccomp" in await fresh.check()
    fresh.close()


async def test_only_so_much_may_wait() -> None:
    full = Sandbox(SMALL, at_once=1, most_waiting=0)
    with full._place(), pytest.raises(SandboxBusyError):
        await full.run("x = 1\n")
    assert (await full.run("x = 1\n")).verdict == "passed"
    full.close()
