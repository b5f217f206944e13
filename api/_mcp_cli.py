"""`countersign mcp`: servers of others, and what their tools may do here."""

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import console, one_line

Server = Annotated[str, typer.Argument(help="Name of the server.")]
Tool = Annotated[str, typer.Argument(help="Name of the tool, as the server has it.")]


class Integrity(StrEnum):
    """Whose text a tool's answers are."""

    EXTERNAL = "external"
    CRM_VERIFIED = "crm_verified"


class Effect(StrEnum):
    """What a tool does; whatever changes anything is a write."""

    READ = "READ"
    WRITE = "WRITE"


def build(call: Call) -> typer.Typer:
    """The commands; `call` reaches the service."""
    app = typer.Typer(no_args_is_help=True, help="MCP servers of others: register, look at, declare their tools.")

    def find(name: str, url: str, who: str | None) -> str:
        for one in call("GET", "/admin/mcp-servers", url, who):
            if name in (one["name"], one["server_id"]):
                return str(one["server_id"])
        raise typer.BadParameter(f"there is no server {name!r}; see `countersign mcp list`")

    @app.command("list")
    def list_servers(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """The servers that were registered."""
        found = call("GET", "/admin/mcp-servers", url, who)
        if printed(found, as_json=as_json):
            return
        for one in found:
            state = "on" if one["enabled"] else "off"
            console.print(
                f"[bold]{one_line(one['name'])}[/bold] {state} {one_line(one['label'])} {one_line(one['url'])}"
            )
        if not found:
            console.print("No server was registered.")

    @app.command()
    def register(
        name: Server,
        address: Annotated[str, typer.Argument(help="Where it answers, such as https://tools.example.com/mcp.")],
        label: Annotated[str, typer.Option(help="What people call it.")],
        word: Annotated[list[str], typer.Option(help="A word by which people mean it; may be repeated.")],
        token: Annotated[
            str | None, typer.Option(envvar="COUNTERSIGN_MCP_TOKEN", help="Sent to it; best given in the variable.")
        ] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Name a server. Nothing of it is used before its tools are declared."""
        body = {"name": name, "url": address, "label": label, "words": word, "token": token}
        made = call("POST", "/admin/mcp-servers", url, who, json=body)
        if not printed(made, as_json=as_json):
            console.print(f"Registered. Next: countersign mcp refresh {one_line(name)}")

    @app.command()
    def refresh(name: Server, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Ask the server what it offers; what has changed is out of use from now on."""
        show(call("POST", f"/admin/mcp-servers/{find(name, url, who)}/refresh", url, who), as_json=as_json)

    @app.command()
    def tools(name: Server, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """What was reviewed, and what the server says now."""
        show(call("GET", f"/admin/mcp-servers/{find(name, url, who)}/tools", url, who), as_json=as_json)

    @app.command()
    def review(
        name: Server,
        tool: Tool,
        digest: Annotated[str, typer.Option(help="Of what you have looked at, as `tools` shows it.")],
        effect: Annotated[Effect, typer.Option(help="READ, or WRITE for all that changes anything.")],
        description: Annotated[str, typer.Option(help="What models are told of it: your words.")],
        integrity: Annotated[
            Integrity, typer.Option(help="crm_verified: only people of your organisation write where it reads.")
        ] = Integrity.EXTERNAL,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Take a tool as it is described now, with what you declare of it."""
        scope = "crm:read" if effect is Effect.READ else "crm:write"
        said = {"effect": effect.value, "scope": scope, "integrity": integrity.value, "description": description}
        body = {"digest": digest, **said}
        path = f"/admin/mcp-servers/{find(name, url, who)}/tools/{tool}/review"
        show([call("POST", path, url, who, json=body)], as_json=as_json)

    @app.command()
    def enable(name: Server, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Switch a server on again."""
        changed = call("PATCH", f"/admin/mcp-servers/{find(name, url, who)}", url, who, json={"enabled": True})
        if not printed(changed, as_json=as_json):
            console.print("On, from the next run on.")

    @app.command()
    def disable(name: Server, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Switch a server off; what waits for an approval is refused."""
        changed = call("PATCH", f"/admin/mcp-servers/{find(name, url, who)}", url, who, json={"enabled": False})
        if not printed(changed, as_json=as_json):
            console.print("Off, from the next run on.")

    @app.command()
    def remove(name: Server, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Forget a server, with all that was declared of its tools."""
        call("DELETE", f"/admin/mcp-servers/{find(name, url, who)}", url, who)
        if not printed({"removed": name}, as_json=as_json):
            console.print("Forgotten.")

    return app


def show(found: list[dict[str, Any]], *, as_json: bool) -> None:
    """Old and new of each; what the server says is cut free of everything that is not text on one line."""
    if printed(found, as_json=as_json):
        return
    for one in found:
        console.print(
            f"[bold]{one_line(one['tool'])}[/bold] {one_line(one['state'])} {one_line(one['effect'] or '')} "
            f"{one_line(one['integrity'] or '')} as "
            f"{one_line(one['full_name'])}"
        )
        if one["description"]:
            console.print(f"  told to models: {one_line(one['description'])}")
        if one["reviewed"] is not None and one["reviewed"] != one["found"]:
            console.print(f"  reviewed: {_outline(one['reviewed'])}")
        if one["found"] is not None:
            console.print(f"  says now: {_outline(one['found'])}")
            console.print(f"  digest: {one_line(one['digest'])}")
    if not found:
        console.print("The server was not asked yet, or offers nothing: countersign mcp refresh.")


def _outline(described: dict[str, Any]) -> str:
    return one_line(f"{described['description']} {json.dumps(described['parameters'])}")
