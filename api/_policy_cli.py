"""`countersign policy`: look at the policy, check rules before they are put in, ask who may do what."""

import importlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from api import _preapprovals_cli
from api._options import LOCAL, As, AsJson, Call, Url, printed
from api._terminal import CommandError, clean, console, one_line

"""Method, path, address of the service, person, and what `httpx` takes besides."""

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Rules of the tenant, as Cedar text.")]
Note = Annotated[str, typer.Option(help="Why, for those who read the history.")]


def build(call: Call) -> typer.Typer:
    """The commands; `call` reaches the service."""
    app = typer.Typer(no_args_is_help=True, help="Look at the policy, change the tenant's part, ask who may do what.")
    _add_reading(app, call)
    _add_changing(app, call)
    _add_asking(app, call)
    app.add_typer(_preapprovals_cli.build(call), name="preapprovals")
    return app


def _add_reading(app: typer.Typer, call: Call) -> None:
    @app.command()
    def show(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """What counts now: the tenant's rules, limits and pre-approvals."""
        policy = call("GET", "/admin/policy", url, who)
        if printed(policy, as_json=as_json):
            return
        console.print(f"[bold]version {policy['version']}[/bold], all in all {clean(policy['policy_version'])[:16]}")
        for name, value in policy["settings"].items():
            console.print(f"{one_line(name):>22}  {one_line(value)}")
        for one in policy["preapprovals"]:
            console.print(f"pre-approved: {_preapprovals_cli.describe(one)}")
        for one in policy["rules"]:
            console.print(f"approval rule [bold]{one_line(one['id'])}[/bold]: {one_line(one['reason'])}")
            console.print(f"    {one_line(json.dumps({'when': one.get('when', {}), 'then': one.get('then', {})}))}")
        console.print(clean(policy["additions"]) or "No rules of the tenant's own.")

    @app.command()
    def history(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Every version of the tenant's part, newest first."""
        versions = call("GET", "/admin/policy/history", url, who)
        if printed(versions, as_json=as_json):
            return
        for one in versions:
            told = f"{one['version']:>4}  {one['created_at']}  {one['author']}  {one['digest'][:16]}  {one['note']}"
            console.print(one_line(told))
        if not versions:
            console.print("The tenant has added nothing yet.")


def _add_changing(app: typer.Typer, call: Call) -> None:
    @app.command()
    def check(file: File) -> None:
        """Check rules on this machine; exit code 1 with the place and what was expected. Needs no service."""
        if _files().is_document(file):
            console.print(clean(_files().check_document(file)))
            return
        count = importlib.import_module("api._policy_check").count_rules(file.read_text("utf-8"))
        console.print(f"{count} rules, all good.")

    @app.command()
    def put(file: File, who: As = None, url: Url = LOCAL, note: Note = "", as_json: AsJson = False) -> None:
        """Put the rules of a file in place of the tenant's own; of a YAML or JSON document, all that it names."""
        version = call("GET", "/admin/policy", url, who)["version"]
        body = {"based_on": version, "note": note, **_read(file)}
        new = call("PUT", "/admin/policy", url, who, json=body)
        if not printed(new, as_json=as_json):
            console.print(f"Version {new['version']} counts from the next run on.")

    @app.command()
    def simulate(
        file: File,
        since: Annotated[str | None, typer.Option(help="From this moment on: 2026-11-02T00:00:00Z.")] = None,
        until: Annotated[str | None, typer.Option(help="Requests before this moment.")] = None,
        limit: Annotated[int, typer.Option(min=1, max=1_000, help="The newest so many.")] = 200,
        changed: Annotated[bool, typer.Option("--changed", help="Only those of which something would change.")] = False,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Try a file on past requests: what would have been held, and by whom approved. Nothing is changed."""
        window = {"since": since, "until": until, "limit": limit, "only_changed": changed}
        said = call("POST", "/admin/policy/simulate", url, who, json={**_read(file), **window})
        if not printed(said, as_json=as_json):
            _show_simulation(said)

    @app.command()
    def rollback(version: int, who: As = None, url: Url = LOCAL, note: Note = "", as_json: AsJson = False) -> None:
        """Put an earlier version in again."""
        body = {"based_on": call("GET", "/admin/policy", url, who)["version"], "version": version, "note": note}
        new = call("POST", "/admin/policy/rollback", url, who, json=body)
        if not printed(new, as_json=as_json):
            console.print(f"Version {new['version']} is as {version} was.")


def _files() -> Any:
    """What reads documents; loaded only where one is given."""
    return importlib.import_module("api._policy_files")


def _read(file: Path) -> dict[str, Any]:
    """A policy document, or rules in Cedar, as the service takes them. Raises: CommandError."""
    return dict(_files().read_document(file)) if _files().is_document(file) else {"additions": file.read_text("utf-8")}


def _add_asking(app: typer.Typer, call: Call) -> None:
    @app.command()
    def explain(
        person: Annotated[str, typer.Option(help="For whom: record id, user name or e-mail address.")],
        agent: Annotated[str, typer.Option(help="Through which agent.")],
        tool: Annotated[str, typer.Option(help="With which tool.")],
        object_name: Annotated[str | None, typer.Option("--object", help="Kind of record.")] = None,
        field: Annotated[list[str] | None, typer.Option(help="A field that would change: Name, or Name=value.")] = None,
        label: Annotated[list[str] | None, typer.Option(help="Worst source of a role: target=external.")] = None,
        tainted: Annotated[bool, typer.Option("--tainted", help="Outside text was read in the turn.")] = False,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Who may do what: the decision on a call that nobody made, why, and what would satisfy it."""
        body = {
            "person": person,
            "agent": agent,
            "tool": tool,
            "object": object_name,
            "fields": dict(map(_field, field or [])),
            "inputs": dict(map(_label, label or [])),
            "tainted": tainted,
        }
        said = call("POST", "/admin/policy/explain", url, who, json=body)
        if not printed(said, as_json=as_json):
            _show_explanation(said)

    @app.command()
    def reach(
        person: Annotated[str, typer.Option(help="For whom: record id, user name or e-mail address.")],
        agent: Annotated[str, typer.Option(help="Of which agent.")],
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """What an agent can read, change and send for a person, at most, and who has to agree."""
        found = call("GET", "/admin/reach", url, who, params={"person": person, "agent": agent})
        if not printed(found, as_json=as_json):
            _show_reach(found)


def _field(text: str) -> tuple[str, dict[str, Any]]:
    name, is_given, value = text.partition("=")
    try:
        return name, {"new": json.loads(value)} if is_given else {}
    except ValueError:
        return name, {"new": value}


def _label(text: str) -> tuple[str, str]:
    role, _, level = text.partition("=")
    if not level:
        raise CommandError(f"--label {text}: expected a role and a source, such as target=external")
    return role, level


def _show_simulation(said: dict[str, Any]) -> None:
    for one in said["requests"]:
        mark = "[yellow]~[/yellow]" if one["is_changed"] else " "
        console.print(
            f"{mark} {clean(one['created_at'])} {one_line(one['tool'])} {one_line(', '.join(one['objects']))}"
        )
        console.print(f"    was   {_outcome(one['was'])}")
        console.print(f"    would {_outcome(one['would'])}")
    for what, count in said["totals"].items():
        console.print(f"{count:>6}  {one_line(what)}")
    for why, count in said["skipped"].items():
        console.print(f"{count:>6}  skipped: {one_line(why).replace('_', ' ')}")
    console.print(f"{said['changed']} of {said['looked_at']} requests would have become something else.")


def _outcome(judged: dict[str, Any]) -> str:
    if judged["outcome"] != "held":
        return one_line(f"{judged['outcome']}: {judged['reason']}")
    asked = [judged["permission"]] if judged["permission"] else []
    by = " and ".join([*asked, *judged["approvers"]]) or "the requester only"
    alone = ", a second person" if judged["second_person"] else ""
    wait = f", for {judged['expires_after_s'] // 60} minutes" if judged["expires_after_s"] else ""
    rules = f" ({', '.join(judged['rules'])})" if judged["rules"] else ""
    return one_line(f"held{rules}: {judged['votes']} vote(s) of {by}{alone}{wait}")


def _show_explanation(said: dict[str, Any]) -> None:
    console.print(f"[bold]{clean(said['decision'])}[/bold] {one_line(said['source'])} {one_line(said['reason'])}")
    if said["decision"] == "hold":
        console.print(f"to be approved by {_approval(said)}")
        console.print(one_line("such as " + ", ".join(one["name"] for one in said["approvers"])))
    for remedy in said["remedies"]:
        console.print(one_line(f"would satisfy: {remedy}"))
    for step in said["steps"]:
        console.print(
            f"[dim]{one_line(step['outcome']):>6}  {one_line(step['source'])}  {one_line(step['reason'])}[/dim]"
        )


def _show_reach(found: dict[str, Any]) -> None:
    console.print(one_line(f"{found['agent']} for {found['person']['name']}: at most this"))
    console.print(one_line("tools: " + ", ".join(found["tools"])))
    for one in found["objects"]:
        console.print(f"[bold]{one_line(one['object'])}[/bold]")
        if one["readable"]:
            console.print(one_line("  read    " + ", ".join(one["readable"])))
        for way in one["changes"]:
            by = f", by {_approval(way)}" if way["decision"] == "hold" else ""
            fields = ", ".join(way["fields"])
            console.print(one_line(f"  {way['operation']:<7} {fields} ({way['tool']}: {way['decision']}{by})"))
    for one in found["sends"]:
        by = f", by {_approval(one)}" if one["decision"] == "hold" else f" {one['reason']}"
        console.print(one_line(f"send to {one['to']} ({one['tool']}: {one['decision']}{by})"))


def _approval(said: dict[str, Any]) -> str:
    who = "a second person" if said["second_person"] else "the person, or somebody"
    votes = f", {said['votes']} votes" if said["votes"] > 1 else ""
    rules = "".join(f" and {one}" for one in said.get("approver_rules", ()))
    return clean(f"{who} with {said['permission'] or 'no permission'}{rules}{votes}")
