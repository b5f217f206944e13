"""Texts cut into numbered passages, so that what is said of one can point at the place."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crm.connector import Filter, Query, Row, Sort
from tools._declare import ReadingCrm
from tools._reading import read_if_allowed

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_SPEAKER = re.compile(r"\s*([^:\n]{1,60}):\s+")
_LONGEST = 400
_MOST_RECORDS = 50


@dataclass(frozen=True)
class Passage:
    """One line of a conversation or one sentence of a text; `number` counts from 1 within its record."""

    object_name: str
    record_id: str
    number: int
    at: str | None
    speaker: str | None
    text: str


def split(object_name: str, row: Row, text: str, at: str | None, *, has_speakers: bool = False) -> list[Passage]:
    """The passages of one record, in order; what is longer than a few lines is cut."""
    found: list[Passage] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        named = _SPEAKER.match(line) if has_speakers else None
        speaker, said = (named[1], line[named.end() :]) if named else (None, line)
        parts = [said] if has_speakers else _SENTENCE.split(said)
        for part in filter(None, parts):
            found.append(Passage(object_name, row["Id"], len(found) + 1, at, speaker, part[:_LONGEST]))
    return found


def sentences(text: str) -> list[str]:
    return [one for one in _SENTENCE.split(text) if one]


async def read_transcripts(crm: ReadingCrm, conditions: Sequence[Filter]) -> list[Passage] | None:
    """Newest call first; None if the caller may not read transcripts."""
    return await _read(crm, "VoiceCallTranscript__c", "EndTime__c", ("Body__c",), conditions, has_speakers=True)


async def read_mails(crm: ReadingCrm, conditions: Sequence[Filter]) -> list[Passage] | None:
    incoming = [*conditions, Filter("Incoming", "eq", True)]
    return await _read(crm, "EmailMessage", "MessageDate", ("TextBody",), incoming)


async def read_notes(crm: ReadingCrm, who: Filter) -> list[Passage]:
    """What staff wrote down about calls, tasks and meetings."""
    tasks = await _read(crm, "Task", "ActivityDate", ("Subject", "Description"), [who])
    events = await _read(crm, "Event", "StartDateTime", ("Subject", "Description"), [who])
    return [*(tasks or ()), *(events or ())]


async def _read(
    crm: ReadingCrm,
    object_name: str,
    date_field: str,
    texts: Sequence[str],
    conditions: Sequence[Filter],
    *,
    has_speakers: bool = False,
) -> list[Passage] | None:
    query = Query(object_name, (date_field, *texts), conditions, [Sort(date_field, True)], _MOST_RECORDS)
    page = await read_if_allowed(crm, query)
    if page is None:
        return None
    return [
        passage
        for row in page.records
        for passage in split(object_name, row, _joined(row, texts), row[date_field], has_speakers=has_speakers)
    ]


def _joined(row: Row, texts: Iterable[str]) -> str:
    return "\n".join(str(row[name]) for name in texts if row[name])
