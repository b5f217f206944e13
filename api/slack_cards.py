"""Held requests as messages in Slack: all of what would change, or no buttons.

Words of records stand in `plain_text` only, where nothing is a link, a mention or markup; each value on one line of its
own between marks that no value can write, so that none passes for the card's words.
"""

import json
from typing import Any

from api.wire import link_to
from crm.work import Approval
from trust.approvals import VERBS
from trust.invisible import strip_invisible

MAX_VALUE, MAX_LINES, MAX_BODY = 600, 40, 2_500
"""Slack takes 50 blocks of 3,000 characters."""
TO_DECIDE = ("approval.requested", "approval.escalated", "approval.reassigned")
Json = dict[str, Any]
_SHOWN = frozenset({"title", "tool", "changes", "warnings", "message", "call"})
"""The parts of a card. The title and the tool say nothing that the others do not."""


def separate(value: str) -> tuple[str, str, str] | None:
    """Webhook, request and digest in a button's value; None if it is none of ours."""
    parts = value.split(" ")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else None


def card_for(approval: Approval, webhook_id: str, event: str, public_url: str) -> Json:
    """The message about an event of a request."""
    link = link_to(approval.approval_id, public_url)
    if event not in TO_DECIDE or approval.status != "pending":
        return _message(f"Request {approval.approval_id} is {approval.status}.", [])
    lines, is_whole = _lines(approval.card)
    blocks = [_plain("A change waits for approval"), *map(_plain, lines)]
    by, until = approval.requester, f"{approval.expires_at:%Y-%m-%d %H:%M} UTC"
    blocks.append(_plain(f"Request {approval.approval_id}, asked for by {by}, to be decided until {until}."))
    if not is_whole:
        blocks.append(_plain("It is too long to be decided on here."))
    buttons = _buttons(approval, webhook_id) if is_whole else []
    if public_url:
        look = {"type": "button", "action_id": "countersign.look", "url": link, "text": _text("Look at it")}
        buttons.append(look)
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return _message(f"Request {approval.approval_id} waits for approval.", blocks)


def _message(text: str, blocks: list[Json]) -> Json:
    return {"text": text, "blocks": blocks, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def _text(words: str) -> Json:
    return {"type": "plain_text", "text": words, "emoji": False}


def _plain(words: str) -> Json:
    return {"type": "section", "text": _text(words)}


def _buttons(approval: Approval, webhook_id: str) -> list[Json]:
    value = f"{webhook_id} {approval.approval_id} {approval.digest}"
    return [
        {"type": "button", "action_id": f"countersign.{kind}", "text": _text(words), "value": value, "style": style}
        for kind, words, style in (("approve", "Approve", "primary"), ("reject", "Reject", "danger"))
    ]


def _lines(card: Json) -> tuple[list[str], bool]:
    """What the card shows, and whether that is all of it."""
    shown: list[str] = []
    cut: list[bool] = []

    def value(given: Any, most: int = MAX_VALUE) -> str:
        words, is_whole = _value(given, most)
        cut.append(not is_whole)
        return words

    for change in card["changes"]:
        name = f"{VERBS[change['operation']]} {change['object']} {value(change['name'])} ({change['id']})"
        shown.append(name)
        for field in change["fields"]:
            outside = (field.get("source") or {}).get("integrity") == "external"
            came = " — written by somebody outside" if outside else ""
            old = "" if change["operation"] == "create" else f"{value(field['old'])} becomes "
            shown.append(f"{field['field']}: {old}{value(field['new'])}{came}")
    message = card.get("message")
    if message is not None:
        people = [f"{value(one['name'])} at {value(one['address'])}" for one in message["recipients"]]
        shown += [f"Send an e-mail to {person}" for person in people]
        shown += [f"From: {value(message['from'])}", f"Reply to: {value(message['reply_to'])}"]
        shown += [f"Subject: {value(message['subject'])}", f"Text: {value(message['body'], MAX_BODY)}"]
        if message.get("meeting"):
            shown.append(f"For calendars: {value(message['meeting'])}")
    call = card.get("call")
    if call is not None:
        shown.append(f"Have {value(call['server'])} carry out {value(call['tool'])}")
        given = {name: json.dumps(one, ensure_ascii=False) for name, one in call["arguments"].items()}
        shown += [f"With {value(name)}: {value(one)}" for name, one in given.items()]
    shown += [f"Note: {value(one)}" for one in card.get("warnings", ())]
    return shown[:MAX_LINES], len(shown) <= MAX_LINES and not any(cut) and card.keys() <= _SHOWN


def _value(given: Any, most: int) -> tuple[str, bool]:
    """A value between its marks, which it cannot write itself, and whether it is all there."""
    if given is None:
        return "(empty)", True
    text = " ".join(strip_invisible(str(given))[0].split())
    text = text.replace("«", "<<").replace("»", ">>")
    whole = len(text) <= most
    # Slack takes these three for its own syntax, wherever they stand.
    safe = text[:most].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"«{safe}»", whole
