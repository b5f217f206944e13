"""Recorded calls: what was said about something, and where."""

import re
import unicodedata
from collections.abc import Sequence

from crm.connector import Filter
from crm.schema import object_of
from tools._briefing import get_seen
from tools._declare import (
    Arguments,
    Integrity,
    Result,
    ToolContext,
    ToolFailedError,
    ToolRetryError,
    argument,
    output,
    tool,
)
from tools._passages import Passage, read_transcripts
from tools._reading import counted
from tools._shapes import record_reference
from trust.actions import Effect
from trust.scopes import CRM_READ

_WORD = re.compile(r"\w{2,}")
_STEM = 5
_EMPTY = frozenset(
    (
        "a about an and any are did do for from have in is it of on or our that the their they this to was we were "
        "what when who with"
    ).split()
)
_ALSO: tuple[frozenset[str], ...] = (
    frozenset("price cost expensive discount budget money amount pay afford euro dollar".split()),
    frozenset("competitor competition rival alternative vendor supplier compare".split()),
    frozenset("deadline date when timeline week month quarter shutdown urgent hurry soon".split()),
    frozenset("decide decision sign approve authority director committee board boss".split()),
    frozenset("problem issue complaint fail broken trouble risk concern worry".split()),
    frozenset("next step follow action send promise agree proposal".split()),
)
"""Words that people use for the same matter."""


class ExploreTranscript(Arguments):
    record_id: str = record_reference("The call transcript, or the opportunity or lead whose calls are meant.")
    topic: str | None = argument(
        "What the passages are to be about, such as price, competitors, deadline; leave out to read from the start.",
        default=None,
        max_length=200,
    )
    limit: int = argument("How many passages to return.", default=10, ge=1, le=40)


class CallPassage(Result):
    id: str = output("Record id of the transcript.")
    passage: int = output("Number of the line in it, from 1.")
    at: str | None = output("When the call ended.")
    speaker: str | None = output("Who said it.", integrity=Integrity.EXTERNAL)
    text: str = output("What was said.", integrity=Integrity.EXTERNAL)
    score: float = output("How much of the topic is in it, from 0 to 1.")


class CallPassages(Result):
    summary: str = output("How much was found.")
    calls: int = output("Calls that were looked through.")
    passages: list[CallPassage] = output(
        "Best first; in the order of the call without a topic.", integrity=Integrity.EXTERNAL
    )


@tool(effect=Effect.READ, scope=CRM_READ)
async def explore_transcript(ctx: ToolContext, args: ExploreTranscript) -> CallPassages:
    """Explore call transcripts: what was said in the recorded calls of an opportunity, deal or lead about a topic, with
    the passages and the number of each line. What did they say on the phone, in the call, about price or deadlines.

    People say: did they mention <topic> in the call about it; did they mention/say <topic> in the call/calls with it;
    what did they say about <topic> in the call about/with it; what was said about <topic> in the call about/with it;
    did <topic> come up in the call about/with it; what did it say about <topic> on the phone; was there talk of <topic>
    in the call about/with it.
    """
    passages = await read_transcripts(ctx.crm, [await _which(ctx, args.record_id)])
    if passages is None:
        raise ToolFailedError("you may not read call transcripts")
    wanted = _wanted(args.topic) if args.topic else []
    scored = [(_score(one, wanted), one) for one in passages] if wanted else [(1.0, one) for one in passages]
    found = [pair for pair in scored if pair[0] > 0]
    if wanted:
        found.sort(key=lambda pair: -pair[0])
    calls = len({one.record_id for one in passages})
    return CallPassages(
        summary=f"{counted(len(found), 'passage')} in {counted(calls, 'call')}.",
        calls=calls,
        passages=[_shown(score, one) for score, one in found[: args.limit]],
    )


async def _which(ctx: ToolContext, record_id: str) -> Filter:
    about = object_of(record_id)
    fields = {"VoiceCallTranscript__c": "Id", "Opportunity": "OpportunityId__c", "Lead": "LeadId__c"}
    if about not in fields:
        raise ToolRetryError("record_id: expected the id of a call transcript, opportunity or lead")
    row = await get_seen(ctx.crm, about, record_id, argument="record_id")
    return Filter(fields[about], "eq", row["Id"])


def _wanted(topic: str) -> list[frozenset[str]]:
    """For each word of the topic the stems that stand for it."""
    words = [word for word in _words(topic) if word not in _EMPTY]
    return [frozenset(word[:_STEM] for word in {one, *_kin(one)}) for one in words]


def _kin(word: str) -> Sequence[str]:
    return [other for group in _ALSO if any(one[:_STEM] == word[:_STEM] for one in group) for other in group]


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _score(passage: Passage, wanted: Sequence[frozenset[str]]) -> float:
    """The share of the topic's words that the passage has, in whatever form or by another word for it."""
    stems = {word[:_STEM] for word in _words(passage.text)}
    return round(sum(bool(stems & some) for some in wanted) / len(wanted), 2)


def _shown(score: float, one: Passage) -> CallPassage:
    return CallPassage(id=one.record_id, passage=one.number, at=one.at, speaker=one.speaker, text=one.text, score=score)
