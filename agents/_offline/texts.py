"""Reads requests that carry a text of their own: tasks, calls, comments, messages, new records."""

import re
from dataclasses import replace

from agents._offline.amounts import read_amount
from agents._offline.changes import read_field_values
from agents._offline.dates import Span, TodayUnknownError, read_date
from agents._offline.lexicon import NAME_FIELDS, OBJECT_WORDS, PERSON_OBJECTS, STOPWORDS, object_named
from agents._offline.prompt import Briefing, ObjectInfo
from agents._offline.reader import Reader
from agents._offline.references import hinted, read_exact, read_names, read_number, read_ordinal, read_pronoun
from agents._offline.request import Change, Reference, Request, Verb
from agents._offline.words import Kind, is_written_as_name, singular

PEOPLE = ("Contact", "Lead")
_PARTIES = ("Contact", "Lead", "Account")
"""Whom one writes to or meets: a person, or a company as a whole."""
_PERSON_LEADS = frozenset(
    """call email e-mail mail meet phone ring contact ask with to thank invite visit text ping message
called phoned spoke talked write tell remind chase""".split()
)
_RECORD_LEADS = frozenset("at for about on of regarding from re concerning in".split())
_TASK_LEAD = re.compile(
    r"^(?:remind me|do not let me forget|i (?:have|need|must) to remember"
    r"|(?:create|add|make|set up|set|new|schedule|put)\b.{0,40}?\b(?:task|reminder|to-?do)"
    r"|(?:task|todo|to-do|reminder)|(?:schedule|plan|book|set up)(?: an?)?(?= (?:follow|call|phone)))"
    r"(?: for me| to my list)?(?:\s*[:,]\s*|\s+(?:to|about|that|called|named|saying|titled)\b\s*|\s+|$)",
    re.IGNORECASE,
)
_CALL_LEAD = re.compile(
    r"^(?:(?:log|record|register|note down|note|track)\s+(?:that\s+)?)?(?:i\s+(?:just\s+|have\s+)?)?"
    r"(?:just\s+)?(?:had\s+)?"
    r"(?:(?:got|came|come|am|hung)\s+off\s+|ended\s+|finished\s+)?"
    r"(?:a\s+|the\s+|my\s+|an?\s+\w+\s+)?"
    r"(?:phone call|call|called|phoned|spoke|talked|conversation|phone(?= with))\b\s*",
    re.IGNORECASE,
)
_TALKED = re.compile(r"^(?:i )?(?:just )?(?:talked|spoke|spoken|chatted) (?:to|with) ", re.IGNORECASE)
_BODY = re.compile(
    r"\s*:(?![A-Z2-7]{4,20}>>)\s*"
    r"|\s+(?:saying|stating|that says|which says|says|with the text|with the words|with notes?"
    r"|notes?(?=\s*:))\b\s*:?\s*"
    r"|\s*;\s*|\s+that\s+|\s+-\s+|,\s+(?=(?:she|he|they|we|it|who|i)\b)",
    re.IGNORECASE,
)
_NEXT_SENTENCE = re.compile(r"\.\s+(?=\S)")
_DANGLING = re.compile(r"(?:\s+(?:with|and|in|as|at|a|an|the|of|for))+$", re.IGNORECASE)
_PUBLIC = re.compile(
    r"\b(?:public(?:ly)?|customer[- ](?:visible|facing)|external|visible (?:to|for) (?:the |our )?(?:customer|client)"
    r"|(?:customer|client) (?:can|should|may) (?:see|read)|published?)\b",
    re.IGNORECASE,
)
_TRAILING_AUDIENCE = re.compile(
    r"\s*[,;(]\s*(?:make it |this is |it is )?(?:visible (?:to|for) (?:the |our )?(?:customer|client)"
    r"|public(?:ly)?|internal(?:ly)?|not public)"
    r"\W*$",
    re.IGNORECASE,
)
_TO_CUSTOMER = re.compile(r"^(?:tell|let) the (?:customer|client)\b", re.IGNORECASE)
_PRIVATE = re.compile(r"\b(?:internal(?:ly)?|private(?:ly)?|not public|not visible|non-?public)\b", re.IGNORECASE)
_PRIORITY = re.compile(
    r"\b(?:with |as )?(?:an? )?(low|normal|high|urgent)(?:[- ]priority)?\b|\bpriority (low|normal|high|urgent)\b",
    re.IGNORECASE,
)
_TOPIC = re.compile(
    r"\b(?:about|regarding|concerning|re:|asking (?:for|about|to|if|whether|them|him|her)|saying(?: that)?"
    r"|telling (?:him|her|them)(?: that)?|explaining|confirming|on|that|thanking|for|to (?:say|tell|ask|confirm|let)\b)"
    r"(?:\s+|$)",
    re.IGNORECASE,
)
_CONTENT = re.compile(
    r"(?:^|\s)(?:saying|telling|asking|explaining|confirming|thanking)\b"
    r"(?= (?:that|him|her|them|for|about|if|whether|to)\b)",
    re.IGNORECASE,
)
_MANNER = re.compile(
    r"\b(follow-?up|thank-?you|reminder|apology|introduction|introductory|reply|response|confirmation)\b", re.IGNORECASE
)
_RECIPIENT_NOUNS = (
    "account", "customer", "contact", "lead", "client", "follow-up", "followup", "email", "e-mail", "mail", "message",
    "reply", "response", "note", "letter", "draft", "quick", "short", "thank-you",
)  # fmt: skip
_COMMENT_WORDS = (
    "add", "comment", "comments", "note", "public", "internal", "private", "publicly", "visible", "customer",
    "post", "leave", "write", "external", "customer-visible", "case", "ticket", "put", "reply", "published",
)  # fmt: skip
_DRAFT_LEAD = re.compile(
    r"^(?:please )?(?:draft|write|compose|prepare|create|send|make|start|(?:e-?)?mail|reply|respond|message|answer)\b"
    r"(?: me\b| us\b)?(?: (?:a|an|the|another|short|quick|polite|friendly|brief|new|follow-?up|thank-?you|reminder"
    r"|apology|introduction|introductory|confirmation)\b)*"
    r"(?: (?:e-?mail|mail|message|reply|response|letter|follow-?up|note|draft)\b)?\s*",
    re.IGNORECASE,
)


