"""`countersign ledger` and `countersign switch`: what they send and print, against the service's answers."""

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from api import _ledger_cli, _operate, _switch_cli
from api._terminal import CommandError
from api.settings import Settings
from crm.database import DatabaseConfig
from tests.api.test_ledger import DONE, update, write
from tests.oracle import raw_rows
from tests.service import DANA, open_world, script

Json = Any


class Told:
    """Answers from a table of method and path, and what was sent there."""

    def __init__(self, answers: dict[tuple[str, str], Json]) -> None:
        self.answers = answers
        self.sent: list[Json] = []

    def __call__(self, method: str, path: str, url: str, who: str | None, **options: Any) -> Json:
        self.sent.append((method, path, options.get("json") or options.get("params")))
        return self.answers[method, path]


def run(app: typer.Typer, *arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False, env={"NO_COLOR": "1"})
    assert result.exit_code == 0, result.output
    return result.output


async def test_it_shows_and_takes_back(settings: Settings) -> None:
    async with open_world(settings, model=script(update(NextStep="Call Ann"), DONE)) as world:
        entry = await write(world)
        run_id, entry_id = entry["run_id"], entry["entry_id"]
        preview = await world.post(DANA, "/ledger/undo/preview", {"run_id": run_id})
        touched = await world.get(DANA, f"/runs/{run_id}/touched")
        done = await world.post(DANA, "/ledger/undo", {"run_id": run_id, "digest": preview["digest"]})
    told = Told(
        {
            ("GET", "/ledger"): [entry],
            ("GET", f"/ledger/{entry_id}"): entry,
            ("GET", f"/runs/{run_id}/touched"): touched,
            ("POST", "/ledger/undo/preview"): preview,
            ("POST", "/ledger/undo"): done,
        }
    )
    app = _ledger_cli.build(told)
    for shown in (run(app, "list", "--object", "Opportunity"), run(app, "show", entry_id), run(app, "touched", run_id)):
        assert "-> Call Ann" in shown
    assert told.sent[0][2] == {"object": "Opportunity", "limit": 100}
    assert json.loads(run(app, "list", "--json")) == [entry]
    printed = run(app, "undo", "--run", run_id, "--yes")
    assert "NextStep: Call Ann -> " in printed
    assert "Taken back: 1. Asked for: 0. Stays: 0." in printed
    assert told.sent[-1] == ("POST", "/ledger/undo", {"digest": preview["digest"], "run_id": run_id})
    for wrong in ([], [entry_id, "--run", run_id]):
        with pytest.raises(CommandError, match="either"):
            run(app, "undo", *wrong)


def test_switches_are_thrown_and_listed() -> None:
    shown = {
        "scope": "tool",
        "name": "send_email",
        "is_stopping": True,
        "reason": "why",
        "changed_at": "t",
        "until": None,
    }
    told = Told({("POST", "/admin/switches"): [shown], ("GET", "/admin/switches"): []})
    app = _switch_cli.build(told)
    assert "stops tool send_email: why" in run(app, "on", "tool", "send_email", "--reason", "why")
    assert told.sent[-1][2] == {
        "scope": "tool",
        "name": "send_email",
        "state": "on",
        "reason": "why",
        "until": None,
    }
    assert "No switch was ever thrown." in run(app, "list")


def test_the_operators_switch_is_thrown_on_the_machine(
    settings: Settings, seeded_config: DatabaseConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_operate, "Settings", lambda: settings)
    told = Told({})
    app = _switch_cli.build(told)
    with pytest.raises(CommandError, match="reason"):
        run(app, "on", "global")
    run(app, "on", "global", "--reason", "a bad build")
    run(app, "off", "global", "--reason", "over")
    assert told.sent == []
    rows = raw_rows(seeded_config, "service_switch")
    assert [(row["number"], bool(row["is_on"]), row["reason"]) for row in rows] == [
        (1, True, "a bad build"),
        (2, False, "over"),
    ]
    kinds = [(row["tenant"], row["kind"]) for row in raw_rows(seeded_config, "audit_entry")]
    assert sorted(kinds) == [
        ("northwind", "switch.off"),
        ("northwind", "switch.on"),
        ("southridge", "switch.off"),
        ("southridge", "switch.on"),
    ]
