"""On whose behalf something happens, and how far that reaches."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from crm.access import Access, Caller
from crm.database import TenantSession
from crm.ids import ContactId, TenantId, UserId
from crm.repositories.access import load_access
from crm.schema import object_of
from trust.delegations import StandIn, list_stand_ins
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
    stands_in_for: tuple[StandIn, ...] = ()
    """For whom they decide while those are away."""
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

    def without_preapprovals(self) -> "Principal":
        """The same person, to whom nothing is approved in advance."""
        return replace(self, policy=replace(self.policy, preapprovals=()))

    def with_preapprovals(self, *those: str) -> "Principal":
        """The same person, of whose pre-approvals only these count, by id."""
        left = tuple(one for one in self.policy.preapprovals if one.preapproval_id in those)
        return replace(self, policy=replace(self.policy, preapprovals=left))

    def as_of(self, asked_at: datetime) -> "Principal":
        """The same person with the same rights, asking at another time, as far as rules about hours go."""
        return replace(self, policy=replace(self.policy, asked_at=asked_at))


async def load_principal(
    session: TenantSession, member_id: str, scopes: frozenset[str], *, at: datetime | None = None
) -> Principal:
    """The principal behind a user's or contact's id, with the rights and the policy of this moment.

    `at` decides which pre-approvals and delegations have run out; the clock does if it is left out.
    Raises: UnknownCallerError.
    """
    if object_of(member_id) == "Contact":
        caller = Caller(session.tenant, contact_id=ContactId(member_id))
    else:
        caller = Caller(session.tenant, user_id=UserId(member_id))
    now = at or datetime.now(UTC)
    policy = await load_current(session)
    access = await load_access(session, caller)
    stands_in_for = () if caller.user_id is None else await list_stand_ins(session, caller.user_id, at=now)
    halts = await load_halts(session, at=now)
    return Principal(access, scopes, policy.standing_at(now), stands_in_for, halts)


async def refresh(session: TenantSession, principal: Principal, *, at: datetime) -> Principal:
    """The same person with what is switched off by now: asked before each decision, as a run may take long."""
    return replace(principal, halts=await load_halts(session, at=at))
