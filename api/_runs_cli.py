"""`countersign runs`: what was put aside or waits, and taking it up again."""

from typing import Annotated

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import console, one_line, show_rows


def build(call: Call) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Runs that were put aside or wait their turn; for administrators.")

    @app.command("parked")
    def parked(
        who: As = None,
        url: Url = LOCAL,
        limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
        as_json: AsJson = False,
    ) -> None:
        """Runs that failed too often and were put aside."""
        found = call("GET", "/admin/runs/parked", url, who, params={"limit": limit})
        if not printed(found, as_json=as_json):
            columns = tuple(found[0]) if found else ("run_id",)
            show_rows(found, *columns, empty="Nothing was put aside.")

    @app.command("waiting")
    def waiting(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """How much waits for its turn."""
        found = call("GET", "/admin/runs/waiting", url, who)
        if not printed(found, as_json=as_json):
            for name, value in found.items():
                console.print(f"{one_line(name)}: {one_line(value)}")

    @app.command("retry")
    def retry(run_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Take up a run again that was put aside."""
        run = call("POST", f"/admin/runs/{run_id}/retry", url, who)
        if not printed(run, as_json=as_json):
            show_rows([run], "run_id", "status", "thread_id", empty="")

    return app
