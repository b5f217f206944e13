"""What a person may see, worked out anew over raw rows: plain Python, sharing nothing with the code that it judges.

`reduce` takes from a copy of a database all that a person may not see. A service that gives the same answers on the
copy as on the original has not let anything hidden into an answer: no value, no count, no order, no error.
"""

import json
import re
import sqlite3
import string
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import make_url

from crm.database import DatabaseConfig

Row = dict[str, Any]

RECORDS: dict[str, tuple[str, ...]] = {
    "Account": (),
    "Campaign": (),
    "CampaignBrief__c": (),
    "CampaignMember": ("CampaignId",),
    "Case": (),
    "CaseComment": ("ParentId",),
    "CaseHistory__c": ("CaseId__c",),
    "Contact": ("AccountId",),
    "Contract": ("AccountId",),
    "EmailMessage": ("ParentId", "RelatedToId"),
    "Event": ("WhatId", "WhoId"),
    "Issue__c": (),
    "Knowledge__kav": (),
    "LandingPage__c": ("CampaignId",),
    "Lead": (),
    "LiveChatTranscript": ("CaseId", "AccountId"),
    "MarketSegment": (),
    "Opportunity": ("AccountId",),
    "OpportunityLineItem": ("OpportunityId",),
    "Order": ("AccountId",),
    "OrderItem": ("OrderId",),
    "PolicyChange__c": (),
    "Pricebook2": (),
    "PricebookEntry": (),
    "MetricAlert__c": (),
    "Product2": (),
    "Report": (),
    "ProductCategory": (),
    "ProductCategoryProduct": (),
    "Quote": ("OpportunityId",),
    "QuoteLineItem": ("QuoteId",),
    "Task": ("WhatId", "WhoId"),
    "Territory2": (),
    "User": (),
    "UserTerritory2Association": (),
    "ValidationRule": (),
    "VoiceCallTranscript__c": ("OpportunityId__c", "LeadId__c"),
}
"""Kind of record -> the references that decide who sees it where its parent does; the first filled one counts."""

TELLING = {
    ("Opportunity", "Amount"): (
        ("OpportunityLineItem", "UnitPrice"),
        ("OpportunityLineItem", "TotalPrice"),
        ("OpportunityLineItem", "Quantity"),
        ("OpportunityLineItem", "Discount"),
        ("Quote", "GrandTotal"),
        ("QuoteLineItem", "UnitPrice"),
        ("QuoteLineItem", "TotalPrice"),
        ("QuoteLineItem", "Quantity"),
        ("QuoteLineItem", "Discount"),
    ),
    ("OpportunityLineItem", "UnitPrice"): (("OpportunityLineItem", "TotalPrice"),),
    ("QuoteLineItem", "UnitPrice"): (("QuoteLineItem", "TotalPrice"),),
    ("Quote", "GrandTotal"): tuple(
        ("QuoteLineItem", field) for field in ("UnitPrice", "TotalPrice", "Quantity", "Discount")
    ),
    ("Order", "TotalAmount"): (("OrderItem", "UnitPrice"), ("OrderItem", "Quantity")),
    ("Opportunity", "StageName"): (("Opportunity", "IsClosed"),),
    ("Case", "Status"): (("Case", "IsClosed"), ("Case", "ClosedDate")),
    ("Case", "OwnerId"): (("CaseHistory__c", "OldValue__c"), ("CaseHistory__c", "NewValue__c")),
    ("User", "Email"): (("User", "Username"),),
}
"""A field -> others that must be hidden with it."""

_NEVER_FIELDS = ("tenant", "version")
_RIGHTS = (
    "tenant permission_set permission_set_assignment user_role group_member sharing_rule record_share"
    " approval vote ledger_entry audit_entry thread run"
).split()


