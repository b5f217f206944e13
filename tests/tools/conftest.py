from collections.abc import AsyncIterator, Iterator

import pytest

from crm.database import Database, DatabaseConfig
from tests.conftest import SqliteTemplates, Templates, seed_small
from tests.metric_org import seed_metric_org
from tests.tools.desk import Desk
from tests.trust.scene import Scene


@pytest.fixture
def desk(seeded: Database) -> Desk:
    """Both databases, filled with the two demo tenants."""
    return Desk(seeded)


@pytest.fixture
async def sqlite_desk(sqlite_templates: SqliteTemplates) -> AsyncIterator[Desk]:
    """One database, the cheaper one: for what touches SQL only through the connector's own tests."""
    sqlite_templates.build("seeded", seed_small)
    with sqlite_templates.copied("seeded") as config:
        database = Database(config)
        yield Desk(database)
        await database.close()


@pytest.fixture
async def scene(sqlite_templates: SqliteTemplates) -> AsyncIterator[Scene]:
    """The same with people to act on it."""
    sqlite_templates.build("seeded", seed_small)
    with sqlite_templates.copied("seeded") as config:
        opened = Database(config)
        yield Scene(opened)
        await opened.close()


@pytest.fixture
def org_config(templates: Templates) -> Iterator[DatabaseConfig]:
    """Both databases, filled with an organisation that has enough to measure."""
    templates.build("metrics", seed_metric_org)
    with templates.copied("metrics") as config:
        yield config


@pytest.fixture
async def org(org_config: DatabaseConfig) -> AsyncIterator[Desk]:
    opened = Database(org_config)
    yield Desk(opened)
    await opened.close()
