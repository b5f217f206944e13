"""Whether a tenant has approved exactly this kind of action in advance, and whether there is room for another one."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal

from crm.connector import Change, FieldChange
from crm.database import TenantSession
from crm.repositories import preapproval_uses as uses
from trust.actions import Action
from trust.amounts import amount_of, is_money
from trust.decisions import Drawn
from trust.principal import Principal
from trust.tenant_policy import Preapproval


def find_preapproval(action: Action, principal: Principal) -> Preapproval | None:
    """The first that covers every change of the action. Customers have none: what they say comes from outside."""
    return next(iter(list_preapprovals(action, principal)), None)


def list_preapprovals(action: Action, principal: Principal) -> list[Preapproval]:
    """All that cover every change of the action, whether or not their caps leave room for it."""
    if principal.is_customer or not action.changes:
        return []
    changes = action.changes

    def covers(one: Preapproval) -> bool:
        return one.tool == action.tool and all(_covers(one, action, change, principal.id) for change in changes)

    return [one for one in principal.policy.preapprovals if covers(one)]


def _covers(one: Preapproval, action: Action, change: Change, requester: str) -> bool:
    if change.object_name != one.object_name or change.operation not in ("create", "update"):
        return False
    return all(_is_within(one, action, change, field, requester) for field in change.fields)


def _is_within(one: Preapproval, action: Action, change: Change, field: FieldChange, requester: str) -> bool:
    if change.operation == "create" and (field.field, field.new) == ("OwnerId", requester):
        return True  # the service fills it in
    if field.field not in one.fields:
        return False
    if not is_money(action, change, field):
        return True
    return one.amount_cap is not None and abs(amount_of(field.new)) <= one.amount_cap


def sum_of(action: Action) -> int:
    """What all amounts of the action come to, rounded up."""
    amounts = [
        abs(amount_of(field.new))
        for change in action.changes or ()
        for field in change.fields
        if is_money(action, change, field)
    ]
    return int(sum(amounts, Decimal(0)).to_integral_value(ROUND_CEILING))


@dataclass(frozen=True)
class Use:
    """What was done on a pre-approval in the period of now."""

    period_start: date
    count: int
    amount: int


def drawn_by(one: Preapproval, action: Action, *, at: datetime) -> Drawn:
    """What the action would take out of a pre-approval."""
    if not one.is_capped:
        return Drawn(one.preapproval_id)
    return Drawn(one.preapproval_id, one.period_of(at.date()), sum_of(action))


async def draw(session: TenantSession, one: Preapproval, drawn: Drawn) -> bool:
    """Take it out, inside the transaction of the effect; False if the caps leave no room.

    The caller has written to the tenant's audit in this transaction, on which writers take turns: nobody else draws
    meanwhile, and nobody waits for a row of one pre-approval while holding that of another.
    """
    if drawn.period_start is None:
        return True
    return await uses.add(
        session,
        drawn.preapproval_id,
        drawn.period_start,
        amount=drawn.amount,
        count_cap=one.count_cap,
        sum_cap=one.sum_cap,
    )


async def give_back(session: TenantSession, drawn: Drawn | None) -> None:
    """What came to nothing uses nothing up."""
    if drawn is not None and drawn.period_start is not None:
        await uses.take_back(session, drawn.preapproval_id, drawn.period_start, amount=drawn.amount)


async def find_use(session: TenantSession, one: Preapproval, *, at: datetime) -> Use:
    """Of the period that now lies in."""
    period = one.period_of(at.date())
    row = await uses.find(session, one.preapproval_id, period)
    return Use(period, row.count if row else 0, row.amount if row else 0)
