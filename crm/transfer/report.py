"""What an import or an export did, and what was wrong with the files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crm.errors import CrmError

KEPT_PROBLEMS = 1000


class TransferError(CrmError):
    """The folder cannot be read or written as asked; nothing was changed."""


class TenantMissingError(TransferError):
    """The tenant to import into does not exist."""

    def __init__(self, tenant: str) -> None:
        super().__init__(
            f"tenant {tenant!r} does not exist: create it first with `countersign create-tenant`, then import again"
        )


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with one record. `line` is where the record starts in its file, from 1; 0 is the file."""

    file: str
    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.reason}" if self.field else f"{place}: {self.reason}"


class ProblemLog:
    """Counts all problems and keeps the first thousand."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.count = 0
        self.unread: set[str] = set()
        """Files of which some records were not read, so nobody knows what else they hold."""

    def add(self, file: str, line: int, field: str, reason: str) -> None:
        self.count += 1
        if len(self.kept) < KEPT_PROBLEMS:
            self.kept.append(Problem(file, line, field, reason))


@dataclass(frozen=True)
class Progress:
    """How far an import has come. Totals are known once everything has been checked."""

    step: Literal["check", "write"]
    object_name: str
    rows_done: int
    rows_total: int | None = None


@dataclass(frozen=True)
class ImportReport:
    """The outcome of an import: everything was written, or nothing was because of the problems."""

    rows: dict[str, int]
    """Object -> rows in its file."""
    problems: tuple[Problem, ...] = ()
    """At most a thousand, sorted by file and line; `problem_count` says how many there are."""
    problem_count: int = 0
    ignored: tuple[str, ...] = ()
    """Files, and columns as `File.csv:Column`, that were skipped on request."""

    @property
    def is_written(self) -> bool:
        return self.problem_count == 0


@dataclass(frozen=True)
class ExportReport:
    """The outcome of an export: object -> rows in its file. Objects without records have no file."""

    folder: Path
    rows: dict[str, int]
