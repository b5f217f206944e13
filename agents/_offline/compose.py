"""Puts results into words. Every value comes from a tool; Markdown in it is escaped."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agents._offline.lexicon import SHOWN_FIELDS
from agents._offline.memory import Known, Memory, known_from, records_in
from agents._offline.request import Request
from agents._offline.toolbox import Outcome
from agents._offline.words import say_name, with_article

_CONTROL = re.compile(r"([\\`*_{}\[\]<>#|~!])")
_MASK = re.compile(r"(<<[A-Z_]+:[A-Z2-7]+>>)")
_LINE_LEAD = re.compile(r"^(\s*)([-+>]|\d+[.)])(\s)")
_FUNCTIONS = {"count": "number", "sum": "total", "avg": "average", "min": "lowest", "max": "highest"}
_PLURALS = {
    "Opportunity": "opportunities",
    "Case": "cases",
    "Knowledge__kav": "articles",
    "Product2": "products",
    "Activity": "activities",
}
_SINGULARS = {"Knowledge__kav": "article", "Product2": "product"}
MAX_TEXT = 400
_NEARLY = 0.8
"""Share of the best score with which an article is worth reading too."""


def escape(text: str) -> str:
    """One line of text without effect on the Markdown around it. Masked values stay as they are."""
    flat = " ".join(text.split())
    flat = flat if len(flat) <= MAX_TEXT else flat[:MAX_TEXT].rstrip() + "…"
    parts = _MASK.split(flat)
    escaped = "".join(part if at % 2 else _CONTROL.sub(r"\\\1", part) for at, part in enumerate(parts))
    return _LINE_LEAD.sub(r"\1\\\2\3", escaped)


def escape_lines(text: str) -> str:
    """Several lines without effect on the Markdown around them."""
    return "\n".join(escape(line) for line in text.splitlines()[:40] if line.strip())


def say_value(value: object, memory: Memory, names: Mapping[str, Any] | None = None) -> str:
    """A value for people: thousands separators, yes and no, names for references."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return say_number(value)
    if isinstance(value, list):
        return ", ".join(say_value(item, memory, names) for item in value)
    text = str(value)
    known = str((names or {}).get(text) or memory.name_of(text))
    if known and known != text:
        return f"{escape(known)} ({text})"
    return escape(re.sub(r"^(\d{4}-\d{2}-\d{2})T00:00:00(?:\.0+)?(?:Z|\+00:00)?$", r"\1", text))


def say_number(value: float) -> str:
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.2f}"


def say_object(name: str, *, count: int = 1) -> str:
    if count == 1:
        return _SINGULARS.get(name, say_name(name))
    if name in _PLURALS:
        return _PLURALS[name]
    said = say_name(name)
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"


def cite(record: Known, memory: Memory) -> str:
    """The record by name and id; a case by number as well."""
    name = record.name or memory.name_of(record.record_id)
    number = record.details.get("CaseNumber") or record.details.get("number") if record.object == "Case" else None
    if number:
        return f"case {escape(str(number))} ({record.record_id})" + (f": {escape(name)}" if name else "")
    if not name:
        return f"{say_object(record.object)} {record.record_id}"
    return f"{escape(name)} ({record.record_id})"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def say_fields(
    record: Known, memory: Memory, *, only: Sequence[str] = (), names: Mapping[str, Any] | None = None
) -> list[str]:
    """'stage: Negotiation' for each field worth saying, or for just the fields asked for."""
    name_fields = ("Name", "Subject", "Id", "CaseNumber", "id", "number", "object", "name")
    wanted = list(only) or [
        name for name in SHOWN_FIELDS.get(record.object, ()) if name in record.details and name not in name_fields
    ]
    if not wanted:
        wanted = [name for name in record.details if name not in name_fields][:8]
    return [
        f"{say_name(name)}: {say_value(record.details.get(name), memory, names)}"
        for name in wanted
        if only or record.details.get(name) not in (None, "")
    ]


def say_row(record: Known, memory: Memory, extra: Iterable[str] = ()) -> str:
    fields = list(
        dict.fromkeys(
            [*say_fields(record, memory), *say_fields(record, memory, only=[f for f in extra if f in record.details])]
        )
    )
    return f"- {capital(cite(record, memory))}" + (f" — {', '.join(fields)}" if fields else "")


def say_list(request: Request, outcome: Outcome, memory: Memory, where: str) -> str:
    rows = [memory.known[row.record_id] for row in records_in(outcome)]
    total = _total(outcome.result, rows)
    name = request.object or "record"
    if not rows:
        return f"I found no {say_object(name, count=2)}{where}.{say_ignored(request)}"
    head = f"{say_number(total)} {say_object(name, count=total)}{where}"
    head += f", showing {len(rows)}:" if total > len(rows) else ":"
    extra = [condition.field for condition in request.conditions] + ([request.sort.field] if request.sort else [])
    extra = [field for field in extra if field not in ("OwnerId", "IsClosed", "AccountId", "ContactId", "IsWon")]
    more = '\n\nSay "show more" for the next ones.' if outcome.result.get("next_cursor") else ""
    return head + "\n\n" + "\n".join(say_row(row, memory, extra) for row in rows) + more + say_ignored(request)


