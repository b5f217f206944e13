"""Reads what narrows a list down: whose, which state, when, how much."""

from datetime import date, timedelta

from agents._offline.amounts import read_amount, small_number
from agents._offline.dates import Span, TodayUnknownError, add_months, read_date
from agents._offline.lexicon import EVERY_RECORD_HAS, MEASURES, NAME_FIELDS, closest, field_named
from agents._offline.prompt import Briefing, FieldInfo, ObjectInfo
from agents._offline.reader import Reader
from agents._offline.request import Condition, Sort

_NOT = frozenset("not non except excluding without other never no".split())
_ABOVE = {
    "over": "gt",
    "above": "gt",
    "more than": "gt",
    "greater than": "gt",
    "larger than": "gt",
    "bigger than": "gt",
    "higher than": "gt",
    "exceeding": "gt",
    "at least": "ge",
    "minimum of": "ge",
    "not less than": "ge",
    "under": "lt",
    "below": "lt",
    "less than": "lt",
    "fewer than": "lt",
    "smaller than": "lt",
    "lower than": "lt",
    "at most": "le",
    "up to": "le",
    "no more than": "le",
    "maximum of": "le",
    ">=": "ge",
    "<=": "le",
    ">": "gt",
    "<": "lt",
    "worth": "eq",
    "exactly": "eq",
    "equal to": "eq",
    "of exactly": "eq",
    "=": "eq",
    "> =": "ge",
    "< =": "le",
}
_DATE_VERBS: dict[str, tuple[str, ...]] = {
    "closing": ("CloseDate", "EndDate", "ClosedDate"),
    "closes": ("CloseDate",),
    "close": ("CloseDate", "ClosedDate"),
    "closed": ("ClosedDate", "CloseDate"),
    "closeing": ("CloseDate",),
    "due": ("ActivityDate", "CloseDate", "ExpirationDate"),
    "expected": ("CloseDate",),
    "expiring": ("ExpirationDate", "EndDate"),
    "expires": ("ExpirationDate", "EndDate"),
    "expire": ("ExpirationDate", "EndDate"),
    "ending": ("EndDate", "ExpirationDate"),
    "ends": ("EndDate",),
    "end": ("EndDate",),
    "starting": ("StartDate", "EffectiveDate", "StartDateTime"),
    "starts": ("StartDate", "StartDateTime"),
    "created": ("CreatedDate",),
    "opened": ("CreatedDate",),
    "logged": ("CreatedDate",),
    "reported": ("CreatedDate",),
    "raised": ("CreatedDate",),
    "added": ("CreatedDate",),
    "submitted": ("CreatedDate",),
    "filed": ("CreatedDate",),
    "new": ("CreatedDate",),
    "received": ("CreatedDate",),
    "registered": ("CreatedDate",),
    "made": ("CreatedDate",),
    "modified": ("LastModifiedDate",),
    "updated": ("LastModifiedDate",),
    "changed": ("LastModifiedDate",),
    "touched": ("LastModifiedDate",),
    "edited": ("LastModifiedDate",),
    "converted": ("ConvertedDate",),
    "won": ("CloseDate",),
    "lost": ("CloseDate",),
    "resolved": ("ClosedDate",),
    "signed": ("CompanySignedDate",),
    "scheduled": ("StartDateTime", "ActivityDate"),
    "placed": ("EffectiveDate", "CreatedDate"),
}
_DEFAULT_DATES = {
    "Opportunity": "CloseDate",
    "Task": "ActivityDate",
    "Event": "StartDateTime",
    "Quote": "ExpirationDate",
    "Order": "EffectiveDate",
    "Contract": "EndDate",
}
_AFTER = ("since", "after", "from", "starting", "later than", "newer than", "as of")
_BEFORE = ("before", "until", "till", "by", "earlier than", "older than", "prior to")
_MISSING = ("without", "missing", "lacking", "with no", "that have no", "has no", "have no", "having no", "no")
_DOWN = frozenset("largest biggest highest top latest newest recent best greatest max maximum most".split())
_UP = frozenset("smallest lowest oldest earliest soonest least min minimum bottom worst cheapest".split())
_TIMELY = frozenset("last latest newest recent oldest earliest soonest".split())


