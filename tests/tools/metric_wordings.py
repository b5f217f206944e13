"""The metric questions in many wordings: what the embedded model makes of each, and SQL that says what is right."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from agents._offline import OfflineModel
from agents._prompts import build_system_prompt
from agents._roster import load_roster
from agents._router import ROUTER_PROMPT, choice_tool, route_by_words
from crm.access import Access
from crm.database import DatabaseConfig
from tests.oracle import raw_connection
from tests.tools.desk import NOW
from tests.tools.test_metric_questions import DAYS, HOURS, KEPT, LINES, MINE, MONTH, SALES

COUNTRIES = {"EMEA": ("Germany", "France"), "AMER": ("US", "Canada"), "APAC": ("Japan",)}
Json = Any


@dataclass(frozen=True)
class Question:
    """Its SQL gives (key, value) of every group; `key` is the column of the answer that names a group."""

    sql: Callable[..., str]
    key: str
    value: str
    wants: str
    """highest, lowest, or all: what of the groups is the answer."""


@dataclass(frozen=True)
class Wording:
    question: str
    text: str
    given: Mapping[str, Any]
    fails: str
    """Why the embedded model does not get it right; empty if it does."""


def _days(field: str, since: str | None, until: str | None, *, of_day: bool = False) -> str:
    """Condition that a field lies within two days, the last one included."""
    after = date.fromisoformat(str(until or "2026-11-02")) + timedelta(days=1)
    end = f"{field} < '{after}'" if not of_day else f"{field} <= '{after - timedelta(days=1)}'"
    return f" AND {field} >= '{since}' AND {end}" if since else f" AND {end}" if until else ""


def _about(product: str | None) -> tuple[str, str]:
    joins = """JOIN orderitem i ON i.tenant = c.tenant AND i."Id" = c."OrderItemId__c"
        JOIN product2 p ON p.tenant = i.tenant AND p."Id" = i."Product2Id" """
    return (joins, f" AND p.\"Name\" = '{product}'") if product else ("", "")


def handle_time_by_agent(
    *,
    since: str | None,
    until: str,
    more: int = 0,
    kept: bool = False,
    priority: str | None = None,
    channel: str | None = None,
) -> str:
    only = f" AND c.\"Priority\" = '{priority}'" if priority else ""
    only += f" AND c.\"Origin\" = '{channel}'" if channel else ""
    return f"""SELECT c."OwnerId", avg({{hours}}) FROM "case" c WHERE {MINE} AND c."IsClosed"{only}
        {f"AND {KEPT}" if kept else ""} {_days('c."CreatedDate"', since, until)}
        GROUP BY c."OwnerId" HAVING count(*) > {more}"""


def handle_time_by_state(*, since: str, until: str, channel: str | None = None) -> str:
    only = f" AND c.\"Origin\" = '{channel}'" if channel else ""
    return f"""SELECT a."ShippingState", avg({{hours}}) FROM "case" c
        JOIN account a ON a.tenant = c.tenant AND a."Id" = c."AccountId" AND NOT a."IsDeleted"
        WHERE {MINE} AND c."IsClosed" AND a."ShippingState" IS NOT NULL{only}
        {_days('c."CreatedDate"', since, until)} GROUP BY a."ShippingState" """


def transfers_by_agent(*, since: str | None, until: str, more: int) -> str:
    return f"""SELECT t.agent, t.given FROM (
        SELECT a.agent, count(DISTINCT CASE WHEN a.old = a.agent THEN a.id END) AS given,
            count(DISTINCT CASE WHEN a.new = a.agent THEN a.id END) AS taken
        FROM (SELECT h."Id" AS id, h."OldValue__c" AS old, h."NewValue__c" AS new, u."Id" AS agent
            FROM casehistory__c h JOIN "user" u ON u.tenant = h.tenant
                AND (u."Id" = h."OldValue__c" OR u."Id" = h."NewValue__c")
            WHERE h.tenant = 'northwind' AND NOT h."IsDeleted" AND h."Field__c" = 'Owner Assignment'
            {_days('h."CreatedDate"', since, until)}) a
        GROUP BY a.agent) t WHERE t.taken > {more}"""


def cases_by_month(*, since: str, until: str, product: str | None) -> str:
    joins, only = _about(product)
    return f"""SELECT {{month}}, count(*) FROM "case" c {joins}
        WHERE {MINE}{only} {_days('c."CreatedDate"', since, until)} GROUP BY {{month}}"""


def cases_by_issue(*, since: str | None, until: str | None, product: str | None) -> str:
    joins, only = _about(product)
    return f"""SELECT c."IssueId__c", count(*) FROM "case" c {joins}
        WHERE {MINE}{only} AND c."IssueId__c" IS NOT NULL
        {_days('c."CreatedDate"', since, until)} GROUP BY c."IssueId__c" """


def conversion_by_agent(*, since: str | None, until: str, source: str | None = None) -> str:
    only = f" AND c.\"LeadSource\" = '{source}'" if source else ""
    return f"""SELECT c."OwnerId", 100.0 * sum(CASE WHEN c."IsConverted" THEN 1 ELSE 0 END) / count(*) FROM lead c
        WHERE c.tenant = 'northwind' AND NOT c."IsDeleted"{only}
        {_days('c."CreatedDate"', since, until)} GROUP BY c."OwnerId" """


def cycle_by_agent(*, since: str | None, until: str) -> str:
    return f"""SELECT o."OwnerId", avg(({{days}}) * 1.0) {SALES.format(lines="")}
        AND k."CompanySignedDate" IS NOT NULL {_days('k."CompanySignedDate"', since, until, of_day=True)}
        GROUP BY o."OwnerId" """


def amount_by_agent(*, since: str | None, until: str, product: str | None = None) -> str:
    only = (
        f""" AND l."Product2Id" IN (SELECT p."Id" FROM product2 p
            WHERE p.tenant = 'northwind' AND p."Name" = '{product}')"""
        if product
        else ""
    )
    return f"""SELECT o."OwnerId", sum(l."Quantity" * l."UnitPrice") / 10000.0 {SALES.format(lines=LINES)}{only}
        AND k."CompanySignedDate" IS NOT NULL {_days('k."CompanySignedDate"', since, until, of_day=True)}
        GROUP BY o."OwnerId" """


def escalations_by_priority(*, since: str, until: str, urgent: bool, channel: str | None) -> str:
    only = " AND c.\"Priority\" IN ('High', 'Critical')" if urgent else ""
    only += f" AND c.\"Origin\" = '{channel}'" if channel else ""
    return f"""SELECT c."Priority", 100.0 * sum(CASE WHEN c."IsEscalated" THEN 1 ELSE 0 END) / count(*) FROM "case" c
        WHERE {MINE}{only} {_days('c."CreatedDate"', since, until)} GROUP BY c."Priority" """


def open_by_agent(*, since: str | None, until: str, region: str | None, low: bool) -> str:
    countries = ", ".join(f"'{one}'" for one in COUNTRIES.get(str(region), (region,)))
    joins = """JOIN account a ON a.tenant = c.tenant AND a."Id" = c."AccountId" AND NOT a."IsDeleted" """
    only = "" if low else "AND c.\"Priority\" <> 'Low'"
    only += f' AND a."BillingCountry" IN ({countries})' if region else ""
    return f"""SELECT c."OwnerId", count(*) FROM "case" c {joins if region else ""}
        WHERE {MINE} AND NOT c."IsClosed" {only} {_days('c."CreatedDate"', since, until)} GROUP BY c."OwnerId" """


QUESTIONS = {
    "fastest_agent": Question(handle_time_by_agent, "agent", "handle_time", "lowest"),
    "slowest_agent": Question(handle_time_by_agent, "agent", "handle_time", "highest"),
    "most_transfers": Question(transfers_by_agent, "agent", "transfer_count", "highest"),
    "busiest_month": Question(cases_by_month, "month", "case_count", "highest"),
    "best_region": Question(handle_time_by_state, "state", "handle_time", "lowest"),
    "top_issue": Question(cases_by_issue, "issue", "case_count", "highest"),
    "worst_conversion": Question(conversion_by_agent, "agent", "conversion_rate", "lowest"),
    "shortest_cycle": Question(cycle_by_agent, "agent", "sales_cycle", "lowest"),
    "top_seller": Question(amount_by_agent, "agent", "sales_amount", "highest"),
    "escalation_of_urgent": Question(escalations_by_priority, "priority", "escalation_rate", "all"),
    "open_in_emea": Question(open_by_agent, "agent", "case_count", "all"),
}


def read_wordings(file: str) -> list[Wording]:
    """The wordings of a file beside this one."""
    held = yaml.safe_load(Path(__file__).with_name(file).read_text())
    found = []
    for question, group in held.items():
        for one in group["phrasings"]:
            more = dict(one) if isinstance(one, dict) else {"say": one}
            text, fails = more.pop("say"), more.pop("fails", "")
            found.append(Wording(question, text, {**group["usual"], **more}, fails))
    return found


def decide(text: str, access: Access) -> tuple[str, str, dict[str, Any]]:
    """The agent that is chosen for a text, and its model's first call: tool and arguments, or the words it says."""
    return _decide(text, access.caller.id, _Held(access))


