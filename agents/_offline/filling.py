"""Fills a tool's arguments from a clause, by what each argument takes and the words that describe it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from agents._offline import figures, free_text, structures
from agents._offline.amounts import small_number
from agents._offline.asking import Asked
from agents._offline.choosing import OPTION, Profile, phrases_of, profile_of
from agents._offline.dates import Span
from agents._offline.lexicon import field_named, object_named
from agents._offline.options import NOT, Options, counted_by
from agents._offline.periods import Periods
from agents._offline.prompt import Briefing, FieldInfo, ObjectInfo
from agents._offline.reader import Reader
from agents._offline.references import hinted, read_exact, read_number, read_ordinal, read_pronoun
from agents._offline.request import Reference
from agents._offline.schemas import Argument, Spec, Takes
from agents._offline.selecting import read_selection
from agents._offline.stems import is_telling, stem
from agents._offline.values import Values
from agents._offline.words import Kind, is_written_as_name, singular

_MOST_RECORDS = 8
_LONGEST_NAME = 6
_TEAMS = frozenset("service support sales field customer".split())
_MEMBERS = frozenset("agent agents rep reps people person team staff employees colleagues".split())
_NUMBERED = ("Case", "Order", "Knowledge__kav", "Contract")
"""Kinds of record that people call by their number."""
_PERSONS = {"who": "person", "whom": "person", "whose": "person"}
_SEVERAL = frozenset("those these them they their".split())
_ME = frozenset("my me mine i myself".split())


@dataclass
class Filled:
    """Values by argument; references still to be looked up; `spare` ones belong to whichever argument takes them."""

    values: dict[str, object] = field(default_factory=dict)
    references: dict[str, list[Reference]] = field(default_factory=dict)
    spare: list[Reference] = field(default_factory=list)
    dated: set[str] = field(default_factory=set)
    """Arguments that say when; a later period takes the place of all of them."""
    implied: set[str] = field(default_factory=set)
    """Arguments that the manner of asking filled, and no word of its own."""
    needs_today: bool = False
    untaken: list[Reference] = field(default_factory=list)
    """Names that no argument takes."""
    unread: tuple[str, ...] = ()
    """Telling words that filled nothing and belong to no tool."""

    @property
    def is_empty(self) -> bool:
        return not (self.values or self.references or self.spare)


class Filler:
    """Fills the arguments of one tool from one clause."""

    def __init__(
        self,
        spec: Spec,
        clause: str,
        briefing: Briefing,
        spell: Callable[[str], str],
        *,
        is_whole: bool = True,
        asked: Asked | None = None,
    ) -> None:
        self._spec = spec
        self._profile: Profile = profile_of(spec)
        self._clause = clause
        self._briefing = briefing
        self._is_whole = is_whole
        """Whether the clause asks for the tool itself, and does not only continue or answer."""
        self._reader = Reader.of(clause)
        self._stems = [
            stem(_PERSONS.get(token.low) or spell(token.low))
            if token.kind is Kind.WORD and (is_telling(token) or token.low in _PERSONS)
            else ""
            for token in self._reader.tokens
        ]
        self.filled = Filled()
        self._negated: set[str] = set()
        self._seen: frozenset[int] = frozenset()
        """Words of a way to ask that may say something of the arguments as well: 'must have'."""
        self._is_asked = asked is not None
        """Whether the clause is one of the ways to ask for the tool, so that no word besides is one for it."""
        if asked is not None:
            self._take_asked(asked)

    def fill(self) -> Filled:
        self._read_exact()
        periods = Periods(self._spec, self._reader, self._briefing)
        spans = periods.spans()
        dated = frozenset(at for span in spans for at in range(span.start, span.end))
        figures.read_labelled(self._spec, self._reader, self._stems, dated, self.filled.values)
        labelled = list(self._reader.used)
        self._read_urls()
        if self._spec.taking(Takes.CONDITIONS, Takes.FIELDS):
            self._read_objects()
            structures.read(self._spec, self._reader, self._briefing, self.filled.values)
        free_text.read_led(self._spec, self._reader, self._clause, self.filled.values)
        options = Options(self._spec, self._reader, self._stems, spans, is_whole=self._is_whole or self._is_asked)
        self.filled.values |= options.read()
        self.filled.dated |= options.dated
        self._read_counted(spans)
        read = periods.read()
        self.filled.values |= read
        self.filled.dated |= read.keys()
        self.filled.needs_today = periods.needs_today
        self.filled.values |= figures.read_numbers(self._spec, self._reader, self._stems)
        self._read_flags()
        self._read_objects()
        self._read_fields()
        self._read_implied()
        self._read_pointers()
        self._read_limit()
        named_values = Values(self._spec, self._reader, self._briefing)
        named_values.read(self.filled.values)
        self.filled.needs_today |= read_selection(self._spec, self._reader, self._briefing, self.filled.values)
        for span in spans:
            self._reader.take(span.start, span.end)  # a day that no argument takes is no part of a name
        for at in self._seen:
            self._reader.take(at, at + 1)
        names = self._read_names()
        self._place(names, named_values)
        if self._is_whole:
            texts = free_text.Rest(self._profile, self._reader, self._clause, self._stems, labelled)
            texts.read(self.filled.values)
        self.filled.unread = self._unread()
        return self.filled

    def _take_asked(self, asked: Asked) -> None:
        """What the clause has said by being one of the ways to ask for the tool."""
        self._seen = asked.seen
        for at in asked.heard:
            self._reader.take(at, at + 1)
        for name, text in asked.texts.items():
            if (argument := self._spec.argument(name)) is not None:
                self.filled.values[name] = [text] if argument.is_list else text[: argument.longest]
        record, taker = asked.record, asked.taker
        if record is None or taker is None:
            return
        if taker.takes is Takes.TEXT and not record.leans_on_thread:
            self._put_text(taker, replace(record, text=record.text or record.number or record.record_id))
        else:
            self.filled.references[taker.name] = [record]

    # Choices and flags

    def _read_counted(self, spans: Sequence[Span]) -> None:
        """The number of a period whose unit a choice took: 3 of 'past 3 quarters'."""
        for unit in self._spec.taking(Takes.CHOICE):
            number = counted_by(unit, self._spec)
            span = next((one for one in spans if self._reader.used[one.end - 1]), None)
            if number is None or unit.name not in self.filled.values or span is None:
                continue
            at = next((i for i in range(span.start, span.end) if small_number(self._reader.word(i)) is not None), None)
            if at is not None:
                self.filled.values[number.name] = small_number(self._reader.word(at))
                self.filled.dated |= {number.name, unit.name}
                self._reader.take(span.start, span.end)

    def _read_flags(self) -> None:
        for argument in self._spec.taking(Takes.FLAG):
            words = argument.own_words | {w for p in phrases_of(argument) for w in p.stems}
            places = [at for at in self._reader.free() if self._stems[at] and self._stems[at] in words]
            if not places:
                continue
            is_off = any(self._reader.word(places[0] - back) in NOT for back in (1, 2))
            self._reader.take(places[0] - is_off, places[0] + 1)
            self.filled.values[argument.name] = not is_off

    def _read_limit(self) -> None:
        """'which agent is fastest' asks for one, where the tool says how to ask for a single one."""
        limit = next((one for one in self._spec.taking(Takes.NUMBER) if "single" in one.description.lower()), None)
        if limit is None or limit.name in self.filled.values:
            return
        if figures.asks_for_one([token.low for token in self._reader.tokens]):
            self.filled.values[limit.name] = 1
            self.filled.implied.add(limit.name)

    def _read_objects(self) -> None:
        for argument in self._spec.taking(Takes.OBJECT):
            if self._is_asked and argument.name in self.filled.values:
                continue
            found = [
                (at, name)
                for at in self._reader.free()
                if self._reader.tokens[at].kind is Kind.WORD
                and (name := object_named([self._reader.word(at)], self._briefing.objects, fuzzy=False))
            ]
            named = structures.watched(self._reader, found) or [name for _, name in found]
            if named:
                self.filled.values[argument.name] = list(dict.fromkeys(named)) if argument.is_list else named[0]

    def _read_fields(self) -> None:
        """Fields of the kind of record that was named; 'Case.Status' names both."""
        for argument in self._spec.taking(Takes.FIELD):
            kinds = self._spec.taking(Takes.OBJECT)
            self._read_dotted(argument, kinds)
            named = next((self.filled.values[one.name] for one in kinds if one.name in self.filled.values), None)
            info = self._briefing.objects.get(str(named))
            if info is None or argument.name in self.filled.values:
                continue
            found = [(at, one.name) for at in self._reader.free() if (one := self._field_at(at, info))]
            for at, _ in found:
                self._reader.take(at, at + 1)
            if found:
                names = list(dict.fromkeys(name for _, name in found))
                self.filled.values[argument.name] = names if argument.is_list else names[0]

    def _field_at(self, at: int, info: ObjectInfo) -> FieldInfo | None:
        token = self._reader.tokens[at]
        return field_named([token.low], info) if token.kind is Kind.WORD and is_telling(token) else None

    def _read_dotted(self, argument: Argument, kinds: Sequence[Argument]) -> None:
        for at in self._reader.free():
            before, _, after = self._reader.tokens[at].text.partition(".")
            name = object_named([before.lower()], self._briefing.objects, fuzzy=False) if after else None
            info = self._briefing.objects.get(name or "")
            if info is not None and (one := field_named([after.lower()], info)):
                self.filled.values |= {kind.name: info.name for kind in kinds if not kind.is_list}
                self.filled.values[argument.name] = [one.name] if argument.is_list else one.name
                self._reader.take(at, at + 1)
                return

    def _read_urls(self) -> None:
        for argument in self._spec.taking(Takes.TEXT):
            at = next((at for at in self._reader.free() if self._reader.tokens[at].kind is Kind.URL), None)
            if at is not None and argument.name not in self.filled.values and "address" in argument.description.lower():
                self._reader.take(at, at + 1)
                self.filled.values[argument.name] = self._reader.tokens[at].text.rstrip(".,;:!?)")

    def _read_implied(self) -> None:
        """A choice that an argument is said to belong to ('Integration: where to send them') is made with it."""
        for choice in self._spec.taking(Takes.CHOICE):
            if choice.name in self.filled.values:
                continue
            meant = {
                value
                for one in self._spec.arguments
                for value in choice.values
                if one.name in self.filled.values and one.description.lower().startswith(f"{value.replace('_', ' ')}:")
            }
            if len(meant) == 1:
                self.filled.values[choice.name] = meant.pop()

    # Records

    def _read_exact(self) -> None:
        for _ in range(_MOST_RECORDS):
            reference = read_exact(self._reader) or self._read_bare_number()
            if reference is None:
                return
            self._put(reference)

    def _read_bare_number(self) -> Reference | None:
        """'1300' where only a record that goes by its number can be meant."""
        if self._spec.taking(Takes.NUMBER):
            return None
        kinds = {kind for one in self._spec.taking(Takes.RECORD) for kind in one.objects}
        kind = next((one for one in _NUMBERED if one in kinds), None)
        return read_number(self._reader, kind) if kind else None

    def _read_pointers(self) -> None:
        if not self._spec.taking(Takes.RECORD) or (self._is_asked and self.filled.references):
            return
        ordinal = read_ordinal(self._reader)
        pronoun = None if ordinal else read_pronoun(self._reader)
        takes_many = any(one.is_list for one in self._spec.taking(Takes.RECORD))
        if pronoun and pronoun.pronoun in _SEVERAL and not takes_many:
            pronoun = None
        if pointer := ordinal or pronoun:
            self._put(pointer)
        mine = [one for one in self._spec.taking(Takes.RECORD) if one.objects == ("User",)]
        caller = self._briefing.caller
        if mine and caller and not caller.is_customer and any(t.low in _ME for t in self._reader.tokens):
            self.filled.values.setdefault(mine[0].name, caller.record_id)

    def _read_names(self) -> list[Reference]:
        """Names that are left once the words of the tool are put aside, with the kind of record said beside them."""
        self._read_kinds()
        if not self._is_asked:
            self._take_tool_words()
        names: list[tuple[Reference, bool]] = []
        for start, end in self._reader.leftovers():
            while end - start < _LONGEST_NAME and (step := self._goes_on(start, end)):
                end += step
            if any(self._reader.used[start:end]):
                continue
            text = self._reader.rest(start, end)
            if end - start == 1 and object_named([text], (), fuzzy=False) and text.islower():
                continue
            if text in _TEAMS and self._reader.word(end) in _MEMBERS:
                continue  # 'our service agents' are the agents, and not those called so
            objects = self._kind_beside(start, end) or hinted(text)
            if not self._is_name(start, end, objects):
                continue
            if any(self._reader.word(at) in NOT for at in (start - 1, start - 2)):
                self._negated.add(text)
            self._reader.take(start, end)
            is_inside = self._reader.word(start - 1) in ("at", "of", "from", "with") and bool(names)
            names.append((Reference(text=text, objects=objects), is_inside))
        return _narrowed(names)[:_MOST_RECORDS]

    def _read_kinds(self) -> None:
        """'a contract customer' is nobody in particular: it may tell what is called after such customers."""
        reader = self._reader
        for at in range(1, len(reader) - 1):
            is_kind = reader.tokens[at].text.islower() and object_named([reader.word(at + 1)], (), fuzzy=False)
            if reader.word(at - 1) not in ("a", "an") or not is_kind or not reader.is_free(at):
                continue
            for argument in self._spec.taking(Takes.TEXT):
                named = argument.name not in self.filled.values and free_text.holds_name(argument)
                if named and self._stems[at + 1] in argument.words:
                    self._put_text(argument, Reference(text=reader.tokens[at].text))
                    reader.take(at, at + 2)
                    return

    def _goes_on(self, start: int, end: int) -> int:
        """How many words further a name goes: one that no tool uses, or 'the' and one in 'walk through the line'."""
        if self._reader.is_free(end) and self._stems[end] and not self._is_tool_word(end):
            return 1
        inner = self._reader.word(end) in ("the", "of") and not self._reader.tokens[start].is_capital
        following = self._reader.tokens[end + 1 : end + 2]
        is_plain = bool(following) and following[0].text.islower() and not self._is_tool_word(end + 1)
        return 2 if inner and is_plain and self._reader.is_free(end + 1) and self._stems[end + 1] else 0

    def _is_tool_word(self, at: int) -> bool:
        return self._stems[at] in self._profile.weights

    def _take_tool_words(self) -> None:
        for at in list(self._reader.free()):
            token = self._reader.tokens[at]
            is_word = self._stems[at] and (self._stems[at] in self._profile.weights or not is_telling(token))
            inside = token.is_capital and at and self._reader.tokens[at - 1].is_capital
            starts = (not at and self._is_whole) or (token.is_capital and self._leads_tool_word(at))
            starts = starts or self._is_short_for(at)
            if token.kind is Kind.WORD and is_word and not inside and (not token.is_capital or starts):
                self._reader.take(at, at + 1)

    def _is_short_for(self, at: int) -> bool:
        """'BANT': written in capitals, and a way to ask for the tool or for one of its choices."""
        text = self._reader.tokens[at].text
        return text.isupper() and len(text) > 2 and self._profile.weights.get(self._stems[at], 0.0) >= OPTION

    def _leads_tool_word(self, at: int) -> bool:
        """'Python code': a word of the tool with a capital, and the next one without."""
        following = self._reader.tokens[at + 1 : at + 2]
        return bool(following) and not following[0].is_capital and self._is_telling_word(at + 1)

    def _is_telling_word(self, at: int) -> bool:
        return bool(self._stems[at]) and self._stems[at] in self._profile.weights

    def _is_name(self, start: int, end: int, objects: tuple[str, ...]) -> bool:
        tokens = self._reader.tokens[start:end]
        if any(token.is_capital or token.kind in (Kind.QUOTE, Kind.MASK) for token in tokens):
            return True
        before = start - 1
        while self._reader.word(before) in ("the", "a", "an", "our"):
            before -= 1
        led = self._reader.word(before) in ("for", "of", "with", "to", "at", "about", "on", "from", "by")
        return bool(objects) or (led and len(tokens) <= 4) or self._reader.word(end) == "'s"

    def _kind_beside(self, start: int, end: int) -> tuple[str, ...]:
        """'the Acme deal', 'account Acme', 'Standard price book': the kind of record right before or after a name."""
        pair = [self._reader.word(end), self._reader.word(end + 1)]
        if all(pair) and (named := object_named(pair, (), fuzzy=False)):
            return (named,)
        for at in (end, start - 1):
            word = self._reader.word(at)
            if word.isalpha() and (named := object_named([word], (), fuzzy=False)) and singular(word) == word:
                return (named,)
        return ()

    def _put(self, reference: Reference) -> None:
        """Gives a reference to the argument that takes its kind of record, or keeps it for whichever takes it."""
        for argument in self._spec.taking(Takes.RECORD):
            fits = reference.objects and argument.objects and set(reference.objects) & set(argument.objects)
            if fits and (argument.is_list or argument.name not in self.filled.references):
                self.filled.references.setdefault(argument.name, []).append(reference)
                return
        self.filled.spare.append(reference)

    def _place(self, names: list[Reference], named_values: Values) -> None:
        """Names go to texts that hold such a name, to references, and to texts that hold any name, in that order."""
        takers = self._spec.taking(Takes.RECORD)
        texts = [one for one in self._spec.taking(Takes.TEXT) if free_text.holds_name(one)]
        needs_record = any(one.is_required for one in takers)
        kinds = {kind for one in takers for kind in one.objects}
        for name in sorted(names, key=lambda one: not kinds & set(one.objects)):  # 'the lead Fiona Wolfe' goes first
            if named_values.put(name.text, self.filled.values, is_negated=name.text in self._negated):
                continue
            fitting = [one for one in texts if self._may_hold(one, name)]
            labelled = next((one for one in fitting if set(one.objects) & set(name.objects)), None)
            needed = next((one for one in fitting if one.is_required and not needs_record), None)
            is_taken = not name.objects or not kinds or bool(kinds & set(name.objects))
            if labelled or (needed and not (takers and name.objects and is_taken)):
                self._put_text(labelled or needed, name)
            elif self._has_room(takers) and (is_taken or not fitting):
                self._put(name)
            elif fitting:
                self._put_text(fitting[0], name)
            elif is_written_as_name(name.text):
                self.filled.untaken.append(name)

    def _has_room(self, takers: Sequence[Argument]) -> bool:
        taken = len(self.filled.spare) + len(self.filled.references)
        return taken < len(takers) or any(one.is_list for one in takers)

    def _put_text(self, argument: Argument | None, name: Reference) -> None:
        if argument is not None:
            self.filled.values[argument.name] = [name.text] if argument.is_list else name.text

    def _may_hold(self, argument: Argument, name: Reference) -> bool:
        """What need not be named is named with a capital; the name of something new is led in, or not given."""
        is_new = argument.name == "name" or argument.name.endswith("_name")
        is_labelled = not is_new and bool(set(argument.objects) & set(name.objects))
        if argument.objects and name.objects and not is_labelled:
            return False
        return argument.name not in self.filled.values and (
            argument.is_required or (is_written_as_name(name.text) and not is_new) or is_labelled
        )

    def _unread(self) -> tuple[str, ...]:
        return tuple(
            self._reader.tokens[at].text
            for at in self._reader.free()
            if self._stems[at] and (self._is_asked or self._stems[at] not in self._profile.weights)
        )


def _narrowed(names: Sequence[tuple[Reference, bool]]) -> list[Reference]:
    """'the walk through the line at Acme': what has no name of its own is narrowed by whose it is."""
    merged: list[Reference] = []
    for name, is_inside in names:
        if (
            is_inside
            and merged
            and not merged[-1].scope
            and merged[-1].text.islower()
            and is_written_as_name(name.text)
        ):
            merged[-1] = replace(merged[-1], scope=name.text)
        else:
            merged.append(name)
    return merged
