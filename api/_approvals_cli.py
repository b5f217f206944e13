"""`countersign approvals`: the inbox in a terminal, over the public interface and nothing else."""

import json
from typing import Annotated, Any

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import CommandError, clean, console, one_line, show_card


def build(call: Call) -> typer.Typer:
    """The commands; `call` asks the service: method, path, url, who, and what the HTTP client takes."""
    app = typer.Typer(no_args_is_help=True, help="Look at held actions and decide them.")

    @app.command("list")
    def list_approvals(
        who: As = None,
        url: Url = LOCAL,
        view: Annotated[str, typer.Option(help="all, mine, team, decidable or requested.")] = "all",
        record: Annotated[str | None, typer.Option(help="About this record.")] = None,
        run: Annotated[str | None, typer.Option(help="Of this run.")] = None,
        thread: Annotated[str | None, typer.Option(help="Of this conversation.")] = None,
        tool: Annotated[str | None, typer.Option(help="Of this tool.")] = None,
        status: Annotated[list[str] | None, typer.Option(help="With this status; pending if left out.")] = None,
        sort: Annotated[str, typer.Option(help="newest, oldest or expiring.")] = "newest",
        limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
        as_json: AsJson = False,
    ) -> None:
        """What waits for your decision, and what you asked for."""
        given = {
            "view": view,
            "record": record,
            "run_id": run,
            "thread_id": thread,
            "tool": tool,
            "status": status,
            "sort": sort,
            "limit": limit,
        }
        params = {name: value for name, value in given.items() if value is not None}
        found = call("GET", "/approvals", url, who, params=params)
        if printed(found, as_json=as_json):
            return
        if not found:
            console.print("Nothing waits.")
        for approval in found:
            _say(approval)

    @app.command("counts")
    def count_approvals(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """How many requests wait, by view."""
        counts = call("GET", "/approvals/counts", url, who)
        if printed(counts, as_json=as_json):
            return
        for view in ("mine", "decidable", "team", "requested", "all"):
            console.print(f"{view:>10} {counts[view]}")

    @app.command("show")
    def show(approval_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Show exactly what would change, or what came of it."""
        approval = call("GET", f"/approvals/{approval_id}", url, who)
        if printed(approval, as_json=as_json):
            return
        show_card(approval)
        _say_state(approval)

    @app.command("decide")
    def decide(
        approval_id: str,
        who: As = None,
        url: Url = LOCAL,
        approve: Annotated[bool, typer.Option("--approve", help="Approve without asking.")] = False,
        reject: Annotated[str | None, typer.Option("--reject", help="Reject with this reason, without asking.")] = None,
        answer: Annotated[str | None, typer.Option("--answer", help="Tell the agent this instead of deciding.")] = None,
        edit: Annotated[str | None, typer.Option("--edit", help="All arguments as JSON: makes a new request.")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Show exactly what would change, and decide."""
        approval = call("GET", f"/approvals/{approval_id}", url, who)
        body: dict[str, Any] = {"decision": "approve", "digest": approval["digest"]}
        if not as_json:
            show_card(approval)
            console.print(one_line(approval["rule"]["reason"]))
        if answer is not None:
            body |= {"decision": "answer", "text": answer}
        elif edit is not None:
            body |= {"decision": "edit", "arguments": _arguments(edit)}
        elif reject is not None:
            body |= {"decision": "reject", "reason": reject or None}
        elif not approve and not typer.confirm("Countersign this change?"):
            body |= {"decision": "reject", "reason": typer.prompt("Why not?", default="") or None}
        decided = call("POST", f"/approvals/{approval_id}/decision?wait=true", url, who, json=body)
        if printed(decided, as_json=as_json):
            return
        if decided["edited_from"] is not None:
            console.print(f"A new request took its place: {clean(decided['approval']['approval_id'])}.")
        _say_state(decided["approval"])

    @app.command("recall")
    def recall(approval_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Withdraw a request of your own."""
        digest = call("GET", f"/approvals/{approval_id}", url, who)["digest"]
        body = {"decision": "recall", "digest": digest}
        decided = call("POST", f"/approvals/{approval_id}/decision?wait=true", url, who, json=body)
        if printed(decided, as_json=as_json):
            return
        _say_state(decided["approval"])

    @app.command("reassign")
    def reassign(
        approval_id: str,
        to: Annotated[str, typer.Argument(help="Record id of the user who is to look at it.")],
        who: As = None,
        url: Url = LOCAL,
        reason: Annotated[str | None, typer.Option(help="Why.")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Put a request before somebody who may decide it."""
        approval = call("POST", f"/approvals/{approval_id}/reassign", url, who, json={"to": to, "reason": reason})
        if printed(approval, as_json=as_json):
            return
        console.print(f"It was put before {clean(approval['assignee'])}.")

    @app.command("repropose")
    def repropose(approval_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Ask again for what was refused because a record had changed, or ran out."""
        approval = call("POST", f"/approvals/{approval_id}/repropose", url, who)
        if printed(approval, as_json=as_json):
            return
        _say(approval)
        show_card(approval)

    @app.command("batch")
    def batch(
        approval_ids: list[str],
        who: As = None,
        url: Url = LOCAL,
        approve: Annotated[bool, typer.Option("--approve", help="Approve without asking.")] = False,
        reject: Annotated[str | None, typer.Option("--reject", help="Reject all with this reason.")] = None,
        veto: Annotated[
            list[str] | None, typer.Option(help="Reject this one of them, as <id>=<reason>; may be repeated.")
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Decide several requests at once that share tool, object and policy; each is shown, any can have a veto."""
        vetoes = [_veto(one) for one in veto or ()]
        card = call("POST", "/approvals/batch/preview", url, who, json={"approval_ids": approval_ids})
        if not as_json:
            for item in card["items"]:
                console.print(f"[bold]{clean(item['approval_id'])}[/bold]")
                show_card({"card": item})
            console.print(one_line(card["rule"]["reason"]))
        if not approve and reject is None and not typer.confirm(f"Countersign these {len(card['items'])} changes?"):
            raise CommandError("nothing was decided")
        body = {
            "approval_ids": approval_ids,
            "digest": card["digest"],
            "decision": "approve" if reject is None else "reject",
            "reason": reject,
            "veto": vetoes,
        }
        told = call("POST", "/approvals/batch/decision", url, who, json=body)
        if printed(told, as_json=as_json):
            return
        for item in told["items"]:
            problem = f": {one_line(item['problem'])}" if item["problem"] else ""
            console.print(f"{clean(item['approval_id'])} {clean(item['outcome'])} ({clean(item['status'])}){problem}")

    return app


def _arguments(text: str) -> dict[str, Any]:
    """Raises: CommandError."""
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise CommandError("--edit: expected the tool's arguments as a JSON object")
    return given


def _veto(text: str) -> dict[str, str]:
    """Raises: CommandError."""
    approval_id, _, reason = text.partition("=")
    if not reason:
        raise CommandError("--veto: expected <id>=<reason>")
    return {"approval_id": approval_id, "reason": reason}


def _say(approval: dict[str, Any]) -> None:
    waits = "" if approval["status"] == "pending" else f" ({clean(approval['status'])})"
    console.print(f"[bold]{clean(approval['approval_id'])}[/bold] {one_line(approval['card']['title'])}{waits}")


def _say_state(approval: dict[str, Any]) -> None:
    console.print(f"The request is {clean(approval['status'])}.")
    if approval["status"] == "refused":
        console.print(clean((approval["result"] or {}).get("message", "")))
    for one in approval["stale"]:
        was, now = one_line(one["seen"]), one_line(one["current"])
        console.print(f"  {clean(one['field'])}: was {was}, is {now}, asked for {one_line(one['new'])}")
    if approval["stale"]:
        console.print(f"Ask again with: countersign approvals repropose {clean(approval['approval_id'])}")
