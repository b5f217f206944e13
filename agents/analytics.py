"""Analytics: numbers over many records."""

from agents._agent import DomainAgent
from tools.alerts import create_alert, stop_alert
from tools.insights import find_insights
from tools.metrics import ask_metric, ask_own_metric
from tools.outside_text import extract_values, read_text
from tools.records import aggregate_records, find_record, get_record, query_records
from tools.reports import run_report, save_report

analytics = DomainAgent(
    name="analytics",
    label="Analytics",
    handles=(
        "how many",
        "count",
        "number of",
        "total",
        "sum",
        "average",
        "mean",
        "median",
        "minimum",
        "maximum",
        "per month",
        "by month",
        "per quarter",
        "by quarter",
        "per year",
        "by industry",
        "by stage",
        "by status",
        "by owner",
        "by priority",
        "trend",
        "breakdown",
        "distribution",
        "ratio",
        "rate",
        "chart",
        "report",
        "statistics",
        "group by",
        "grouped by",
        "highest",
        "lowest",
        "top",
        "metric",
        "insight",
        "insights",
        "outliers",
        "stands out",
        "alert",
        "alert me",
        "notify me when",
        "handle time",
        "transfer count",
        "conversion rate",
        "win rate",
        "sales cycle",
        "sales amount",
        "fastest",
        "slowest",
        "quickest",
        "fewest",
        "most cases",
        "best region",
        "top issue",
        "how this was computed",
    ),
    home_object=None,
    instructions=(
        "You answer questions about numbers over many records: counts, sums, averages, groups and comparisons. "
        "Say how each number was worked out and how many records it covers. You change no records but reports and "
        "alerts, which a person approves."
    ),
    tools=(
        ask_metric,
        ask_own_metric,
        find_insights,
        save_report,
        run_report,
        create_alert,
        stop_alert,
        aggregate_records,
        query_records,
        find_record,
        get_record,
        read_text,
        extract_values,
    ),
)