def say_ignored(request: Request) -> str:
    """Which of the words said had no part in the answer."""
    if not request.ignored:
        return ""
    words = ", ".join(f'"{escape(word)}"' for word in request.ignored[:5])
    return f"\n\nNot taken into account: {words}."


def _total(result: Mapping[str, Any], rows: Sequence[object]) -> int:
    total = result.get("total")
    return total if isinstance(total, int) else len(rows)


def say_measure(request: Request, outcome: Outcome, memory: Memory, where: str) -> str:
    groups = [group for group in outcome.result.get("groups") or [] if isinstance(group, dict)]
    rows = outcome.result.get("rows")
    names = outcome.result.get("names") or {}
    things = say_object(request.object or "record", count=2)
    label = _measure_label(request)
    if request.group_by and groups:
        counted = f", {say_number(rows)} in all" if isinstance(rows, int) else ""
        return (
            f"{capital(label)} of {things}{where} by {', '.join(say_name(f) for f in request.group_by)}{counted}:\n\n"
            + _table(request, groups, memory, names)
        )
    value = groups[0].get("value") if groups else (0 if request.function == "count" else None)
    if request.function == "count":
        number = value if isinstance(value, int | float) else 0
        return f"{say_number(number)} {say_object(request.object or 'record', count=int(number))}{where}."
    if value is None:
        return f"I found no {things}{where}, so there is no {label}."
    over = (
        f", over {say_number(rows)} {say_object(request.object or 'record', count=rows)}"
        if isinstance(rows, int)
        else ""
    )
    return f"The {label} of {things}{where} is {say_value(value, memory, names)}{over}."


def _measure_label(request: Request) -> str:
    label = _FUNCTIONS[request.function]
    return f"{label} {say_name(request.measure)}" if request.measure and request.function != "count" else label


def _table(request: Request, groups: Sequence[Mapping[str, Any]], memory: Memory, names: Mapping[str, Any]) -> str:
    heads = [*[capital(say_name(name)) for name in request.group_by], capital(_measure_label(request))]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * (len(heads) - 1) + " ---: |"]
    for group in groups:
        key = group.get("key") or {}
        cells = [say_value(key.get(name), memory, names) for name in request.group_by]
        lines.append("| " + " | ".join([*cells, say_value(group.get("value"), memory, names)]) + " |")
    return "\n".join(lines)


def say_record(outcome: Outcome, memory: Memory, *, only: Sequence[str] = ()) -> str:
    """The record's fields as a list, or a sentence with the fields asked for."""
    record = memory.known[records_in(outcome)[0].record_id]
    names = outcome.result.get("names") or {}
    if only:
        present = [name for name in only if name in record.details]
        if not present:
            asked = ", ".join(say_name(name) for name in only)
            return f"{capital(cite(record, memory))} shows no {asked} that I can read."
        filled = [name for name in present if record.details[name] not in (None, "")] or present
        return f"{capital(cite(record, memory))} — {', '.join(say_fields(record, memory, only=filled, names=names))}."
    lines = [f"- {capital(line)}" for line in say_fields(record, memory, names=names)]
    return (
        f"{capital(say_object(record.object))} {cite(record, memory)}\n\n" + "\n".join(lines)
        if record.object != "Case"
        else (f"{capital(cite(record, memory))}\n\n" + "\n".join(lines))
    )


def say_summary(outcome: Outcome, timeline: Outcome | None, memory: Memory) -> str:
    record = memory.known[records_in(outcome)[0].record_id]
    names = outcome.result.get("names") or {}
    facts = say_fields(record, memory, names=names)
    text = (
        f"{capital(cite(record, memory))} is {with_article(say_object(record.object))}"
        if record.object != "Case"
        else capital(cite(record, memory))
    )
    text += (" with " + "; ".join(facts) if facts else "") + "."
    description = record.details.get("Description")
    if description:
        text += f'\n\nDescription: "{escape(str(description))}"'
    for related in outcome.result.get("related") or []:
        text += _say_related(related, memory, names)
    if timeline and timeline.ok:
        text += "\n\n" + say_timeline(timeline, memory, cite(record, memory))
    return text


