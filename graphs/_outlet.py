"""Lets a model's words out to those who follow a run: checked first, a sentence or a block at a time.

What was let out cannot be taken back. So nothing is let out that the finished message will not say in the same place.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from graphs.messages import storable
from trust.answers import AnswerCheck, is_plain
from trust.claims import Claim
from trust.grounding import remark

CHUNK = "countersign.chunk"
"""Key of the parts in the graph's own stream that are pieces of a message."""

STEP = "countersign.step"

Writer = Callable[[Any], None]

_BOUNDARY = re.compile(r"(?P<blank>\n[ \t]*\n+(?=[^\n]))|\n(?=[ \t]*\S)|(?<=[^\d\W][.!?])[ \t]+(?=\S)")
_BLANK = re.compile(r"\n[ \t]*\n")
_FENCE = re.compile(r"^[ \t]*(?:(?:[-*+]|\d+[.)]|>)[ \t]+)*(`{3,}|~{3,})", re.MULTILINE)
_PIECE = re.compile(r"\s*\S+\s*")


@dataclass
class Outlet:
    """The way out of one message. `shown` is what was let out so far, and in the end the message's text.

    After the first sentence that is not to be said it lets nothing more out, until it is told whether the model
    answers again (`restart`) or the sentence is left out (`go_on`).
    """

    message_id: str
    check: AnswerCheck
    writer: Writer
    shown: str = ""
    withheld: list[list[Claim]] = field(default_factory=list)
    stopped_by: list[list[Claim]] = field(default_factory=list)
    _may_stop: bool = True
    _taken: str = ""
    """The model's words behind `shown`."""
    _pending: str = ""
    _raw: str = ""
    _next_look: int = 0
    _expected: str = ""
    """Words that a repeated answer may begin with, since they were shown already."""

    async def add(self, delta: str) -> None:
        """Take in the next words of the model."""
        delta = storable(delta)
        self._raw += delta
        self._pending += delta
        if self._expected and not self._skip_expected():
            return
        self._let_out()

    def end(self, text: str) -> None:
        """The model's answer is complete: `text`. What came of it before may have been less, or of another model."""
        text = storable(text)
        if self._expected or self._raw != text:
            begins_alike = text.startswith(self._taken)
            self._pending = text[len(self._taken) :] if begins_alike else f"\n\n{text}"
            self._expected = ""
        self._let_out(is_last=True)

    def begin_again(self) -> None:
        """The model answers anew. What was shown stays."""
        self.stopped_by = []
        self._pending = self._raw = ""
        self._next_look = 0
        self._expected = self._taken

    def restart(self) -> None:
        """The model was asked to say it otherwise; the next sentence that is not to be said is left out."""
        self._may_stop = False
        self.begin_again()

    def go_on(self) -> None:
        """The model does not answer again: leave the sentence out and let the rest out."""
        self._may_stop = False
        self.stopped_by = []
        self._expected = ""
        self._let_out(is_last=True)

    def close(self, calls: list[dict[str, Any]]) -> None:
        """Say what was withheld, and show the calls of the finished message."""
        if self.withheld:
            self._show(("\n\n" if self.shown.strip() else "") + remark(self.withheld))
        if calls:
            self.writer({CHUNK: {"id": self.message_id, "text": "", "calls": calls}})

    def _skip_expected(self) -> bool:
        """Whether it is clear by now if the answer repeats what was shown; if so that is left out."""
        if self._pending.startswith(self._expected):
            self._pending = self._pending[len(self._expected) :]
        elif self._expected.startswith(self._pending):
            return False
        else:
            self._pending = f"\n\n{self._pending}"
        self._expected = ""
        return True

    def _let_out(self, *, is_last: bool = False) -> None:
        while not self.stopped_by and self._pending:
            if len(self._pending) < self._next_look and not is_last:
                return
            size = next_cut(self._pending) or (len(self._pending) if is_last else 0)
            if not size:
                # A long block is not looked through again for every word of it.
                self._next_look = len(self._pending) * 51 // 50
                return
            self._next_look = 0
            self._pass(self._pending[:size])

    def _pass(self, block: str) -> None:
        passed = self.check.check(block, _BLANK.split(self.shown)[-1])
        if passed.withheld and self._may_stop:
            self.stopped_by = passed.withheld
            return
        self._pending = self._pending[len(block) :]
        self._taken += block
        self.withheld += passed.withheld
        self._show(passed.text)

    def _show(self, text: str) -> None:
        self.shown += text
        pieces = list(_pieces(text))
        for place, piece in enumerate(pieces, 1):
            self.writer({CHUNK: {"id": self.message_id, "text": piece, "ends": place == len(pieces)}})


def next_cut(text: str) -> int:
    """How much of the text can be judged by itself: a plain sentence or line, else all up to a blank line; 0: none yet.

    Depends on nothing but the text, so that it does not matter in which pieces it came.
    """
    fences = _fences(text)
    could_be_plain = True
    for found in _BOUNDARY.finditer(text):
        if found["blank"] is not None:
            if not any(start < found.end() <= end for start, end in fences):
                return found.end()
        elif could_be_plain:
            could_be_plain = is_plain(text[: found.end()])
            if could_be_plain:
                return found.end()
    return 0


def _fences(text: str) -> list[tuple[int, int]]:
    """Where there is code between fences; the last may not be closed yet."""
    spans: list[tuple[int, int]] = []
    start, fence = 0, ""
    for found in _FENCE.finditer(text):
        if not fence:
            start, fence = found.start(), found[1]
        elif found[1].startswith(fence):
            spans.append((start, found.end()))
            fence = ""
    return [*spans, (start, len(text))] if fence else spans


def _pieces(text: str) -> Iterator[str]:
    """Word by word, as models stream."""
    found = _PIECE.findall(text)
    if found:
        yield from found
    elif text:
        yield text
