"""Signs of life: what a load balancer, a container platform and a client of the protocol ask first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import psycopg
import pytest

from api.app import build_app
from api.routes import service as service_routes
from api.settings import Settings
from crm.database import Database, DatabaseConfig, DatabaseNotReadyError
from tests.conftest import PostgresTemplates, seed_small
from tests.service import World, open_world, settings_for


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/ok", {"ok": True}),
        ("/health", {"status": "ok"}),
        ("/ready", {"status": "ready"}),
        (
            "/info",
            {
                "version": "0.1.0",
                "flags": {"assistants": True, "crons": True, "langsmith": False, "strict_resume": True},
            },
        ),
    ],
)
async def test_a_running_service_says_so_to_everybody(world: World, path: str, body: object) -> None:
    response = await world.client.get(path)
    assert (response.status_code, response.json()) == (200, body)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


@asynccontextmanager
async def asking_whether_ready(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A running service whose database has become another one."""
    async with open_world(settings) as world:
        object.__setattr__(world.service, "database", database)
        try:
            yield world.client
        finally:
            await database.close()


async def assert_not_ready(client: httpx.AsyncClient) -> None:
    response = await client.get("/ready")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["type"], problem["status"]) == ("urn:countersign:problem:not-ready", 503)
    for word in ("countersign_app", "sqlite", "host=", "revision", "policy", "password"):
        assert word not in response.text
    assert (await client.get("/health")).status_code == 200


async def test_it_is_not_ready_when_the_database_is_empty(
    settings: Settings, templates: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if isinstance(templates, PostgresTemplates):
        with templates.empty() as config:
            async with asking_whether_ready(settings, Database(config)) as client:
                await assert_not_ready(client)
        return
    config = DatabaseConfig(url=f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('empty') / 'empty.db'}")
    async with asking_whether_ready(settings, Database(config)) as client:
        await assert_not_ready(client)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql+psycopg://countersign_app@127.0.0.1:1/nothing", id="postgresql"),
        pytest.param("sqlite+aiosqlite:////nowhere/at/all.db", id="sqlite"),
    ],
)
async def test_it_is_not_ready_when_the_database_is_not_there(settings: Settings, url: str) -> None:
    nowhere = Database(DatabaseConfig(url=url, context_key=b"k" * 32))
    async with asking_whether_ready(settings, nowhere) as client:
        await assert_not_ready(client)


async def test_it_is_not_ready_when_the_database_does_not_answer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(Database):
        async def check(self) -> None:
            await asyncio.sleep(60)

    monkeypatch.setattr(service_routes, "READY_WITHIN_S", 0.05)
    async with asking_whether_ready(settings, Silent(settings.database())) as client:
        await assert_not_ready(client)


@pytest.mark.parametrize(
    ("damage", "repair"),
    [
        pytest.param(
            "ALTER TABLE thread NO FORCE ROW LEVEL SECURITY", "ALTER TABLE thread FORCE ROW LEVEL SECURITY", id="wall"
        ),
        pytest.param("UPDATE alembic_version SET version_num = 'older'", None, id="schema"),
    ],
)
async def test_it_is_not_ready_when_wall_or_schema_is_not_as_it_should_be(
    postgresql_templates: PostgresTemplates, tmp_path_factory: pytest.TempPathFactory, damage: str, repair: str | None
) -> None:
    postgresql_templates.build("seeded", seed_small)
    with postgresql_templates.copied("seeded") as config:
        settings = settings_for(config, tmp_path_factory.mktemp("walled"))
        assert config.owner_url is not None
        owner = config.owner_url.replace("+psycopg", "")
        async with open_world(settings) as world:
            assert (await world.client.get("/ready")).status_code == 200
            with psycopg.connect(owner, autocommit=True) as connection:
                connection.execute(damage.encode())
            await assert_not_ready(world.client)
            if repair is not None:
                with psycopg.connect(owner, autocommit=True) as connection:
                    connection.execute(repair.encode())
                assert (await world.client.get("/ready")).status_code == 200


async def test_it_is_not_ready_with_another_context_key(
    postgresql_templates: PostgresTemplates, tmp_path_factory: pytest.TempPathFactory
) -> None:
    postgresql_templates.build("seeded", seed_small)
    with postgresql_templates.copied("seeded") as config:
        settings = settings_for(config, tmp_path_factory.mktemp("keyed"))
        stranger = Database(DatabaseConfig(url=config.url, context_key=b"another key than the one in use"[:31] + b"!"))
        async with asking_whether_ready(settings, stranger) as client:
            await assert_not_ready(client)


async def test_it_does_not_start_on_a_database_that_is_not_ready(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("fresh")
    settings = Settings(mode="development", dev_login=True, data_dir=folder)
    app = build_app(settings)
    with pytest.raises(DatabaseNotReadyError):
        async with app.router.lifespan_context(app):
            pass
