"""What clients may answer to a held request, dialect by dialect, and that nothing else is ever taken for a yes."""

from typing import Any

import pytest

from graphs.answers import AnswerError, parse_answers
from trust.approvals import Verdict

FIRST = "0a" * 16
SECOND = "1b" * 16


def action(name: str = "update_record", **arguments: Any) -> dict[str, Any]:
    return {"name": name, "args": arguments, "arguments": arguments}


def waiting(interrupt_id: str = FIRST, *actions: dict[str, Any]) -> dict[str, Any]:
    """An interrupt that shows these actions; the n-th has approval `<id>-n` and digest `digest-n`."""
    shown = actions or (action(object="Case", limit=5),)
    approvals = [{"approval_id": f"{interrupt_id}-{n}", "digest": f"digest-{n}"} for n in range(len(shown))]
    return {"id": interrupt_id, "value": {"action_requests": list(shown), "approvals": approvals}}


def verdict_of(resume: Any, *actions: dict[str, Any]) -> Verdict:
    [(approval_id, verdict)] = parse_answers(resume, [waiting(FIRST, *actions)])
    assert approval_id == f"{FIRST}-0"
    return verdict


APPROVED = Verdict("approve", "digest-0")
REJECTED = Verdict("reject", "digest-0", "too early")
ANSWERED = Verdict("answer", "digest-0", "too early")


@pytest.mark.parametrize(
    ("resume", "expected"),
    [
        pytest.param({"decisions": [{"type": "approve"}]}, APPROVED, id="batched-approve"),
        pytest.param({"type": "approve"}, APPROVED, id="bare-approve"),
        pytest.param([{"type": "approve"}], APPROVED, id="list-approve"),
        pytest.param([{"type": "accept", "args": None}], APPROVED, id="legacy-accept"),
        pytest.param({FIRST: {"decisions": [{"type": "approve"}]}}, APPROVED, id="by-id-batched"),
        pytest.param({FIRST: {"type": "approve"}}, APPROVED, id="by-id-bare"),
        pytest.param({FIRST: [{"type": "accept"}]}, APPROVED, id="by-id-legacy"),
        pytest.param({"decisions": [{"type": "reject", "message": "too early"}]}, REJECTED, id="batched-reject"),
        pytest.param({"type": "respond", "message": "too early"}, ANSWERED, id="respond-is-an-answer"),
        pytest.param([{"type": "response", "args": "too early"}], ANSWERED, id="legacy-response-is-an-answer"),
        pytest.param([{"type": "ignore", "args": None}], Verdict("reject", "digest-0"), id="legacy-ignore-is-a-no"),
        pytest.param({"type": "reject"}, Verdict("reject", "digest-0"), id="reject-without-reason"),
        pytest.param({"type": "reject", "message": ""}, Verdict("reject", "digest-0"), id="empty-reason-is-none"),
        pytest.param({"type": "approve", "digest": "seen"}, Verdict("approve", "seen"), id="digest-as-shown"),
    ],
)
def test_each_dialect_says_the_same(resume: Any, expected: Verdict) -> None:
    assert verdict_of(resume) == expected


@pytest.mark.parametrize(
    ("resume", "fault"),
    [
        pytest.param(None, "expected", id="nothing"),
        pytest.param(True, "expected", id="true"),
        pytest.param("yes", "expected", id="text-yes"),
        pytest.param("approve", "expected", id="text-approve"),
        pytest.param(1, "expected", id="number"),
        pytest.param({}, "expected", id="empty-object"),
        pytest.param([], "expected 1", id="empty-list"),
        pytest.param({"decisions": []}, "expected 1", id="no-decision"),
        pytest.param({"decisions": [{"type": "approve"}] * 2}, "not 2", id="one-too-many"),
        pytest.param({"decisions": {"type": "approve"}}, "expected", id="decisions-not-a-list"),
        pytest.param({"decisions": ["approve"]}, "decisions.0", id="decision-is-text"),
        pytest.param({"decisions": [None]}, "decisions.0", id="decision-is-null"),
        pytest.param({"decisions": [{}]}, "decisions.0", id="decision-without-type"),
        pytest.param({"decisions": [{"type": True}]}, "decisions.0", id="type-is-true"),
        pytest.param({"decisions": [{"type": "Approve"}]}, "decisions.0.type", id="other-case"),
        pytest.param({"decisions": [{"type": "approve_all"}]}, "decisions.0.type", id="unknown-type"),
        pytest.param({"decisions": [{"type": "recall"}]}, "decisions.0.type", id="recall-is-no-decision"),
        pytest.param({"approved": True}, "expected", id="other-words"),
        pytest.param({"type": "approve", "digest": 5}, "digest", id="digest-is-a-number"),
        pytest.param({"type": "approve", "digest": None}, "digest", id="digest-is-null"),
        pytest.param({"type": "reject", "message": {"a": 1}}, "message", id="reason-is-an-object"),
        pytest.param({"type": "edit"}, "edited_action", id="edit-without-anything"),
        pytest.param({"type": "edit", "edited_action": {"name": "update_record"}}, "edited_action", id="no-args"),
        pytest.param({"type": "edit", "edited_action": {"args": "{}"}}, "edited_action", id="args-are-text"),
        pytest.param({"type": "edit", "args": "limit=6"}, "edited_action", id="legacy-args-are-text"),
        pytest.param({SECOND: {"type": "approve"}}, "not pending", id="another-interrupt"),
        pytest.param({FIRST: {"type": "approve"}, SECOND: {"type": "approve"}}, "not pending", id="one-too-many-ids"),
        pytest.param({FIRST: None}, "expected", id="by-id-nothing"),
        pytest.param({FIRST: True}, "expected", id="by-id-true"),
    ],
)
def test_anything_else_is_refused_with_its_place(resume: Any, fault: str) -> None:
    with pytest.raises(AnswerError, match=fault):
        parse_answers(resume, [waiting()])


