"""`countersign audit` in this process, on a database that nobody serves."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api import cli
from api._terminal import console, errors
from crm.database import Database, DatabaseConfig
from tests.conftest import Templates, run_seed
from tests.service import settings_for
from tests.trust.forging import ENTRIES, HERE, MINE, fill, forge, make_fit
from trust.head_export import HeadExporter

AT = datetime(2026, 11, 3, tzinfo=UTC)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def config(templates: Templates) -> Iterator[DatabaseConfig]:
    templates.build("audited", fill)
    with templates.copied("audited") as copy:
        yield copy


@pytest.fixture
def run(
    config: DatabaseConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command with the settings of the environment; gives exit code, output, errors."""
    settings = settings_for(config, tmp_path)
    given = {"MODE": "development", "DATA_DIR": str(tmp_path), "DATABASE_URL": config.url}
    for name in ("context_key", "master_key"):
        key = getattr(settings, name)
        if key is not None:
            given[name.upper()] = key.get_secret_value()
    for name, value in given.items():
        monkeypatch.setenv(f"COUNTERSIGN_{name}", value)
    for one in (console, errors):
        monkeypatch.setattr(one, "no_color", True)

    def work(*arguments: str | int) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["countersign", "audit", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return work


def export_heads(config: DatabaseConfig, folder: Path) -> None:
    """As the service does, with the keys of its folder."""
    settings = settings_for(config, folder)

    async def work(database: Database) -> None:
        signer, verifier = settings.head_signer(), settings.head_verifier()
        exporter = HeadExporter(
            database, settings.head_sink(), signer, verifier, lambda: AT, every_s=settings.audit_heads_every_s
        )
        await exporter.export_all()

    run_seed(config, work)


def test_a_log_is_verified_before_and_after_somebody_was_at_it(
    run: Run, config: DatabaseConfig, tmp_path: Path
) -> None:
    code, said, _ = run("verify")
    assert code == 0
    assert [line.split(",")[0] for line in said.splitlines()] == [
        f"{tenant}: {ENTRIES} entries hold" for tenant in ("northwind", "southridge")
    ]
    assert said.count("no head was exported yet") == 2
    export_heads(config, tmp_path)
    code, said, _ = run("verify", "--heads", tmp_path / "audit-heads")
    assert (code, said.count(f"exported heads speak for {ENTRIES} of them")) == (0, 2)

    forge(config, f"DELETE FROM audit_entry WHERE {MINE}", "DELETE FROM tenant WHERE tenant = 'northwind'")
    make_fit(config)
    code, said, wrong = run("verify")
    assert (code, said.split(",")[0]) == (1, f"southridge: {ENTRIES} entries hold")
    assert wrong == (
        "northwind: entry 0 and all after it are missing: a head of 8 entries was signed at 2026-11-03T00:00:00Z\n"
    )
    assert run("verify", "--tenant", "southridge")[0] == 0


def test_the_first_bad_entry_is_named_in_a_line(run: Run, config: DatabaseConfig, tmp_path: Path) -> None:
    forge(config, f"UPDATE audit_entry SET kind = 'x' WHERE leaf_index = 5 AND {MINE}")
    code, _, wrong = run("verify")
    assert (code, wrong) == (1, "northwind: entry 5 was changed: its content does not fit its hash\n")


def test_heads_that_were_tampered_with_are_an_error(run: Run, config: DatabaseConfig, tmp_path: Path) -> None:
    export_heads(config, tmp_path)
    file = tmp_path / "audit-heads" / "northwind.jsonl"
    file.write_text(file.read_text().replace('"size":8', '"size":7'))
    code, _, wrong = run("verify")
    assert (code, wrong.startswith("northwind: ")) == (1, True)
    (tmp_path / "audit-signing-key.pem").unlink()
    code, said, wrong = run("verify", "--tenant", "southridge")
    assert (code, said) == (1, "")
    assert wrong.startswith("southridge: line 1 of the exported heads is not signed by a known key")


def test_a_former_key_is_believed_when_it_is_given(run: Run, config: DatabaseConfig, tmp_path: Path) -> None:
    export_heads(config, tmp_path)
    (tmp_path / "former.pem").write_text(run("public-key")[1])
    (tmp_path / "audit-signing-key.pem").unlink()
    assert run("verify")[0] == 1
    assert run("verify", "--key", tmp_path / "former.pem")[0] == 0
    assert run("verify", "--key", tmp_path / "nowhere.pem")[2].endswith("No such file or directory\n")


def test_entries_and_proofs_are_taken_elsewhere(run: Run) -> None:
    assert run("export") == (1, "", "say which tenant: --tenant northwind|southridge\n")
    code, said, _ = run("export", "--tenant", HERE)
    head, *entries = map(json.loads, said.splitlines())
    assert (code, head["size"], [entry["index"] for entry in entries]) == (0, ENTRIES, list(range(ENTRIES)))
    assert {entry["payload"]["of"] for entry in entries} == {HERE}
    _, said, _ = run("export", "--tenant", HERE, "--sealed", "--since", "2026-11-02", "--until", "2026-11-03")
    lines = [json.loads(line) for line in said.splitlines()[1:]]
    assert len(lines) == ENTRIES
    assert {line["payload"] for line in lines} == {None}
    assert all(line["proof"] for line in lines)
    for nothing in (("--until", "2026-11-02"), ("--kind", "x"), ("--since", "2026-11-03")):
        assert len(run("export", "--tenant", HERE, *nothing)[1].splitlines()) == 1
    code, said, _ = run("proof", 3, "--tenant", HERE)
    proof = json.loads(said)
    assert (code, proof["root"], proof["leaf"]) == (0, head["root"], entries[3]["leaf"])
    assert proof["entry"]["index"] == 3
    assert run("proof", 8, "--tenant", HERE) == (1, "", "there is no entry 8 among 8\n")
    assert run("public-key")[1].startswith("-----BEGIN PUBLIC KEY-----\n")
