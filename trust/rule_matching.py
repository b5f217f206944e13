"""Which of a tenant's approval rules speak about an action, and what all of them ask for together."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from crm.connector import Change, FieldChange
from crm.fields import Kind
from crm.schema import OBJECT_INFO
from trust.actions import Action, Effect
from trust.amounts import amount_of, is_money
from trust.approval_rules import (
    AmountTest,
    ApprovalRule,
    PercentTest,
    RecipientTest,
    RequesterTest,
    SizeTest,
    When,
    parse_span,
)
from trust.approval_rules import is_within_hours as is_within
from trust.decisions import Hold
from trust.facts import facts_of
from trust.labels import Integrity
from trust.preapprovals import find_preapproval
from trust.principal import Principal

APPROVE_PERMISSION = "approve_writes"
"""What the service's own holds ask for; the one thing that `qualified_because` stands in for."""


def find_rules(action: Action, principal: Principal) -> list[ApprovalRule]:
    """Those that fit, in their order. None fits reading, or a change that is only being worked out.

    Raises: whatever an action that cannot be judged leads to; that is for the caller to deny.
    """
    if action.effect is Effect.READ or action.is_proposal:
        return []
    return [rule for rule in principal.policy.rules if fits(rule.when, action, principal)]


def tighten(hold: Hold, rules: Sequence[ApprovalRule]) -> Hold:
    """The hold with all that the rules ask for besides. Never less than it was: see docs/approvals.md."""
    if not rules:
        return hold
    naming = [rule for rule in rules if rule.then.approvers is not None]
    waives = (
        bool(naming)
        and APPROVE_PERMISSION in hold.permissions
        and all(rule.then.qualified_because is not None for rule in naming)
    )
    needed = hold.permissions - {APPROVE_PERMISSION} if waives else hold.permissions
    asked = tuple(one for rule in naming if (one := rule.requirement()) is not None)
    spans = [parse_span(rule.then.expires_after) for rule in rules if rule.then.expires_after is not None]
    return replace(
        hold,
        reason="; ".join(dict.fromkeys((hold.reason, *(rule.reason for rule in rules)))),
        permission=" ".join(sorted(needed)) or None,
        self_approval=hold.self_approval and not waives and not any(rule.then.second_person for rule in rules),
        votes=max(hold.votes, *(rule.then.votes or 1 for rule in rules)),
        requirements=(*hold.requirements, *asked),
        waives_permission=waives,
        expires_after=min([*spans, *([hold.expires_after] if hold.expires_after else [])], default=None),
        rules=(*hold.rules, *(rule.id for rule in rules)),
    )


def fits(when: When, action: Action, principal: Principal) -> bool:
    """Whether an action is one of those that the rule is for."""
    if when.tools and action.tool not in when.tools:
        return False
    if when.preapproved is not None and when.preapproved is not (find_preapproval(action, principal) is not None):
        return False
    if when.records_above is not None and _count_records(action) <= when.records_above:
        return False
    if when.integrity is not None and not _is_as_bad_as(when.integrity, action, principal):
        return False
    if when.requester is not None and not _is_asked_by(when.requester, principal):
        return False
    if when.recipients is not None and not _reaches(when.recipients, action):
        return False
    if when.hours is not None and not is_within(when.hours, principal.policy.asked_at):
        return False
    return _touches(when, action)


def _count_records(action: Action) -> int:
    return len({(change.object_name, change.record_id) for change in action.changes or ()})


def _is_as_bad_as(level: str, action: Action, principal: Principal) -> bool:
    return facts_of(action, principal, principal.policy).any_input <= Integrity[level.upper()]


def _is_asked_by(test: RequesterTest, principal: Principal) -> bool:
    access = principal.access
    return (
        (test.customer is None or test.customer is principal.is_customer)
        and (not test.roles or access.role in test.roles)
        and (not test.permission_sets or not access.permission_sets.isdisjoint(test.permission_sets))
        and (not test.groups or not access.groups.isdisjoint(test.groups))
        and (not test.persons or principal.id in test.persons)
    )


def _reaches(test: RecipientTest, action: Action) -> bool:
    """A message of which nobody knows whom it would reach may reach anybody."""
    recipients = action.outgoing.recipients if action.outgoing else ()
    if not recipients:
        return action.effect is Effect.SEND and test.outside is not False
    if test.outside is not None and test.outside is all(one.is_staff for one in recipients):
        return False
    domains = {one.address.rpartition("@")[2].lower() for one in recipients}
    return not test.domains or any(_is_under(domain, one) for domain in domains for one in test.domains)


def _is_under(domain: str, other: str) -> bool:
    return domain == other or domain.endswith(f".{other}")


def _touches(when: When, action: Action) -> bool:
    """Whether one and the same change of a field, or of a record, is all that the rule says of changes."""
    if not (when.operations or when.objects or when.fields or when.amount or when.percent or when.size):
        return True
    return any(_is_meant(when, action, change, field) for change, field in _pieces(action))


def _pieces(action: Action) -> Iterator[tuple[Change, FieldChange | None]]:
    for change in action.changes or ():
        yield change, None
        for field in change.fields:
            yield change, field


def _is_meant(when: When, action: Action, change: Change, field: FieldChange | None) -> bool:
    if when.operations and change.operation not in when.operations:
        return False
    if when.objects and change.object_name not in when.objects:
        return False
    if when.fields and (field is None or f"{change.object_name}.{field.field}" not in when.fields):
        return False
    if when.amount is not None and (field is None or not _is_amount(when.amount, action, change, field)):
        return False
    if when.percent is not None and (field is None or not _is_percent(when.percent, change, field)):
        return False
    return when.size is None or (field is not None and _is_size(when.size, action, change, field))


def _is_amount(test: AmountTest, action: Action, change: Change, field: FieldChange) -> bool:
    if change.operation in ("delete", "confirm") or not is_money(action, change, field):
        return False
    amount = abs(amount_of(field.new))
    return (test.above is None or amount > test.above) and (test.below is None or amount < test.below)


def _is_percent(test: PercentTest, change: Change, field: FieldChange) -> bool:
    info = OBJECT_INFO.get(change.object_name)
    if (
        change.operation not in ("create", "update")
        or info is None
        or info.fields[field.field].kind is not Kind.PERCENT
    ):
        return False
    share = amount_of(field.new)
    return (test.above is None or share > test.above) and (test.below is None or share < test.below)


def _is_size(test: SizeTest, action: Action, change: Change, field: FieldChange) -> bool:
    """Of money and of any other number; what is new has not grown."""
    if change.operation != "update" or not _is_number(action, change, field):
        return False
    old, new = amount_of(field.old), amount_of(field.new)
    grown = abs(new - old)
    if test.by_more_than is not None and grown <= test.by_more_than:
        return False
    return test.percent_above is None or grown * 100 > abs(old) * Decimal(test.percent_above)


def _is_number(action: Action, change: Change, field: FieldChange) -> bool:
    values = [value for value in (field.old, field.new) if value not in (None, "")]
    plain = bool(values) and all(isinstance(one, int | float) and not isinstance(one, bool) for one in values)
    return plain or is_money(action, change, field)
