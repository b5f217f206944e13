"""What the thread has found so far: records seen, the last list, the last request, an open question."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents._offline.references import object_of_id
from agents._offline.request import Reference, Request
from agents._offline.toolbox import Args, Outcome

PARTIES = frozenset(("Account", "Contact", "Lead", "User"))
"""What people call by a part of its name; other records carry their account's name as well."""
_LIST_KEYS = ("records", "cases", "matches", "articles")
_OWN_SHAPES = frozenset(
    """query_records fetch_cases similar_cases search_knowledge find_record lookup_account get_record
    activities_timeline aggregate_records""".split()
)
"""Tools whose results are read by what is known of their shape; any other's by what it holds."""
_LABELS = ("Name", "name", "Subject", "subject")
_TITLES = ("Title", "title")


@dataclass(frozen=True)
class Known:
    """A record as the thread knows it."""

    object: str
    record_id: str
    name: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pending:
    """A question put to the user, and the requests that wait for the answer."""

    requests: tuple[Request, ...]
    question: str
    key: str = ""
    candidates: tuple[Known, ...] = ()
    slot: str = ""
    bindings: Mapping[str, Known] = field(default_factory=dict)


@dataclass
class Memory:
    known: dict[str, Known] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    recent: list[str] = field(default_factory=list)
    """Ids of records spoken of, the latest last."""
    listed: list[Known] = field(default_factory=list)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Record id -> the values that changes of this conversation left in it."""
    last: Request | None = None
    pending: Pending | None = None
    page: Outcome | None = None

    def focus(self, record: Known) -> None:
        """Makes this the record that 'it' means."""
        self.remember(record)
        if record.record_id in self.recent:
            self.recent.remove(record.record_id)
        self.recent.append(record.record_id)

    def remember(self, record: Known) -> Known:
        earlier = self.known.get(record.record_id)
        merged = Known(
            record.object,
            record.record_id,
            record.name or (earlier.name if earlier else ""),
            {**(earlier.details if earlier else {}), **record.details},
        )
        self.known[record.record_id] = merged
        if merged.name:
            self.names[record.record_id] = merged.name
        return merged

    def name_of(self, record_id: str) -> str:
        return self.names.get(record_id, "")

    def observe(self, outcome: Outcome) -> None:
        """Takes in a result. Its texts become facts to show, never words to act on."""
        if not outcome.ok:
            return
        result = outcome.result
        for record_id, name in _mapping(result.get("names")).items():
            self.names.setdefault(str(record_id), str(name))
        rows = records_in(outcome)
        for row in rows:
            self.remember(row)
        self._observe_changes(result)
        if outcome.call.tool in ("query_records", "fetch_cases", "similar_cases", "search_knowledge"):
            self._observe_list(outcome, rows)
        elif outcome.call.tool not in _OWN_SHAPES and _listed_key(result) is not None:
            self.listed = [self.known[row.record_id] for row in rows]
        elif outcome.call.tool not in ("find_record", "lookup_account", "activities_timeline", "aggregate_records"):
            for row in rows[:1]:
                self.focus(row)

    def _observe_changes(self, result: Mapping[str, Any]) -> None:
        """What an applied change left in the record."""
        known = known_from(result, "")
        changes = result.get("changes")
        if known is None or not isinstance(changes, list):
            return
        new = {str(one["field"]): one.get("new") for one in changes if isinstance(one, dict) and one.get("field")}
        self.changed.setdefault(known.record_id, {}).update(new)

    def _observe_list(self, outcome: Outcome, rows: list[Known]) -> None:
        self.listed = [self.known[row.record_id] for row in rows]
        if outcome.call.tool == "query_records":
            self.page = outcome
        if len(rows) == 1:
            self.focus(rows[0])

    def find(self, reference: Reference) -> Known | None:
        """The record that a pronoun or a place in the last list means; None if the thread does not tell."""
        if reference.ordinal:
            return self._at_place(reference)
        for record_id in reversed(self.recent):
            record = self.known[record_id]
            if not reference.objects or record.object in reference.objects:
                return record
        return self._only_listed(reference) or self._linked(reference.objects)

    def _linked(self, objects: Iterable[str]) -> Known | None:
        """'the account' after an opportunity: the one that the latest record belongs to."""
        for record_id in reversed(self.recent[-1:]):
            for value in self.known[record_id].details.values():
                if isinstance(value, str) and value[:3].isalnum() and object_of_id(value) in set(objects):
                    return self.known.get(value) or Known(object_of_id(value) or "", value, self.name_of(value))
        return None

    def _at_place(self, reference: Reference) -> Known | None:
        rows = [row for row in self.listed if not reference.objects or row.object in reference.objects] or self.listed
        at = reference.ordinal - 1 if reference.ordinal > 0 else len(rows) - 1
        return rows[at] if 0 <= at < len(rows) else None

    def _only_listed(self, reference: Reference) -> Known | None:
        rows = [row for row in self.listed if not reference.objects or row.object in reference.objects]
        return rows[0] if len(rows) == 1 else None

    def spoken_of(self, text: str, objects: Iterable[str]) -> Known | None:
        """A record already talked about whose name holds every word of `text`; the latest such."""
        words, allowed = text.lower().split(), set(objects)
        for record_id in reversed(self.recent):
            record = self.known[record_id]
            named = record.name.lower().split()
            fits = record.object in (allowed or PARTIES) or words == named
            if named and fits and (not allowed or record.object in allowed) and all(word in named for word in words):
                return record
        return None


def records_in(outcome: Outcome) -> list[Known]:
    """The records of a result in their order, whatever its shape."""
    result = outcome.result
    for key in _LIST_KEYS:
        rows = result.get(key)
        if isinstance(rows, list):
            default = str(result.get("object") or _default_object(outcome.call.tool, outcome.call.args))
            return [known for row in rows if isinstance(row, dict) and (known := known_from(row, default))]
    if outcome.call.tool not in _OWN_SHAPES and (listed := _listed_key(result)) is not None:
        return [known for row in result[listed] if isinstance(row, dict) and (known := known_from(row, ""))]
    account = result.get("account")
    if isinstance(account, dict):
        known = known_from(account, "Account")
        return [known] if known else []
    known = known_from(result, str(result.get("object") or ""))
    return [known] if known else []


def _listed_key(result: Mapping[str, Any]) -> str | None:
    """The longest list of records in a result; None if it has none."""
    lists = {
        key: sum(isinstance(row, dict) and known_from(row, "") is not None for row in value)
        for key, value in result.items()
        if isinstance(value, list)
    }
    best = max(lists, key=lambda key: lists[key], default="")
    return best if lists.get(best) else None


def _default_object(tool: str, args: Args) -> str:
    return {"fetch_cases": "Case", "similar_cases": "Case", "search_knowledge": "Knowledge__kav"}.get(
        tool, str(args.get("object", ""))
    )


def known_from(row: Mapping[str, Any], default_object: str) -> Known | None:
    record_id = row.get("Id") or row.get("id")
    if not isinstance(record_id, str):
        return None
    name = str(row.get("object") or default_object or object_of_id(record_id) or "")
    details = {**_mapping(row.get("details")), **_mapping(row.get("fields"))}
    if not details:
        details = {
            key: value
            for key, value in row.items()
            if not isinstance(value, dict | list) and key not in ("score", "exact")
        }
    return Known(name, record_id, label_of(row, details), details)


def label_of(row: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    """What people call the record. A person's title is a job, so the person's name comes before it."""
    if details.get("CaseNumber") and details.get("Subject"):
        return str(details["Subject"])  # a case goes by its number, and people know it by its subject
    for source in (row, details):
        for key in _LABELS:
            if source.get(key):
                return str(source[key])
    for source in (row, details):
        if full := " ".join(str(source[key]) for key in ("FirstName", "LastName") if source.get(key)):
            return full
    return next((str(source[key]) for source in (row, details) for key in _TITLES if source.get(key)), "")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
