"""Fills day arguments: both ends of a span, or one day, as their names and descriptions tell."""

from datetime import date, timedelta

from agents._offline.dates import Span, TodayUnknownError, bring_ahead, read_date
from agents._offline.prompt import Briefing
from agents._offline.reader import Reader
from agents._offline.schemas import Argument, Spec, Takes
from agents._offline.stems import stem
from agents._offline.words import tokenize

_STARTS = frozenset(map(stem, "since from start starting after begin beginning first earliest later".split()))
_ENDS = frozenset(map(stem, "until to end ending before last latest earlier up through".split()))
_AFTER = frozenset("since after from starting".split())
_BEFORE = frozenset("before until till by through".split())
_LEADS = frozenset("in on the within during at for of over this between due".split())
_SOME_DAY = date(2000, 1, 1)
"""Stands in for today where only the place of a date in a clause matters."""
_JOINS = frozenset("and to until till through -".split())


class Periods:
    def __init__(self, spec: Spec, reader: Reader, briefing: Briefing) -> None:
        self._reader = reader
        self._today = briefing.today
        days = spec.taking(Takes.DAY)
        self._first = next((one for one in days if _is_start(one)), None)
        self._last = next((one for one in days if _is_end(one)), None)
        self._single = [one for one in days if one not in (self._first, self._last)]
        if self._last is None and self._first is not None and len(days) == 1 and not _is_window(self._first):
            self._first, self._single = None, days
        self.needs_today = False

    def spans(self) -> list[Span]:
        """Where dates stand, whether or not an argument takes them."""
        spans, at = [], 0
        while at < len(self._reader):
            try:
                span = (
                    read_date(self._reader.tokens, at, self._today or _SOME_DAY) if self._reader.is_free(at) else None
                )
            except TodayUnknownError:
                span = None
            if span:
                spans.append(span)
            at = span.end if span else at + 1
        return spans

    def read(self) -> dict[str, object]:
        if not (self._first or self._last or self._single):
            return {}
        values: dict[str, object] = {}
        at = 0
        while at < len(self._reader):
            span = self._date_at(at) if self._reader.is_free(at) else None
            if span:
                self._narrow(span, values)
            at = span.end if span else at + 1
        return values

    def _date_at(self, at: int) -> Span | None:
        try:
            return read_date(self._reader.tokens, at, self._today)
        except TodayUnknownError:
            self.needs_today = True
            return None

    def _narrow(self, span: Span, values: dict[str, object]) -> None:
        reader, before = self._reader, span.start - 1
        while reader.word(before) in _LEADS:
            before -= 1
        lead = reader.word(before)
        second = None
        if reader.word(span.end) in _JOINS and (second := self._date_at(span.end + 1)):
            reader.take(span.end, second.end)
        reader.take(before if lead in _AFTER | _BEFORE else before + 1, span.end)
        if self._single and not (self._first and self._last):
            chosen = next((one for one in self._single if one.name not in values), None)
            if chosen:
                ahead = any(word in chosen.name for word in ("due", "close", "end", "expir", "by"))
                span = bring_ahead(span, reader.tokens[span.start : span.end], self._today) if ahead else span
                values[chosen.name] = (span.first if span.first == span.last or not ahead else span.last).isoformat()
            return
        self._bound(lead, span, second, values)

    def _bound(self, lead: str, span: Span, second: Span | None, values: dict[str, object]) -> None:
        first: date | None = span.first
        last: date | None = (second or span).last
        is_day = span.first == span.last
        if lead in _AFTER and not second and (is_day or lead in ("since", "after")):
            first, last = (span.last + timedelta(1) if lead == "after" else span.first), None
        elif lead in _BEFORE and not second:
            first, last = None, (span.first - timedelta(1) if lead == "before" else span.last)
        if self._first and first:
            values[self._first.name] = first.isoformat()
        if self._last and last:
            values[self._last.name] = last.isoformat()


def _is_start(argument: Argument) -> bool:
    return bool(_name_words(argument) & _STARTS)


def _is_end(argument: Argument) -> bool:
    return bool(_name_words(argument) & _ENDS) and not _is_start(argument)


def _is_window(argument: Argument) -> bool:
    """'since' bounds a list; 'start date' of a new campaign is a date of its own."""
    return bool(set(argument.name.split("_")) & {"since", "from", "after", "until", "before"})


def _name_words(argument: Argument) -> frozenset[str]:
    return frozenset(stem(token.low) for token in tokenize(argument.name.replace("_", " ")))
