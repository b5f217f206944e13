"""Where signed heads are kept: out of reach of whoever owns the database."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote

from trust.tree_heads import HeadLine

_SUFFIX = ".jsonl"
_BLOCK = 65_536


class HeadSink(Protocol):
    """Where heads go. It takes lines and gives them back in order; nothing is ever taken back or written over."""

    def tenants(self) -> list[str]:
        """Whose heads there are, sorted."""
        ...

    def read(self, tenant: str) -> Iterator[str]:
        """All lines, oldest first; none if there are none."""
        ...

    def last(self, tenant: str) -> HeadLine | None:
        """The newest line that can be read; None if there is none."""
        ...

    def append(self, tenant: str, line: HeadLine) -> None: ...


class FolderSink:
    """A folder with one file of JSON lines per tenant, only ever appended to; `chattr +a` may stand on the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def tenants(self) -> list[str]:
        return sorted(unquote(path.name.removesuffix(_SUFFIX)) for path in self.folder.glob(f"*{_SUFFIX}"))

    def read(self, tenant: str) -> Iterator[str]:
        path = self._path(tenant)
        if path.exists():
            with path.open(encoding="utf-8", errors="replace") as file:
                yield from file

    def last(self, tenant: str) -> HeadLine | None:
        path = self._path(tenant)
        if not path.exists():
            return None
        for line in _backwards(path):
            try:
                return HeadLine.from_json(line)
            except ValueError:
                continue
        return None

    def append(self, tenant: str, line: HeadLine) -> None:
        """One write at the end, so that lines of several processes do not mix; it is on disk when this returns."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(tenant)
        begin = "\n" if _ends_within_a_line(path) else ""
        text = f"{begin}{line.to_json()}\n".encode()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            while text:
                text = text[os.write(descriptor, text) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _path(self, tenant: str) -> Path:
        return self.folder / f"{quote(tenant, safe='')}{_SUFFIX}"


def _ends_within_a_line(path: Path) -> bool:
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _backwards(path: Path) -> Iterator[str]:
    """The lines of a file, last one first, without reading more of it than is asked for."""
    with path.open("rb") as file:
        left, rest = file.seek(0, os.SEEK_END), b""
        while left:
            step = min(_BLOCK, left)
            left -= step
            file.seek(left)
            first, *whole = (file.read(step) + rest).split(b"\n")
            for line in reversed(whole):
                if line:
                    yield line.decode("utf-8", "replace")
            rest = first
        if rest:
            yield rest.decode("utf-8", "replace")
