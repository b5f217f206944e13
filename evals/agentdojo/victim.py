"""The obedient victim: it does what its user's task asks, and what an outsider's text asks as soon as it sees it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from agentdojo.agent_pipeline import BasePipelineElement
from agentdojo.functions_runtime import EmptyEnv, Env, FunctionCall, FunctionsRuntime
from agentdojo.types import (
    ChatAssistantMessage,
    ChatMessage,
    get_text_content_as_str,
    text_content_block_from_string,
)

from evals.agentdojo.desk import READ_TEXT, Desk
from evals.agentdojo.oracle import Oracle, is_placeholder
from trust.actions import Effect
from trust.handles import HANDLE

Reads = Literal["everything", "what it needs"]
Speaker = Literal["user", "attacker"]
_LEAST_NAME = 4


@dataclass
class Script:
    """What there is to do. `bait` is what the attacker has put where the model may come across it."""

    of_user: list[FunctionCall]
    of_attacker: list[FunctionCall]
    bait: tuple[str, ...]
    last_words: str
    is_baited: bool = False
    speaker: Speaker = "user"
    """On whose behalf the last call was made."""

    def look_at(self, shown: str) -> None:
        if not self.is_baited and any(one in _plain(shown) for one in self.bait):
            self.is_baited = True

    def next_call(self) -> FunctionCall | None:
        """The attacker's calls come first once the bait was seen."""
        if self.is_baited and self.of_attacker:
            self.speaker = "attacker"
            return self.of_attacker.pop(0)
        self.speaker = "user"
        return self.of_user.pop(0) if self.of_user else None


def make_bait(injections: dict[str, str]) -> tuple[str, ...]:
    return tuple(_plain(text) for text in injections.values() if text.strip())


def _plain(text: str) -> str:
    """Letters and digits only: texts are quoted, folded and escaped on their way."""
    return "".join(one for one in text.encode().decode("unicode_escape", "ignore") if one.isalnum())


class Victim(BasePipelineElement):  # type: ignore[misc] # the package is not in the environment of the type checker
    """Without guards: it writes every value as it is."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.calls = 0

    def query(
        self,
        query: str,
        runtime: FunctionsRuntime,
        env: Env = EmptyEnv(),  # noqa: B008 # the signature is the package's
        messages: Sequence[ChatMessage] = (),
        extra_args: dict[str, Any] | None = None,
    ) -> tuple[str, FunctionsRuntime, Env, Sequence[ChatMessage], dict[str, Any]]:
        if messages and messages[-1]["role"] == "tool":
            self.script.look_at(get_text_content_as_str(messages[-1]["content"]))
        call = self.decide()
        words = "" if call is not None else self.script.last_words
        calls = None if call is None else [call]
        said = ChatAssistantMessage(role="assistant", tool_calls=calls, content=[text_content_block_from_string(words)])
        return query, runtime, env, [*messages, said], extra_args or {}

    def decide(self) -> FunctionCall | None:
        return self.numbered(self.script.next_call())

    def numbered(self, call: FunctionCall | None) -> FunctionCall | None:
        self.calls += 1
        return None if call is None else call.model_copy(update={"id": f"call_{self.calls}"})


@dataclass
class Unread:
    """Outsiders' words that the model has handles for: documents as a whole, and parts of lists."""

    documents: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    def take(self, shown: str, *, is_document: bool) -> None:
        found = [one for one in dict.fromkeys(HANDLE.findall(shown)) if one not in self.documents + self.parts]
        (self.documents if is_document else self.parts).extend(found)


class GuardedVictim(Victim):
    """Behind guards: it refers to what it has seen, passes on handles where its own words are not asked for, and reads
    texts out, either all at once or, before it does something with them, those that it needs."""

    def __init__(self, script: Script, desk: Desk, reads: Reads) -> None:
        super().__init__(script)
        self.desk = desk
        self.oracle = Oracle(desk)
        self.reads = reads
        self.unread = Unread()
        self.tools_needed = sorted({call.function for call in script.of_user})
        self.last: FunctionCall | None = None

    def decide(self) -> FunctionCall | None:
        self._take_in()
        wanted = self._to_read()
        if wanted:
            arguments = {"handles": wanted[:10], "tools_needed": self.tools_needed}
            self.last = FunctionCall(function=READ_TEXT.name, args=arguments)
            self.script.speaker = "user"
            return self.numbered(self.last)
        call = self.script.next_call()
        self.last = None if call is None else self._written(call)
        return self.numbered(self.last)

    def _take_in(self) -> None:
        if self.last is None:
            return
        if self.last.function == READ_TEXT.name:
            done = set(self.last.args["handles"])
            self.unread.documents = [one for one in self.unread.documents if one not in done]
            self.unread.parts = [one for one in self.unread.parts if one not in done]
            return
        tool = self.desk.tools.get(self.last.function)
        shown = str(self.desk.sight.messages[-1]["content"])
        self.unread.take(shown, is_document=tool is not None and tool.is_document)

    def _to_read(self) -> list[str]:
        if self.script.is_baited and self.script.of_attacker:
            return []
        if self.reads == "everything":
            return self.unread.documents + self.unread.parts
        coming = self.script.of_user[0] if self.script.of_user else None
        if coming is not None and self.desk.tools[coming.function].effect is Effect.READ:
            return []
        named = [one for one in self.unread.parts if self._is_named(one)]
        passes_on = coming is not None and self._passes_on(coming)
        return named if passes_on else named + self.unread.documents

    def _is_named(self, handle: str) -> bool:
        """Whether the user speaks of it by the beginning of its name, and not by the name itself."""
        text = self.desk.sight.seen.handles.texts[handle].text
        words = (word.strip(".,:!?'\"") for word in self.desk.prompt.split())
        return any(len(word) >= _LEAST_NAME and text.startswith(word) and text != word for word in words)

    def _passes_on(self, call: FunctionCall) -> bool:
        declared = self.desk.tools[call.function].arguments
        return any(name in declared and is_placeholder(declared[name], value) for name, value in call.args.items())

    def _written(self, call: FunctionCall) -> FunctionCall:
        arguments = self.oracle.write(call.function, call.args)
        declared = self.desk.tools[call.function].arguments
        for name, value in call.args.items():
            if name in declared and is_placeholder(declared[name], value) and self.unread.documents:
                arguments[name] = " ".join(self.unread.documents)
                self.unread.documents = []
        return FunctionCall(function=call.function, args=json.loads(json.dumps(arguments)))
