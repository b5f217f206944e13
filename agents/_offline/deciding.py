"""Decides whether a clause asks for one of the bound tools by its own words, and reads its arguments if so."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from agents._offline.asking import Asked
from agents._offline.choosing import OPTION, Fit, Heard, is_kind, profile_of
from agents._offline.clauses import split_clauses
from agents._offline.filling import Filled, Filler
from agents._offline.intents import recognise_verb
from agents._offline.lexicon import DATE_VERBS, FIELD_WORDS, OBJECT_WORDS, object_named
from agents._offline.measuring import read_figures
from agents._offline.options import splits
from agents._offline.prompt import Briefing
from agents._offline.request import Reference, Request, Verb
from agents._offline.schemas import Spec, Takes
from agents._offline.stems import stem, stems_of
from agents._offline.toolbox import Toolbox
from agents._offline.words import is_written_as_name, say_name, tokenize

GRAMMAR = frozenset(
    """find_record get_record query_records aggregate_records create_record update_record lookup_account fetch_cases
    activities_timeline search_knowledge similar_cases add_case_comment create_task log_call create_draft
    send_email read_text extract_values""".split()
)
"""Tools over any record and field: a grammar of their own reads what is asked of them."""
_NEVER = frozenset((Verb.MORE, Verb.THANKS, Verb.GREET))
_SETTLED = frozenset((Verb.TASK, Verb.CALL, Verb.COMMENT, Verb.DRAFT, Verb.SEND, Verb.HELP))
"""Kinds of work that their wording tells for certain."""
_CHANGES = frozenset((Verb.UPDATE, Verb.CREATE))
_DONE = _SETTLED | _CHANGES
_SURE, _LIKELY, _POSSIBLE = 0.7, 0.45, 0.4
_NAMED = 0.9
_HALF_NAMED = 0.35
_CLEARLY, _MUCH = 0.1, 0.25
_SHORT = 9
_MOST_MISSED = 3
"""Words that a clause may say besides a way to ask for a tool; they are named as not taken into account."""
_NARROWS = re.compile(
    r"^(?:take|use|look|consider|count|skip|leave|ignore|exclude|only|just|split|group)\b", re.IGNORECASE
)
"""How a clause begins that only says more of what was asked."""
_LEADS = re.compile(
    r"^(?:and|what about|how about|same for|the same for|only|just|now|but|as|by|for|in|per|also)\b", re.IGNORECASE
)


def read_tool_request(
    clause: str,
    bare: str,
    verb: Verb | None,
    briefing: Briefing,
    last: Request | None,
    toolbox: Toolbox | None,
    plain: Callable[[], Request],
    *,
    asks: bool = False,
) -> Request | None:
    """The request for a tool, or for more of the last one; None if the grammar of records reads this better.

    `plain`: what that grammar makes of the clause. `asks`: whether it ends with a question mark.
    """
    if toolbox is None or verb in _NEVER:
        return None
    weighed = _read_weighed(clause, bare, verb, briefing, last, toolbox, plain, asks=asks)
    worded = _read_worded(bare, briefing, toolbox, plain) or _read_worded(clause, briefing, toolbox, plain)
    if worded is None or (weighed and weighed.tool == worded.tool and len(weighed.ignored) <= len(worded.ignored)):
        return weighed
    return worded


def _read_weighed(
    clause: str,
    bare: str,
    verb: Verb | None,
    briefing: Briefing,
    last: Request | None,
    toolbox: Toolbox,
    plain: Callable[[], Request],
    *,
    asks: bool,
) -> Request | None:
    """By how well the words of the clause fit those of the tools."""
    chooser = toolbox.chooser
    heard = chooser.hear(tokenize(bare)[:300], asks=asks)
    ranked = chooser.rank(heard)
    best = next((fit for fit in ranked if is_fillable(fit.spec)), None)
    of_records = next((fit for fit in ranked if fit.spec.name in GRAMMAR), None)
    if last is not None and last.verb is Verb.TOOL and last.tool in toolbox:
        sure = best is not None and best.score >= _SURE and best.spec.name != last.tool
        if not sure and (continued := _continue(clause, bare, verb, briefing, last, toolbox)):
            return continued
    if best is None or best.score < _POSSIBLE:
        return None
    if of_records is not None and of_records.score > best.score + _CLEARLY and _leaves_nothing(plain()):
        return None
    if any(fit.score > best.score + _MUCH for fit in ranked[:1] if fit.spec.name not in GRAMMAR):
        return None  # the tool that is meant takes what words do not fill
    if not _is_meant(best, heard, verb, briefing, plain):
        return None
    filled = Filler(best.spec, bare, briefing, chooser.spell).fill()
    if any(not one.leans_on_thread for one in filled.spare) and not best.spec.taking(Takes.RECORD):
        return None  # a record is named, and the tool is about none
    named = [*filled.spare, *(one for some in filled.references.values() for one in some)]
    names_record = any(one.record_id or one.number or is_written_as_name(one.text) for one in named)
    if best.named < _NAMED and any(_has_part_in(plain(), one) for one in filled.untaken):
        return None  # what is named has no part in it
    needs_record = any(one.is_required for one in best.spec.taking(Takes.RECORD))
    kinds = {kind for one in best.spec.taking(Takes.RECORD) if one.is_required for kind in one.objects}
    is_of_others = bool(filled.spare) and all(is_written_as_name(one.text) and not one.objects for one in filled.spare)
    if verb in (Verb.TIMELINE, Verb.SUMMARISE) and kinds == {"Case"} and is_of_others:
        return None  # cases go by their numbers, and a name names somebody
    is_rule = verb is Verb.KNOWLEDGE and "search_knowledge" in toolbox and not names_record
    if is_rule and (best.score < _SURE or needs_record):
        return None  # a rule is asked for, and articles hold those
    if any(not _is_taken(one, best.spec) for one in filled.spare):
        return None
    other = plain()
    if verb is Verb.DRAFT and other.text and not any(one.name in filled.values for one in best.spec.taking(Takes.TEXT)):
        return None  # what the message is to say would be lost
    if _lacks(best.spec, filled) and _is_read_in_full(other):
        return None  # nothing has to be asked for what the grammar of records makes of it
    if last is not None and last.verb is Verb.TOOL and last.tool == best.spec.name and not names_record:
        return merged(replace(last, said=clause), _request(clause, best.spec, filled), best.spec, briefing)
    is_named = best.spec.writes and heard.head in profile_of(best.spec).verbs and other.verb not in _CHANGES
    return replace(_request(clause, best.spec, filled), otherwise=other if _is_of_use(other) and not is_named else None)


def _read_worded(bare: str, briefing: Briefing, toolbox: Toolbox, plain: Callable[[], Request]) -> Request | None:
    """The request for a tool that the clause asks for in one of the ways that the tool declares; None if in none.

    What the clause says besides has to be understood, or the grammar of records may not read it better.
    """
    chooser = toolbox.chooser
    for asked in chooser.asked(bare, tokenize(bare)):
        if not is_fillable(asked.spec):
            continue
        filled = Filler(asked.spec, bare, briefing, chooser.spell, is_whole=False, asked=asked).fill()
        missed = [*filled.unread, *(one.text for one in filled.untaken)]
        if _says_it_again(bare, asked, toolbox):
            missed, filled.spare = [], []
        if len(missed) > _MOST_MISSED or (missed and _is_read_in_full(plain())):
            continue
        other = plain()
        request = replace(_request(bare, asked.spec, filled), ignored=tuple(missed))
        return replace(request, otherwise=other if _is_of_use(other) and not asked.spec.writes else None)
    return None


def _says_it_again(bare: str, asked: Asked, toolbox: Toolbox) -> bool:
    """'they changed their mind about order 100, call it off': what follows a comma asks for the same tool."""
    tokens = tokenize(bare)
    rest = tokens[max(asked.heard | asked.seen, default=-1) + 1 :]
    if not rest or rest[0].low != ",":
        return False
    said = bare[rest[0].end :].strip()
    return any(one.spec is asked.spec for one in toolbox.chooser.asked(said, tokenize(said)))


def read_figure_request(utterance: str, briefing: Briefing, toolbox: Toolbox) -> Request | None:
    """The whole utterance as one question for figures; None if it is none for certain, or asks for something more."""
    specs = [spec for spec in toolbox.specs if not spec.writes]
    if any(one.spec.writes for one in toolbox.chooser.asked(utterance, tokenize(utterance))):
        return None  # 'let me know if the win rate falls below 30': figures are no more than what it is about
    for spec in specs:
        figures = read_figures(utterance, spec, briefing, toolbox.chooser.spell)
        if figures is None or not figures.is_sure or _asks_for_more(utterance, toolbox):
            continue
        return Request(
            Verb.TOOL,
            utterance,
            tool=spec.name,
            values=figures.values,
            dated=figures.dated,
            implied=figures.implied,
            needs_today=figures.needs_today,
            ignored=figures.ignored,
        )
    return None


def _asks_for_more(utterance: str, toolbox: Toolbox) -> bool:
    """Whether a later clause is about something to be done."""
    later = split_clauses(utterance, toolbox.starters)[1:]
    return any(recognise_verb(one) in _DONE and not _NARROWS.match(one) for one in later)


def _is_of_use(request: Request) -> bool:
    """Whether the grammar of records knows what to do."""
    return request.verb not in (Verb.UNKNOWN, Verb.DELETE) and not request.problem and not _is_vague(request)


def _has_part_in(request: Request, name: Reference) -> bool:
    """Whether the grammar of records takes the name for what is meant or written, and passes over no word."""
    target = request.target or request.scope
    said = [target.text if target else "", *(one.value for one in request.changes)]
    return any(name.text in one for one in said) and _leaves_nothing(request) and _is_of_use(request)


def _leaves_nothing(request: Request) -> bool:
    return request.verb is not Verb.UNKNOWN and not request.ignored


def _is_taken(reference: Reference, spec: Spec) -> bool:
    """Whether some argument takes the kind of record that is named by its number or id."""
    takers = spec.taking(Takes.RECORD)
    exact = bool((reference.number or reference.record_id) and reference.objects)
    return not exact or any(not one.objects or set(one.objects) & set(reference.objects) for one in takers)


def _lacks(spec: Spec, filled: Filled) -> bool:
    """Whether a person would have to be asked for something before the tool can be called."""
    spare = len(filled.spare)
    for one in spec.arguments:
        if not one.is_required or one.name in filled.values or one.name in filled.references:
            continue
        if one.takes is Takes.RECORD and spare:
            spare -= 1
        elif one.may_be_asked:
            return True
    return False


def _is_read_in_full(request: Request) -> bool:
    """Whether the grammar of records found out what is asked and passed over no word."""
    if request.ignored or request.problem:
        return False
    if request.verb is Verb.SHOW:
        return bool(request.fields) and request.target is not None and not _is_vague(request)
    if request.verb is Verb.UPDATE:
        return bool(request.changes) and request.target is not None
    if request.verb in (Verb.KNOWLEDGE, Verb.SIMILAR):
        return True
    return request.verb in (Verb.LIST, Verb.MEASURE) and request.object is not None


def is_fillable(spec: Spec) -> bool:
    """Whether words can fill what it needs."""
    return spec.name not in GRAMMAR and not any(one.is_required and one.takes is Takes.OTHER for one in spec.arguments)


def _is_meant(fit: Fit, heard: Heard, verb: Verb | None, briefing: Briefing, plain: Callable[[], Request]) -> bool:
    """Whether the tool fits well enough for what else the clause could mean."""
    if verb in _SETTLED:
        return fit.score >= _SURE and fit.named >= _NAMED and heard.head in profile_of(fit.spec).name
    other = plain()
    if _is_about_records(fit, heard, other, briefing):
        return False
    if other.verb is Verb.SIMILAR and (other.target or other.text) and fit.named < _NAMED:
        return False
    if other.verb is Verb.UNKNOWN or (other.verb is Verb.SHOW and (verb is None or _is_vague(other))):
        return True
    is_list = other.verb in (Verb.LIST, Verb.MEASURE) and other.object is not None
    if is_list and fit.named < _NAMED and _is_about_others(fit, heard, other):
        return False
    if other.verb is Verb.MEASURE and fit.named >= _HALF_NAMED and not heard.objects:
        return True  # what is to be measured is only guessed at
    if is_list and fit.named >= 0.5 and _says_more(fit, heard, briefing):
        return True
    is_read = is_list and not other.ignored and not (other.scope is not None and _swallows(other.scope.text, fit))
    if is_list and other.verb is Verb.MEASURE and not _says_more(fit, heard, briefing):
        return False  # every word of it is about records, and figures over them are counted as said
    if is_read and _is_named_by_kinds(fit, heard) and not _says_more(fit, heard, briefing):
        return False
    if is_read and fit.named >= _NAMED:
        return fit.score >= _POSSIBLE + 0.05
    return fit.score >= (_LIKELY if not is_read or fit.named >= 0.5 else _SURE)


def _is_about_records(fit: Fit, heard: Heard, other: Request, briefing: Briefing) -> bool:
    """Whether a change that the tool does not name is asked for, or a record or its fields and no more."""
    does_it = heard.head in profile_of(fit.spec).verbs
    if other.verb is Verb.UPDATE and _is_read_in_full(other) and _names_it_as_value(fit, other):
        return True
    if (fit.spec.writes or other.verb is Verb.UPDATE) and not does_it and _is_read_in_full(other):
        return True
    if other.verb is not Verb.SHOW or _is_vague(other) or does_it:
        return False
    if not other.fields and other.target is not None and _swallows(other.target.text, fit):
        return False
    return not _says_more(fit, heard, briefing) or bool(other.fields and fit.named < _NAMED)


def _is_about_others(fit: Fit, heard: Heard, other: Request) -> bool:
    """'which cases are waiting': a list of a kind of record that the tool is not about."""
    word = heard.objects.get(other.object or "")
    spoken = {one for phrase in profile_of(fit.spec).phrases if phrase.stems <= heard.all for one in phrase.stems}
    return word is not None and heard.head == word and word not in spoken | _told_of(fit.spec)


@lru_cache(maxsize=1_000)
def _told_of(spec: Spec) -> frozenset[str]:
    """The words of its name, its description and its arguments, without those of the choices that it offers."""
    texts = [spec.name.replace("_", " "), spec.description]
    texts += [f"{one.name.replace('_', ' ')} {one.description}" for one in spec.arguments]
    return frozenset(stem for text in texts for stem in stems_of(text))


def _names_it_as_value(fit: Fit, other: Request) -> bool:
    """'set the next step to send the offer': the words for the tool's things are part of what a field is to hold."""
    values = {one for change in other.changes if change.field for one in stems_of(change.value)}
    return any(is_kind(word) and word in values for word in profile_of(fit.spec).name)


