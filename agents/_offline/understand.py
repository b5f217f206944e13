"""Reads an utterance into requests."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agents._offline.changes import read_changes
from agents._offline.clauses import split_clauses
from agents._offline.conditions import ConditionReader, default_measure, read_grouping, read_sort
from agents._offline.intents import recognise_verb, repair_head
from agents._offline.lexicon import PERSON_OBJECTS, SHOWN_FIELDS, field_named, object_named
from agents._offline.prompt import Briefing, FieldInfo, ObjectInfo
from agents._offline.reader import Reader
from agents._offline.references import read_exact, read_names, read_ordinal, read_pronoun
from agents._offline.request import Condition, Reference, Request, Verb
from agents._offline.texts import read_text_request
from agents._offline.words import Kind, singular

_QUESTION = frozenset("what who when where which how whose is does do are did".split())
_BELONGS = frozenset("for of at with from by on to in".split())
_CONTENT_VERBS = frozenset((Verb.TASK, Verb.CALL, Verb.COMMENT, Verb.DRAFT, Verb.CREATE))
_ABOUT_RECORDS = frozenset((Verb.SHOW, Verb.LIST, Verb.MEASURE))
_FOLLOW_UP = re.compile(r"^(?:(?:and|what about|how about|same for|or|but|only|just|now)\b[\s,]*)+", re.IGNORECASE)
_TIME_UNITS = frozenset("day week month quarter year".split())


@dataclass(frozen=True)
class Mention:
    """An object named in a clause, and how."""

    name: str
    start: int
    end: int
    is_plural: bool
    is_possessive: bool


def understand(utterance: str, briefing: Briefing, last: Request | None = None) -> list[Request]:
    """The requests in order; a follow-up takes what it leaves out from `last`. Empty if nothing was said."""
    requests: list[Request] = []
    for clause in split_clauses(utterance):
        previous = requests[-1] if requests else last
        requests.append(read_clause(clause, briefing, previous))
    return requests


def with_usual_objects(briefing: Briefing) -> Briefing:
    """The briefing itself, or one with the fields every CRM has if the prompt lists no objects."""
    if briefing.objects:
        return briefing
    usual = {name: ObjectInfo(name, {f: FieldInfo(f) for f in (*SHOWN_FIELDS[name], "Name")}) for name in SHOWN_FIELDS}
    return Briefing(briefing.today, briefing.caller, usual)


def read_clause(clause: str, briefing: Briefing, last: Request | None) -> Request:
    bare = _FOLLOW_UP.sub("", clause) or clause
    is_follow_up = bare != clause
    bare = repair_head(bare)
    verb = recognise_verb(bare)
    if verb in (Verb.MORE, Verb.HELP, Verb.THANKS, Verb.GREET):
        return Request(verb, clause)
    reader = Reader.of(bare)
    if verb in _CONTENT_VERBS:
        return read_text_request(verb or Verb.TASK, bare, reader, briefing)
    if verb is Verb.UPDATE:
        return _read_update(clause, reader, briefing)
    if verb in (Verb.KNOWLEDGE, Verb.SIMILAR):
        return _read_search(verb, clause, bare, reader)
    if verb in (Verb.SUMMARISE, Verb.TIMELINE):
        return _read_about(verb, clause, reader, briefing)
    return _read_records(verb, clause, reader, briefing, last, is_follow_up=is_follow_up)


# Searches in knowledge and earlier cases


def _read_search(verb: Verb, clause: str, bare: str, reader: Reader) -> Request:
    target = read_exact(reader) or (read_pronoun(reader) if verb is Verb.SIMILAR else None)
    if verb is Verb.SIMILAR:
        reader.take_phrase("similar")
        for word in (
            "cases",
            "case",
            "tickets",
            "ticket",
            "issues",
            "issue",
            "problem",
            "problems",
            "comparable",
            "seen",
            "before",
            "past",
            "previous",
            "closed",
            "resolved",
            "open",
            "related",
            "were",
            "anything",
            "something",
        ):
            reader.take_phrase(word)
        names = " ".join(reference.text for _, reference in read_names(reader))
        return Request(
            verb,
            clause,
            object="Case",
            target=target or (None if names else Reference(pronoun="this", objects=("Case",))),
            text=names,
        )
    return Request(verb, clause, text=bare.rstrip(" ?!."))


# Summaries and timelines


_ABOUT_WORDS = """summarise summarize summary overview recap brief briefing catch sum up activity activities timeline history
happened happening happen going latest news interactions recent recently lately everything account's background stand
rundown doing speed fill walk through prepare ready meeting touchpoints touch points contact contacted conversation last
events between since then more quick short status know past new we said looking progressing stand did speak talk spoke
call meet touch tell together report run-down tldr 360""".split()


def _read_about(verb: Verb, clause: str, reader: Reader, briefing: Briefing) -> Request:
    target = read_exact(reader) or read_ordinal(reader)
    conditions = ConditionReader(reader, ObjectInfo("Activity"), briefing)
    conditions._read_dates()
    since, until = _window(conditions.found)
    recent = any(word in ("recent", "recently", "lately", "latest") for word in reader.low.split())
    for at, token in enumerate(reader.tokens):
        if token.low in _ABOUT_WORDS and not (token.is_capital and at and token.low not in ("Meeting",)):
            reader.take(at, at + 1)
    mention = _find_object(reader, briefing)
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


def _read_update(clause: str, reader: Reader, briefing: Briefing) -> Request:
    target = read_exact(reader)
    mention = _find_single(reader, briefing)
    objects = (target.objects if target else ()) or ((mention.name,) if mention else ())
    infos = [briefing.object(name) for name in objects] or list(briefing.objects.values())
    changes = read_changes(reader, infos, briefing)
    if target is None:
        target = read_ordinal(reader) or read_pronoun(reader)
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


def _find_single(reader: Reader, briefing: Briefing) -> Mention | None:
    """The object that an update is about: named in the singular, not as the value or the field."""
    for at in range(1, len(reader)):
        mention = _mention_at(reader, at, briefing)
        if not mention or mention.is_plural:
            continue
        if (reader.word(at - 1) in ("to", "into", "as") or reader.word(mention.end) in (
            "to",
            "owner",
            "priority",
            "status",
            "name",
            "number",
        )) and (reader.word(mention.end) != "to" or not _is_leading(reader, at)):
            if reader.word(mention.end) not in ("priority", "status"):
                continue
        return mention
    return None


def _is_leading(reader: Reader, at: int) -> bool:
    """'move the Acme deal to ...': the object closes the record's name, unless it is a field of its own ('the account to')."""
    return reader.word(at - 1) not in ("the", "its", "his", "her") or reader.word(0) in (
        "move",
        "push",
        "advance",
        "assign",
        "transfer",
        "reassign",
        "put",
        "take",
        "promote",
    )


