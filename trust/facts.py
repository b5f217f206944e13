"""What policies decide on: a finite abstraction of an action and the person behind it, plus the names in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

from crm.connector import Change, FieldChange
from trust.actions import Action, Effect, FieldLabels, Recipient, Role
from trust.amounts import amount_of, is_money
from trust.gravity import find_grave_part
from trust.labels import NOTHING, Integrity, Label
from trust.preapprovals import find_preapproval
from trust.principal import Principal
from trust.rights import find_missing_right
from trust.tenant_policy import PolicySettings, StandingPolicy

CONFIRMATIONS = frozenset({"approve", "approved", "confirm", "confirmation", "confirmed", "force", "user_confirmed"})
"""Names of arguments by which a tool would take a caller's word that somebody agreed."""


class Audience(StrEnum):
    """Whom a message would reach. Anybody who is not staff is outside."""

    NONE = "none"
    INSIDE = "inside"
    OUTSIDE = "outside"


@dataclass(frozen=True)
class Facts:
    """Named as in `trust/policies/schema.cedarschema`, which says what each means. Defaults are the harmless end."""

    effect: Effect = Effect.READ
    takes_effect: bool = False
    is_egress: bool = False
    same_tenant: bool = True
    is_customer: bool = False
    tool_is_for_customers: bool = True
    tool_is_listed: bool = True
    tool_is_in_plan: bool = True
    scope_is_covered: bool = True
    rights_are_held: bool = True
    is_tainted: bool = False
    model_confirms: bool = False
    targets: Integrity = Integrity.SYSTEM
    recipients: Integrity = Integrity.SYSTEM
    urls: Integrity = Integrity.SYSTEM
    contents: Integrity = Integrity.SYSTEM
    amounts: Integrity = Integrity.SYSTEM
    any_input: Integrity = Integrity.SYSTEM
    targets_are_resolved: bool = True
    audience: Audience = Audience.NONE
    recipients_may_read: bool = True
    recipients_are_willing: bool = True
    external_into_verified: bool = False
    empties_filled: bool = False
    deletes: bool = False
    exceeds_record_cap: bool = False
    exceeds_amount_limit: bool = False
    is_grave: bool = False
    is_preapproved: bool = False
    wrong_reader_is_denied: bool = False


@dataclass(frozen=True)
class Names:
    """The part that is not finite. Only a tenant's own rules look at it."""

    person: str = ""
    tool: str = ""
    agent: str = ""
    permissions: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    """As in `Opportunity.Amount`."""
    records: int = 0
    largest_amount: int = 0
    recipient_domains: frozenset[str] = frozenset()


def facts_of(action: Action, principal: Principal, policy: StandingPolicy) -> Facts:
    """What is not known counts as the harmful end, wherever a writing tool could have said it."""
    inputs = _Inputs(action)
    changes = action.changes or ()
    recipients = action.outgoing.recipients if action.outgoing else ()
    takes_effect = action.effect is not Effect.READ and not action.is_proposal
    return Facts(
        effect=action.effect,
        takes_effect=takes_effect,
        is_egress=action.effect is Effect.SEND or (action.effect is Effect.READ and inputs.has("url")),
        same_tenant=action.tenant == principal.tenant,
        is_customer=principal.is_customer,
        tool_is_for_customers=action.for_customers,
        tool_is_listed=action.tool in action.agent_tools,
        tool_is_in_plan=action.plan is None or action.tool in action.plan,
        scope_is_covered=action.scope in principal.scopes,
        rights_are_held=find_missing_right(action, principal) is None,
        is_tainted=action.is_tainted,
        model_confirms=_model_confirms(action),
        targets=inputs.worst("target"),
        recipients=min(inputs.worst("recipient"), _worst_recipient(action, takes_effect=takes_effect)),
        urls=inputs.worst("url"),
        contents=min(inputs.worst("content"), _message(action).integrity),
        amounts=inputs.worst("amount"),
        any_input=inputs.worst_of_all(),
        targets_are_resolved=inputs.targets_are_resolved(),
        audience=_audience(action, takes_effect=takes_effect),
        recipients_may_read=all(_may_read(one, action, policy.settings) for one in recipients),
        recipients_are_willing=all(one.may_be_written_to for one in recipients),
        external_into_verified=any(_dirties(action, change, one) for change, one in _updates(changes)),
        empties_filled=any(_is_filled(one.old) and not _is_filled(one.new) for _, one in _updates(changes)),
        deletes=any(change.operation == "delete" for change in changes),
        exceeds_record_cap=_count_records(changes) > policy.settings.record_cap,
        exceeds_amount_limit=any(
            _exceeds(action, change, one, policy.settings) for change in changes for one in change.fields
        ),
        is_grave=any(find_grave_part(change, principal.id) for change in changes),
        is_preapproved=find_preapproval(action, principal) is not None,
        wrong_reader_is_denied=_denies_wrong_reader(action, policy.settings),
    )


def names_of(action: Action, principal: Principal) -> Names:
    changes = action.changes or ()
    recipients = action.outgoing.recipients if action.outgoing else ()
    amounts = [abs(amount_of(one.new)) for change in changes for one in change.fields if _counts(action, change, one)]
    return Names(
        person=principal.id,
        tool=action.tool,
        agent=action.agent,
        permissions=principal.access.permissions,
        objects=frozenset(change.object_name for change in changes),
        fields=frozenset(f"{change.object_name}.{one.field}" for change in changes for one in change.fields),
        records=_count_records(changes),
        largest_amount=int(max(amounts, default=Decimal(0)).to_integral_value(ROUND_CEILING)),
        recipient_domains=frozenset(one.address.rpartition("@")[2].lower() for one in recipients),
    )


