"""`countersign workflows`: begin one, see how far it is, stop it. What it waits for is decided with `approvals`."""

from typing import Annotated, Any

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed, read_values
from api._terminal import console, one_line, show_rows

ThreadId = Annotated[str, typer.Argument(help="Conversation that the workflow is at work in.")]


def build(call: Call) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Workflows: begin, look, stop, forget.")

    @app.command("list")
    def list_workflows(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Which there are."""
        found = call("POST", "/assistants/search", url, who, json={"limit": 100})
        if not printed(found, as_json=as_json):
            show_rows(found, "name", "description", empty="There are none.")

    @app.command("start")
    def start(
        workflow: str,
        given: Annotated[list[str] | None, typer.Option("--input", help="<name>=<value> that it begins with.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Begin one, and show where it is at work. It stops wherever a person has to decide."""
        begins_with = read_values(given or [], "--input")
        body = {"assistant_id": workflow, "input": begins_with}
        thread = call("POST", "/threads", url, who, json={})["thread_id"]
        run = call("POST", f"/threads/{thread}/runs", url, who, json=body)
        if not printed(run, as_json=as_json):
            show_rows([run], "run_id", "thread_id", "status", empty="")

    @app.command("show")
    def show(thread_id: ThreadId, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """How far it is: which step is next, and what it waits for."""
        thread = call("GET", f"/threads/{thread_id}", url, who)
        state = call("GET", f"/threads/{thread_id}/state", url, who)
        runs = call("GET", f"/threads/{thread_id}/runs", url, who)
        standing = (thread["values"] or {}).get("workflow") or {}
        if printed({"thread": thread, "next": state["next"], "runs": runs}, as_json=as_json):
            return
        console.print(f"[bold]{one_line(thread_id)}[/bold] {one_line(thread['status'])}")
        for name in ("status", "step", "because"):
            if standing.get(name):
                console.print(f"{name}: {one_line(standing[name])}")
        console.print(f"next: {one_line(', '.join(map(str, state['next'])) or 'nothing')}")
        for approval in _waiting(thread):
            console.print(f"waits for: countersign approvals decide {one_line(approval)}")
        show_rows(runs, "run_id", "status", "created_at", empty="It has not begun.")

    @app.command("stop")
    def stop(thread_id: ThreadId, run_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Stop a run; what it has written stays, and can be taken back with `ledger undo`."""
        call("POST", f"/threads/{thread_id}/runs/{run_id}/cancel", url, who, params={"wait": 1})
        if not printed({"stopped": run_id}, as_json=as_json):
            console.print(f"{one_line(run_id)} was stopped.")

    @app.command("rename")
    def rename(thread_id: ThreadId, title: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Give the conversation another title."""
        thread = call("PATCH", f"/threads/{thread_id}", url, who, json={"metadata": {"title": title}})
        if not printed(thread, as_json=as_json):
            console.print(f"{one_line(thread_id)} is called {one_line(title)}.")

    @app.command("forget")
    def forget(thread_id: ThreadId, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Remove the conversation with its runs. Records, ledger and audit stay."""
        call("DELETE", f"/threads/{thread_id}", url, who)
        if not printed({"removed": thread_id}, as_json=as_json):
            console.print(f"{one_line(thread_id)} is gone.")

    @app.command("rate")
    def rate(
        thread_id: ThreadId,
        message_id: Annotated[str, typer.Argument(help="Of the answer.")],
        rating: Annotated[str, typer.Argument(help="up or down.")],
        reason: Annotated[str | None, typer.Option(help="Why.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Say whether an answer was good."""
        body: dict[str, Any] = {"message_id": message_id, "rating": rating, "reason": reason}
        given = call("POST", f"/threads/{thread_id}/feedback", url, who, json=body)
        if not printed(given, as_json=as_json):
            console.print("Noted.")

    return app


def _waiting(thread: dict[str, Any]) -> list[str]:
    """Ids of the requests that a conversation waits for."""
    values = [one["value"] for waiting in thread["interrupts"].values() for one in waiting]
    return [one["approval_id"] for value in values if isinstance(value, dict) for one in value.get("approvals", [])]