# Lists, single records and numbers


def _read_records(
    verb: Verb | None, clause: str, reader: Reader, briefing: Briefing, last: Request | None, *, is_follow_up: bool
) -> Request:
    exact = read_exact(reader)
    mention = _find_object(reader, briefing)
    is_bare = verb is None and mention is None and exact is None
    inherits = mention is None and last is not None and last.verb in (Verb.LIST, Verb.MEASURE)
    object_name = mention.name if mention else (last.object if inherits and last else None)
    if verb is Verb.MEASURE and object_name is None:
        object_name = "Opportunity"
    if mention:
        reader.take(mention.start, mention.end)
    info = briefing.object(object_name) if object_name else ObjectInfo("")
    asked = _read_asked_fields(verb, reader, briefing, mention, info)
    if asked and (verb is Verb.SHOW or (verb is Verb.MEASURE and "NumberOfEmployees" in asked)):
        return _finish_show(clause, reader, briefing, exact, mention, asked)
    group_by = read_grouping(reader, info) if object_name else []
    problem = "" if group_by else _odd_grouping(reader)
    function, measure = _read_function(reader, info) if verb is Verb.MEASURE or group_by else ("count", None)
    sort, limit = read_sort(reader, info) if object_name else (None, None)
    ordinal = None if exact else read_ordinal(reader)
    conditions = ConditionReader(reader, info, briefing)
    narrowed = conditions.read() if object_name else []
    pronoun = None if exact or ordinal else read_pronoun(reader)
    if reader.word(0) == "pipeline" or "pipeline" in reader.low.split():
        reader.take_phrase("pipeline")
        if not any(c.topic == "open" for c in narrowed):
            narrowed = [*narrowed, Condition("IsClosed", "eq", False, "open")]
    adjacent = _names_adjoin(reader, mention)
    names = read_names(reader)
    owner, scope, names = _split_roles(reader, names)
    if scope is None and pronoun and (mention or verb is Verb.MEASURE):
        scope = pronoun
    request = Request(
        verb or Verb.SHOW,
        clause,
        object=object_name,
        target=exact or ordinal,
        scope=scope,
        owner=owner,
        conditions=tuple(narrowed),
        group_by=tuple(group_by),
        sort=sort,
        limit=limit,
        function=function,
        measure=measure,
        needs_today=conditions.needs_today,
        problem=problem,
    )
    if mention is None and exact is None and ordinal is None and last and (is_follow_up or is_bare or inherits):
        if followed := _continue(
            request, last, names, pronoun, is_follow_up=is_follow_up or is_bare or verb is Verb.MEASURE
        ):
            return followed
    if verb is Verb.MEASURE or group_by:
        return replace(request, verb=Verb.MEASURE, scope=scope or _first(names))
    return _list_or_show(request, reader, mention, names, pronoun, exact or ordinal, verb, adjacent=adjacent)


