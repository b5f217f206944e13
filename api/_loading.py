"""Operators' commands are loaded only when asked for: with the whole service they take seconds to load."""

import importlib
from collections.abc import Callable
from typing import Any

from api._terminal import CommandError


def operate(command: str, **given: Any) -> None:
    """Run one of the commands of `api._operate`. Raises: CommandError."""
    importlib.import_module("api._operate").run(command, **given)


def audit(command: str, **given: Any) -> None:
    """Run one of the commands of `api._audit`, which need the database and the keys only. Raises: CommandError."""
    importlib.import_module("api._audit").run(command, **given)


def evaluation(name: str, command: str = "run") -> Callable[..., bool]:
    """What runs an evaluation. They stand above this package, so they are found by name. Raises: CommandError."""
    try:
        run: Callable[..., bool] = getattr(importlib.import_module(f"evals.{name}.command"), command)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("evals"):
            raise
        raise CommandError("the evaluations do not come with this installation; run this from the source") from None
    return run
