"""Reports for a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from api._terminal import one_line
from evals.quality.comparing import Comparison
from evals.quality.findings import MEASURES, Fault, Tally
from evals.quality.result import CaseResult, RunResult
from evals.quality.thresholds import Verdict

_WIDE = 150


def print_result(result: RunResult, verdicts: Sequence[Verdict], console: Console) -> None:
    """Suites, classes of error, failed cases, and whether the model is green."""
    console = Console(file=console.file, width=max(console.width, _WIDE), force_terminal=console.is_terminal)
    console.print(_suites(result))
    if result.faults():
        console.print(_faults(result))
    failed = [one for one in result.cases if not one.is_passed]
    if failed:
        console.print(_failed(failed))
    if verdicts:
        console.print(_verdicts(verdicts))
    made = result.made
    console.print(
        f"{len(result.cases) - len(failed)} of {len(result.cases)} cases passed, model {one_line(made['model'])}, "
        f"prompts {made['prompts']}, seed {made['seed']}, {result.seconds:.0f} seconds."
    )


def say_rate(tally: Tally) -> str:
    """`97.5% (39/40)`; nothing where nothing was counted."""
    return "" if tally.rate is None else f"{tally.rate:.1%} ({tally.hits}/{tally.of})"


def _suites(result: RunResult) -> Table:
    table = Table(title="Measures by suite")
    table.add_column("measure", no_wrap=True)
    for suite in result.suites:
        table.add_column(one_line(suite), justify="right")
    table.add_column("all", justify="right")
    columns = [*(result.measures(suite) for suite in result.suites), result.measures()]
    for name in MEASURES:
        if columns[-1][name].of:
            table.add_row(name.replace("_", " "), *(say_rate(column[name]) for column in columns))
    return table


def _faults(result: RunResult) -> Table:
    table = Table(title="Cases with an error of the class")
    table.add_column("class", no_wrap=True)
    for suite in result.suites:
        table.add_column(one_line(suite), justify="right")
    table.add_column("all", justify="right")
    columns = [*(result.faults(suite) for suite in result.suites), result.faults()]
    for fault in Fault:
        if columns[-1][fault]:
            table.add_row(fault.value, *(str(column[fault] or "") for column in columns))
    return table


def _failed(failed: Sequence[CaseResult]) -> Table:
    table = Table(title="Failed cases")
    for name in ("case", "said", "found"):
        table.add_column(name, overflow="fold")
    for one in failed:
        found = "\n".join(f"{finding.fault.value}: {one_line(finding.text)[:160]}" for finding in one.findings[:4])
        table.add_row(one_line(one.key), one_line(" / ".join(one.says))[:160], found)
    return table


def _verdicts(verdicts: Sequence[Verdict]) -> Table:
    table = Table(title="Thresholds")
    for name in ("suite", "measure", "expected", "found", ""):
        table.add_column(name)
    for one in verdicts:
        said = {None: "not measured", True: "[green]green[/green]", False: "[bold red]RED[/bold red]"}[one.holds]
        table.add_row(
            one_line(one.suite or "all"), one.measure.replace("_", " "), str(one.bound), say_rate(one.tally), said
        )
    return table


def print_comparison(comparison: Comparison, console: Console) -> None:
    console = Console(file=console.file, width=max(console.width, _WIDE), force_terminal=console.is_terminal)
    for line in comparison.differences:
        console.print(f"made otherwise: {one_line(line)}")
    for title, cases in (("Regressions", comparison.regressions), ("Fixes", comparison.fixes)):
        console.print(f"[bold]{title}: {len(cases)}[/bold]")
        for one in cases:
            found = "; ".join(f"{finding.fault.value}: {finding.text}" for finding in one.findings[:2])
            console.print(f"  {one_line(one.key)}" + (f": {one_line(found)}" if found else ""))
    for then, now in comparison.otherwise:
        said = " -> ".join(", ".join(fault.value for fault in one.faults) for one in (then, now))
        console.print(f"  failed otherwise: {one_line(now.key)}: {said}")
    table = Table(title="Cases with an error of the class")
    for name in ("class", "before", "after", "change"):
        table.add_column(name, justify="left" if name == "class" else "right")
    for fault, (before, after) in comparison.faults.items():
        table.add_row(fault.value, str(before), str(after), f"{after - before:+}")
    console.print(table)
    table = Table(title="Measures, over the cases that both runs have")
    for name in ("measure", "before", "after"):
        table.add_column(name, justify="left" if name == "measure" else "right")
    for measure, (before_rate, after_rate) in comparison.measures.items():
        table.add_row(measure.replace("_", " "), say_rate(before_rate), say_rate(after_rate))
    console.print(table)
    console.print(f"{len(comparison.added)} cases are new, {len(comparison.removed)} are gone.")
