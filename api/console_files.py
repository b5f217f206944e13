"""The console's files, read once and served as they are: a page that runs nothing but these files."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("console")

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""No script but the console's own files, none that is made out of text, and nothing from another place."""

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class ConsoleFile:
    """One file with what its answer carries; `packed` is the same, compressed."""

    body: bytes
    packed: bytes
    media_type: str
    etag: str


@cache
def load_console() -> Mapping[str, ConsoleFile]:
    """All files by their path below `/console/`; the page itself is the empty path."""
    found = {
        path.relative_to(FOLDER).as_posix(): _read(path)
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in _TYPES and path.is_file()
    }
    return {**found, "": found["index.html"]}


def _read(path: Path) -> ConsoleFile:
    body = path.read_bytes()
    return ConsoleFile(
        body=body,
        packed=gzip.compress(body, mtime=0),
        media_type=_TYPES[path.suffix],
        etag=hashlib.sha256(body).hexdigest()[:20],
    )
