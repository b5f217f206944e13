"""Turns references into records: from the thread first, then by search; asks when several fit."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TypeVar

from rapidfuzz.distance import OSA

from agents._offline.compose import capital, cite, escape, say_fields, say_object, say_problem
from agents._offline.lexicon import ORDINALS, STOPWORDS, closest
from agents._offline.memory import Known, Memory, records_in
from agents._offline.prompt import Briefing
from agents._offline.references import object_of_id
from agents._offline.request import Reference
from agents._offline.toolbox import Call, Outcome, Toolbox
from agents._offline.words import Kind, is_written_as_name, join, say_name, tokenize, with_article

T = TypeVar("T")
Steps = Generator[list[Call], list[Outcome], T]

_CLEAR_LEAD = 0.12
_CANDIDATES = 10
_SUGGESTED = 0.75
_UNNAMED = ("Task", "Event", "Case")
_SHOWN = 5
_YES = frozenset("yes yep yeah right correct exactly sure that ok okay y".split())
_WEAKEST = 0.35
_LONG = 12
"""Letters of a word in which two slips still leave no other word: 'Industrial' is not 'Industries'."""
_PRECEDENCE = ("User", "Account", "Contact", "Opportunity", "Lead")
Scores = Mapping[str, Mapping[str, object]]
_SEARCHABLE = ("Account", "Contact", "Lead", "Opportunity", "Case")


class AskError(Exception):
    """One question has to be answered before the request can go on."""

    def __init__(self, question: str, *, key: str = "", candidates: Sequence[Known] = (), slot: str = "") -> None:
        super().__init__(question)
        self.question = question
        self.key = key
        self.candidates = tuple(candidates)
        self.slot = slot


class GiveUpError(Exception):
    """The request cannot be done; the text tells the user why."""


class Resolver:
    def __init__(self, briefing: Briefing, toolbox: Toolbox, memory: Memory, bindings: Mapping[str, Known]) -> None:
        self._briefing = briefing
        self._toolbox = toolbox
        self._memory = memory
        self._bindings = bindings

    def resolve(self, reference: Reference, objects: Sequence[str] = ()) -> Steps[Known]:
        """The record meant.

        Raises:
            AskError: several records fit, or the thread does not tell which one a pronoun means.
            GiveUpError: nothing fits, or no bound tool can look.
        """
        wanted = tuple(reference.objects or objects)
        if bound := self._bindings.get(reference.key):
            return self._focused(bound)
        if reference.record_id:
            object_name = object_of_id(reference.record_id) or "record"
            return self._focused(self._memory.known.get(reference.record_id, Known(object_name, reference.record_id)))
        if reference.number:
            return (yield from self._by_number(reference))
        if reference.leans_on_thread:
            return self._from_thread(reference, wanted)
        if known := self._memory.spoken_of(reference.text, wanted):
            return self._focused(known)
        return (yield from self._by_name(reference, wanted))

    def _focused(self, record: Known) -> Known:
        self._memory.focus(record)
        return self._memory.known[record.record_id]

    def _from_thread(self, reference: Reference, objects: Sequence[str]) -> Known:
        narrowed = Reference(pronoun=reference.pronoun, ordinal=reference.ordinal, objects=tuple(objects))
        found = self._memory.find(narrowed)
        if found:
            return self._focused(found)
        if reference.ordinal and self._memory.listed:
            raise GiveUpError(
                f"The last list has {len(self._memory.listed)} entries, so there is no number {reference.ordinal}."
            )
        kinds = " or ".join(say_object(name) for name in objects[:3]) or "record"
        raise AskError(
            f"Which {kinds} do you mean? Give me a name, a number or an id.", key=reference.key, slot="target"
        )

    def _by_number(self, reference: Reference) -> Steps[Known]:
        name = reference.objects[0] if reference.objects else "Case"
        field = {"Case": "CaseNumber", "Order": "OrderNumber", "Knowledge__kav": "ArticleNumber"}.get(name)
        for known in self._memory.known.values():
            if field and str(known.details.get(field) or known.details.get("number") or "").lstrip(
                "0"
            ) == reference.number.lstrip("0"):
                return self._focused(known)
        if field and "query_records" in self._toolbox:
            numbers = list(dict.fromkeys([reference.number, reference.number.zfill(8)]))
            filters = [
                {
                    "field": field,
                    "op": "in" if len(numbers) > 1 else "eq",
                    "value": numbers if len(numbers) > 1 else numbers[0],
                }
            ]
            call = self._toolbox.call("query_records", object=name, filters=filters, limit=2)
        elif "find_record" in self._toolbox:
            call = self._toolbox.call(
                "find_record",
                text=reference.number.zfill(8) if name == "Case" else reference.number,
                objects=[name],
                limit=2,
            )
        else:
            raise GiveUpError(f"I have no tool here to look up {with_article(say_object(name))} by its number.")
        outcome = (yield [call])[0]
        rows = self._rows(outcome, f"Looking up {say_object(name)} {reference.number}")
        if not rows:
            raise GiveUpError(f"I found no {say_object(name)} with number {reference.number}.")
        return self._focused(rows[0])

    def _rows(self, outcome: Outcome, doing: str) -> list[Known]:
        if not outcome.ok and outcome.kind != "not_found":
            raise GiveUpError(say_problem(outcome, doing))
        return [self._memory.known[row.record_id] for row in records_in(outcome)] if outcome.ok else []

    # By name

    def _by_name(self, reference: Reference, objects: Sequence[str]) -> Steps[Known]:
        searched = [name for name in objects if name in self._briefing.objects] or list(objects)
        caller = self._briefing.caller
        if "find_record" not in self._toolbox or (caller and caller.is_customer):
            return (yield from self._by_other_tools(reference, searched))
        call = self._toolbox.call("find_record", text=reference.text, objects=searched or None, limit=_CANDIDATES)
        outcome = (yield [call])[0]
        if outcome.kind == "retry" and searched:
            outcome = (yield [self._toolbox.call("find_record", text=reference.text)])[0]
        rows = self._rows(outcome, f"Looking for {escape(reference.text)!r}")
        scores = {str(m.get("id")): m for m in outcome.result.get("matches") or [] if isinstance(m, dict)}
        rows = [row for row in rows if _score(scores, row) >= _WEAKEST]
        if not rows and any(name in _UNNAMED for name in searched) and "query_records" in self._toolbox:
            rows = yield from self._by_subject(reference, searched)
        if not rows and (plainer := _written_as_name(reference)):
            return (yield from self._by_name(plainer, objects))
        if not rows:
            return (yield from self._through_account(reference, searched))
        if reference.scope and len(rows) > 1:
            rows = yield from self._narrow(rows, reference.scope)
        if leader := self._leader(rows, scores, reference.text):
            if _is_named(leader, reference.text):
                return self._focused(leader)
            if plainer := _written_as_name(reference):
                return (yield from self._by_name(plainer, objects))
            if _score(scores, leader) < _SUGGESTED:
                raise GiveUpError(self._nothing_named(reference, searched))
            rows = [leader]
        if plainer := _written_as_name(reference):
            return (yield from self._by_name(plainer, objects))
        rows = _best_tier(rows, scores, reference.text)
        raise (yield from self._question(reference, rows, None))

    def _by_subject(self, reference: Reference, objects: Sequence[str]) -> Steps[list[Known]]:
        """Records that have a subject and no name: those whose subject holds the words."""
        found: list[Known] = []
        for name in (one for one in objects if one in _UNNAMED):
            filters = [{"field": "Subject", "op": "contains", "value": reference.text}]
            outcome = (yield [self._toolbox.call("query_records", object=name, filters=filters, limit=5)])[0]
            found += self._rows(outcome, f"Looking for {escape(reference.text)!r}")
        return found

    def _leader(self, rows: Sequence[Known], scores: Scores, wanted: str) -> Known | None:
        """The match that stands out: the only one, the only exact one, or the best by a clear margin."""
        rows = _best_tier(rows, scores, wanted)
        if len(rows) == 1:
            return rows[0]
        if any(_is_exact(scores, row) for row in rows):
            return None
        ranked = sorted(rows, key=lambda row: -_score(scores, row))
        return ranked[0] if _score(scores, ranked[0]) - _score(scores, ranked[1]) >= _CLEAR_LEAD else None

    def _narrow(self, rows: list[Known], scope: str) -> Steps[list[Known]]:
        """Only the matches that belong to the other name said, if any do."""
        fitting = [row for row in rows if _mentions(row, scope, self._memory)]
        links = [row for row in rows if row.details.get("AccountId") and row not in fitting]
        if links and "find_record" in self._toolbox:
            outcome = (yield [self._toolbox.call("find_record", text=scope, objects=["Account"], limit=3)])[0]
            accounts = records_in(outcome) if outcome.ok else []
            exact = [row for row in accounts if row.name.lower() == scope.lower()] or accounts
            known = {row.record_id for row in exact}
            linked = [row for row in links if row.details.get("AccountId") in known]
            fitting = [row for row in rows if row in fitting or row in linked]
        return fitting or rows

    def _through_account(self, reference: Reference, objects: Sequence[str]) -> Steps[Known]:
        """'the Acme deal' may mean the deal of account Acme: looks there when no name fits."""
        kind = objects[0] if len(objects) == 1 else ""
        info = self._briefing.object(kind)
        reachable = kind and kind != "Account" and info.first("AccountId") and "query_records" in self._toolbox
        if not reachable:
            raise GiveUpError(self._nothing_named(reference, objects))
        outcome = (yield [self._toolbox.call("find_record", text=reference.text, objects=["Account"], limit=3)])[0]
        accounts = [row for row in records_in(outcome)] if outcome.ok else []
        if not accounts:
            raise GiveUpError(self._nothing_named(reference, objects))
        filters: list[dict[str, object]] = [
            {"field": "AccountId", "op": "in", "value": [row.record_id for row in accounts]}
        ]
        if info.first("IsClosed"):
            filters.append({"field": "IsClosed", "op": "eq", "value": False})
        found = (yield [self._toolbox.call("query_records", object=kind, filters=filters, limit=5)])[0]
        rows = self._rows(found, f"Looking for {say_object(kind, count=2)} of {escape(reference.text)}")
        if not rows:
            raise GiveUpError(self._nothing_named(reference, objects))
        if len(rows) == 1:
            return self._focused(rows[0])
        raise (yield from self._question(reference, rows, found.result.get("total")))

    def _by_other_tools(self, reference: Reference, objects: Sequence[str]) -> Steps[Known]:
        wants_account = not objects or "Account" in objects
        is_customer = bool(self._briefing.caller and self._briefing.caller.is_customer)
        if wants_account and "lookup_account" in self._toolbox and not is_customer:
            outcome = (yield [self._toolbox.call("lookup_account", name=reference.text)])[0]
            rows = self._rows(outcome, f"Looking up {escape(reference.text)}")
            if isinstance(outcome.result.get("account"), dict) and rows:
                return self._focused(rows[0])
            candidates = [
                known
                for row in outcome.result.get("candidates") or []
                if isinstance(row, dict)
                for known in records_in(Outcome(outcome.call, {"matches": [row]}))
            ]
            if candidates:
                raise (
                    yield from self._question(reference, [self._memory.remember(known) for known in candidates], None)
                )
            raise GiveUpError(self._nothing_named(reference, ["Account"]))
        for name in objects:
            field = self._briefing.object(name).first("Name", "Subject", "LastName", "Title")
            if field and "query_records" in self._toolbox:
                text = reference.text.split()[-1] if field == "LastName" else reference.text
                filters = [{"field": field, "op": "contains", "value": text}]
                outcome = (yield [self._toolbox.call("query_records", object=name, filters=filters, limit=5)])[0]
                rows = self._rows(outcome, f"Looking for {escape(reference.text)!r}")
                if len(rows) == 1:
                    return self._focused(rows[0])
                if rows:
                    raise (yield from self._question(reference, rows, outcome.result.get("total")))
        raise GiveUpError(f"I have no tool here that finds {escape(reference.text)!r} by name. An id would help.")

    def _nothing_named(self, reference: Reference, objects: Sequence[str]) -> str:
        kinds = " or ".join(say_object(name) for name in objects) if 0 < len(objects) <= 4 else "record"
        return f'I found no {kinds} matching "{escape(reference.text)}".'

    def _learn_names(self, rows: Sequence[Known]) -> Steps[None]:
        """Looks up the accounts that candidates belong to, so that they are told apart by name and not by id."""
        ids = {str(row.details["AccountId"]) for row in rows if row.details.get("AccountId")}
        unknown = sorted(one for one in ids if not self._memory.name_of(one))
        if len(ids) > 1 and unknown and "query_records" in self._toolbox:
            filters = [{"field": "Id", "op": "in", "value": unknown}]
            listed = self._memory.listed
            yield [self._toolbox.call("query_records", object="Account", fields=["Name"], filters=filters)]
            self._memory.listed = listed

    def _question(self, reference: Reference, rows: Sequence[Known], total: object) -> Steps[AskError]:
        yield from self._learn_names(rows[:_SHOWN])
        count = total if isinstance(total, int) and total >= len(rows) else len(rows)
        kinds = {row.object for row in rows}
        noun = say_object(next(iter(kinds)), count=2) if len(kinds) == 1 else "records"
        lines = [f"{at}. {_distinguish(row, rows, self._memory)}" for at, row in enumerate(rows, 1)]
        said = f'"{escape(reference.text)}"'
        if len(rows) == 1:
            closest_one = _distinguish(rows[0], rows, self._memory)
            question = f"I found nothing named {said}. The closest I found is {closest_one}. Do you mean that one?"
            return AskError(question, key=reference.key, candidates=rows)
        if not any(_is_named(row, reference.text) for row in rows):
            question = f"I found no {_one_of(kinds)} named {said}. Is it one of these that come close?\n\n"
        else:
            shown = ", the first of them listed" if len(rows) > _SHOWN else ""
            question = f"I found {count} {noun} matching {said}{shown}. Which one do you mean?\n\n"
        return AskError(question + "\n".join(lines[:_SHOWN]), key=reference.key, candidates=rows)


def _one_of(kinds: Iterable[str]) -> str:
    named = sorted(kinds)
    return say_object(named[0]) if len(named) == 1 else "record"


def _score(scores: Scores, row: Known) -> float:
    score = scores.get(row.record_id, {}).get("score", 1.0)
    return float(score) if isinstance(score, int | float) else 1.0


def _is_exact(scores: Scores, row: Known) -> bool:
    return scores.get(row.record_id, {}).get("exact") is True


def _best_tier(rows: Sequence[Known], scores: Scores, wanted: str) -> list[Known]:
    """Those named exactly so, else those whose name has every word, else all.

    A company comes before its people, a contact before a lead of the same name: leads often repeat what is known.
    """
    exact = [row for row in rows if _is_exact(scores, row)]
    words = {token.low for token in tokenize(wanted)}
    whole = [row for row in rows if words <= {token.low for token in tokenize(row.name)}]
    near = [row for row in rows if _is_spelt_like(row, words)]
    same = [row for row in whole if {t.low for t in tokenize(row.name) if t.kind is not Kind.MARK} == words]
    best = exact or same or whole or near or list(rows)
    first = min(_rank(row) for row in best)
    if exact or ((whole or near) and _PRECEDENCE[first : first + 1] == ("Account",)):
        best = [row for row in best if _rank(row) == first]
    return best


def _written_as_name(reference: Reference) -> Reference | None:
    """Only the words with capitals: 'Harbor Tools' of 'ring Harbor Tools'; None if no other words are around them."""
    runs: list[list[str]] = [[]]
    for word in reference.text.split():
        if word[:1].islower():
            runs.append([])
        else:
            runs[-1].append(word)
    names = [" ".join(run) for run in runs if any(word[:1].isalpha() or is_written_as_name(word) for word in run)]
    if not names or names[0] == reference.text:
        return None
    scope = reference.scope or (names[1] if len(names) > 1 else "")
    return Reference(text=names[0], objects=reference.objects, scope=scope)


def _is_named(row: Known, wanted: str) -> bool:
    """Whether each word said stands in the record's name or details, give or take a slip or its end."""
    texts = [row.name, *(str(value) for value in row.details.values())]
    have = [token.low for text in texts for token in tokenize(text[:200])]
    return all(_has_word(token.low, have) for token in tokenize(wanted) if token.kind is not Kind.MARK)


