"""The one place that says yes: guards in their order, and the grants that follow from them."""

from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass
from typing import Final

from crm.ids import TenantId
from trust import telemetry
from trust.actions import Action
from trust.approval_rules import ApprovalRule
from trust.cedar import BASE_DIGEST
from trust.decisions import Allow, Decision, Deny, Hold
from trust.digests import digest_of
from trust.guards.bind_customers import bind_customers
from trust.guards.follow_policy import follow_policy
from trust.guards.heed_switches import heed_switches
from trust.guards.hold_policy_changes import hold_policy_changes
from trust.guards.hold_writes import hold_writes
from trust.guards.keep_mail_status import keep_mail_status
from trust.guards.keep_order_of_states import keep_order_of_states
from trust.guards.limit_records import limit_records
from trust.guards.require_listed_tool import require_listed_tool
from trust.guards.require_permission import require_permission
from trust.guards.require_rights import require_rights
from trust.guards.require_scope import require_scope
from trust.guards.stay_in_plan import stay_in_plan
from trust.guards.stay_in_tenant import stay_in_tenant
from trust.guards.suppress import suppress
from trust.principal import Principal
from trust.rule_matching import find_rules, tighten

Guard = Callable[[Action, Principal], Decision]

GUARDS: Final[tuple[Guard, ...]] = (
    stay_in_tenant,
    heed_switches,
    require_listed_tool,
    stay_in_plan,
    bind_customers,
    require_scope,
    require_permission,
    require_rights,
    limit_records,
    keep_mail_status,
    keep_order_of_states,
    suppress,
    hold_writes,
    hold_policy_changes,
    follow_policy,
)
"""Each decides by itself. What the last one reads from policy files, those before it that deny have in Python."""

_MINT: Final = object()


class GrantError(Exception):
    """A tool was to run, or a change to be made, without a grant that covers it. Always a bug or an attack."""


@dataclass(frozen=True)
class Grant:
    """Permission for exactly one action. Only this module can make one."""

    tool: str
    arguments_digest: str
    changes_digest: str | None
    """None: the grant covers reading only."""
    approval_id: str | None
    tenant: TenantId
    principal_id: str
    """Ids of two tenants may be equal, so the tenant counts too."""
    mint: InitVar[object]
    """Not kept, so that no grant can be made out of another."""

    def __post_init__(self, mint: object) -> None:
        if mint is not _MINT:
            raise GrantError("only trust.policy makes grants")

    def require_cover(self, action: Action, principal: Principal) -> None:
        """Raises: GrantError unless this grant was made for this very action and person."""
        covered = (
            self.tool == action.tool
            and self.tenant == action.tenant == principal.tenant
            and self.principal_id == principal.id
            and self.arguments_digest == digest_of(dict(action.arguments))
            and self.changes_digest == _changes_digest(action)
        )
        if not covered:
            raise GrantError(f"the grant does not cover this call of {action.tool!r}")


def decide(action: Action, principal: Principal) -> Grant | Hold | Deny:
    """Ask every guard in turn, and then the tenant's approval rules, which make of a hold a stricter one.

    A guard that fails is a guard that denies.
    """
    decision = _ask_in_turn(action, principal)
    telemetry.happened("decision", _seen(action, decision))
    return decision


def _ask_in_turn(action: Action, principal: Principal) -> Grant | Hold | Deny:
    decision = _ask_all(action, principal)
    if isinstance(decision, Deny):
        return decision
    try:
        rules = find_rules(action, principal)
        if rules:
            return _hold_by(rules, action, principal, decision)
    except Exception:
        return Deny("approval_rules", "the check could not be made")
    return decision or _grant(action, principal, approval_id=None)


def _ask_all(action: Action, principal: Principal) -> Hold | Deny | None:
    """The first Deny ends it; a Hold is kept while later guards may still deny. None: nothing speaks against it."""
    held: Hold | None = None
    for guard in GUARDS:
        decision = _ask(guard, action, principal)
        if isinstance(decision, Deny):
            return decision
        if isinstance(decision, Hold):
            held = decision if held is None else held.joined(decision)
    return held


def _hold_by(rules: Sequence[ApprovalRule], action: Action, principal: Principal, held: Hold | None) -> Hold | Deny:
    """What was pre-approved and is held after all waits for those whom it would wait for without."""
    demand = held or _ask_all(action, principal.without_preapprovals())
    if demand is None:
        return Deny("approval_rules", "the check gave no clear answer")
    return tighten(demand, rules) if isinstance(demand, Hold) else demand


def _seen(action: Action, decision: Grant | Hold | Deny) -> dict[str, telemetry.Value | None]:
    """A decision, for those who watch."""
    kind = "deny" if isinstance(decision, Deny) else "hold" if isinstance(decision, Hold) else "allow"
    guard = None if isinstance(decision, Grant) else decision.guard
    return {telemetry.TOOL: action.tool, telemetry.DECISION: kind, telemetry.GUARD: guard}


def ask_guards(action: Action, principal: Principal) -> list[tuple[str, Decision]]:
    """What every guard says, in their order, whatever those before it said; for explaining, not for deciding."""
    return [(guard.__name__, _ask(guard, action, principal)) for guard in GUARDS]


def redeem(action: Action, principal: Principal, *, approval_id: str, rule: Hold) -> Grant | Deny:
    """Turn a countersigned action into a grant. Guards run again: rights may have changed since.

    `rule` is the demand that the votes were given under: if the guards demand more by now, they no longer count.
    The caller has checked the approval and its votes in the same transaction that will carry the effect.
    """
    decision = decide(action, principal)
    if isinstance(decision, Deny):
        return decision
    if isinstance(decision, Hold) and not rule.covers(decision):
        return Deny(decision.guard, f"more is needed by now than when it was decided: {decision.reason}")
    return _grant(action, principal, approval_id=approval_id)


def policy_version(principal: Principal) -> str:
    """A digest of all that decisions for this principal follow: guards, schema, rules, and what the tenant adds."""
    return digest_of([[guard.__name__ for guard in GUARDS], BASE_DIGEST, principal.policy.digest])


def _ask(guard: Guard, action: Action, principal: Principal) -> Decision:
    try:
        decision = guard(action, principal)
    except Exception:
        return Deny(guard.__name__, "the check could not be made")
    if isinstance(decision, Allow | Hold | Deny):
        return decision
    return Deny(guard.__name__, "the check gave no clear answer")


def _grant(action: Action, principal: Principal, *, approval_id: str | None) -> Grant:
    return Grant(
        tool=action.tool,
        arguments_digest=digest_of(dict(action.arguments)),
        changes_digest=_changes_digest(action),
        approval_id=approval_id,
        tenant=principal.tenant,
        principal_id=principal.id,
        mint=_MINT,
    )


def _changes_digest(action: Action) -> str | None:
    if action.changes is None:
        return None
    changes = [change.to_json() for change in action.changes]
    if action.call is not None:
        return digest_of([changes, {"call": action.call.to_json()}])
    return digest_of(changes if action.outgoing is None else [changes, action.outgoing.to_json()])