_BEST = Integrity.SYSTEM


class _Inputs:
    """The labels of an action's arguments. Where outside text was read, an argument without one is outside text."""

    def __init__(self, action: Action) -> None:
        self._action = action
        labelled = {_first_name(one.path) for one in action.inputs}
        given = (name for name, value in action.arguments.items() if value not in (None, "", [], {}))
        self._unlabelled = action.is_tainted and any(name not in labelled for name in given)

    def has(self, role: Role) -> bool:
        return any(one.role == role for one in self._action.inputs)

    def worst(self, *roles: Role) -> Integrity:
        return _worst(one.label for one in self._action.inputs if one.role in roles)

    def worst_of_all(self) -> Integrity:
        action = self._action
        if self._unlabelled:
            return Integrity.EXTERNAL
        labels = [one.label for one in action.inputs] + [one.new for one in action.field_labels.values()]
        if action.outgoing:
            labels += [_message(action), *(one.label for one in action.outgoing.recipients)]
        return _worst(labels)

    def targets_are_resolved(self) -> bool:
        """Whether code looked up every record and recipient. An existing record has to be named by some argument."""
        chosen = [one for one in self._action.inputs if one.role in ("target", "recipient", "url")]
        names_existing = any(change.operation != "create" for change in self._action.changes or ())
        return all(one.is_reference for one in chosen) and (self.has("target") or not names_existing)


def _first_name(path: str) -> str:
    return path.split(".", 1)[0].split("[", 1)[0]


def _worst(labels: Iterable[Label]) -> Integrity:
    return min((label.integrity for label in labels), default=NOTHING.integrity)


def _model_confirms(action: Action) -> bool:
    """A confirmation counts as the person's only if code took it from their own words of this turn."""
    told = [one for one in action.inputs if one.role == "confirmation"]
    by_person = {one.path for one in told if one.is_reference and one.label.integrity >= Integrity.USER}
    if any(one.path not in by_person for one in told):
        return True
    claimed = {name for name, value in action.arguments.items() if name.lower() in CONFIRMATIONS and value}
    return not claimed <= by_person


def _worst_recipient(action: Action, *, takes_effect: bool) -> Integrity:
    """A message without a known recipient goes to somebody whom an outsider may have named."""
    if action.outgoing is None or not action.outgoing.recipients:
        return Integrity.EXTERNAL if takes_effect and action.effect is Effect.SEND else _BEST
    return _worst(one.label for one in action.outgoing.recipients)


def _audience(action: Action, *, takes_effect: bool) -> Audience:
    if action.outgoing is None or not action.outgoing.recipients:
        return Audience.OUTSIDE if takes_effect and action.effect is Effect.SEND else Audience.NONE
    return Audience.INSIDE if all(one.is_staff for one in action.outgoing.recipients) else Audience.OUTSIDE


def _denies_wrong_reader(action: Action, settings: PolicySettings) -> bool:
    """Either of the two places where a tenant can ask for it."""
    return settings.recipient_rule == "deny" or (action.outgoing is not None and action.outgoing.wrong_reader == "deny")


def _may_read(recipient: Recipient, action: Action, settings: PolicySettings) -> bool:
    """By what the message is about; for a tenant that denies wrong readers, also by all that its words were made of.

    What a copilot writes is made of everything it had in sight, so that the latter allows little.
    """
    message = action.outgoing
    strict = settings.recipient_rule == "deny"
    readers = frozenset() if message is None else (_message(action) if strict else message.content).readers
    if readers is None or recipient.is_staff:
        return True
    object_name, _, record_id = (recipient.record or "").partition(":")
    own = {f"{object_name.lower()}:{record_id}"} if record_id else set()
    account = {f"account:{recipient.account_id}"} if recipient.account_id else set()
    return bool((own | account) & readers)


def _message(action: Action) -> Label:
    """The label of what would be said: by what it is about, and by where its words come from."""
    return action.outgoing.content.join(action.outgoing.sources) if action.outgoing else NOTHING


def _updates(changes: Iterable[Change]) -> Iterable[tuple[Change, FieldChange]]:
    return ((change, one) for change in changes if change.operation == "update" for one in change.fields)


def _is_filled(value: object) -> bool:
    return value not in (None, "")


def _dirties(action: Action, change: Change, field: FieldChange) -> bool:
    """Whether outside text replaces what staff stands for. Without labels, a turn that read outside text would."""
    if not _is_filled(field.old):
        return False
    labels: FieldLabels | None = action.field_labels.get((change.record_id, field.field))
    if labels is None:
        return action.is_tainted
    return labels.new.integrity is Integrity.EXTERNAL and labels.old.integrity >= Integrity.CRM_VERIFIED


def _count_records(changes: Iterable[Change]) -> int:
    return len({(change.object_name, change.record_id) for change in changes})


def _counts(action: Action, change: Change, field: FieldChange) -> bool:
    return change.operation != "delete" and is_money(action, change, field)


def _exceeds(action: Action, change: Change, field: FieldChange, settings: PolicySettings) -> bool:
    if not _counts(action, change, field):
        return False
    old, new = amount_of(field.old), amount_of(field.new)
    if abs(new) > settings.amount_limit:
        return True
    if change.operation == "create" or not _is_filled(field.old):
        return False
    return abs(new - old) * 100 > abs(old) * settings.change_limit_percent