def _is_spelt_like(row: Known, words: Iterable[str]) -> bool:
    have = [token.low for token in tokenize(row.name)]
    return all(_has_word(word, have) for word in words)


def _has_word(word: str, have: Sequence[str]) -> bool:
    slips = 1 if len(word) < _LONG else 2
    return word in STOPWORDS or any(
        other == word
        or (word.isdecimal() and other.lstrip("0") == word.lstrip("0"))
        or (len(word) >= 3 and other.startswith(word))
        or (len(word) >= 4 and OSA.distance(word, other, score_cutoff=slips) <= slips)
        for other in have
    )


def _rank(row: Known) -> int:
    return _PRECEDENCE.index(row.object) if row.object in _PRECEDENCE else len(_PRECEDENCE)


def _distinguish(row: Known, rows: Sequence[Known], memory: Memory) -> str:
    """A candidate with the details in which it differs from the others."""
    differing = [
        name
        for name in row.details
        if name not in ("Id", "Name", "Subject", "CaseNumber", "number")
        and len({str(other.details.get(name)) for other in rows}) > 1
        and row.details[name] not in (None, "")
    ]
    details = say_fields(row, memory, only=differing[:4]) if differing else []
    kind = f"{say_object(row.object)} " if len({other.object for other in rows}) > 1 and row.object != "Case" else ""
    return capital(kind + cite(row, memory)) + (f" — {', '.join(details)}" if details else "")


