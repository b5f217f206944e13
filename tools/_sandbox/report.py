"""What became of code that was run: which tests passed, what it printed, and by what it was stopped."""

import json
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["passed", "failed", "stopped"]
StopKind = Literal[
    "network", "files", "processes", "native code", "system call", "memory", "cpu time", "wall time", "output", "crash"
]

_FRAME = re.compile(r'File "((?:test_)?generated\.py)", line (\d+)')
_BY_SIGNAL: dict[int, tuple[StopKind, str]] = {
    signal.SIGSYS: ("system call", "a system call that is not allowed"),
    signal.SIGXCPU: ("cpu time", "more processor time than allowed"),
    signal.SIGALRM: ("wall time", "more time than allowed"),
}


@dataclass(frozen=True)
class Stop:
    """Why the process was ended, and how far it had got. `line` counts from 1 in `file`; None where nobody knows."""

    kind: StopKind
    tried: str
    during: str = ""
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Fault:
    """An error that the code or a test raised."""

    type: str
    message: str
    file: str | None = None
    line: int | None = None

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Fault":
        at = told["at"]
        return cls(str(told["type"]), str(told["message"]), at.get("file"), at.get("line"))


@dataclass(frozen=True)
class TestOutcome:
    """One test; no fault means that it passed."""

    name: str
    fault: Fault | None = None


@dataclass(frozen=True)
class Report:
    """That the process was stopped is what the kernel says. That tests passed is what the process itself says, so it
    is worth as much as the code under test."""

    verdict: Verdict
    tests: tuple[TestOutcome, ...] = ()
    fault: Fault | None = None
    """What kept the code or its tests from being loaded."""
    stop: Stop | None = None
    output: str = ""
    cpu_ms: int = 0
    wall_ms: int = 0
    layers: tuple[str, ...] = ()
    """What held it in."""


@dataclass
class Told:
    """What the process has told by the end, read line by line."""

    layers: tuple[str, ...] = ()
    running: str = ""
    tests: list[TestOutcome] = field(default_factory=list)
    end: dict[str, Any] | None = None
    trace: list[str] = field(default_factory=list)
    """Lines that were not told by the program: where a forbidden system call came from, or why it could not start."""


def read_told(written: bytes) -> Told:
    """The process may have written anything: what cannot be read is kept as a line."""
    told = Told()
    for line in written.decode("utf-8", "replace").splitlines():
        try:
            _take(told, json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            told.trace.append(line)
    return told


def _take(told: Told, said: dict[str, Any]) -> None:
    if "ready" in said:
        told.layers = tuple(map(str, said["ready"]))
    elif "running" in said:
        told.running = str(said["running"])[:200]
    elif "test" in said:
        fault = said["fault"]
        told.tests.append(TestOutcome(str(said["test"])[:200], None if fault is None else Fault.of(fault)))
    elif said.keys() & {"done", "broken", "stopped"}:
        told.end = said
    else:
        raise ValueError("nothing that the program says")


def stop_of(told: Told, exit_code: int, cut_off: StopKind | None) -> Stop | None:
    """What ended the process before it was through; None if it was through. `cut_off` is why we ended it."""
    if cut_off is not None:
        tried = {"wall time": "more time than allowed", "output": "more output than allowed"}[cut_off]
        return Stop(cut_off, tried, told.running)
    if exit_code < 0:
        kind, tried = _BY_SIGNAL.get(-exit_code, ("crash", f"ended by {signal.Signals(-exit_code).name}"))
        return Stop(kind, tried, told.running, *_place_in(told.trace if kind == "system call" else ()))
    if told.end is not None and "stopped" in told.end:
        at = told.end["at"]
        return Stop(told.end["stopped"], str(told.end["tried"])[:200], told.running, at.get("file"), at.get("line"))
    if told.end is None or exit_code != 0:
        return Stop("crash", f"it ended itself with exit status {exit_code}", told.running)
    return None


def _place_in(trace: Sequence[str]) -> tuple[str | None, int | None]:
    found = next((match for line in trace if (match := _FRAME.search(line))), None)
    return (None, None) if found is None else (found[1], int(found[2]))


def report_of(told: Told, stop: Stop | None, **measured: Any) -> Report:
    broken = told.end.get("broken") if told.end is not None else None
    fault = Fault.of(broken) if isinstance(broken, dict) else None
    is_good = fault is None and all(one.fault is None for one in told.tests)
    verdict: Verdict = "stopped" if stop is not None else "passed" if is_good else "failed"
    return Report(verdict, tuple(told.tests), fault, stop, layers=told.layers, **measured)
