"""Eleven metric questions over 2,000 cases, with answers equal to SQL that is written here and shares nothing."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from crm.database import DatabaseConfig
from tests.oracle import raw_connection
from tests.tools.desk import Desk
from tools._run import ToolError

HOURS = {
    "sqlite": "(strftime('%s', c.\"ClosedDate\") - strftime('%s', c.\"CreatedDate\")) / 3600.0",
    "postgresql": 'extract(epoch from c."ClosedDate" - c."CreatedDate") / 3600',
}
MONTH = {
    "sqlite": 'substr(c."CreatedDate", 1, 7)',
    "postgresql": "to_char(c.\"CreatedDate\" at time zone 'UTC', 'YYYY-MM')",
}
DAYS = {
    "sqlite": 'julianday(k."CompanySignedDate") - julianday(substr(o."CreatedDate", 1, 10))',
    "postgresql": 'k."CompanySignedDate" - (o."CreatedDate" at time zone \'UTC\')::date',
}
SALES = """
    FROM opportunity o JOIN contract k ON k.tenant = o.tenant AND k."Id" = o."ContractID__c" AND NOT k."IsDeleted"
    {lines}
    WHERE o.tenant = 'northwind' AND NOT o."IsDeleted"
"""
LINES = 'JOIN opportunitylineitem l ON l.tenant = o.tenant AND l."OpportunityId" = o."Id" AND NOT l."IsDeleted"'
MINE = "c.tenant = 'northwind' AND NOT c.\"IsDeleted\""
KEPT = """
    NOT EXISTS (SELECT 1 FROM casehistory__c h WHERE h.tenant = c.tenant AND h."CaseId__c" = c."Id"
    AND h."Field__c" = 'Owner Assignment' AND h."OldValue__c" IS NOT NULL AND NOT h."IsDeleted")
