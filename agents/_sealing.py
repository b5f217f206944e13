"""A conversation as it leaves and an answer as it comes back: messages masked by their kind, placeholders resolved."""

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from crm.database import Database
from crm.ids import TenantId
from crm.repositories.personal import find_personal
from trust.labels import Integrity, Label, Readers
from trust.masking.masker import Masker, Noted, read_json
from trust.masking.texts import Key
from trust.vault import Reader

_LONG = 200_000
"""Characters from which on a prompt is masked beside the event loop."""

NOTE = (
    "A word of the form <<KIND:CODE>> stands for a value that you are not shown: a name, an address, a number, a text. "
    "The same word is the same value. Use it as you would use the value and copy it exactly, brackets included; "
    "whoever may see the value will see it in its place. Never make up such a word."
)
"""Said to a provider's model after the system prompt."""


@dataclass(frozen=True)
class PeopleIndex:
    """Asks the tenant's index of personal values."""

    database: Database
    tenant: TenantId

    async def __call__(self, keys: Collection[str], /) -> set[Key]:
        async with self.database.session(self.tenant) as session:
            return await find_personal(session, keys)


@dataclass(frozen=True)
class Sealer:
    """Masks the messages of one prompt for one caller. Lines of `own_lines` are the service's own and stay."""

    masker: Masker
    people: PeopleIndex
    caller: str
    reader: Reader
    own_lines: frozenset[str]

    async def seal(self, messages: Sequence[BaseMessage]) -> list[BaseMessage]:
        """The messages as they may leave. Raises: MaskingError."""
        is_long = sum(len(message.text) for message in messages) > _LONG
        noted = await asyncio.to_thread(self._note_all, messages) if is_long else self._note_all(messages)
        await self.masker.look_up(self.people)
        return await asyncio.to_thread(self._mask_all, messages, noted) if is_long else self._mask_all(messages, noted)

    def _note_all(self, messages: Sequence[BaseMessage]) -> list[list[Noted]]:
        return [self._note(message) for message in messages]

    def _mask_all(self, messages: Sequence[BaseMessage], noted: Sequence[Sequence[Noted]]) -> list[BaseMessage]:
        """What a model said repeats what others said, so theirs is hidden first and gives the labels."""
        sealed = list(messages)
        for place in sorted(range(len(messages)), key=lambda place: isinstance(messages[place], AIMessage)):
            sealed[place] = self._mask(messages[place], noted[place])
        return sealed

    def _note(self, message: BaseMessage) -> list[Noted]:
        """Take note of a message; the data in it: a tool's answer, or the arguments of each call."""
        if isinstance(message, ToolMessage) and (data := read_json(message.text)) is not None:
            return [self.masker.note_data(data)]
        for line in self._lines_of(message):
            self.masker.note_text(line)
        calls = message.tool_calls if isinstance(message, AIMessage) else ()
        return [self.masker.note_data(call["args"]) for call in calls]

    def _lines_of(self, message: BaseMessage) -> list[str]:
        if not isinstance(message, SystemMessage):
            return [message.text]
        return [line for line in message.text.split("\n") if line not in self.own_lines]

    def _mask(self, message: BaseMessage, noted: Sequence[Noted]) -> BaseMessage:
        if isinstance(message, SystemMessage):
            return SystemMessage("\n".join(map(self._mask_line, message.text.split("\n"))))
        if isinstance(message, ToolMessage):
            return ToolMessage(
                self._mask_result(message.text, noted),
                tool_call_id=message.tool_call_id,
                name=message.name,
                id=message.id,
            )
        if isinstance(message, AIMessage):
            said = self._label(Integrity.EXTERNAL, "model")
            calls = [
                {**call, "args": self.masker.mask_data(arguments, said, is_echo=True)}
                for call, arguments in zip(message.tool_calls, noted, strict=True)
            ]
            text = self.masker.mask_text(message.text, said, is_echo=True)
            return AIMessage(text, id=message.id, tool_calls=calls)
        return HumanMessage(self.masker.mask_text(message.text, self._label(Integrity.USER, "user")), id=message.id)

    def _mask_line(self, line: str) -> str:
        if line in self.own_lines:
            return line
        return self.masker.mask_text(line, self._label(Integrity.USER, "user"))

    def _mask_result(self, text: str, noted: Sequence[Noted]) -> str:
        label = self._label(Integrity.CRM_VERIFIED, "tool")
        if not noted:
            return self.masker.mask_text(text, label)
        return json.dumps(self.masker.mask_data(noted[0], label), ensure_ascii=False)

    def _label(self, integrity: Integrity, origin: str) -> Label:
        readers: Readers = frozenset() if self.reader.is_staff else self.reader.names
        writers = frozenset({self.caller}) if integrity is Integrity.USER else frozenset[str]()
        return Label(integrity, writers, readers, origin)
