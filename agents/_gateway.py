"""The only door to a model: every prompt leaves masked and every answer comes back revealed through here."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage
from langchain_core.messages.tool import invalid_tool_call

from agents._calling import ModelError, Patience, call_model
from agents._offline import OfflineModel
from agents._sealing import NOTE, PeopleIndex, Sealer
from crm.database import Database
from tools._declare import without_ways
from trust import budgets, telemetry
from trust.digests import digest_of
from trust.masking.masker import LabelFor, Masker, MaskingError, Policy
from trust.outgoing import Outgoing
from trust.principal import Principal
from trust.switches import SwitchedOffError, require_running
from trust.vault import STAFF, Occurrence, Reader, Revealer, Vault

__all__ = ["Answer", "Asking", "BudgetError", "Gateway", "ModelError", "OnText", "PausedError"]

OnText = Callable[[str], Awaitable[None]]
"""Takes the next piece of an answer, as the caller may read it."""

_CHARACTERS_PER_TOKEN = 4


class BudgetError(ModelError):
    """A budget is used up; the message names it and says when it starts anew."""

    def __init__(self, error: budgets.OverBudgetError) -> None:
        super().__init__(str(error))
        resets_at = None if error.resets_at is None else error.resets_at.isoformat().replace("+00:00", "Z")
        self.details = {"type": "urn:countersign:problem:budget", "status": 429, "resets_at": resets_at}


class PausedError(ModelError):
    """Somebody has switched off what the run needs: it ends here, and nothing is half done."""

    def __init__(self, error: SwitchedOffError) -> None:
        super().__init__(str(error))
        self.details = {"type": "urn:countersign:problem:paused", "status": 409, "scope": error.halt.scope}


@dataclass(frozen=True)
class Asking:
    """On whose behalf a model is asked, in which conversation, and under which rules.

    `own_lines` are lines of the system prompt that the service wrote and that are the same for everybody. `label_for`
    labels what tools returned.
    """

    principal: Principal
    thread_id: str
    run_id: str
    now: datetime
    rules: Outgoing = field(default_factory=Outgoing)
    own_lines: frozenset[str] = frozenset()
    withhold_outside: bool = False
    """Texts of outsiders leave as handles for this question, even if the tenant's rules let them leave."""
    agent: str | None = None
    """Who asks; None for what the service asks by itself."""
    label_for: LabelFor | None = None

    @property
    def policy(self) -> Policy:
        """How this question is masked."""
        policy = self.rules.policy
        return replace(policy, withhold_outside=True) if self.withhold_outside else policy

    @property
    def reader(self) -> Reader:
        """The caller as a reader of what is hidden."""
        access = self.principal.access
        if not self.principal.is_customer:
            return STAFF
        names = {f"contact:{self.principal.id}"} | ({f"account:{access.account_id}"} if access.account_id else set())
        return Reader(frozenset(names))


@dataclass(frozen=True)
class Answer:
    """What came back. Text and arguments carry real values; `hidden` says which placeholders stood for them."""

    message: AIMessage
    hidden: tuple[tuple[Occurrence, ...], ...]
    """For each of the message's tool calls: the placeholders in its arguments, by JSON pointer."""
    prompt_digest: str
    """Of what left the house."""
    answer_digest: str
    """Of what came back, before it was revealed."""
    model: str
    tokens: int
    vault: Vault = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """For the audit: no text."""
        return {"model": self.model, "prompt": self.prompt_digest, "answer": self.answer_digest, "tokens": self.tokens}


