"""Showing text of records in a terminal: nothing in it may move the cursor, colour a line or pass for our own words."""

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


class CommandError(Exception):
    """A command could not do its work; the message is for the person at the terminal."""


console = Console(highlight=False, soft_wrap=True, emoji=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def clean(text: object) -> str:
    """The text without control and direction characters; line breaks stay, Rich markup is shown as it is written."""
    kept = (
        char
        for char in str(text).replace("\r\n", "\n")
        if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    return escape("".join(kept))


def one_line(text: object) -> str:
    return clean(text).replace("\n", " ⏎ ").replace("\t", " ")


def print_json(found: Any) -> None:
    """As JSON in plain ASCII: whatever a record holds, the terminal gets letters that say so."""
    sys.stdout.write(json.dumps(found, indent=2).replace("\x7f", "\\u007f") + "\n")


def show_rows(found: Sequence[Mapping[str, Any]], *columns: str, empty: str) -> None:
    """A line for each: the first column as its name, the others beside it where they say anything."""
    for one in found:
        said = ", ".join(
            f"{_plain(name)}: {_said(one[name])}" for name in columns[1:] if one[name] not in (None, "", [])
        )
        console.print(f"[bold]{one_line(one[columns[0]])}[/bold] {said}")
    if not found:
        console.print(empty)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(one_line(one) for one in value)
    return one_line(json.dumps(value) if isinstance(value, dict) else value)


def show_card(approval: dict[str, object]) -> None:
    """What would change, field by field."""
    card = approval["card"]
    assert isinstance(card, dict)  # noqa: S101 - the interface says so
    for change in card["changes"]:
        table = Table(title=one_line(f"{change['operation']} {change['object']} {change['name']} ({change['id']})"))
        table.add_column("field")
        table.add_column("now", style="red")
        table.add_column("then", style="green")
        table.add_column("written by")
        for field in change["fields"]:
            source = _source(field.get("source"))
            table.add_row(one_line(field["field"]), _value(field["old"]), _value(field["new"]), source)
        console.print(table)
    for warning in card.get("warnings", ()):
        console.print(f"[bold yellow]Note[/bold yellow] {one_line(warning)}")
    message, call = card.get("message"), card.get("call")
    if message is not None:
        _show_message(message)
    if call is not None:
        console.print(f"[bold]Have {one_line(call['server'])} carry out {one_line(call['tool'])}[/bold]")
        for name, value in call["arguments"].items():
            console.print(f"[dim]|[/dim] {one_line(name)}: {one_line(json.dumps(value, ensure_ascii=False))}")


def _show_message(message: dict[str, Any]) -> None:
    """Whom it goes to and all of its text; a bar before each line of the text keeps it apart from our own words."""
    console.print(f"[bold]From[/bold]     {one_line(message['from'])}")
    if message["reply_to"]:
        console.print(f"[bold]Reply-To[/bold] {one_line(message['reply_to'])}")
    for one in message["recipients"]:
        who = one_line(f"{one['name']} <{one['address']}> ({one['record']})")
        console.print(f"[bold]{one_line(one['role'].title()):<8}[/bold] {who}")
    console.print(f"[bold]Subject[/bold]  {one_line(message['subject'])}")
    for line in message["body"].split("\n"):
        console.print(f"[dim]|[/dim] {one_line(line)}")


def _source(source: dict[str, Any] | None) -> str:
    """Who is behind a value, in a word or two; where somebody outside is, also where it stood."""
    if source is None:
        return ""
    if source["integrity"] == "external":
        return f"[yellow]outside[/yellow]: {one_line(source['origin'])[:120]}"
    if source["origin"].startswith("the copilot"):
        return "the copilot"
    return {"crm_verified": "staff", "user": "the user", "system": "the service"}[source["integrity"]]


def _value(value: object) -> str:
    return "—" if value is None else one_line(value)[:400]
