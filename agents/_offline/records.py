"""Reads requests for lists of records, single records and numbers, and follow-ups to them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agents._offline.conditions import ConditionReader
from agents._offline.lexicon import EVERY_RECORD_HAS, PERSON_OBJECTS, SHOWN_FIELDS, field_named
from agents._offline.mentions import Mention, find_object
from agents._offline.order import default_measure, read_grouping, read_sort, take_splitter
from agents._offline.prompt import Briefing, ObjectInfo
from agents._offline.questions import read_asked_fields, read_champion, read_role
from agents._offline.reader import Reader
from agents._offline.references import read_exact, read_names, read_ordinal, read_pronoun
from agents._offline.request import Condition, Reference, Request, Verb
from agents._offline.selves import self_meant
from agents._offline.words import Kind, is_written_as_name, singular

Names = list[tuple[str, Reference]]
"""Names in a clause, each with the word before it."""

_BELONGS = frozenset("for of at with from by on to in".split())
_OWNING = frozenset("owned assigned belonging belong owner owns handled managed worked".split())
_OWNERS_DO = frozenset("owns own handles manages has".split())
_TIME_UNITS = frozenset("day week month quarter year hour".split())
_CHILDREN = frozenset(("Contact", "Case", "Quote", "Task", "Event", "CaseComment", "Contract", "Order"))
"""Kinds that are said to be of or for another record, more often than to bear its name."""
_HEADS = frozenset("open view locate identify lookup fetch pull bring display".split())
_ASKING = frozenset("what which where when is are do does has have any tell give whose".split())
_FUNCTIONS = (
    ("avg", ("average", "avg", "mean")),
    ("max", ("maximum", "max")),
    ("min", ("minimum", "min")),
    ("sum", ("total", "sum", "summed", "pipeline", "value", "worth", "combined", "add", "revenue")),
)
_THINGS = frozenset("what which anything something everything stuff things".split())
_OF_CASES = frozenset("unresolved unsolved unanswered unfixed resolved".split())
_OF_ANY = frozenset("open pending outstanding unfinished ongoing".split())
_HOME = {"service": "Case", "sales": "Opportunity"}
"""What somebody means who says 'anything open' and no more, by who is asked."""
_EXTREMES = {
    "largest": "max", "biggest": "max", "highest": "max", "smallest": "min", "lowest": "min", "least": "min",
    "cheapest": "min",
}  # fmt: skip
_FIGURE_WORDS = (
    "on average",
    "average", "avg", "mean", "maximum", "max", "minimum", "min", "total", "sum", "summed", "number of", "how many",
    "count", "how much", "how big", "how large", "how full", "breakdown", "broken down", "distribution", "split",
    "calculate", "compute", "worth", "combined", "add up", "work out",
)  # fmt: skip
_PARTS = {
    "mine": frozenset(("OwnerId", "CreatedById")),
    "open": frozenset(("IsClosed", "Status", "StageName", "IsConverted")),
}


@dataclass(frozen=True)
class Clause:
    """A clause with what goes before it."""

    said: str
    reader: Reader
    briefing: Briefing
    verb: Verb | None
    last: Request | None
    is_follow_up: bool

    @property
    def verb_or_show(self) -> Verb:
        return self.verb or Verb.SHOW


def read_records(clause: Clause) -> Request:
    reader, briefing = clause.reader, clause.briefing
    exact = read_exact(reader)
    _take_head(clause)
    if not exact and (role := read_role(reader, briefing)):
        return _list_holders(clause, role)
    champion = read_champion(reader, briefing) if clause.verb is Verb.MEASURE else None
    mention = champion[0] if champion else None if _asks_headcount(reader) else find_object(reader, briefing)
    object_name = _object_meant(clause, mention)
    if mention is None and reader.word(0) == "who" and reader.word(1) in ("works", "work"):
        mention = Mention("Contact", 0, 2, is_plural=True, is_possessive=False)
        object_name = "Contact"
    if mention is None and (implied := _implied_object(clause)) and implied == object_name:
        mention = Mention(implied, 0, 0, is_plural=True, is_possessive=False)
    if mention:
        reader.take(mention.start, mention.end)
    elif clause.verb is Verb.SHOW and reader.word(0) == "open":
        reader.take(0, 1)
    info = briefing.object(object_name) if object_name else ObjectInfo("")
    if not champion and (asked := _asked(clause, mention, info)):
        return _show_fields(clause, exact, mention, asked)
    has_pipeline = reader.take_phrase("sales pipeline", "pipeline")
    group_by = [champion[1]] if champion else read_grouping(reader, info) if object_name else []
    if group_by:
        take_splitter(reader)
    problem = "" if group_by else _odd_grouping(reader)
    is_number = clause.verb is Verb.MEASURE or bool(group_by)
    function, measure = _read_function(reader, info, has_pipeline) if is_number else ("count", None)
    sort, limit = read_sort(reader, info) if object_name else (None, None)
    ordinal = None if exact else read_ordinal(reader)
    conditions = ConditionReader(reader, info, briefing)
    narrowed = conditions.read() if object_name else []
    if has_pipeline and not any(c.topic == "open" for c in narrowed):
        narrowed = [*narrowed, Condition("IsClosed", "eq", False, "open")]
    pronoun = None if exact or ordinal else read_pronoun(reader)
    if pronoun and _means_last_list(clause, mention, pronoun):
        if clause.verb is Verb.SHOW and clause.last and not (narrowed or sort or group_by or reader.leftovers()):
            return replace(clause.last, verb=Verb.LIST, said=clause.said, group_by=(), is_elliptic=True)
        pronoun = None
    adjacent = _names_adjoin(reader, mention)
    names, ignored = _names_and_noise(reader, mention)
    owner, scope, names = _split_roles(reader, names)
    if scope is None and pronoun and (mention or is_number):
        scope = pronoun
    request = Request(
        clause.verb_or_show,
        clause.said,
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
        ignored=ignored,
    )
    if not (exact or ordinal) and (followed := _follow(clause, request, mention, names, pronoun)):
        return followed
    if is_number:
        return replace(request, verb=Verb.MEASURE, target=None, scope=scope or exact or _first(names))
    return _list_or_show(clause, request, mention, names, pronoun, exact or ordinal, adjacent=adjacent)


def _take_head(clause: Clause) -> None:
    """The verb in front; 'open' stays where it says which records: 'open cases'."""
    reader = clause.reader
    head, following = reader.word(0), reader.word(1)
    if clause.verb is not Verb.SHOW or head not in _HEADS:
        return
    if head != "open" or following in ("the", "up") or (reader.tokens[1:2] and reader.tokens[1].is_capital):
        reader.take(0, 1)


def _list_holders(clause: Clause, role: str) -> Request:
    pronoun = read_pronoun(clause.reader)
    scope = pronoun or _first(read_names(clause.reader))
    holds = Condition("Title", "contains", role, "text")
    return Request(Verb.LIST, clause.said, object="Contact", scope=scope, conditions=(holds,))


def _asks_headcount(reader: Reader) -> bool:
    """'how many employees does Globex have' asks a field; 'how many employees report to Bob' would count users."""
    if {token.low for token in reader.tokens} & {"average", "avg", "total", "sum"}:
        return False
    asks = "how many employees" in reader.low or "number of employees" in reader.low
    return asks and any(
        reader.word(at) in ("does", "do", "has", "have", "of", "at", "work") for at in range(3, len(reader))
    )


def _means_last_list(clause: Clause, mention: Mention | None, pronoun: Reference) -> bool:
    """'which of them', 'sum those': the records listed last, which a follow-up narrows anyway."""
    listed = clause.last is not None and clause.last.verb in (Verb.LIST, Verb.MEASURE)
    return listed and mention is None and pronoun.pronoun in ("them", "they", "those", "these", "that")


def _object_meant(clause: Clause, mention: Mention | None) -> str | None:
    if mention:
        return mention.name
    last = clause.last
    implied = _implied_object(clause)
    if last is not None and last.verb in (Verb.LIST, Verb.MEASURE) and last.object:
        follows = clause.is_follow_up or clause.verb is None or clause.verb is Verb.MEASURE
        return last.object if follows or implied is None else implied
    return implied or ("Opportunity" if clause.verb is Verb.MEASURE else None)


def _implied_object(clause: Clause) -> str | None:
    """'what is still unresolved for Acme?', 'do I have anything open with you?': what such a state is said of."""
    words = {token.low for token in clause.reader.tokens}
    if clause.verb not in (Verb.SHOW, None) or not words & _THINGS:
        return None
    if words & _OF_CASES:
        return "Case"
    caller = clause.briefing.caller
    if not words & _OF_ANY:
        return None
    if caller is not None and caller.is_customer:
        return "Case"
    return _HOME.get(clause.briefing.agent)


def _asked(clause: Clause, mention: Mention | None, info: ObjectInfo) -> tuple[str, ...]:
    if clause.verb not in (Verb.SHOW, Verb.MEASURE, None) or (mention and mention.is_plural):
        return ()
    asked = read_asked_fields(clause.reader, clause.briefing, mention, info)
    asks_worth = "Amount" in asked and clause.reader.low.startswith("how much is")
    if clause.verb is Verb.MEASURE and "NumberOfEmployees" not in asked and not asks_worth:
        return ()
    return asked


def _show_fields(clause: Clause, exact: Reference | None, mention: Mention | None, asked: tuple[str, ...]) -> Request:
    """A question for fields of one record."""
    reader = clause.reader
    reader.take_phrase("how many", "number of")
    target = exact or read_ordinal(reader) or read_pronoun(reader)
    if target is None and mention is None:
        target = self_meant(reader, clause.briefing)
    if target is None and (names := read_names(reader)):
        objects = (
            (mention.name,)
            if mention and "Company" not in asked
            else names[0][1].objects or _objects_with(clause.briefing, asked)
        )
        target = Reference(text=names[0][1].text, objects=objects, scope=names[1][1].text if len(names) > 1 else "")
    if target is None:
        target = Reference(pronoun="the" if mention else "it", objects=(mention.name,) if mention else ())
    if target.pronoun and mention and not target.objects:
        target = replace(target, objects=(mention.name,))
    return Request(Verb.SHOW, clause.said, target=target, fields=asked)


def _objects_with(briefing: Briefing, fields: Sequence[str]) -> tuple[str, ...]:
    named = (
        "Account", "Contact", "Lead", "Opportunity", "Case", "Quote", "Order", "Contract", "Campaign", "User",
        "Product2",
    )  # fmt: skip
    have = {
        name: len({*briefing.object(name).fields, *SHOWN_FIELDS.get(name, ()), *EVERY_RECORD_HAS} & set(fields))
        for name in named
        if name in briefing.objects
    }
    most = max(have.values(), default=0)
    return tuple(name for name, count in have.items() if most and count == most)


# One record or several


def _list_or_show(
    clause: Clause,
    request: Request,
    mention: Mention | None,
    names: Names,
    pronoun: Reference | None,
    exact: Reference | None,
    *,
    adjacent: bool,
) -> Request:
    if exact and not (mention and mention.is_plural):
        return replace(request, verb=Verb.SHOW, target=exact, object=None)
    if exact:
        return replace(request, verb=Verb.LIST, target=None, scope=exact)
    if mention is None:
        return _show_named(clause, request, names, pronoun)
    narrowed = bool(request.conditions or request.sort or request.limit or request.owner)
    scoped = request.scope if request.scope and not request.scope.pronoun else _first(names)
    if mention.is_plural or narrowed or (request.scope and request.scope.pronoun and not names):
        points = request.scope and request.scope.pronoun in ("this", "that")
        if points and not mention.is_plural and not narrowed:
            return replace(request, verb=Verb.SHOW, target=request.scope, scope=None)
        if _is_one_by_name(mention, request, names, adjacent=adjacent):
            return _show_one(request, mention, names)
        return replace(request, verb=Verb.LIST, scope=request.scope or scoped)
    if not names and not request.scope:
        return replace(request, verb=Verb.SHOW, target=Reference(pronoun="the", objects=(mention.name,)))
    belongs = names and names[0][0] in ("at", "for", "of", "from") and mention.name in _CHILDREN
    if belongs and not adjacent:
        return replace(request, verb=Verb.LIST, scope=scoped)
    return _show_one(request, mention, names) if names else replace(request, verb=Verb.LIST)


def _is_one_by_name(mention: Mention, request: Request, names: Names, *, adjacent: bool) -> bool:
    """'the open Acme deal': one record, said with its state."""
    states_only = all(condition.topic in ("open", "mine") for condition in request.conditions)
    return bool(names) and adjacent and not mention.is_plural and states_only and not (request.sort or request.owner)


def _show_one(request: Request, mention: Mention, names: Names) -> Request:
    target = Reference(text=names[0][1].text, objects=(mention.name,), scope=names[1][1].text if len(names) > 1 else "")
    return replace(request, verb=Verb.SHOW, target=target, scope=None, conditions=())


def _show_named(clause: Clause, request: Request, names: Names, pronoun: Reference | None) -> Request:
    reader = clause.reader
    not_understood = replace(request, verb=Verb.UNKNOWN, text=request.said)
    if names:
        text, scope = names[0][1], names[1][1].text if len(names) > 1 else ""
        is_long = clause.verb is None and len(reader) > 8
        if is_long or (clause.verb is Verb.SHOW and not _points_at_name(reader, names)):
            return not_understood
        objects = PERSON_OBJECTS if reader.word(0) == "who" else text.objects
        target = Reference(text=text.text, objects=objects, scope=scope)
        return replace(request, verb=Verb.SHOW, target=target, scope=None)
    if pronoun and clause.verb is Verb.SHOW and len(reader) <= 6:
        return replace(request, verb=Verb.SHOW, target=pronoun, scope=None)
    return not_understood


def _points_at_name(reader: Reader, names: Names) -> bool:
    """Whether 'what is X' speaks of a record: the name is written as a name, or asked for with a verb of searching."""
    if reader.word(0) not in _ASKING:
        return True
    if any(token.kind in (Kind.QUOTE, Kind.MASK) for token in reader.tokens):
        return True
    return len(names) == 1 and is_written_as_name(names[0][1].text)


def _first(names: Names) -> Reference | None:
    if not names:
        return None
    return Reference(text=names[0][1].text, scope=names[1][1].text if len(names) > 1 else "")


def _split_roles(reader: Reader, names: Names) -> tuple[Reference | None, Reference | None, Names]:
    """Owners ('owned by Bob') apart from accounts and people ('for Acme', 'Acme's')."""
    owner = None
    rest: Names = []
    words = {token.low for token in reader.tokens}
    for before, reference in names:
        if reference.text.lower() in _OWNING:
            continue
        *first, tail = reference.text.split()
        if first and tail.lower() in _OWNERS_DO and owner is None:
            owner = Reference(text=" ".join(first), objects=("User",))
            continue
        if before in ("by", "to") and words & _OWNING and owner is None:
            owner = Reference(text=_without_owning(reference.text), objects=("User",))
        elif words & {"own", "owns"} and reader.word(len(reader) - 1).strip("?.") in ("own", "owns") and owner is None:
            owner = Reference(text=reference.text, objects=("User",))
        else:
            rest.append((before, reference))
    scope = rest[0][1] if len(rest) == 1 and rest[0][0] in _BELONGS else None
    return owner, scope, rest


def _names_and_noise(reader: Reader, mention: Mention | None) -> tuple[Names, tuple[str, ...]]:
    """What is left of a clause: names, by their capitals or their place, and words that mean nothing here."""
    runs = reader.leftovers()
    places = {reader.rest(start, end): (start, end) for start, end in runs}
    names: Names = []
    noise = []
    for before, reference in read_names(reader):
        start, end = places[reference.text]
        if mention is None or before in (*_BELONGS, "about") or _is_name_like(reader, start, end, mention):
            names.append((before, reference))
        elif reference.text.lower() not in _OWNING:
            noise.append(reference.text)
    return names, tuple(noise)


def _is_name_like(reader: Reader, start: int, end: int, mention: Mention) -> bool:
    tokens = reader.tokens[start:end]
    if any(token.is_capital or token.kind in (Kind.QUOTE, Kind.MASK) for token in tokens):
        return True
    if all(token.kind is Kind.NUMBER for token in tokens):
        return False
    adjoins = end in (mention.start, mention.start - 1) or start == mention.end
    return reader.word(end) == "'s" or (adjoins and not tokens[-1].low.endswith(("ing", "ed", "ly")))


def _without_owning(text: str) -> str:
    return " ".join(word for word in text.split() if word.lower() not in _OWNING)


def _names_adjoin(reader: Reader, mention: Mention | None) -> bool:
    """Whether a name stands right before the object: 'the Acme case'."""
    if mention is None:
        return False
    return any(
        (end in (mention.start, mention.start - 1) and reader.word(end) != "'s")
        or (start == mention.end and reader.tokens[start].is_capital)
        for start, end in reader.leftovers()
    )


# Follow-ups


def _follow(
    clause: Clause, request: Request, mention: Mention | None, names: Names, pronoun: Reference | None
) -> Request | None:
    """The request as a continuation of the last one; None if it stands on its own."""
    last = clause.last
    if last is None:
        return None
    is_bare = clause.verb is None and mention is None
    if mention is not None:
        return _carry_over(clause, request, last, mention, names, pronoun)
    if not (clause.is_follow_up or is_bare or last.verb in (Verb.LIST, Verb.MEASURE)):
        return None
    leans = clause.is_follow_up or is_bare or clause.verb is Verb.MEASURE
    return _continue(request, last, names, pronoun, is_follow_up=leans)


def _carry_over(
    clause: Clause, request: Request, last: Request, mention: Mention, names: Names, pronoun: Reference | None
) -> Request | None:
    """'and her deals?', 'what about tasks?' after a list: whose and which state stay, the kind of record changes."""
    carries = clause.is_follow_up and clause.verb is None and last.verb in (Verb.LIST, Verb.MEASURE)
    if not carries or names or pronoun or request.owner or mention.name == last.object:
        return None
    if request.conditions:
        return replace(request, verb=last.verb, scope=last.scope, is_elliptic=True) if last.scope else None
    info = clause.briefing.object(mention.name)
    kept = [condition for condition in last.conditions if condition.topic == "mine" and info.first(condition.field)]
    opened = [condition for condition in last.conditions if condition.topic == "open" and condition.field == "IsClosed"]
    if opened and info.first("IsClosed"):
        kept += opened
    elif opened and (closing := info.closing_field()):
        kept.append(Condition(closing[0], "eq" if opened[0].value else "ne", closing[1], "open"))
    return replace(
        request,
        verb=last.verb,
        conditions=tuple(kept),
        scope=last.scope,
        owner=last.owner,
        is_elliptic=True,
    )


def _continue(
    request: Request, last: Request, names: Names, pronoun: Reference | None, *, is_follow_up: bool
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
    if request.owner or (names and "mine" not in topics):
        topics |= {"mine"} if request.owner else set()
    kept = tuple(condition for condition in last.conditions if condition.topic not in topics)
    wants_number = request.verb is Verb.MEASURE or bool(request.group_by)
    restates = wants_number and not (last.verb is Verb.MEASURE and request.verb is not Verb.MEASURE)
    return replace(
        last,
        said=request.said,
        verb=Verb.MEASURE if wants_number else last.verb,
        conditions=kept + request.conditions,
        function=request.function if restates else last.function,
        measure=request.measure or (None if restates else last.measure),
        group_by=request.group_by or (() if request.verb is Verb.MEASURE else last.group_by),
        sort=request.sort or last.sort,
        limit=request.limit or last.limit,
        owner=request.owner or (None if "mine" in topics else last.owner),
        scope=_first(names) or (pronoun if pronoun else last.scope),
        needs_today=request.needs_today,
        problem=request.problem,
        ignored=request.ignored,
        is_elliptic=True,
    )


def _same_for(last: Request, names: Names) -> Request | None:
    """'and Globex?' after a summary or a single record asks the same of another one."""
    if not names or last.verb not in (Verb.SHOW, Verb.SUMMARISE, Verb.TIMELINE) or last.target is None:
        return None
    objects = () if last.verb is Verb.SHOW and not last.fields else last.target.objects
    return replace(last, target=Reference(text=names[0][1].text, objects=objects), is_elliptic=True)


# Numbers


def _read_function(reader: Reader, info: ObjectInfo, has_pipeline: bool) -> tuple[str, str | None]:
    words = {token.low for token in reader.tokens}
    function = "sum" if has_pipeline or reader.low.startswith("how much") else "count"
    for name, said in _FUNCTIONS:
        if words & set(said):
            function = name
            break
    if function == "count" and words & _EXTREMES.keys() and not (words & {"number", "count", "many"}):
        function = next(_EXTREMES[word] for word in sorted(words & _EXTREMES.keys()))
    elif function != "avg" and ("number of" in reader.low or "how many" in reader.low or "count" in words):
        function = "count"
    for word in _FIGURE_WORDS:
        reader.take_phrase(word)
    if function == "count" and not words & {"number", "count", "many"} and (measure := _read_measure(reader, info)):
        return "sum", measure
    if function == "count":
        return function, None
    measure = _read_measure(reader, info)
    if measure is None and function == "sum" and default_measure(info) is None:
        return "count", None
    return function, measure or default_measure(info)


def _read_measure(reader: Reader, info: ObjectInfo) -> str | None:
    measure = None
    for at in list(reader.free()):
        for size in (2, 1):
            words = [reader.word(at + i) for i in range(size)]
            if not all(words) or not reader.is_free(at) or words[0] == "number":
                continue
            named = field_named(words, info) or (field_named([singular(words[0])], info) if size == 1 else None)
            if named and (named.is_number or named.name.endswith("Amount")):
                reader.take(at, at + size)
                measure = measure or named.name
    return measure


def _odd_grouping(reader: Reader) -> str:
    """What to say of a period that the figures cannot be grouped by."""
    for lead in ("by", "per", "each"):
        place = reader.find_phrase(lead)
        if place and singular(reader.word(place[1])) in _TIME_UNITS:
            reader.take(place[0], place[1] + 1)
            return f"I cannot group by {reader.word(place[1])} here, so this is the overall figure."
    return ""
