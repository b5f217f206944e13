"""E-mails that are written down; none is sent."""

import pytest

from crm.ids import numbered_id
from crm.seed.people import ANN_POE
from tests.tools.desk import Desk
from tools._catalogue import load_catalogue
from tools._run import ToolError

RENEWAL = numbered_id("006", 1)


async def test_a_draft_belongs_to_its_record_and_stays_a_draft(desk: Desk) -> None:
    fields = await desk.fields_of(
        "dana", "create_draft", record_id=RENEWAL, recipient_id=ANN_POE.contact_id, subject="Hi", body="Dear Ann"
    )
    assert (fields["RelatedToId"], fields["ToIds"], fields["Status"]) == (RENEWAL, ANN_POE.contact_id, "Draft")
    assert "ParentId" not in fields


async def test_a_draft_on_a_case_has_it_as_parent(desk: Desk) -> None:
    [case, *_] = (await desk.call("sam", "fetch_cases", contact_id=ANN_POE.contact_id, status="any"))["cases"]
    fields = await desk.fields_of("sam", "create_draft", record_id=case["Id"], subject="Hi", body="Dear Ann")
    assert fields["ParentId"] == case["Id"]
    assert "RelatedToId" not in fields


@pytest.mark.parametrize("recipient", [RENEWAL, numbered_id("005", 1), numbered_id("001", 1)])
async def test_the_recipient_is_a_contact_or_lead(desk: Desk, recipient: str) -> None:
    error = await desk.call("dana", "create_draft", record_id=RENEWAL, recipient_id=recipient, subject="x", body="x")
    assert error == ToolError("retry", "recipient_id: expected the id of a contact or lead")


async def test_hidden_records_and_recipients_are_refused_as_if_they_were_none(desk: Desk) -> None:
    for who, expected in (("eli", "RelatedToId"), ("lena", "RelatedToId")):
        told = set()
        for record in (RENEWAL, numbered_id("006", 9_999)):
            error = await desk.call(who, "create_draft", record_id=record, subject="x", body="x")
            told.add(error.message)
        assert told == {f"{expected}: there is no such record that you can see"}


def test_nothing_sends() -> None:
    assert {tool.effect.value for tool in load_catalogue().values()} == {"READ", "DRAFT", "WRITE"}
