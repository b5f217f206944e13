"""What the commands that ask the service have in common: their options, and the answer as it is."""

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from api._terminal import CommandError, print_json

LOCAL = "http://127.0.0.1:8000"

Call = Callable[..., Any]
"""Asks the service: method, path, url, who, and what the HTTP client takes."""
Url = Annotated[str, typer.Option(envvar="COUNTERSIGN_URL", help="Where the service answers.")]
As = Annotated[str | None, typer.Option("--as", help="Log in as this seeded person (development mode only).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the service's answer as it is.")]


def read_values(given: Sequence[str], option: str) -> dict[str, Any]:
    """`name=value` pairs; a value is JSON if it is that, and text otherwise. Raises: CommandError."""
    found: dict[str, Any] = {}
    for one in given:
        name, is_given, value = one.partition("=")
        if not is_given or not name:
            raise CommandError(f"{option}: expected <name>=<value>")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def printed(found: Any, *, as_json: bool) -> bool:
    """Whether the answer was asked for as it is; then it is printed."""
    if as_json:
        print_json(found)
    return as_json
