"""Closes requests that nobody decided in time, so that their conversations go on, starts what events start, and notes
the facts of older requests."""

from api.rounds import Rounds
from crm.database import Database
from crm.ids import TenantId
from crm.repositories import approvals
from graphs.conversations import Conversations
from graphs.triggers import Triggers
from trust import notices
from trust.escalations import due_escalations


class Housekeeper(Rounds):
    """One per process; any number of processes may share a database."""

    every_s = 2.0

    def __init__(self, database: Database, conversations: Conversations, triggers: Triggers) -> None:
        super().__init__()
        self._database = database
        self._conversations = conversations
        self._triggers = triggers
        self._indexed: set[str] = set()

    async def make_round(self) -> int:
        done = 0
        for name in await self._database.tenants():
            tenant = TenantId(name)  # tenant-id: the service's own chores, for each tenant by itself
            done += await self._conversations.expire_due(tenant)
            done += await self._escalate(tenant)
            done += await self._triggers.fire_new(tenant)
            if name not in self._indexed:
                await self._index(tenant)
                self._indexed.add(name)
        return done

    async def _escalate(self, tenant: TenantId) -> int:
        """Tell those who may decide as well from now on."""
        now = self._conversations.runner.clock()
        async with self._database.session(tenant) as session:
            if not await approvals.list_escalating(session, at=now, limit=1):
                return 0
        async with self._database.session(tenant, write=True) as session:
            due = await due_escalations(session, now)
            for escalated in due:
                await notices.tell_of_approval(session, escalated.approval, "approval.escalated", at=now)
        return len(due)

    async def _index(self, tenant: TenantId) -> None:
        """Once per process: every request that this version writes down is indexed at once."""
        found = -1
        while found and not self._stopping.is_set():
            async with self._database.session(tenant) as session:
                is_needed = await approvals.has_older(session)
            if not is_needed:
                return
            async with self._database.session(tenant, write=True) as session:
                found = await approvals.index_older(session)
