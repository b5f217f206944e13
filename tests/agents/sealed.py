"""The offline model behind a mask, as the gateway puts it there, for tests that have no database."""

from collections.abc import Collection, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable

from agents._sealing import Sealer
from crm.personal import keys_of
from crm.schema import OBJECT_INFO
from trust.masking.masker import Masker, Policy
from trust.masking.texts import Key
from trust.vault import STAFF, Vault


class PeopleOf:
    """The index of personal values over rows in memory."""

    def __init__(self, rows: dict[str, list[dict[str, Any]]]) -> None:
        self._rows = rows

    async def __call__(self, keys: Collection[str], /) -> set[Key]:
        return {key for key in self.keys() if key[0] in keys}

    def keys(self) -> set[Key]:
        found: set[Key] = set()
        for name, rows in self._rows.items():
            info = OBJECT_INFO[name]
            kinds = {field: spec.kind for field, spec in info.fields.items() if spec.is_personal}
            if any(info.fields[field].is_personal for field in info.name_fields):
                kinds["Name"] = info.fields[info.name_fields[0]].kind
            for row in rows:
                for field, kind in kinds.items():
                    found |= keys_of(kind, str(row[field])) if row.get(field) else set()
        return found


def ask_sealed(
    model: Runnable[Any, AIMessage],
    messages: Sequence[BaseMessage],
    rows: dict[str, list[dict[str, Any]]],
    own_lines: frozenset[str],
) -> AIMessage:
    """What the model answers to the masked prompt, revealed."""
    vault = Vault(b"a key that only tests hide values with", "acme", "t1")
    sealer = Sealer(Masker(vault, Policy()), PeopleOf(rows), caller="005", reader=STAFF, own_lines=own_lines)
    sealing = sealer.seal(messages)
    try:
        sealing.send(None)  # nothing in it waits: the index is in memory
    except StopIteration as done:
        sealed: list[BaseMessage] = done.value
    raw = model.invoke(sealed)
    calls = [{**call, "args": vault.reveal_data(call["args"], STAFF)[0]} for call in raw.tool_calls]
    return raw.model_copy(update={"content": vault.reveal(raw.text, STAFF), "tool_calls": calls})
