"""Handles: what a model is shown in place of an outsider's words. Code knows what stands behind them; a model does not.

A handle may be passed on, into an answer or an argument: the words appear where a person reads them or where they are
stored, and their label goes with them. So text from outside can be used without ever being obeyed.

A handle, `⟦TEXT:...⟧`, is no placeholder of the gateway's: those stand for personal values, and are put in after the
handles.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from trust.labels import Label

Path = tuple[str | int, ...]
HANDLE = re.compile(r"⟦TEXT:[A-Z2-7]{10}⟧")
_CUT = 280
"""How much of an outsider's text an answer repeats, if it was not asked to read it out."""


@dataclass(frozen=True)
class OutsideText:
    """Words of an outsider, and what is known about them."""

    text: str
    label: Label


@dataclass
class Handles:
    """The handles of one conversation. The same words get the same handle, in this conversation only."""

    secret: bytes
    thread: str
    texts: dict[str, OutsideText] = field(default_factory=dict)

    def hide(self, text: str, label: Label) -> str:
        """The handle for some words. Words from several sources are as bad as the worst of them."""
        digest = hmac.new(self.secret, f"{self.thread}\0{text}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        handle = f"⟦TEXT:{base64.b32encode(digest.digest())[:10].decode()}⟧"
        known = self.texts.get(handle)
        self.texts[handle] = OutsideText(text, label if known is None else known.label.join(label))
        return handle

    def reveal(self, text: str) -> str:
        """The text with the words in place of their handles. Handles that were never given stay as they are."""
        return HANDLE.sub(lambda found: self._words(found.group()), text)

    def reveal_cut(self, text: str) -> str:
        """For an answer: long words are cut, with an ellipsis."""
        return HANDLE.sub(lambda found: _cut(self._words(found.group())), text)

    def labels_in(self, text: str) -> list[Label]:
        """The labels of the words that the handles in a text stand for."""
        return [self.texts[one].label for one in HANDLE.findall(text) if one in self.texts]

    def _words(self, handle: str) -> str:
        return self.texts[handle].text if handle in self.texts else handle


def neutralise(text: str) -> str:
    """Text of a user or a record in which nothing passes for a handle."""
    return HANDLE.sub(lambda found: found.group().replace("⟦", "[").replace("⟧", "]"), text)


def map_strings(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with every text in it, keys excepted, passed through `change`."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: map_strings(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [map_strings(inner, change) for inner in value]
    return value


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every plain value in a JSON value, with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from leaves(inner, (*path, place))
    else:
        yield path, value


def _cut(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _CUT else words[:_CUT].rpartition(" ")[0] + " …"
