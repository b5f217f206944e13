"""What happened around records, newest first: tasks, meetings, e-mails, comments, chats and calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crm.connector import Filter, Query, Sort
from crm.errors import CrmError
from crm.schema import OBJECT_INFO, object_of
from tools._declare import Integrity, ReadingCrm, Result, output

_EXCERPT = 280

KINDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "Task": ("ActivityDate", "Subject", ("Description",)),
    "Event": ("StartDateTime", "Subject", ("Description",)),
    "EmailMessage": ("MessageDate", "Subject", ("TextBody",)),
    "CaseComment": ("CreatedDate", "", ("CommentBody",)),
    "LiveChatTranscript": ("EndTime", "", ("Body",)),
    "VoiceCallTranscript__c": ("EndTime__c", "", ("Body__c",)),
}
"""Kind of activity -> its date, its subject, its text."""

ActivityKind = Literal["Task", "Event", "EmailMessage", "CaseComment", "LiveChatTranscript", "VoiceCallTranscript__c"]


class TimelineEntry(Result):
    object: str = output("Kind of activity.")
    id: str = output("Record id.")
    at: str | None = output("When it took place or is due.")
    subject: str | None = output("Its subject line.", integrity=Integrity.BY_FIELD)
    excerpt: str | None = output("The beginning of its text.", integrity=Integrity.BY_FIELD)


@dataclass(frozen=True)
class Span:
    """Days in ISO form, both of them inside; without an end if `until` is None."""

    since: str
    until: str | None = None

    def filters(self, field: str) -> list[Filter]:
        found = [Filter(field, "ge", self.since)]
        return found if self.until is None else [*found, Filter(field, "le", self.until)]


async def read_timeline(
    crm: ReadingCrm, about: Sequence[str], span: Span, *, kinds: Sequence[str] = tuple(KINDS), limit: int = 20
) -> tuple[list[TimelineEntry], int]:
    """What hangs on any of the records, and how much there is; kinds that the caller may not read are passed over."""
    entries: dict[str, TimelineEntry] = {}
    total = 0
    for kind in kinds:
        for reference, ids in _references(kind, about).items():
            found, count = await _entries(
                crm, kind, [Filter(reference, "in", ids), *span.filters(KINDS[kind][0])], limit
            )
            entries = {**{one.id: one for one in found}, **entries}
            total += count
    newest = sorted(entries.values(), key=lambda entry: (entry.at or "", entry.id), reverse=True)
    return newest[:limit], max(total, len(entries))


def _references(kind: str, about: Sequence[str]) -> dict[str, list[str]]:
    """Field of an activity -> those of the records that it can point at."""
    found: dict[str, list[str]] = {}
    for record_id in dict.fromkeys(about):
        for child, field in OBJECT_INFO[object_of(record_id) or ""].children:
            if child == kind:
                found.setdefault(field, []).append(record_id)
    return found


async def _entries(crm: ReadingCrm, kind: str, conditions: list[Filter], limit: int) -> tuple[list[TimelineEntry], int]:
    date_field, subject_field, text_fields = KINDS[kind]
    wanted = [date_field, *filter(None, [subject_field]), *text_fields]
    try:
        page = await crm.query(Query(kind, wanted, conditions, [Sort(date_field, True)], limit))
    except CrmError:
        return [], 0
    return [_entry(kind, row) for row in page.records], page.total


def _entry(kind: str, row: dict[str, Any]) -> TimelineEntry:
    date_field, subject_field, text_fields = KINDS[kind]
    text = " ".join(str(row[field]) for field in text_fields if row.get(field))
    return TimelineEntry(
        object=kind,
        id=row["Id"],
        at=row.get(date_field),
        subject=row.get(subject_field) if subject_field else None,
        excerpt=text[:_EXCERPT] or None,
    )
