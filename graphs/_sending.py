"""What is asked of a message again, at the moment it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from crm.connector import Change
from crm.database import TenantSession
from crm.work import Approval
from tools._declare import Tool, ToolContext
from tools._inputs import with_outgoing_labels
from tools._run import ToolError, propose
from trust.actions import Action
from trust.decisions import Deny, Hold
from trust.egress import clean_changes, clean_outgoing
from trust.policy import decide
from trust.principal import Principal


async def address_again(
    session: TenantSession,
    tool: Tool,
    action: Action,
    approval: Approval,
    principal: Principal,
    context: ToolContext,
    hosts: frozenset[str],
) -> Action | Deny:
    """Work a message out anew; it is sent only if it still is, word for word, the one on the card."""
    grant = decide(action, principal)
    if isinstance(grant, Deny | Hold):
        return Deny(grant.guard, grant.reason)
    proposal = await propose(grant, action, principal, tool, context)
    if isinstance(proposal, ToolError):
        return Deny(tool.name, proposal.message)
    changes = with_ids_of(approval, clean_changes(proposal.changes, hosts))
    again = await with_outgoing_labels(
        session, replace(action, changes=changes, outgoing=clean_outgoing(proposal.outgoing, changes))
    )
    message = None if again.outgoing is None else again.outgoing.to_json()
    moved = _differing(message, approval.card.get("message"))
    if moved or [change.to_json() for change in changes] != approval.changes:
        return Deny(tool.name, f"the message is no longer the one that was approved: {moved or 'its record'}")
    return again


def with_ids_of(approval: Approval, changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes, with new records under the ids that they were approved with: each time they are worked out they get
    other ones."""
    approved = [one["id"] for one in approval.changes]
    pairs = zip(changes, approved, strict=False)
    ids = {change.record_id: record_id for change, record_id in pairs if change.operation == "create"}
    return tuple(
        replace(
            change,
            record_id=ids.get(change.record_id, change.record_id),
            fields=tuple(
                replace(f, new=ids.get(f.new, f.new) if isinstance(f.new, str) else f.new) for f in change.fields
            ),
        )
        for change in changes
    )


def _differing(now: Mapping[str, Any] | None, seen: Mapping[str, Any] | None) -> str:
    """The parts of a message that are not as they were seen, by name; empty if it is the same."""
    if now is None or seen is None:
        return "" if now is seen else "all of it"
    return ", ".join(sorted(part for part in {*now, *seen} if now.get(part) != seen.get(part)))
