"""Alerts on metrics: who sets one is told when the metric passes a threshold."""

from typing import Literal

from tools._alerting import PICKED, WHEN, When, take_reading
from tools._declare import Arguments, Proposal, ToolContext, argument, tool
from tools._metric_question import METRICS, Metric, Scope
from tools._saved import find_saved, to_text
from trust.actions import Effect
from trust.scopes import CRM_WRITE

_OFTEN = {"hourly": "every hour", "daily": "every day", "weekly": "every week"}


class CreateAlert(Scope):
    metric: Metric = argument("What to watch.", options=METRICS)
    when: When = argument("What has to happen.", options=WHEN)
    threshold: float = argument(
        "The value that it goes above or below, or per cent for rises_by and falls_by.", ge=-1e12, le=1e12
    )
    name: str = argument("What to call the alert.", min_length=1, max_length=120)
    check: Literal["hourly", "daily", "weekly"] = argument("How often to look.", default="daily", options=_OFTEN)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("create", "MetricAlert__c"),))
async def create_alert(ctx: ToolContext, args: CreateAlert) -> Proposal:
    """Set an alert on a metric: alert, notify, warn, tell me when it goes above or below a value, or rises or falls by
    so many per cent. A person has to approve it first. It looks with the rights of whoever asked for it.

    People say: ping/warn/tell/alert/notify me when/if ... (goes/falls/drops/rises/gets/is)
    above/over/below/under/exceeds; ping/warn/tell/alert/notify us when/if ... (goes/falls/drops/rises/gets/is)
    above/over/below/under/exceeds; let me know when/if ... (goes/falls/drops/rises/gets/is)
    above/over/below/under/exceeds; give me a heads-up when/if ... (goes/falls/drops/rises/gets/is)
    above/over/below/under/exceeds; shout when/if ... (goes/falls/drops/rises/gets/is) above/over/below/under/exceeds;
    ping/warn/tell/alert/notify me when/if ... more/less than; let me know when/if ... more/less than; watch ... and
    tell/warn/ping me.
    """
    await take_reading(ctx.crm, args.metric, args, args.when, args.threshold, today=ctx.today)
    fields = {
        "Name": args.name,
        "Metric__c": args.metric,
        "Question__c": to_text(args, Scope),
        "Condition__c": PICKED[args.when],
        "Threshold__c": round(args.threshold, 2),
        "Frequency__c": args.check.capitalize(),
    }
    return Proposal((await ctx.crm.propose_create("MetricAlert__c", fields),))


class StopAlert(Arguments):
    alert: str = argument("Name or id of the alert.", min_length=1, max_length=200)


@tool(effect=Effect.WRITE, scope=CRM_WRITE, changes=(("update", "MetricAlert__c"),))
async def stop_alert(ctx: ToolContext, args: StopAlert) -> Proposal:
    """Stop, switch off, cancel an alert on a metric. A person has to approve it first.

    People say: stop watching <alert>; stop warning me about <alert>; no more alerts about/for <alert>.
    """
    row = await find_saved(ctx.crm, "MetricAlert__c", args.alert)
    return Proposal((await ctx.crm.propose_update("MetricAlert__c", row["Id"], {"IsActive__c": False}),))
