"""Fills text arguments: what is quoted or follows a lead such as 'because', a name, or the clause itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents._offline.choosing import Profile
from agents._offline.reader import Reader
from agents._offline.schemas import Argument, Spec, Takes
from agents._offline.stems import stem
from agents._offline.words import Kind

_QUERY_NAMES = frozenset("question query request wording prompt utterance ask instruction".split())
_QUERY_WORDS = re.compile(
    r"\b(?:question|plain words|own words|words to look for|what to look for|as (?:asked|said))\b"
)
_NAME_WORDS = re.compile(
    r"\b(?:name|company|person|title) of\b|\b(?:its|their|whose) names?\b"
    r"|^(?:full |first |last )?names?\b|\bby name\b|\bcalled\b"
)
_REASON = frozenset(map(stem, ("reason", "why", "because", "cause", "justification")))
_TOPIC = frozenset(map(stem, ("topic", "theme", "subject", "about", "goal", "objective", "purpose", "focus", "title")))
_REASON_LEADS = ("because of", "because", "due to", "since", "as", "reason")
_BODY_LEADS = (
    "saying that", "saying", "stating that", "stating", "telling them that", "that says", "with the text",
    "with the words", "as follows",
)  # fmt: skip
_TOPIC_LEADS = ("about", "regarding", "concerning", "on the topic of")
_JOINERS = frozenset(("is", ":", "=", "-", "was", "of", "as", "be", "that"))
_DANGLING = frozenset((",", ";", "with", "and", "a", "an", "the", "on", "at", "of"))
_MOST = 3_500
_SENTENCE = 4


def asks_in_words(argument: Argument) -> bool:
    """Whether the argument wants the request as it was said."""
    told = argument.first_sentence.lower()
    return argument.name in _QUERY_NAMES or bool(_QUERY_WORDS.search(told))


def holds_name(argument: Argument) -> bool:
    """Whether the argument wants what something is called."""
    if asks_in_words(argument):
        return False
    told = argument.first_sentence.lower()
    return argument.name == "name" or argument.name.endswith("_name") or bool(_NAME_WORDS.search(told))


def _narrows(argument: Argument) -> bool:
    """Whether it keeps to a value, so that no sentence is meant for it."""
    return not argument.is_required and argument.description.startswith("Only ")


def read_led(spec: Spec, reader: Reader, clause: str, values: dict[str, object]) -> None:
    """Texts behind their own word, a lead or a colon, and what is quoted. Their words are taken."""
    texts = [one for one in spec.taking(Takes.TEXT) if not asks_in_words(one)]
    for argument in texts:
        place = _own_lead(argument, reader)
        if place is not None:
            _take_text(argument, reader, clause, place, values)
    for argument in texts:
        if argument.name in values or holds_name(argument):
            continue
        if leads := _leads(argument):
            found = reader.find_phrase(*leads)
            if found and found[1] < len(reader) and found[0] > 0:
                _take_text(argument, reader, clause, found, values)
    _read_quotes(texts, reader, values)
    _read_addresses(texts, reader, values)
    _read_colon(texts, reader, clause, values)


def _own_lead(argument: Argument, reader: Reader) -> tuple[int, int] | None:
    """'resolution: ...', 'with the subject Offer', 'named Spring'."""
    own = [word for word in argument.name.split("_") if word not in ("text", "name", "id")] or [argument.name]
    for at in reader.free():
        if at == 0 or reader.word(at) != own[-1]:
            continue
        after = at + 1
        marked = reader.word(after) in _JOINERS
        led = reader.word(at - 1) in ("with", "the", "and", ",", "a", "as", "its")
        starts = reader.tokens[after : after + 1] and (
            reader.tokens[after].kind is Kind.QUOTE or reader.word(after) in (":", "=")
        )
        if starts or (marked and led):
            return at, after + marked
        if reader.word(at - 1) in ("with", "as") and after < len(reader):
            return at, after
    if holds_name(argument):
        for at in reader.free():
            if reader.word(at) in ("named", "called", "titled") and at + 1 < len(reader):
                return at, at + 1
    return None


def _leads(argument: Argument) -> tuple[str, ...]:
    words = argument.own_words | argument.words
    if argument.own_words & _REASON or (argument.words & _REASON and not argument.own_words & _TOPIC):
        return _REASON_LEADS
    if argument.own_words & _TOPIC:
        return _TOPIC_LEADS
    return _BODY_LEADS if words and argument.longest > 300 else ()


def _take_text(
    argument: Argument, reader: Reader, clause: str, lead: tuple[int, int], values: dict[str, object]
) -> None:
    start = lead[1]
    while start < len(reader) and reader.word(start) in (":", "=", ","):
        start += 1
    if start >= len(reader):
        return
    end = _end_of(argument, reader, start)
    text = clause[reader.tokens[start].start : reader.tokens[end - 1].end].strip().strip('"').strip(" .")
    if text:
        values[argument.name] = [text] if argument.is_list else text[: min(argument.longest, _MOST)]
        reader.take(lead[0], end)


def _end_of(argument: Argument, reader: Reader, start: int) -> int:
    """Short texts end before the next clause mark; long ones run to the end."""
    if reader.tokens[start].kind is Kind.QUOTE:
        return start + 1
    if argument.longest > 300 and not holds_name(argument):
        end = next((at for at in range(start + 1, len(reader)) if reader.used[at]), len(reader))
        while end > start + 1 and reader.word(end - 1) in _DANGLING:
            end -= 1
        return end
    stops = (",", ";", "for", "with", "and")
    return next((at for at in range(start + 1, len(reader)) if reader.word(at) in stops), len(reader))


def _read_quotes(texts: Sequence[Argument], reader: Reader, values: dict[str, object]) -> None:
    for argument in sorted(texts, key=lambda one: (not one.is_required, -one.longest)):
        quoted = next((at for at in reader.free() if reader.tokens[at].kind is Kind.QUOTE), None)
        if quoted is None:
            return
        if argument.name not in values:
            text = reader.tokens[quoted].text[: argument.longest]
            values[argument.name] = [text] if argument.is_list else text
            reader.take(quoted, quoted + 1)


def _read_addresses(texts: Sequence[Argument], reader: Reader, values: dict[str, object]) -> None:
    for kind, words in ((Kind.EMAIL, {"email", "mail"}), (Kind.URL, {"url", "link", "websit"})):
        for at in list(reader.free()):
            if reader.tokens[at].kind is not kind:
                continue
            taker = next((one for one in texts if one.words & words and one.name not in values), None)
            if taker:
                values[taker.name] = reader.tokens[at].text
                reader.take(at, at + 1)


def _read_colon(texts: Sequence[Argument], reader: Reader, clause: str, values: dict[str, object]) -> None:
    """'close case 1234: replaced the cable': what follows a colon is the text that is missing."""
    free = [one for one in texts if one.name not in values and not holds_name(one) and not _narrows(one)]
    place = reader.find_phrase(":")
    if free and place and place[1] < len(reader):
        chosen = min(free, key=lambda one: (not one.is_required, -one.longest))
        _take_text(chosen, reader, clause, place, values)


@dataclass
class Rest:
    """Texts that have to be given and were not led in: the clause as said, or what follows the words of the tool."""

    profile: Profile
    reader: Reader
    clause: str
    stems: Sequence[str]
    labelled: Sequence[bool]
    """Which tokens went to an argument by its own word; a text ends before them."""

    def read(self, values: dict[str, object]) -> None:
        for argument in self.profile.spec.taking(Takes.TEXT):
            if argument.name in values:
                continue
            if asks_in_words(argument) and (argument.is_required or argument.name in _QUERY_NAMES):
                values[argument.name] = self.clause.strip()[: min(argument.longest, _MOST)]
            elif rest := self._told() if argument.is_required and not holds_name(argument) else "":
                values[argument.name] = [rest] if argument.is_list else rest[: min(argument.longest, _MOST)]

    def _told(self) -> str:
        return self._after_comma() or self._after_tool_words()

    def _after_comma(self) -> str:
        """'cancel order 100, they changed their mind': the sentence behind the request; empty if there is none."""
        comma = next((at for at in range(2, len(self.reader)) if self.reader.word(at) == ","), None)
        if comma is None or len(self.reader) - comma < _SENTENCE or any(self.labelled[comma:]):
            return ""
        self.reader.take(comma, len(self.reader))
        return self.clause[self.reader.tokens[comma + 1].start :].strip(" .!?")

    def _after_tool_words(self) -> str:
        """The clause without its beginning that only says what is to be done; empty if next to nothing is left."""
        reader, size = self.reader, len(self.reader)
        named = {*self.profile.name, *(stem(word) for word in self.profile.spec.summary.lower().split()[:3])}
        at = 0
        while at < size and (not self.stems[at] or self.stems[at] in named) and not self._stands_out(at):
            at += 1
        end = next((i for i in range(at, size) if self.labelled[i] or self._is_figure(i)), size)
        while end > at and reader.word(end - 1) in _DANGLING:
            end -= 1
        if sum(reader.tokens[i].kind is not Kind.MARK for i in range(at, end)) < 2:
            return ""
        reader.take(at, end)
        return self.clause[reader.tokens[at].start : reader.tokens[end - 1].end].strip(" .!?")

    def _stands_out(self, at: int) -> bool:
        token = self.reader.tokens[at]
        return token.kind in (Kind.QUOTE, Kind.MASK, Kind.NUMBER) or bool(token.is_capital and at)

    def _is_figure(self, at: int) -> bool:
        """A number, date or id that went to another argument."""
        return self.reader.used[at] and self.reader.tokens[at].kind not in (Kind.WORD, Kind.MARK, Kind.MASK)
