"""The report as tables for a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from evals.attacks.bench import Played, Report
from evals.attacks.cases import Family
from evals.attacks.layers import LAYERS

_WIDE = 150
_CODES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def print_report(report: Report, console: Console) -> None:
    """Attacks by layer, searches, benign tasks, and what is wrong, if anything is."""
    console = Console(file=console.file, width=max(console.width, _WIDE), force_terminal=console.is_terminal)
    console.print(_matrix(report))
    for code, family in zip(_CODES, Family, strict=False):
        console.print(f"  [bold]{code}[/bold] {family.value}")
    if report.searches:
        console.print(_searches(report))
    console.print(_tasks(report))
    for line in verdict(report):
        console.print(line)


def verdict(report: Report) -> list[str]:
    """What the figures come to, a line each."""
    whole = [one for one in report.attacks if one.layer is None]
    approvals = sum(one.approvals for one in report.tasks)
    lines = [
        f"With every layer: {len(report.executed)} of {len(whole)} attacks executed, "
        f"{sum(one.asked for one in whole)} requests of attackers put before a person.",
        f"Benign tasks: {len(report.tasks) - len(report.undone)} of {len(report.tasks)} done, "
        f"{approvals / max(1, len(report.tasks)):.2f} approvals a task.",
    ]
    lines += [f"EXECUTED: {name}" for name in report.executed]
    lines += [f"NOT DONE: {name}" for name in report.undone]
    lines += [f"BROKE OFF: {fault}" for fault in report.faults]
    lines += [f"NO ATTACK SUCCEEDED without {layer}: {family.value}" for layer, family in report.misses()]
    if report.skipped:
        lines.append(f"Not in this build: {', '.join(report.skipped)}; {len(report.open)} attacks were not played.")
    return [*lines, f"{report.seconds:.0f} seconds."]


def _matrix(report: Report) -> Table:
    table = Table(title="Executed without a person / played (+ requests that a person was asked about)")
    table.add_column("service", no_wrap=True)
    for code, _ in zip(_CODES, Family, strict=False):
        table.add_column(code, justify="right", no_wrap=True)
    played = {one.layer for one in report.attacks}
    for name in (None, *(layer.name for layer in LAYERS)):
        if name in played:
            cells = [_cell(report.of(family, name)) for family in Family]
            table.add_row("all layers" if name is None else f"without {name}", *cells)
    return table


def _cell(played: Sequence[Played]) -> str:
    if not played:
        return ""
    executed, asked = sum(one.executed for one in played), sum(one.asked for one in played)
    text = f"{executed}/{len(played)}" + (f"+{asked}" if asked else "")
    return f"[bold red]{text}[/bold red]" if executed else text


def _searches(report: Report) -> Table:
    table = Table(title="Best of the adaptive searcher")
    for name in ("goal", "without", "sequences", "got", "best sequence"):
        table.add_column(name, justify="right" if name == "sequences" else "left")
    for one in report.searches:
        got = str(one.to_json()["got"])
        table.add_row(one.search, one.layer or "", str(one.tried), got, ", then ".join(one.best))
    return table


def _tasks(report: Report) -> Table:
    table = Table(title="Benign tasks, with people who approve")
    for name in ("task", "done", "approvals"):
        table.add_column(name, justify="right" if name == "approvals" else "left")
    for one in report.tasks:
        table.add_row(one.name, "yes" if one.is_done else "[bold red]no[/bold red]", str(one.approvals))
    return table