@dataclass(frozen=True)
class Gateway:
    """Asks the model of a tenant, with a time limit for the whole answer. Errors of the model never pass as answers.

    `house` is the service's own model, which nothing leaves for.
    """

    model: BaseChatModel
    database: Database
    vault_key: bytes = field(repr=False)
    fallback: BaseChatModel | None = None
    patience: Patience = field(default_factory=Patience)
    house: BaseChatModel = field(default_factory=OfflineModel)

    async def ask(
        self,
        messages: Sequence[BaseMessage],
        tools: Sequence[dict[str, Any]],
        asking: Asking,
        on_text: OnText | None = None,
        on_restart: Callable[[], None] | None = None,
    ) -> Answer:
        """One answer; its text reaches `on_text` piece by piece while it comes.

        Raises: ModelError and its kinds: BudgetError, PausedError.

        `on_restart` is told that the answer begins anew, from another model.
        """
        await self._require_running(asking)
        vault = Vault(self.vault_key, asking.principal.tenant, asking.thread_id)
        try:
            sealed = await self._seal(messages, asking, vault)
        except MaskingError as error:
            raise ModelError(str(error)) from error
        first, second = self._models_for(asking.rules)
        spoken = _Spoken(vault, asking.reader, on_text)
        try:
            return await self._ask(first, sealed, tools, asking, spoken)
        except (BudgetError, PausedError):
            raise
        except ModelError:
            if second is None or spoken.has_begun:
                raise
            await self._require_running(asking)
            if on_restart is not None:
                on_restart()
            return await self._ask(second, sealed, tools, asking, _Spoken(vault, asking.reader, on_text))

    async def mask(self, messages: Sequence[BaseMessage], asking: Asking) -> list[BaseMessage]:
        """The messages as they would leave. Raises: ModelError if they cannot be masked."""
        vault = Vault(self.vault_key, asking.principal.tenant, asking.thread_id)
        try:
            return await self._seal(messages, asking, vault)
        except MaskingError as error:
            raise ModelError(str(error)) from error

    async def _require_running(self, asking: Asking) -> None:
        """Raises: PausedError."""
        try:
            async with self.database.session(asking.principal.tenant) as session:
                await require_running(session, asking.principal, at=asking.now, agent=asking.agent)
        except SwitchedOffError as error:
            raise PausedError(error) from error

    def _models_for(self, rules: Outgoing) -> tuple[BaseChatModel, BaseChatModel | None]:
        return (self.house, None) if rules.model == "offline" else (self.model, self.fallback)

    async def _seal(self, messages: Sequence[BaseMessage], asking: Asking, vault: Vault) -> list[BaseMessage]:
        sealer = Sealer(
            Masker(vault, asking.policy, label_for=asking.label_for),
            PeopleIndex(self.database, asking.principal.tenant),
            caller=asking.principal.id,
            reader=asking.reader,
            own_lines=asking.own_lines,
        )
        return await sealer.seal(messages)

    async def _ask(
        self,
        model: BaseChatModel,
        sealed: Sequence[BaseMessage],
        tools: Sequence[dict[str, Any]],
        asking: Asking,
        spoken: "_Spoken",
    ) -> Answer:
        leaves = not isinstance(model, OfflineModel)
        sent = _with_note(sealed) if leaves else list(sealed)
        tools = [without_ways(tool) for tool in tools] if leaves else tools
        expected = _estimate(sent, tools)
        if leaves:
            await self._spend(asking, expected)
        with telemetry.step("chat", _described(model), title=f"chat {_name_of(model)}") as watched:
            raw = await call_model(model, sent, tools, self.patience, spoken.hear)
            _note_answer(watched, sent, raw, asking)
        await spoken.end()
        tokens = raw.usage_metadata["total_tokens"] if raw.usage_metadata else expected + _estimate([raw], ())
        if leaves:
            await self._settle(asking, tokens - expected)
        message, hidden = _reveal(raw, spoken.vault, asking.reader)
        return Answer(
            message=message,
            hidden=hidden,
            prompt_digest=digest_of([_outline(sent), [tool["function"]["name"] for tool in tools]]),
            answer_digest=digest_of(_outline([raw])),
            model=_name_of(model),
            tokens=tokens,
            vault=spoken.vault,
        )

    async def _spend(self, asking: Asking, tokens: int) -> None:
        """Raises: BudgetError."""
        who, run = asking.principal.id, asking.run_id
        try:
            async with self.database.session(asking.principal.tenant, write=True) as session:
                await budgets.spend(session, asking.rules, user=who, run=run, at=asking.now, calls=1, tokens=tokens)
        except budgets.OverBudgetError as error:
            raise BudgetError(error) from error

    async def _settle(self, asking: Asking, tokens: int) -> None:
        who, run = asking.principal.id, asking.run_id
        async with self.database.session(asking.principal.tenant, write=True) as session:
            await budgets.settle(session, asking.rules, user=who, run=run, at=asking.now, tokens=tokens)