def read_text_request(verb: Verb, clause: str, reader: Reader, briefing: Briefing) -> Request:
    match verb:
        case Verb.TASK:
            return _read_task(clause, briefing)
        case Verb.CALL:
            return _read_call(clause, briefing)
        case Verb.COMMENT:
            return _read_comment(clause)
        case Verb.DRAFT:
            return _read_draft(clause)
        case _:
            return _read_create(clause, reader, briefing)


def _sentence(text: str) -> str:
    text = text.strip(" ,;:.!-")
    return text[:1].upper() + text[1:]


# Tasks and calls


def _read_task(clause: str, briefing: Briefing) -> Request:
    lead = _TASK_LEAD.match(clause)
    payload = clause[lead.end() :] if lead else clause
    said_priority = _PRIORITY.search(clause[: lead.end()] if lead else "") or re.search(
        r"\b(low|high|urgent)[- ]priority\b|\bpriority (low|normal|high|urgent)\b", payload, re.IGNORECASE
    )
    if said_priority and said_priority.string is payload:
        payload = payload.replace(said_priority.group(), "")
    reader = Reader.of(payload)
    span, unknown = _take_date(reader, briefing)
    subject = _without_span(payload, reader, span)
    for lead_word in ("to ", "with "):
        subject = subject.removeprefix(lead_word)
    request = Request(
        Verb.TASK,
        clause,
        object="Task",
        text=_sentence(subject),
        day=span.first.isoformat() if span else None,
        needs_today=unknown,
        priority=next((g for g in said_priority.groups() if g), "").capitalize() or None if said_priority else None,
    )
    return _with_links(request, reader)


def _read_call(clause: str, briefing: Briefing) -> Request:
    found = [place for place in (_BODY.search(clause, 8), _NEXT_SENTENCE.search(clause, 8)) if place]
    body = min(found, key=lambda place: place.start(), default=None)
    head, notes = (clause[: body.start()], clause[body.end() :]) if body else (clause, "")
    if told := _TALKED.match(notes):
        whom, _, notes = notes[told.end() :].partition(",")
        head = f"call with {whom}"
    lead = _CALL_LEAD.match(head)
    payload = head[lead.end() :] if lead else head
    payload = f"with {payload}" if is_written_as_name(payload) else payload
    reader = Reader.of(payload)
    span, unknown = _take_date(reader, briefing)
    rest = _without_span(payload, reader, span).strip(" ,.")
    if rest and not re.match(r"(?:with|to|about|regarding|on|for|from)\b", rest, re.IGNORECASE):
        rest = f"with {rest}"
    subject = re.sub(r"^to\b", "with", rest)
    request = Request(
        Verb.CALL,
        clause,
        object="Task",
        text=_sentence(f"Call {subject}"),
        note=_unquote(notes),
        needs_today=unknown,
        day=span.first.isoformat() if span else None,
    )
    return _with_links(request, reader)