def _list_or_show(
    request: Request,
    reader: Reader,
    mention: Mention | None,
    names: list[tuple[str, Reference]],
    pronoun: Reference | None,
    exact: Reference | None,
    verb: Verb | None,
    *,
    adjacent: bool,
) -> Request:
    if exact and not (mention and mention.is_plural):
        return replace(request, verb=Verb.SHOW, target=exact, object=None)
    if exact:
        return replace(request, verb=Verb.LIST, target=None, scope=exact)
    if mention is None:
        if names:
            text, scope = names[0][1], names[1][1].text if len(names) > 1 else ""
            if (verb is None and len(reader) > 8) or (verb is Verb.SHOW and not _points_at_name(reader, names)):
                return replace(request, verb=Verb.UNKNOWN, text=request.said)
            objects = PERSON_OBJECTS if reader.word(0) == "who" else text.objects
            return replace(
                request, verb=Verb.SHOW, target=Reference(text=text.text, objects=objects, scope=scope), scope=None
            )
        if pronoun and verb is Verb.SHOW and len(reader) <= 6:
            return replace(request, verb=Verb.SHOW, target=pronoun, scope=None)
        return replace(request, verb=Verb.UNKNOWN, text=request.said)
    narrowed = bool(request.conditions or request.sort or request.limit or request.owner)
    scoped = request.scope if request.scope and not request.scope.pronoun else _first(names)
    if mention.is_plural or narrowed or (request.scope and request.scope.pronoun and not names):
        first_pronoun_target = (
            not mention.is_plural and not narrowed and request.scope and request.scope.pronoun in ("this", "that")
        )
        if first_pronoun_target:
            return replace(request, verb=Verb.SHOW, target=request.scope, scope=None)
        return replace(request, verb=Verb.LIST, scope=request.scope or scoped)
    if not names and not request.scope:
        return replace(request, verb=Verb.SHOW, target=Reference(pronoun="the", objects=(mention.name,)))
    if not adjacent and names and names[0][0] in ("at", "for", "of", "from") and mention.name in ("Contact", "Case"):
        return replace(request, verb=Verb.LIST, scope=scoped)
    if names:
        target = Reference(
            text=names[0][1].text, objects=(mention.name,), scope=names[1][1].text if len(names) > 1 else ""
        )
        return replace(request, verb=Verb.SHOW, target=target, scope=None)
    return replace(request, verb=Verb.LIST)


