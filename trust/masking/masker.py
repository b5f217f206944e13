"""Masks the parts of one prompt: takes note of all of them, asks once what is somebody's, then hides it."""

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from crm.fields import Kind
from crm.personal import keys_of
from trust.labels import Integrity, Label
from trust.masking.fields import Place, places
from trust.masking.texts import Key, Known, compose, find_spans, is_clear, keys_in, parts_of_name
from trust.vault import Hidden, Vault, neutralise

MAX_CHARACTERS = 2_000_000
"""The longest prompt that is masked at all."""


class MaskingError(Exception):
    """The prompt could not be masked, so it must not leave. The message tells nothing of it."""


@dataclass(frozen=True)
class Noted:
    """JSON data that was taken note of, and the texts in it."""

    data: Any
    places: list[Place]


LabelFor = Callable[[Place, Label], Label]
"""From a text's place in data and the label of the data as a whole, to the label of the text."""


class Directory(Protocol):
    """Knows of keys whether they belong to somebody in the tenant."""

    async def __call__(self, keys: Collection[str], /) -> set[Key]: ...


@dataclass(frozen=True)
class Policy:
    """What is hidden. `region` is the country whose telephone numbers need no country code."""

    personal: bool = True
    withhold_outside: bool = False
    """Texts that outsiders wrote leave as handles, which the answer may carry and the model cannot read."""
    withhold_records: bool = False
    """The same for every long text of a record."""
    region: str | None = None