def _mentions(row: Known, scope: str, memory: Memory) -> bool:
    haystack = " ".join(
        [row.name, *(str(v) for v in row.details.values()), *(memory.name_of(str(v)) for v in row.details.values())]
    ).lower()
    return all(word in haystack for word in scope.lower().split())


def pick(answer: str, candidates: Sequence[Known], memory: Memory) -> Known | None:
    """The candidate that an answer such as 'the Berlin one' or '2' chooses; None if it fits none or several alike."""
    tokens = tokenize(answer[:400])
    by_id = [row for row in candidates if row.record_id in answer or row.record_id[:15] in answer]
    if len(by_id) == 1:
        return by_id[0]
    words = [token.low for token in tokens if token.kind is not Kind.MARK]
    for word in words:
        place = (
            ORDINALS.get(word)
            or (int(word) if word.isdecimal() and len(word) < 3 else None)
            or {"one": None, "two": 2, "three": 3}.get(word)
        )
        if place and len(words) <= 6 and abs(place) <= len(candidates):
            return candidates[place - 1 if place > 0 else place]
    if len(candidates) == 1 and words[:1] and words[0] in _YES:
        return candidates[0]
    content = [word for word in words if word not in STOPWORDS] or [join(tokens).lower()]
    scored = [(sum(_holds(row, word, memory) for word in content), row) for row in candidates]
    best = max(score for score, _ in scored)
    leaders = [row for score, row in scored if score == best]
    if best and len(leaders) == 1:
        return leaders[0]
    exact = [row for row in leaders if row.name.lower() == answer.strip(" .!?").lower()]
    return exact[0] if best and len(exact) == 1 else None


def _holds(row: Known, word: str, memory: Memory) -> float:
    """1 if the candidate's name or details have the word, less if they have one like it, else 0."""
    text = " ".join(
        [
            row.name,
            say_name(row.object),
            *(str(v) for v in row.details.values()),
            *(memory.name_of(str(v)) for v in row.details.values()),
        ]
    )
    words = [token.low for token in tokenize(text)]
    same_root = len(word) >= 5 and any(other[:5] == word[:5] for other in words)
    if word in words:
        return 1.0
    return 0.6 if same_root or closest(word, words) is not None else 0.0
