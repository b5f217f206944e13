"""`countersign delegations`: who decides in whose stead while they are away."""

from typing import Annotated, Any

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import clean, console, one_line

Moment = Annotated[str, typer.Option(help="With its zone, such as 2026-11-02T09:00:00Z.")]


def build(call: Call) -> typer.Typer:
    """The commands; `call` reaches the service."""
    app = typer.Typer(no_args_is_help=True, help="Let somebody decide on requests while you are away.")

    @app.command("list")
    def list_delegations(
        everybody: Annotated[bool, typer.Option("--all", help="Of everybody; for administrators.")] = False,
        past: Annotated[bool, typer.Option("--past", help="Also those that are over.")] = False,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Those that you made, and those made to you."""
        found = call("GET", "/delegations", url, who, params={"all": everybody, "past": past})
        if printed(found, as_json=as_json):
            return
        for one in found:
            console.print(f"[bold]{clean(one['delegation_id'])}[/bold] {_describe(one)}")
        if not found:
            console.print("Nobody decides in anybody's stead.")

    @app.command()
    def add(
        delegate: Annotated[str, typer.Argument(help="Who decides: user name or id.")],
        until: Moment,
        since: Annotated[str | None, typer.Option(help="From when on; now if left out.")] = None,
        delegator: Annotated[str | None, typer.Option("--for", help="Who is away; for administrators.")] = None,
        tool: Annotated[list[str] | None, typer.Option(help="Only requests of this tool.")] = None,
        object_name: Annotated[list[str] | None, typer.Option("--object", help="Only this kind of record.")] = None,
        amount_cap: Annotated[int | None, typer.Option(help="Only amounts up to this.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Let somebody decide in your stead for a while."""
        limits = {"tools": tool or [], "objects": object_name or [], "amount_cap": amount_cap}
        body = {"delegate": delegate, "delegator": delegator, "starts_at": since, "ends_at": until, "limits": limits}
        made = call("POST", "/delegations", url, who, json=body)
        if not printed(made, as_json=as_json):
            console.print(f"[bold]{clean(made['delegation_id'])}[/bold] {_describe(made)}")

    @app.command()
    def withdraw(delegation_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Take one back, or decline one."""
        over = call("DELETE", f"/delegations/{delegation_id}", url, who)
        if not printed(over, as_json=as_json):
            console.print("Taken back. Votes given on it that nothing was done on yet count no more.")

    return app


def _describe(one: dict[str, Any]) -> str:
    limits = ", ".join(f"{name} {value}" for name, value in one["limits"].items())
    state = "withdrawn" if one["withdrawn_at"] else "live" if one["is_live"] else "not now"
    window = f"from {one['starts_at']} to {one['ends_at']}"
    return one_line(
        f"{one['delegate']} for {one['delegator']} {window} ({state}){f', only {limits}' if limits else ''}"
    )
