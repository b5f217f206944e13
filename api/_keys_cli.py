"""`countersign keys`: keys for programs, and the service principals they act as."""

from typing import Annotated

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import console, one_line, show_rows

_COLUMNS = ("key_id", "name", "state", "prefix", "acts_as", "scopes", "expires_at", "used_at")


def build(call: Call) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Keys that programs come in with; for administrators.")

    @app.command("list")
    def list_keys(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """All keys, newest first."""
        found = call("GET", "/admin/api-keys", url, who)
        if not printed(found, as_json=as_json):
            show_rows(found, *_COLUMNS, empty="There are no keys.")

    @app.command("make")
    def make(
        name: Annotated[str, typer.Argument(help="What it is for.")],
        scope: Annotated[list[str], typer.Option(help="What it may be used for; may be repeated.")],
        acts_as: Annotated[str, typer.Option(help="Service principal it acts as; yourself if left out.")] = "",
        days: Annotated[int, typer.Option(help="After how many it runs out.")] = 90,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Make a key. It is shown this once and kept nowhere."""
        body = {"name": name, "scopes": scope, "acts_as": acts_as, "days": days}
        made = call("POST", "/admin/api-keys", url, who, json=body)
        if not printed(made, as_json=as_json):
            console.print(f"{one_line(made['key'])}")
            show_rows([made], *_COLUMNS, empty="")

    @app.command("revoke")
    def revoke(key_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Revoke a key, at once and at every process."""
        left = call("DELETE", f"/admin/api-keys/{key_id}", url, who)
        if not printed(left, as_json=as_json):
            console.print("Revoked.")

    @app.command("principal")
    def make_principal(
        name: Annotated[str, typer.Argument(help="Of the program.")],
        permission_set: Annotated[list[str] | None, typer.Option(help="That it has; may be repeated.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Make a user that stands for a program, which nobody signs in as."""
        body = {"name": name, "permission_sets": permission_set or []}
        made = call("POST", "/admin/service-principals", url, who, json=body)
        if not printed(made, as_json=as_json):
            show_rows([made], "id", "name", "permission_sets", empty="")

    return app
