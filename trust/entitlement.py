"""Who may decide on a request, and in whose name: by the rule that the request was written down with, and the time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crm.access import Access
from crm.database import TenantSession
from crm.repositories import approvals as rows
from crm.repositories.inbox import Noted
from crm.repositories.owners import find_managers
from crm.work import Approval, Vote
from trust.actions import Action
from trust.approval_rules import EXPIRES_AFTER
from trust.decisions import Hold
from trust.principal import Principal


def speakers(approval: Approval, principal: Principal, *, at: datetime) -> list[str]:
    """Those in whose name this person may decide at that time, by id: themselves first. Empty if they may not.

    A delegate decides for somebody who could decide now, and has no say of their own from it: delegations lead no
    further than one step, and never to or from the requester.
    """
    rule = Hold.from_json(approval.rule)
    found = [principal.id] if _qualifies(rule, approval.requester, principal.access, at=at) else []
    if principal.access.caller.user_id is None:
        return found
    found += [
        one.delegator
        for one in principal.stands_in_for
        if one.counts_for(approval, principal.id, at=at) and _qualifies(rule, approval.requester, one.access, at=at)
    ]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Judge:
    """Whether one person may decide at one time, asked of many requests that stay closed: each rule is read once."""

    principal: Principal
    at: datetime
    _known: dict[tuple[str, str], bool | None] = field(default_factory=dict)
    _escalated: dict[str, bool] = field(default_factory=dict)

    def may_decide(self, rule: str, requester: str) -> bool | None:
        """As `speakers` has it, of a rule in JSON. None: by a delegation whose limits ask for what is sealed."""
        if (rule, requester) not in self._known:
            self._known[rule, requester] = self._judge(rule, requester)
        return self._known[rule, requester]

    def _judge(self, rule: str, requester: str) -> bool | None:
        asked = Hold.from_json(json.loads(rule))
        if _qualifies(asked, requester, self.principal.access, at=self.at):
            return True
        able = [
            one
            for one in self.principal.stands_in_for
            if one.may_count_for(requester, self.principal.id, at=self.at)
            and _qualifies(asked, requester, one.access, at=self.at)
        ]
        if self.principal.access.caller.user_id is None or not able:
            return False
        return True if any(one.limits.are_none for one in able) else None

    def has_escalated(self, rule: str) -> bool:
        """Whether others may decide by now because nobody did in time."""
        if rule not in self._escalated:
            moments = [moment for _, moment in Hold.from_json(json.loads(rule)).escalations]
            self._escalated[rule] = bool(moments) and min(moments) <= self.at
        return self._escalated[rule]

    async def find_decidable(self, session: TenantSession, notes: Sequence[Noted]) -> set[str]:
        """The ids of those that the person may decide; only what limits of delegations ask about is opened."""
        answers = {one.approval_id: self.may_decide(one.rule, one.requester) for one in notes}
        unsure = [approval_id for approval_id, answer in answers.items() if answer is None]
        opened = [one for one in await rows.list_by_ids(session, unsure) if not one.is_erased] if unsure else []
        found = {approval_id for approval_id, answer in answers.items() if answer}
        return found | {one.approval_id for one in opened if speakers(one, self.principal, at=self.at)}


def _qualifies(rule: Hold, requester: str, access: Access, *, at: datetime) -> bool:
    if not all(one.is_met_by(access, at=at) for one in rule.requirements):
        return False
    if access.caller.id == requester:
        return rule.self_approval
    if rule.permissions:
        return rule.permissions <= access.permissions
    return rule.waives_permission and bool(rule.requirements)


def wait_of(rule: Hold) -> timedelta:
    """How long a request may wait under this rule."""
    return min(rule.expires_after or EXPIRES_AFTER, EXPIRES_AFTER)


def asked_at(approval: Approval) -> datetime:
    """When a request was made, to the second, by what its digest binds; `created_at` is not among that."""
    return approval.expires_at - wait_of(Hold.from_json(approval.rule))


def persons_of(votes: list[Vote]) -> set[str]:
    """Whose word the votes are: somebody who is away and their delegate are one."""
    return {vote.in_stead_of or vote.voter for vote in votes}


def still_counts(approval: Approval, vote: Vote, voter: Principal) -> bool:
    """Whether a vote could be given by the same person, in the same name, with the rights of now.

    `voter` was loaded as of the vote: a delegation that was in time then is, unless somebody has withdrawn it since.
    """
    return (vote.in_stead_of or vote.voter) in speakers(approval, voter, at=vote.created_at)


async def settle_rule(
    session: TenantSession, hold: Hold, action: Action, principal: Principal, *, at: datetime
) -> Hold:
    """The hold as a request keeps it: everybody and every moment that it speaks of, named."""
    if not hold.requirements:
        return hold
    managers = frozenset[str]()
    if any(one.asks_for_managers for one in hold.requirements):
        managers = await find_managers(session, action.changes or (), requester=principal.id)
    return hold.settled(managers, at=at)
