"""A backup is one that was restored: deploy/try_restore.py, as an operator runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.thorough
@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_a_service_comes_back_from_its_backup(database: str) -> None:
    command = [sys.executable, "deploy/try_restore.py", "--only", database, "--factor", "0.02"]
    tried = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert tried.returncode == 0, tried.stdout + tried.stderr
    for line in (
        "none wrong",
        "a sealed conversation opens for its owner",
        "a request that waited was approved and carried out",
        "all after it are missing",
        "the sealing keys are wrong",
    ):
        assert line in tried.stdout
