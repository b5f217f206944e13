"""Where a request stands for one person: what is asked of whoever decides, and what this person may do about it.

A hint for whoever draws buttons. What may be done is looked at again where it is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from crm.work import Approval, Vote
from trust.actions import UNDO
from trust.approvals import ApprovalClosedError, NotEntitledError, is_entitled, require_reproposable, stands_alone
from trust.decisions import Hold
from trust.principal import Principal
from trust.scopes import APPROVALS_DECIDE

Way = Literal["approve", "reject", "edit", "answer", "recall", "reassign", "repropose"]


@dataclass(frozen=True)
class Asked:
    """What is asked of whoever decides, in words. All of `conditions` have to be met."""

    votes: int
    second_person: bool
    conditions: tuple[str, ...]
    escalations: tuple[tuple[datetime, str], ...]
    """From when on who else may decide."""


def list_ways(approval: Approval, votes: Sequence[Vote], principal: Principal, *, at: datetime) -> list[Way]:
    """What the principal may do about a request that they see, in the order of the type."""
    is_own = principal.id == approval.requester
    if approval.status != "pending" or approval.expires_at <= at:
        return ["repropose"] if _can_repropose(approval, principal, at=at) else []
    decides = APPROVALS_DECIDE in principal.scopes and is_entitled(approval, principal, at=at)
    has_voted = any(vote.voter == principal.id for vote in votes)
    found: list[Way] = []
    if decides and not has_voted:
        found += ["approve", "reject"]
        if approval.tool != UNDO:
            found.append("edit")
    if not stands_alone(approval) and not principal.is_customer and not has_voted and (decides or is_own):
        found.append("answer")
    if is_own:
        found.append("recall")
    if decides or is_own:
        found.append("reassign")
    return found


def _can_repropose(approval: Approval, principal: Principal, *, at: datetime) -> bool:
    try:
        require_reproposable(approval, principal, at=at)
    except (ApprovalClosedError, NotEntitledError):
        return False
    return True


def describe_asked(rule: Hold) -> Asked:
    """Who may decide by this rule."""
    named = [f"the permission {one}" for one in sorted(rule.permissions)]
    conditions = [*named, *(one.words for one in rule.requirements)]
    escalations = [
        (moment, " or ".join(one.words for one in requirement.escalation.to))
        for requirement, moment in rule.escalations
        if requirement.escalation is not None
    ]
    return Asked(rule.votes, not rule.self_approval, tuple(conditions), tuple(escalations))
