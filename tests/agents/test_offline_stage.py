"""A small CRM in memory with the tools' shapes, to drive the offline model through whole turns; and its own test."""

import json
import re
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from rapidfuzz import fuzz

from agents._offline import OfflineModel
from tests.agents.sealed import ask_sealed
from trust.evidence import gather
from trust.grounding import Grounding

SEALED: ContextVar[bool] = ContextVar("SEALED", default=False)
"""Whether the model hears and answers through a mask."""

DANA = "005CS0000000001AAA"
BOB = "005CS0000000002AAA"
ACME = "001CS0000000001AAA"
ACME_BERLIN = "001CS0000000002AAA"
GLOBEX = "001CS0000000003AAA"
ANN = "003CS0000000001AAA"
ANN_BERLIN = "003CS0000000002AAA"
RAVI = "003CS0000000003AAA"
RENEWAL = "006CS0000000001AAA"
UPSELL = "006CS0000000002AAA"
GLOBEX_DEAL = "006CS0000000003AAA"
ROUTER = "500CS0000000001AAA"
INVOICE = "500CS0000000002AAA"
OLD_CASE = "500CS0000000003AAA"
GLOBEX_CASE = "500CS0000000004AAA"

PROMPT = """You are the sales agent.
Use only what the tools return.
Today is 2026-11-24.
The user is Dana Reyes (user 005CS0000000001AAA, Sales Rep).

Records you can use (object: fields; allowed values in brackets):
User: Id, Name, Email, FirstName, LastName
Account: Id, OwnerId, CreatedDate, Name, Industry[Technology|Retail|Manufacturing], Type[Customer|Prospect|Partner], NumberOfEmployees, AnnualRevenue, Phone, Website, BillingCity, BillingCountry
Contact: Id, OwnerId, CreatedDate, AccountId, FirstName, LastName, Title, Email, Phone
Lead: Id, OwnerId, CreatedDate, FirstName, LastName, Company, Title, Email, Phone, LeadSource, Rating[Hot|Warm|Cold], Status[New|Contacted|Qualified|Proposal|Negotiation|Closed], IsConverted
Opportunity: Id, OwnerId, CreatedDate, LastModifiedDate, Name, AccountId, ContactId, Amount, Probability, StageName[Qualification|Discovery|Quote|Negotiation|Closed], CloseDate, NextStep, LeadSource, IsClosed, IsWon, Description
Case: Id, OwnerId, CreatedDate, CaseNumber, AccountId, ContactId, Subject, Description, Status[New|Working|Escalated|Closed], Priority[Low|Medium|High|Urgent], Origin[Phone|Email|Web], Type, ClosedDate, IsClosed
Quote: Id, OwnerId, CreatedDate, OpportunityId, AccountId, Name, Status[Draft|Needs Review|Approved|Rejected], ExpirationDate, Discount, GrandTotal
Task: Id, OwnerId, CreatedDate, Subject, Status[Not Started|In Progress|Completed], Priority[Low|Normal|High|Urgent], ActivityDate, WhoId, WhatId
Knowledge__kav: Id, ArticleNumber, Title, Summary
"""  # noqa: E501  # one line per object, as the prompt is

OWN_LINES = frozenset(line for line in PROMPT.split("\n") if not line.startswith("The user is"))

CUSTOMER_PROMPT = PROMPT.replace(
    "The user is Dana Reyes (user 005CS0000000001AAA, Sales Rep).", f"The user is a customer, Ann Poe (contact {ANN})."
)