def _points_at_name(reader: Reader, names: list[tuple[str, Reference]]) -> bool:
    """Whether 'what is X' speaks of a record: the name is written as a name, or asked for with a verb of searching."""
    if reader.word(0) in (
        "what",
        "which",
        "where",
        "when",
        "is",
        "are",
        "do",
        "does",
        "has",
        "have",
        "any",
        "tell",
        "give",
    ):
        quoted = any(token.kind in (Kind.QUOTE, Kind.MASK) for token in reader.tokens)
        return quoted or (len(names) == 1 and names[0][1].text[:1].isupper() and reader.word(0) in ("which", "where"))
    return True


def _first(names: Sequence[tuple[str, Reference]]) -> Reference | None:
    if not names:
        return None
    first = names[0][1]
    return Reference(text=first.text, scope=names[1][1].text) if len(names) > 1 else Reference(text=first.text)


def _split_roles(
    reader: Reader, names: list[tuple[str, Reference]]
) -> tuple[Reference | None, Reference | None, list[tuple[str, Reference]]]:
    """Owners ('owned by Bob') apart from accounts and people ('for Acme', 'Acme's')."""
    owner = None
    rest = []
    words = reader.low.split()
    for before, reference in names:
        if reference.text.lower() in ("owned", "assigned", "belonging", "belong", "owner", "owns"):
            continue
        is_owner = before in ("by", "to") and any(word in words for word in ("owned", "assigned", "belonging"))
        if is_owner and owner is None:
            owner = Reference(text=_without(reference.text, ("owned", "assigned")), objects=("User",))
        else:
            rest.append((before, reference))
    scopes = [(b, r) for b, r in rest if b in _BELONGS]
    scope = scopes[0][1] if scopes and len(rest) == 1 and rest[0][0] in _BELONGS else None
    return owner, scope, rest


def _without(text: str, words: Sequence[str]) -> str:
    return " ".join(word for word in text.split() if word.lower() not in words)


def _names_adjoin(reader: Reader, mention: Mention | None) -> bool:
    """Whether a name stands right before the object: 'the Acme case'."""
    if mention is None:
        return False
    return any(end in (mention.start, mention.start - 1) and reader.word(end) != "'s" for _, end in reader.leftovers())


def _continue(
    request: Request,
    last: Request,
    names: list[tuple[str, Reference]],
    pronoun: Reference | None,
    *,
    is_follow_up: bool,
) -> Request | None:
    """A follow-up such as 'and the closed ones?': the last request with what was said put in."""
    if last.verb not in (Verb.LIST, Verb.MEASURE):
        return _same_for(last, names) if is_follow_up else None
    told = request.conditions or request.group_by or request.sort or request.owner or request.limit
    if not told and not (is_follow_up and (names or pronoun or request.verb is Verb.MEASURE)):
        return None
    if names and not is_follow_up:
        return None
    topics = {condition.topic for condition in request.conditions}
    kept = tuple(condition for condition in last.conditions if condition.topic not in topics)
    wants_number = request.verb is Verb.MEASURE or bool(request.group_by)
    return replace(
        last,
        said=request.said,
        verb=Verb.MEASURE if wants_number else last.verb,
        conditions=kept + request.conditions,
        function=request.function if wants_number else last.function,
        measure=request.measure or (last.measure if not wants_number else None),
        group_by=request.group_by
        or (() if wants_number and request.verb is Verb.MEASURE and not last.group_by else last.group_by),
        sort=request.sort or last.sort,
        limit=request.limit or last.limit,
        owner=request.owner or last.owner,
        scope=_first(names) or last.scope,
        needs_today=request.needs_today,
        problem=request.problem,
        is_elliptic=True,
    )


def _same_for(last: Request, names: list[tuple[str, Reference]]) -> Request | None:
    """'and Globex?' after a summary or a single record asks the same of another one."""
    if not names or last.verb not in (Verb.SHOW, Verb.SUMMARISE, Verb.TIMELINE) or last.target is None:
        return None
    return replace(last, target=Reference(text=names[0][1].text, objects=last.target.objects), is_elliptic=True)