"""


@dataclass(frozen=True)
class Asked:
    """A question, the arguments that it is understood as, and SQL for (key, value) of every group."""

    question: str
    arguments: dict[str, Any]
    sql: str
    key: str
    wants: str
    """max, min, or all: what of the groups is the answer."""
    orders: dict[str, Any] = field(default_factory=dict)


ASKED = [
    Asked(
        "Which agent closed cases fastest in the past two quarters, of those with more than one case? Kept cases only.",
        {
            "metric": "handle_time",
            "group_by": ["agent"],
            "past_count": 2,
            "past_unit": "quarters",
            "segments": ["never_transferred"],
            "more_than_records": 1,
        },
        f"""SELECT c."OwnerId", avg({{hours}}) FROM "case" c WHERE {MINE} AND c."IsClosed" AND {KEPT}
        AND c."CreatedDate" >= '2026-05-02' AND c."CreatedDate" < '2026-11-03'
        GROUP BY c."OwnerId" HAVING count(*) > 1""",
        "agent",
        "min",
    ),
    Asked(
        "Who took longest on average for cases opened in May 2026?",
        {"metric": "handle_time", "group_by": ["agent"], "since": "2026-05-01", "until": "2026-05-31"},
        f"""SELECT c."OwnerId", avg({{hours}}) FROM "case" c WHERE {MINE} AND c."IsClosed"
        AND c."CreatedDate" >= '2026-05-01' AND c."CreatedDate" < '2026-06-01' GROUP BY c."OwnerId" """,
        "agent",
        "max",
    ),
    Asked(
        "Who of those with more than 40 cases passed on the most in the past three quarters?",
        {
            "metric": "transfer_count",
            "group_by": ["agent"],
            "past_count": 3,
            "past_unit": "quarters",
            "more_than_records": 40,
        },
        """SELECT t.agent, t.given FROM (
            SELECT a.agent, count(DISTINCT CASE WHEN a.old = a.agent THEN a.id END) AS given,
                count(DISTINCT CASE WHEN a.new = a.agent THEN a.id END) AS taken
            FROM (SELECT h."Id" AS id, h."OldValue__c" AS old, h."NewValue__c" AS new, u."Id" AS agent
                FROM casehistory__c h JOIN "user" u ON u.tenant = h.tenant
                    AND (u."Id" = h."OldValue__c" OR u."Id" = h."NewValue__c")
                WHERE h.tenant = 'northwind' AND NOT h."IsDeleted" AND h."Field__c" = 'Owner Assignment'
                AND h."CreatedDate" >= '2026-02-02' AND h."CreatedDate" < '2026-11-03') a
            GROUP BY a.agent) t WHERE t.taken > 40""",
        "agent",
        "max",
    ),
    Asked(
        "In which month were there more cases about Gauge Cedar than in any other, in the past ten months?",
        {"metric": "case_count", "per": "month", "only": ["Gauge Cedar"], "past_count": 10, "past_unit": "months"},
        f"""SELECT {{month}}, count(*) FROM "case" c
        JOIN orderitem i ON i.tenant = c.tenant AND i."Id" = c."OrderItemId__c"
        JOIN product2 p ON p.tenant = i.tenant AND p."Id" = i."Product2Id"
        WHERE {MINE} AND p."Name" = 'Gauge Cedar'
        AND c."CreatedDate" >= '2026-01-02' AND c."CreatedDate" < '2026-11-03' GROUP BY {{month}}""",
        "month",
        "max",
    ),
    Asked(
        "Which state had the quickest closure in the past six quarters?",
        {"metric": "handle_time", "group_by": ["state"], "past_count": 6, "past_unit": "quarters"},
        f"""SELECT a."ShippingState", avg({{hours}}) FROM "case" c
        JOIN account a ON a.tenant = c.tenant AND a."Id" = c."AccountId" AND NOT a."IsDeleted"
        WHERE {MINE} AND c."IsClosed" AND a."ShippingState" IS NOT NULL
        AND c."CreatedDate" >= '2025-05-02' AND c."CreatedDate" < '2026-11-03' GROUP BY a."ShippingState" """,
        "state",
        "min",
    ),
    Asked(
        "What is the most frequent issue of Gauge Elm this year?",
        {"metric": "case_count", "group_by": ["issue"], "only": ["gauge elm"], "period": "this_year"},
        f"""SELECT c."IssueId__c", count(*) FROM "case" c
        JOIN orderitem i ON i.tenant = c.tenant AND i."Id" = c."OrderItemId__c"
        JOIN product2 p ON p.tenant = i.tenant AND p."Id" = i."Product2Id"
        WHERE {MINE} AND p."Name" = 'Gauge Elm' AND c."IssueId__c" IS NOT NULL
        AND c."CreatedDate" >= '2026-01-01' AND c."CreatedDate" < '2026-11-03' GROUP BY c."IssueId__c" """,
        "issue",
        "max",
    ),
    Asked(
        "Who converts leads worst, over the past 26 weeks?",
        {"metric": "conversion_rate", "group_by": ["agent"], "past_count": 26, "past_unit": "weeks"},
        """SELECT c."OwnerId", 100.0 * sum(CASE WHEN c."IsConverted" THEN 1 ELSE 0 END) / count(*) FROM lead c
        WHERE c.tenant = 'northwind' AND NOT c."IsDeleted"
        AND c."CreatedDate" >= '2026-05-04' AND c."CreatedDate" < '2026-11-03' GROUP BY c."OwnerId" """,
        "agent",
        "min",
    ),
    Asked(
        "Who had the shortest sales cycle with contracts signed in the first half of 2026?",
        {"metric": "sales_cycle", "group_by": ["agent"], "since": "2026-01-01", "until": "2026-06-30"},
        f"""SELECT o."OwnerId", avg(({{days}}) * 1.0) {SALES.format(lines="")}
        AND k."CompanySignedDate" >= '2026-01-01' AND k."CompanySignedDate" <= '2026-06-30' GROUP BY o."OwnerId" """,
        "agent",
        "min",
    ),
    Asked(
        "Which rep sold most under contracts signed in the past five quarters?",
        {"metric": "sales_amount", "group_by": ["agent"], "past_count": 5, "past_unit": "quarters"},
        f"""SELECT o."OwnerId", sum(l."Quantity" * l."UnitPrice") / 10000.0 {SALES.format(lines=LINES)}
        AND k."CompanySignedDate" >= '2025-08-02' AND k."CompanySignedDate" <= '2026-11-02' GROUP BY o."OwnerId" """,
        "agent",
        "max",
    ),
    Asked(
        "How often are urgent cases that come by phone escalated, by priority, in 2025?",
        {
            "metric": "escalation_rate",
            "group_by": ["priority"],
            "only": ["high", "Critical", "phone"],
            "since": "2025-01-01",
            "until": "2025-12-31",
        },
        f"""SELECT c."Priority", 100.0 * sum(CASE WHEN c."IsEscalated" THEN 1 ELSE 0 END) / count(*) FROM "case" c
        WHERE {MINE} AND c."Priority" IN ('High', 'Critical') AND c."Origin" = 'Phone'
        AND c."CreatedDate" >= '2025-01-01' AND c."CreatedDate" < '2026-01-01' GROUP BY c."Priority" """,
        "priority",
        "all",
    ),
    Asked(
        "Open cases in EMEA by agent, without those of low priority.",
        {
            "metric": "case_count",
            "group_by": ["agent"],
            "only": ["EMEA"],
            "without": ["low"],
            "segments": ["open"],
        },
        f"""SELECT c."OwnerId", count(*) FROM "case" c
        JOIN account a ON a.tenant = c.tenant AND a."Id" = c."AccountId" AND NOT a."IsDeleted"
        WHERE {MINE} AND a."BillingCountry" IN ('Germany', 'France') AND NOT c."IsClosed"
        AND c."Priority" <> 'Low' GROUP BY c."OwnerId" """,
        "agent",
        "all",
    ),
]


def by_sql(config: DatabaseConfig, asked: Asked) -> dict[str, float]:
    dialect = "sqlite" if config.file is not None else "postgresql"
    sql = asked.sql.format(hours=HOURS[dialect], month=MONTH[dialect], days=DAYS[dialect])
    with raw_connection(config) as connection:
        if dialect == "postgresql":
            connection.execute("SET TIME ZONE 'UTC'")
        rows = connection.execute(sql).fetchall()
    return {key: float(value) for key, value in (tuple(dict(row).values()) for row in rows)}


async def test_eleven_questions_are_answered_as_sql_does(org: Desk, org_config: DatabaseConfig) -> None:
    assert len(ASKED) == 11
    for asked in ASKED:
        expected = by_sql(org_config, asked)
        expected |= {"2026-11": 0.0} if asked.key == "month" else {}  # a month that has begun, with nothing in it
        metric = asked.arguments["metric"]
        answer = await org.call("alan", "ask_metric", **asked.arguments)
        assert not isinstance(answer, ToolError), (asked.question, answer)
        found = {row.get(f"{asked.key}_id", row[asked.key]): row[metric] for row in answer["rows"]}
        assert found == pytest.approx(expected, abs=1e-3), asked.question
        assert len(found) > 1
        if asked.wants == "all":
            continue
        highest = asked.wants == "max"
        winner = (max if highest else min)(expected, key=lambda key: expected[key])
        order = "highest" if highest else "lowest"
        top = await org.call("alan", "ask_metric", **asked.arguments, order=order, limit=1)
        [row] = top["rows"]
        assert row.get(f"{asked.key}_id", row[asked.key]) == winner, asked.question
        assert f"is {order} for {row[asked.key]}: " in top["summary"], asked.question


async def test_records_counted_and_left_out_are_all_that_were_asked_about(
    org: Desk, org_config: DatabaseConfig
) -> None:
    answer = await org.call("alan", "ask_metric", metric="handle_time", group_by=["state"])
    with raw_connection(org_config) as connection:
        [everything] = dict(connection.execute(f'SELECT count(*) FROM "case" c WHERE {MINE}').fetchone()).values()
    assert answer["records_counted"] + sum(one["records"] for one in answer["left_out"]) == everything
    assert {one["why"] for one in answer["left_out"]} == {"not closed", "without state"}


async def test_who_gave_nothing_away_has_given_away_nothing(org: Desk) -> None:
    """An agent who got cases and passed none on is the lowest, and not missing."""
    day = {"since": "2026-10-20", "until": "2026-10-20"}
    taken = await org.call("alan", "ask_metric", metric="assignment_count", group_by=["agent"], **day)
    given = await org.call("alan", "ask_metric", metric="transfer_count", group_by=["agent"], order="lowest", **day)
    assert {row["agent_id"] for row in taken["rows"]} <= {row["agent_id"] for row in given["rows"]}
    assert given["rows"][0]["transfer_count"] == 0