def _rows() -> dict[str, list[dict[str, Any]]]:
    return {
        "User": [
            {"Id": DANA, "Name": "Dana Reyes", "Email": "dana@northwind.example"},
            {"Id": BOB, "Name": "Bob Stone", "Email": "bob@northwind.example"},
        ],
        "Account": [
            {
                "Id": ACME,
                "Name": "Acme Industries",
                "Industry": "Manufacturing",
                "BillingCity": "Boston",
                "OwnerId": DANA,
                "Phone": "+1 617 555 0100",
                "NumberOfEmployees": 1200,
                "AnnualRevenue": 98000000,
                "CreatedDate": "2024-02-01T09:00:00Z",
            },
            {
                "Id": ACME_BERLIN,
                "Name": "Acme Optics",
                "Industry": "Technology",
                "BillingCity": "Berlin",
                "OwnerId": BOB,
                "NumberOfEmployees": 80,
                "AnnualRevenue": 5000000,
                "CreatedDate": "2026-10-05T09:00:00Z",
            },
            {
                "Id": GLOBEX,
                "Name": "Globex",
                "Industry": "Retail",
                "BillingCity": "Berlin",
                "OwnerId": DANA,
                "NumberOfEmployees": 640,
                "AnnualRevenue": 12000000,
                "CreatedDate": "2026-11-03T09:00:00Z",
            },
        ],
        "Contact": [
            {
                "Id": ANN,
                "Name": "Ann Poe",
                "FirstName": "Ann",
                "LastName": "Poe",
                "AccountId": ACME,
                "Title": "CFO",
                "Email": "ann.poe@acme.example",
                "Phone": "+1 617 555 0101",
                "OwnerId": DANA,
            },
            {
                "Id": ANN_BERLIN,
                "Name": "Ann Weber",
                "FirstName": "Ann",
                "LastName": "Weber",
                "AccountId": ACME_BERLIN,
                "Title": "Buyer",
                "Email": "ann.weber@optics.example",
                "OwnerId": BOB,
            },
            {
                "Id": RAVI,
                "Name": "Ravi Iyer",
                "FirstName": "Ravi",
                "LastName": "Iyer",
                "AccountId": GLOBEX,
                "Title": "CTO",
                "Email": "ravi@globex.example",
                "OwnerId": DANA,
            },
        ],
        "Lead": [
            {
                "Id": "00QCS0000000001AAA",
                "Name": "Jane Doe",
                "FirstName": "Jane",
                "LastName": "Doe",
                "Company": "Initech",
                "Status": "New",
                "Rating": "Hot",
                "OwnerId": DANA,
                "CreatedDate": "2026-10-12T09:00:00Z",
                "IsConverted": False,
            },
        ],
        "Opportunity": [
            {
                "Id": RENEWAL,
                "Name": "Acme Fabrikam renewal",
                "AccountId": ACME,
                "Amount": 120000,
                "StageName": "Discovery",
                "CloseDate": "2026-12-15",
                "OwnerId": DANA,
                "IsClosed": False,
                "IsWon": False,
                "CreatedDate": "2026-08-01T09:00:00Z",
            },
            {
                "Id": UPSELL,
                "Name": "Acme lens upsell",
                "AccountId": ACME_BERLIN,
                "Amount": 30000,
                "StageName": "Quote",
                "CloseDate": "2027-02-01",
                "OwnerId": BOB,
                "IsClosed": False,
                "IsWon": False,
                "CreatedDate": "2026-10-08T09:00:00Z",
            },
            {
                "Id": GLOBEX_DEAL,
                "Name": "Globex rollout",
                "AccountId": GLOBEX,
                "Amount": 64000,
                "StageName": "Negotiation",
                "CloseDate": "2026-11-30",
                "OwnerId": DANA,
                "IsClosed": False,
                "IsWon": False,
                "CreatedDate": "2026-10-20T09:00:00Z",
            },
            {
                "Id": "006CS0000000004AAA",
                "Name": "Globex pilot",
                "AccountId": GLOBEX,
                "Amount": 9000,
                "StageName": "Closed",
                "CloseDate": "2026-06-30",
                "OwnerId": DANA,
                "IsClosed": True,
                "IsWon": True,
                "CreatedDate": "2026-03-01T09:00:00Z",
            },
        ],
        "Case": [
            {
                "Id": ROUTER,
                "CaseNumber": "00001234",
                "Subject": "Router drops connection",
                "Status": "Working",
                "Priority": "High",
                "AccountId": ACME,
                "ContactId": ANN,
                "OwnerId": DANA,
                "IsClosed": False,
                "CreatedDate": "2026-11-02T09:00:00Z",
            },
            {
                "Id": INVOICE,
                "CaseNumber": "00001235",
                "Subject": "Wrong invoice",
                "Status": "New",
                "Priority": "Low",
                "AccountId": ACME,
                "ContactId": ANN,
                "OwnerId": BOB,
                "IsClosed": False,
                "CreatedDate": "2026-10-15T09:00:00Z",
            },
            {
                "Id": OLD_CASE,
                "CaseNumber": "00001111",
                "Subject": "Broken display",
                "Status": "Closed",
                "Priority": "Medium",
                "AccountId": ACME,
                "ContactId": ANN,
                "OwnerId": DANA,
                "IsClosed": True,
                "CreatedDate": "2026-05-01T09:00:00Z",
            },
            {
                "Id": GLOBEX_CASE,
                "CaseNumber": "00001300",
                "Subject": "Router overheats",
                "Status": "Escalated",
                "Priority": "Urgent",
                "AccountId": GLOBEX,
                "ContactId": RAVI,
                "OwnerId": DANA,
                "IsClosed": False,
                "CreatedDate": "2026-11-20T09:00:00Z",
            },
        ],
        "Quote": [
            {
                "Id": "0Q0CS0000000001AAA",
                "Name": "Fabrikam quote",
                "OpportunityId": RENEWAL,
                "AccountId": ACME,
                "Status": "Draft",
                "GrandTotal": 118000,
                "ExpirationDate": "2026-12-20",
                "OwnerId": DANA,
            },
        ],
        "Task": [
            {
                "Id": "00TCS0000000001AAA",
                "Subject": "Call Ann",
                "Status": "Not Started",
                "Priority": "Normal",
                "ActivityDate": "2026-11-25",
                "WhoId": ANN,
                "OwnerId": DANA,
            },
        ],
    }


