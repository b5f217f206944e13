"""Sub-questions about a record, by rules: what belongs to it, by the schema and by what the person may read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from crm.access import Access
from crm.schema import OBJECT_INFO
from graphs.research._agent import Budget

Wanted = tuple[str, dict[str, Any]]
"""A tool and the arguments to call it with."""

_ACTIVITIES = ("Task", "Event", "EmailMessage", "CaseComment", "LiveChatTranscript", "VoiceCallTranscript__c")
_FIRST = ("Opportunity", "Case", "Contact", "Contract", "Order", "Quote")
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LOOK_BACK = timedelta(days=365)


@dataclass(frozen=True)
class Question:
    """A sub-question. With `calls` a worker knows what to look up; without, a model finds out."""

    id: str
    words: str
    calls: tuple[Wanted, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "words": self.words, "calls": [list(one) for one in self.calls]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Question":
        return cls(data["id"], data["words"], tuple((name, arguments) for name, arguments in data["calls"]))


def plan(object_name: str, record_id: str, access: Access, budget: Budget, today: date) -> list[Question]:
    """What there is to ask about a record, what matters most first."""
    children = [(child, ref) for child, ref in OBJECT_INFO[object_name].children if access.may("read", child)]
    own = Question("own", "What does the record itself say?", (("get_record", _record(object_name, record_id)),))
    by_kind: dict[str, list[str]] = {}
    for child, reference in children:
        if child not in _ACTIVITIES and access.can_read(child, reference):
            by_kind.setdefault(child, []).append(reference)
    kinds = sorted(by_kind, key=lambda kind: (_FIRST.index(kind) if kind in _FIRST else len(_FIRST), kind))
    asked = [
        Question(
            kind.lower(),
            f"Which {in_words(kind)} belong to it, and what belongs to those?",
            tuple(_list(kind, reference, [record_id], budget) for reference in by_kind[kind]),
        )
        for kind in kinds
    ]
    if any(child in _ACTIVITIES for child, _ in children):
        since = (today - _LOOK_BACK).isoformat()
        timeline = {"record_id": record_id, "since": since, "limit": 4 * budget.rows}
        asked.insert(2, Question("activities", "What happened around it?", (("activities_timeline", timeline),)))
    return [own, *asked]


def follow(envelopes: Sequence[Mapping[str, Any]], access: Access, budget: Budget) -> Iterator[Wanted]:
    """What belongs to the records that were found: the kinds whose visibility hangs on them."""
    for envelope in envelopes:
        result = envelope.get("result") or {}
        kind, rows = result.get("object"), result.get("records")
        if kind not in OBJECT_INFO or not isinstance(rows, list) or not rows:
            continue
        ids = [row["Id"] for row in rows]
        for child, reference in OBJECT_INFO[kind].children:
            belongs = reference in OBJECT_INFO[child].record_type.parents
            if belongs and access.may("read", child) and access.can_read(child, reference):
                yield _list(child, reference, ids, budget)


def in_words(object_name: str) -> str:
    """`opportunity line items` for `OpportunityLineItem`."""
    words = " ".join(WORDS.findall(object_name.removesuffix("__c").removesuffix("__kav"))).lower()
    return f"{words[:-1]}ies" if words.endswith("y") else words if words.endswith("s") else f"{words}s"


def _record(object_name: str, record_id: str) -> dict[str, Any]:
    return {"object": object_name, "record_id": record_id}


def _list(object_name: str, reference: str, ids: Sequence[str], budget: Budget) -> Wanted:
    condition = (
        {"field": reference, "op": "eq", "value": ids[0]}
        if len(ids) == 1
        else {"field": reference, "op": "in", "value": list(ids)}
    )
    newest = [{"field": "CreatedDate", "descending": True}]
    return ("query_records", {"object": object_name, "filters": [condition], "sort": newest, "limit": budget.rows})
