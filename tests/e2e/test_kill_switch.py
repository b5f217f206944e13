"""A switch that is thrown in one process counts in the other within a second, in a small size of the measurement."""

from pathlib import Path

import pytest

from bench.kill_switch import SCOPES, measure, two_processes
from crm.database import DatabaseConfig

pytestmark = pytest.mark.slow


async def test_within_a_second_nothing_is_written_any_more_by_any_process(
    seeded_config: DatabaseConfig, tmp_path: Path
) -> None:
    with two_processes(seeded_config, tmp_path) as urls:
        for scope in SCOPES:
            found = await measure("here", seeded_config, urls, scope, requests=4)
            assert (found.let_through, found.written_later) == (0, 0), found
            assert found.asked > 0, "everything had been decided before the switch was thrown"
