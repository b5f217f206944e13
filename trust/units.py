"""Cuts a text into the parts that are said or withheld as a whole."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’)*_]*[ \t]+(?=[\"“‘(*_]*[^\W_a-zß-ÿ])")
_FENCE = re.compile(r"[ \t>]*(?:[-*+] |\d+[.)] )?(`{3,}|~{3,})")
_TABLE_RULE = re.compile(r"[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t:-]*)*$")
_TITLE = re.compile(r"[ \t>]*#{1,6} |[ \t>]*(?:[-*+] )?\*\*[^*\n]*\*\*:?[ \t]*$")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


@dataclass(frozen=True)
class Unit:
    """A part of a text that is said or withheld as a whole."""

    text: str
    is_title: bool

    @property
    def plain(self) -> str:
        """Without the backslashes that keep Markdown from being read."""
        return _ESCAPED.sub(r"\1", self.text)


def split_units(text: str) -> Iterator[tuple[int, int, bool]]:
    """The parts of a text that are said or withheld as a whole: sentences, rows, blocks of code; and which are titles.

    Together they are the text. A table's head stands and falls with the whole table.
    """
    lines = text.splitlines(keepends=True)
    at = place = 0
    while place < len(lines):
        size, is_title = _unit_size(lines, place)
        end = at + sum(len(line) for line in lines[place : place + size])
        if size > 1 or "|" in lines[place] or is_title:
            yield at, end, is_title
        else:
            yield from _sentences(text, at, end)
        at = end
        place += size


def _unit_size(lines: Sequence[str], place: int) -> tuple[int, bool]:
    fence = _FENCE.match(lines[place])
    if fence:
        for size, line in enumerate(lines[place + 1 :], start=2):
            if line.strip(" \t>\n") and not line.strip(" \t>\n").strip(fence[1][0]) and fence[1] in line:
                return size, False
        return len(lines) - place, False
    if place + 1 < len(lines) and "|" in lines[place] and _TABLE_RULE.match(lines[place + 1].rstrip("\n")):
        return 2, True
    return 1, bool(_TITLE.match(lines[place].rstrip("\n")))


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    begin = start
    for found in _SENTENCE_END.finditer(text, start, end):
        yield begin, found.end(), False
        begin = found.end()
    if begin < end:
        yield begin, end, False