def _read_function(reader: Reader, info: ObjectInfo) -> tuple[str, str | None]:
    words = reader.low.split()
    function = "count"
    for name, said in (
        ("avg", ("average", "avg", "mean")),
        ("max", ("maximum", "max")),
        ("min", ("minimum", "min")),
        ("sum", ("total", "sum", "summed", "pipeline", "how much", "value", "worth")),
    ):
        if any(word in words for word in said) or (name == "sum" and reader.low.startswith("how much")):
            function = name
            break
    if "number of" in reader.low or "how many" in reader.low or "count" in words:
        function = "count"
    for word in (
        "average",
        "avg",
        "mean",
        "maximum",
        "max",
        "minimum",
        "min",
        "total",
        "sum",
        "summed",
        "number of",
        "how many",
        "count",
        "how much",
        "breakdown",
        "broken down",
        "distribution",
        "split",
        "calculate",
        "compute",
        "worth",
        "combined",
    ):
        reader.take_phrase(word)
    if function == "count":
        return function, None
    measure = None
    for at in list(reader.free()):
        for size in (2, 1):
            words_ = [reader.word(at + i) for i in range(size)]
            named = field_named(words_, info) if all(words_) and reader.is_free(at) else None
            if named and (named.is_number or named.name.endswith("Amount")):
                reader.take(at, at + size)
                measure = measure or named.name
    if measure is None and function == "sum" and default_measure(info) is None:
        return "count", None
    return function, measure or default_measure(info)


def _odd_grouping(reader: Reader) -> str:
    for lead in ("by", "per", "each"):
        place = reader.find_phrase(lead)
        if place and singular(reader.word(place[1])) in _TIME_UNITS:
            reader.take(place[0], place[1] + 1)
            return f"I cannot group by {reader.word(place[1])} here, so this is the overall figure."
    return ""


def _read_asked_fields(
    verb: Verb | None, reader: Reader, briefing: Briefing, mention: Mention | None, info: ObjectInfo
) -> tuple[str, ...]:
    """The fields a question is after: 'what is the phone number of Acme', 'who owns it', 'when does it close'."""
    head = reader.word(0)
    if verb not in (Verb.SHOW, Verb.MEASURE) or (mention and mention.is_plural):
        return ()
    if head == "who" and (
        at := reader.find_phrase("owns", "is responsible for", "is in charge of", "handles", "manages")
    ):
        reader.take(0, at[1])
        return ("OwnerId",)
    if head == "when" and (
        at := reader.find_phrase("close", "closing", "closes", "due", "expire", "end", "start", "created", "opened")
    ):
        reader.take(*at)
        by_word = {
            "due": "ActivityDate CloseDate",
            "expire": "ExpirationDate EndDate",
            "end": "EndDate",
            "start": "StartDate",
            "created": "CreatedDate",
            "opened": "CreatedDate",
        }
        return tuple(by_word.get(reader.word(at[0]), "CloseDate ClosedDate").split())
    if head == "where" and len(reader) > 2:
        reader.take_phrase("located", "based", "headquartered")
        return ("BillingCity", "BillingState", "BillingCountry")
    if reader.low.startswith("how much is") and reader.take_phrase("worth"):
        return ("Amount", "GrandTotal", "TotalAmount")
    return _named_fields(reader, briefing, info, head, mention)


def _named_fields(
    reader: Reader, briefing: Briefing, info: ObjectInfo, head: str, mention: Mention | None
) -> tuple[str, ...]:
    infos = [info] if info.fields else list(briefing.objects.values())
    found: list[str] = []
    for at in range(len(reader)):
        for size in (3, 2, 1):
            words = [reader.word(at + i) for i in range(size)]
            if (
                not all(words)
                or not all(reader.is_free(at + i) for i in range(size))
                or reader.tokens[at].kind is not Kind.WORD
            ):
                continue
            named = {field.name for candidate in infos if (field := field_named(words, candidate))}
            if named and _asks_field(reader, at, at + size, head, "".join(words)):
                reader.take(at, at + size)
                found.extend(sorted(named))
                break
    if "how many employees" in reader.low or "number of employees" in reader.low:
        return ("NumberOfEmployees",)
    return tuple(dict.fromkeys(found))


