from collections.abc import AsyncIterator

import pytest

from crm.database import Database
from tests.conftest import SqliteTemplates, seed_small
from tests.tools.desk import Desk


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