def _unquote(text: str) -> str:
    return text.strip().strip('"').strip()


def _take_date(reader: Reader, briefing: Briefing) -> tuple[Span | None, bool]:
    """The first date of a text, taken with its preposition; True if a relative one could not be resolved."""
    for at in range(len(reader)):
        try:
            span = read_date(reader.tokens, at, briefing.today)
        except TodayUnknownError:
            return None, True
        if span:
            start = at - 1 if reader.word(at - 1) in ("on", "by", "due", "for", "until", "before", "this") else at
            start -= reader.word(start - 1) in ("due", "for") and start < at
            reader.take(start, span.end)
            return Span(span.first, span.last, start, span.end), False
    return None, False


def _without_span(text: str, reader: Reader, span: Span | None) -> str:
    if span is None:
        return text
    start, end = reader.tokens[span.start].start, reader.tokens[span.end - 1].end
    return " ".join((text[:start].rstrip(" ,") + text[end:]).split())


def _with_links(request: Request, reader: Reader) -> Request:
    exact = read_exact(reader)
    people: list[Reference] = []
    scope: Reference | None = None
    for start, end in _name_runs(reader):
        before = reader.word(start - 1) if reader.word(start - 1) not in ("the", "a", "our") else reader.word(start - 2)
        text = reader.rest(start, end)
        if before in _PERSON_LEADS and not people and not hinted(text) and not _record_noun(reader, end):
            people.append(Reference(text=text, objects=_PARTIES))
        elif before in (*_RECORD_LEADS, *_PERSON_LEADS) and scope is None:
            scope = Reference(
                text=text, objects=_record_noun(reader, end) or hinted(text) or ("Account", "Opportunity")
            )
        reader.take(start, end)
    pronoun = read_pronoun(reader)
    if people and scope and scope.objects[0] == "Account":
        people = [Reference(text=people[0].text, objects=people[0].objects, scope=scope.text)]
    if pronoun and pronoun.objects == PERSON_OBJECTS and not people:
        people, pronoun = [Reference(pronoun=pronoun.pronoun, objects=("Contact", "Lead"))], None
    return replace(request, people=tuple(people), scope=scope, target=exact or pronoun)


def _record_noun(reader: Reader, at: int) -> tuple[str, ...]:
    named = object_named([reader.word(at)], (), fuzzy=False) if reader.word(at).isalpha() else None
    return (named,) if named else ()


def _name_runs(reader: Reader) -> list[tuple[int, int]]:
    """Names inside a text: capitalised words after the first, or the one word after 'call', 'with', 'at'."""
    runs: list[tuple[int, int]] = []
    at = 0
    while at < len(reader):
        token = reader.tokens[at]
        if reader.is_free(at) and at and token.is_capital and token.low not in STOPWORDS:
            end = at + 1
            while (
                end < len(reader)
                and reader.is_free(end)
                and (
                    reader.tokens[end].is_capital
                    or reader.tokens[end].low in ("&",)
                    or (reader.word(end) in ("renewal", "upsell", "expansion"))
                )
            ):
                end += 1
            runs.append((at, end))
            at = end
        else:
            if _is_lower_name(reader, at):
                runs.append((at, at + 1))
            at += 1
    return runs


def _is_lower_name(reader: Reader, at: int) -> bool:
    token, following = reader.tokens[at], reader.word(at + 1)
    is_plain = token.kind is Kind.WORD and token.low not in STOPWORDS and singular(token.low) not in OBJECT_WORDS
    if not (reader.is_free(at) and at and is_plain):
        return False
    before = reader.word(at - 1)
    closes = following in ("", "at", "about", ",", ".", "from", "regarding", "on", "and") or not reader.is_free(at + 1)
    return closes and before in ("call", "email", "phone", "meet", "ring", "with", "called", "at")


# Comments