@dataclass
class Masker:
    """Masks one prompt, in two rounds: `note_*` for every part, `look_up`, then `mask_*` for every part."""

    vault: Vault
    policy: Policy
    timeout_s: float = 10
    label_for: LabelFor | None = None
    """Gives the label of a text in a tool's result; by its field's declaration if left out."""
    _known: Known = field(default_factory=Known)
    _keys: set[Key] = field(default_factory=set)
    _until: float = 0
    _left: int = MAX_CHARACTERS

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.timeout_s

    # First round

    def note_text(self, text: str) -> None:
        """Raises: MaskingError."""
        self._tick(text)
        if self.policy.personal:
            self._keys |= keys_in(_clean(text))

    def note_data(self, data: Any) -> "Noted":
        """Take note of JSON data: personal fields are known to be personal from now on. Raises: MaskingError."""
        noted = Noted(data, places(data))
        for place in noted.places:
            self._tick(place.text)
            place.text = _clean(place.text)
            if not self.policy.personal:
                continue
            kind = place.personal
            if kind is None:
                self._keys |= keys_in(place.text)
            else:
                self._learn(kind, place.text)
        return noted

    def _learn(self, kind: Kind, text: str) -> None:
        wanted = keys_of(kind, text)
        for key in wanted:
            self._known.keys.add(key)
        everything = Known(keys=set(wanted))
        for span, value in find_spans(text, everything, None, by_form=False):
            for key in keys_in(text[span.start : span.end]) & wanted:
                self._known.spelling.setdefault(key, value)

    async def look_up(self, directory: Directory) -> None:
        """Ask for everything noted, at once. Raises: whatever the directory raises; then nothing may leave."""
        unknown = self._keys - self._known.keys
        if unknown:
            self._known.keys |= await directory({key for key, _ in unknown}) & unknown

    # Second round

    def mask_text(self, text: str, label: Label, *, is_echo: bool = False) -> str:
        """`is_echo`: the text repeats the conversation, so what is hidden already keeps its label.

        Raises: MaskingError.
        """
        self._tick("")
        return self._mask(_clean(text), label, by_form=True, is_echo=is_echo)

    def mask_data(self, noted: "Noted", label: Label, *, is_echo: bool = False) -> Any:
        """JSON data with every text in it masked by its field. Raises: MaskingError."""
        masked = {place.path: self._mask_place(place, label, is_echo=is_echo) for place in noted.places}
        return _rebuild(noted.data, masked, ())

    def _mask_place(self, place: Place, label: Label, *, is_echo: bool) -> str:
        self._tick("")
        text = place.text
        label = (self.label_for or label_by_field)(place, label)
        if self._is_withheld(place):
            return self._hide(text, Hidden.TEXT, label, is_echo=is_echo)
        if place.personal is not None and self.policy.personal:
            return self._mask_field(place.personal, text, label, is_echo=is_echo)
        return self._mask(text, label, by_form=not place.is_business_number, is_echo=is_echo)

    def _is_withheld(self, place: Place) -> bool:
        if place.is_key or place.personal is not None:
            return False
        is_outside = self.policy.withhold_outside and place.is_outside
        return is_outside or (self.policy.withhold_records and place.is_long)

    def _mask_field(self, kind: Kind, text: str, label: Label, *, is_echo: bool) -> str:
        """All of a personal field: an address or number as one, a name word by word."""
        if kind is Kind.PHONE and text.strip():
            return self._hide(text, Hidden.PHONE, label, is_echo=is_echo)
        whole = keys_of(kind, text)
        if any(key_kind == "code" for _, key_kind in whole):
            return self._hide(text, Hidden.ID, label, is_echo=is_echo)
        if kind is Kind.EMAIL and text.strip() and text.count("@") != 1:
            return self._hide(text, Hidden.EMAIL, label, is_echo=is_echo)
        pieces, at = [], 0
        taken: list[tuple[int, int, Hidden, str]] = [
            (span.start, span.end, span.kind, value)
            for span, value in find_spans(text, Known(keys=whole), None)
            if span.kind is not Hidden.NAME
        ]
        for match in parts_of_name(text):
            if not any(start < match.end() and match.start() < end for start, end, _, _ in taken):
                taken.append((match.start(), match.end(), Hidden.NAME, match.group()))
        for start, end, hidden, value in sorted(taken):
            pieces += [text[at:start], self._hide(value, hidden, label, is_echo=is_echo)]
            at = end
        return "".join([*pieces, text[at:]])

    def _mask(self, text: str, label: Label, *, by_form: bool, is_echo: bool) -> str:
        if not self.policy.personal or is_clear(text, self._known):
            return text
        pieces, at = [], 0
        for span, value in find_spans(text, self._known, self.policy.region, by_form=by_form):
            pieces += [text[at : span.start], self._hide(value, span.kind, label, is_echo=is_echo)]
            at = span.end
        return "".join([*pieces, text[at:]])

    def _hide(self, value: str, kind: Hidden, label: Label, *, is_echo: bool) -> str:
        return self.vault.echo(value, kind, label) if is_echo else self.vault.hide(value, kind, label)

    def _tick(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise MaskingError("the conversation is too long to be masked, so the model was not asked")
        if time.monotonic() > self._until:
            raise MaskingError("masking took too long, so the model was not asked")


def read_json(text: str) -> Any:
    """The data in a tool's answer; None if it is plain text."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict | list) else None


def _clean(text: str) -> str:
    return neutralise(compose(text))


def label_by_field(place: Place, label: Label) -> Label:
    """What the field says of the value, on top of what is known of the part it stands in."""
    origin = " ".join(filter(None, (place.object_name, place.record_id)))
    if origin and place.field:
        origin = f"{origin}.{place.field}"
    if place.is_outside:
        return Label(Integrity.EXTERNAL, label.writers | {"outside"}, label.readers, origin or label.origin)
    return Label(label.integrity, label.writers, label.readers, origin or label.origin)


def _rebuild(data: Any, masked: Mapping[tuple[str | int, ...], str], path: tuple[str | int, ...]) -> Any:
    if isinstance(data, str):
        return masked.get(path, data)
    if isinstance(data, Mapping):
        return {
            masked.get((*path, str(k), 0), str(k)): _rebuild(v, masked, (*path, str(k), 1)) for k, v in data.items()
        }
    if isinstance(data, list | tuple):
        return [_rebuild(one, masked, (*path, place)) for place, one in enumerate(data)]
    return data
