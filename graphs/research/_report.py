"""What research found, as text: by code, from what tools returned, with the record behind every line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crm.fields import Kind
from crm.schema import OBJECT_INFO, object_of
from graphs.research._agent import Budget
from graphs.research._plan import WORDS, in_words
from trust.handles import HANDLE
from trust.markdown_text import escape

_LEFT_OUT = frozenset(
    "Id OwnerId CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp IsDeleted".split()
)
_LONGEST = 160
_MOST_FIELDS = 12

Json = Any


def sections(finding: Mapping[str, Json], envelopes: Sequence[Mapping[str, Json]], budget: Budget) -> Iterator[str]:
    """The parts of the report that answer one sub-question. Outsiders' words stand in them as handles."""
    for envelope in envelopes:
        result = envelope.get("result")
        if not isinstance(result, Mapping):
            continue
        if isinstance(result.get("fields"), Mapping):
            yield f"**{_shown(result['name'])}** [{result['object']}:{result['id']}]"
            yield "\n".join(_own(result))
        elif isinstance(result.get("records"), list):
            yield "\n".join(_listed(result, budget))
        elif isinstance(result.get("entries"), list):
            yield "\n".join(_happened(result))
    if finding["text"]:
        yield f"**{escape(finding['question'])}** {finding['text']}"


def _own(result: Mapping[str, Json]) -> Iterator[str]:
    names = result.get("names") or {}
    yield from (f"- {part}" for part in _fields(result["object"], result["fields"], names, most=99, with_texts=True))


def _listed(result: Mapping[str, Json], budget: Budget) -> Iterator[str]:
    kind, rows, names = result["object"], result["records"], result.get("names") or {}
    if not rows:
        return
    told = rows[: budget.rows]
    more = f", the newest {len(told)} of them" if result["total"] > len(told) else ""
    yield f"**{in_words(kind).capitalize()}: {result['total']}{more}**"
    for row in told:
        head = _name(kind, row)
        parts = ", ".join(_fields(kind, row, names, most=_MOST_FIELDS))
        yield f"- {head}{': ' if head and parts else ''}{parts} [{kind}:{row['Id']}]"


def _happened(result: Mapping[str, Json]) -> Iterator[str]:
    if not result["entries"]:
        return
    yield f"**What happened: {result['total']}**"
    for one in result["entries"]:
        subject = _shown(one["subject"] or one["excerpt"] or "")
        yield f"- {str(one['at'] or '')[:10]} {subject} [{one['object']}:{one['id']}]"


def _name(kind: str, row: Mapping[str, Json]) -> str:
    fields = OBJECT_INFO[kind].name_fields
    return " ".join(_shown(row[field]) for field in fields if field != "Id" and row.get(field))


def _fields(
    kind: str, row: Mapping[str, Json], names: Mapping[str, str], *, most: int, with_texts: bool = False
) -> list[str]:
    """What is filled, in the order of declaration, without what the name says already."""
    info = OBJECT_INFO[kind]
    parts = []
    for field, spec in info.fields.items():
        value = row.get(field)
        if field in _LEFT_OUT or field in info.name_fields or value in (None, "", False):
            continue
        if spec.kind is Kind.LONG_TEXT and not with_texts:
            continue
        if spec.kind is Kind.REFERENCE:
            value = names.get(value)
        if value is not None:
            parts.append(f"{_title(field)} {_shown(value)}")
    return parts[:most]


def _title(field: str) -> str:
    return " ".join(WORDS.findall(field.removesuffix("__c").removesuffix("Id"))).capitalize()


def _shown(value: Json) -> str:
    if value is True:
        return "yes"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return f"{value:,}"
    text = " ".join(str(value).split())
    if HANDLE.fullmatch(text):
        return text  # whoever reveals it cuts it
    text = text[:10] if text[4:5] == "-" and text[10:11] == "T" else text
    return escape(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def shortcomings(findings: Sequence[Mapping[str, Json]]) -> str:
    """What was not found out, and why; empty if everything was."""
    lines = [
        f"- {escape(one['question'])} {'Only in part' if one['status'] == 'partly' else 'Not at all'}: "
        f"{escape('; '.join(one['because']))}."
        for one in findings
        if one["status"] != "done"
    ]
    return "\n".join(["**What was not found out**", *lines]) if lines else ""


def choices(matches: Sequence[Mapping[str, Json]]) -> str:
    """The records that a name may stand for."""
    lines = [f"- {_shown(one['name'])} [{object_of(one['id'])}:{one['id']}]" for one in matches]
    return "\n".join(["Several records fit that name. Which one is meant?", *lines])
