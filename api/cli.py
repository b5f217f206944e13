"""`countersign`: the commands of operators and of people who work in a terminal."""

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import typer

from api._audit_cli import audit
from api._chat import Chat, log_in
from api._loading import operate as _operate
from api._terminal import CommandError, clean, console, errors, one_line, show_card

app = typer.Typer(no_args_is_help=True, add_completion=False, help="A CRM copilot whose every write is countersigned.")
approvals = typer.Typer(no_args_is_help=True, help="Look at held actions and decide them.")
app.add_typer(approvals, name="approvals")
app.add_typer(audit, name="audit")

Url = Annotated[str, typer.Option(envvar="COUNTERSIGN_URL", help="Where the service answers.")]
As = Annotated[str | None, typer.Option("--as", help="Log in as this seeded person (development mode only).")]
Factor = Annotated[float, typer.Option(help="How much data, 1 is about 3,000 records a tenant.")]
LOCAL = "http://127.0.0.1:8000"

T = TypeVar("T")


def main() -> None:
    """Run the command line; known errors become one line and exit code 1."""
    try:
        app()
    except CommandError as error:
        errors.print(f"[red]{clean(error)}[/red]")
        sys.exit(1)


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8000,
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its data.")] = Path(".countersign/demo"),
    factor: Factor = 1.0,
) -> None:
    """Start the service with two seeded tenants, on SQLite, without any key or network."""
    _operate("demo", port=port, folder=folder, factor=factor)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Start the service with the settings of the environment (COUNTERSIGN_*)."""
    _operate("serve", host=host, port=port)


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema. On PostgreSQL this needs the owner's URL."""
    _operate("migrate")


@app.command()
def seed(
    factor: Factor = 1.0,
    today: Annotated[str | None, typer.Option(help="The day that the data leads up to; this one if left out.")] = None,
) -> None:
    """Fill two demo tenants, northwind and southridge."""
    _operate("seed", factor=factor, today=today)


@app.command("create-tenant")
def create(tenant: str, name: str) -> None:
    """Create an empty tenant with the usual permission sets, to import into."""
    _operate("create-tenant", tenant=tenant, name=name)


@app.command("import")
def import_(
    tenant: Annotated[str, typer.Argument(help="Tenant to import into.")],
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of <Object>.csv files.")],
    ignore_unknown: Annotated[bool, typer.Option(help="Pass over columns that are no fields.")] = False,
) -> None:
    """Import a folder of CSV files with API field names, all or nothing; each bad line is reported."""
    _operate("import", tenant=tenant, folder=folder, ignore_unknown=ignore_unknown)


@app.command()
def export(
    tenant: Annotated[str, typer.Argument(help="Tenant to export.")],
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Folder to write; must not exist or be empty.")],
) -> None:
    """Write all records of a tenant as CSV files, in the form that import reads."""
    _operate("export", tenant=tenant, folder=folder)


@app.command()
def doctor() -> None:
    """Check settings, keys, database, catalogue and model; exit code 1 if anything is wrong."""
    _operate("doctor")


async def _token(url: str, username: str | None) -> str:
    token = os.environ.get("COUNTERSIGN_TOKEN")
    if username is not None:
        return await log_in(url, username)
    if token is None:
        raise CommandError("say who you are: --as <username>, or a token in COUNTERSIGN_TOKEN")
    return token


@app.command()
def chat(
    who: As = None,
    url: Url = LOCAL,
    thread: Annotated[str | None, typer.Option(help="Go on with this conversation.")] = None,
    message: Annotated[str | None, typer.Option("--message", "-m", help="Say this and leave.")] = None,
) -> None:
    """Chat with the copilot. An empty line or Ctrl-D leaves."""

    async def work() -> None:
        conversation = Chat(url, await _token(url, who))
        await conversation.open(thread)
        console.print(f"[dim]thread {clean(conversation.thread_id)}[/dim]")
        while text := message or await asyncio.to_thread(_read_line):
            try:
                await conversation.say(text)
            except httpx.HTTPStatusError as error:
                errors.print(f"[red]{clean(_detail(error.response))}[/red]")
            if message:
                return

    _run(work())


def _read_line() -> str:
    try:
        return console.input("[bold]> [/bold]").strip()
    except EOFError:
        return ""


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the service answered {response.status_code}"


def _call(method: str, path: str, url: str, who: str | None, **options: Any) -> Any:
    async def work() -> Any:
        headers = {"Authorization": f"Bearer {await _token(url, who)}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
            response = await client.request(method, path, **options)
        if response.is_error:
            raise CommandError(_detail(response))
        return response.json()

    return _run(work())


@approvals.command("list")
def list_approvals(
    who: As = None,
    url: Url = LOCAL,
    as_json: Annotated[bool, typer.Option("--json", help="Print the service's answer as it is.")] = False,
) -> None:
    """What waits for your decision, and what you asked for."""
    found = _call("GET", "/approvals", url, who)
    if as_json:
        console.print_json(json.dumps(found))
        return
    if not found:
        console.print("Nothing waits.")
    for approval in found:
        console.print(f"[bold]{clean(approval['approval_id'])}[/bold] {one_line(approval['card']['title'])}")


@approvals.command("decide")
def decide(
    approval_id: str,
    who: As = None,
    url: Url = LOCAL,
    approve: Annotated[bool, typer.Option("--approve", help="Approve without asking.")] = False,
    reject: Annotated[str | None, typer.Option("--reject", help="Reject with this reason, without asking.")] = None,
) -> None:
    """Show exactly what would change, and decide."""
    approval = _call("GET", f"/approvals/{approval_id}", url, who)
    show_card(approval)
    console.print(one_line(approval["rule"]["reason"]))
    if not approve and reject is None:
        approve = typer.confirm("Countersign this change?")
        reject = None if approve else typer.prompt("Why not?", default="")
    body = {"decision": "approve" if approve else "reject", "digest": approval["digest"], "reason": reject or None}
    decided = _call("POST", f"/approvals/{approval_id}/decision?wait=true", url, who, json=body)["approval"]
    console.print(f"The request is {clean(decided['status'])}.")
    if decided["status"] == "refused":
        console.print(clean(decided["result"].get("message", "")))


@app.command()
def show(
    object_name: Annotated[str, typer.Argument(metavar="OBJECT", help="Kind of record, such as Account.")],
    name: Annotated[str, typer.Argument(help="Record id, or the exact name.")],
    who: As = None,
    url: Url = LOCAL,
) -> None:
    """Show a record with the fields that you may read."""
    record = _call("GET", f"/records/{object_name}", url, who, params={"name": name})
    for field, value in record.items():
        if value is not None:
            console.print(f"{one_line(field):>22}  {one_line(value)}")


if __name__ == "__main__":
    main()
