"""When a model is green: bounds on measures, in a file, for all suites together and for single ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from evals.quality.cases import SHIPPED
from evals.quality.expecting import Form
from evals.quality.findings import MEASURES, Tally
from evals.quality.result import RunResult

SHIPPED_THRESHOLDS = SHIPPED / "thresholds.yaml"


class ThresholdError(Exception):
    """The file cannot be read; a line for each fault, with file and field."""


class Bound(Form):
    """Exactly one of: rate at least, rate at most, rate below, count at most."""

    at_least: float | None = None
    at_most: float | None = None
    below: float | None = None
    count_at_most: int | None = None

    @model_validator(mode="after")
    def check(self) -> Self:
        if sum(one is not None for one in (self.at_least, self.at_most, self.below, self.count_at_most)) != 1:
            raise ValueError("expected exactly one of at_least, at_most, below, count_at_most")
        return self

    def holds(self, tally: Tally) -> bool:
        rate = tally.rate or 0.0
        if self.count_at_most is not None:
            return tally.hits <= self.count_at_most
        if self.at_least is not None:
            return rate >= self.at_least
        return rate <= self.at_most if self.at_most is not None else rate < float(self.below or 0)

    def __str__(self) -> str:
        if self.count_at_most is not None:
            return f"at most {self.count_at_most}"
        if self.at_least is not None:
            return f"at least {self.at_least:.1%}"
        return f"at most {self.at_most:.1%}" if self.at_most is not None else f"below {self.below:.1%}"


class Thresholds(Form):
    """`all` holds for the run as a whole, `suites` for single suites; suites that were not played are passed over."""

    all: dict[str, Bound] = Field(default_factory=dict)
    suites: dict[str, dict[str, Bound]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def check(self) -> Self:
        for bounds in (self.all, *self.suites.values()):
            for name in bounds:
                if name not in MEASURES:
                    raise ValueError(f"there is no measure {name!r}; measures are {', '.join(MEASURES)}")
        return self


@dataclass(frozen=True)
class Verdict:
    """One bound and what became of it. `holds` is None where nothing was counted."""

    suite: str
    """Empty for all of them."""
    measure: str
    bound: Bound
    tally: Tally

    @property
    def holds(self) -> bool | None:
        return self.bound.holds(self.tally) if self.tally.of else None

    def to_json(self) -> dict[str, Any]:
        rate = self.tally.rate
        return {
            "suite": self.suite or None,
            "measure": self.measure,
            "bound": str(self.bound),
            "hits": self.tally.hits,
            "of": self.tally.of,
            "rate": None if rate is None else round(rate, 4),
            "holds": self.holds,
        }


def load_thresholds(path: Path) -> Thresholds:
    """Raises: ThresholdError."""
    try:
        return Thresholds.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        faults = [
            f"{path}: {'.'.join(map(str, fault['loc'])) or 'thresholds'}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors(include_url=False)
        ]
        raise ThresholdError("\n".join(faults)) from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ThresholdError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None


def judge(result: RunResult, thresholds: Thresholds) -> list[Verdict]:
    """A verdict for each bound that the run can be held to."""
    whole = result.measures()
    found = [Verdict("", name, bound, whole[name]) for name, bound in thresholds.all.items()]
    for suite, bounds in thresholds.suites.items():
        if suite in result.suites:
            theirs = result.measures(suite)
            found += [Verdict(suite, name, bound, theirs[name]) for name, bound in bounds.items()]
    return found


def is_green(result: RunResult, verdicts: list[Verdict]) -> bool:
    """Whether every bound holds that could be measured, and any could."""
    return bool(result.cases) and any(one.holds for one in verdicts) and all(one.holds is not False for one in verdicts)