class _Held:
    """What the cache need not look at: the same for everybody who asks in these tests."""

    def __init__(self, access: Access) -> None:
        self.access = access

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)

    def __hash__(self) -> int:
        return 0


@cache
def _decide(text: str, caller: str, held: _Held) -> tuple[str, str, dict[str, Any]]:
    roster, access = load_roster(), held.access
    route = route_by_words(text, roster, access, previous=None)
    if route is None:
        chooser = OfflineModel().bind_tools([choice_tool(roster)])
        made = chooser.invoke([SystemMessage(ROUTER_PROMPT), HumanMessage(text)]).tool_calls
        name = made[0]["args"]["agent"] if made else "off_topic"
    else:
        name = route.agent or route.kind
    if name not in roster:
        return name, "", {}
    agent = roster[name]
    prompt = build_system_prompt(agent, access, today=NOW.date(), instructions=None)
    model = OfflineModel().bind_tools([tool.schema for tool in agent.tools])
    answer = model.invoke([SystemMessage(prompt), HumanMessage(text)])
    assert isinstance(answer, AIMessage)
    if not answer.tool_calls:
        return name, str(answer.content), {}
    return name, answer.tool_calls[0]["name"], answer.tool_calls[0]["args"]


def answer_by_sql(config: DatabaseConfig, wording: Wording) -> dict[str, float]:
    dialect = "sqlite" if config.file is not None else "postgresql"
    sql = QUESTIONS[wording.question].sql(**wording.given)
    with raw_connection(config) as connection:
        if dialect == "postgresql":
            connection.execute("SET TIME ZONE 'UTC'")
        rows = connection.execute(sql.format(hours=HOURS[dialect], month=MONTH[dialect], days=DAYS[dialect])).fetchall()
    return {key: float(value) for key, value in (tuple(dict(row).values()) for row in rows)}


