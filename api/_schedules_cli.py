"""`countersign schedules`: what is asked again and again, and when."""

from typing import Annotated, Any

import typer

from api._options import LOCAL, As, AsJson, Call, Url, printed, read_values
from api._terminal import console, one_line, show_rows

_COLUMNS = ("cron_id", "schedule", "timezone", "enabled", "next_run_date", "for_each", "stopped_because", "user_id")


def build(call: Call) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Requests and workflows that begin at set times.")

    @app.command("list")
    def list_schedules(who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """Your schedules."""
        found = call("POST", "/runs/crons/search", url, who, json={"limit": 1000})
        if not printed(found, as_json=as_json):
            show_rows(found, *_COLUMNS, empty="Nothing is scheduled.")

    @app.command("add")
    def add(
        schedule: Annotated[str, typer.Argument(help="When, as five fields of cron, such as '0 8 * * 1-5'.")],
        message: Annotated[str | None, typer.Option("--message", "-m", help="What is asked.")] = None,
        given: Annotated[
            list[str] | None, typer.Option("--input", help="<name>=<value> that a workflow begins with.")
        ] = None,
        assistant: Annotated[str, typer.Option(help="Who is asked, or which workflow.")] = "countersign",
        timezone: Annotated[str | None, typer.Option(help="Such as Europe/Berlin; UTC if left out.")] = None,
        for_each: Annotated[str | None, typer.Option(help="Permission set: for each user who has it.")] = None,
        until: Annotated[str | None, typer.Option(help="The last moment, with its zone.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Have something asked at set times, with your rights at each time."""
        said = read_values(given or [], "--input")
        if message is not None:
            said["messages"] = [{"type": "human", "content": message}]
        more = {"timezone": timezone, "for_each": for_each, "end_time": until}
        body = {"assistant_id": assistant, "schedule": schedule, "input": said}
        body |= {name: value for name, value in more.items() if value is not None}
        _show(call("POST", "/runs/crons", url, who, json=body), as_json=as_json)

    @app.command("change")
    def change(
        schedule_id: str,
        schedule: Annotated[str | None, typer.Option(help="When, as five fields of cron.")] = None,
        enabled: Annotated[bool | None, typer.Option("--on/--off", help="Whether it goes on.")] = None,
        who: As = None,
        url: Url = LOCAL,
        as_json: AsJson = False,
    ) -> None:
        """Change what is named, and leave the rest."""
        given = {"schedule": schedule, "enabled": enabled}
        body = {name: value for name, value in given.items() if value is not None}
        _show(call("PATCH", f"/runs/crons/{schedule_id}", url, who, json=body), as_json=as_json)

    @app.command("remove")
    def remove(schedule_id: str, who: As = None, url: Url = LOCAL, as_json: AsJson = False) -> None:
        """End it. What it has begun goes on."""
        call("DELETE", f"/runs/crons/{schedule_id}", url, who)
        if not printed({"removed": schedule_id}, as_json=as_json):
            console.print(f"{one_line(schedule_id)} has ended.")

    return app


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if not printed(found, as_json=as_json):
        show_rows([found], *_COLUMNS, empty="")
