"""What was said and done in a conversation, as a client and a reader of the database saw it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evals.attacks.outcome import Dump


@dataclass(frozen=True)
class Called:
    """A tool call and its answer; `ok` is None if it was never answered."""

    tool: str
    arguments: Mapping[str, Any]
    ok: bool | None
    result: Any = None
    error: str = ""
    """Kind of the failure."""
    message: str = ""


@dataclass(frozen=True)
class Held:
    """A request that was put before a person, and what they did."""

    tool: str
    changes: tuple[Mapping[str, Any], ...]
    decision: str
    by: str
    status: str
    was_expected: bool

    def new_values(self, object_name: str | None = None) -> dict[str, Any]:
        return {
            one["field"]: one["new"]
            for change in self.changes
            if object_name in (None, change["object"])
            for one in change["fields"]
        }


@dataclass(frozen=True)
class Exchange:
    """One message of the user and everything up to the next."""

    said: str
    route: str
    """Name of the agent; or clarify, off_topic, escalate."""
    calls: tuple[Called, ...]
    held: tuple[Held, ...]
    spoken: tuple[str, ...]
    """What the copilot said, in order; the last is the answer."""
    fault: str = ""
    """Why the turn broke off."""
    is_history: bool = False

    @property
    def answer(self) -> str:
        return self.spoken[-1] if self.spoken else ""


@dataclass(frozen=True)
class Transcript:
    """A whole case as it went."""

    exchanges: tuple[Exchange, ...]
    before: Dump = field(repr=False)
    after: Dump = field(repr=False)
    tenant: str
    caller: str
    user_ended: str = ""
    """How a simulated user left: done, gave up."""

    @property
    def changed(self) -> list[tuple[str, str, str]]:
        """Object, tenant and id of every record that is not what it was."""
        keys = self.before.keys() | self.after.keys()
        return sorted(key for key in keys if self.before.get(key) != self.after.get(key))

    def new_ids(self) -> dict[str, str]:
        """Ids that the case has made -> a name that is the same in every run."""
        counts: dict[str, int] = {}
        names = {}
        for object_name, _, record_id in sorted(self.after.keys() - self.before.keys(), key=self._age):
            counts[object_name] = counts.get(object_name, 0) + 1
            names[record_id] = f"<new {object_name} {counts[object_name]}>"
        return names

    def _age(self, key: tuple[str, str, str]) -> tuple[str, str]:
        row = self.after[key]
        said = {name: value for name, value in row.items() if not re.fullmatch(r".*Id|version", name)}
        return key[0], repr(sorted(said.items(), key=lambda pair: pair[0]))


def strings_in(data: Any) -> Iterator[str]:
    """Every text in a result, keys left out."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for inner in data.values():
            yield from strings_in(inner)
    elif isinstance(data, list | tuple):
        for inner in data:
            yield from strings_in(inner)
