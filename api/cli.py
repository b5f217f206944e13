"""`countersign`: the commands of operators and of people who work in a terminal."""

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import typer
import uvicorn
from pydantic import ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents._models import UnknownModelError, make_model
from agents._roster import RosterError, load_roster
from api._chat import Chat, ServiceError, log_in
from api._terminal import clean, console, errors, one_line, show_card
from api.app import build_app
from api.auth import KeySet
from api.settings import Settings
from crm import migrate as migrations
from crm.database import Database, DatabaseNotReadyError
from crm.errors import CrmError
from crm.ids import TenantId
from crm.seed import TenantExistsError, create_tenant
from crm.seed import seed as seed_tenants
from crm.transfer import ExportReport, ImportReport, export_folder, import_folder
from crm.transfer import Progress as ImportProgress
from tools._catalogue import CatalogueError, load_catalogue

app = typer.Typer(no_args_is_help=True, add_completion=False, help="A CRM copilot whose every write is countersigned.")
approvals = typer.Typer(no_args_is_help=True, help="Look at held actions and decide them.")
app.add_typer(approvals, name="approvals")

Url = Annotated[str, typer.Option(envvar="COUNTERSIGN_URL", help="Where the service answers.")]
As = Annotated[str | None, typer.Option("--as", help="Log in as this seeded person (development mode only).")]
LOCAL = "http://127.0.0.1:8000"

T = TypeVar("T")


def main() -> None:
    """Run the command line; known errors become one line and exit code 1."""
    try:
        app()
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            errors.print(f"[red]{clean('.'.join(map(str, fault['loc'])) or 'settings')}: {clean(fault['msg'])}[/red]")
    except (
        CatalogueError,
        CrmError,
        DatabaseNotReadyError,
        RosterError,
        ServiceError,
        TenantExistsError,
        UnknownModelError,
        ValueError,
    ) as error:
        errors.print(f"[red]{clean(error)}[/red]")
    else:
        return
    sys.exit(1)


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8000,
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its data.")] = Path(".countersign/demo"),
    factor: Annotated[float, typer.Option(help="How much data, 1 is about 3,000 records a tenant.")] = 1.0,
) -> None:
    """Start the service with two seeded tenants, on SQLite, without any key or network."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(mode="development", dev_login=True, data_dir=folder, port=port)
    migrations.upgrade(settings.database())
    _run(_seed_once(settings, factor))
    console.print(_DEMO_TEXT.replace("{url}", f"http://127.0.0.1:{port}"))
    _serve(settings)


async def _seed_once(settings: Settings, factor: float) -> None:
    database = Database(settings.database())
    try:
        if not await database.tenants():
            console.print("Seeding two tenants ...")
            report = await seed_tenants(database, factor=factor, today=datetime.now(UTC).date())
            console.print(f"{report.total} records written.")
    finally:
        await database.close()


_DEMO_TEXT = """
Countersign runs at {url} (Ctrl-C stops it). Its documentation is at {url}/docs.
In a second terminal, as the sales rep Dana:

  uv run countersign chat --as dana@northwind.example --url {url}

    show the open cases of Acme Industries
    move the Acme Industries - Fabrication Line Renewal to Negotiation

The second request waits. As the manager Mara, see what would change and countersign it:

  uv run countersign approvals list --as mara@northwind.example --url {url}
  uv run countersign approvals decide <id> --as mara@northwind.example --url {url}
  uv run countersign show Opportunity "Acme Industries - Fabrication Line Renewal" --as mara@northwind.example

dana@southridge.example works at the other tenant, with an account of the same name: she sees none of this.
"""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Start the service with the settings of the environment (COUNTERSIGN_*)."""
    given: dict[str, Any] = {"host": host, "port": port}
    _serve(Settings(**{name: value for name, value in given.items() if value is not None}))


def _serve(settings: Settings) -> None:
    uvicorn.run(
        build_app(settings), host=settings.host, port=settings.port, log_level="warning", timeout_graceful_shutdown=10
    )


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema. On PostgreSQL this needs the owner's URL."""
    settings = Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    migrations.upgrade(settings.database())
    console.print(f"The database is at revision {migrations.current_revision(settings.database())}.")


@app.command()
def seed(
    factor: Annotated[float, typer.Option(help="How much data, 1 is about 3,000 records a tenant.")] = 1.0,
    today: Annotated[str | None, typer.Option(help="The day that the data leads up to; this one if left out.")] = None,
) -> None:
    """Fill two demo tenants, northwind and southridge."""

    async def work() -> int:
        database = Database(Settings().database())
        try:
            day = date.fromisoformat(today) if today else datetime.now(UTC).date()
            return (await seed_tenants(database, factor=factor, today=day)).total
        finally:
            await database.close()

    console.print(f"{_run(work())} records written.")


