"""Answers of AG-UI's clients: what is not a clear decision on everything that waits is none."""

from typing import Any

import pytest

from api.ag_ui_input import read_resume
from graphs.answers import AnswerError
from tests.api.ag_ui_client import resume

Json = Any

YES = {"approved": True, "digest": "d"}
WAITING = {"a": {"digest": "d", "arguments": {"x": 1}}, "b": {"digest": "e", "arguments": {}}}
DISMISS_B = resume("b", status="cancelled")


@pytest.mark.parametrize(
    "payload",
    [
        None,
        True,
        "approve",
        {},
        {"digest": "d"},
        {"approved": True},
        {"approved": None, "digest": "d"},
        {"approved": 1, "digest": "d"},
        {"approved": True, "digest": None},
        {**YES, "type": "approve"},
        {**YES, "edited_args": {}},
        {**YES, "reason": "no"},
        {**YES, "editedArgs": []},
        {"approved": False, "digest": "d", "editedArgs": {}},
        {"decisions": [{"type": "approve"}]},
        [YES],
    ],
    ids=str,
)
def test_a_payload_that_is_no_decision_is_none(payload: Json) -> None:
    with pytest.raises(AnswerError, match=r"^resume\.0\.payload"):
        read_resume([resume("a", payload), DISMISS_B], WAITING, ())


def test_every_request_that_waits_is_answered_once_and_no_other() -> None:
    for entries in (
        [],
        [DISMISS_B],
        [resume("a", YES), resume("a", status="cancelled"), DISMISS_B],
        [resume("a", YES), DISMISS_B, resume("elsewhere", status="cancelled")],
        [resume("a", YES), DISMISS_B, resume("closed", YES)],
        [resume("a", YES, "cancelled"), DISMISS_B],
    ):
        with pytest.raises(AnswerError):
            read_resume(entries, WAITING, {"closed"})
    found = read_resume(
        [resume("a", {**YES, "digest": "of another"}), resume("closed", status="cancelled"), DISMISS_B],
        WAITING,
        {"closed"},
    )
    assert [(one, verdict.kind, verdict.digest) for one, verdict in found.verdicts] == [
        ("a", "approve", "of another"),  # which is compared where it is decided
        ("b", "recall", "e"),
    ]
    assert not found.is_withdrawal
