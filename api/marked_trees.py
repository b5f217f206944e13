"""Trees of answers with marks in them: values with a source, and words that somebody outside may have written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from trust.markdown import Node

_SHORTEST = 4
"""Characters of an outsider's value that is looked for: shorter ones are everywhere."""
_CUT = 60
"""How much of a long value has to be there, since answers show long values cut."""
_LEAVES = {"space": " ", "break": " "}


@dataclass(frozen=True)
class Marks:
    """`cited`: where cited values stand in the answer's text, in order. `outside`: values to be marked as external."""

    cited: Sequence[tuple[int, int]] = ()
    outside: Sequence[str] = field(default_factory=tuple)


def mark_tree(tree: Sequence[Node], text: str, marks: Marks) -> list[Node]:
    """The tree with `citation` nodes (`number`, from 1) and `outside` nodes; what cannot be found is not marked.

    `text` is the Markdown that the tree was read from: its letters and digits are the tree's, its signs are not.
    """
    plain = "".join(_words(tree))
    spans = [
        ("citation", number, *span) for number, span in enumerate(_find_cited(plain, text, marks.cited), 1) if span
    ]
    spans += [("outside", 0, *span) for span in _find_outside(plain, marks.outside)]
    return _Marker(spans).mark(tree)


def _words(nodes: Sequence[Node]) -> list[str]:
    """The words of the leaves, in order, as `_Marker` counts them."""
    found = []
    for node in nodes:
        if node["type"] == "text" or node["type"] in ("code", "code_block"):
            found.append(node["text"])
        else:
            found.append(_LEAVES.get(node["type"], "\n"))
            found += _words(node.get("children") or ())
    return found


def _find_cited(plain: str, text: str, cited: Sequence[tuple[int, int]]) -> list[tuple[int, int] | None]:
    """Where each cited value stands in the plain text: of those that read alike, the one with as much before it."""
    before = _counter(text)
    count = _counter(plain)
    found: list[tuple[int, int] | None] = []
    for start, end in cited:
        words = text[start:end]
        places = _places(plain, words)
        best = min(places, key=lambda at: abs(count(at) - before(start)), default=None)
        found.append(None if best is None else (best, best + len(words)))
    return found


def _counter(text: str) -> Callable[[int], int]:
    """How many letters and digits stand before a place."""
    counts = [0]
    for char in text:
        counts.append(counts[-1] + char.isalnum())
    return lambda at: counts[min(at, len(text))]


def _places(plain: str, words: str) -> list[int]:
    found, at = [], plain.find(words) if words else -1
    while at >= 0:
        found.append(at)
        at = plain.find(words, at + 1)
    return found


def _find_outside(plain: str, values: Sequence[str]) -> list[tuple[int, int]]:
    found = []
    for value in sorted(set(values), key=len, reverse=True):
        words = " ".join(value.split())
        if len(words) < _SHORTEST:
            continue
        for wanted in (words, words[:_CUT]):
            places = _places(plain, wanted)
            found += [(at, at + len(wanted)) for at in places]
            if places:
                break
    return found


class _Marker:
    """Walks the tree as `_words` does and cuts text nodes where marks begin and end."""

    def __init__(self, spans: Sequence[tuple[str, int, int, int]]) -> None:
        self.spans = sorted(spans, key=lambda one: (one[0] != "outside", one[2]))
        self.at = 0

    def mark(self, nodes: Sequence[Node]) -> list[Node]:
        marked: list[Node] = []
        for node in nodes:
            if node["type"] == "text":
                marked += self._cut(node["text"], self.at, self.spans)
                self.at += len(node["text"])
            elif node["type"] in ("code", "code_block"):
                self.at += len(node["text"])
                marked.append(node)
            else:
                self.at += 1
                children = node.get("children")
                marked.append(node if children is None else {**node, "children": self.mark(children)})
        return marked

    def _cut(self, words: str, at: int, spans: Sequence[tuple[str, int, int, int]]) -> list[Node]:
        """A text as nodes; marks lie in it whole, and citations may lie within what is external."""
        end = at + len(words)
        inside = [one for one in spans if at <= one[2] and one[3] <= end]
        if not inside:
            return [{"type": "text", "text": words}] if words else []
        kind, number, start, stop = inside[0]
        rest = inside[1:]
        within = self._cut(words[start - at : stop - at], start, rest)
        node: Node = {"type": kind, "children": within}
        if kind == "citation":
            node["number"] = number
        return [*self._cut(words[: start - at], at, rest), node, *self._cut(words[stop - at :], stop, rest)]
