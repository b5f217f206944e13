"""Questions about metrics that are kept as reports, and asked again."""

from tools._declare import Arguments, Proposal, ToolContext, argument, tool
from tools._metric_answer import MetricAnswer, answer
from tools._metric_question import METRICS, Metric, Question
from tools._saved import find_saved, from_text, to_text
from trust.actions import Effect
from trust.scopes import CRM_READ, CRM_WRITE


class SaveReport(Question):
    metric: Metric = argument("What to measure.", options=METRICS)
    name: str = argument("What to call the report.", min_length=1, max_length=120)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", "Report"),))
async def save_report(ctx: ToolContext, args: SaveReport) -> Proposal:
    """Save a question about a metric as a report, to run it again later. A person has to approve it first.

    A period such as past_count or last_month is kept as it is, and seen from the day on which the report is run.

    People say: keep this as a report called <name>; keep that as a report called <name>; save this as <name>; save that
    as <name>; save this report as <name>; remember this as <name>; store this as <name>; make a report of/from this
    called <name>.
    """
    await answer(ctx, args.metric, args)
    fields = {"Name": args.name, "Metric__c": args.metric, "Question__c": to_text(args, Question)}
    return Proposal((await ctx.crm.propose_create("Report", fields),))


class RunReport(Arguments):
    report: str = argument("Name or id of the report.", min_length=1, max_length=200)


@tool(effect=Effect.READ, scope=CRM_READ)
async def run_report(ctx: ToolContext, args: RunReport) -> MetricAnswer:
    """Run a saved report again, with today's records and the rights of whoever asks: open, show, refresh a report.

    People say: rerun the report <report>; rerun <report>; re-run <report>; run <report> again; open the report
    <report>; refresh <report>; show me the report <report>; what does the report <report> say; what does the report
    <report> say today.
    """
    row = await find_saved(ctx.crm, "Report", args.report)
    return await answer(ctx, str(row.get("Metric__c")), from_text(row.get("Question__c"), Question))
