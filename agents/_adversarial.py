"""A chat model on the attacker's side: whatever a hostile model could emit, the tests let this one emit."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr


class AdversarialModel(BaseChatModel):
    """Calls tools at random, bound or not, with arguments built from ids and words it is given. Seeded.

    `spoils` are what the attacker hopes to reach: ids of another tenant, hidden fields, forbidden objects.
    In each turn it calls for so many rounds and then says that it is done.
    """

    seed: int
    tools: Sequence[str]
    spoils: Sequence[Any]
    arguments: Sequence[str]
    rounds: int = 3
    calls_per_round: int = 4
    _random: random.Random = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable attacks, not secrets

    @property
    def _llm_type(self) -> str:
        return "adversarial"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tools=list(tools), **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if _rounds_of_turn(messages) >= self.rounds:
            return _result(AIMessage(content="done"))
        calls = [
            {"name": self._random.choice(self.tools), "args": self._invent(), "id": f"c{len(messages)}-{n}"}
            for n in range(self._random.randint(1, self.calls_per_round))
        ]
        return _result(AIMessage(content="", tool_calls=calls))

    def _invent(self) -> dict[str, Any]:
        count = self._random.randint(0, min(6, len(self.arguments)))
        return {name: self._value() for name in self._random.sample(list(self.arguments), count)}

    def _value(self, depth: int = 0) -> Any:
        choice = self._random.random()
        if choice < 0.15 and depth < 2:
            return [self._value(depth + 1) for _ in range(self._random.randint(0, 3))]
        if choice < 0.4 and depth < 2:
            return self._mapping(depth)
        return self._random.choice(self.spoils)

    def _mapping(self, depth: int) -> Mapping[str, Any]:
        keys = self._random.sample(list(self.arguments), self._random.randint(0, 3))
        return {key: self._value(depth + 1) for key in keys}


def _rounds_of_turn(messages: Sequence[BaseMessage]) -> int:
    """How often the model has spoken since the user did."""
    spoken = [message.type for message in messages]
    last = max((place for place, kind in enumerate(spoken) if kind == "human"), default=-1)
    return spoken[last + 1 :].count("ai")


def _result(message: AIMessage) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=message)])
