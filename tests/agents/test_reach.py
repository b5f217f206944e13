"""What a report says of an agent that can send, and of tools that say little about themselves."""

from dataclasses import replace
from typing import Any

import pytest

from agents._agent import DomainAgent
from agents._reach import reach_of
from agents._samples import FieldSample, Sample, action_of
from crm.connector import Change
from tests.trust.acting import DANA, staff
from tools._catalogue import load_catalogue
from tools._declare import Proposal, Tool
from tools._run import _require_declared
from trust.actions import Effect

WRITER = staff(
    objects={"EmailMessage": "cre", "Task": "cr"},
    fields={"EmailMessage": {"Subject": "re", "TextBody": "re"}, "Task": {"Subject": "re", "Description": "r"}},
)
SEND = replace(load_catalogue()["create_draft"], name="send_message", effect=Effect.SEND)


def agent_with(*tools: Tool) -> DomainAgent:
    return DomainAgent("mailer", "Mailer", (), None, "", tools)


def test_messages_by_sort_of_recipient() -> None:
    reach = reach_of(agent_with(SEND), WRITER)
    told = {one.to: (one.outcome, one.second_person) for one in reach.sends}
    assert told == {
        "staff": ("hold", True),
        "somebody who may read it": ("hold", True),
        "somebody who may not read it": ("hold", True),
        "an address from outside": ("deny", False),
    }


def test_a_tool_reaches_only_what_it_says_that_it_changes() -> None:
    [mail] = reach_of(agent_with(load_catalogue()["create_draft"]), WRITER).objects
    assert (mail.object_name, mail.readable) == ("EmailMessage", ())
    assert [(way.operation, way.fields, way.outcome) for way in mail.ways] == [
        ("create", ("Subject", "TextBody"), "hold")
    ]


def test_a_tool_that_says_nothing_of_itself_may_do_anything() -> None:
    silent = replace(load_catalogue()["create_task"], changes=())
    found = {one.object_name: one for one in reach_of(agent_with(silent), WRITER).objects}
    assert {name: {way.operation for way in one.ways} for name, one in found.items()} == {
        "EmailMessage": {"create", "update", "confirm"},
        "Task": {"create"},
    }


def test_a_tool_that_changes_something_else_is_stopped() -> None:
    task, case = (Proposal((Change("create", name, "1", "x", ()),)) for name in ("Task", "Case"))
    _require_declared(load_catalogue()["create_task"], task)
    with pytest.raises(TypeError, match="does not say"):
        _require_declared(load_catalogue()["create_task"], case)


@pytest.mark.parametrize("tool", [one for one in load_catalogue().values() if one.effect is not Effect.READ])
def test_every_tool_of_the_catalogue_says_what_it_changes(tool: Tool) -> None:
    assert tool.changes


def test_a_sample_is_an_own_record_with_values_made_up() -> None:
    fields: dict[str, Any] = {"CommentBody": FieldSample(), "IsPublished": FieldSample()}
    sample = Sample(agent_with(), load_catalogue()["add_case_comment"], None, "CaseComment", fields)
    [change] = action_of(sample, WRITER).changes or ()
    assert change.operation == "create"
    assert {one.field: one.new for one in change.fields} == {"OwnerId": DANA, "CommentBody": "x", "IsPublished": True}
