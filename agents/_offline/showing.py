"""Shows records, what happened around them, and what articles say."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from agents._offline import compose
from agents._offline.lexicon import ALSO_CALLED, CHILDREN, STOPWORDS
from agents._offline.memory import Known
from agents._offline.request import Reference, Request
from agents._offline.resolve import AskError, GiveUpError, Steps
from agents._offline.toolbox import Outcome
from agents._offline.words import Kind, say_name, singular, tokenize
from agents._offline.work import Work, enumerate_all, say_unreadable

RECENT_DAYS = 30


def show(work: Work, request: Request) -> Steps[str]:
    reference = request.target or Reference(pronoun="it")
    try:
        record = yield from work.resolve(reference)
    except (AskError, GiveUpError) as unnamed:
        if said := (yield from _answer_instead(work, request, unnamed)):
            return said
        raise
    if "get_record" not in work.toolbox:
        if not record.details:
            work.need("get_record", f"show {record.record_id}")
        return compose.say_row(record, work.memory).removeprefix("- ")
    outcome = (yield [work.toolbox.call("get_record", object=record.object, record_id=record.record_id)])[0]
    if not outcome.ok:
        return compose.say_problem(outcome, f"Reading {compose.cite(record, work.memory)}")
    present = _present(request.fields, outcome)
    if request.fields and not present:
        return _say_unread(record, request.fields, work)
    hidden = work.hidden_among(record.object, request.fields)
    note = f"\n\n{say_unreadable(record.object, hidden)}" if hidden else ""
    return compose.say_record(outcome, work.memory, only=present) + note


def _answer_instead(work: Work, request: Request, unnamed: AskError | GiveUpError) -> Steps[str]:
    """What articles say to a question that only seemed to name a record; empty if they say nothing to it."""
    guessed = request.target is not None and request.target.text.islower()
    words = set(request.target.text.split()) if request.target else set()
    found = unnamed.candidates if isinstance(unnamed, AskError) else ()
    is_named = any(words <= set(one.name.lower().split()) for one in found)
    if not (request.asks and guessed) or is_named or "search_knowledge" not in work.toolbox:
        return ""
    outcome = (yield [work.toolbox.call("search_knowledge", query=_query(request.said), limit=3)])[0]
    return compose.say_articles(outcome) if outcome.ok and outcome.result.get("articles") else ""


def summarise(work: Work, request: Request) -> Steps[str]:
    record = yield from work.resolve(request.target or Reference(pronoun="it"))
    work.need("get_record", "summarise a record")
    children = [name for name in CHILDREN.get(record.object, ()) if name in work.briefing.objects]
    calls = [
        work.toolbox.call("get_record", object=record.object, record_id=record.record_id, related=children or None)
    ]
    if "activities_timeline" in work.toolbox:
        calls.append(work.toolbox.call("activities_timeline", record_id=record.record_id, since=request.day, limit=5))
    outcomes = yield calls
    main = outcomes[0]
    if main.kind == "retry" and children:
        main = (yield [work.toolbox.call("get_record", object=record.object, record_id=record.record_id)])[0]
    if not main.ok:
        return compose.say_problem(main, f"Reading {compose.cite(record, work.memory)}")
    work.memory.focus(record)
    return compose.say_summary(main, outcomes[1] if len(outcomes) > 1 else None, work.memory)


def show_timeline(work: Work, request: Request) -> Steps[str]:
    record = yield from work.resolve(request.target or Reference(pronoun="it"))
    work.need("activities_timeline", "show activity")
    since = request.day
    if request.text == "recent" and work.briefing.today:
        since = (work.briefing.today - timedelta(RECENT_DAYS)).isoformat()
    until = (date.fromisoformat(request.until) - timedelta(1)).isoformat() if request.until else None
    outcome = (
        yield [work.toolbox.call("activities_timeline", record_id=record.record_id, since=since, until=until, limit=10)]
    )[0]
    if not outcome.ok:
        return compose.say_problem(outcome, f"Reading the activity of {compose.cite(record, work.memory)}")
    told = since if since and since in request.said else None
    return compose.say_timeline(outcome, work.memory, compose.cite(record, work.memory), told)


def answer_from_articles(work: Work, request: Request) -> Steps[str]:
    work.need("search_knowledge", "search knowledge articles")
    outcome = (yield [work.toolbox.call("search_knowledge", query=_query(request.text), limit=3)])[0]
    return compose.say_articles(outcome) if outcome.ok else compose.say_problem(outcome, "Searching the knowledge base")


def show_similar(work: Work, request: Request) -> Steps[str]:
    work.need("similar_cases", "look for similar cases")
    case_id, about = None, f' about "{compose.escape(request.text)}"' if request.text else ""
    if request.target:
        record = yield from work.resolve(request.target, ("Case",))
        case_id, about = record.record_id, f" to {compose.cite(record, work.memory)}"
    outcome = (
        yield [work.toolbox.call("similar_cases", case_id=case_id, text=None if case_id else request.text, limit=5)]
    )[0]
    return (
        compose.say_similar(outcome, about) if outcome.ok else compose.say_problem(outcome, "Looking for similar cases")
    )


def _query(question: str) -> str:
    """The words of a question that tell something, with the singular of each plural and with what articles call it:
    titles say 'delivery' where people say 'deliveries', and 'return' where people send something back."""
    words = [token.low for token in tokenize(question) if token.kind is not Kind.MARK]
    telling = [word for word in words if word not in STOPWORDS] or words
    singulars = [one for word in telling if word.isalpha() and (one := singular(word)) != word]
    said = f" {' '.join(words)} "
    others = [also for phrase, also in ALSO_CALLED.items() if f" {phrase} " in said]
    return " ".join(dict.fromkeys([*telling, *singulars, *others])) or question


def _present(fields: Sequence[str], outcome: Outcome) -> tuple[str, ...]:
    """Of the fields asked for, those of the record that the caller may read."""
    has = outcome.result.get("fields")
    return tuple(name for name in fields if isinstance(has, Mapping) and name in has)


def _say_unread(record: Known, fields: Sequence[str], work: Work) -> str:
    """Why no field that was asked for is told: the caller may not read it, or there is none."""
    cited = compose.cite(record, work.memory)
    if hidden := work.hidden_among(record.object, fields):
        return f"{say_unreadable(record.object, hidden)} So I cannot tell it for {cited}."
    asked = enumerate_all([say_name(name) for name in fields])
    return f"{compose.capital(cited)} shows no {asked} that I can read."
