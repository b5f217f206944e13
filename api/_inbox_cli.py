"""`countersign inbox`: how a tenant and its people want to work with what waits."""

from typing import Annotated, Any

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import console, one_line


def build(call: Call) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="How you are told of what waits, and what becomes of messages then.")

    def answer(found: dict[str, Any], *, as_json: bool) -> None:
        if not printed(found, as_json=as_json):
            for name, value in found.items():
                console.print(f"{one_line(name)}: {one_line(value)}")

    @app.command("notices")
    def notices(
        how: Annotated[str | None, typer.Option("--set", help="off, each or daily.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Whether you are written to when something waits for you; shown, or changed."""
        if how is None:
            answer(call("GET", "/me/notices", url, who), as_json=as_json)
        else:
            answer(call("PUT", "/me/notices", url, who, json={"how": how}), as_json=as_json)

    @app.command("rules")
    def rules(
        while_waiting: Annotated[str | None, typer.Option("--set", help="queue, supersede or answer.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """What becomes of a message to a conversation that waits; shown, or changed by administrators."""
        if while_waiting is None:
            answer(call("GET", "/admin/inbox", url, who), as_json=as_json)
        else:
            answer(call("PUT", "/admin/inbox", url, who, json={"while_waiting": while_waiting}), as_json=as_json)

    return app
