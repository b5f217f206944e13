"""The project's own documentation, cut into sections that can be looked up and cited."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from crm.passages import best_passage, stem, telling_words

_HEADING = re.compile(r"^(#{1,3}) +(.+)$", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"\w+")
_RULE = re.compile(r"\|[-| :]+\|")
_PLAIN = re.compile(r"[*`]|\[([^\]]*)\]\([^)]*\)")
_HERE = Path(__file__).parent
_MADE = frozenset({"tools.md"})
"""Made from the declarations, which say the same of each tool."""


@dataclass(frozen=True)
class Section:
    """`source` is where it can be looked up: a page and the anchor of its heading, or a part of the schema."""

    source: str
    title: str
    text: str
    page: str = ""
    """The title of the page that it is a part of."""

    @cached_property
    def words(self) -> tuple[frozenset[str], frozenset[str]]:
        """Stems of the title, and of everything else."""
        return _stems(self.title), _stems(f"{self.page} {self.text}")

    @property
    def full_title(self) -> str:
        return f"{self.page}: {self.title}" if self.page else self.title


@dataclass(frozen=True)
class Passage:
    """The part of a section that fits best; `score` runs from 0 to 1."""

    source: str
    title: str
    text: str
    score: float


def find_passages(sections: Sequence[Section], question: str, limit: int) -> list[Passage]:
    """Best first; empty if no telling word is in any of them. A rare word says more than one that is everywhere."""
    words = telling_words(question)
    weights = _weights(sections, [stem(word) for word in words])
    whole = sum(weights.values()) * 2
    found = [(sum(_hits(section, word) * weight for word, weight in weights.items()), section) for section in sections]
    best = sorted((one for one in found if one[0] > 0), key=lambda one: (-one[0], not one[1].page, one[1].source))[
        :limit
    ]
    return [
        Passage(section.source, section.full_title, best_passage(section.text, words), score / whole)
        for score, section in best
    ]


def _hits(section: Section, word: str) -> int:
    title, text = section.words
    return 2 if word in title else 1 if word in text else 0


def _weights(sections: Sequence[Section], words: Iterable[str]) -> dict[str, float]:
    wanted = set(words)
    seen = Counter(word for section in sections for word in wanted & (section.words[0] | section.words[1]))
    return {word: math.log(1 + len(sections) / seen[word]) for word in sorted(wanted) if seen[word]}


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word.lower()) for word in _WORD.findall(text))


@cache
def load_manual() -> tuple[Section, ...]:
    """The sections of all pages, in the order of their names. In a wheel the pages lie beside this module."""
    shipped = _HERE / "_docs"
    folder = shipped if shipped.is_dir() else _HERE.parent / "docs"
    pages = sorted(path for path in folder.glob("*.md") if path.name not in _MADE)
    return tuple(section for path in pages for section in cut_page(path.name, path.read_text(encoding="utf-8")))


def cut_page(name: str, text: str) -> list[Section]:
    """One section per heading, examples left out; what stands before the second heading belongs to the first."""
    plain = _CODE.sub("", text)
    headings = list(_HEADING.finditer(plain))
    page = headings[0][2] if headings else name
    found = []
    for place, heading in enumerate(headings):
        end = headings[place + 1].start() if place + 1 < len(headings) else len(plain)
        body = _without_marks(plain[heading.end() : end])
        anchor = "" if place == 0 else f"#{_anchor(heading[2])}"
        if body:
            title = _PLAIN.sub(r"\1", heading[2])
            found.append(Section(f"docs/{name}{anchor}", title, body, page if place else ""))
    return found


def _without_marks(text: str) -> str:
    """The words alone; a row of a table becomes a sentence."""
    lines = [line for line in text.strip().splitlines() if not _RULE.fullmatch(line)]
    spoken = [_row(line) if line.startswith("|") else line for line in lines]
    return _PLAIN.sub(r"\1", "\n".join(spoken)).strip()


def _row(line: str) -> str:
    cells = [cell.strip() for cell in line.strip("|").split(" | ")]
    first, *others = [cell for cell in cells if cell] or [""]
    return f"{first}: {'; '.join(others)}." if others else first


def _anchor(heading: str) -> str:
    """As pages of code hosts make it."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.strip().replace(" ", "-")
