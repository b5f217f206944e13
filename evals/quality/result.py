"""The outcome of a run: each case with what was said, found and counted, and the measures over all of them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evals.quality.cases import Case
from evals.quality.expecting import Expectation
from evals.quality.findings import MEASURES, Fault, Finding, Tally
from evals.quality.score import Score
from evals.quality.transcript import Transcript

FORM = 1
"""Of the JSON report."""


@dataclass(frozen=True)
class CaseResult:
    """One case, in values that JSON can hold."""

    suite: str
    case: str
    caller: str
    says: tuple[str, ...]
    findings: tuple[Finding, ...]
    tallies: Mapping[str, Tally]
    transcript: tuple[Mapping[str, Any], ...] = ()
    seconds: float = 0

    @property
    def key(self) -> str:
        return f"{self.suite}/{self.case}"

    @property
    def is_passed(self) -> bool:
        return not self.findings

    @property
    def faults(self) -> list[Fault]:
        """The classes of error, each once."""
        return sorted({one.fault for one in self.findings})

    def to_json(self) -> dict[str, Any]:
        return {
            "suite": self.suite,
            "case": self.case,
            "caller": self.caller,
            "says": list(self.says),
            "passed": self.is_passed,
            "findings": [{"class": one.fault.value, "turn": one.turn, "text": one.text} for one in self.findings],
            "tallies": {name: [one.hits, one.of] for name, one in self.tallies.items()},
            "transcript": [dict(one) for one in self.transcript],
            "seconds": round(self.seconds, 2),
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "CaseResult":
        return cls(
            suite=given["suite"],
            case=given["case"],
            caller=given["caller"],
            says=tuple(given["says"]),
            findings=tuple(Finding(Fault(one["class"]), one["turn"], one["text"]) for one in given["findings"]),
            tallies={name: Tally(hits, of) for name, (hits, of) in given["tallies"].items()},
            transcript=tuple(given["transcript"]),
            seconds=given["seconds"],
        )


@dataclass
class RunResult:
    """All cases of a run. `made` names what it was made with: model, digest of prompts and tools, seed, suites."""

    made: Mapping[str, Any]
    cases: list[CaseResult] = field(default_factory=list)
    seconds: float = 0

    @property
    def suites(self) -> list[str]:
        return list(dict.fromkeys(one.suite for one in self.cases))

    def measures(self, suite: str | None = None) -> dict[str, Tally]:
        """Every measure, over one suite or all."""
        chosen = [one for one in self.cases if suite in (None, one.suite)]
        return {name: sum((one.tallies.get(name, Tally()) for one in chosen), Tally()) for name in MEASURES}

    def faults(self, suite: str | None = None) -> Counter[Fault]:
        """How many cases have an error of each class."""
        return Counter(fault for one in self.cases if suite in (None, one.suite) for fault in one.faults)

    def to_json(self) -> dict[str, Any]:
        return {
            "form": FORM,
            "made": dict(self.made),
            "measures": _plain(self.measures()),
            "suites": {suite: _plain(self.measures(suite)) for suite in self.suites},
            "faults": {fault.value: count for fault, count in sorted(self.faults().items())},
            "cases": [one.to_json() for one in self.cases],
            "seconds": round(self.seconds, 1),
        }

    @classmethod
    def from_json(cls, given: Any) -> "RunResult":
        """Raises: ValueError if this is no report of this form."""
        if not isinstance(given, Mapping) or given.get("form") != FORM:
            raise ValueError(f"expected a report of `countersign eval --json` of form {FORM}")
        try:
            return cls(given["made"], [CaseResult.from_json(one) for one in given["cases"]], given["seconds"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the report is not whole: {error}") from None


def _plain(measures: Mapping[str, Tally]) -> dict[str, Any]:
    return {
        name: {"hits": one.hits, "of": one.of, "rate": None if one.rate is None else round(one.rate, 4)}
        for name, one in measures.items()
    }


def result_of(suite: str, case: Case, transcript: Transcript, score: Score, seconds: float) -> CaseResult:
    """The case with names in the place of ids that differ from run to run."""
    names = transcript.new_ids()
    return CaseResult(
        suite=suite,
        case=case.id,
        caller=transcript.caller,
        says=tuple(one.said for one in transcript.exchanges if not one.is_history),
        findings=tuple(Finding(one.fault, one.turn, _named(one.text, names)) for one in score.findings),
        tallies=dict(score.tallies),
        transcript=tuple(_named(_shown(transcript), names)),
        seconds=seconds,
    )


def broken_result(suite: str, case: Case, error: str, seconds: float) -> CaseResult:
    """A case that could not be played to its end."""
    said = [case.say] if case.say else [turn.say for turn in case.turns] or [case.user.opens if case.user else ""]
    return CaseResult(
        suite=suite,
        case=case.id,
        caller="",
        says=tuple(filter(None, said)),
        findings=(Finding(Fault.ERROR, 0, error),),
        tallies={"passed": Tally(0, 1)} | {name: Tally(0, 1) for name in _promised(case)},
        seconds=seconds,
    )


def _promised(case: Case) -> Iterable[str]:
    """What the case would have been counted in: breaking off is no way to a better rate."""
    expected: Sequence[Expectation] = [case.expect, *(turn.expect for turn in case.turns)]
    if any(one.agent for one in expected):
        yield "routing"
    if any(one.answer is not None and one.answer.is_exact for one in expected):
        yield "exact_answers"
    if any(one.refusal is not None for one in expected):
        yield "refusals"


def _shown(transcript: Transcript) -> list[dict[str, Any]]:
    return [
        {
            "user": one.said,
            "route": one.route,
            "calls": [
                {"tool": call.tool, "arguments": dict(call.arguments), "ok": call.ok, "error": _error(call)}
                for call in one.calls
            ],
            "held": [
                {"tool": held.tool, "new": held.new_values(), "decision": held.decision, "by": held.by}
                | {"status": held.status}
                for held in one.held
            ],
            "answer": list(one.spoken),
            "fault": one.fault,
        }
        for one in transcript.exchanges
    ]


def _error(call: Any) -> str:
    return f"{call.error}: {call.message}" if call.error else ""


def _named(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"[0-9A-Za-z]{18}", lambda found: names.get(found[0], found[0]), value) if names else value
    if isinstance(value, Mapping):
        return {name: _named(inner, names) for name, inner in value.items()}
    return [_named(inner, names) for inner in value] if isinstance(value, list | tuple) else value
