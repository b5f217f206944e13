"""The program of the locked-down process: it shuts itself in, and only then looks at the code it was given.

Started as `python -I -S`, so it imports nothing of the service. Descriptor 0 holds the job, 1 takes what the code
prints, 2 what became of it. Layers, each of which holds without the ones above it:

1. a watch on Python's own events and imports, which says in words what was tried, and is no wall;
2. limits on processor time, memory, files and processes;
3. Landlock, where the kernel has it: no path and no port may be used;
4. a filter on system calls that lets memory, time and writing to 1 and 2 pass. Without it nothing is run.
"""

import contextlib
import faulthandler
import importlib
import io
import json
import linecache
import os
import resource
import signal
import sys
import types
from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import ModuleSpec
from typing import Any, NoReturn

CODE, TESTS = "generated", "test_generated"
"""Modules that the code and its tests become; the tests import the code by this name."""

MODULES = """
abc base64 binascii bisect calendar cmath collections collections.abc contextlib copy csv dataclasses datetime decimal
difflib enum fractions functools hashlib heapq hmac html io itertools json math numbers operator random re secrets
statistics string struct textwrap time traceback types typing unicodedata urllib.parse uuid warnings zlib
""".split()
"""What code may import. It is loaded before the doors close: afterwards no file can be opened."""
_SILENT = "_strptime encodings.ascii encodings.latin_1 encodings.idna encodings.utf_16 stringprep".split()
_TELLING = {
    "network": "socket ssl select selectors asyncio http ftplib smtplib poplib imaplib socketserver xmlrpc requests"
    " httpx aiohttp urllib3 urllib.request",
    "processes": "subprocess multiprocessing threading concurrent pty signal sched",
    "files": "pathlib shutil tempfile glob fileinput sqlite3 dbm shelve mmap fcntl",
    "native code": "ctypes cffi resource faulthandler importlib",
}
_EVENTS = {
    "network": ("socket.", "ssl.", "urllib.", "http.", "ftplib.", "smtplib.", "poplib.", "imaplib."),
    "processes": (
        "os.fork os.forkpty os.exec os.posix_spawn os.spawn os.system os.kill os.killpg subprocess. pty. signal."
        " _thread. resource."
    ).split(),
    "native code": ("ctypes.", "code.__new__"),
    "files": (
        "open os.listdir os.scandir os.mkdir os.remove os.rename os.rmdir os.chmod os.chown os.link os.symlink"
        " os.truncate os.utime os.chdir os.fchdir os.walk os.fwalk os.getxattr os.setxattr os.listxattr os.removexattr"
        " os.add_dll_directory os.chflags os.lockf shutil. tempfile. glob. pathlib. sqlite3. fcntl. mmap."
    ).split(),
}
_ALLOWED_CALLS = """
brk munmap mremap madvise futex sched_yield rt_sigreturn rt_sigprocmask sigaltstack restart_syscall getrandom
clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time getpid gettid exit exit_group
""".split()
_NOBODY = 65534
_LONGEST = 500


def _tell(**what: Any) -> None:
    os.write(2, json.dumps(what).encode() + b"\n")


def _end(**what: Any) -> NoReturn:
    _tell(**what)
    os._exit(0)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _place(frame: types.FrameType | None) -> dict[str, Any]:
    """The innermost line of the code or its tests that led here."""
    while frame is not None:
        if frame.f_code.co_filename in (f"{CODE}.py", f"{TESTS}.py"):
            return {"file": frame.f_code.co_filename, "line": frame.f_lineno}
        frame = frame.f_back
    return {}


