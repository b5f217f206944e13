"""`countersign triggers`: workflows that begin when a record changes."""

from typing import Annotated

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import console, one_line, show_rows

_COLUMNS = ("trigger_id", "assistant_id", "object", "operation", "field", "becomes", "enabled", "stopped_because")


def build(call: Call) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Workflows that begin when a record changes.")

    @app.command("list")
    def list_triggers(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Your triggers."""
        found = call("GET", "/triggers", url, who)
        if not printed(found, as_json=as_json):
            show_rows(found, *_COLUMNS, empty="Nothing begins by itself.")

    @app.command("add")
    def add(
        workflow: str,
        operation: Annotated[str, typer.Argument(help="create or update.")],
        field: Annotated[str | None, typer.Option(help="That has to change.")] = None,
        becomes: Annotated[str | None, typer.Option(help="Value that it has to take.")] = None,
        person: Annotated[str | None, typer.Option("--for", help="In whose name; for administrators.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Begin a workflow whenever a record changes like this."""
        given = {"field": field, "becomes": becomes, "person": person}
        body = {"assistant_id": workflow, "operation": operation}
        body |= {name: value for name, value in given.items() if value is not None}
        made = call("POST", "/triggers", url, who, json=body)
        if not printed(made, as_json=as_json):
            show_rows([made], *_COLUMNS, empty="")

    @app.command("remove")
    def remove(trigger_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Have it begin nothing more."""
        call("DELETE", f"/triggers/{trigger_id}", url, who)
        if not printed({"removed": trigger_id}, as_json=as_json):
            console.print(f"{one_line(trigger_id)} begins nothing more.")

    return app
