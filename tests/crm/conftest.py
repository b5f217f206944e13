"""The cast of `tests.crm.stage` on both databases."""

from collections.abc import AsyncIterator, Iterator

import pytest

from crm.database import Database, DatabaseConfig
from tests.conftest import Templates
from tests.crm.stage import Stage, seed_stage


@pytest.fixture
def stage_config(templates: Templates) -> Iterator[DatabaseConfig]:
    templates.build("stage", seed_stage)
    with templates.copied("stage") as config:
        yield config


@pytest.fixture
async def stage(stage_config: DatabaseConfig) -> AsyncIterator[Stage]:
    database = Database(stage_config)
    yield Stage(database)
    await database.close()
