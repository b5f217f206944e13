"""The tools that are bound to the model, the calls it makes and what came back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from agents._offline.choosing import Chooser
from agents._offline.schemas import Spec, read_spec

Args = dict[str, Any]


@dataclass(frozen=True)
class Call:
    tool: str
    args: Args


@dataclass(frozen=True)
class Outcome:
    """What a call came to: a result, or an error with its kind."""

    call: Call
    result: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""
    message: str = ""

    @property
    def ok(self) -> bool:
        return not self.kind


class Toolbox:
    """Reads OpenAI-format tool schemas; a call carries only arguments that its schema knows."""

    def __init__(self, schemas: Sequence[Mapping[str, Any]]) -> None:
        self._tools = {str(s["function"]["name"]): s["function"] for s in schemas if "function" in s}

    def __contains__(self, tool: str) -> bool:
        return tool in self._tools

    def __len__(self) -> int:
        return len(self._tools)

    @property
    def names(self) -> list[str]:
        return list(self._tools)

    @cached_property
    def specs(self) -> tuple[Spec, ...]:
        return tuple(read_spec(function) for function in self._tools.values())

    def spec(self, tool: str) -> Spec:
        return next(spec for spec in self.specs if spec.name == tool)

    @property
    def starters(self) -> frozenset[str]:
        """The words that the tools' names begin with: what they do."""
        return frozenset(word for name in self._tools if len(word := name.split("_")[0].lower()) > 3 and "_" in name)

    @property
    def chooser(self) -> Chooser:
        return _chooser_of(self.specs)

    def describe(self, tool: str) -> str:
        return str(self._tools[tool].get("description") or "")

    def parameters(self, tool: str) -> Mapping[str, Any]:
        return self._tools[tool].get("parameters", {}).get("properties", {}) or {}

    def accepts(self, tool: str, argument: str) -> bool:
        known = self.parameters(tool)
        return tool in self._tools and (not known or argument in known)

    def call(self, tool: str, **args: Any) -> Call:
        known = self.parameters(tool)
        return Call(
            tool, {name: value for name, value in args.items() if value is not None and (not known or name in known)}
        )


@lru_cache(maxsize=64)
def _chooser_of(specs: tuple[Spec, ...]) -> Chooser:
    return Chooser(specs)


def read_outcome(call: Call, content: object) -> Outcome:
    """The outcome in a tool message; content that is no JSON object of ours counts as a failure with that text."""
    text = content if isinstance(content, str) else _text_of(content)
    try:
        body = json.loads(text)
    except ValueError:
        return Outcome(call, kind="failed", message=text[:300])
    if not isinstance(body, dict):
        return Outcome(call, kind="failed", message=text[:300])
    if body.get("ok") is True and isinstance(body.get("result"), dict):
        return Outcome(call, result=body["result"])
    error = body.get("error")
    error = error if isinstance(error, dict) else {}
    return Outcome(
        call, kind=str(error.get("kind") or "failed"), message=str(error.get("message") or "no reason was given")
    )


def _text_of(content: object) -> str:
    if not isinstance(content, list):
        return str(content)
    return "".join(
        block if isinstance(block, str) else str(block.get("text", ""))
        for block in content
        if isinstance(block, str | dict)
    )