def _say_related(related: Mapping[str, Any], memory: Memory, names: Mapping[str, Any]) -> str:
    name = str(related.get("object") or "record")
    rows = [
        memory.remember(known)
        for row in related.get("records") or []
        if isinstance(row, dict) and (known := known_from(row, name))
    ]
    total = _total(related, rows)
    if not total:
        return f"\n\nNo {say_object(name, count=2)}."
    shown = f", {len(rows[:5])} of them" if total > len(rows[:5]) else ""
    lines = [
        f"- {capital(cite(row, memory))}"
        + (f" — {', '.join(say_fields(row, memory, names=names)[:4])}" if say_fields(row, memory) else "")
        for row in rows[:5]
    ]
    return f"\n\n{say_number(total)} {say_object(name, count=total)}{shown}:\n" + "\n".join(lines)


def say_timeline(outcome: Outcome, memory: Memory, about: str, since: str | None = None) -> str:
    entries = [entry for entry in outcome.result.get("entries") or [] if isinstance(entry, dict)]
    total = _total(outcome.result, entries)
    window = f" since {since}" if since else ""
    if not entries:
        return f"No activity{window} for {about}."
    shown = f", showing {len(entries)}" if total > len(entries) else ""
    lines = [_say_entry(entry) for entry in entries]
    head = f"{say_number(total)} {say_object('Activity', count=total)}{window} for {about}{shown}"
    return f"{head}:\n" + "\n".join(lines)


def _say_entry(entry: Mapping[str, Any]) -> str:
    day = str(entry.get("at") or "")[:10]
    subject = escape(str(entry.get("subject") or "no subject"))
    excerpt = f': "{escape(str(entry["excerpt"]))}"' if entry.get("excerpt") else ""
    return f"- {day} {say_object(str(entry.get('object') or 'activity'))} {subject} ({entry.get('id')}){excerpt}"


def say_articles(outcome: Outcome) -> str:
    articles = [article for article in outcome.result.get("articles") or [] if isinstance(article, dict)]
    if not articles:
        return "I found no knowledge article that answers this."
    text = "\n\n".join(_say_article(article) for article in _close(articles))
    if rest := articles[len(_close(articles)) : 4]:
        text += "\n\nRelated:\n" + "\n".join(
            f"- {escape(str(a.get('title') or 'untitled'))} ({_article_mark(a)})" for a in rest
        )
    return text


def _say_article(article: Mapping[str, Any]) -> str:
    title = escape(str(article.get("title") or "untitled"))
    excerpt = escape(str(article.get("excerpt") or "no excerpt"))
    return f'From "{title}" ({_article_mark(article)}):\n\n{excerpt} ({_article_mark(article)})'


def _close(articles: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The best article, and the next if it fits nearly as well."""
    scores = [score if isinstance(score := article.get("score"), int | float) else 0.0 for article in articles[:2]]
    return articles[: 2 if len(scores) > 1 and scores[1] >= _NEARLY * scores[0] > 0 else 1]


def _article_mark(article: Mapping[str, Any]) -> str:
    return f"article {escape(str(article.get('number') or article.get('id')))}"


def say_similar(outcome: Outcome, about: str) -> str:
    cases = [case for case in outcome.result.get("cases") or [] if isinstance(case, dict)]
    if not cases:
        return f"I found no similar cases{about}."
    lines = [_say_similar_case(case) for case in cases]
    return f"{len(cases)} similar {say_object('Case', count=len(cases))}{about}:\n\n" + "\n".join(lines)


def _say_similar_case(case: Mapping[str, Any]) -> str:
    number, subject = escape(str(case.get("number"))), escape(str(case.get("subject") or ""))
    solved = f' — resolution: "{escape(str(case["resolution"]))}"' if case.get("resolution") else ""
    return f"- Case {number} ({case.get('id')}): {subject}, status: {escape(str(case.get('status')))}{solved}"


def say_applied(outcome: Outcome, memory: Memory, doing: str) -> str:
    """What a write came to: the changes applied, or why it was not."""
    if not outcome.ok:
        return say_problem(outcome, doing)
    result = outcome.result
    known = known_from(result, "")
    what = cite(memory.known.get(known.record_id, known), memory) if known else doing
    changes = [change for change in result.get("changes") or [] if isinstance(change, dict)]
    said = "; ".join(_say_change(change, memory) for change in changes)
    return f"{doing}: {what}" + (f" — {said}" if said else "") + "."


def _say_change(change: Mapping[str, Any], memory: Memory) -> str:
    text = f"{say_name(str(change.get('field')))}: {say_value(change.get('new'), memory)}"
    return text + (f" (was {say_value(change['old'], memory)})" if change.get("old") not in (None, "") else "")


def say_problem(outcome: Outcome, doing: str) -> str:
    reason = escape(outcome.message).rstrip(".")
    match outcome.kind:
        case "rejected":
            return f"{doing} was not done: the approver rejected it. Reason: {reason}."
        case "denied":
            return f"{doing} is not allowed: {reason}."
        case "recalled" | "expired":
            return f"{doing} was not done: the request was {outcome.kind} ({reason})."
        case "not_found":
            return f"{doing} found nothing: {reason}."
        case _:
            return f"{doing} did not work: {reason}."
