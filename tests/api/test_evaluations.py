"""Kept reports: each whole, each for those whom it is for, and compared case by case."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from api.evaluations import FOLDER, EvaluationNotFoundError, EvaluationStore, compare
from api.settings import Settings
from tests.service import ADMIN, DANA, World, open_world, script

Json = Any
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def said(*cases: tuple[str, str], model: str = "offline") -> Json:
    """A run of cases; each with its class of error, empty if it passed."""
    return {
        "form": 1,
        "made": {"model": model, "prompts": "abc", "seed": 0, "suites": ["mine"]},
        "green": False,
        "seconds": 2.5,
        "measures": {"passed": {"hits": 1, "of": 2, "rate": 0.5}},
        "suites": {},
        "faults": {fault: 1 for _, fault in cases if fault},
        "cases": [
            {
                "suite": "mine",
                "case": name,
                "caller": "dana",
                "says": [f"do {name}"],
                "passed": not fault,
                "findings": [{"class": fault, "turn": 1, "text": "<b>it</b>"}] if fault else [],
                "tallies": {},
                "transcript": [{"user": "a secret"}],
                "seconds": 1,
            }
            for name, fault in cases
        ],
    }


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    async with open_world(settings, model=script()) as opened:
        yield opened


async def test_reports_are_listed_shown_and_compared_for_whom_they_are_kept(world: World) -> None:
    store = EvaluationStore(world.service.settings.data_dir)
    first = store.put(said(("a", ""), ("b", "wrong tool")), at=NOON)
    second = store.put(
        said(("a", "wrong route"), ("b", ""), ("c", "")), at=NOON + timedelta(hours=1), tenant="northwind"
    )
    other = store.put(said(("a", "")), at=NOON, tenant="southridge")
    listed = await world.get(ADMIN, "/admin/evaluations")
    assert [(one["report_id"], one["passed"], one["cases"], one["is_own"]) for one in listed] == [
        (second, 2, 3, True),
        (first, 1, 2, False),
    ]
    shown = await world.get(ADMIN, f"/admin/evaluations/{first}")
    [failed] = shown["failed"]
    assert (failed["case"], failed["findings"][0]["fault"]) == ("b", "wrong tool")
    assert "secret" not in str(shown)
    change = await world.get(ADMIN, "/admin/evaluations/compare", params={"before": first, "after": second})
    assert [one["case"] for one in change["regressions"]] == ["a"]
    assert [one["case"] for one in change["fixes"]] == ["b"]
    assert (change["shared"], change["added"], change["removed"]) == (2, 1, 0)
    assert change["faults"]["wrong tool"] == {"before": 1, "after": 0}
    for path in (other, "20261128T120000Z-00000000", f"compare?before={first}&after={other}"):
        assert (await world.call(ADMIN, "GET", f"/admin/evaluations/{path}")).status_code == 404
    for path in ("..%2f..%2fmaster-key", "compare?before=..&after=.."):
        assert (await world.call(ADMIN, "GET", f"/admin/evaluations/{path}")).status_code in (404, 422)
    assert (await world.call(DANA, "GET", f"/admin/evaluations/{first}")).status_code == 403


def test_what_is_no_report_is_neither_kept_nor_listed(tmp_path: Path) -> None:
    store = EvaluationStore(tmp_path)
    assert store.list("any", limit=5) == []
    with pytest.raises(ValidationError):
        store.put({**said(), "form": 2}, at=NOON)
    kept = store.put(said(("a", "")), at=NOON)
    (tmp_path / FOLDER / "20991128T120000Z-00000000.json").write_text("{")
    assert [one.report_id for one in store.list("any", limit=5)] == [kept]
    for unknown in ("../secret", "", f"{kept}.json", kept.upper()):
        with pytest.raises(EvaluationNotFoundError):
            store.get("any", unknown)


def test_a_case_that_fails_otherwise_is_neither_a_regression_nor_a_fix(tmp_path: Path) -> None:
    store = EvaluationStore(tmp_path)
    ids = [store.put(said(("a", fault), model=fault), at=NOON) for fault in ("wrong tool", "error")]
    found = compare(*(store.get("any", one) for one in ids))
    assert (found.regressions, found.fixes) == ([], [])
    assert [(one.before, one.after) for one in found.otherwise] == [(["wrong tool"], ["error"])]
    assert found.differences == ["model: wrong tool -> error"]
