"""Reads the files of a folder record by record, whatever their size."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crm.schema import OBJECT_INFO, ObjectInfo
from crm.transfer.report import ProblemLog, TransferError

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class SourceFile:
    """A file with records of one object; the header says which of its columns are fields."""

    path: Path
    info: ObjectInfo
    columns: tuple[str | None, ...]
    """Field per column; None for a column that is skipped."""

    @property
    def name(self) -> str:
        return self.path.name

    def rows(self, log: ProblemLog) -> Iterator[tuple[int, list[str]]]:
        """(line, cells) per record that has all its cells; empty lines are skipped."""
        for line, cells in _records(self.path, log):
            if len(cells) == len(self.columns):
                yield line, cells
            else:
                log.add(self.name, line, "", f"expected {len(self.columns)} cells, found {len(cells)}")
                log.unread.add(self.name)


def find_sources(folder: Path, log: ProblemLog, *, ignore_unknown: bool) -> tuple[list[SourceFile], list[str]]:
    """The files to import, parents before children, and what was skipped on request.

    Raises: TransferError: there is nothing to import.
    """
    if not folder.is_dir():
        raise TransferError(f"{str(folder)!r} is not a folder")
    found = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() == ".csv" and path.is_file()}
    if not found:
        raise TransferError(f"{str(folder)!r} contains no .csv files; expected Account.csv, Contact.csv and so on")
    ignored = []
    for name, path in found.items():
        if name not in OBJECT_INFO:
            if ignore_unknown:
                ignored.append(path.name)
            else:
                log.add(path.name, 0, "", f"there is no object {name!r}")
    sources = []
    for name in write_order():
        if name in found:
            source, skipped = _open_source(found[name], OBJECT_INFO[name], log, ignore_unknown=ignore_unknown)
            ignored += skipped
            if source is not None:
                sources.append(source)
    return sources, ignored


def write_order() -> list[str]:
    """All objects, each after those that its records point to, as far as they do not point in a circle."""
    ordered: dict[str, None] = {}
    entered: set[str] = set()

    def visit(name: str) -> None:
        if name in entered:
            return
        entered.add(name)
        for spec in OBJECT_INFO[name].fields.values():
            if len(spec.targets) == 1:
                visit(spec.targets[0])
        ordered[name] = None

    for name in sorted(OBJECT_INFO):
        visit(name)
    return list(ordered)


def _open_source(
    path: Path, info: ObjectInfo, log: ProblemLog, *, ignore_unknown: bool
) -> tuple[SourceFile | None, list[str]]:
    header = next(_records(path, log), None)
    if header is None:
        log.add(path.name, 1, "", "the file has no header")
        log.unread.add(path.name)
        return None, []
    columns: list[str | None] = []
    ignored: list[str] = []
    for column in header[1]:
        if column in columns:
            log.add(path.name, 1, column, "the column appears twice")
        elif column in info.fields or ignore_unknown:
            columns.append(column if column in info.fields else None)
            ignored += [] if column in info.fields else [f"{path.name}:{column}"]
        else:
            log.add(path.name, 1, column, f"{info.name} has no such field")
            columns.append(None)
    missing = [name for name, spec in info.fields.items() if (spec.is_required or name == "Id") and name not in columns]
    for name in missing:
        log.add(path.name, 1, name, "the column is required")
    if missing or len(columns) != len(header[1]):
        log.unread.add(path.name)
        return None, ignored
    return SourceFile(path, info, tuple(columns)), ignored


def data_rows(source: SourceFile, log: ProblemLog) -> Iterator[tuple[int, list[str]]]:
    """The records without the header."""
    rows = source.rows(log)
    next(rows, None)
    return rows


def _records(path: Path, log: ProblemLog) -> Iterator[tuple[int, list[str]]]:
    """(line on which it starts, cells) per record. A fault of the form ends the file: what follows is guesswork."""
    reader = csv.reader(_lines(path, log), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            log.add(path.name, line, "", f"cannot be read as CSV: {error}; the rest was not checked")
            log.unread.add(path.name)
            return
        if cells:
            yield line, cells


def _lines(path: Path, log: ProblemLog) -> Iterator[str]:
    """Lines with their ends; one that is not UTF-8 is reported and read as well as possible."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            content = raw.removeprefix(BOM) if number == 1 else raw
            try:
                yield content.decode()
            except UnicodeDecodeError:
                log.add(path.name, number, "", "is not valid UTF-8")
                yield content.decode(errors="replace")
