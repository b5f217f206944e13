from collections.abc import AsyncIterator

import pytest

from crm.database import Database
from tests.conftest import SqliteTemplates, seed_small
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
