"""Defined metrics: questions over the semantic layer, with a finding, a table and a chart."""

from tools._declare import ToolContext, argument, tool
from tools._metric_answer import MetricAnswer, answer
from tools._metric_question import METRICS, Metric, Question
from trust.actions import Effect
from trust.scopes import CRM_READ


class AskMetric(Question):
    metric: Metric = argument("What to measure.", options=METRICS)


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