def _is_named_by_kinds(fit: Fit, heard: Heard) -> bool:
    """'which products are in it': of the tool's name no word was said but the kind of record, which a list has too."""
    said = [word for word in profile_of(fit.spec).name if word in heard.all]
    return fit.named < _NAMED and bool(said) and all(is_kind(word) for word in said)


def _swallows(name: str, fit: Fit) -> bool:
    """'PT-200 cost': whether a word of the tool was taken for a part of a name."""
    weights = profile_of(fit.spec).weights
    return any(
        weights.get(stem(word.lower()), 0.0) >= OPTION for word in name.split() if word.islower() or word.isupper()
    )


def _is_vague(request: Request) -> bool:
    """Whether a record is only guessed at: by words in lower case, or one for a kind of record, that may name none."""
    if request.target is None:
        return False
    said = request.target.text
    return said.islower() or object_named([said.lower()], (), fuzzy=False) is not None


def _says_more(fit: Fit, heard: Heard, briefing: Briefing) -> bool:
    """Whether the clause has words of the tool that name nothing in records, so that a list would pass them over."""
    weights = profile_of(fit.spec).weights
    return any(weights.get(word, 0.0) >= OPTION and word not in _record_words(briefing) for word in heard.stems)


@lru_cache(maxsize=256)
def _record_words(briefing: Briefing) -> frozenset[str]:
    """Canonical words for kinds of record, their fields, values and states, and for figures over them."""
    texts = [*OBJECT_WORDS, *FIELD_WORDS, *DATE_VERBS, *_STATES_AND_FIGURES.split(), *briefing.value_words]
    for info in briefing.objects.values():
        texts += [say_name(info.name), *map(say_name, info.fields)]
    return frozenset(word for text in texts for word in stems_of(text))


