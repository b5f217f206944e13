"""Reports of `countersign eval` that were kept: files in the service's data folder, each whole or not there at all."""

import json
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

FOLDER = "evaluations"
MOST_LISTED = 200
_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")


class EvaluationNotFoundError(Exception):
    """No report of this id is kept for the tenant."""


class _Kept(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Finding(_Kept):
    """What was wrong with a case."""

    fault: str = Field(validation_alias=AliasChoices("class", "fault"))
    turn: int
    text: str


class Case(_Kept):
    """A case as it came out."""

    suite: str
    case: str
    says: list[str]
    passed: bool
    findings: list[Finding]

    @property
    def key(self) -> str:
        return f"{self.suite}/{self.case}"

    @property
    def faults(self) -> list[str]:
        return sorted({one.fault for one in self.findings})


class Measure(_Kept):
    """How often something was so, out of how often it could have been."""

    hits: int
    of: int
    rate: float | None


class Made(_Kept):
    """What a run was made with."""

    model: str
    prompts: str = ""
    seed: int = 0


class Report(_Kept):
    """A run that was kept."""

    form: Literal[1]
    report_id: str
    at: datetime
    tenant: str | None
    """Whose administrators see it; None: those of all tenants."""
    made: Made
    green: bool
    seconds: float
    measures: dict[str, Measure]
    faults: dict[str, int]
    cases: list[Case]


@dataclass(frozen=True)
class EvaluationStore:
    """The reports in a data folder."""

    data_dir: Path

    def put(self, said: Mapping[str, Any], *, at: datetime, tenant: str | None = None) -> str:
        """Keep what a run says of itself, without what was said in its conversations. Gives the report's id."""
        report_id = f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        cases = [{name: value for name, value in one.items() if name != "transcript"} for one in said["cases"]]
        kept = {**said, "cases": cases, "report_id": report_id, "at": at.isoformat(), "tenant": tenant}
        Report.model_validate(kept)
        folder = self.data_dir / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{report_id}"
        draft.write_text(json.dumps(kept, ensure_ascii=False, default=str), encoding="utf-8")
        os.replace(draft, folder / f"{report_id}.json")
        return report_id

    def list(self, tenant: str, *, limit: int) -> list[Report]:
        """What this tenant's administrators may see, the newest first."""
        found = (one for one in self._read_all() if one.tenant in (None, tenant))
        return [one for one, _ in zip(found, range(limit), strict=False)]

    def get(self, tenant: str, report_id: str) -> Report:
        """Raises: EvaluationNotFoundError."""
        found = self._read(self.data_dir / FOLDER / f"{report_id}.json") if _ID.fullmatch(report_id) else None
        if found is None or found.tenant not in (None, tenant):
            raise EvaluationNotFoundError(report_id)
        return found

    def _read_all(self) -> Iterator[Report]:
        paths = sorted((self.data_dir / FOLDER).glob("*.json"), reverse=True)
        for path in paths[:MOST_LISTED]:
            if (found := self._read(path)) is not None:
                yield found

    def _read(self, path: Path) -> Report | None:
        """None for what is no report of this form: an older service's, or another file."""
        with suppress(OSError, ValidationError):
            return Report.model_validate_json(path.read_text(encoding="utf-8"))
        return None


class Change(BaseModel):
    """A number of before and after."""

    before: float | None
    after: float | None


class CaseChange(BaseModel):
    """A case that came out otherwise."""

    suite: str
    case: str
    says: list[str]
    before: list[str] = Field(description="Classes of error; none: it passed.")
    after: list[str]


class Comparison(BaseModel):
    """What changed between two runs, over the cases that both have."""

    regressions: list[CaseChange] = Field(description="Passed before, do not now.")
    fixes: list[CaseChange]
    otherwise: list[CaseChange] = Field(description="Failed both times, with other classes of error.")
    shared: int
    added: int
    removed: int
    faults: dict[str, Change] = Field(description="Class of error -> how many cases have one.")
    passed: Change
    differences: list[str] = Field(description="What the runs were made with, where that is not the same.")


def compare(before: Report, after: Report) -> Comparison:
    """From one run to the other."""
    then, now = ({one.key: one for one in run.cases} for run in (before, after))
    pairs = [(then[key], now[key]) for key in then if key in now]
    changed = [(was, became) for was, became in pairs if was.faults != became.faults or was.passed != became.passed]
    counts = [Counter(fault for pair in pairs for fault in pair[place].faults) for place in (0, 1)]
    made = [run.made.model_dump() for run in (before, after)]
    return Comparison(
        regressions=[_change(*pair) for pair in changed if pair[0].passed],
        fixes=[_change(*pair) for pair in changed if pair[1].passed],
        otherwise=[_change(*pair) for pair in changed if not pair[0].passed and not pair[1].passed],
        shared=len(pairs),
        added=len(now) - len(pairs),
        removed=len(then) - len(pairs),
        faults={name: Change(before=counts[0][name], after=counts[1][name]) for name in sorted(counts[0] | counts[1])},
        passed=Change(before=sum(p[0].passed for p in pairs), after=sum(p[1].passed for p in pairs)),
        differences=[
            f"{name}: {made[0][name]} -> {made[1][name]}"
            for name in ("model", "prompts")
            if made[0][name] != made[1][name]
        ],
    )


def _change(was: Case, became: Case) -> CaseChange:
    return CaseChange(suite=was.suite, case=was.case, says=became.says, before=was.faults, after=became.faults)


ReportId = Annotated[str, Field(pattern=f"^{_ID.pattern}$")]
