"""`countersign policy preapprovals`: kinds of action that need no person any more, with caps and an end."""

from typing import Annotated, Any

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import clean, console, one_line


def build(call: Call) -> typer.Typer:
    """The commands; `call` reaches the service."""
    app = typer.Typer(no_args_is_help=True, help="Approve exactly one kind of action in advance.")

    @app.command("list")
    def list_preapprovals(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """What is approved in advance, and how much of its caps is used."""
        found = call("GET", "/admin/preapprovals", url, who)
        if printed(found, as_json=as_json):
            return
        for one in found:
            console.print(f"[bold]{clean(one['id'])}[/bold] {describe(one)}")
        if not found:
            console.print("Nothing is approved in advance.")

    @app.command()
    def add(
        tool: Annotated[str, typer.Option(help="With which tool.")],
        object_name: Annotated[str, typer.Option("--object", help="On which kind of record.")],
        field: Annotated[list[str], typer.Option(help="A field that it may touch.")],
        until: Annotated[str, typer.Option(help="The last day on which it holds, such as 2026-12-31.")],
        reason: Annotated[str, typer.Option(help="Why, for those who read the history.")],
        amount_cap: Annotated[int | None, typer.Option(help="The most that an amount may come to.")] = None,
        count_cap: Annotated[int | None, typer.Option(help="How many may be done in a period.")] = None,
        sum_cap: Annotated[int | None, typer.Option(help="What all amounts of a period may come to.")] = None,
        period: Annotated[str, typer.Option(help="day, week, month, or always.")] = "day",
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Approve a kind of action in advance."""
        caps = {"amount_cap": amount_cap, "count_cap": count_cap, "sum_cap": sum_cap, "period": period}
        body = {"tool": tool, "object": object_name, "fields": field, "until": until, "reason": reason, **caps}
        body["based_on"] = call("GET", "/admin/policy", url, who)["version"]
        new = call("POST", "/admin/preapprovals", url, who, json=body)
        if not printed(new, as_json=as_json):
            console.print(f"{clean(new['preapprovals'][-1]['id'])} counts from the next run on.")

    @app.command()
    def withdraw(preapproval_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Take one back."""
        based_on = call("GET", "/admin/policy", url, who)["version"]
        left = call("DELETE", f"/admin/preapprovals/{preapproval_id}", url, who, params={"based_on": based_on})
        if not printed(left, as_json=as_json):
            console.print("Taken back; it counts no more from the next run on.")

    return app


def describe(one: dict[str, Any]) -> str:
    """On one line: what, how much, until when, how much of it is used."""
    caps = [f"amounts up to {one['amount_cap']}"] if one["amount_cap"] is not None else []
    caps += [f"{one['count_cap']} times"] if one["count_cap"] is not None else []
    caps += [f"{one['sum_cap']} in all"] if one["sum_cap"] is not None else []
    per = "" if one["period"] in (None, "always") else f" a {one['period']}"
    used = one.get("used")
    told = f", used since {used['period_start']}: {used['count']} times, {used['amount']} in all" if used else ""
    state = "until" if one["is_live"] else "over since"
    capped = f", {', '.join(caps)}{per}," if caps else ""
    return one_line(f"{one['tool']} {one['object']} ({', '.join(one['fields'])}){capped} {state} {one['until']}{told}")