def _read_comment(clause: str) -> Request:
    tokens = Reader.of(clause)
    quoted = next((at for at, token in enumerate(tokens.tokens) if token.kind is Kind.QUOTE), None)
    if quoted is not None:
        token = tokens.tokens[quoted]
        head, body = clause[: token.start] + clause[token.end :], token.text
    elif found := re.match(
        r"^(?:add|post|leave)\s+(.{2,2000}?)\s+as an?\s+((?:\w+ )?(?:comment|note)\b.*)$", clause, re.IGNORECASE
    ):
        head, body = f"add {found.group(2)}", found.group(1)
    else:
        split = _BODY.search(clause, 4)
        head, body = (clause[: split.start()], clause[split.end() :]) if split else (clause, "")
    if quoted is None and (trailing := _TRAILING_AUDIENCE.search(body)):
        head, body = f"{head} {trailing.group()}", body[: trailing.start()]
    published = bool(_PUBLIC.search(head) or _TO_CUSTOMER.match(head)) and not _PRIVATE.search(head)
    reader = Reader.of(head)
    target = read_exact(reader) or read_number(reader, "Case") or read_ordinal(reader) or read_pronoun(reader)
    for word in _COMMENT_WORDS:
        reader.take_phrase(word)
    names = read_names(reader)
    if target is None and names:
        target = Reference(text=names[-1][1].text if len(names) == 1 else names[0][1].text, objects=("Case",))
    if target is None:
        target = Reference(pronoun="the", objects=("Case",))
    return Request(Verb.COMMENT, clause, object="Case", target=target, note=_unquote(body), published=published)


# Messages


def _read_draft(clause: str) -> Request:
    manner = _MANNER.search(clause[:60])
    head = re.sub(r"^(?:for|to) (?=[A-Z<])", "", _DRAFT_LEAD.sub("", clause))
    topic, before, record_part = "", head, ""
    topic_place = _TOPIC.search(head)
    if topic_place:
        before = head[: topic_place.start()]
        lead = topic_place.group().strip().lower()
        keeps_lead = lead.split()[0] in ("saying", "that", "asking", "telling", "explaining", "confirming", "thanking")
        topic = head[topic_place.start() if keeps_lead else topic_place.end() :].strip(" .!?")
        content = None if keeps_lead else _CONTENT.search(topic)
        if content:  # 'on case 1234 telling her that ...': what it is about, and what it is to say
            record_part, topic = topic[: content.start()], topic[content.start() :].strip()
    reader = Reader.of(before)
    tail = Reader.of(record_part or topic)
    exact = read_exact(reader) or read_exact(tail)
    pronoun = read_pronoun(reader)
    people = _recipients(reader, pronoun)
    trailing = re.search(r"\s+to\s+(.{2,80})$", topic) if not people else None
    if trailing and not people and is_written_as_name(trailing.group(1)):
        topic = topic[: trailing.start()]
        people = _recipients(Reader.of(trailing.group(1)), None)
    about = read_pronoun(tail) if not exact else None
    if about and about.objects == PERSON_OBJECTS:
        about = None
    if about and len(tail) <= 2 and not record_part:
        topic = ""
    record = _record_said(tail) if not exact and not about else None
    return Request(
        Verb.DRAFT,
        clause,
        text=_unquote(topic),
        people=people,
        target=exact or about,
        scope=record,
        note=manner.group(1).lower() if manner else "",
    )


def _recipients(reader: Reader, pronoun: Reference | None) -> tuple[Reference, ...]:
    for word in _RECIPIENT_NOUNS:
        reader.take_phrase(word)
    names = [reference for _, reference in read_names(reader)]
    if names:
        return (
            Reference(text=names[0].text, objects=("Contact", "Lead"), scope=names[1].text if len(names) > 1 else ""),
        )
    if pronoun:
        return (Reference(pronoun=pronoun.pronoun, objects=("Contact", "Lead")),)
    return ()


def _record_said(reader: Reader) -> Reference | None:
    """A record in the topic of a message: 'the Acme renewal', 'the Fabrikam deal'."""
    for start, end in _name_runs(reader):
        noun = _record_noun(reader, end) or hinted(reader.rest(start, end))
        if noun:
            return Reference(text=reader.rest(start, end), objects=noun)
    return None


# New records


def _read_create(clause: str, reader: Reader, briefing: Briefing) -> Request:
    mention = next((at for at in range(1, len(reader)) if _new_object(reader, at, briefing)), None)
    if mention is None:
        return Request(Verb.UNKNOWN, clause, text=clause)
    name = _new_object(reader, mention, briefing) or ""
    info = briefing.object(name)
    reader.take(0, mention + 1)
    reader.used[1:mention] = [
        reader.tokens[at].low in STOPWORDS or reader.word(at) in ("new",) for at in range(1, mention)
    ]
    changes = list(_read_details(reader, info, briefing))
    changes += _read_values(reader, info)
    changes += [change for change in read_field_values(reader, info, mention + 1, briefing) if change.value]
    topic = _take_topic(reader, mention) if name in ("Case", "Task", "Event") else ""
    title, scope, pronoun = _title_and_scope(reader, mention, info)
    if topic or title:
        changes.insert(0, Change(topic or title, "name"))
    if topic and title and scope is None:
        scope = Reference(text=title)
    return Request(Verb.CREATE, clause, object=name, scope=scope or pronoun, changes=tuple(changes))


