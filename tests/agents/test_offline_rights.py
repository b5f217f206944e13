"""What the caller may not read is declined with the right that is missing, and never left out in silence."""

import pytest

from tests.agents.test_offline_stage import PROMPT, RENEWAL, Chat, Crm


def service_agent() -> Chat:
    """Somebody who sees opportunities without their amounts, and contacts without their addresses."""
    crm = Crm()
    for row in [*crm.rows["Opportunity"], *crm.rows["Contact"]]:
        row.pop("Amount", None)
        row.pop("Email", None)
    prompt = PROMPT.replace("ContactId, Amount, Probability", "ContactId, Probability")
    return Chat(crm=crm, prompt=prompt.replace("Title, Email, Phone\nLead", "Title, Phone\nLead"))


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("what is the amount of the Acme Fabrikam renewal?", "Opportunity.Amount"),
        ("how much is the Acme Fabrikam renewal worth?", "Opportunity.Amount"),
        ("tell me the value of the Acme Fabrikam renewal", "Opportunity.Amount"),
        ("total amount of my open deals?", "Opportunity.Amount"),
        ("show the deals over 50k", "Opportunity.Amount"),
        ("which is the biggest open deal?", "Opportunity.Amount"),
        ("Ann Poe's e-mail address?", "Contact.Email"),
        ("set the amount of the Acme Fabrikam renewal to 5000", "Opportunity.Amount"),
    ],
)
def test_a_hidden_field_is_declined_with_its_right(said: str, right: str) -> None:
    chat = service_agent()
    answer = chat.say(said)
    assert "You are not permitted to read" in answer
    assert right in answer
    assert chat.wrote() == []
    assert "120,000" in Chat().say("what is the amount of the Acme Fabrikam renewal?")


def test_of_several_fields_those_that_may_be_read_are_told() -> None:
    chat = service_agent()
    answer = chat.say("what are the amount and the close date of the Acme Fabrikam renewal?")
    assert "2026-12-15" in answer
    assert "Opportunity.Amount" in answer


def test_what_was_not_found_is_not_looked_for_again() -> None:
    chat = Chat()
    answer = chat.say("show me the opportunity Zebulon Rockets - Launch Pad")
    assert "no opportunity" in answer
    assert [tool for tool, _ in chat.crm.calls].count("find_record") <= 2
    assert RENEWAL not in answer


def test_a_change_that_was_made_is_not_asked_for_again() -> None:
    chat = Chat()
    chat.say("set the next step of the Globex rollout to Send drawings")
    assert chat.wrote() != []
    answer = chat.say("set the next step of the Globex rollout to Send drawings")
    assert "Nothing to change" in answer
    assert [tool for tool, _ in chat.crm.calls].count("update_record") == 1
    chat.say("set the next step of the Globex rollout to Call Ann")
    assert [tool for tool, _ in chat.crm.calls].count("update_record") == 2
