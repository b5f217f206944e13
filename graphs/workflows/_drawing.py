"""Draws the workflows for the documentation, from their compiled graphs."""

from pathlib import Path
from typing import Any

from graphs.workflows._book import load_workflows
from graphs.workflows._declare import Step, Workflow
from graphs.workflows._engine import build_workflow

MARK = "<!-- From here on made by `make catalog` from the compiled graphs; do not edit. -->\n"


def describe_workflows() -> str:
    """Every workflow: what it is started with, its steps, its graph."""
    return "\n".join(_describe(workflow) for workflow in load_workflows().values())


def write_workflows(page: Path) -> None:
    """Put the drawings in place of those that the page has."""
    page.write_text(page.read_text().partition(MARK)[0] + MARK + describe_workflows())


def _describe(workflow: Workflow) -> str:
    nothing: Any = None  # a drawing makes no calls
    drawn = build_workflow(workflow, nothing, nothing).compile(name=workflow.name).get_graph().draw_mermaid()
    steps = [
        f"| `{step.name}` | {step.title} | {f'`{step.tool.name}`' if isinstance(step, Step) else 'choice'} "
        f"| {'yes' if isinstance(step, Step) and step.waits else 'no'} |"
        for step in workflow.steps
    ]
    inputs = [
        f"| `{name}` | {'yes' if field.is_required() else 'no'} | {field.description} |"
        for name, field in workflow.input.model_fields.items()
    ]
    event = f" Can follow events of {workflow.about[0]}." if workflow.about else ""
    return "\n".join(
        [
            f"## {workflow.title}",
            "",
            f"`{workflow.name}`, version {workflow.version}. {workflow.description}{event}",
            "",
            *["| input | required | meaning |", "|---|---|---|", *inputs, ""],
            *["| step | what it does | tool | waits for people |", "|---|---|---|---|", *steps, ""],
            *["```mermaid", drawn.strip(), "```", ""],
        ]
    )