class ConditionReader:
    def __init__(self, reader: Reader, info: ObjectInfo, briefing: Briefing) -> None:
        self._reader = reader
        self._info = info
        self._briefing = briefing
        self.found: list[Condition] = []
        self.needs_today = False

    def read(self) -> list[Condition]:
        """Every condition in the clause, in a fixed order; the words they took are marked as read."""
        self._read_missing()
        self._read_dates()
        self._read_numbers()
        self._read_values()
        self._read_openness()
        self._read_flags()
        self._read_mine()
        self._read_texts()
        return self.found

    def _add(self, field: str, op: str, value: object, topic: str) -> None:
        self.found.append(Condition(field, op, value, topic))

    # The person asking

    def _read_mine(self) -> None:
        reader, caller = self._reader, self._briefing.caller
        said = reader.take_phrase(
            "owned by me", "assigned to me", "i own", "that i own", "in my name", "mine", "my own", "my"
        )
        if not said or caller is None:
            return
        if not caller.is_customer:
            self._add("CreatedById" if self._info.name == "User" else "OwnerId", "eq", caller.record_id, "mine")
        elif field := self._info.first("ContactId", "WhoId"):
            self._add(field, "eq", caller.record_id, "mine")

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
            ):
                return False
        return False

    def _read_openness(self) -> None:
        for word, topic in (
            ("open", True),
            ("unresolved", True),
            ("active", True),
            ("outstanding", True),
            ("pending", True),
            ("ongoing", True),
            ("unfinished", True),
            ("incomplete", True),
            ("closed", False),
            ("resolved", False),
            ("completed", False),
            ("finished", False),
            ("done", False),
        ):
            at = self._reader.find_phrase(word)
            if at:
                self._reader.take(*at)
                is_open = topic != self._negated(at[0])
                self._add_openness(is_open)
                return
        for word, won in (("won", True), ("lost", False)):
            at = self._reader.find_phrase(word)
            if at and self._info.first("IsWon"):
                self._reader.take(*at)
                self._add("IsWon", "eq", won != self._negated(at[0]), "open")
                if not won:
                    self._add("IsClosed", "eq", True, "open")
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
            if all(s == w or (closest(s, [w]) and len(w) >= 6) for s, w in zip(said, words, strict=True)):
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
                if " ".join(reader.word(i) for i in range(at - size + 1, at + 1)) == phrase:
                    bound = op if phrase != "older than" else "older"
                    said, at = phrase, at - size
                    break
            if bound:
                break
        second = self._second_end(span) if bound in ("between", "ge") else None
        field = self._date_field(at, bound)
        reader.take(at + 1, span.start)
        span = self._forward(span, field)
        if bound == "ge" and not second:
            first = span.last + timedelta(1) if said == "after" and span.first == span.last else span.first
            self._add(field, "ge", first.isoformat(), "date")
        elif bound == "older":
            self._add(field, "lt", self._age_limit(span).isoformat(), "date")
        elif bound == "lt":
            last = span.last + timedelta(1) if said in ("by", "until", "till") else span.first
            self._add(field, "lt", last.isoformat(), "date")
        else:
            self._add(field, "ge", span.first.isoformat(), "date")
            self._add(field, "lt", ((second or span).last + timedelta(1)).isoformat(), "date")

    def _age_limit(self, span: Span) -> date:
        return span.first

    def _forward(self, span: Span, field: str) -> Span:
        """A month without a year lies ahead when people speak of closing or being due."""
        today = self._briefing.today
        said = [token.low for token in self._reader.tokens[span.start : span.end]]
        is_bare = today and span.last < today and not any(len(w) >= 4 and w[:4].isdigit() for w in said)
        if (
            not is_bare
            or field not in ("CloseDate", "ActivityDate", "ExpirationDate", "EndDate")
            or set(said) & {"last", "past", "previous", "yesterday", "ago", "this", "prior"}
        ):
            return span
        if any(word in ("closed", "won", "lost") for word in (self._reader.word(i) for i in range(len(self._reader)))):
            return span
        return Span(add_months(span.first, 12), add_months(span.last, 12), span.start, span.end)

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
        for candidate in (*_DATE_VERBS.get(reader.word(at), ()), *self._dates_called(at, size)):
            if candidate in self._info.fields or candidate in EVERY_RECORD_HAS:
                reader.take(at, at + size)
                return candidate
        if any(reader.word(i) == "new" for i in range(len(reader))) or bound == "older":
            return "CreatedDate"
        default = _DEFAULT_DATES.get(self._info.name, "CreatedDate")
        return default if default in self._info.fields or not self._info.fields else "CreatedDate"

    def _dates_called(self, at: int, size: int) -> list[str]:
        words = [self._reader.word(at + i) for i in range(size)]
        named = field_named(words, self._info) if all(words) else None
        return [named.name] if named and named.is_date else []

    # Numbers

    def _read_numbers(self) -> None:
        reader = self._reader
        for phrase in sorted([*_ABOVE, "between"], key=len, reverse=True):
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
                op = _ABOVE[phrase]
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

    def _read_texts(self) -> None:
        reader = self._reader
        name = self._info.first(*NAME_FIELDS) or "Name"
        for phrase, op in (
            ("starting with", "starts_with"),
            ("that start with", "starts_with"),
            ("beginning with", "starts_with"),
            ("containing", "contains"),
            ("mentioning", "contains"),
            ("that mention", "contains"),
            ("named", "contains"),
            ("called", "contains"),
            ("about", "contains"),
            ("regarding", "contains"),
            ("with subject", "contains"),
            ("in the subject", "contains"),
        ):
            place = reader.find_phrase(phrase)
            runs = [run for run in reader.leftovers() if place and run[0] - place[1] in (0, 1, 2)]
            if place and runs:
                reader.take(place[0], runs[0][1])
                self._add(name, op, reader.rest(*runs[0]), "text")
                return