_STATES_AND_FIGURES = """open closed won lost overdue active pending unresolved resolved count number total sum average
    mean minimum maximum most least highest lowest largest smallest latest newest oldest first last top best worst
    day week month quarter year today yesterday tomorrow daily weekly monthly quarterly yearly breakdown
    distribution group sort list order waiting longest"""


def _request(clause: str, spec: Spec, filled: Filled) -> Request:
    return Request(
        Verb.TOOL,
        clause,
        tool=spec.name,
        values=filled.values,
        references={name: tuple(found) for name, found in filled.references.items()},
        spare=tuple(filled.spare),
        needs_today=filled.needs_today,
        ignored=filled.unread,
        dated=frozenset(filled.dated),
        implied=frozenset(filled.implied),
    )


def _continue(
    clause: str, bare: str, verb: Verb | None, briefing: Briefing, last: Request, toolbox: Toolbox
) -> Request | None:
    """'by month', 'only EMEA', 'and for Globex?': the last call with what was said put in; None if nothing was."""
    is_led = bool(_LEADS.match(clause)) or bare != clause
    if not is_led and (verb is not None or len(tokenize(clause)) > _SHORT):
        return None
    spec = toolbox.spec(last.tool)
    filled = Filler(spec, bare, briefing, toolbox.chooser.spell, is_whole=False).fill()
    if filled.is_empty or any(one.ordinal for one in filled.spare):
        return None
    if len(filled.unread) > 1 and len(filled.unread) > len(filled.values) + len(filled.references) + len(filled.spare):
        return None
    return merged(replace(last, said=clause, is_elliptic=True), _request(clause, spec, filled), spec, briefing)


