"""Past requests as calls that another policy can be asked about."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from agents._agent import DomainAgent
from agents._replay import action_behind
from crm.database import TenantSession
from crm.repositories.access import UnknownCallerError
from crm.work import Approval
from tools._inputs import with_outgoing_labels
from trust.actions import Action
from trust.principal import Principal, load_principal

Why = Literal["erased", "requester_gone", "tool_changed"]
Replayed = tuple[Approval, Action, Principal]


async def load_cases(
    session: TenantSession, found: Sequence[Approval], agents: Mapping[str, DomainAgent]
) -> tuple[list[Replayed], Counter[Why]]:
    """Each with its requester as they are now, and how many cannot be tried any more, by why."""
    known = await _load_requesters(session, found)
    cases, skipped = [], Counter[Why]()
    for approval in found:
        requester = known.get(approval.requester)
        if approval.is_erased:
            skipped["erased"] += 1
        elif requester is None:
            skipped["requester_gone"] += 1
        elif (action := action_behind(approval, requester, agents)) is None:
            skipped["tool_changed"] += 1
        else:
            cases.append((approval, await _with_sources(session, action), requester))
    return cases, skipped


async def _load_requesters(session: TenantSession, found: Sequence[Approval]) -> dict[str, Principal]:
    """Those who are still there. A scope that the token covered then is taken for granted by whoever replays."""
    known = {}
    for requester in sorted({one.requester for one in found}):
        try:
            known[requester] = await load_principal(session, requester, frozenset())
        except UnknownCallerError:
            continue
    return known


async def _with_sources(session: TenantSession, action: Action) -> Action:
    """Where the words of a message came from is no part of the request; it is looked up where the draft keeps it."""
    labelled = await with_outgoing_labels(session, action)
    if action.outgoing is None or labelled.outgoing is None:
        return action
    return replace(action, outgoing=replace(action.outgoing, sources=labelled.outgoing.sources))
