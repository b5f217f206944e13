"""What clients answer to a held request, in the dialects they speak, as verdicts. Never a yes by default."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tools._declare import find_json_fault
from trust.approvals import DecisionKind, Verdict


class AnswerError(Exception):
    """The answer cannot be understood; the message names the place and what was expected. Nothing was changed.

    `field`: the place among the edited arguments, where one can be named.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


_KINDS: dict[str, DecisionKind] = {
    "approve": "approve",
    "accept": "approve",
    "edit": "edit",
    "reject": "reject",
    "respond": "answer",
    "response": "answer",
    "ignore": "reject",
}


def parse_answers(resume: Any, interrupts: Sequence[Mapping[str, Any]]) -> list[tuple[str, Verdict]]:
    """One verdict per held action of the pending interrupts, in their order. Raises: AnswerError."""
    if not interrupts:
        raise AnswerError("resume: this thread waits for nothing")
    if isinstance(resume, Mapping) and resume and set(resume) <= {one["id"] for one in interrupts}:
        answers = [(one, resume[one["id"]]) for one in interrupts if one["id"] in resume]
    elif isinstance(resume, Mapping) and any(len(str(key)) == 32 for key in resume):
        raise AnswerError("resume: names an interrupt that is not pending")
    elif len(interrupts) == 1:
        answers = [(interrupts[0], resume)]
    else:
        raise AnswerError("resume: several interrupts are pending; answer with a map of interrupt id to answer")
    return [pair for one, answer in answers for pair in _parse_one(answer, one["value"])]


def _parse_one(answer: Any, request: Mapping[str, Any]) -> list[tuple[str, Verdict]]:
    shown = request["approvals"]
    decisions = _decisions_in(answer)
    if len(decisions) != len(shown):
        raise AnswerError(
            f"resume.decisions: expected {len(shown)}, one per action and in their order, not {len(decisions)}"
        )
    actions = request["action_requests"]
    return [
        (approval["approval_id"], _to_verdict(decision, approval, action, place))
        for place, (decision, approval, action) in enumerate(zip(decisions, shown, actions, strict=True))
    ]


def _decisions_in(answer: Any) -> Sequence[Any]:
    if isinstance(answer, Mapping) and isinstance(answer.get("decisions"), list):
        return list(answer["decisions"])
    if isinstance(answer, Mapping) and "type" in answer:
        return [answer]
    if isinstance(answer, list):
        return answer
    raise AnswerError('resume: expected {"decisions": [{"type": "approve" | "edit" | "reject"}]}')


def _to_verdict(decision: Any, approval: Mapping[str, Any], action: Mapping[str, Any], place: int) -> Verdict:
    where = f"resume.decisions.{place}"
    if not isinstance(decision, Mapping) or not isinstance(decision.get("type"), str):
        raise AnswerError(f"{where}: expected an object with a type")
    kind = _KINDS.get(decision["type"])
    if kind is None:
        raise AnswerError(f"{where}.type: expected approve, edit, reject or respond, not {decision['type'][:40]!r}")
    digest = decision.get("digest", approval["digest"])
    if not isinstance(digest, str):
        raise AnswerError(f"{where}.digest: expected text")
    reason = _reason(decision, kind, where)
    edited = _edited_arguments(decision, action, where) if kind == "edit" else None
    return Verdict(kind=kind, digest=digest, reason=reason, edited_arguments=edited)


def _reason(decision: Mapping[str, Any], kind: DecisionKind, where: str) -> str | None:
    if kind not in ("reject", "answer"):
        return None
    given = decision.get("message", decision.get("args"))
    if given is not None and not isinstance(given, str):
        raise AnswerError(f"{where}.message: expected text")
    if kind == "answer" and not (given or "").strip():
        raise AnswerError(f"{where}.message: an answer needs words")
    return given or None


def _edited_arguments(decision: Mapping[str, Any], action: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Edited arguments from either dialect: `edited_action` with `args`, or `args` with `action` and `args`."""
    edited = decision.get("edited_action", decision.get("args"))
    if not isinstance(edited, Mapping) or not isinstance(edited.get("args"), Mapping):
        raise AnswerError(f"{where}.edited_action: expected an object with name and args")
    name = edited.get("name", edited.get("action", action["name"]))
    if name != action["name"]:
        raise AnswerError(f"{where}.edited_action.name: the tool cannot be changed from {action['name']!r}")
    return read_edited(edited["args"], action["args"], f"{where}.edited_action.args")


def read_edited(given: Mapping[str, Any], before: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The arguments that a person wrote in place of those `before`. Raises: AnswerError."""
    arguments = {key: _as_before(value, before.get(key)) for key, value in given.items()}
    fault = find_json_fault(arguments)
    if fault is not None:
        raise AnswerError(f"{where}: {fault}")
    return arguments


def _as_before(value: Any, before: Any) -> Any:
    """Form fields come back as text: text in the place of something else is read as JSON, if it can be."""
    if not isinstance(value, str) or isinstance(before, str) or before is None:
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