def fault_of(answer: Mapping[str, Json], expected: Mapping[str, float], question: Question) -> str:
    """What of an answer of ask_metric is not as the SQL says; empty if all is."""
    rows = answer["rows"]
    if not all(question.key in row and question.value in row for row in rows) or not rows:
        return f"answers something else: {answer['summary']}"
    found = {row.get(f"{question.key}_id", row[question.key]): row[question.value] for row in rows}
    for key, value in found.items():
        right = expected.get(key, 0 if question.key == "month" else None)
        if right is None or abs(right - value) > 1e-3:
            return f"{key} has {value}, not {right}"
    if question.wants == "all":
        missing = sorted(set(expected) - set(found))
        return f"without {missing}" if missing else ""
    value = (max if question.wants == "highest" else min)(expected.values())
    best = {key for key, other in expected.items() if abs(other - value) < 1e-9}
    names = [row[question.key] for row in rows if row.get(f"{question.key}_id", row[question.key]) in best]
    said = (
        f"is {question.wants} for {names[0]}: " if names and len(best) == 1 else f"No single one is {question.wants} "
    )
    if said not in answer["summary"] or not (len(best) == 1 or all(name in answer["summary"] for name in names)):
        return f"{best} is {question.wants}, but: {answer['summary']}"
    return ""


def key_of(call: tuple[str, Mapping[str, Any]]) -> str:
    return json.dumps(call, sort_keys=True, default=str)