@pytest.mark.parametrize(
    "decision",
    [
        pytest.param({"type": "edit", "edited_action": {"name": "delete_record", "args": {}}}, id="new"),
        pytest.param({"type": "edit", "args": {"action": "delete_record", "args": {}}}, id="legacy"),
    ],
)
def test_an_edit_cannot_switch_to_another_tool(decision: Any) -> None:
    with pytest.raises(AnswerError, match="cannot be changed"):
        parse_answers({"decisions": [decision]}, [waiting()])


EDITED = {"object": "Case", "limit": 6}


@pytest.mark.parametrize(
    "decision",
    [
        pytest.param({"type": "edit", "edited_action": {"name": "update_record", "args": EDITED}}, id="new"),
        pytest.param({"type": "edit", "edited_action": {"args": EDITED}}, id="new-without-name"),
        pytest.param({"type": "edit", "args": {"action": "update_record", "args": EDITED}}, id="legacy"),
        pytest.param(
            {"type": "edit", "args": {"action": "update_record", "args": {"object": "Case", "limit": "6"}}},
            id="legacy-form-fields-are-text",
        ),
    ],
)
def test_an_edit_carries_all_arguments(decision: Any) -> None:
    assert verdict_of({"decisions": [decision]}) == Verdict("edit", "digest-0", None, EDITED)


@pytest.mark.parametrize(
    ("before", "given", "expected"),
    [
        pytest.param(5, "6", 6, id="number"),
        pytest.param(5, "six", "six", id="not-a-number-is-left-to-the-schema"),
        pytest.param(True, "false", False, id="boolean"),
        pytest.param({"NextStep": "a"}, '{"NextStep": "b"}', {"NextStep": "b"}, id="object"),
        pytest.param(["a"], '["b"]', ["b"], id="list"),
        pytest.param("5", "6", "6", id="text-stays-text"),
        pytest.param("true", "false", "false", id="text-that-looks-like-a-boolean"),
        pytest.param(None, "6", "6", id="formerly-empty"),
        pytest.param(5, 7, 7, id="typed-already"),
    ],
)
def test_form_fields_come_back_in_the_type_they_had(before: Any, given: Any, expected: Any) -> None:
    edit = {"type": "edit", "edited_action": {"name": "update_record", "args": {"value": given}}}
    verdict = verdict_of({"decisions": [edit]}, action(value=before))
    assert verdict.edited_arguments == {"value": expected}


def test_accepting_never_takes_over_the_echoed_arguments() -> None:
    echoed = {"type": "accept", "args": {"action": "update_record", "args": {"object": "Account"}}}
    assert verdict_of([echoed]) == APPROVED


def test_decisions_are_taken_in_the_order_of_the_actions() -> None:
    found = parse_answers(
        {"decisions": [{"type": "approve"}, {"type": "reject", "message": "no"}]}, [waiting(FIRST, action(), action())]
    )
    assert found == [
        (f"{FIRST}-0", Verdict("approve", "digest-0")),
        (f"{FIRST}-1", Verdict("reject", "digest-1", "no")),
    ]


def test_one_bad_decision_spoils_the_whole_answer() -> None:
    with pytest.raises(AnswerError, match=r"decisions\.1"):
        parse_answers({"decisions": [{"type": "approve"}, {"type": "?"}]}, [waiting(FIRST, action(), action())])


def test_several_interrupts_are_answered_by_id_and_some_may_be_left() -> None:
    both = [waiting(FIRST), waiting(SECOND)]
    with pytest.raises(AnswerError, match="several interrupts"):
        parse_answers({"type": "approve"}, both)
    assert parse_answers({SECOND: {"type": "approve"}}, both) == [(f"{SECOND}-0", Verdict("approve", "digest-0"))]


def test_a_thread_that_waits_for_nothing_takes_no_answer() -> None:
    with pytest.raises(AnswerError, match="waits for nothing"):
        parse_answers({"type": "approve"}, [])