@contextmanager
def raw_connection(config: DatabaseConfig) -> Iterator[Any]:
    """A connection that no wall stands before: the file itself, or a superuser. Commits at the end."""
    if config.file is not None:
        with closing(sqlite3.connect(config.file, timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection
            connection.commit()
        return
    url = make_url(config.url)
    with psycopg.connect(
        f"host={url.query['host']} user=postgres dbname={url.database}", row_factory=dict_row
    ) as found:
        found.execute("SET session_replication_role = replica")
        yield found


def raw_rows(config: DatabaseConfig, table: str) -> list[Row]:
    """All rows of all tenants, bin included."""
    with raw_connection(config) as connection:
        return [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"').fetchall()]


def dump_records(config: DatabaseConfig) -> dict[str, list[str]]:
    """Everything in the tables of records, to compare before and after."""
    return {name: sorted(repr(row) for row in raw_rows(config, name.lower())) for name in RECORDS}


@dataclass
class Oracle:
    """The rights of one person in one tenant."""

    config: DatabaseConfig
    tenant: str
    person: str
    rows: dict[str, list[Row]] = field(init=False)
    _seen: dict[str, set[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = {
            name: [row for row in raw_rows(self.config, name.lower()) if row["tenant"] == self.tenant]
            for name in (*RECORDS, *_RIGHTS)
        }
        self.is_customer = self.person.startswith("003")
        self.records = {name: {row["Id"]: row for row in self.rows[name] if not row["IsDeleted"]} for name in RECORDS}
        users = self.records["User"]
        self.role = None if self.is_customer else users[self.person]["UserRoleId"]
        self.groups = {r["group_name"] for r in self.rows["group_member"] if r["user_id"] == self.person}
        assigned = {r["permission_set"] for r in self.rows["permission_set_assignment"] if r["user_id"] == self.person}
        mine = {"customer"} if self.is_customer else assigned
        sets = [row for row in self.rows["permission_set"] if row["name"] in mine]
        self.objects = [_json(row["objects"]) for row in sets]
        self.fields = [_json(row["fields"]) for row in sets]
        self.sharing = _json(self.rows["tenant"][0]["sharing_defaults"])

    def letters(self, name: str) -> set[str]:
        return {letter for objects in self.objects for letter in objects.get(name, "")}

    def readable(self, name: str) -> set[str]:
        """Fields of the object that may be read."""
        hidden = {
            telling
            for (owner, one), tellings in TELLING.items()
            if "r" not in self._field_letters(owner, one)
            for telling in tellings
        }
        columns = [c for c in self._columns(name) if c not in _NEVER_FIELDS]
        return {c for c in columns if "r" in self._field_letters(name, c) and (name, c) not in hidden}

    def _columns(self, name: str) -> list[str]:
        rows = self.rows[name] or [row for row in raw_rows(self.config, name.lower())]
        return list(rows[0]) if rows else []

    def _field_letters(self, name: str, column: str) -> set[str]:
        if column == "Id" and any(name in fields for fields in self.fields):
            return {"r"}
        found: set[str] = set()
        for fields in self.fields:
            of_object = fields.get(name, {})
            found |= set(of_object[column] if column in of_object else of_object.get("*", ""))
        return found

    def visible(self, name: str) -> set[str]:
        """Ids of the records that may be seen."""
        if name not in self._seen:
            records = self.records[name].values()
            letters = self.letters(name)
            if "r" not in letters:
                self._seen[name] = set()
            elif self.is_customer:
                self._seen[name] = {row["Id"] for row in records if self._is_for_customer(name, row)}
            else:
                self._seen[name] = {row["Id"] for row in records if letters & {"v", "m"} or self._is_for_me(name, row)}
        return self._seen[name]

    def _is_for_me(self, name: str, row: Row) -> bool:
        default = self.sharing.get(name, "ControlledByParent" if RECORDS[name] else "Private")
        if default in ("Read", "ReadWrite"):
            return True
        if row["OwnerId"] == self.person or self._is_below(self._role_of(row["OwnerId"])):
            return True
        if self._is_shared(name, row) or any(self._applies(rule, row) for rule in self._rules(name)):
            return True
        return default == "ControlledByParent" and self._sees_parent(name, row)

    def _role_of(self, user_id: str | None) -> str | None:
        user = self.records["User"].get(user_id or "")
        return user["UserRoleId"] if user else None

    def _is_below(self, role: str | None, *, top: str | None = None) -> bool:
        parents = {row["role_id"]: row["parent_id"] for row in self.rows["user_role"]}
        top = top or self.role
        steps = 0
        while role is not None and top is not None and steps < 50:
            role, steps = parents.get(role), steps + 1
            if role == top:
                return True
        return False

    def _is_shared(self, name: str, row: Row) -> bool:
        grantees = {self.person} | {f"group:{group}" for group in self.groups}
        return any(
            share["object_name"] == name and share["record_id"] == row["Id"] and share["grantee"] in grantees
            for share in self.rows["record_share"]
        )

    def _rules(self, name: str) -> list[Row]:
        found = []
        for rule in self.rows["sharing_rule"]:
            target = _json(rule["target"])
            by_role = target.get("role") is not None and (target["role"] == self.role or self._is_below(target["role"]))
            if rule["object_name"] == name and (target.get("group") in self.groups or by_role):
                found.append(_json(rule["source"]))
        return found

    def _applies(self, source: dict[str, Any], row: Row) -> bool:
        if "owner_role" in source:
            return self._role_of(row["OwnerId"]) == source["owner_role"]
        if "owner_group" in source:
            members = {r["user_id"] for r in self.rows["group_member"] if r["group_name"] == source["owner_group"]}
            return row["OwnerId"] in members
        return bool(row[source["field"]] == source["equals"])

    def _sees_parent(self, name: str, row: Row) -> bool:
        filled = [row[reference] for reference in RECORDS[name] if row[reference] is not None]
        if not filled:
            return False
        return any(filled[0] in self.visible(one) for one in RECORDS if filled[0] in self.records[one])

    def _is_for_customer(self, name: str, row: Row) -> bool:
        company = self.records["Contact"][self.person]["AccountId"]
        cases = {c["Id"] for c in self.records["Case"].values() if c["ContactId"] == self.person}
        orders = {o["Id"] for o in self.records["Order"].values() if o["AccountId"] == company}
        match name:
            case "Contact":
                return bool(row["Id"] == self.person)
            case "Account":
                return bool(row["Id"] == company)
            case "Case":
                return row["Id"] in cases
            case "CaseComment":
                return bool(row["IsPublished"]) and row["ParentId"] in cases
            case "Order":
                return row["Id"] in orders
            case "OrderItem":
                return row["OrderId"] in orders
            case "Knowledge__kav":
                return bool(row["IsVisibleInCsp"]) and row["PublishStatus"] == "Online"
            case "Product2":
                return bool(row["IsActive"])
        return False

    def hidden_values(self) -> set[Any]:
        """Ids, names and other texts that stand in hidden places and in no visible one, of all tenants."""
        hidden, open_values = set(), set()
        for name in RECORDS:
            readable = self.readable(name) if self.rows[name] else set()
            for row in raw_rows(self.config, name.lower()):
                is_seen = row["tenant"] == self.tenant and row["Id"] in self.visible(name)
                for column, value in row.items():
                    if isinstance(value, str) and len(value) > 5:
                        (open_values if is_seen and column in readable else hidden).add(value)
        return hidden - open_values

    def reduce(self, copy: DatabaseConfig) -> None:
        """Delete what the person may not see from a copy, with the other tenant's records; scramble hidden fields."""
        kept_as_they_are = {"Id", "IsDeleted", "IsVisibleInCsp", *_NEVER_FIELDS}
        with raw_connection(copy) as connection:
            mark = "?" if copy.file is not None else "%s"
            for name in RECORDS:
                table = f'"{name.lower()}"'
                connection.execute(f"DELETE FROM {table} WHERE tenant <> {mark}", (self.tenant,))
                seen = self.visible(name)
                for row in self.rows[name]:
                    if row["Id"] not in seen:
                        connection.execute(f'DELETE FROM {table} WHERE "Id" = {mark}', (row["Id"],))
                for row in self.rows[name]:
                    if row["Id"] not in seen:
                        continue
                    other = {
                        column: _other(value)
                        for column, value in row.items()
                        if column not in self.readable(name) | kept_as_they_are and value is not None
                    }
                    if other:
                        assigned = ", ".join(f'"{column}" = {mark}' for column in other)
                        connection.execute(
                            f'UPDATE {table} SET {assigned} WHERE "Id" = {mark}',
                            (*other.values(), row["Id"]),
                        )


def _other(value: Any) -> Any:
    """A value of the same type that is not this one, nor in the same order among others."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return 1 - value if value in (0, 1) else value * 7_919 % 1_000_003 + 5
    if isinstance(value, date):
        return value - timedelta(days=1 + value.toordinal() % 397)
    if isinstance(value, str) and _DAY.match(value):  # SQLite keeps days and instants as texts
        return f"1{value[1:]}"
    if isinstance(value, str):
        return value.translate(_ROTATED)
    return value


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ROTATED = str.maketrans(
    "0123456789" + string.ascii_letters, "1234567890" + string.ascii_letters[1:] + string.ascii_letters[:1]
)


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
