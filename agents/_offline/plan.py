"""From requests to tool calls to an answer, one user turn at a time.

Each kind of request is a generator: it yields the calls it needs and is sent their outcomes. The model keeps no state;
it runs the generators again over the thread and stops at the first call that has no outcome yet.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

from agents._offline import activities, listing, showing, writing
from agents._offline.calling import Caller
from agents._offline.continuing import continue_pending
from agents._offline.memory import Pending
from agents._offline.request import Request, Verb
from agents._offline.resolve import AskError, GiveUpError, Steps
from agents._offline.toolbox import Call, Outcome
from agents._offline.understand import understand
from agents._offline.words import tokenize
from agents._offline.work import Work

Handler = Callable[[Work, Request], Steps[str]]

_READS = frozenset(
    (Verb.SHOW, Verb.LIST, Verb.MEASURE, Verb.SUMMARISE, Verb.TIMELINE, Verb.KNOWLEDGE, Verb.SIMILAR, Verb.TOOL)
)
_CANCELS = frozenset(
    "cancel|never mind|nevermind|forget it|stop|no|none|none of them|neither|leave it|no thanks".split("|")
)
_HANDLERS: Mapping[Verb, Handler] = {
    Verb.SHOW: showing.show,
    Verb.LIST: listing.list_records,
    Verb.MEASURE: listing.measure,
    Verb.SUMMARISE: showing.summarise,
    Verb.TIMELINE: showing.show_timeline,
    Verb.KNOWLEDGE: showing.answer_from_articles,
    Verb.SIMILAR: showing.show_similar,
    Verb.UPDATE: writing.update,
    Verb.CREATE: writing.create,
    Verb.TASK: activities.create_task,
    Verb.CALL: activities.log_call,
    Verb.COMMENT: activities.comment,
    Verb.DRAFT: activities.draft,
    Verb.SEND: activities.send,
    Verb.MORE: listing.show_more,
}


@dataclass(frozen=True)
class Answer:
    text: str
    pending: Pending | None = None


def plan_turn(work: Work, utterance: str) -> Generator[list[Call], list[Outcome], str]:
    """The whole turn; returns the answer."""
    if not len(work.toolbox):
        return "I have no tools here, so I cannot look up or change any records in this conversation."
    requests, early = _requests(work, utterance)
    work.memory.pending = None
    if early:
        return early
    answers = yield from _run(work, requests)
    work.memory.pending = next((answer.pending for answer in answers if answer.pending), None)
    return "\n\n".join(answer.text for answer in answers)


def _requests(work: Work, utterance: str) -> tuple[list[Request], str]:
    """The requests of this turn, or the answer if none needs a step."""
    pending = work.memory.pending
    if pending:
        if utterance.lower().strip(" .!?") in _CANCELS:
            return [], "All right, I left it as it is."
        if continued := continue_pending(work, pending, utterance):
            return continued, ""
    if utterance.lower().strip(" .!?") in _CANCELS:
        return [], "There is no question open, so there is nothing to cancel."
    requests = understand(utterance, work.briefing, work.memory.last, work.toolbox)
    if not requests:
        return [], _not_understood(work)
    return requests, ""


def _run(work: Work, requests: Sequence[Request]) -> Steps[list[Answer]]:
    """Runs the requests in order; those that do not need each other's results run side by side."""
    answers: list[Answer] = []
    groups = _groups(requests)
    for at, group in enumerate(groups):
        answers += yield from _side_by_side([_guarded(work, request) for request in group])
        asked = next((answer.pending for answer in answers if answer.pending), None)
        waiting = tuple(request for later in groups[at + 1 :] for request in later)
        if asked and waiting:
            held = Pending(
                (*asked.requests, *waiting), asked.question, asked.key, asked.candidates, asked.slot, asked.bindings
            )
            return [Answer(a.text, held if a.pending is asked else None) for a in answers]
    return answers


def _guarded(work: Work, request: Request) -> Steps[Answer]:
    work.memory.last = request if request.verb in _READS else work.memory.last
    try:
        if request.needs_today:
            raise GiveUpError(
                "I was not told today's date, so I cannot work out that date."
                " Please give exact dates, such as 2026-03-31."
            )
        text = yield from _handler(request.verb)(work, request)
    except AskError as ask:
        pending = Pending((request,), ask.question, ask.key, ask.candidates, ask.slot, dict(work.bindings))
        return Answer(ask.question, pending)
    except GiveUpError as given_up:
        text = str(given_up)
    return Answer(text)


def _chat(work: Work, request: Request) -> Steps[str]:
    yield from ()
    if request.verb is Verb.THANKS:
        return "You are welcome."
    if request.verb is Verb.UNKNOWN:
        return _not_understood(work)
    if request.verb is Verb.DELETE:
        return f"I cannot {tokenize(request.said)[0].low} records here. {work.say_abilities()}"
    return work.say_abilities()


def _not_understood(work: Work) -> str:
    return f"I did not understand that request. {work.say_abilities()}"


def _call(work: Work, request: Request) -> Steps[str]:
    caller = Caller(work.toolbox.spec(request.tool), work.briefing, work.memory, work.resolve)
    if request.otherwise is None:
        return (yield from caller.run(request))
    try:
        return (yield from caller.run(request))
    except (AskError, GiveUpError) as lacking:
        named = [*request.spare, *(one for some in request.references.values() for one in some)]
        is_missed = isinstance(lacking, GiveUpError) and any(one.objects for one in named)
        if (request.otherwise.verb is Verb.CREATE and is_missed) or (
            isinstance(lacking, AskError) and lacking.candidates
        ):
            raise
    return (yield from _handler(request.otherwise.verb)(work, request.otherwise))


def _handler(verb: Verb) -> Handler:
    return _call if verb is Verb.TOOL else _HANDLERS.get(verb, _chat)


def _groups(requests: Sequence[Request]) -> list[list[Request]]:
    """Requests that can run side by side: none leans on the thread after another, and no read follows a write."""
    groups: list[list[Request]] = []
    for request in requests:
        references = [request.target, request.scope, *request.people]
        leans = any(reference and reference.leans_on_thread for reference in references)
        follows_write = (
            bool(groups) and any(earlier.verb not in _READS for earlier in groups[-1]) and request.verb in _READS
        )
        if groups and not leans and not follows_write and not request.is_elliptic:
            groups[-1].append(request)
        else:
            groups.append([request])
    return groups


def _side_by_side(programs: Sequence[Steps[Answer]]) -> Steps[list[Answer]]:
    """Runs programs in step: what all of them wait for goes out as one batch of calls."""
    answers: dict[int, Answer] = {}
    waiting: dict[int, list[Call]] = {}
    inbox: dict[int, list[Outcome] | None] = {at: None for at in range(len(programs))}
    while inbox:
        waiting = {}
        for at, outcomes in inbox.items():
            try:
                waiting[at] = next(programs[at]) if outcomes is None else programs[at].send(outcomes)
            except StopIteration as done:
                answers[at] = done.value
        received = (yield [call for calls in waiting.values() for call in calls]) if waiting else []
        inbox, start = {}, 0
        for at, calls in waiting.items():
            inbox[at] = received[start : start + len(calls)]
            start += len(calls)
    return [answers[at] for at in sorted(answers)]