class _Watch:
    """Ends the process when Python announces something forbidden, so that the report can name it."""

    def __init__(self) -> None:
        self._kinds = [(prefix, kind) for kind, prefixes in _EVENTS.items() for prefix in prefixes]
        self._modules = {name: kind for kind, names in _TELLING.items() for name in names.split()}
        self.is_compiling = False

    def hear(self, event: str, _arguments: tuple[Any, ...]) -> None:
        if event == "open" and self.is_compiling:
            raise PermissionError  # where it finds an error, the compiler looks for the line in the file
        for prefix, kind in self._kinds:
            if event == prefix or (event.startswith(prefix) and prefix.endswith(".")):
                _end(stopped=kind, tried=event, at=_place(sys._getframe(1)))

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Called for imports of what is not loaded."""
        kind = self._modules.get(name) or self._modules.get(name.partition(".")[0])
        if kind is not None:
            _end(stopped=kind, tried=f"import {name}", at=_place(sys._getframe(1)))
        raise ModuleNotFoundError(f"{name!r} is not there; what can be imported: {', '.join(MODULES)}", name=name)


def _load(paths: Iterable[str]) -> tuple[Any, Any]:
    """Everything that will be needed, as long as files can be read. Gives the two libraries that build walls."""
    for name in (*MODULES, *_SILENT):
        importlib.import_module(name)
    sys.path[:] = [*sys.path, *paths]
    finder: Any = importlib.import_module("ctypes.util")
    finder.find_library = lambda name: None  # the C library is loaded already; looking for it starts other programs
    walls = importlib.import_module("seccompy"), importlib.import_module("landlockpy")
    sys.path[:] = []
    return walls


def _limit(limits: dict[str, int]) -> None:
    """Hard limits, which nobody without privileges can lift again. The alarm is for when the service dies first."""
    signal.setitimer(signal.ITIMER_REAL, limits["wall_s"] + 1)
    for what, most in (
        (resource.RLIMIT_CPU, limits["cpu_s"]),
        (resource.RLIMIT_AS, limits["memory_mb"] * 1024 * 1024),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(what, (most, most + 1) if what == resource.RLIMIT_CPU else (most, most))


def _drop_root() -> None:
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):  # a container may know no other user; the filter holds for root as well
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _landlock(library: Any) -> bool:
    """Whether the kernel denies all paths and ports from now on."""
    if not library.supported():
        return False
    with library.Ruleset() as ruleset:
        ruleset.restrict()
    return True


def _filter(library: Any) -> Any:
    """Lets through what computing takes. Memory is never executable, so no machine code can be brought along."""
    rules = library.Filter(default=library.Action.TRAP)
    compare, op = library.ArgCmp, library.CmpOp
    for name in _ALLOWED_CALLS:
        with contextlib.suppress(KeyError, ValueError, library.SeccompError):  # not every machine has every call
            rules.allow(name)
    for descriptor in (1, 2):
        rules.allow("write", args=[compare(0, op.EQ, descriptor)])
    not_executable = compare(2, op.MASKED_EQ, 0, 0x4)
    rules.allow("mmap", args=[not_executable, compare(3, op.MASKED_EQ, 0x20, 0x20)])
    rules.allow("mprotect", args=[not_executable])
    # What the death of the process takes, once the place of the forbidden call has been written down.
    rules.allow("rt_sigaction", args=[compare(0, op.EQ, signal.SIGSYS)])
    rules.allow("tgkill", args=[compare(0, op.EQ, os.getpid()), compare(2, op.EQ, signal.SIGSYS)])
    return rules


def _quieten() -> None:
    """Nothing that Python does of its own accord may need a file: it would be stopped for it."""
    linecache.updatecache = lambda *_: []
    linecache.checkcache = lambda *_: None
    out = io.TextIOWrapper(io.FileIO(1, "wb", closefd=False), encoding="utf-8", errors="replace", write_through=True)
    sys.stdout = sys.stderr = out
    sys.stdin = io.StringIO()


def _hide() -> None:
    """Out of reach of a plain import, so that the watch hears of it."""
    for name in [*sys.modules]:
        root = name.partition(".")[0]
        if root in ("seccompy", "landlockpy") or any(root in names.split() for names in _TELLING.values()):
            del sys.modules[name]


def shut_in(job: dict[str, Any], watch: _Watch) -> None:
    """Every layer, the filter last. Whatever fails here ends the process before any code is looked at."""
    seccompy, landlockpy = _load(job["paths"])
    faulthandler.register(signal.SIGSYS, file=2, all_threads=False, chain=True)
    rules = _filter(seccompy)
    _quieten()
    _drop_root()
    has_landlock = _landlock(landlockpy)
    _limit(job["limits"])
    rules.load()
    if job["watch"]:
        _hide()
        sys.meta_path[:] = [watch]
        sys.path_hooks[:] = []
        sys.addaudithook(watch.hear)
    _tell(ready=["limits", *(["landlock"] if has_landlock else []), "seccomp"])


def _fault(error: BaseException) -> dict[str, Any]:
    """What went wrong and where, in the code's own lines."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in (f"{CODE}.py", f"{TESTS}.py"):
            lines.append({"file": trace.tb_frame.f_code.co_filename, "line": trace.tb_lineno})
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename in (f"{CODE}.py", f"{TESTS}.py"):
        lines.append({"file": error.filename, "line": error.lineno or 0})
    try:
        said = str(error)
    except Exception:
        said = "(the error cannot be shown)"
    return {"type": type(error).__name__, "message": _cut(said), "at": lines[-1] if lines else {}}


def _try(what: Callable[[], object]) -> dict[str, Any] | None:
    """The fault, or None. Memory that runs out ends it all: nothing that follows could be relied on."""
    try:
        what()
    except MemoryError:
        _end(stopped="memory", tried="more memory than allowed", at={})
    except BaseException as error:
        return _fault(error)
    return None


def _make_module(name: str, source: str, watch: _Watch) -> dict[str, Any] | None:
    module = types.ModuleType(name)
    module.__file__ = f"{name}.py"
    sys.modules[name] = module

    def load() -> None:
        watch.is_compiling = True
        try:
            program = compile(source, f"{name}.py", "exec")
        finally:
            watch.is_compiling = False
        exec(program, module.__dict__)  # noqa: S102 - what all this is for

    return _try(load)


def _tests_of(module: types.ModuleType) -> Sequence[tuple[str, Callable[[], object]]]:
    """Functions named `test_...`, in the order of the file."""
    return [
        (name, value)
        for name, value in vars(module).items()
        if name.startswith("test_") and isinstance(value, types.FunctionType)
    ]


def run(job: dict[str, Any], watch: _Watch) -> NoReturn:
    """The code, then each test. Every step is told before it is taken, so that it is known what a process died of."""
    for name in (CODE, TESTS):
        if job["sources"].get(name) is None:
            continue
        _tell(running=f"{name}.py")
        fault = _make_module(name, job["sources"][name], watch)
        if fault is not None:
            _end(broken=fault, file=f"{name}.py")
    if job["sources"].get(TESTS) is not None:
        for name, test in _tests_of(sys.modules[TESTS]):
            _tell(running=name)
            fault = _try(test)
            _tell(test=name, fault=fault)
    _end(done=True)


def main() -> NoReturn:
    job = json.loads(os.read(0, 16_000_000))
    os.close(0)
    watch = _Watch()
    shut_in(job, watch)
    run(job, watch)


if __name__ == "__main__":
    main()
