"""Placeholders for values that a model is not shown: made for one conversation, resolved for those who may read them.

A placeholder is `<<KIND:ABCDEFGHIJ>>`: ten letters and digits of an HMAC over tenant, thread, kind and value, so that
one value has one placeholder throughout a conversation, and none that another conversation knows. Only what a vault
itself has hidden resolves; a placeholder that somebody typed or guessed is text.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from trust.labels import Label

LONGEST = 26
"""Characters of the longest placeholder, and what a stream holds back at most."""

_TOKEN = re.compile(r"<<([A-Z]{2,11}):([A-Z2-7]{10})>>")
_BEGUN = re.compile(r"<(?:<(?:[A-Z]{1,11}(?::(?:[A-Z2-7]{0,10}|[A-Z2-7]{10}>))?)?)?\Z")
_LOOKALIKE = re.compile(r"<(?=<\s*[A-Za-z]{2,11}\s*:\s*[A-Za-z2-7]{10}\s*>>)")
_WORDS = {"ID": "number"}


class Hidden(StrEnum):
    """What kind of value a placeholder stands for."""

    NAME = "NAME"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    CARD = "CARD"
    IBAN = "IBAN"
    ID = "ID"
    TEXT = "TEXT"


@dataclass(frozen=True)
class Reader:
    """Who is about to read: staff, or somebody outside by `contact:<id>` and `account:<id>`."""

    names: frozenset[str] = frozenset()
    is_staff: bool = False

    def may_read(self, label: Label) -> bool:
        return self.is_staff or label.readers is None or not self.names.isdisjoint(label.readers)


STAFF = Reader(is_staff=True)


@dataclass(frozen=True)
class Entry:
    """A hidden value."""

    value: str
    kind: Hidden
    label: Label


@dataclass(frozen=True)
class Occurrence:
    """A placeholder in structured data. `label` is None if it is none of this conversation's."""

    path: str
    """JSON pointer to the text it stands in."""
    token: str
    label: Label | None

    def to_json(self) -> dict[str, Any]:
        return {"path": self.path, "token": self.token, "label": None if self.label is None else self.label.to_json()}


@dataclass
class Vault:
    """What was hidden in one conversation. Made anew from the conversation each time, or from `to_json`."""

    key: bytes = field(repr=False)
    tenant: str
    thread: str
    entries: dict[str, Entry] = field(default_factory=dict, repr=False)

    def hide(self, value: str, kind: Hidden, label: Label) -> str:
        """The placeholder of a value. For a value in several places see `Label.either`."""
        salt = 0
        while True:
            token = f"<<{kind}:{self._digest(value, kind, salt)}>>"
            known = self.entries.get(token)
            if known is None:
                self.entries[token] = Entry(value, kind, label)
                return token
            if known.value == value:
                if known.label != label:
                    self.entries[token] = replace(known, label=known.label.either(label))
                return token
            salt += 1  # two values with the same fifty bits: once in a lifetime, and then still two placeholders

    def echo(self, value: str, kind: Hidden, label: Label) -> str:
        """The placeholder of a value that repeats what was said: if it is hidden already, its label stays."""
        token = f"<<{kind}:{self._digest(value, kind, 0)}>>"
        known = self.entries.get(token)
        return token if known is not None and known.value == value else self.hide(value, kind, label)

    def _digest(self, value: str, kind: Hidden, salt: int) -> str:
        parts = [self.tenant, self.thread, kind, value, str(salt)]
        message = b"".join(len(part := one.encode("utf-8", "surrogatepass")).to_bytes(4, "big") + part for one in parts)
        return base64.b32encode(hmac.new(self.key, message, hashlib.sha256).digest())[:10].decode()

    def reveal(self, text: str, reader: Reader) -> str:
        """The text with the values that the reader may read; the others say only what they are."""
        if "<<" not in text:
            return text
        return _TOKEN.sub(lambda match: self._shown(match, reader), text)

    def _shown(self, match: re.Match[str], reader: Reader) -> str:
        entry = self.entries.get(match.group())
        if entry is None or not reader.may_read(entry.label):
            return f"[{_WORDS.get(match.group(1), match.group(1).lower())} hidden]"
        return entry.value

    def reveal_data(self, data: Any, reader: Reader) -> tuple[Any, list[Occurrence]]:
        """JSON data with its placeholders resolved, and which of them stood where."""
        found: list[Occurrence] = []
        return self._reveal_at(data, reader, "", found), found

    def _reveal_at(self, data: Any, reader: Reader, path: str, found: list[Occurrence]) -> Any:
        if isinstance(data, str):
            for match in _TOKEN.finditer(data):
                entry = self.entries.get(match.group())
                found.append(Occurrence(path, match.group(), None if entry is None else entry.label))
            return self.reveal(data, reader)
        if isinstance(data, Mapping):
            return {
                self.reveal(str(name), reader): self._reveal_at(one, reader, f"{path}/{_escape(str(name))}", found)
                for name, one in data.items()
            }
        if isinstance(data, list | tuple):
            return [self._reveal_at(one, reader, f"{path}/{place}", found) for place, one in enumerate(data)]
        return data

    def label_of(self, token: str) -> Label | None:
        entry = self.entries.get(token)
        return None if entry is None else entry.label

    def to_json(self) -> list[dict[str, Any]]:
        """Everything hidden, for a place that may keep personal data."""
        return [
            {"token": token, "value": one.value, "kind": one.kind.value, "label": one.label.to_json()}
            for token, one in self.entries.items()
        ]

    def take(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Know again what `to_json` told; what belongs to another conversation is passed over."""
        for one in entries:
            kind, value = Hidden(one["kind"]), str(one["value"])
            if hmac.compare_digest(one["token"], f"<<{kind}:{self._digest(value, kind, 0)}>>"):
                self.hide(value, kind, Label.from_json(one["label"]))


def neutralise(text: str) -> str:
    """The text without anything that reads like a placeholder: what a person or a record says is no reference."""
    return _LOOKALIKE.sub("< ", text) if "<<" in text else text


def find_tokens(text: str) -> list[str]:
    return [match.group() for match in _TOKEN.finditer(text)]


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


@dataclass
class Revealer:
    """Reveals a text that comes in pieces: what is put out, put together, is what `reveal` makes of the whole."""

    vault: Vault
    reader: Reader
    _held: str = ""

    def feed(self, chunk: str) -> str:
        """What can be shown by now; the beginning of a placeholder waits for its end."""
        text = self._held + chunk
        begun = _BEGUN.search(text, max(0, len(text) - LONGEST))
        cut = len(text) if begun is None else begun.start()
        self._held = text[cut:]
        return self.vault.reveal(text[:cut], self.reader)

    def close(self) -> str:
        """What was held back and never became a placeholder."""
        held, self._held = self._held, ""
        return held