def default_measure(info: ObjectInfo) -> str | None:
    """The number people mean when they name none: a deal's amount, an account's revenue."""
    return info.first(*MEASURES) or ("Amount" if info.name == "Opportunity" else None)


def read_grouping(reader: Reader, info: ObjectInfo) -> list[str]:
    """Fields to group by; words such as 'sorted by' are left alone."""
    for phrase in (
        "grouped by",
        "group by",
        "broken down by",
        "break down by",
        "split by",
        "by each",
        "for each",
        "for every",
        "per",
        "across",
        "in each",
        "each",
        "by",
    ):
        place = reader.find_phrase(phrase)
        if not place or reader.word(place[0] - 1) in ("sorted", "sort", "ordered", "order", "ranked", "owned", "rank"):
            continue
        fields, at = _fields_from(reader, info, place[1])
        if fields:
            reader.take(place[0], at)
            return fields
    return []


def _fields_from(reader: Reader, info: ObjectInfo, at: int) -> tuple[list[str], int]:
    fields: list[str] = []
    while True:
        at += reader.word(at) in ("the", "their", "its")
        for size in (3, 2, 1):
            words = [reader.word(at + i) for i in range(size)]
            named = (
                field_named(
                    [*words[:-1], words[-1].removesuffix("s") if size == 1 and words[-1] != "status" else words[-1]],
                    info,
                )
                or field_named(words, info)
                if all(words)
                else None
            )
            if named and not named.is_date:
                fields.append(named.name)
                at += size
                break
        else:
            return fields, at
        if reader.word(at) not in ("and", ",", "then", "&"):
            return fields, at
        at += 1


def read_sort(reader: Reader, info: ObjectInfo) -> tuple[Sort | None, int | None]:
    """Order and number of records: 'top 5', 'latest', 'sorted by amount ascending', 'the three oldest'."""
    limit = _read_limit(reader)
    for phrase in ("sorted by", "sort by", "ordered by", "order by", "ranked by", "rank by"):
        place = reader.find_phrase(phrase)
        fields, at = _sort_fields(reader, info, place[1]) if place else ([], 0)
        if place and fields:
            reader.take(place[0], at)
            down = not reader.take_phrase(
                "ascending", "asc", "lowest first", "oldest first", "smallest first", "alphabetically"
            )
            explicit = reader.take_phrase("descending", "desc", "highest first", "newest first", "largest first")
            is_text = not (fields[0].endswith("Date") or FieldInfo(fields[0]).is_number)
            return Sort(fields[0], explicit or (down and not is_text)), limit
    for at in reader.free():
        word = reader.word(at)
        if word in _DOWN or word in _UP or (word == "last" and limit):
            return _superlative(reader, info, at, limit)
    return None, limit


def _superlative(reader: Reader, info: ObjectInfo, at: int, limit: int | None) -> tuple[Sort | None, int | None]:
    word = reader.word(at)
    start = at - (reader.word(at - 1) in ("most", "the"))
    reader.take(start, at + 1)
    number = small_number(reader.word(at + 1))
    if number and reader.is_free(at + 1):
        reader.take(at + 1, at + 2)
        limit = limit or number
    if word in _TIMELY:
        dated = "CreatedDate" if word not in ("soonest",) else info.first("CloseDate", "ActivityDate") or "CreatedDate"
        return Sort(dated, word not in _UP), limit
    measure = default_measure(info)
    return (Sort(measure, word in _DOWN) if measure else None), limit


def _sort_fields(reader: Reader, info: ObjectInfo, at: int) -> tuple[list[str], int]:
    at += reader.word(at) == "the"
    for size in (2, 1):
        words = [reader.word(at + i) for i in range(size)]
        if all(words) and (named := field_named(words, info)):
            return [named.name], at + size
    return [], at


def _read_limit(reader: Reader) -> int | None:
    for at in reader.free():
        if reader.word(at) in ("top", "first", "last", "bottom", "latest", "next") and (
            n := small_number(reader.word(at + 1))
        ):
            if reader.word(at + 2) in (
                "day",
                "days",
                "week",
                "weeks",
                "month",
                "months",
                "quarter",
                "quarters",
                "year",
                "years",
            ):
                continue
            word = reader.word(at)
            reader.take(at + (word in ("top", "bottom", "latest", "last")), at + 2)
            if word in ("first", "next"):
                reader.take(at, at + 2)
            return n
        if (n := small_number(reader.word(at))) and reader.word(at + 1) in _DOWN | _UP:
            reader.take(at, at + 1)
            return n
    return None
