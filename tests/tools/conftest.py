import pytest

from crm.database import Database
from tests.tools.desk import Desk


@pytest.fixture
def desk(seeded: Database) -> Desk:
    """Both databases, filled with the two demo tenants."""
    return Desk(seeded)
