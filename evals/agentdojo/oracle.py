"""A model that knows everything: how it would best write the values of a call, whether the call is its user's or not.

It knows the guards, and picks for each value the source that they trust most. That is fair to the user's calls and
generous to an attacker's.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evals.agentdojo.declare import Argument, same_text
from evals.agentdojo.desk import Desk
from evals.agentdojo.references import Place, find_tokens
from trust.labels import Integrity

_PLACEHOLDER = re.compile(r"<\w+>|\.\.\.")
_LEAST_WORDS = 2
"""Shorter texts are no quotation of anything."""


def is_placeholder(argument: Argument, value: Any) -> bool:
    """Whether the task leaves the words to the model: `<summary>`."""
    return argument.role == "content" and isinstance(value, str) and _PLACEHOLDER.fullmatch(value) is not None


@dataclass(frozen=True)
class Oracle:
    desk: Desk

    def write(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with the best reference in place of each value that has one."""
        declared = self.desk.tools[tool].arguments
        return {name: self._best(declared.get(name), value) for name, value in arguments.items()}

    def _best(self, argument: Argument | None, value: Any) -> Any:
        if argument is None or value is None or isinstance(value, bool):
            return value
        own = self.desk.sight.seen.own.integrity
        found = [(self._trust(reference, argument), reference) for reference in self._sources(argument, value)]
        best = max(found, key=lambda one: one[0], default=None)
        if best is None or (argument.kind is None and best[0] <= own):
            return value
        return best[1]

    def _trust(self, reference: Mapping[str, Any], argument: Argument) -> Integrity:
        return self.desk.sources.resolve(reference, argument)[1].integrity

    def _sources(self, argument: Argument, value: Any) -> Iterator[dict[str, Any]]:
        """Every reference that leads to the value and that the argument can take."""
        for reference, place in self.desk.sources.all_places():
            is_whole = place.identifies == argument.kind if argument.kind is not None else place.is_shown
            if is_whole and same_text(place.value, value):
                yield reference
            if place.is_shown and isinstance(place.value, str):
                yield from ({**reference, "span": list(span)} for span in self._spans(place, argument, value))

    def _spans(self, place: Place, argument: Argument, value: Any) -> Iterator[tuple[int, int]]:
        text = str(place.value)
        if argument.kind is not None:
            tokens = find_tokens(argument.kind, text, self.desk.world)
            yield from (span for span in tokens if text[span[0] : span[1]] == value)
        elif argument.role in ("amount", "option"):
            if isinstance(value, int | float):
                tokens = find_tokens("number", text, self.desk.world)
                yield from (span for span in tokens if float(text[span[0] : span[1]]) == value)
        elif isinstance(value, str) and len(value) >= _LEAST_WORDS and (start := text.find(value)) >= 0:
            yield start, start + len(value)