class _Spoken:
    """The text of an answer on its way to the caller."""

    def __init__(self, vault: Vault, reader: Reader, on_text: OnText | None) -> None:
        self.vault = vault
        self._revealer = Revealer(vault, reader)
        self._on_text = on_text
        self.has_begun = False

    async def hear(self, piece: str) -> None:
        await self._tell(self._revealer.feed(piece))

    async def end(self) -> None:
        await self._tell(self._revealer.close())

    async def _tell(self, text: str) -> None:
        if text and self._on_text is not None:
            self.has_begun = True
            await self._on_text(text)


def _with_note(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The system prompt says what placeholders are."""
    place = next((place for place, one in enumerate(messages) if isinstance(one, SystemMessage)), None)
    if place is None:
        return [SystemMessage(NOTE), *messages]
    told = SystemMessage(f"{messages[place].text}\n\n{NOTE}")
    return [*messages[:place], told, *messages[place + 1 :]]


def _reveal(raw: AIMessage, vault: Vault, reader: Reader) -> tuple[AIMessage, tuple[tuple[Occurrence, ...], ...]]:
    calls, broken, hidden = [], list(raw.invalid_tool_calls), []
    for call in raw.tool_calls:
        try:
            arguments, found = vault.reveal_data(call["args"], reader)
        except RecursionError:
            broken.append(invalid_tool_call(name=call["name"], args=None, id=call["id"], error=None))
            continue
        calls.append({**call, "args": arguments})
        hidden.append(tuple(found))
    update = {"content": vault.reveal(raw.text, reader), "tool_calls": calls, "invalid_tool_calls": broken}
    return raw.model_copy(update=update), tuple(hidden)


def _outline(messages: Sequence[BaseMessage]) -> list[Any]:
    """A prompt or answer as JSON, for its digest; a model's arguments may be no JSON, so they stand as text."""
    return [
        [one.type, one.text, [[call["name"], _written(call["args"])] for call in getattr(one, "tool_calls", ())]]
        for one in messages
    ]


def _written(arguments: Any) -> str:
    try:
        return json.dumps(arguments, sort_keys=True, default=str)
    except (RecursionError, ValueError, TypeError):
        return "unreadable"


def _described(model: BaseChatModel) -> dict[str, telemetry.Value | None]:
    package = type(model).__module__.partition(".")[0]
    provider = "countersign" if isinstance(model, OfflineModel) else _PROVIDERS.get(package, package)
    return {telemetry.OPERATION: "chat", telemetry.PROVIDER: provider, telemetry.MODEL: _name_of(model)}


_PROVIDERS = {
    "langchain_openai": "openai",
    "langchain_anthropic": "anthropic",
    "langchain_google_genai": "gcp.gen_ai",
    "langchain_aws": "aws.bedrock",
    "langchain_ollama": "ollama",
}
"""Package -> the provider's name in the conventions of OpenTelemetry."""


def _note_answer(watched: telemetry.Step, sent: Sequence[BaseMessage], raw: AIMessage, asking: Asking) -> None:
    """How much was said. The words only where the operator asked for them, and as they left the house, masked."""
    if raw.usage_metadata:
        used = raw.usage_metadata
        watched.note({telemetry.INPUT_TOKENS: used["input_tokens"], telemetry.OUTPUT_TOKENS: used["output_tokens"]})
    if asking.policy.personal:
        watched.tell(telemetry.INPUT_MESSAGES, lambda: json.dumps(_outline(sent)))
        watched.tell(telemetry.OUTPUT_MESSAGES, lambda: json.dumps(_outline([raw])))


def _estimate(messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> int:
    """Tokens by rule of thumb, where the provider does not count."""
    return len(str(_outline(messages))) // _CHARACTERS_PER_TOKEN + len(str(tools)) // _CHARACTERS_PER_TOKEN + 1


def _name_of(model: BaseChatModel) -> str:
    name = getattr(model, "model_name", None) or getattr(model, "model", None) or model._llm_type
    return str(name)[:80]
