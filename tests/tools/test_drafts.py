"""E-mails that are written down; none is sent."""

from typing import Any

import pytest

from crm.ids import numbered_id
from crm.seed.people import ANN_POE, ANNE_POE, OSCAR_LIND, staff_id
from tests.tools.desk import Desk
from tools._catalogue import load_catalogue
from tools._run import ToolError
from trust.actions import Effect

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


async def test_a_draft_keeps_whom_it_is_for_as_references(desk: Desk) -> None:
    ann, oscar = ANN_POE.contact_id, OSCAR_LIND.contact_id
    asked = {"record_id": RENEWAL, "subject": "Hi", "body": "Dear Ann"}
    for to in (ann, ann[:15], f"contact:{ann}.Email"):
        fields = await desk.fields_of("dana", "create_draft", to=to, cc=[f"contact:{oscar}.Email", oscar], **asked)
        assert (fields["ToIds"], fields["CcAddress"]) == (ann, f"contact:{oscar}.Email")
    for to in ("mara@northwind.example", "Mara@Northwind.Example", f"user:{staff_id('mara')}.Email"):
        assert (await desk.fields_of("dana", "create_draft", to=to, **asked))["ToIds"] == staff_id("mara")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"to": "thief@evil.example"}, "mail goes to records only"),
        ({"cc": ["thief@evil.example"]}, "mail goes to records only"),
        ({"to": ANNE_POE.email}, "mail goes to records only"),
        ({"to": "Ann <ann.poe@acme-industries.example>"}, "expected a reference"),
        ({"to": f"contact:{RENEWAL}.Email"}, "expected the id of Contact"),
        ({"to": ANN_POE.contact_id, "recipient_id": ANN_POE.contact_id}, "leave out recipient_id"),
        ({"subject": "Hi\nBcc: thief@evil.example"}, "one line"),
    ],
    ids=str,
)
async def test_free_addresses_and_headers_are_refused(desk: Desk, arguments: dict[str, Any], reason: str) -> None:
    given = {"record_id": RENEWAL, "subject": "Hi", "body": "Dear Ann", **arguments}
    error = await desk.call("dana", "create_draft", **given)
    assert isinstance(error, ToolError)
    assert error.kind == "retry"
    assert reason in error.message


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


def test_only_sending_sends() -> None:
    sending = [tool.name for tool in load_catalogue().values() if tool.effect is Effect.SEND]
    assert sending == ["send_campaign_email", "send_email", "send_meeting_request"]