_CHILD_LINKS = {"Account": "AccountId", "Contact": "ContactId", "Opportunity": "OpportunityId"}
_WRITES = ("create_record", "update_record", "add_case_comment", "create_task", "log_call", "create_draft")
_OPS: dict[str, Any] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a is not None and a < b,
    "le": lambda a, b: a is not None and a <= b,
    "gt": lambda a, b: a is not None and a > b,
    "ge": lambda a, b: a is not None and a >= b,
    "contains": lambda a, b: str(b).lower() in str(a or "").lower(),
    "starts_with": lambda a, b: str(a or "").lower().startswith(str(b).lower()),
    "in": lambda a, b: a in b,
    "is_null": lambda a, b: (a is None) == b,
}


class ToolProblemError(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass
class Crm:
    """Answers calls from its rows. Writes are applied at once unless `refuse` names an error for the tool."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=_rows)
    refuse: dict[str, tuple[str, str]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def run(self, tool: str, args: dict[str, Any]) -> str:
        self.calls.append((tool, args))
        try:
            if tool in self.refuse:
                raise ToolProblemError(*self.refuse[tool])
            return json.dumps({"ok": True, "result": getattr(self, tool)(**args)})
        except ToolProblemError as problem:
            return json.dumps({"ok": False, "error": {"kind": problem.kind, "message": str(problem)}})

    def _names(self) -> dict[str, str]:
        return {row["Id"]: row.get("Name") or row.get("Subject") for rows in self.rows.values() for row in rows}

    def _row(self, record_id: str) -> dict[str, Any]:
        for rows in self.rows.values():
            for row in rows:
                if row["Id"] == record_id:
                    return row
        raise ToolProblemError("not_found", f"no record {record_id!r}")

    def find_record(self, text: str, objects: Sequence[str] | None = None, limit: int = 5) -> dict[str, Any]:
        matches = []
        for name in objects or self.rows:
            for row in self.rows.get(name, []):
                label = row.get("Name") or row.get("Subject") or ""
                score = fuzz.token_set_ratio(text.lower(), label.lower()) / 100 if text else 0
                if score >= 0.6 or row.get("CaseNumber") == text:
                    details = {
                        k: v
                        for k, v in row.items()
                        if k
                        in (
                            "AccountId",
                            "BillingCity",
                            "Title",
                            "Industry",
                            "StageName",
                            "CaseNumber",
                            "Status",
                            "ContactId",
                        )
                    }
                    matches.append(
                        {
                            "object": name,
                            "id": row["Id"],
                            "name": label,
                            "score": round(score - 0.01 * abs(len(label) - len(text)) / 40, 3),
                            "exact": label.lower() == text.lower(),
                            "details": details,
                        }
                    )
        matches.sort(key=lambda m: (-m["score"], m["id"]))
        return {"matches": matches[:limit], "total": len(matches)}

    def get_record(self, object: str, record_id: str, related: Sequence[str] = ()) -> dict[str, Any]:
        row = self._row(record_id)
        children = []
        for child in related:
            link = _CHILD_LINKS.get(object, "ParentId")
            found = [r for r in self.rows.get(child, []) if r.get(link) == record_id]
            children.append({"object": child, "total": len(found), "records": found[:5]})
        return {
            "object": object,
            "id": record_id,
            "name": row.get("Name") or row.get("Subject"),
            "fields": row,
            "related": children,
            "names": self._names(),
        }

    def query_records(
        self,
        object: str,
        fields: Sequence[str] | None = None,
        filters: Sequence[dict[str, Any]] = (),
        sort: Sequence[dict[str, Any]] = (),
        limit: int = 20,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        rows = self._filtered(object, filters)
        for key in reversed(sort):
            rows.sort(
                key=lambda r, key=key: (r.get(key["field"]) is not None, r.get(key["field"])),
                reverse=key.get("descending", False),
            )
        start = int(cursor or 0)
        page = rows[start : start + limit]
        kept = [{k: v for k, v in row.items() if fields is None or k in (*fields, "Id")} for row in page]
        following = str(start + limit) if start + limit < len(rows) else None
        return {"object": object, "records": kept, "total": len(rows), "next_cursor": following, "names": self._names()}

    def _filtered(self, object: str, filters: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        if object not in self.rows:
            raise ToolProblemError("retry", f"there is no object {object!r}")
        return [
            row for row in self.rows[object] if all(_OPS[f["op"]](row.get(f["field"]), f["value"]) for f in filters)
        ]

    def aggregate_records(
        self,
        object: str,
        function: str,
        field: str | None = None,
        group_by: Sequence[str] = (),
        filters: Sequence[dict[str, Any]] = (),
        descending: bool = True,
        limit: int = 50,
    ) -> dict[str, Any]:
        rows = self._filtered(object, filters)
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {} if group_by else {(): rows}
        for row in rows if group_by else []:
            groups.setdefault(tuple(row.get(name) for name in group_by), []).append(row)
        result = []
        for key, members in groups.items():
            values = [row[field] for row in members if field and row.get(field) is not None]
            value = {
                "count": len(members),
                "sum": sum(values),
                "avg": sum(values) / len(values) if values else None,
                "min": min(values, default=None),
                "max": max(values, default=None),
            }[function]
            result.append({"key": dict(zip(group_by, key, strict=True)), "value": value})
        result.sort(key=lambda g: g["value"] or 0, reverse=descending)
        return {
            "object": object,
            "function": function,
            "field": field,
            "groups": result,
            "rows": len(rows),
            "names": self._names(),
        }

    def activities_timeline(
        self, record_id: str, types: Any = None, since: str | None = None, until: str | None = None, limit: int = 10
    ) -> dict[str, Any]:
        self._row(record_id)
        entries = [
            {
                "object": "Task",
                "id": "00TCS0000000009AAA",
                "at": "2026-11-10T10:00:00Z",
                "subject": "Call with Ann",
                "excerpt": "Wants a discount",
            },
            {
                "object": "Event",
                "id": "00UCS0000000001AAA",
                "at": "2026-06-01T10:00:00Z",
                "subject": "Kick-off",
                "excerpt": None,
            },
        ]
        kept = [
            e for e in entries if (not since or str(e["at"]) >= since) and (not until or str(e["at"])[:10] <= until)
        ]
        return {"entries": kept[:limit], "total": len(kept)}

    def search_knowledge(self, query: str, limit: int = 3) -> dict[str, Any]:
        if not any(word in query.lower() for word in ("router", "return")):
            return {"articles": [], "total": 0}
        article = {
            "id": "ka0CS0000000001AAA",
            "number": "000000012",
            "title": "Resetting the router",
            "excerpt": "Hold the reset button for ten seconds.",
            "score": 0.9,
        }
        return {"articles": [article], "total": 1}

    def similar_cases(self, case_id: str | None = None, text: str | None = None, limit: int = 5) -> dict[str, Any]:
        return {
            "cases": [
                {
                    "id": OLD_CASE,
                    "number": "00001111",
                    "subject": "Broken display",
                    "status": "Closed",
                    "score": 0.7,
                    "resolution": "Replaced the unit",
                }
            ]
        }

    def lookup_account(self, name: str) -> dict[str, Any]:
        found = self.find_record(name, ["Account"])["matches"]
        if len(found) != 1:
            return {"account": None, "candidates": found, "open_cases": 0, "open_opportunities": 0}
        row = self._row(found[0]["id"])
        return {
            "account": {"id": row["Id"], "name": row["Name"], "fields": row},
            "candidates": [],
            "open_cases": 1,
            "open_opportunities": 1,
        }

    def fetch_cases(
        self,
        account_id: str | None = None,
        contact_id: str | None = None,
        status: str = "open",
        created_since: str | None = None,
        created_until: str | None = None,
        limit: int = 20,
    ) -> dict[str, Any]:
        rows = [
            row
            for row in self.rows["Case"]
            if (not account_id or row["AccountId"] == account_id)
            and (not contact_id or row["ContactId"] == contact_id)
            and (status == "any" or row["IsClosed"] == (status == "closed"))
            and (not created_since or row["CreatedDate"][:10] >= created_since)
            and (not created_until or row["CreatedDate"][:10] <= created_until)
        ]
        names = (
            "Id",
            "CaseNumber",
            "Subject",
            "Status",
            "Priority",
            "CreatedDate",
            "AccountId",
            "ContactId",
            "OwnerId",
        )
        return {
            "cases": [{name: row.get(name) for name in names} for row in rows[:limit]],
            "total": len(rows),
            "names": self._names(),
        }

    def create_record(self, object: str, fields: dict[str, Any]) -> dict[str, Any]:
        row = {"Id": f"00XNEW00000000{len(self.calls)}AAA"[:18], **fields}
        if object in ("Contact", "Lead"):
            row["Name"] = f"{fields.get('FirstName', '')} {fields.get('LastName', '')}".strip()
        self.rows.setdefault(object, []).append(row)
        return self._applied(object, row, {}, fields)

    def update_record(self, object: str, record_id: str, fields: dict[str, Any]) -> dict[str, Any]:
        row = self._row(record_id)
        before = dict(row)
        row.update(fields)
        return self._applied(object, row, before, fields)

    def _applied(
        self, object: str, row: dict[str, Any], before: dict[str, Any], fields: dict[str, Any]
    ) -> dict[str, Any]:
        changes = [{"field": name, "old": before.get(name), "new": value} for name, value in fields.items()]
        return {
            "status": "applied",
            "object": object,
            "id": row["Id"],
            "name": row.get("Name") or row.get("Subject") or "",
            "changes": changes,
        }

    def add_case_comment(self, case_id: str, body: str, published: bool = False) -> dict[str, Any]:
        row = {"Id": "00aCS0000000001AAA", "ParentId": case_id, "CommentBody": body, "IsPublished": published}
        return self._applied("CaseComment", row, {}, {"CommentBody": body, "IsPublished": published})

    def create_task(
        self,
        subject: str,
        due_date: str | None = None,
        related_to_id: str | None = None,
        who_id: str | None = None,
        priority: str = "Normal",
        description: str | None = None,
    ) -> dict[str, Any]:
        row = {"Id": "00TCS0000000002AAA", "Subject": subject, "ActivityDate": due_date, "Priority": priority}
        return self._applied("Task", row, {}, {"Subject": subject, "ActivityDate": due_date})

    def log_call(
        self,
        subject: str,
        notes: str | None = None,
        related_to_id: str | None = None,
        who_id: str | None = None,
        called_on: str | None = None,
    ) -> dict[str, Any]:
        return self._applied("Task", {"Id": "00TCS0000000003AAA", "Subject": subject}, {}, {"Subject": subject})

    def create_draft(self, record_id: str, subject: str, body: str, recipient_id: str | None = None) -> dict[str, Any]:
        return self._applied("EmailMessage", {"Id": "02sCS0000000001AAA", "Subject": subject}, {}, {"Subject": subject})


_PARAMETERS: dict[str, tuple[str, ...]] = {
    "find_record": ("text", "objects", "limit"),
    "get_record": ("object", "record_id", "related"),
    "query_records": ("object", "fields", "filters", "sort", "limit", "cursor"),
    "aggregate_records": ("object", "function", "field", "group_by", "filters", "descending", "limit"),
    "activities_timeline": ("record_id", "types", "since", "until", "limit"),
    "search_knowledge": ("query", "limit"),
    "similar_cases": ("case_id", "text", "limit"),
    "lookup_account": ("name",),
    "fetch_cases": ("account_id", "contact_id", "status", "created_since", "created_until", "limit"),
    "create_record": ("object", "fields"),
    "update_record": ("object", "record_id", "fields"),
    "add_case_comment": ("case_id", "body", "published"),
    "create_task": ("subject", "due_date", "related_to_id", "who_id", "priority", "description"),
    "log_call": ("subject", "notes", "related_to_id", "who_id", "called_on"),
    "create_draft": ("record_id", "recipient_id", "subject", "body"),
}
ALL_TOOLS = tuple(_PARAMETERS)


def schema(tool: str) -> dict[str, Any]:
    properties = {name: {"type": "string"} for name in _PARAMETERS[tool]}
    return {
        "type": "function",
        "function": {"name": tool, "description": tool, "parameters": {"type": "object", "properties": properties}},
    }


@dataclass
class Chat:
    """A conversation with the offline model over a CRM: `say` runs the loop of model and tools to the answer."""

    crm: Crm = field(default_factory=Crm)
    prompt: str = PROMPT
    tools: Sequence[str] = ALL_TOOLS
    messages: list[BaseMessage] = field(default_factory=list)
    made: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """The calls of the last turn."""
    schemas: Callable[[str], dict[str, Any]] = schema

    def say(self, text: str) -> str:
        model = OfflineModel().bind_tools([self.schemas(name) for name in self.tools])
        self.messages.append(HumanMessage(text))
        self.made = []
        for _ in range(8):
            history = [SystemMessage(self.prompt), *self.messages]
            answer = ask_sealed(model, history, self.crm.rows, OWN_LINES) if SEALED.get() else model.invoke(history)
            assert isinstance(answer, AIMessage)
            self.messages.append(answer)
            if not answer.tool_calls:
                self._require_grounds(str(answer.content))
                return str(answer.content)
            for call in answer.tool_calls:
                self.made.append((call["name"], call["args"]))
                self.messages.append(ToolMessage(self.crm.run(call["name"], call["args"]), tool_call_id=call["id"]))
        raise AssertionError(f"the turn does not end: {self.made}")

    def _require_grounds(self, answer: str) -> None:
        """Nothing in the answer is from nowhere: the service would withhold it."""
        today = re.search(r"Today is (\S+)\.", self.prompt)
        if today is None:
            return
        turns: list[dict[str, Any]] = []
        for message in self.messages:
            calls = [dict(call) for call in message.tool_calls] if isinstance(message, AIMessage) else []
            told = {"tool_call_id": message.tool_call_id} if isinstance(message, ToolMessage) else {}
            turns.append({"type": message.type, "content": message.content, "tool_calls": calls, **told})
        evidence = gather(turns, today=date.fromisoformat(today[1]), known=[self.prompt.partition("Records you")[0]])
        assert Grounding(lambda: evidence).check(answer).withheld == [], answer

    def last(self, tool: str) -> dict[str, Any]:
        """The arguments of the last call of this tool in the last turn."""
        found = [args for name, args in self.made if name == tool]
        assert found, f"{tool} was not called; made: {self.made}"
        return found[-1]

    def wrote(self) -> list[str]:
        return [name for name, _ in self.made if name in _WRITES]


def test_the_stage_answers_like_the_tools() -> None:
    crm = Crm()
    found = json.loads(crm.run("find_record", {"text": "Globex", "objects": ["Account"]}))
    assert found["result"]["matches"][0]["id"] == GLOBEX
    assert json.loads(crm.run("get_record", {"object": "Case", "record_id": "500"}))["error"]["kind"] == "not_found"
    counted = json.loads(crm.run("aggregate_records", {"object": "Case", "function": "count", "group_by": ["Status"]}))
    assert sum(group["value"] for group in counted["result"]["groups"]) == 4
