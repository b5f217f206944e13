"""`countersign eval`: how well a model answers, and how the service stands up to attacks and to dying processes."""

from pathlib import Path
from typing import Annotated

import typer

from api._loading import evaluation
from api._terminal import console

evaluate = typer.Typer(help="See how well a model answers, and how the service stands up to what it is made for.")

Into = Annotated[Path | None, typer.Option("--json", help="Write everything to this file.")]


@evaluate.callback(invoke_without_command=True)
def evaluate_suites(
    context: typer.Context,
    suite: Annotated[
        list[str] | None, typer.Option("--suite", help="A shipped suite by name, or a YAML file; all shipped ones.")
    ] = None,
    case: Annotated[list[str] | None, typer.Option("--case", help="Only the cases of these ids.")] = None,
    model: Annotated[
        str, typer.Option(help="offline, or provider:name; address and key as for the service.")
    ] = "offline",
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the work.")] = 2,
    sample: Annotated[int | None, typer.Option(min=1, help="So many cases at most, chosen by --seed.")] = None,
    seed: Annotated[int, typer.Option(help="Chooses the sample.")] = 0,
    thresholds: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Bounds that make the model green or red.")
    ] = None,
    into: Into = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as one page to this file.")] = None,
    store: Annotated[
        bool, typer.Option("--store", help="Keep the report in the service's data folder, for the console.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", file_okay=False, help="That folder; as in the service's settings.")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="Keep it for administrators of this tenant only.")
    ] = None,
) -> None:
    """Play suites of cases on copies of a seeded organisation; exit code 1 unless the model is green."""
    if context.invoked_subcommand is not None:
        return
    is_green = evaluation("quality")(
        console,
        suites=suite or [],
        cases=case or [],
        model=model,
        jobs=jobs,
        sample=sample,
        seed=seed,
        thresholds=thresholds,
        into_json=into,
        into_html=html,
        store=store,
        folder=folder,
        tenant=tenant,
    )
    if not is_green:
        raise typer.Exit(1)


@evaluate.command("compare")
def compare(
    before: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Report of the earlier run.")],
    after: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Report of the later run.")],
    into: Into = None,
) -> None:
    """Compare two reports: regressions, fixes, classes of error; exit code 1 if anything regressed."""
    if not evaluation("quality", "run_comparison")(console, before=before, after=after, into_json=into):
        raise typer.Exit(1)


@evaluate.command("import")
def import_cases(
    source: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV in the form of Agentforce's Testing Center.")
    ],
    into: Annotated[Path, typer.Argument(dir_okay=False, help="Suite to write.")],
    mapping: Annotated[
        Path | None,
        typer.Option("--map", exists=True, dir_okay=False, help="YAML: topics to agents, actions to tools."),
    ] = None,
    caller: Annotated[str, typer.Option(help="Who asks: an employee's key, or a contact's e-mail address.")] = "dana",
) -> None:
    """Make a suite of a CSV of utterances, topics, actions and responses; faults are named by row and column."""
    evaluation("quality", "run_import")(console, source=source, into=into, mapping=mapping, caller=caller)


@evaluate.command("attacks")
def evaluate_attacks(
    small: Annotated[
        bool, typer.Option("--small", help="One attack of each family, with every layer in place.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the work.")] = 2,
    into: Annotated[Path | None, typer.Option("--json", help="Write everything that was played to this file.")] = None,
) -> None:
    """Attack a service of its own with a model that obeys whoever it can read; exit code 1 unless it holds."""
    if not evaluation("attacks")(console, small=small, jobs=jobs, into=into):
        raise typer.Exit(1)


@evaluate.command("chaos")
def evaluate_chaos(
    runs: Annotated[int, typer.Option(min=1, help="Messages with a write each.")] = 1_000,
    kills: Annotated[int, typer.Option(min=0, help="Processes killed meanwhile.")] = 100,
    tenants: Annotated[int, typer.Option(min=1, max=90, help="Tenants that the messages come from.")] = 20,
    into: Annotated[Path | None, typer.Option("--json", help="Write what was found to this file.")] = None,
) -> None:
    """Kill processes at random while people work; exit code 1 if anything is lost, repeated or unapproved."""
    if not evaluation("chaos")(console, runs=runs, kills=kills, tenants=tenants, into=into):
        raise typer.Exit(1)
