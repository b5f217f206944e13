"""`countersign sessions`: where people are signed in with a browser, and signing them out there."""

from typing import Annotated

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import console, one_line, show_rows

Person = Annotated[str | None, typer.Option("--of", help="Of this person, by id; for administrators.")]


def build(call: Call) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Where you, or others, are signed in with a browser.")

    @app.command("list")
    def list_sessions(person: Person = None, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Sessions that are alive, last used first."""
        found = call("GET", _place(person), url, who)
        if not printed(found, as_json=as_json):
            columns = ("session_id", "provider", "browser", "created_at", "seen_at", "expires_at")
            show_rows(found, *columns, empty="Nobody is signed in.")

    @app.command("end")
    def end(
        session_id: Annotated[str | None, typer.Argument(help="All of them if left out.")] = None,
        person: Person = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Sign out, at once and at every process."""
        path = _place(person) if session_id is None else f"{_place(person)}/{session_id}"
        done = call("DELETE", path, url, who)
        if not printed(done, as_json=as_json):
            console.print(f"Ended: {one_line(done['ended'])}.")

    return app


def _place(person: str | None) -> str:
    return "/auth/sessions" if person is None else f"/admin/people/{person}/sessions"
