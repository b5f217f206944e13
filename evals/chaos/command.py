"""`countersign eval chaos`: a storm over several processes on PostgreSQL, then one over a single one on SQLite."""

import asyncio
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from api.durable_queue import make_queue_tables
from api.settings import Settings
from bench.databases import name_tenants, open_server, open_sqlite
from evals.chaos.fleet import Fleet
from evals.chaos.storm import Plan, Report, blow, given_settings

FACTOR = 0.02


def run(console: Console, *, runs: int, kills: int, tenants: int, into: Path | None) -> bool:
    """Whether nothing was lost, repeated or done without a word."""
    progress = Console(stderr=True)
    reports = {
        "PostgreSQL, 2 serving, 3 working": on_postgresql(runs, kills, tenants, progress),
        "SQLite, one process": on_sqlite(max(1, runs // 10), max(1, kills // 10), progress),
    }
    table = Table(title="After the storm")
    for column in ("", "runs accepted", "processes killed", "effects", "lost", "repeated", "unapproved", "seconds"):
        table.add_column(column, justify="left" if not column else "right")
    for name, report in reports.items():
        found = report.verdict
        counts = (report.accepted, report.kills, found.effects, len(found.lost), len(found.repeated))
        table.add_row(name, *map(str, counts), str(len(found.unapproved)), f"{report.seconds:.0f}")
    console.print(table)
    for name, report in reports.items():
        for kind, faults in report.verdict.faults.items():
            console.print(f"{name}: {kind}: {len(faults)}: {'; '.join(faults[:5])}", style="red")
        console.print(
            f"{name}: {report.sent} sent, {report.tally.taken} decisions taken, {report.tally.late} too late, "
            f"{report.tally.unanswered} unanswered, database restarted {report.restarts} times; "
            f"audit {'verifies' if not report.verdict.broken_audits else 'is broken'}."
        )
    if into is not None:
        into.write_text(json.dumps({name: _plain(one) for name, one in reports.items()}, indent=2), encoding="utf-8")
    return all(report.holds for report in reports.values())


def on_postgresql(
    runs: int, kills: int, tenants: int, progress: Console, *, servers: int = 2, workers: int = 3, every_s: float = 2.0
) -> Report:
    names = name_tenants(tenants)
    with open_server(FACTOR, names) as opened, tempfile.TemporaryDirectory() as folder:
        make_queue_tables(opened.config, Path(folder))
        given = given_settings(opened.config, folder)
        _prepare(given)
        with Fleet(given, servers, workers) as fleet:
            plan = Plan(runs, kills, every_s)
            return asyncio.run(
                blow(opened.config, names, fleet, plan, restart_database=opened.restart, tell=_teller(progress))
            )


def on_sqlite(runs: int, kills: int, progress: Console, *, every_s: float = 3.0) -> Report:
    names = name_tenants(3)
    with open_sqlite(FACTOR, names) as config, tempfile.TemporaryDirectory() as folder:
        make_queue_tables(config, Path(folder))
        given = given_settings(config, folder)
        _prepare(given)
        with Fleet(given, 1, 0) as fleet:
            plan = Plan(runs, kills, every_s, at_once=4)
            return asyncio.run(blow(config, names, fleet, plan, tell=_teller(progress)))


def _prepare(given: dict[str, Any]) -> None:
    """Let the keys that development makes be there before the first process is killed."""
    settings = Settings(**{**given, "data_dir": Path(given["data_dir"])})
    settings.cursor_key()
    settings.key_set()
    settings.head_signer()


def _teller(progress: Console) -> Any:
    return lambda line: progress.print(f"[dim]{line}[/dim]")


def _plain(report: Report) -> dict[str, Any]:
    return asdict(report) | {"holds": report.holds}