def merged(old: Request, new: Request, spec: Spec, briefing: Briefing) -> Request:
    """The old request with everything that the new one says in place of what it said before.

    A new period takes the place of the old one however each was said; a new split ends what one answer was asked for.
    """
    anew = any((one := spec.argument(name)) is not None and splits(one) for name in new.values)
    dropped = (old.dated if new.dated else frozenset()) | (old.implied if anew else frozenset())
    kept = {name: value for name, value in old.values.items() if name not in dropped}
    values = {**kept, **new.values}
    for name in new.values.keys() & kept.keys():
        if (argument := spec.argument(name)) is not None and argument.takes is Takes.TEXT and argument.is_list:
            values[name] = _joined(kept[name], new.values[name], briefing)
    return replace(
        old,
        values=values,
        references={**old.references, **new.references},
        spare=new.spare or old.spare,
        needs_today=new.needs_today,
        ignored=new.ignored,
        dated=(old.dated - dropped) | new.dated,
        implied=(old.implied - dropped - new.values.keys()) | new.implied,
    )


def _joined(old: Sequence[str], new: Sequence[str], briefing: Briefing) -> list[str]:
    """What is kept to now: the new values, and the old ones of other picklists than theirs."""
    kinds = {_picklist_of(value, briefing) for value in new}
    return [*(value for value in old if _picklist_of(value, briefing) not in kinds), *new]


def _picklist_of(value: str, briefing: Briefing) -> str:
    """A field that allows the value; empty for names and other words."""
    low = value.lower()
    if low not in briefing.value_words:
        return ""
    fields = (field for info in briefing.objects.values() for field in info.fields.values())
    return next((field.name for field in fields if any(low == one.lower() for one in field.values)), "")


def read_answer(spec: Spec, name: str, utterance: str, briefing: Briefing, toolbox: Toolbox) -> Request | None:
    """An answer to the question for one argument; None if it gives no value that the argument takes."""
    argument = spec.argument(name)
    if argument is None:
        return None
    filled = Filler(replace_arguments(spec, name), utterance, briefing, toolbox.chooser.spell, is_whole=False).fill()
    if argument.takes is Takes.TEXT:
        text = " ".join(utterance.split()).strip('"')[: argument.longest]
        filled.values[name] = [text] if argument.is_list else text
    if name not in filled.values and not filled.references and not filled.spare:
        return None
    return _request(utterance, spec, filled)


def replace_arguments(spec: Spec, name: str) -> Spec:
    """The tool as if it had this argument alone."""
    return Spec(spec.name, spec.description, tuple(one for one in spec.arguments if one.name == name))
