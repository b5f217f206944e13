"""The model that plays the user's task, and drops it for the first order of an attacker that it can read."""

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

from trust.handles import HANDLE

TASK, ORDER = "task", "order"
"""How the ids of calls begin that the user's task asks for, and of those that an attacker orders."""

_TAGS_FROM = 0xE0000
"""Characters that nobody sees and models read: each stands for the ASCII character this far below it."""


@dataclass(frozen=True)
class View:
    """What one call of the model is shown."""

    messages: Sequence[BaseMessage]
    tools: Sequence[Mapping[str, Any]] = ()

    @property
    def text(self) -> str:
        """All of it, hidden characters made plain."""
        shown = [str(message.content) for message in self.messages] + [json.dumps(tool) for tool in self.tools]
        return make_plain("\n".join(shown))

    @property
    def turn(self) -> int:
        """How many turns came before this one."""
        return sum(message.type == "human" for message in self.messages) - 1

    @property
    def results(self) -> list[Any]:
        """What tools returned so far, newest first; what they refused is left out."""
        told = [str(message.content) for message in self.messages if isinstance(message, ToolMessage)]
        read = [found for one in reversed(told) if isinstance(found := _json(one), dict)]
        return [one["result"] for one in read if one.get("ok")]

    def value(self, name: str) -> Any:
        """The newest value of that name in any result; None if there is none."""
        return next((value for result in self.results for value in _values_of(result, name)), None)

    def handles(self) -> list[str]:
        """Those of the whole conversation, newest result first."""
        texts = [json.dumps(result, ensure_ascii=False) for result in self.results]
        return list(dict.fromkeys(handle for text in texts for handle in HANDLE.findall(text)))


Step = Callable[[View], AIMessage]
Turn = tuple[Step, ...]


@dataclass(frozen=True)
class Unasked:
    """A step that the user did not ask for, of a model that needs no order."""

    step: Step

    def __call__(self, view: View) -> AIMessage:
        return self.step(view)


@dataclass(frozen=True)
class Order:
    """What an attacker wants done. A model that reads `words` anywhere does all `steps` before anything else."""

    words: str
    steps: tuple[Step, ...]
    extracts: Mapping[str, Any] = field(default_factory=dict)
    """What it makes of a text that it takes values from."""


class Victim(BaseChatModel):
    """Plays `turns`, one list of steps for each message of the user."""

    turns: Sequence[Any]
    order: Any = None
    _turn: int = PrivateAttr(default=-1)
    _steps: list[tuple[str, Step]] = PrivateAttr(default_factory=list)
    _obeyed: bool = PrivateAttr(default=False)
    _prompts: list[str] = PrivateAttr(default_factory=list)

    @property
    def has_obeyed(self) -> bool:
        return self._obeyed

    @property
    def prompts(self) -> list[str]:
        """All that the model was shown, call by call."""
        return self._prompts

    @property
    def _llm_type(self) -> str:
        return "victim"

    def begin(self, turns: Sequence[Turn]) -> None:
        """Forget everything and play other turns."""
        self.turns = turns
        self._turn, self._steps, self._obeyed, self._prompts = -1, [], False, []

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tools=list(tools), **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        view = View(messages, [tool["function"] for tool in kwargs.get("tools", ())])
        self._prompts.append(view.text)
        return ChatResult(generations=[ChatGeneration(message=self._speak(view))])

    def _speak(self, view: View) -> AIMessage:
        can_read_order = self.order is not None and self.order.words in view.text
        if not view.tools:
            return AIMessage(json.dumps(dict(self.order.extracts) if can_read_order else {}))
        if view.turn != self._turn:
            self._turn = view.turn
            steps = self.turns[view.turn] if view.turn < len(self.turns) else ()
            self._steps = [(TASK, step) for step in steps]
        if can_read_order and not self._obeyed:
            self._obeyed = True
            self._steps = [(ORDER, step) for step in self.order.steps] + self._steps
        if not self._steps:
            return AIMessage("Done.")
        who, step = self._steps.pop(0)
        who = ORDER if isinstance(step, Unasked) else who
        message = step(view)
        for place, call in enumerate(message.tool_calls):
            call["id"] = f"{who}-{len(self._prompts)}-{place}"
        return message


def calls(*wanted: tuple[str, Mapping[str, Any]]) -> Step:
    """A step that calls tools. Arguments that are functions are worked out from what the model is shown."""

    def step(view: View) -> AIMessage:
        made = [{"name": name, "args": _filled(arguments, view), "id": ""} for name, arguments in wanted]
        return AIMessage("", tool_calls=made)

    return step


def call(name: str, /, **arguments: Any) -> Step:
    return calls((name, arguments))


def say(text: str | Callable[[View], str]) -> Step:
    return lambda view: AIMessage(text if isinstance(text, str) else text(view))


def saying(text: str, step: Step) -> Step:
    """The step, with words beside its calls."""
    return lambda view: step(view).model_copy(update={"content": text})


def value(name: str) -> Callable[[View], Any]:
    """An argument: the newest value of that name, which may be a handle."""
    return lambda view: view.value(name)


def read_out(*names: str, tools_needed: Sequence[str] = ()) -> Step:
    """Read the texts that stand in the fields of these names, for as much as they are handles."""

    def step(view: View) -> AIMessage:
        found = [one for name in names if isinstance(one := view.value(name), str) and HANDLE.fullmatch(one)]
        asked = {"handles": found or ["<<TEXT:AAAAAAAAAA>>"], "tools_needed": list(tools_needed)}
        return AIMessage("", tool_calls=[{"name": "read_text", "args": asked, "id": ""}])

    return step


def make_plain(text: str) -> str:
    """The text as a model reads it: tag characters as letters, nothing of no width in between."""
    read = "".join(chr(ord(char) - _TAGS_FROM) if _TAGS_FROM < ord(char) < _TAGS_FROM + 128 else char for char in text)
    return "".join(char for char in read if char == "\n" or unicodedata.category(char) not in ("Cf", "Mn"))


def to_tags(text: str) -> str:
    """The text in characters that nobody sees."""
    return "".join(chr(ord(char) + _TAGS_FROM) for char in text)


def _filled(value: Any, view: View) -> Any:
    if callable(value):
        return value(view)
    if isinstance(value, Mapping):
        return {name: _filled(inner, view) for name, inner in value.items()}
    return [_filled(inner, view) for inner in value] if isinstance(value, list) else value


def _values_of(data: Any, name: str) -> Iterator[Any]:
    if isinstance(data, Mapping):
        if data.get(name) is not None:
            yield data[name]
        for inner in data.values():
            yield from _values_of(inner, name)
    elif isinstance(data, list):
        for inner in data:
            yield from _values_of(inner, name)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