def _new_object(reader: Reader, at: int, briefing: Briefing) -> str | None:
    token = reader.tokens[at]
    if token.kind is not Kind.WORD or reader.word(at + 1) in ("'s",):
        return None
    return object_named([token.low], briefing.objects, fuzzy=token.text.islower())


def _read_details(reader: Reader, info: ObjectInfo, briefing: Briefing) -> list[Change]:
    """What stands without a field's name: addresses, 'worth 50k', 'closing 30 June'."""
    changes = []
    for at, token in enumerate(reader.tokens):
        if not reader.is_free(at):
            continue
        if token.kind is Kind.EMAIL and info.first("Email"):
            _take_with_label(reader, at, at + 1, ("email", "e-mail", "mail", "address"))
            changes.append(Change(token.text, "email"))
        elif token.kind is Kind.URL and info.first("Website"):
            _take_with_label(reader, at, at + 1, ("website", "url", "site"))
            changes.append(Change(token.text, "website"))
        elif token.low in ("worth", "over", "value", "amount") and (
            amount := read_amount(reader.tokens, at + 1 + (reader.word(at + 1) in ("of", ":", "=")))
        ):
            reader.take(at, amount.end)
            changes.append(Change(str(amount.value), "amount"))
        elif token.low in ("closing", "closes", "due", "expiring", "ending", "starting", "by"):
            changes += _dated(reader, at, info, briefing)
    return changes


def _dated(reader: Reader, at: int, info: ObjectInfo, briefing: Briefing) -> list[Change]:
    start = at + 1 + (reader.word(at + 1) in ("on", "by", "in", "at"))
    field = {"starting": "start date", "due": "due date", "ending": "end date", "expiring": "expiry"}.get(
        reader.word(at), "close date"
    )
    try:
        span = read_date(reader.tokens, start, briefing.today) if start < len(reader) else None
    except TodayUnknownError:
        return [Change(reader.rest(start), field)]
    if span is None or not info.first("CloseDate", "ActivityDate", "EndDate", "ExpirationDate", "StartDate"):
        return []
    reader.take(at, span.end)
    return [Change(span.last.isoformat(), field)]


def _take_with_label(reader: Reader, start: int, end: int, labels: tuple[str, ...]) -> None:
    while reader.word(start - 1) in (*labels, "is", ":", "=", "with"):
        start -= 1
    reader.take(start, end)


def _read_values(reader: Reader, info: ObjectInfo) -> list[Change]:
    """Allowed values said on their own: 'with high priority', 'in Discovery'."""
    changes = []
    for field in info.fields.values():
        for value in field.values:
            words = value.lower()
            labels = (field.name.lower(), field.name.removesuffix("Name").lower())
            phrases = (
                [f"{label} {words}" for label in labels]
                + [f"{words} {label}" for label in labels]
                + [f"in {words}", words]
            )
            place = reader.find_phrase(*phrases)
            if place and value not in ("New", "Open"):
                reader.take(*place)
                changes.append(Change(value, field.name.lower()))
                break
    return changes


def _take_topic(reader: Reader, mention: int) -> str:
    for phrase in (
        "about",
        "regarding",
        "because of",
        "because",
        "concerning",
        "saying",
        "titled",
        "with subject",
        "subject",
        ":",
    ):
        place = reader.find_phrase(phrase)
        if place and place[0] > mention:
            end = next(
                (at for at in range(place[1], len(reader)) if reader.used[at] or reader.word(at) in (",", ";")),
                len(reader),
            )
            start = place[1] + (reader.word(place[1]) == ":")
            text = _DANGLING.sub("", reader.rest(start, end).strip(" .!"))
            reader.take(place[0], end)
            return _sentence(text)
    quoted = next((at for at in reader.free() if reader.tokens[at].kind is Kind.QUOTE), None)
    if quoted is None:
        return ""
    reader.take(quoted, quoted + 1)
    return reader.tokens[quoted].text


def _title_and_scope(reader: Reader, mention: int, info: ObjectInfo) -> tuple[str, Reference | None, Reference | None]:
    pronoun = read_pronoun(reader)
    title, scope = "", None
    for before, reference in read_names(reader):
        if (
            before in ("at", "for", "from", "with", "of", "to", "under", "on", "in")
            and scope is None
            and (title or before != "in")
        ):
            scope = reference
        elif not title:
            title = reference.text
        elif scope is None:
            scope = reference
    if title and scope is None and not info.first(*NAME_FIELDS) and info.name == "Case":
        title, scope = "", Reference(text=title)
    return title, scope, pronoun
