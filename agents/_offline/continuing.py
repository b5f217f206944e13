"""An utterance as the answer to a question that is still open."""

from collections.abc import Sequence
from dataclasses import replace

from agents._offline.clauses import strip_polite
from agents._offline.deciding import merged, read_answer
from agents._offline.intents import recognise_verb
from agents._offline.memory import Pending
from agents._offline.request import Change, Reference, Request, Verb
from agents._offline.resolve import pick
from agents._offline.understand import read_clause
from agents._offline.words import clean, tokenize
from agents._offline.work import Work

_REASKED = {(Verb.CALL, "text"): "log a call", (Verb.TASK, "text"): "remind me to"}
"""How the answer to a question reads once it is put into the request it completes."""
_ASKING = frozenset("what when who how why where does is are do".split())


def continue_pending(work: Work, pending: Pending, utterance: str) -> list[Request] | None:
    """The waiting requests with the answer put in; None if the utterance asks something else."""
    work.bindings.update(pending.bindings)
    first, *rest = pending.requests
    if pending.slot.startswith("argument:"):
        answered = _answer(work, first, pending.slot.partition(":")[2], utterance)
        return [answered, *rest] if answered else None
    verb = recognise_verb(clean(utterance))
    is_short = len(tokenize(utterance[:400])) <= 8
    if pending.candidates:
        is_answer = verb in (None, Verb.SHOW, Verb.MORE) and not _is_question(utterance)
        if is_answer and (chosen := pick(utterance, pending.candidates, work.memory)):
            work.bindings[pending.key] = chosen
            return [first, *rest]
        return _replaced(work, first, rest, utterance) if verb is None and is_short else None
    if verb is None and pending.slot == "target" and is_short:
        return _replaced(work, first, rest, utterance)
    if pending.slot in ("note", "text", "name") and verb in (
        None,
        Verb.SHOW,
        Verb.KNOWLEDGE,
        Verb.UPDATE,
        Verb.SUMMARISE,
        Verb.TIMELINE,
    ):
        if lead := _REASKED.get((first.verb, pending.slot)):
            return [read_clause(f"{lead} {clean(utterance)}", work.briefing, None), *rest]
        return [_with_slot(first, pending.slot, utterance), *rest]
    if pending.slot.startswith("change:") and (verb is None or is_short):
        _, place, label = pending.slot.split(":", 2)
        changes = [*first.changes]
        changes[int(place)] = Change(clean(utterance).strip(" ."), label)
        return [replace(first, changes=tuple(changes)), *rest]
    if pending.slot == "changes" and (verb in (None, Verb.UPDATE) or is_short):
        text = utterance if verb is Verb.UPDATE else f"set {utterance}"
        return [replace(first, changes=read_clause(clean(text), work.briefing, None).changes), *rest]
    return None


def _answer(work: Work, first: Request, name: str, utterance: str) -> Request | None:
    """The waiting call with the value that was asked for; None if the utterance gives none, or asks for more."""
    if first.tool not in work.toolbox:
        return None
    anew = read_clause(clean(utterance), work.briefing, None, work.toolbox)
    if anew.verb is Verb.TOOL and anew.tool != first.tool:
        return None
    said = read_answer(work.toolbox.spec(first.tool), name, clean(utterance), work.briefing, work.toolbox)
    return merged(first, said, work.toolbox.spec(first.tool), work.briefing) if said else None


def _replaced(work: Work, first: Request, rest: Sequence[Request], utterance: str) -> list[Request] | None:
    """A new name in place of the reference that was asked about."""
    said = read_clause(clean(utterance), work.briefing, None)
    target = said.target
    if target is None or said.verb is not Verb.SHOW:
        return None
    if first.people and (first.verb in (Verb.DRAFT, Verb.TASK, Verb.CALL)):
        return [
            replace(
                first,
                people=(
                    Reference(
                        text=target.text,
                        record_id=target.record_id,
                        objects=first.people[0].objects,
                        scope=target.scope,
                    ),
                ),
            ),
            *rest,
        ]
    if first.verb is Verb.DRAFT:
        return [replace(first, people=(target,)), *rest]
    old = first.target or first.scope
    fresh = replace(target, objects=target.objects or (old.objects if old else ()))
    return [replace(first, target=fresh) if first.target else replace(first, scope=fresh), *rest]


def _with_slot(request: Request, slot: str, utterance: str) -> Request:
    text = " ".join(utterance.split()).strip('"')
    if slot == "note":
        return replace(request, note=text)
    if slot == "name":
        return replace(request, changes=(*request.changes, Change(text, "name")))
    return replace(request, text=text[:1].upper() + text[1:])


def _is_question(utterance: str) -> bool:
    """Whether it asks something itself, so that it cannot be the answer to our question."""
    return strip_polite(clean(utterance)).lower().split(" ", 1)[0] in _ASKING
