"""Fills number arguments: 'more than one case', 'top 5', 'a discount of 10%'."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from agents._offline.amounts import read_amount
from agents._offline.reader import Reader
from agents._offline.schemas import Argument, Spec, Takes
from agents._offline.stems import stem
from agents._offline.words import Kind, singular

_COMPARISONS: Mapping[str, str] = {
    phrase: op
    for op, phrases in {
        "gt": "more than, over, above, greater than, larger than, higher than, bigger than, exceeding, beyond, >",
        "ge": "at least, minimum of, a minimum of, not less than, no less than, no fewer than, >=",
        "lt": "less than, fewer than, under, below, lower than, smaller than, <",
        "le": "at most, up to, no more than, not more than, maximum of, a maximum of, <=",
    }.items()
    for phrase in phrases.split(", ")
}
_LIMITS = frozenset("top first last latest best worst lowest highest largest biggest only just".split())
_LOWER = frozenset(map(stem, "minimum min least above exceed greater floor from".split()))
_UPPER = frozenset(map(stem, "maximum max most below under ceiling".split()))
_SAID_AS = {
    "gt": ("more than", "above", "over "),
    "ge": ("at least", "minimum"),
    "lt": ("fewer than", "less than", "below"),
    "le": ("at most", "maximum"),
}
_QUANTITY = re.compile(r"how many (?!to )", re.IGNORECASE)
_AROUND = 3


@dataclass(frozen=True)
class _Figure:
    value: int | float
    start: int
    end: int
    op: str


def read_numbers(spec: Spec, reader: Reader, stems: Sequence[str]) -> dict[str, object]:
    """Values by argument; the number and the argument that belong together most plainly come first."""
    values: dict[str, object] = {}
    takers = spec.taking(Takes.NUMBER)
    pairs = [
        (_likeness(argument, figure, reader, stems), -figure.start, figure, argument)
        for figure in (_figures(reader) if takers else ())
        for argument in takers
    ]
    for likeness, _, figure, argument in sorted(pairs, key=lambda one: one[:2], reverse=True):
        if likeness > 0 and argument.name not in values and reader.is_free(figure.end - 1):
            _give(argument, figure, reader, values)
    return values


def read_labelled(
    spec: Spec, reader: Reader, stems: Sequence[str], dated: Collection[int], values: dict[str, object]
) -> None:
    """'budget 20k', '10% discount': numbers with the argument's own word beside them, which end a text before them."""
    for argument in spec.taking(Takes.NUMBER):
        for figure in _figures(reader):
            if figure.start in dated:
                continue
            beside = [at for at in (figure.start - 1, figure.start - 2, figure.end) if 0 <= at < len(stems)]
            labels = [at for at in beside if stems[at] in argument.own_words and reader.is_free(at)]
            between = reader.word(figure.start - 1) in ("of", "is", ":", "=")
            if labels and (figure.start - labels[0] != 2 or between) and _give(argument, figure, reader, values):
                reader.take(labels[0], labels[0] + 1)
                break


def _give(argument: Argument, figure: _Figure, reader: Reader, values: dict[str, object]) -> bool:
    value = _adjusted(argument, figure)
    if value is None:
        return False
    values[argument.name] = [value] if argument.is_list else value
    reader.take(figure.start, figure.end)
    return True


def _figures(reader: Reader) -> list[_Figure]:
    figures, at = [], 0
    while at < len(reader):
        amount = read_amount(reader.tokens, at) if reader.is_free(at) else None
        if amount is None:
            at += 1
            continue
        op, start = "", at
        for phrase, sign in _COMPARISONS.items():
            size = len(phrase.split())
            if at >= size and " ".join(reader.word(i) for i in range(at - size, at)) == phrase:
                op, start = sign, at - size
                break
        is_word = reader.tokens[at].kind is Kind.WORD
        is_named = at > 1 and reader.tokens[at - 1].is_capital and not op  # 'Sensor 200' is one name
        said = op or not is_word or reader.word(at - 1) in _LIMITS or reader.word(at) not in ("one", "second")
        if said and not is_named:
            figures.append(_Figure(amount.value, start, amount.end, op))
        at = amount.end
    return figures


def _likeness(argument: Argument, figure: _Figure, reader: Reader, stems: Sequence[str]) -> float:
    window = [
        stems[at]
        for at in range(max(figure.start - _AROUND, 0), min(figure.end + _AROUND, len(stems)))
        if stems[at] and not figure.start <= at < figure.end
    ]
    own, told = argument.own_words, argument.words
    score = sum(1.0 if word in own else 0.4 if word in told else 0.0 for word in window)
    name = frozenset(stem(part) for part in argument.name.split("_")) | told
    spelt = f"{argument.name.replace('_', ' ')} {argument.description}".lower()
    if any(words in spelt for words in _SAID_AS.get(figure.op, ())):
        score += 1.5
    if figure.op in ("gt", "ge") and name & _LOWER:
        score += 1
    if figure.op in ("lt", "le") and name & _UPPER:
        score += 1
    if figure.op and not name & (_LOWER | _UPPER) and not any(w in spelt for ways in _SAID_AS.values() for w in ways):
        score -= 0.5
    if "%" in reader.rest(figure.start, figure.end) and "percent" in " ".join([argument.name, argument.description]):
        score += 1
    following = reader.tokens[figure.end : figure.end + 1]
    if _QUANTITY.match(argument.description) and following and following[0].kind is Kind.WORD and not figure.op:
        score += 0.8
    if _is_limit(argument):
        score += 1.5 if reader.word(figure.start - 1) in _LIMITS and not figure.op else -1
    return score


def asks_for_one(words: Sequence[str]) -> bool:
    """'which month had the most': one is asked for, by its rank. 'which months' asks for several."""
    ranks = _RANKS & set(words)
    start = next((at for at, word in enumerate(words[:4]) if word in ("which", "what", "who", "the", "name")), None)
    if not ranks or start is None:
        return False
    if words[start] == "who":
        return True
    noun = next((word for word in words[start + 1 :] if word not in _RANKS and word not in _ADJECTIVES), "")
    return singular(noun) == noun


_RANKS = frozenset(
    """most least best worst highest lowest fastest slowest quickest longest shortest largest smallest biggest
    fewest strongest weakest""".split()
)
_ADJECTIVES = frozenset("is are was were the a an of our single one sales support service us".split())


def _is_limit(argument: Argument) -> bool:
    return argument.name in ("limit", "top", "count", "size", "how_many") or "how many to return" in (
        argument.description.lower()
    )


def _adjusted(argument: Argument, figure: _Figure) -> int | float | None:
    """The number as the argument counts: 'more than one' is at least two, where the least is asked for."""
    value = figure.value
    told = f"{argument.name.replace('_', ' ')} {argument.description}".lower()
    if argument.is_whole:
        counts_more = "more than" in told or "above" in told or "over " in told
        counts_fewer = "fewer than" in told or "less than" in told or "below" in told
        if figure.op == "gt" and not counts_more:
            value += 1
        if figure.op == "ge" and counts_more:
            value -= 1
        if figure.op == "lt" and not counts_fewer:
            value -= 1
        if figure.op == "le" and counts_fewer:
            value += 1
        value = int(value)
    if argument.lowest is not None and value < argument.lowest:
        return None
    if argument.highest is not None and value > argument.highest:
        return int(argument.highest) if _is_limit(argument) else None
    return value
