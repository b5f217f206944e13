"""On whose behalf something happens, and how far that reaches."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from crm.access import Access, Caller
from crm.database import TenantSession
from crm.ids import ContactId, TenantId, UserId
from crm.repositories.access import load_access
from crm.schema import object_of
from trust.halts import NOTHING_HALTED, Halts, load_halts
from trust.policy_book import load_current
from trust.tenant_policy import NOTHING_ADDED, StandingPolicy


@dataclass(frozen=True)
class Principal:
    """A caller with the rights they have now and the scopes their token carries. Rebuilt for every run."""

    access: Access
    scopes: frozenset[str]
    policy: StandingPolicy = NOTHING_ADDED
    """What the tenant adds to the policy, as it stood when the principal was made."""
    halts: Halts = NOTHING_HALTED
    """What is switched off, as it stood when the principal was made or last refreshed."""

    @property
    def tenant(self) -> TenantId:
        return self.access.caller.tenant

    @property
    def id(self) -> str:
        """Record id of the user or contact."""
        return self.access.caller.id

    @property
    def is_customer(self) -> bool:
        return self.access.caller.contact_id is not None


async def load_principal(
    session: TenantSession, member_id: str, scopes: frozenset[str], *, at: datetime | None = None
) -> Principal:
    """The principal behind a user's or contact's id, with the rights and the policy of this moment.

    `at` decides which pre-approvals have run out; the clock does if it is left out. Raises: UnknownCallerError.
    """
    if object_of(member_id) == "Contact":
        caller = Caller(session.tenant, contact_id=ContactId(member_id))
    else:
        caller = Caller(session.tenant, user_id=UserId(member_id))
    now = at or datetime.now(UTC)
    policy = await load_current(session)
    access = await load_access(session, caller)
    return Principal(access, scopes, policy.standing_on(now.date()), await load_halts(session, at=now))


async def refresh(session: TenantSession, principal: Principal, *, at: datetime) -> Principal:
    """The same person with what is switched off by now: asked before each decision, as a run may take long."""
    return replace(principal, halts=await load_halts(session, at=at))
