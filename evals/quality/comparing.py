"""What changed between two runs: cases that broke, cases that were mended, and each class of error and measure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.quality.findings import MEASURES, Fault, Tally
from evals.quality.result import CaseResult, RunResult


class ReportError(Exception):
    """A file is no report of a run; the message names it and says what was expected."""


@dataclass(frozen=True)
class Comparison:
    """From `before` to `after`; cases by suite and id."""

    before: Mapping[str, Any]
    """What the earlier run was made with."""
    after: Mapping[str, Any]
    regressions: list[CaseResult]
    """Passed before, does not now."""
    fixes: list[CaseResult]
    otherwise: list[tuple[CaseResult, CaseResult]]
    """Failed both times, of other classes."""
    added: list[str]
    removed: list[str]
    faults: dict[Fault, tuple[int, int]]
    measures: dict[str, tuple[Tally, Tally]]
    """Over the cases that both runs have."""
    differences: list[str] = field(default_factory=list)
    """What the runs were made with, where that is not the same."""

    def to_json(self) -> dict[str, Any]:
        return {
            "before": dict(self.before),
            "after": dict(self.after),
            "regressions": [one.key for one in self.regressions],
            "fixes": [one.key for one in self.fixes],
            "failed_otherwise": [now.key for _, now in self.otherwise],
            "added": self.added,
            "removed": self.removed,
            "faults": {fault.value: list(counts) for fault, counts in self.faults.items()},
            "measures": {name: [_rate(one) for one in pair] for name, pair in self.measures.items()},
        }


def _rate(tally: Tally) -> float | None:
    return None if tally.rate is None else round(tally.rate, 4)


def load_report(path: Path) -> RunResult:
    """Raises: ReportError."""
    try:
        return RunResult.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ReportError(f"{path}: {error}") from None


def compare(before: RunResult, after: RunResult) -> Comparison:
    """Measures and classes are compared over the cases that both runs have, so that new cases change nothing."""
    then, now = ({one.key: one for one in run.cases} for run in (before, after))
    shared = [key for key in then if key in now]
    was = RunResult(before.made, [then[key] for key in shared])
    became = RunResult(after.made, [now[key] for key in shared])
    faults = {fault: (was.faults()[fault], became.faults()[fault]) for fault in Fault}
    earlier, later = was.measures(), became.measures()
    return Comparison(
        before=before.made,
        after=after.made,
        regressions=[now[key] for key in shared if then[key].is_passed and not now[key].is_passed],
        fixes=[now[key] for key in shared if now[key].is_passed and not then[key].is_passed],
        otherwise=[
            (then[key], now[key])
            for key in shared
            if not then[key].is_passed and not now[key].is_passed and then[key].faults != now[key].faults
        ],
        added=[key for key in now if key not in then],
        removed=[key for key in then if key not in now],
        faults={fault: counts for fault, counts in faults.items() if any(counts)},
        measures={name: (earlier[name], later[name]) for name in MEASURES if earlier[name].of or later[name].of},
        differences=[
            f"{name}: {before.made.get(name)!r} -> {after.made.get(name)!r}"
            for name in ("model", "prompts", "factor")
            if before.made.get(name) != after.made.get(name)
        ],
    )