@app.command("create-tenant")
def create(tenant: str, name: str) -> None:
    """Create an empty tenant with the usual permission sets, to import into."""

    async def work() -> None:
        database = Database(Settings().database())
        try:
            # tenant-id: the operator names the tenant on the machine's own command line
            await create_tenant(database, TenantId(tenant), name)
        finally:
            await database.close()

    _run(work())
    console.print(f"Tenant {clean(tenant)} exists now; fill it with `countersign import`.")


@app.command("import")
def import_(
    tenant: Annotated[str, typer.Argument(help="Tenant to import into.")],
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of <Object>.csv files.")],
    ignore_unknown: Annotated[bool, typer.Option(help="Pass over columns that are no fields.")] = False,
) -> None:
    """Import a folder of CSV files with API field names, all or nothing; each bad line is reported."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors) as bars:
        tasks: dict[tuple[str, str], Any] = {}

        def on_progress(progress: ImportProgress) -> None:
            key = (progress.step, progress.object_name)
            if key not in tasks:
                tasks[key] = bars.add_task(f"{progress.step} {one_line(progress.object_name)}", total=None)
            bars.update(tasks[key], completed=progress.rows_done, total=progress.rows_total)

        async def work() -> ImportReport:
            database = Database(Settings().database())
            try:
                # tenant-id: the operator names the tenant on the machine's own command line
                into = TenantId(tenant)
                return await import_folder(
                    database, into, folder, on_progress=on_progress, ignore_unknown=ignore_unknown
                )
            finally:
                await database.close()

        report = _run(work())
    for problem in report.problems:
        errors.print(clean(problem))
    if not report.is_written:
        raise ServiceError(f"nothing was imported: {report.problem_count} problems")
    console.print(f"{sum(report.rows.values())} records imported.")


@app.command()
def export(
    tenant: Annotated[str, typer.Argument(help="Tenant to export.")],
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Folder to write; must not exist or be empty.")],
) -> None:
    """Write all records of a tenant as CSV files, in the form that import reads."""

    async def work() -> ExportReport:
        database = Database(Settings().database())
        try:
            # tenant-id: the operator names the tenant on the machine's own command line
            return await export_folder(database, TenantId(tenant), folder)
        finally:
            await database.close()

    report = _run(work())
    console.print(f"{sum(report.rows.values())} records exported to {clean(folder)}.")


@app.command()
def doctor() -> None:
    """Check settings, keys, database, catalogue and model; exit code 1 if anything is wrong."""
    settings = Settings()
    findings = [
        _check("settings", lambda: settings.mode),
        _check("token keys", lambda: f"{_count_keys(settings)} keys"),
        _check("database", lambda: _run(_check_database(settings))),
        _check("catalogue", lambda: f"{len(load_catalogue())} tools, {len(load_roster())} agents"),
        _check("model", lambda: _describe_model(settings)),
    ]
    if not all(findings):
        sys.exit(1)


def _check(name: str, look: Any) -> bool:
    try:
        console.print(f"[green]ok[/green]    {name}: {clean(look())}")
    except Exception as error:  # whatever is wrong is what the operator wants to see
        console.print(f"[red]wrong[/red] {name}: {clean(error) or type(error).__name__}")
        return False
    return True


def _count_keys(settings: Settings) -> int:
    keys = KeySet(settings.key_set())
    keys.find("")
    if not keys.count():
        raise ValueError(f"{settings.key_set()} holds no key with a kid")
    return keys.count()


async def _check_database(settings: Settings) -> str:
    database = Database(settings.database())
    try:
        await database.check()
        return f"{database.dialect}, {len(await database.tenants())} tenants"
    finally:
        await database.close()


def _describe_model(settings: Settings) -> str:
    for name in filter(None, [settings.model, settings.fallback_model]):
        make_model(name, base_url=settings.model_base_url, api_key=settings.model_key())
    return settings.model


async def _token(url: str, username: str | None) -> str:
    token = os.environ.get("COUNTERSIGN_TOKEN")
    if username is not None:
        return await log_in(url, username)
    if token is None:
        raise ServiceError("say who you are: --as <username>, or a token in COUNTERSIGN_TOKEN")
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
            raise ServiceError(_detail(response))
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
