"""Reads what narrows a list down: whose, which state, when, how much."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from agents._offline.amounts import read_amount
from agents._offline.dates import AHEAD, Span, TodayUnknownError, bring_ahead, read_date
from agents._offline.flags import read_worded_flags
from agents._offline.lexicon import (
    CHANNELS,
    COUNTRIES,
    DATE_VERBS,
    EVERY_RECORD_HAS,
    INDUSTRIES,
    MEASURES,
    NAME_FIELDS,
    OBJECT_WORDS,
    US_STATES,
    closest,
    field_named,
)
from agents._offline.order import default_date, default_measure
from agents._offline.prompt import Briefing, FieldInfo, ObjectInfo
from agents._offline.reader import Reader
from agents._offline.request import Condition
from agents._offline.stems import stem
from agents._offline.words import Kind, Token, singular, tokenize

_NOT = frozenset("not non except excluding without other never no nor".split())
_COMPARISONS: Mapping[str, str] = {
    phrase: op
    for op, phrases in {
        "gt": "over, above, more than, greater than, larger than, bigger than, higher than, exceeding, north of, >",
        "ge": "at least, minimum of, not less than, no less than, >=, > =",
        "lt": "under, below, less than, fewer than, smaller than, lower than, cheaper than, <",
        "le": "at most, up to, no more than, not more than, maximum of, <=, < =",
        "eq": "worth, exactly, equal to, of exactly, =",
    }.items()
    for phrase in phrases.split(", ")
}
_AFTER = ("since", "after", "from", "starting", "later than", "newer than", "as of", "past")
_BEFORE = ("before", "until", "till", "by", "earlier than", "older than", "prior to")
_MISSING = ("without", "missing", "lacking", "with no", "that have no", "has no", "have no", "having no", "no")
_OPEN = "open unresolved active outstanding pending ongoing unfinished incomplete live running unsolved".split()
_SHUT = "closed resolved completed finished done solved".split()
_MINE = (
    "owned by me", "assigned to me", "that i own", "i own", "in my name", "on my plate", "that i have",
    "do i have", "i have", "am i working on", "i am working on", "did i", "do i still have", "have i got",
    "i still have", "i need to do", "have i", "i handle", "i manage", "mine", "my own", "my",
)  # fmt: skip
_MY_DEEDS = frozenset("win lose own have won lost closed created opened made logged signed got".split())
_TEXT_LEADS: Mapping[str, str] = {
    "starting with": "starts_with", "that start with": "starts_with", "beginning with": "starts_with",
    "containing": "contains", "mentioning": "contains", "that mention": "contains", "named": "contains",
    "called": "contains", "about": "contains", "regarding": "contains", "concerning": "contains",
    "with subject": "contains", "in the subject": "contains", "related to": "contains", "with the word": "contains",
}  # fmt: skip


_LONG_VALUE = 7
AGE_UNITS = frozenset(("day", "week", "month", "quarter", "year"))


def is_form_of(word: str, value: str) -> bool:
    """'negotiated' and 'negotiating' of 'negotiation'; never the name of a kind of record."""
    return len(word) >= _LONG_VALUE and singular(word) not in OBJECT_WORDS and stem(word) == stem(value)


def _first_day(span: Span) -> date:
    return span.first


class ConditionReader:
    def __init__(self, reader: Reader, info: ObjectInfo, briefing: Briefing) -> None:
        self._reader = reader
        self._info = info
        self._briefing = briefing
        self.found: list[Condition] = []
        self.needs_today = False

    def read(self) -> list[Condition]:
        """Every condition in the clause, in a fixed order; the words they took are marked as read."""
        self.found += read_worded_flags(self._reader, self._info, self._negated)
        self._read_missing()
        self._read_overdue()
        self._read_age()
        self._read_dates()
        self._read_numbers()
        self._read_values()
        self._read_openness()
        self._read_flags()
        self._read_mine()
        self._read_places()
        self._read_origin()
        self._read_worded_fields()
        self._read_texts()
        return self.found

    def read_span(self) -> list[Condition]:
        """Only the time that is spoken of."""
        self._read_dates()
        return self.found

    def _add(self, field: str, op: str, value: object, topic: str) -> None:
        self.found.append(Condition(field, op, value, topic))

    # The person asking

    def _read_mine(self) -> None:
        reader, caller = self._reader, self._briefing.caller
        said = reader.take_phrase(*_MINE) or self._does_myself()
        if not said or caller is None:
            return
        if not caller.is_customer:
            self._add("CreatedById" if self._info.name == "User" else "OwnerId", "eq", caller.record_id, "mine")
        elif field := self._info.first("ContactId", "WhoId"):
            self._add(field, "eq", caller.record_id, "mine")

    def _does_myself(self) -> bool:
        """'the deals I won': the person asking is who did it."""
        return any(
            self._reader.word(at) == "i" and self._reader.word(at + 1) in _MY_DEEDS for at in range(len(self._reader))
        )

    # States

    def _negated(self, at: int) -> bool:
        """Whether a 'not' stands just before, and takes it."""
        for back in (1, 2, 3):
            word = self._reader.word(at - back)
            if word in _NOT and self._reader.is_free(at - back):
                self._reader.take(at - back, at)
                return True
            if word not in (
                "yet",
                "in",
                "-",
                "the",
                "stage",
                "status",
                "with",
                "priority",
                "those",
                "than",
                "ones",
                "currently",
                "been",
                "is",
                "are",
            ):
                return False
        return False

    def _read_openness(self) -> None:
        for word, won in (("won", True), ("win", True), ("lost", False), ("lose", False)):
            at = self._reader.find_phrase(word)
            if at and self._info.first("IsWon"):
                self._reader.take(*at)
                if self._reader.word(at[0] - 1) in ("closed", "closed-"):
                    self._reader.take(at[0] - 1, at[0])
                self._add("IsWon", "eq", won != self._negated(at[0]), "open")
                if not won:
                    self._add("IsClosed", "eq", True, "open")
                return
        for word in (*_OPEN, *_SHUT):
            at = self._reader.find_phrase(word)
            if at:
                self._reader.take(*at)
                is_open = (word in _OPEN) != self._negated(at[0])
                self._add_openness(is_open)
                return

    def _add_openness(self, is_open: bool) -> None:
        if self._info.first("IsClosed"):
            self._add("IsClosed", "eq", not is_open, "open")
        elif closing := self._info.closing_field():
            self._add(closing[0], "ne" if is_open else "eq", closing[1], "open")
        elif self._info.first("IsConverted"):
            self._add("IsConverted", "eq", not is_open, "open")
        elif self._info.name in ("Case", "Opportunity"):
            self._add("IsClosed", "eq", not is_open, "open")

    def _read_flags(self) -> None:
        for name in self._info.fields:
            if self._info.fields[name].is_flag and name not in ("IsClosed", "IsWon", "IsDeleted"):
                word = name.removeprefix("Is").removeprefix("Has").lower()
                if at := self._reader.find_phrase(word, "un" + word):
                    self._reader.take(*at)
                    negated = self._reader.word(at[0]).startswith("un") or self._negated(at[0])
                    self._add(name, "eq", not negated, name)

    def _read_values(self) -> None:
        for info in self._info.fields.values():
            positive, negative = self._values_of(info)
            if positive:
                value: object = positive[0] if len(positive) == 1 else positive
                self._add(
                    info.name, "eq" if len(positive) == 1 else "in", value, "open" if self._closes(info) else info.name
                )
            for value in negative:
                self._add(info.name, "ne", value, "open" if self._closes(info) else info.name)

    def _closes(self, info: FieldInfo) -> bool:
        closing = self._info.closing_field()
        return closing is not None and closing[0] == info.name

    def _values_of(self, info: FieldInfo) -> tuple[list[str], list[str]]:
        positive: list[str] = []
        negative: list[str] = []
        for value in sorted(info.values, key=len, reverse=True):
            for start, end in self._places(value):
                if value.lower() == "closed" and "IsClosed" in self._info.fields:
                    continue
                if value.lower() == "new" and self._dates_found():
                    self._reader.take(start, end)
                    continue
                negated = self._negated(start)
                self._take_value(start, end, info)
                (negative if negated else positive).append(value)
                break
        return positive, negative

    def _dates_found(self) -> bool:
        return any(condition.topic == "date" for condition in self.found)

    def _places(self, value: str) -> list[tuple[int, int]]:
        words = value.lower().split()
        places = []
        for at in self._reader.free():
            said = [self._reader.word(at + i) for i in range(len(words))]
            if len(words) == 1 and len(words[0]) >= _LONG_VALUE and is_form_of(said[0], words[0]):
                places.append((at, at + 1))
            elif all(
                s == w or (closest(s, [w]) and (len(w) >= 6 or len(w) == 4)) for s, w in zip(said, words, strict=True)
            ):
                places.append((at, at + len(words)))
        return places

    def _take_value(self, start: int, end: int, info: FieldInfo) -> None:
        """Takes the value with the words around it that only name its field."""
        self._reader.take(start, end)
        for at in (start - 1, start - 2, end):
            word = self._reader.word(at)
            if (
                self._reader.is_free(at)
                and word not in ("account", "contact", "case", "customer")
                and ((named := field_named([word], self._info)) and named.name == info.name)
            ):
                self._reader.take(at, at + 1)

    # Dates

    def _read_dates(self) -> None:
        at = 0
        while at < len(self._reader):
            span = self._date_at(at) if self._reader.is_free(at) else None
            if span:
                self._reader.take(span.start, span.end)
                self._narrow_to(span)
            at = span.end if span else at + 1

    def _read_age(self) -> None:
        """'older than 30 days', 'more than two weeks old', 'newer than a month'."""
        reader = self._reader
        for phrase in ("older than", "newer than", "younger than", "more than", "over", "less than"):
            place = reader.find_phrase(phrase)
            if not place:
                continue
            end = next((at for at in range(place[1] + 1, place[1] + 3) if singular(reader.word(at)) in AGE_UNITS), 0)
            is_age = phrase.split()[0] in ("older", "newer", "younger") or reader.word(end + 1) == "old"
            tokens = tokenize(f"{reader.rest(place[1], end + 1)} ago") if end and is_age else []
            if span := self._relative(tokens):
                reader.take(place[0], end + 1 + (reader.word(end + 1) == "old"))
                is_before = phrase in ("older than", "more than", "over")
                self._add("CreatedDate", "lt" if is_before else "ge", span.first.isoformat(), "date")
                return

    def _relative(self, tokens: Sequence[Token]) -> Span | None:
        try:
            return read_date(tokens, 0, self._briefing.today) if tokens else None
        except TodayUnknownError:
            self.needs_today = True
            return None

    def _date_at(self, at: int) -> Span | None:
        try:
            return read_date(self._reader.tokens, at, self._briefing.today)
        except TodayUnknownError:
            self.needs_today = True
            return None

    def _narrow_to(self, span: Span) -> None:
        reader = self._reader
        at, bound = span.start - 1, ""
        while at >= 0 and reader.word(at) in ("in", "on", "the", "within", "during", "at", "for", "of", "this"):
            at -= 1
        for words, op in ((_AFTER, "ge"), (_BEFORE, "lt"), (("between",), "between")):
            for phrase in words:
                size = len(phrase.split())
                if phrase == "starting" and self._info.first("StartDate", "StartDateTime", "EffectiveDate"):
                    continue
                if " ".join(reader.word(i) for i in range(at - size + 1, at + 1)) == phrase:
                    bound = op if phrase != "older than" else "older"
                    said, at = phrase, at - size
                    break
            if bound:
                break
        second = self._second_end(span) if bound in ("between", "ge") else self._joined_end(span) if not bound else None
        field = self._date_field(at, bound)
        is_untouched = field in ("LastModifiedDate", "CloseDate", "ClosedDate") and self._negated_before(span.start)
        reader.take(at + 1, span.start)
        if is_untouched:
            self._add(field, "lt", span.first.isoformat(), "date")
            return
        span = self._forward(span, field)
        if bound == "ge" and said == "from" and span.first != span.last:
            bound = ""  # 'from last month' is that month and not all that followed
        if bound == "ge" and not second:
            first = span.last + timedelta(1) if said == "after" and span.first == span.last else span.first
            self._add(field, "ge", first.isoformat(), "date")
        elif bound == "older":
            self._add(field, "lt", self._age_limit(span).isoformat(), "date")
        elif bound == "lt":
            is_end = "end" in (reader.word(span.start), reader.word(span.start + 1))
            last = span.last + timedelta(1) if said in ("by", "until", "till") or is_end else span.first
            self._add(field, "lt", last.isoformat(), "date")
        else:
            self._add(field, "ge", min(span, second or span, key=_first_day).first.isoformat(), "date")
            self._add(field, "lt", (max(span, second or span, key=_first_day).last + timedelta(1)).isoformat(), "date")

    def _negated_before(self, at: int) -> bool:
        """'not updated in the last month', 'untouched since': nothing happened in that time."""
        back = [self._reader.word(at - i) for i in range(1, 7)]
        for step, word in enumerate(back):
            if word in ("untouched", "unchanged"):
                self._reader.take(at - step - 1, at)
                return True
            if word in ("not", "never", "no") and any(verb in DATE_VERBS for verb in back[:step]):
                self._reader.take(at - step - 1, at)
                return True
        return False

    def _read_overdue(self) -> None:
        """Due before today and not done."""
        field = self._info.first("ActivityDate", "CloseDate", "ExpirationDate", "EndDate")
        phrases = (
            "overdue", "past due", "past their due date", "past its due date", "late", "past close date",
            "past their close date", "past its close date", "past the close date", "past the due date",
        )  # fmt: skip
        if not field or not self._reader.find_phrase(*phrases):
            return
        self._reader.take_phrase(*phrases)
        if self._briefing.today is None:
            self.needs_today = True
            return
        self._add(field, "lt", self._briefing.today.isoformat(), "date")
        self._add_openness(is_open=True)

    def _age_limit(self, span: Span) -> date:
        return span.first

    def _forward(self, span: Span, field: str) -> Span:
        """A month without a year lies ahead when people speak of closing or being due."""
        if field not in AHEAD or {token.low for token in self._reader.tokens} & {"closed", "won", "lost", "win"}:
            return span
        return bring_ahead(span, self._reader.tokens[span.start : span.end], self._briefing.today)

    def _joined_end(self, span: Span) -> Span | None:
        """'yesterday or today': the second of two times said side by side."""
        joins = self._reader.word(span.end) in ("or", "and")
        second = self._date_at(span.end + 1) if joins and self._reader.is_free(span.end) else None
        if second:
            self._reader.take(span.end, second.end)
        return second

    def _second_end(self, span: Span) -> Span | None:
        if self._reader.word(span.end) not in ("and", "to", "until", "-", "till", "through"):
            return None
        second = self._date_at(span.end + 1)
        if second:
            self._reader.take(span.end, second.end)
        return second

    def _date_field(self, at: int, bound: str) -> str:
        reader = self._reader
        while reader.word(at) in ("is", "was", "were", "date", "on", "are", "to", "that", "have", "been"):
            at -= 1
        size = 2 if reader.word(at + 1) == "date" else 1
        for candidate in (*DATE_VERBS.get(reader.word(at), ()), *self._dates_called(at, size)):
            if candidate in self._info.fields or candidate in EVERY_RECORD_HAS:
                tells_state = reader.word(at) in (*_SHUT, "won", "win", "lost", "lose")
                reader.take(at + tells_state, at + size)
                return candidate
        if any(reader.word(i) == "new" for i in range(len(reader))) or bound == "older":
            return "CreatedDate"
        return default_date(self._info)

    def _dates_called(self, at: int, size: int) -> list[str]:
        words = [self._reader.word(at + i) for i in range(size)]
        named = field_named(words, self._info) if all(words) else None
        return [named.name] if named and named.is_date else []

    # Numbers

    def _read_numbers(self) -> None:
        reader = self._reader
        for phrase in sorted([*_COMPARISONS, "between"], key=len, reverse=True):
            place = reader.find_phrase(phrase)
            low = read_amount(reader.tokens, place[1]) if place else None
            if not place or not low or not reader.is_free(place[1]):
                continue
            high = (
                read_amount(reader.tokens, low.end + 1)
                if phrase == "between" and reader.word(low.end) == "and"
                else None
            )
            if phrase == "between" and not high:
                continue
            if phrase == "worth" and place[0] and self.found and self.found[-1].topic == "amount":
                continue
            end = high.end if high else low.end
            negated = reader.word(place[0] - 1) == "not"
            field = self._number_field(place[0], end)
            if field is None:
                continue
            reader.take(place[0] - negated, end)
            if high:
                self._add(field, "ge", low.value, "amount")
                self._add(field, "le", high.value, "amount")
            else:
                op = _COMPARISONS[phrase]
                self._add(field, {"gt": "le", "lt": "ge"}.get(op, op) if negated else op, low.value, "amount")
                reader.take_phrase("worth")

    def _number_field(self, start: int, end: int) -> str | None:
        reader = self._reader
        for size in (3, 2, 1):
            for at in (end, start - size, start - size - 1):
                words = [reader.word(at + i) for i in range(size)]
                named = field_named(words, self._info) if all(words) and reader.is_free(at) else None
                if named and (named.is_number or named.name in MEASURES):
                    reader.take(at, at + size)
                    reader.take_phrase("with an", "with a")
                    return named.name
        return default_measure(self._info)

    # Where, and by which way

    def _read_places(self) -> None:
        """'in California', 'in Germany', 'based in Oakland': a state, a country, else a town."""
        reader = self._reader
        state, country, city = (self._info.first(f"{lead}{part}") for part in ("State", "Country", "City")
                                for lead in ("Billing",))  # fmt: skip
        for at in list(reader.free()):
            if reader.word(at) not in ("in", "from", "near") or not city:
                continue
            start = at + 1 + (reader.word(at + 1) == "the")
            if place := self._known_place(start, state, country):
                field, value, end = place
                self._add(field, "eq", value, "place")
            elif run := self._capitals_from(start):
                self._add(city, "eq", reader.rest(start, run), "place")
                end = run
            else:
                continue
            reader.take(at, end)
            reader.take_phrase("based", "located", "headquartered", "situated")
            return
        self._read_industry()

    def _known_place(self, start: int, state: str | None, country: str | None) -> tuple[str, str, int] | None:
        reader = self._reader
        for size in (2, 1):
            said = " ".join(reader.word(start + i) for i in range(size))
            if state and said in US_STATES:
                return state, US_STATES[said], start + size
            if country and said in COUNTRIES:
                return country, COUNTRIES[said], start + size
        if state and reader.is_free(start) and reader.rest(start, start + 1) in US_STATES.values():
            return state, reader.rest(start, start + 1), start + 1
        return None

    def _capitals_from(self, start: int) -> int | None:
        end = start
        while self._reader.is_free(end) and self._reader.tokens[end].is_capital and end - start < 4:
            end += 1
        is_sector = end == start + 1 and self._reader.word(start) in INDUSTRIES
        return end if end > start and not is_sector else None

    def _read_industry(self) -> None:
        reader, field = self._reader, self._info.first("Industry")
        for at in reader.free():
            if field and reader.word(at) in INDUSTRIES and not self._is_name(at):
                self._add(field, "ne" if self._negated(at) else "contains", reader.rest(at, at + 1), field)
                if "in" in (back := [reader.word(at - i) for i in range(1, 4)]):
                    reader.take(at - back.index("in") - 1, at)
                reader.take(at - (reader.word(at - 1) in ("in", "the", "from")), at + 1)
                reader.take_phrase("industry", "sector", "in the", "in")
                return

    def _is_name(self, at: int) -> bool:
        before = self._reader.tokens[at - 1] if at else None
        return bool(before and before.is_capital and self._reader.tokens[at].is_capital and at > 1)

    def _read_origin(self) -> None:
        """'leads from the web', 'cases by phone'."""
        reader, field = self._reader, self._info.first("LeadSource", "Origin")
        for at in list(reader.free()):
            if not field or reader.word(at) not in ("from", "via", "by", "through", "over"):
                continue
            start = at + 1 + (reader.word(at + 1) in ("the", "a", "our"))
            for size in (3, 2, 1):
                said = " ".join(reader.word(start + i) for i in range(size))
                if said in CHANNELS or singular(said) in CHANNELS:
                    self._add(field, "contains", said.removesuffix("s"), field)
                    reader.take(at, start + size)
                    return

    def _read_worded_fields(self) -> None:
        """'of type Email', 'in the Flow family': a field of free text named beside its value."""
        reader = self._reader
        for at in list(reader.free()):
            named = field_named([reader.word(at)], self._info) if reader.word(at).isalpha() else None
            if named is None or named.values or named.is_date or named.is_number or named.is_flag or named.is_reference:
                continue
            if named.name in NAME_FIELDS:
                continue
            after, before = at + 1 + (reader.word(at + 1) in ("is", "=", ":")), at - 1
            place = next((one for one in (after, before) if self._is_value(one)), None)
            if place is not None:
                self._add(named.name, "contains", reader.rest(place, place + 1), named.name)
                reader.take(min(at, place), max(at, place) + 1)

    def _is_value(self, at: int) -> bool:
        return self._reader.is_free(at) and (
            self._reader.tokens[at].is_capital or self._reader.tokens[at].kind is Kind.QUOTE
        )

    # Texts and gaps

    def _read_missing(self) -> None:
        reader = self._reader
        for phrase in _MISSING:
            place = reader.find_phrase(phrase)
            if not place:
                continue
            at = place[1] + (reader.word(place[1]) in ("a", "an", "any", "the"))
            for size in (2, 1):
                words = [reader.word(at + i) for i in range(size)]
                named = field_named(words, self._info) if all(words) else None
                if named:
                    reader.take(place[0], at + size)
                    self._add(named.name, "is_null", True, named.name)
                    return

    def _read_address(self) -> None:
        for at in list(self._reader.free()):
            if self._reader.tokens[at].kind is Kind.EMAIL and self._info.first("Email"):
                for back in (1, 2, 3):
                    if self._reader.word(at - back) in ("email", "e-mail", "mail", "address", "with"):
                        self._reader.take(at - back, at - back + 1)
                self._reader.take(at, at + 1)
                self._add("Email", "eq", self._reader.tokens[at].text, "Email")

    def _read_texts(self) -> None:
        reader = self._reader
        self._read_address()
        name = self._info.first("Subject", "Name", "LastName", *NAME_FIELDS) or "Name"
        for phrase, op in _TEXT_LEADS.items():
            place = reader.find_phrase(phrase)
            runs = [run for run in reader.leftovers() if place and run[0] - place[1] in (0, 1, 2)]
            if place and runs:
                reader.take(place[0], runs[0][1])
                self._add(name, op, reader.rest(*runs[0]), "text")
                return
