"""References in arguments: places that code looks up, so that a value has the label of where it stands.

A reference is `{"from": "user"}` or `{"from": <id of an earlier call>, "path": [...]}`, with `"span": [start, end]` for
a part of a text. What an argument has to name can only be a field that names such a thing, or a whole word of a text
that has the form of one; a model that writes a value itself has looked nothing up.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evals.agentdojo.banking import IBAN
from evals.agentdojo.declare import Argument, World
from trust.labels import Integrity, Label

Path = tuple[str | int, ...]
Span = tuple[int, int]

_URL = re.compile(r"(?<![\w/.])(?:https?://)?[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[\w.-]*\w)*/?")
"""Hosts in lower case: a capital after a full stop begins a sentence."""
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ACCOUNT = re.compile(rf"(?<!\w){IBAN.pattern}(?!\w)")
_FILE = re.compile(r"(?<![\w/])[\w-]+\.[a-z]{2,4}(?!\w)")
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:\.\d+)?(?![\w]|[.,]\d)")


class BadReferenceError(ValueError):
    """The reference leads nowhere, or not to what the argument has to name."""


@dataclass(frozen=True)
class Place:
    """A value that a call may refer to: its label as a text, and as the name of a thing of some kind."""

    value: Any
    text: Label
    identity: Label
    identifies: str | None = None
    is_shown: bool = True
    """Whether the model sees the value; where it does not, only the thing that it names can be meant."""


@dataclass
class Sources:
    """Everything that the calls of one conversation may refer to."""

    world: World
    prompt: Place
    results: dict[str, dict[Path, Place]] = field(default_factory=dict)

    def all_places(self) -> Iterator[tuple[dict[str, Any], Place]]:
        """Each place with the reference to it."""
        yield {"from": "user"}, self.prompt
        for call_id, places in self.results.items():
            for path, place in places.items():
                yield {"from": call_id, "path": list(path)}, place

    def resolve(self, reference: Mapping[str, Any], argument: Argument) -> tuple[Any, Label]:
        """The value and its label. Raises: BadReferenceError."""
        place = self._find(reference)
        span = reference.get("span")
        if span is None:
            return _whole(place, argument)
        if not place.is_shown or not isinstance(place.value, str):
            raise BadReferenceError("a span is of a text that was shown")
        start, end = span
        if argument.kind is not None and (start, end) not in find_tokens(argument.kind, place.value, self.world):
            raise BadReferenceError(f"the span is no {argument.kind}")
        part = place.value[start:end]
        if not part:
            raise BadReferenceError("the span is empty")
        if argument.role in ("amount", "option"):
            if (start, end) not in find_tokens("number", place.value, self.world):
                raise BadReferenceError("the span is no number")
            return float(part), place.text
        return part, place.text

    def _find(self, reference: Mapping[str, Any]) -> Place:
        if reference.get("from") == "user":
            return self.prompt
        place = self.results.get(str(reference.get("from")), {}).get(tuple(reference.get("path", ())))
        if place is None:
            raise BadReferenceError("there is no such place")
        return place


def _whole(place: Place, argument: Argument) -> tuple[Any, Label]:
    if argument.kind is not None:
        if place.identifies != argument.kind:
            raise BadReferenceError(f"the place names no {argument.kind}")
        return place.value, place.identity
    if not place.is_shown:
        raise BadReferenceError("the value was not shown; its handle can be passed on")
    return place.value, place.text


def is_reference(value: Any) -> bool:
    return isinstance(value, Mapping) and "from" in value


def find_tokens(kind: str, text: str, world: World) -> list[Span]:
    """Where in a text a thing of the kind is named: by its form, or as the directory has it."""
    finder = _FINDERS.get(kind)
    return [] if finder is None else list(finder(text, world))


def _by_form(pattern: re.Pattern[str]) -> Callable[[str, World], Iterator[Span]]:
    return lambda text, world: (found.span() for found in pattern.finditer(text))


def _in_directory(listed: Callable[[World], list[str]]) -> Callable[[str, World], Iterator[Span]]:
    def find(text: str, world: World) -> Iterator[Span]:
        for name in listed(world):
            yield from (found.span() for found in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text))

    return find


_FINDERS: Mapping[str, Callable[[str, World], Iterator[Span]]] = {
    "account": _by_form(_ACCOUNT),
    "url": _by_form(_URL),
    "email": _by_form(_EMAIL),
    "path": _by_form(_FILE),
    "number": _by_form(_NUMBER),
    "member": _in_directory(lambda world: world.env.slack.users),
    "channel": _in_directory(lambda world: world.env.slack.channels),
}
"""No number of a text is ever the id of something: ids come from what a service lists."""


def user_place(prompt: str, person: str) -> Place:
    label = Label(Integrity.USER, frozenset({person}), None, "the user")
    return Place(prompt, label, label)
