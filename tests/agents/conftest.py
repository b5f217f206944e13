"""Conversations with the offline model run twice: in clear, and through the mask that the gateway puts between."""

from collections.abc import Iterator

import pytest

from tests.agents.test_offline_stage import SEALED

_TWICE = ("test_offline_turns", "test_offline_stage")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__.endswith(_TWICE):
        metafunc.fixturenames.append("sealed")
        metafunc.parametrize("sealed", [False, True], ids=["clear", "masked"], indirect=True)


@pytest.fixture
def sealed(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether the model hears and answers through a mask."""
    before = SEALED.set(request.param)
    yield request.param
    SEALED.reset(before)
