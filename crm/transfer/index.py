"""Remembers ids, unique values and references of all files on disk, so that memory does not grow with them."""

import sqlite3
from collections.abc import Iterable, Iterator

_TABLES = """
CREATE TABLE known (id TEXT PRIMARY KEY, file TEXT, line INTEGER) WITHOUT ROWID;
CREATE TABLE taken (rule TEXT, value TEXT, file TEXT, line INTEGER, PRIMARY KEY (rule, value)) WITHOUT ROWID;
CREATE TABLE wanted (id TEXT, field TEXT, file TEXT, line INTEGER);
"""
_PAGE = 500


class FileIndex:
    """What the files contain. Lives in an unnamed temporary database that vanishes with it."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.executescript(f"PRAGMA journal_mode = OFF; PRAGMA cache_size = -8000; {_TABLES} BEGIN;")

    def close(self) -> None:
        self._base.close()

    def add_id(self, record_id: str, file: str, line: int) -> int | None:
        """The line that already has this id, or None."""
        return self._add("known", "id", (record_id,), file, line)

    def add_unique(self, rule: str, value: str, file: str, line: int) -> int | None:
        """The line that already has this value under this rule, or None."""
        return self._add("taken", "rule, value", (rule, value), file, line)

    def _add(self, table: str, key: str, values: tuple[str, ...], file: str, line: int) -> int | None:
        marks = ", ".join("?" * len(values))
        added = self._base.execute(
            f"INSERT OR IGNORE INTO {table} VALUES ({marks}, ?, ?)",  # noqa: S608 - names are this module's own
            (*values, file, line),
        )
        if added.rowcount:
            return None
        found = self._base.execute(
            f"SELECT line FROM {table} WHERE ({key}) = ({marks})",  # noqa: S608 - names are this module's own
            values,
        )
        return int(found.fetchone()[0])

    def want(self, references: Iterable[tuple[str, str, str, int]]) -> None:
        """Note (id, field, file, line) of references that must be resolved in the end."""
        self._base.executemany("INSERT INTO wanted VALUES (?, ?, ?, ?)", references)

    def ids(self, prefix: str) -> Iterator[list[tuple[str, str, int]]]:
        """Pages of (id, file, line) of one object, in order of id."""
        return self._pages(
            "SELECT id, file, line FROM known WHERE id > ? AND id < ? || '~' ORDER BY id LIMIT ?", (prefix,)
        )

    def unique_values(self, rule: str) -> Iterator[list[tuple[str, str, int]]]:
        """Pages of (value, file, line) under a rule, in order of value."""
        last: str = ""
        while page := self._base.execute(
            "SELECT value, file, line FROM taken WHERE rule = ? AND value > ? ORDER BY value LIMIT ?",
            (rule, last, _PAGE),
        ).fetchall():
            yield page
            last = page[-1][0]

    def unresolved(self) -> Iterator[list[str]]:
        """Pages of ids that are referred to and in no file, in order."""
        self._base.execute(
            "CREATE TABLE missing AS SELECT DISTINCT id FROM wanted WHERE id NOT IN (SELECT id FROM known) ORDER BY id"
        )
        last = ""
        while page := self._base.execute(
            "SELECT id FROM missing WHERE id > ? ORDER BY id LIMIT ?", (last, _PAGE)
        ).fetchall():
            yield [record_id for (record_id,) in page]
            last = page[-1][0]

    def resolve(self, ids: Iterable[str]) -> None:
        """Take ids off the list of what is missing."""
        self._base.executemany("DELETE FROM missing WHERE id = ?", ((record_id,) for record_id in ids))

    def dangling(self) -> Iterator[tuple[str, str, str, int]]:
        """(id, field, file, line) of every reference that leads nowhere; after `unresolved` was read to its end."""
        return self._base.execute(
            "SELECT id, field, file, line FROM wanted WHERE id IN (SELECT id FROM missing) ORDER BY file, line, field"
        )

    def _pages(self, sql: str, bounds: tuple[str]) -> Iterator[list[tuple[str, str, int]]]:
        prefix = bounds[0]
        last = prefix
        while page := self._base.execute(sql, (last, prefix, _PAGE)).fetchall():
            yield page
            last = page[-1][0]
