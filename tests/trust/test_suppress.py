"""The case it exists for: a mail to somebody who opted out, or about somebody else."""

from typing import Any

import pytest

from tests.trust.acting import create, staff, update, writes
from trust.actions import Action, Effect, Enlisted, Outgoing, Recipient
from trust.decisions import Allow, Deny, Hold
from trust.guards.keep_mail_status import keep_mail_status
from trust.guards.suppress import suppress
from trust.labels import Integrity, Label

SENT = update("EmailMessage", Status="Sent")
ACME = Label(Integrity.CRM_VERIFIED, readers=frozenset({"account:001A", "contact:003X", "lead:00QX"}))


def person(**more: Any) -> Recipient:
    given = {"address": "ann@acme.example", "record": "Contact:003A", "account_id": "001A", "name": "Ann Poe", **more}
    return Recipient(label=ACME, **given)


def sends(*recipients: Recipient, content: Label = ACME, **more: Any) -> Action:
    message = Outgoing("email", recipients, content, **more)
    return writes(SENT, effect=Effect.SEND, outgoing=message)


@pytest.mark.parametrize(
    "recipient",
    [
        pytest.param(person(), id="of the account"),
        pytest.param(person(record="Contact:003X", account_id=None), id="the contact it is about"),
        pytest.param(person(record="Lead:00QX", account_id=None), id="the lead it is about"),
        pytest.param(person(record="User:005A", account_id=None, is_staff=True), id="staff"),
    ],
)
def test_those_it_is_meant_for_get_it(recipient: Recipient) -> None:
    assert suppress(sends(recipient), staff()) == Allow()


@pytest.mark.parametrize(
    ("recipient", "reason"),
    [
        (person(address=""), "Ann Poe has no e-mail address that can be written to"),
        (person(may_be_written_to=False, why_not="opted out"), "Ann Poe must not be written to: opted out"),
        (person(may_be_written_to=False), "Ann Poe must not be written to: suppressed"),
        (person(account_id="001B"), "the message is not meant for Ann Poe: it is about somebody else's records"),
        (person(account_id=None), "the message is not meant for Ann Poe: it is about somebody else's records"),
        (person(account_id="", record=None, name=""), "not meant for a recipient"),
        (person(is_staff=True, may_be_written_to=False), "Ann Poe must not be written to: suppressed"),
    ],
)
def test_one_wrong_recipient_stops_it_for_all(recipient: Recipient, reason: str) -> None:
    for recipients in ([recipient], [person(), recipient], [recipient, person()]):
        decision = suppress(sends(*recipients), staff())
        assert isinstance(decision, Deny)
        assert reason in decision.reason


@pytest.mark.parametrize("effect", [Effect.WRITE, Effect.DRAFT, Effect.SEND])
def test_nobody_who_opted_out_is_put_on_a_list(effect: Effect) -> None:
    member = create("CampaignMember", ContactId="003A")
    message = Outgoing("email", (person(),), ACME) if effect is Effect.SEND else None
    willing, opted_out = Enlisted("Contact:003B", False), Enlisted("Contact:003A", True)
    fine = writes(member, effect=effect, outgoing=message, enlisted=(willing,))
    assert suppress(fine, staff()) == Allow()
    denied = suppress(writes(member, effect=effect, outgoing=message, enlisted=(willing, opted_out)), staff())
    assert denied == Deny("suppress", "Contact:003A must not be written to: opted out of e-mail")


def test_what_only_staff_may_read_goes_to_staff_only() -> None:
    inside = Label(Integrity.CRM_VERIFIED, readers=frozenset())
    assert isinstance(suppress(sends(person(), content=inside), staff()), Deny)
    assert suppress(sends(person(is_staff=True), content=inside), staff()) == Allow()
    assert suppress(sends(person(), content=Label(Integrity.CRM_VERIFIED, readers=None)), staff()) == Allow()


def test_a_tenant_may_want_wrong_readers_held_but_nothing_else() -> None:
    decision = suppress(sends(person(account_id="001B"), wrong_reader="hold"), staff())
    assert isinstance(decision, Hold)
    assert not decision.self_approval
    assert isinstance(suppress(sends(person(may_be_written_to=False), wrong_reader="hold"), staff()), Deny)


def test_sending_and_a_message_belong_together() -> None:
    assert isinstance(suppress(writes(SENT, effect=Effect.SEND), staff()), Deny)
    assert isinstance(suppress(sends(), staff()), Deny)
    assert suppress(writes(effect=Effect.SEND), staff()) == Allow(), "while it is being worked out"
    for effect in (Effect.WRITE, Effect.DRAFT):
        smuggled = writes(SENT, effect=effect, outgoing=Outgoing("email", (person(),), ACME))
        assert isinstance(suppress(smuggled, staff()), Deny)
        assert suppress(writes(SENT, effect=effect), staff()) == Allow()


def test_only_sending_changes_whether_a_message_was_sent() -> None:
    for change in (SENT, update("EmailMessage", Subject="x", Status="Sent")):
        assert isinstance(keep_mail_status(writes(change), staff()), Deny)
        assert keep_mail_status(writes(change, effect=Effect.SEND), staff()) == Allow()
    assert keep_mail_status(writes(update("EmailMessage", Status="Read", Subject="Sent")), staff()) == Allow()
    assert keep_mail_status(writes(update("Task", Status="Sent")), staff()) == Allow()
