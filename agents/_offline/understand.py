"""Reads an utterance into requests."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Generic, TypeVar

from agents._offline.changes import read_changes
from agents._offline.clauses import split_clauses, strip_polite
from agents._offline.conditions import ConditionReader
from agents._offline.deciding import read_figure_request, read_tool_request
from agents._offline.intents import asks_for_rules, recognise_verb, repair_head
from agents._offline.lexicon import OBJECT_WORDS, SHOWN_FIELDS, STOPWORDS, field_named
from agents._offline.mentions import Mention, find_changed, find_object
from agents._offline.prompt import Briefing, FieldInfo, ObjectInfo
from agents._offline.reader import Reader
from agents._offline.records import Clause, read_records
from agents._offline.references import read_exact, read_names, read_number, read_ordinal, read_pronoun
from agents._offline.request import Condition, Reference, Request, Verb
from agents._offline.selves import read_self
from agents._offline.sends import read_send
from agents._offline.texts import read_text_request
from agents._offline.told import join_told, put_in
from agents._offline.toolbox import Toolbox
from agents._offline.words import MAX_UTTERANCE, Kind, clean, is_written_as_name, singular, tokenize

T = TypeVar("T")
_CONTENT_VERBS = frozenset((Verb.TASK, Verb.CALL, Verb.COMMENT, Verb.DRAFT, Verb.CREATE))
_WITHOUT_RECORDS = frozenset((Verb.MORE, Verb.HELP, Verb.THANKS, Verb.GREET, Verb.DELETE))
_FOLLOW_UP = re.compile(
    r"^(?:(?:and|what about|how about|same for|the same for|or|but|only|just|now|also)\b[\s,]*)+", re.IGNORECASE
)
_STATEMENT = re.compile(
    r"^(?P<record>.{2,160}?) (?:is now|has (?:now )?moved|moved|has gone|went|should be|needs to be|must be|has been"
    r"|can be|has to be|goes)(?: (?:in|into|to|at|set to|moved to|marked|marked as|now))? (?P<state>[\w ]{3,30})[.!]?$",
    re.IGNORECASE,
)
_TOLD_FIELD = re.compile(
    r"^(?:the )?(?P<field>[\w ]{3,24}?) (?:for|of|on) (?P<record>(?:[^:?]|:(?=[A-Z2-7]{4,20}>>)){3,160}?)"
    r" (?:is|is now|should be|will be): "
    r"(?P<value>.+)$",
    re.IGNORECASE,
)
_LISTING = re.compile(r"^(?P<record>(?:[^:?]|:(?=[A-Z2-7]{4,20}>>)){3,160}?): (?P<changes>.+)$")
_SEARCHES = re.compile(r"^search (?:the |our )?knowledge(?: base)?(?: for| about| on)?:? ?", re.IGNORECASE)
_DESCRIBED = re.compile(r":(?![A-Z2-7]{4,20}>>)")
"""A colon that is no part of a mask."""
_STATE_ONLY = re.compile(r"^open(?: ones?| only)*\W*$", re.IGNORECASE)
_SEARCH_WORDS = frozenset(
    """similar cases case tickets ticket issues issue problem problems comparable seen before past previous closed
    resolved open related were anything something like alike already ever see had met find
    solved solve fixed fix resolve handled handle dealt deal with come across encountered
    look looks sounds show me anyone anybody did""".split()
)
_ABOUT_WORDS = frozenset(
    """summarise summarize summary overview recap brief briefing catch sum up activity activities timeline history
    happened happening happen going latest news interactions recent recently lately everything account's background
    stand rundown doing speed fill walk through prepare ready meeting touchpoints touch points contact contacted
    conversation last events between since then more quick short status know past new we said looking progressing stand
    did speak talk spoke spoken talked call meet touch tell together report run-down tldr 360 story situation
    everything something far along word news update updates movement""".split()
)
_RECENTLY = frozenset(("recent", "recently", "lately", "latest"))


@dataclass(frozen=True)
class _Kept(Generic[T]):
    """Something that a reading depends on, told apart by what it says and not by which object it is."""

    key: object
    value: T = field(compare=False)


def understand(
    utterance: str, briefing: Briefing, last: Request | None = None, toolbox: Toolbox | None = None
) -> list[Request]:
    """The requests in order; a follow-up takes what it leaves out from `last`. Empty if nothing was said.

    A conversation comes back whole with every turn, so what was read of its earlier turns is kept.
    """
    if len(utterance) > MAX_UTTERANCE:
        return list(_read(utterance, briefing, last, toolbox))
    specs = toolbox.specs if toolbox else None
    return list(_read_once(utterance, briefing, _Kept(repr(last), last), _Kept(specs, toolbox)))


@lru_cache(maxsize=2_000)
def _read_once(
    utterance: str, briefing: Briefing, last: _Kept[Request | None], toolbox: _Kept[Toolbox | None]
) -> tuple[Request, ...]:
    return tuple(_read(utterance, briefing, last.value, toolbox.value))


def _read(utterance: str, briefing: Briefing, last: Request | None, toolbox: Toolbox | None) -> list[Request]:
    if toolbox and (figures := read_figure_request(utterance, briefing, toolbox)):
        return [figures]
    if toolbox and "search_knowledge" in toolbox and asks_for_rules(clean(utterance)):
        whole = clean(utterance)
        plain = Request(Verb.KNOWLEDGE, whole, text=whole.rstrip(" ?!."))
        bare = strip_polite(whole).rstrip(" ?!.")
        asked = read_tool_request(bare, bare, Verb.KNOWLEDGE, briefing, None, toolbox, lambda: plain, asks=True)
        return [asked or plain]
    requests: list[Request] = []
    utterance = put_in(utterance)
    clauses = join_told(split_clauses(utterance, toolbox.starters if toolbox else frozenset()), briefing)
    for at, clause in enumerate(clauses, 1):
        previous = requests[-1] if requests else last
        asks = at == len(clauses) and utterance.rstrip().endswith("?")
        if requests and requests[-1].tool and _is_elaboration(clause):
            continue
        request = read_clause(clause, briefing, previous, toolbox, asks=asks)
        if requests and request.tool and request.tool == requests[-1].tool and not request.says_more:
            continue  # 'it is urgent, get a manager involved': both ask for the same
        if asks and request.verb is Verb.UNKNOWN and toolbox and "search_knowledge" in toolbox:
            request = _named_in(clause) or replace(request, verb=Verb.KNOWLEDGE, text=clause)
        requests.append(replace(request, asks=asks))
    return requests


def _is_elaboration(clause: str) -> bool:
    """'deals, cases, people, all of it' behind a request for a brief: kinds of record and nothing else."""
    words = [token.low for token in tokenize(clause) if token.kind is not Kind.MARK]
    kinds = [word for word in words if singular(word) in OBJECT_WORDS]
    return len(kinds) > 1 and all(word in kinds or word in STOPWORDS for word in words)


def _named_in(clause: str) -> Request | None:
    """A question of a kind unknown about what it names: the record is shown, which holds the answer if any does."""
    names = [reference for _, reference in read_names(Reader.of(clause)) if any(map(str.isupper, reference.text))]
    named = [one for one in names if is_written_as_name(one.text) and " " in one.text]
    if not named:
        return None
    scope = named[1].text if len(named) > 1 else ""
    return Request(Verb.SHOW, clause, target=replace(named[0], scope=scope))


def with_usual_objects(briefing: Briefing) -> Briefing:
    """The briefing itself, or one with the fields every CRM has if the prompt lists no objects."""
    if briefing.objects:
        return briefing
    usual = {name: ObjectInfo(name, {f: FieldInfo(f) for f in (*SHOWN_FIELDS[name], "Name")}) for name in SHOWN_FIELDS}
    return replace(briefing, objects=usual)


def read_clause(
    clause: str, briefing: Briefing, last: Request | None, toolbox: Toolbox | None = None, *, asks: bool = False
) -> Request:
    bare = _FOLLOW_UP.sub("", clause) or clause
    is_follow_up = bare != clause
    bare = repair_head(bare)
    verb = recognise_verb(bare)
    asked = read_tool_request(
        clause,
        bare,
        verb,
        briefing,
        last,
        toolbox,
        lambda: _read_plain(clause, bare, verb, briefing, last, is_follow_up),
        asks=asks,
    )
    return asked or _read_plain(clause, bare, verb, briefing, last, is_follow_up)


def _read_plain(
    clause: str, bare: str, verb: Verb | None, briefing: Briefing, last: Request | None, is_follow_up: bool
) -> Request:
    """The clause as the grammar of records, fields and values reads it."""
    if verb is None and _assigns(bare, briefing):
        bare, verb = f"set {bare}", Verb.UPDATE
    if verb in _WITHOUT_RECORDS:
        return Request(verb, clause)
    if own := read_self(bare, verb, briefing):
        return own
    if verb is Verb.SHOW and _STATE_ONLY.match(bare):
        verb = None
    if verb is None and (stated := _read_statement(bare, briefing)):
        return stated
    if verb is Verb.SEND:
        return read_send(bare)
    reader = Reader.of(bare)
    if verb in _CONTENT_VERBS:
        return read_text_request(verb or Verb.TASK, bare, reader, briefing)
    if verb is Verb.UPDATE:
        return _read_update(clause, reader, briefing)
    if verb in (Verb.KNOWLEDGE, Verb.SIMILAR):
        return _read_search(verb, clause, bare, reader)
    if verb in (Verb.SUMMARISE, Verb.TIMELINE):
        return _read_about(verb, clause, reader, briefing)
    return read_records(Clause(clause, reader, briefing, verb, last, is_follow_up))


def _read_statement(clause: str, briefing: Briefing) -> Request | None:
    """'the renewal has moved to Negotiation': a new state told as a fact asks for the change."""
    if (listed := _LISTING.match(clause)) and _starts_with_field(listed["changes"], briefing):
        return _read_listing(clause, listed["record"], listed["changes"], briefing)
    if told := _TOLD_FIELD.match(clause):
        return _read_update(
            clause, Reader.of("set the {field} of {record} to {value}".format_map(told.groupdict())), briefing
        )
    found = _STATEMENT.match(clause)
    values = {value.lower() for info in briefing.objects.values() for f in info.fields.values() for value in f.values}
    if found is None or found["state"].lower() not in values:
        return None
    return _read_update(clause, Reader.of(f"set {found['record']} to {found['state']}"), briefing)


def _assigns(bare: str, briefing: Briefing) -> bool:
    """'the amount to 70k', after an update: an assignment without its verb."""
    words = [token.low for token in tokenize(bare)[:6]]
    words = words[1:] if words[:1] in (["the"], ["its"]) else words
    if "to" not in words[1:4]:
        return False
    said = words[: words.index("to")]
    return bool(said) and any(field_named(said, info) for info in briefing.objects.values())


def _starts_with_field(text: str, briefing: Briefing) -> bool:
    words = [token.low for token in Reader.of(text[:80]).tokens[:2]]
    infos = briefing.objects.values()
    return len(words) > 1 and any(field_named(words[:size], info) for size in (1, 2) for info in infos)


def _read_listing(clause: str, record: str, changes: str, briefing: Briefing) -> Request:
    """'Acme renewal: stage Negotiation, amount 18k': a record and what to set on it."""
    named = Reader.of(record)
    target = read_exact(named) or Reference(text=record.strip())
    request = _read_update(clause, Reader.of(f"set {changes}"), briefing)
    return replace(request, target=target)


# Searches in knowledge and earlier cases


def _read_search(verb: Verb, clause: str, bare: str, reader: Reader) -> Request:
    if verb is Verb.KNOWLEDGE:
        return Request(verb, clause, text=_SEARCHES.sub("", bare).rstrip(" ?!.") or bare)
    described = _DESCRIBED.split(bare, maxsplit=1)[1] if _DESCRIBED.search(bare) else ""
    if described.strip():
        return Request(verb, clause, object="Case", text=described.strip(" ?!."))
    target = read_exact(reader) or read_number(reader, "Case") or read_pronoun(reader)
    for at, token in enumerate(reader.tokens):
        if token.low in _SEARCH_WORDS:
            reader.take(at, at + 1)
    text = " ".join(reference.text for _, reference in read_names(reader))
    if target is None and not text:
        target = Reference(pronoun="this", objects=("Case",))
    return Request(verb, clause, object="Case", target=target, text=text)


# Summaries and timelines


def _read_about(verb: Verb, clause: str, reader: Reader, briefing: Briefing) -> Request:
    target = read_exact(reader) or read_ordinal(reader)
    conditions = ConditionReader(reader, ObjectInfo("Activity"), briefing)
    since, until = _window(conditions.read_span())
    recent = any(token.low in _RECENTLY for token in reader.tokens)
    for at, token in enumerate(reader.tokens):
        if token.low in _ABOUT_WORDS and not (token.is_capital and at and token.low not in ("Meeting",)):
            reader.take(at, at + 1)
    mention = find_object(reader, briefing)
    if mention and mention.is_plural and not target and not any(t.is_capital for t in reader.tokens[1:]):
        return read_records(Clause(clause, Reader.of(clause), briefing, Verb.LIST, None, is_follow_up=False))
    if mention and not target:
        reader.take(mention.start, mention.end)
    pronoun = None if target else read_pronoun(reader)
    names = [reference for before, reference in read_names(reader)]
    if target is None and names:
        target = names[0]
        if mention:
            target = Reference(text=target.text, objects=(mention.name,), scope=target.scope)
        if len(names) > 1:
            target = Reference(text=target.text, objects=target.objects, scope=names[1].text)
    target = (
        target or pronoun or (Reference(pronoun="the", objects=(mention.name,)) if mention else Reference(pronoun="it"))
    )
    return Request(
        verb,
        clause,
        object=mention.name if mention else None,
        target=target,
        day=since,
        until=until,
        needs_today=conditions.needs_today,
        text="recent" if recent and not since else "",
    )


def _window(conditions: Sequence[Condition]) -> tuple[str | None, str | None]:
    since = next((str(c.value) for c in conditions if c.op in ("ge", "gt")), None)
    until = next((str(c.value) for c in conditions if c.op in ("lt", "le")), None)
    return since, until


# Updates


def _read_title(reader: Reader, mention: Mention) -> Reference | None:
    """The whole title after the kind of record: 'the task Check credit limit of Acme'."""
    end = mention.end
    while reader.is_free(end) and reader.word(end) not in ("'s", "to", "as", ","):
        end += 1
    if end - mention.end < 2 or not reader.tokens[mention.end].is_capital:
        return None
    reader.take(mention.end, end)
    return Reference(text=reader.rest(mention.end, end))


def _read_update(clause: str, reader: Reader, briefing: Briefing) -> Request:
    target = read_exact(reader)
    mention = find_changed(reader, briefing)
    objects = (target.objects if target else ()) or ((mention.name,) if mention else ())
    infos = [briefing.object(name) for name in objects] or list(briefing.objects.values())
    changes = read_changes(reader, infos, briefing)
    if target is None:
        target = read_ordinal(reader) or read_pronoun(reader)
    if mention and target is None and (titled := _read_title(reader, mention)):
        target = replace(titled, objects=objects)
    if mention and reader.is_free(mention.start):
        reader.take(mention.start, mention.end)
    if target is None or (target.pronoun and not target.objects):
        names = [
            r for before, r in read_names(reader) if r.text.lower() not in ("make", "put", "back", "high", "higher")
        ]
        if names and target is None:
            target = Reference(
                text=names[0].text, objects=objects or names[0].objects, scope=names[1].text if len(names) > 1 else ""
            )
    if target is None:
        target = Reference(pronoun="the" if mention else "it", objects=objects)
    return Request(Verb.UPDATE, clause, object=objects[0] if objects else None, target=target, changes=changes)
