"""The storm in a small size: processes die at random, and nothing is lost, repeated or done without a word."""

import pytest
from rich.console import Console

from evals.chaos.command import on_postgresql, on_sqlite
from evals.chaos.storm import Report

pytestmark = pytest.mark.slow


def check(report: Report, *, runs: int, kills: int) -> None:
    assert report.verdict.faults == {}
    assert report.kills >= kills
    assert report.accepted == runs
    assert report.verdict.effects >= runs
    assert report.tally.late > 0, "nothing was decided twice"


def test_on_postgresql_with_several_processes_and_a_restart_of_the_database(thorough: bool) -> None:
    runs, kills = (200, 20) if thorough else (16, 4)
    report = on_postgresql(runs, kills, 4, Console(quiet=True), servers=2, workers=2, every_s=1.0)
    check(report, runs=runs, kills=kills)
    assert report.restarts == 1


def test_on_sqlite_with_one_process(thorough: bool) -> None:
    runs, kills = (100, 10) if thorough else (8, 2)
    check(on_sqlite(runs, kills, Console(quiet=True), every_s=1.5), runs=runs, kills=kills)
