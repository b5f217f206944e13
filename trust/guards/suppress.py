"""Nobody is written to, or put on a list for it, who must not be, and nobody reads what is not meant for them."""

from trust.actions import Action, Effect, Outgoing, Recipient
from trust.decisions import Allow, Decision, Deny, Hold
from trust.principal import Principal

APPROVE_PERMISSION = "approve_writes"


def suppress(action: Action, principal: Principal) -> Decision:
    for person in action.enlisted:
        if person.has_opted_out:
            return Deny("suppress", f"{person.record} must not be written to: opted out of e-mail")
    if action.effect is not Effect.SEND:
        if action.outgoing is not None:
            return Deny("suppress", "only a tool that is declared to send may send")
        return Allow()
    if action.is_proposal:
        return Allow()
    message = action.outgoing
    if message is None or not message.recipients:
        return Deny("suppress", "a message needs somebody whom it is for")
    for one in message.recipients:
        if not one.address:
            return Deny("suppress", f"{_called(one)} has no e-mail address that can be written to")
        if not one.may_be_written_to:
            return Deny("suppress", f"{_called(one)} must not be written to: {one.why_not or 'suppressed'}")
    return _check_readers(message)


def _check_readers(message: Outgoing) -> Decision:
    wrong = [_called(one) for one in message.recipients if not _may_read(one, message)]
    if not wrong:
        return Allow()
    reason = f"the message is not meant for {', '.join(wrong)}: it is about somebody else's records"
    if message.wrong_reader == "hold":
        return Hold("suppress", reason, APPROVE_PERMISSION, self_approval=False)
    return Deny("suppress", reason)


def _may_read(one: Recipient, message: Outgoing) -> bool:
    readers = message.content.readers
    if one.is_staff or readers is None:
        return True
    kind, _, record_id = (one.record or "").partition(":")
    known = {f"{kind.lower()}:{record_id}"} if record_id else set()
    if one.account_id:
        known.add(f"account:{one.account_id}")
    return bool(known & readers)


def _called(one: Recipient) -> str:
    return one.name or one.record or "a recipient"
