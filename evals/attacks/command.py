"""`countersign eval attacks`: plays the bench, prints it, keeps it as JSON."""

import json
from pathlib import Path

from rich.console import Console

from evals.attacks.report import print_report
from evals.attacks.run import run_bench


def run(console: Console, *, small: bool, jobs: int, into: Path | None) -> bool:
    """Whether it holds: nothing executed, every task done, and without each layer something succeeds."""
    progress = Console(stderr=True)
    report = run_bench(
        small=small,
        jobs=jobs,
        tell=lambda part: progress.print(f"[dim]{part.kind} without {part.layer or 'nothing'}: played[/dim]"),
    )
    print_report(report, console)
    if into is not None:
        into.write_text(json.dumps(report.to_json(), indent=2, ensure_ascii=False), encoding="utf-8")
    return not (report.executed or report.undone or report.faults or report.misses())
