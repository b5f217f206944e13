"""The gateway as the graphs use it: labels of what stood in arguments, handles for outside text, refusals."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agents._calling import Patience
from agents._gateway import Answer, Asking, Gateway, ModelError
from agents._scripted import ScriptedModel
from crm.database import Database
from crm.ids import ContactId, UserId, numbered_id
from crm.seed.people import ANN_POE, DANA, NORTHWIND, staff_id
from trust.labels import Integrity
from trust.masking.masker import Masker, MaskingError
from trust.principal import load_principal
from trust.scopes import ALL_SCOPES
from trust.vault import find_tokens

CASE = numbered_id("500", 1)
RESULT = {
    "object": "Case",
    "records": [{"Id": CASE, "Subject": "Poe cannot print", "ContactId": ANN_POE.contact_id}],
    "names": {ANN_POE.contact_id: "Ann Poe"},
}
HISTORY: Sequence[BaseMessage] = [
    SystemMessage("Rules.\nThe user is Dana Whitlock."),
    HumanMessage("mail oscar about it"),
    AIMessage("", tool_calls=[{"name": "query_records", "args": {"object": "Case"}, "id": "c1"}]),
    ToolMessage(json.dumps({"ok": True, "result": RESULT}), tool_call_id="c1", name="query_records"),
]


async def ask(database: Database, model: Any, member: UserId | ContactId | str, **options: Any) -> Answer:
    async with database.session(NORTHWIND) as session:
        principal = await load_principal(session, member, ALL_SCOPES)
    gateway = Gateway(model, database, b"a key that only tests hide values with", patience=Patience(5, 0))
    at = datetime(2026, 11, 27, 12, tzinfo=UTC)
    asking = Asking(principal, "t1", "r1", at, own_lines=frozenset({"Rules."}), **options)
    return await gateway.ask(HISTORY, [], asking)


def writes(messages: list[BaseMessage]) -> AIMessage:
    """A call whose arguments use a word of the user, one of a record, a handle or subject, and one that is made up."""
    data = json.loads(messages[3].text)["result"]
    user = find_tokens(messages[1].text)
    arguments = {"to": user, "body": [data["records"][0]["Subject"], "<<NAME:QQQQQQQQQQ>>"]}
    return AIMessage("", tool_calls=[{"name": "create_draft", "args": arguments, "id": "c2"}])


async def test_arguments_are_real_and_tell_where_each_value_came_from(seeded: Database) -> None:
    model = ScriptedModel(lines=[writes])
    answer = await ask(seeded, model, staff_id(DANA.key))
    [call] = answer.message.tool_calls
    assert call["args"] == {"to": ["oscar"], "body": ["Poe cannot print", "[name hidden]"]}
    [hidden] = answer.hidden
    assert [one.path for one in hidden] == ["/to/0", "/body/0", "/body/1"]
    user, record, made_up = (one.label for one in hidden)
    assert user is not None
    assert (user.integrity, user.origin) == (Integrity.USER, "user")
    assert record is not None
    assert record.integrity is Integrity.CRM_VERIFIED, "the contact of that name is staff's entry"
    assert f"Case {CASE}.Subject" in record.origin
    assert made_up is None
    [heard] = model.heard
    assert heard[0].text.startswith("Rules.\nThe user is <<NAME:")
    assert "Poe" not in heard[3].text


async def test_outside_text_can_be_kept_from_one_question(seeded: Database) -> None:
    model = ScriptedModel(lines=[writes])
    answer = await ask(seeded, model, staff_id(DANA.key), withhold_outside=True)
    assert answer.message.tool_calls[0]["args"]["body"][0] == "Poe cannot print"
    assert "cannot print" not in model.heard[0][3].text
    [_, handle, _] = answer.hidden[0]
    assert handle.token.startswith("<<TEXT:")
    assert handle.label is not None
    assert handle.label.integrity is Integrity.EXTERNAL


async def test_a_customer_reads_what_their_own_conversation_hides(seeded: Database) -> None:
    answer = await ask(seeded, ScriptedModel(lines=[writes]), ANN_POE.contact_id)
    assert answer.message.tool_calls[0]["args"]["body"][0] == "Poe cannot print"
    label = answer.hidden[0][1].label
    assert label is not None
    assert label.readers is not None
    assert f"contact:{ANN_POE.contact_id}" in label.readers


async def test_if_the_index_cannot_be_asked_the_model_is_not_either(
    seeded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("no index")

    monkeypatch.setattr("agents._sealing.find_personal", fail)
    model = ScriptedModel(lines=[AIMessage("never")])
    with pytest.raises(RuntimeError):
        await ask(seeded, model, staff_id(DANA.key))
    assert model.heard == []


async def test_a_prompt_that_cannot_be_masked_does_not_leave(seeded: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: object) -> None:
        raise MaskingError("masking took too long, so the model was not asked")

    monkeypatch.setattr(Masker, "note_text", give_up)
    model = ScriptedModel(lines=[AIMessage("never")])
    with pytest.raises(ModelError, match="so the model was not asked"):
        await ask(seeded, model, staff_id(DANA.key))
    assert model.heard == []
