"""Defined metrics: questions over the semantic layer, with a finding, a table and a chart."""

from tools._declare import ToolContext, argument, tool
from tools._metric_answer import MetricAnswer, answer
from tools._metric_question import METRICS, Metric, Question
from trust.actions import Effect
from trust.scopes import CRM_READ


class AskMetric(Question):
    metric: Metric = argument("What to measure.", options=METRICS)


class AskOwnMetric(Question):
    metric: str = argument("Name of the metric, as an administrator has defined it.", max_length=40)


@tool(effect=Effect.READ, scope=CRM_READ)
async def ask_metric(ctx: ToolContext, args: AskMetric) -> MetricAnswer:
    """Answer a question about a defined metric: handle time, transfers, conversion rate, sales cycle, sales amount,
    number of cases, win rate and others; for a period, per agent, state, product or month, with a table, a chart and
    how it was computed.

    Use it for who or what is best, worst, highest, lowest, fastest, slowest or most frequent, for trends and for
    comparisons. To change an answer that was given, such as by month, only EMEA, or as a line, call it again with the
    same arguments and what is different.
    """
    return await answer(ctx, args.metric, args)


@tool(effect=Effect.READ, scope=CRM_READ)
async def ask_own_metric(ctx: ToolContext, args: AskOwnMetric) -> MetricAnswer:
    """Answer a question about a metric that this company has defined itself, by its name. An unknown name is answered
    with those there are. For all others there is ask_metric.
    """
    return await answer(ctx, args.metric, args)
