"""`countersign eval`, `eval compare` and `eval import`: what they do, apart from how they are called."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import yaml
from rich.console import Console

from agents._models import UnknownModelError, make_model
from api._terminal import CommandError, one_line
from api.evaluations import FOLDER, EvaluationStore
from api.settings import Settings
from evals.quality.cases import Suite
from evals.quality.comparing import ReportError, compare, load_report
from evals.quality.importing import CsvImport, ImportFaults, load_map
from evals.quality.loading import SuiteError, load_suite
from evals.quality.page import build_page
from evals.quality.report import print_comparison, print_result
from evals.quality.result import CaseResult
from evals.quality.run import Plan, find_suites, names, run_plan
from evals.quality.thresholds import ThresholdError, is_green, judge, load_thresholds


def run(
    console: Console,
    *,
    suites: Sequence[str],
    cases: Sequence[str],
    model: str,
    jobs: int,
    sample: int | None,
    seed: int,
    thresholds: Path | None,
    into_json: Path | None,
    into_html: Path | None,
    store: bool,
    folder: Path | None,
    tenant: str | None,
) -> bool:
    """Whether the model is green; without thresholds, whether every case passed. Raises: CommandError."""
    if not store and (folder is not None or tenant is not None):
        raise CommandError("--folder and --tenant say where and for whom to keep the report; expected with --store")
    try:
        bounds = None if thresholds is None else load_thresholds(thresholds)
        chosen = _only(find_suites(suites), cases)
        _check_model(model)
    except (SuiteError, ThresholdError, UnknownModelError) as error:
        raise CommandError(str(error)) from None
    plan = Plan(chosen, model=model, jobs=jobs, sample=sample, seed=seed)
    result = run_plan(plan, tell=_teller(len(plan.cases())))
    verdicts = [] if bounds is None else judge(result, bounds)
    green = is_green(result, verdicts) if verdicts else all(one.is_passed for one in result.cases)
    said = result.to_json() | {"thresholds": [one.to_json() for one in verdicts], "green": green}
    if store:
        kept = EvaluationStore(folder or Settings(mode="development").data_dir)
        report_id = kept.put(said, at=datetime.now(UTC), tenant=tenant)
        console.print(f"Kept as {report_id} in {one_line(kept.data_dir / FOLDER)}")
    if into_json is not None:
        into_json.write_text(json.dumps(said, indent=1, ensure_ascii=False, default=str), encoding="utf-8")
    if into_html is not None:
        into_html.write_text(build_page(result, verdicts), encoding="utf-8")
    print_result(result, verdicts, console)
    console.print("[bold green]GREEN[/bold green]" if green else "[bold red]RED[/bold red]")
    return green


def _only(suites: Sequence[Suite], cases: Sequence[str]) -> tuple[Suite, ...]:
    """The suites with just the cases of these ids; all of them if none is named. Raises: CommandError."""
    if not cases:
        return tuple(suites)
    unknown = set(cases) - {case.id for suite in suites for case in suite.cases}
    if unknown:
        raise CommandError(f"there is no case {sorted(unknown)[0]!r}")
    kept = [(suite, [case for case in suite.cases if case.id in cases]) for suite in suites]
    return tuple(suite.model_copy(update={"cases": tuple(some)}) for suite, some in kept if some)


def _check_model(model: str) -> None:
    """Raises: UnknownModelError before anything is built."""
    settings = Settings(mode="development")
    make_model(model, base_url=settings.model_base_url, api_key=settings.model_key())


def _teller(total: int) -> "_Teller":
    return _Teller(Console(stderr=True), total)


class _Teller:
    """Says how far it is, a line for each case that failed and every twentieth of the others."""

    def __init__(self, progress: Console, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self, result: CaseResult) -> None:
        self._done += 1
        if not result.is_passed or self._done % 20 == 0:
            said = ", ".join(fault.value for fault in result.faults) or "passed"
            self._progress.print(f"[dim]{self._done}/{self._total} {one_line(result.key)}: {said}[/dim]")


def run_comparison(console: Console, *, before: Path, after: Path, into_json: Path | None) -> bool:
    """Whether nothing that passed before fails now. Raises: CommandError."""
    try:
        comparison = compare(load_report(before), load_report(after))
    except ReportError as error:
        raise CommandError(str(error)) from None
    print_comparison(comparison, console)
    if into_json is not None:
        into_json.write_text(json.dumps(comparison.to_json(), indent=1), encoding="utf-8")
    return not comparison.regressions


def run_import(console: Console, *, source: Path, into: Path, mapping: Path | None, caller: str) -> bool:
    """Write the CSV's cases as a suite, which is read once more to be sure. Raises: CommandError."""
    if into.exists():
        raise CommandError(f"{into} is there already")
    kind = "contact" if "@" in caller else "employee"
    try:
        topics, actions = ({}, {}) if mapping is None else load_map(mapping)
        cases = CsvImport(names(), topics, actions).read(source)
        suite = {"suite": _name_of(into), "about": f"Imported from {source.name}.", "caller": {kind: caller}}
        into.write_text(yaml.safe_dump(suite | {"cases": cases}, sort_keys=False, allow_unicode=True), encoding="utf-8")
        load_suite(into, names())
    except ImportFaults as error:
        raise CommandError(str(error)) from None
    except SuiteError as error:
        into.unlink()
        raise CommandError(str(error)) from None
    console.print(f"{len(cases)} cases written to {one_line(into)}")
    return True


def _name_of(path: Path) -> str:
    kept = "".join(char if char.isalnum() and char.isascii() else "_" for char in path.stem.casefold())
    return kept.strip("_") or "imported"
