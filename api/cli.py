"""`countersign`: the commands of operators and of people who work in a terminal."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import typer

from api._audit_cli import audit
from api._dev_login import log_in
from api._eval_cli import evaluate
from api._loading import operate as _operate
from api._options import LOCAL, As, Url
from api._service_cli import add_service_commands
from api._terminal import CommandError, clean, console, errors

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="A CRM copilot whose every write is countersigned.",
)
erase = typer.Typer(no_args_is_help=True, help="Erase what was said, for good. Records, ledger and audit stay.")
app.add_typer(erase, name="erase")
app.add_typer(audit, name="audit")

Factor = Annotated[float, typer.Option(help="How much data, 1 is about 3,000 records a tenant.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

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
def worker(
    host: Annotated[str | None, typer.Option(help="Address that signs of life are given at.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the same.")] = None,
) -> None:
    """Work on what others have accepted, and take no requests; /health, /ready and /metrics are answered."""
    _operate("worker", host=host, port=port)


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


@app.command()
def sender(
    tenant: Annotated[str, typer.Argument(help="Tenant that is to send e-mail.")],
    address: Annotated[str, typer.Argument(help="Address its e-mails come from.")],
    name: Annotated[str, typer.Option(help="Name beside the address.")] = "",
    leads_need_consent: Annotated[bool, typer.Option(help="Write only to leads who have agreed.")] = True,
    wrong_reader: Annotated[
        str, typer.Option(help="deny or hold what goes to somebody whose records it is not about.")
    ] = "deny",
) -> None:
    """Let a tenant send e-mail, and say under which rules. Until then it sends none."""
    _operate(
        "sender",
        tenant=tenant,
        address=address,
        name=name,
        leads_need_consent=leads_need_consent,
        wrong_reader=wrong_reader,
    )


class WrittenBy(StrEnum):
    """The declared source of an import."""

    STAFF = "staff"
    OUTSIDE = "outside"


@app.command("import")
def import_(
    tenant: Annotated[str, typer.Argument(help="Tenant to import into.")],
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of <Object>.csv files.")],
    ignore_unknown: Annotated[bool, typer.Option(help="Pass over columns that are no fields.")] = False,
    written_by: Annotated[
        WrittenBy | None,
        typer.Option(help="Who is behind the texts: staff, who vouch for them, or anybody outside."),
    ] = None,
) -> None:
    """Import a folder of CSV files with API field names, all or nothing; each bad line is reported."""
    source = written_by and written_by.value
    _operate("import", tenant=tenant, folder=folder, ignore_unknown=ignore_unknown, written_by=source)


@app.command()
def export(
    tenant: Annotated[str, typer.Argument(help="Tenant to export.")],
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Folder to write; must not exist or be empty.")],
) -> None:
    """Write all records of a tenant as CSV files, in the form that import reads."""
    _operate("export", tenant=tenant, folder=folder)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    model: Annotated[
        bool, typer.Option("--model", help="Ask the models a question, which costs a few tokens.")
    ] = False,
) -> None:
    """Check settings, keys, database, wall, clock, audit, approvals, runs, outbox; exit code 1 if anything is wrong."""
    _operate("doctor", as_json=as_json, ask_model=model)


@erase.command("thread")
def erase_thread(tenant: str, thread_id: str, yes: Yes = False) -> None:
    """Erase one conversation."""
    _erase("thread", tenant, thread_id, yes=yes)


@erase.command("person")
def erase_person(
    tenant: str, person_id: Annotated[str, typer.Argument(help="Record id of a user or contact.")], yes: Yes = False
) -> None:
    """Erase all conversations of a person, and what is sealed with their key."""
    _erase("person", tenant, person_id, yes=yes)


@erase.command("tenant")
def erase_tenant(tenant: str, yes: Yes = False) -> None:
    """Erase everything that is sealed for a tenant. It can hold no conversation any more."""
    _erase("tenant", tenant, "", yes=yes)


def _erase(kind: str, tenant: str, subject: str, *, yes: bool) -> None:
    what = f"tenant {tenant}" if kind == "tenant" else f"{kind} {subject} of tenant {tenant}"
    if not yes:
        typer.confirm(f"Erase {what} for good?", abort=True)
    _operate("erase", kind=kind, tenant=tenant, subject=subject)


@app.command()
def purge() -> None:
    """Erase the conversations that have outlived their tenants' retention; the service does so each hour."""
    _operate("purge")


@app.command()
def retention(
    tenant: str,
    conversation_days: Annotated[
        int | None, typer.Option(min=0, help="Erase conversations that nobody touched for so long; 0: never.")
    ] = None,
    prompt_days: Annotated[
        int | None, typer.Option(min=0, help="Keep texts to and from models for so long; 0: do not store them.")
    ] = None,
) -> None:
    """Show how long a tenant keeps things, or change it."""
    _operate("retention", tenant=tenant, conversation_days=conversation_days, prompt_days=prompt_days)


@app.command("migrate-runs")
def migrate_runs(
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Recall the requests that this build cannot go on with.")
    ] = False,
) -> None:
    """Carry waiting conversations over to this build's graph, and take up runs that were put aside."""
    _operate("migrate-runs", withdraw=withdraw)


@app.command("rotate-keys")
def rotate_keys() -> None:
    """Wrap all tenants' keys with the newest master key, after which the former ones are needed no more."""
    _operate("rotate-keys")


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
    from api._chat import Chat  # the client takes as long to load as all other commands together

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
        return response.json() if response.content else None

    return _run(work())


add_service_commands(app, _call)
app.add_typer(evaluate, name="eval")


if __name__ == "__main__":
    main()
