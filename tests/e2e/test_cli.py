"""The commands as the README prints them, each in a process of its own, against a demo that one of them started."""

import csv
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from api._terminal import clean, one_line
from tests.service import ADMIN, DANA, MARA, OTHER_DANA, RENEWAL

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Terminal:
    """Runs `countersign` in a folder, with the settings of a fresh machine."""

    folder: Path

    def run(self, *arguments: str, keys: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "api.cli", *arguments],
            cwd=self.folder,
            env=self.environment(**settings),
            input=keys,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def environment(self, **settings: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
        root = str(Path(__file__).parents[2])
        return {**kept, "PYTHONPATH": root, "COLUMNS": "200", "NO_COLOR": "1", **settings}


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("terminal"))


@pytest.fixture(scope="module")
def demo(terminal: Terminal) -> Iterator[str]:
    """The address of a running demo."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "api.cli", "demo", "--port", str(port), "--factor", "0.1"]
    process = subprocess.Popen(
        command, cwd=terminal.folder, env=terminal.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        until = time.monotonic() + 90
        while True:
            assert process.poll() is None, "the demo ended"
            assert time.monotonic() < until, "the demo did not start"
            try:
                if httpx.get(f"http://127.0.0.1:{port}/ready", timeout=2).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_the_printed_example_works_as_printed(terminal: Terminal, demo: str) -> None:
    url = ("--url", demo)
    cases = terminal.run("chat", "--as", DANA, *url, "-m", "show the open cases of Acme Industries")
    assert cases.returncode == 0, cases.stderr
    assert len(set(re.findall(r"Case (\d{8})", cases.stdout))) == 3

    held = terminal.run("chat", "--as", DANA, *url, "-m", f"move the {RENEWAL} to Negotiation")
    assert "approve_writes" in held.stdout
    assert re.search(r"StageName\W+Discovery\W+Negotiation", held.stdout)

    assert "Nothing waits" in terminal.run("approvals", "list", "--as", OTHER_DANA, *url).stdout
    [waiting] = json.loads(terminal.run("approvals", "list", "--as", MARA, *url, "--json").stdout)
    refused = terminal.run("approvals", "decide", waiting["approval_id"], "--as", DANA, *url, "--approve")
    assert refused.returncode == 1
    assert "second person" in refused.stderr
    decided = terminal.run("approvals", "decide", waiting["approval_id"], "--as", MARA, *url, keys="y\n")
    assert "applied" in decided.stdout, decided.stderr

    shown = terminal.run("show", "Opportunity", RENEWAL, "--as", MARA, *url)
    assert re.search(r"StageName\s+Negotiation", shown.stdout)
    elsewhere = terminal.run("show", "Opportunity", RENEWAL, "--as", OTHER_DANA, *url)
    assert re.search(r"StageName\s+Quote", elsewhere.stdout)


def test_a_write_of_ones_own_is_countersigned_in_the_chat(terminal: Terminal, demo: str) -> None:
    said = "create a task to call Ann Poe tomorrow"
    done = terminal.run("chat", "--as", DANA, "--url", demo, "-m", said, keys="approve\n")
    assert done.returncode == 0, done.stderr
    entries = httpx.get(f"{demo}/ledger", headers={"Authorization": f"Bearer {login(demo, ADMIN)}"}).json()
    assert any(entry["tool"] == "create_task" and entry["status"] == "applied" for entry in entries)


def test_the_inbox_is_worked_on_in_the_terminal(terminal: Terminal, demo: str) -> None:
    def run(who: str, *arguments: str, keys: str = "") -> str:
        done = terminal.run("approvals", *arguments, "--as", who, "--url", demo, keys=keys)
        assert done.returncode == 0, done.stderr
        return done.stdout

    for person in ("Ann Poe", "Ann Poe", "Ann Poe"):
        terminal.run(
            "chat", "--as", DANA, "--url", demo, "-m", f"create a task to call {person} tomorrow", keys="later\n"
        )
    waiting = json.loads(run(DANA, "list", "--view", "requested", "--json"))
    first, second, third = (one["approval_id"] for one in waiting)
    assert json.loads(run(DANA, "counts", "--json"))["requested"] == 3
    assert "Nothing waits" in run(OTHER_DANA, "list")
    assert "The request is pending" in run(MARA, "show", first)
    passed_on = run(DANA, "reassign", first, waiting[0]["requester"][:15], "--reason", "mine")
    assert "It was put before" in passed_on
    assert "The request is recalled" in run(DANA, "recall", first)
    told = json.loads(run(MARA, "batch", second, third, "--approve", "--veto", f"{third}=twice", "--json"))
    assert [one["outcome"] for one in told["items"]] == ["decided", "vetoed"]
    done = json.loads(run(DANA, "list", "--status", "rejected", "--json"))
    assert [one["reason"] for one in done] == ["twice"]
    refused = terminal.run("approvals", "repropose", third, "--as", DANA, "--url", demo)
    assert (refused.returncode, "can be proposed again" in refused.stderr) == (1, True)


def test_mistakes_are_said_in_a_line(terminal: Terminal, demo: str) -> None:
    nobody = terminal.run("chat", "--as", "nobody@nowhere.example", "--url", demo, "-m", "hello")
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert nobody.stderr.count("\n") == 1
    silent = terminal.run("chat", "--as", DANA, "--url", "http://127.0.0.1:9", "-m", "hello")
    assert "countersign demo" in silent.stderr
    unset = terminal.run("serve")
    assert unset.returncode == 1
    assert "token_keys" in unset.stderr
    unsafe = terminal.run("serve", COUNTERSIGN_DEV_LOGIN="true")
    assert "dev_login" in unsafe.stderr


@pytest.mark.thorough
def test_a_tenant_moves_by_export_and_import(terminal: Terminal, demo: str, tmp_path: Path) -> None:
    demo_data = {"COUNTERSIGN_MODE": "development", "COUNTERSIGN_DATA_DIR": str(terminal.folder / ".countersign/demo")}
    fresh = {"COUNTERSIGN_MODE": "development", "COUNTERSIGN_DATA_DIR": str(tmp_path / "fresh")}
    exported = terminal.run("export", "northwind", str(tmp_path / "out"), **demo_data)
    assert exported.returncode == 0, exported.stderr
    assert terminal.run("migrate", **fresh).returncode == 0
    assert terminal.run("create-tenant", "acme", "Acme", **fresh).returncode == 0

    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "Account.csv").write_text("Id,Name\n001CS0000000001YAA,Fine\nnonsense,Bad\n")
    refused = terminal.run("import", "acme", str(broken), **fresh)
    assert refused.returncode == 1
    assert "Account.csv:3" in refused.stderr

    assert terminal.run("import", "acme", str(tmp_path / "out"), **fresh).returncode == 0
    assert terminal.run("export", "acme", str(tmp_path / "again"), **fresh).returncode == 0
    for file in sorted((tmp_path / "out").glob("*.csv")):
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes(), file.name
    with (tmp_path / "again" / "Account.csv").open() as lines:
        assert "Acme Industries" in {row["Name"] for row in csv.DictReader(lines)}
    assert terminal.run("doctor", **fresh, COUNTERSIGN_MODEL="nonsense").returncode == 1


def test_text_of_records_cannot_steer_a_terminal() -> None:
    hostile = "\x1b[2J\x1b]0;owned\x07[red]approved[/red]\u202egnp.exe\u200b\r\nApprove? y"
    shown = clean(hostile)
    assert not any(ord(char) < 32 and char not in "\n\t" for char in shown)
    assert not {"\x1b", "\x07", "\u202e", "\u200b"} & set(shown)
    assert "\\[red]" in shown
    assert "\n" not in one_line(hostile)


def login(url: str, username: str) -> str:
    return str(httpx.post(f"{url}/dev/login", json={"username": username}).json()["access_token"])
