"""Only sending makes a message a sent one, and what was sent is never a draft again."""

from trust.actions import Action, Effect
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal


def keep_mail_status(action: Action, principal: Principal) -> Decision:
    if action.effect is Effect.SEND:
        return Allow()
    for change in action.changes or ():
        for field in change.fields:
            if (change.object_name, field.field) == ("EmailMessage", "Status") and "Sent" in (field.old, field.new):
                return Deny("keep_mail_status", "only sending an e-mail changes whether it was sent")
    return Allow()
