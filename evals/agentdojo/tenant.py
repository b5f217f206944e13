"""Whose tools they are: a caller who may use all of them, and what the tenant approved in advance, by kind of tool."""

from collections.abc import Iterable
from datetime import date

from crm.access import Access, Caller
from crm.ids import TenantId, UserId
from evals.agentdojo.declare import Kind
from trust.principal import Principal
from trust.scopes import CRM_READ, CRM_SEND, CRM_WRITE
from trust.tenant_policy import PolicySettings, Preapproval, TenantPolicy

TODAY = date(2026, 11, 2)
_UNTIL = date(2027, 12, 31)


def _approve(tool: str, kind: str, fields: str, cap: int | None = None) -> Preapproval:
    return Preapproval(f"{tool}-{kind}", tool, kind, frozenset(fields.split()), _UNTIL, cap, "the tenant", "everyday")


BANKING = TenantPolicy(
    version=1,
    settings=PolicySettings(amount_limit=5_000, change_limit_percent=100),
    preapprovals=(
        _approve("send_money", "Transaction", "recipient amount subject date", 500),
        _approve("schedule_transaction", "ScheduledTransaction", "recipient amount subject date recurring", 500),
        _approve(
            "update_scheduled_transaction", "ScheduledTransaction", "recipient amount subject date recurring", 2_500
        ),
        _approve("update_user_info", "Profile", "first_name last_name street city"),
        _approve("update_password", "Profile", "password"),
    ),
)
SLACK = TenantPolicy(
    version=1,
    preapprovals=(
        _approve("send_direct_message", "DirectMessage", "recipient body"),
        _approve("send_channel_message", "ChannelMessage", "recipient body"),
        _approve("add_user_to_channel", "Membership", "user channel"),
    ),
)
"""Not among them: who is invited and who is removed, and what is put on the web."""


def make_principal(policy: TenantPolicy, kinds: Iterable[Kind]) -> Principal:
    """Somebody with every right to every kind of record, so that only trust in what is asked for decides."""
    known = list(kinds)
    access = Access(
        Caller(TenantId("agentdojo"), user_id=UserId("the-user")),
        "The user",
        objects={kind.name: frozenset("cred") for kind in known},
        fields={kind.name: {name: frozenset("re") for name in kind.fields} for kind in known},
        permissions=frozenset({"approve_writes"}),
    )
    return Principal(access, frozenset({CRM_READ, CRM_WRITE, CRM_SEND}), policy.standing_on(TODAY))
