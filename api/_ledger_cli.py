"""`countersign ledger`: look at what was written, and take it back."""

from typing import Annotated, Any

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import CommandError, console, one_line


def build(call: Call) -> typer.Typer:
    ledger = typer.Typer(no_args_is_help=True, help="Look at what was written, and take it back.")

    @ledger.command("list")
    def list_entries(
        who: As = None,
        url: Url = LOCAL,
        run: Annotated[str | None, typer.Option(help="Of this run.")] = None,
        thread: Annotated[str | None, typer.Option(help="Of this conversation.")] = None,
        record: Annotated[str | None, typer.Option(help="About this record.")] = None,
        object_name: Annotated[str | None, typer.Option("--object", help="About records of this kind.")] = None,
        agent: Annotated[str | None, typer.Option(help="Asked for by this agent.")] = None,
        tool: Annotated[str | None, typer.Option(help="Made with this tool.")] = None,
        person: Annotated[str | None, typer.Option(help="Asked for or agreed to by this person.")] = None,
        status: Annotated[str | None, typer.Option(help="applied or refused.")] = None,
        limit: Annotated[int, typer.Option(min=1, max=500)] = 100,
        as_json: AsJson = False,
    ) -> None:
        """What was written, newest first. For auditors."""
        wanted = {
            "run_id": run,
            "thread_id": thread,
            "record_id": record,
            "object": object_name,
            "agent": agent,
            "tool": tool,
            "person": person,
            "status": status,
            "limit": limit,
        }
        given = {key: value for key, value in wanted.items() if value is not None}
        found = call("GET", "/ledger", url, who, params=given)
        if printed(found, as_json=as_json):
            return
        for entry in found:
            _show_entry(entry)

    @ledger.command("show")
    def show_entry(entry_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """One entry, with before and after."""
        entry = call("GET", f"/ledger/{entry_id}", url, who)
        if not printed(entry, as_json=as_json):
            _show_entry(entry)

    @ledger.command("touched")
    def show_touched(run_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """What a run asked for, wrote and sent."""
        found = call("GET", f"/runs/{run_id}/touched", url, who)
        if printed(found, as_json=as_json):
            return
        for one in found["proposed"]:
            records = ", ".join(one["records"] or ["erased"])
            console.print(f"asked    {one_line(one['status'])} {one_line(one['tool'])} {one_line(records)}")
        for entry in found["written"]:
            _show_entry(entry)
        for one in found["sent"]:
            console.print(f"sent     {one_line(one['status'])} {one_line(one['outbox_id'])}")

    @ledger.command("undo")
    def undo(
        entry_id: Annotated[str | None, typer.Argument(help="The entry to take back.")] = None,
        run: Annotated[str | None, typer.Option(help="Take back all that this run wrote.")] = None,
        who: As = None,
        url: Url = LOCAL,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Show what would be taken back and what stays, and take it back."""
        if (entry_id is None) == (run is None):
            raise CommandError("name either an entry or a --run")
        preview = call("POST", "/ledger/undo/preview", url, who, json={"entry_id": entry_id, "run_id": run})
        if not as_json:
            _show_preview(preview)
        if all(entry["way"] == "refused" for entry in preview["entries"]):
            printed(preview, as_json=as_json)
            raise CommandError("nothing of it can be taken back")
        if not yes:
            typer.confirm("Countersign taking this back?", abort=True)
        body = {"digest": preview["digest"]} | ({} if run is None else {"run_id": run})
        path = "/ledger/undo" if run is not None else f"/ledger/{entry_id}/undo"
        done = call("POST", path, url, who, json=body)
        if printed(done, as_json=as_json):
            return
        console.print(
            f"Taken back: {len(done['done'])}. Asked for: {len(done['asked'])}. Stays: {len(done['refused'])}."
        )
        for one in done["asked"]:
            console.print(f"  a second person decides: countersign approvals decide {one_line(one['approval_id'])}")
        if done["done"]:
            console.print(f"To do it again: countersign ledger undo --run {one_line(done['run_id'])}")

    return ledger


def _show_entry(entry: dict[str, Any]) -> None:
    undoes = f" takes back {one_line(entry['undoes'])}" if entry["undoes"] else ""
    told = f"{entry['status']} {entry['tool']} by {entry['agent']} {entry['created_at']}"
    console.print(f"[bold]{one_line(entry['entry_id'])}[/bold] {one_line(told)}{undoes}")
    if entry["reason"]:
        console.print(f"    {one_line(entry['reason'])}")
    for effect in entry["effects"]:
        name = effect["name"] or "a record that you may not see"
        console.print(f"    {one_line(effect['operation'])} {one_line(effect['object'])} {one_line(name)}")
        for field in {**effect["before"], **effect["after"]}:
            old, new = effect["before"].get(field), effect["after"].get(field)
            console.print(f"        {one_line(field)}: {_value(old)} -> {_value(new)}")


def _show_preview(preview: dict[str, Any]) -> None:
    for entry in preview["entries"]:
        for step in entry["steps"]:
            what = f"{step['object'] or 'a record'} {step['name'] or step['id'] or ''}"
            if step["refused"]:
                console.print(f"[yellow]stays[/yellow] {one_line(what)}: {one_line(step['refused']['message'])}")
                for field in step["refused"]["fields"]:
                    told = ", ".join(f"{key} {value}" for key, value in field.items() if value is not None)
                    console.print(f"        {one_line(told)}")
                continue
            asks = " (a second person is asked)" if entry["way"] == "asks" else ""
            console.print(f"{one_line(step['operation'])} {one_line(what)}{asks}")
            for field in step["fields"]:
                console.print(f"        {one_line(field['field'])}: {_value(field['old'])} -> {_value(field['new'])}")


def _value(value: object) -> str:
    return "—" if value is None else one_line(value)[:400]