def _asks_field(reader: Reader, start: int, end: int, head: str, said: str) -> bool:
    """Whether a word that could be a field is one here, and no part of a name or condition."""
    after, before = reader.word(end), reader.word(start - 1)
    if said in ("company", "customer", "client") and after not in ("of", "for"):
        return False
    if after in ("of", "for", "does", "is") and before in (
        "the",
        "what",
        "which",
        "and",
        ",",
        "show",
        "give",
        "me",
        "current",
        "our",
    ):
        return True
    if before in ("'s", "its", "his", "her", "their") or (before in ("and", ",") and start > 2):
        return after in ("", "?", ".", "!", "and", ",", "of", "for", "please")
    return head in ("what", "which") and (start <= 3) and after in ("is", "does", "of", "for", "did")


def _finish_show(
    clause: str,
    reader: Reader,
    briefing: Briefing,
    exact: Reference | None,
    mention: Mention | None,
    asked: tuple[str, ...],
) -> Request:
    reader.take_phrase("how many", "number of")
    target = exact or read_ordinal(reader) or read_pronoun(reader)
    if target is None:
        names = read_names(reader)
        if names:
            objects = (mention.name,) if mention else names[0][1].objects or _objects_with(briefing, asked)
            target = Reference(text=names[0][1].text, objects=objects, scope=names[1][1].text if len(names) > 1 else "")
    if target is None:
        target = Reference(pronoun="the" if mention else "it", objects=(mention.name,) if mention else ())
    return Request(Verb.SHOW, clause, target=target, fields=asked)


def _objects_with(briefing: Briefing, fields: Sequence[str]) -> tuple[str, ...]:
    named = (
        "Account",
        "Contact",
        "Lead",
        "Opportunity",
        "Case",
        "Quote",
        "Order",
        "Contract",
        "Campaign",
        "User",
        "Product2",
    )
    return tuple(
        name
        for name in named
        if set(fields)
        & {*briefing.object(name).fields, *({"OwnerId", "CreatedDate"} if name in briefing.objects else ())}
    )


# Objects in a clause


def _find_object(reader: Reader, briefing: Briefing) -> Mention | None:
    """The object a clause is about: the first one named, unless it only owns or describes the next."""
    mentions = []
    at = 0
    while at < len(reader):
        mention = _mention_at(reader, at, briefing)
        if mention:
            mentions.append(mention)
        at = mention.end if mention else at + 1
    for at, mention in enumerate(mentions):
        following = mentions[at + 1] if at + 1 < len(mentions) else None
        if mention.is_possessive and following:
            continue
        if following and following.start == mention.end:
            reader.take(mention.start, mention.end)
            continue
        return mention
    return None


def _mention_at(reader: Reader, at: int, briefing: Briefing) -> Mention | None:
    for size in (3, 2, 1):
        tokens = reader.tokens[at : at + size]
        if (
            len(tokens) < size
            or any(token.kind is not Kind.WORD for token in tokens)
            or not all(reader.is_free(at + i) for i in range(size))
        ):
            continue
        words = [token.low for token in tokens]
        if words in (["email"], ["issue"], ["person"], ["proposal"], ["business"], ["agreement"]) or _is_name_part(
            reader, at, size
        ):
            continue
        fuzzy = tokens[0].text.islower() or at == 0
        if name := object_named(words, briefing.objects, fuzzy=fuzzy):
            possessive = reader.word(at + size) in ("'s", "'")
            return Mention(name, at, at + size, singular(words[-1]) != words[-1] or words[-1] == "people", possessive)
    return None


def _is_name_part(reader: Reader, at: int, size: int) -> bool:
    """'Acme Business Account Services': a capitalised word between capitalised words is part of a name."""
    token = reader.tokens[at]
    if not token.is_capital or at == 0:
        return False
    following = reader.tokens[at + size] if at + size < len(reader) else None
    return bool(following and following.is_capital and following.low not in ("is",))
