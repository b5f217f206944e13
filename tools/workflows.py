"""Workflows: work in several steps over days. Starting one, and how those that were started stand."""

from typing import Literal

from crm.schema import object_of
from tools._declare import (
    Arguments,
    Integrity,
    Proposal,
    Result,
    ToolContext,
    ToolFailedError,
    argument,
    output,
    tool,
)
from tools._reading import counted
from tools._shapes import record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE

WorkflowName = Literal[
    "campaign",
    "case_resolution",
    "lead_to_opportunity",
    "opportunity_progress",
    "quote_to_order",
    "renewal_outreach",
]
_MEANINGS = {
    "campaign": "plan and launch a campaign from a goal: brief, campaign, e-mail, members, start",
    "case_resolution": "take a case or ticket from intake to its end: classify, route, answer, close, write an article",
    "lead_to_opportunity": "qualify a lead and convert it into an account, a contact and an opportunity",
    "opportunity_progress": "move an opportunity or deal forward, on to its next stage, with the quote and approvals",
    "renewal_outreach": "write to the accounts whose contracts end or expire soon, renewals of the whole book",
    "quote_to_order": "turn an agreed, accepted or approved quote into an order with its items, place the order",
}
_WHO = ("Contact", "Lead")
_WHAT = ("Account", "Opportunity", "Case", "Campaign", "Quote", "Order", "Contract")


class StartWorkflow(Arguments):
    workflow: WorkflowName = argument("Which workflow to start.", options=_MEANINGS)
    record_id: str | None = record_reference("The record that it is about.", default=None)
    within_days: int | None = argument(
        "For renewals: contracts that end within so many days.", default=None, ge=7, le=365
    )
    discount: float | None = argument("For a new quote: percent of discount.", default=None, ge=0, le=60)
    goal: str | None = argument("For a campaign: what it is to reach.", default=None, min_length=3, max_length=255)
    product: str | None = argument("For a campaign: the product it is about.", default=None, max_length=255)
    segment: str | None = argument("For a campaign: the saved segment it is for.", default=None, max_length=255)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", "Task"),))
async def start_workflow(ctx: ToolContext, args: StartWorkflow) -> Proposal:
    """Start, begin, run or kick off a workflow: a process of several steps with people at its checkpoints.

    A person has to approve it first. It then goes on by itself, in a conversation of its own, and everything that it
    would write waits for approval again. A completed task on the record notes that it was started.

    People say: kick off the renewals; kick off renewals; start the renewals; get the renewals going; work the renewals.
    """
    if ctx.workflows is None:
        raise ToolFailedError("workflows cannot be started from here")
    title = ctx.workflows.check(args.workflow, args.model_dump(mode="json"))
    fields = {
        "Subject": f"Workflow started: {title}",
        "Status": "Completed",
        "TaskSubtype": "Task",
        "ActivityDate": ctx.today.isoformat(),
    }
    about = object_of(args.record_id) if args.record_id else None
    if about in _WHO or about in _WHAT:
        fields["WhoId" if about in _WHO else "WhatId"] = str(args.record_id)
    return Proposal((await ctx.crm.propose_create("Task", fields),))


class WorkflowStatus(Arguments):
    workflow: WorkflowName | None = argument("Only those of this kind.", default=None, options=_MEANINGS)
    state: Literal["open", "any"] = argument(
        "Which ones.",
        default="any",
        options={"open": "still running or waiting", "any": "finished ones as well"},
    )
    limit: int = argument("How many to return.", default=5, ge=1, le=20)


class WorkflowStanding(Result):
    thread_id: str = output("The conversation that it runs in.")
    workflow: str = output("What it is.")
    status: str = output("running, waiting for a decision, done or stopped.")
    step: str | None = output("The step that it is at.")
    next_step: str | None = output("The step that comes after it if all goes well.")
    waiting_requests: int = output("How many requests wait for a decision.")
    started: str = output("When it was started.")
    because: str | None = output("Why it was stopped.", integrity=Integrity.EXTERNAL)


class WorkflowStandings(Result):
    summary: str = output("How they stand, in a sentence.")
    workflows: list[WorkflowStanding] = output("Newest first.")


@tool(effect=Effect.READ, scope=CRM_READ, asks="How do my workflows stand?")
async def workflow_status(ctx: ToolContext, args: WorkflowStatus) -> WorkflowStandings:
    """Show the status, progress and next step of the user's own workflows: where each stands and what it waits for.

    People say: where does my (campaign) workflow stand; how far is my workflow; what is my workflow waiting for; what
    are my workflows waiting for; which of my workflows are stuck; is my workflow done/finished.
    """
    if ctx.workflows is None:
        raise ToolFailedError("workflows are not known here")
    found = await ctx.workflows.list_standings(args.workflow, only_open=args.state == "open", limit=args.limit)
    standings = [WorkflowStanding.model_validate(one) for one in found]
    return WorkflowStandings(summary=_summarise(standings), workflows=standings)


def _summarise(found: list[WorkflowStanding]) -> str:
    if not found:
        return "You have no such workflow."
    first = found[0]
    where = f" at the step '{first.step}'" if first.step else ""
    waits = f", with {counted(first.waiting_requests, 'request')} to decide" if first.waiting_requests else ""
    following = f"; next: {first.next_step}" if first.next_step else ""
    more = f" {len(found) - 1} more." if len(found) > 1 else ""
    return f"{first.workflow} is {first.status}{where}{waits}{following}.{more}"
