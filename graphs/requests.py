"""What a hold shows to the outside: the payload that public human-in-the-loop clients draw their cards from."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from crm.fields import to_json
from crm.work import Approval
from trust.approvals import VERBS
from trust.egress import sanitize
from trust.injection_screen import screen
from trust.invisible import strip_invisible
from trust.markdown_text import escape

DECISIONS = ("approve", "edit", "reject")


class Settled(BaseModel):
    """The only thing a held graph is resumed with. It decides nothing: the approval rows do."""

    model_config = ConfigDict(extra="forbid")

    settled: Literal[True]


def build_request(approvals: Sequence[Approval]) -> dict[str, Any]:
    """One payload for all held calls, in their order.

    `arguments` repeats `args`, because some clients read one and some the other. A single call is described in the
    older dialect as well; several are not, because its clients would show the first and answer for it alone.
    """
    first = approvals[0]
    return {
        **(_older_dialect(first) if len(approvals) == 1 else {}),
        "action_requests": [_action_request(one) for one in approvals],
        "review_configs": [{"action_name": one.tool, "allowed_decisions": list(DECISIONS)} for one in approvals],
        "approvals": [{**describe_approval(one), "call_id": one.call_id} for one in approvals],
        "message": "; ".join(plain(one.card["title"]) for one in approvals),
        "reason": first.rule["reason"],
        "tool_call_id": first.call_id,
        "response_schema": _RESPONSE_SCHEMA,
        "expires_at": to_json(min(one.expires_at for one in approvals)),
    }


_RESPONSE_SCHEMA = {
    "type": "object",
    "properties": {
        "decisions": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"enum": list(DECISIONS)},
                    "message": {"type": "string"},
                    "edited_action": {"type": "object"},
                    "digest": {"type": "string"},
                },
                "required": ["type"],
            },
        }
    },
    "required": ["decisions"],
}


def _action_request(approval: Approval) -> dict[str, Any]:
    return {
        "name": approval.tool,
        "args": approval.arguments,
        "arguments": approval.arguments,
        "description": describe_card(approval.card),
    }


def _older_dialect(approval: Approval) -> dict[str, Any]:
    return {
        "action_request": {"action": approval.tool, "args": approval.arguments},
        "config": dict.fromkeys(("allow_accept", "allow_edit", "allow_respond", "allow_ignore"), True),
        "description": describe_card(approval.card),
    }


def describe_approval(approval: Approval) -> dict[str, Any]:
    """What somebody who decides has to know, in one piece."""
    return {
        "approval_id": approval.approval_id,
        "digest": approval.digest,
        "tool": approval.tool,
        "card": approval.card,
        "rule": approval.rule,
        "flags": flag_changes(approval.card["changes"]),
        "expires_at": to_json(approval.expires_at),
    }


def flag_changes(changes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Texts among the new values that talk to an assistant or hide something: a hint for whoever decides."""
    return [
        {"record": change["id"], "field": field["field"], "marks": list(marks)}
        for change in changes
        for field in change["fields"]
        if isinstance(field["new"], str) and (marks := screen(field["new"]))
    ]


def describe_card(card: dict[str, Any]) -> str:
    """The card as plain lines: what is done to which record, and old -> new per field."""
    lines = []
    for change in card["changes"]:
        lines.append(f"{VERBS[change['operation']]} {change['object']} {plain(change['name'])} ({change['id']})")
        for field in change["fields"]:
            new = plain(field["new"]) + _describe_source(field.get("source"))
            lines.append(
                f"  {field['field']}: {new}"
                if change["operation"] in ("create", "confirm", "unconfirm")
                else f"  {field['field']}: {plain(field['old'])} -> {new}"
            )
    lines += _describe_call(card.get("call"))
    lines += _describe_message(card.get("message"))
    return "\n".join([*lines, *(f"Note: {warning}" for warning in card.get("warnings", ()))])


def _describe_call(call: dict[str, Any] | None) -> list[str]:
    if call is None:
        return []
    told = [
        f"  {plain(name)}: {plain(json.dumps(value, ensure_ascii=False))}" for name, value in call["arguments"].items()
    ]
    return [f"Have {plain(call['server'])} carry out {plain(call['tool'])} with", *told]


def _describe_source(source: dict[str, Any] | None) -> str:
    """Said of values that somebody outside may have written; of the others nothing needs to be said."""
    if source is None or source["integrity"] != "external":
        return ""
    return f" (from outside: {plain(source['origin'])})"


def _describe_message(message: dict[str, Any] | None) -> list[str]:
    """The whole message as it would be sent; each line of its text is marked, so that none passes for the card's."""
    if message is None:
        return []
    people = [
        f"  {one['role'].title()}: {plain(one['name'])} <{plain(one['address'])}> ({plain(one['record'])})"
        for one in message["recipients"]
    ]
    return [
        "Send an e-mail to each of them by itself" if message.get("separately") else "Send an e-mail",
        f"  From: {plain(message['from'])}",
        f"  Reply-To: {plain(message['reply_to'])}",
        *people,
        f"  Subject: {plain(message['subject'])}",
        *_describe_meeting(message.get("meeting")),
        "  Text:",
        *(f"  | {_as_text(line)}" for line in message["body"].split("\n")),
    ]


def _describe_meeting(meeting: dict[str, Any] | None) -> list[str]:
    if meeting is None:
        return []
    where = f", {plain(meeting['location'])}" if meeting["location"] else ""
    return [f"  For calendars: {plain(meeting['subject'])}, {meeting['starts']} to {meeting['ends']}{where}"]


def plain(value: Any) -> str:
    """A value on one line, with nothing in it that could pass for a line or a caption of the card's own.

    Clients draw the lines as Markdown: whatever could be a link, a picture or markup there stands as text.
    """
    if value is None:
        return "(empty)"
    text = strip_invisible(" ".join(str(value)[:2_000].split()))[0]
    shown = sanitize(escape(text)).text
    return " ".join(shown.split())


def _as_text(line: str) -> str:
    """A line of a message as it will be read: markup in it stands as text, and nothing is cut."""
    return sanitize(escape(strip_invisible(line)[0])).text.replace("\n", " ")
