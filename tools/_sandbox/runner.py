"""Starts the locked-down process, watches it from outside, and ends it when it takes too much."""

import asyncio
import contextlib
import importlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools._sandbox.report import Report, StopKind, read_told, report_of, stop_of

MOST_SOURCE = 50_000
"""Characters of code, and of tests."""
_MOST_TOLD = 400_000
_START_S = 30.0
"""How long the process may take to shut itself in; only a machine that is far too busy takes long."""
_PROGRAM = Path(__file__).with_name("inside.py")
_TRESPASS = "import os\nos.stat('/')\n"


class SandboxUnavailableError(Exception):
    """This machine cannot hold code in, so none is run. The message says what is missing."""


class SandboxBusyError(Exception):
    """As many runs wait as may wait."""


@dataclass(frozen=True)
class SandboxLimits:
    """What one run may take."""

    cpu_s: int = 3
    wall_s: float = 12.0
    """As somebody who waits sees it; on a busy machine longer than the processor time."""
    memory_mb: int = 256
    output_bytes: int = 64_000

    def to_json(self) -> dict[str, float]:
        return {"cpu_s": self.cpu_s, "wall_s": self.wall_s, "memory_mb": self.memory_mb}


@dataclass
class Sandbox:
    """Runs a few pieces of code at once, each in a process of its own, on threads of its own."""

    limits: SandboxLimits = field(default_factory=SandboxLimits)
    at_once: int = 2
    most_waiting: int = 8
    _checked: bool = field(default=False, init=False)
    _taken: int = field(default=0, init=False)
    _counting: threading.Lock = field(default_factory=threading.Lock, init=False)
    _threads: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="sandbox")

    async def run(self, code: str, tests: str | None = None, *, watch: bool = True) -> Report:
        """Load the code, then run the tests' functions named `test_...`, in which `import generated` is the code.

        `watch=False` leaves out the layer that only tells what was tried: for trying the walls themselves.

        Raises: SandboxUnavailableError, SandboxBusyError.
        """
        with self._place():
            return await self._off_loop(lambda: self._checked_run(code, tests, watch=watch))

    async def check(self) -> str:
        """What holds code in here, in a few words. Raises: SandboxUnavailableError."""
        report = await self._off_loop(self._try_walls)
        return ", ".join(report.layers)

    def close(self) -> None:
        """What runs ends by its limits; what waits does not start any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        with self._counting:
            if self._taken >= self.at_once + self.most_waiting:
                raise SandboxBusyError("too much code waits to be run: try again in a minute")
            self._taken += 1
        try:
            yield
        finally:
            with self._counting:
                self._taken -= 1

    async def _off_loop(self, work: Any) -> Report:
        report: Report = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        return report

    def _checked_run(self, code: str, tests: str | None, *, watch: bool) -> Report:
        if not self._checked:
            self._try_walls()
        return _run(code, tests, self.limits, watch=watch)

    def _try_walls(self) -> Report:
        """Look at a folder with nothing but the walls in the way: that must kill. Raises: SandboxUnavailableError."""
        report = _run(_TRESPASS, None, self.limits, watch=False)
        if report.stop is None or report.stop.kind != "system call" or "seccomp" not in report.layers:
            raise SandboxUnavailableError("code cannot be run here: the filter on system calls does not hold")
        self._checked = True
        return report


def _run(code: str, tests: str | None, limits: SandboxLimits, *, watch: bool) -> Report:
    job = {
        "paths": _library_paths(),
        "limits": limits.to_json(),
        "watch": watch,
        "sources": {"generated": code, "test_generated": tests},
    }
    began = time.monotonic()
    with _empty_folder() as folder, _start(job, folder) as process:
        printed, written, cut_off = _read(process, limits)
        exit_code, cpu_ms = _reap(process)
    told = read_told(written)
    if not told.layers:
        raise SandboxUnavailableError(f"code cannot be run here: {_why(told.trace, printed)}")
    return report_of(
        told,
        stop_of(told, exit_code, cut_off),
        output=printed.decode("utf-8", "replace"),
        cpu_ms=cpu_ms,
        wall_ms=round((time.monotonic() - began) * 1000),
    )


def _library_paths() -> list[str]:
    """Where the libraries lie that build the walls. Raises: SandboxUnavailableError."""
    if not sys.platform.startswith("linux"):
        raise SandboxUnavailableError(f"code cannot be run here: only Linux can hold it in, and this is {sys.platform}")
    try:
        found = [importlib.import_module(name).__file__ or "" for name in ("seccompy", "landlockpy")]
    except ImportError as error:
        raise SandboxUnavailableError(f"code cannot be run here: {error.name} is not installed") from None
    return sorted({str(Path(one).parent.parent) for one in found})


@contextlib.contextmanager
def _empty_folder() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="countersign-sandbox-")
    os.chmod(folder, 0o500)
    try:
        yield folder
    finally:
        os.rmdir(folder)


@contextlib.contextmanager
def _start(job: dict[str, Any], folder: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The process: no variable, no descriptor and no memory of this one comes along, only the job."""
    descriptor = os.memfd_create("job")
    try:
        os.write(descriptor, json.dumps(job).encode())
        os.lseek(descriptor, 0, os.SEEK_SET)
        process = subprocess.Popen(  # noqa: S603 - our own program; what it is given is data
            [sys.executable, "-I", "-S", "-B", str(_PROGRAM)],
            stdin=descriptor,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={},
            cwd=folder,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    with process:
        try:
            yield process
        finally:
            _kill(process)


def _read(process: "subprocess.Popen[bytes]", limits: SandboxLimits) -> tuple[bytes, bytes, StopKind | None]:
    """What it printed and what it told, up to its end; it is ended here if it prints too much or takes too long.

    The code's time begins when the process has shut itself in.
    """
    until, is_ready = time.monotonic() + _START_S, False
    taken: dict[Any, bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
    most: dict[Any, int] = {process.stdout: limits.output_bytes, process.stderr: _MOST_TOLD}
    cut_off: StopKind | None = None
    with selectors.DefaultSelector() as selector:
        for pipe in taken:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map() and cut_off is None:
            ready = selector.select(max(0.0, until - time.monotonic()))
            if time.monotonic() >= until:
                cut_off = "wall time"
            for key, _ in ready:
                piece = os.read(key.fd, 65_536)
                if not piece:
                    selector.unregister(key.fileobj)
                taken[key.fileobj] += piece
                if len(taken[key.fileobj]) > most[key.fileobj]:
                    cut_off = "output"
            if not is_ready and b"\n" in taken[process.stderr]:
                until, is_ready = time.monotonic() + limits.wall_s, True
    if cut_off is not None:
        _kill(process)
    return bytes(taken[process.stdout][: limits.output_bytes]), bytes(taken[process.stderr]), cut_off


def _kill(process: "subprocess.Popen[bytes]") -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _reap(process: "subprocess.Popen[bytes]") -> tuple[int, int]:
    """Exit code, below 0 for a signal, and milliseconds of processor time."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, round((usage.ru_utime + usage.ru_stime) * 1000)


def _why(trace: list[str], printed: bytes) -> str:
    """The last line that a process left behind which could not shut itself in."""
    lines = [*trace, *printed.decode("utf-8", "replace").splitlines()]
    return f"the walls could not be put up ({lines[-1].strip()[:200] if lines else 'it said nothing'})"
