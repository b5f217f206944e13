"""Looks after alerts on metrics: each with the rights of the person who set it, who is told when it comes true.

What a look found and what it tells are one transaction. A condition that stays true is told once, until it was not.
"""

from datetime import datetime, timedelta

from api.rounds import Rounds
from crm.connector import Row
from crm.database import Database, TenantSession
from crm.errors import CrmError
from crm.ids import TenantId
from crm.repositories import watching
from crm.repositories.access import UnknownCallerError
from graphs.conversations import Conversations
from graphs.runner import Clock
from tools._alerting import read_alert
from tools._declare import ToolFailedError, ToolRetryError
from trust import audit
from trust.notices import tell_of_alert
from trust.principal import Principal, load_principal
from trust.scopes import CRM_READ

PAUSES = {"Hourly": timedelta(hours=1), "Daily": timedelta(days=1), "Weekly": timedelta(weeks=1)}
RETRY = timedelta(minutes=15)
"""After how long a look that a process died over is made again."""


class Watcher(Rounds):
    """One per process; any number of processes may share a database."""

    every_s = 20.0

    def __init__(self, database: Database, conversations: Conversations, clock: Clock) -> None:
        super().__init__()
        self._database = database
        self._conversations = conversations
        self._clock = clock

    async def make_round(self) -> int:
        looked = 0
        for name in await self._database.tenants():
            tenant = TenantId(name)  # tenant-id: the service's own chores, for each tenant by itself
            async with self._database.session(tenant) as session:
                due = await watching.list_due(session, at=self._clock())
            for alert_id, by, when in due:
                looked += await self._look(tenant, alert_id, by or "", when)
        return looked

    async def _look(self, tenant: TenantId, alert_id: str, by: str, due: datetime | None) -> bool:
        now = self._clock()
        async with self._database.session(tenant, write=True) as session:
            if not await watching.claim(session, alert_id, due=due, until=now + RETRY):
                return False
        async with self._database.session(tenant, write=True) as session:
            try:
                principal = await load_principal(session, by, frozenset({CRM_READ}), at=now)
                crm = self._conversations.runner.desk.crm_for(session, principal, now)
                row = await crm.get("MetricAlert__c", alert_id)
                reading = await read_alert(crm, row, today=now.date())
            except (CrmError, UnknownCallerError, ToolFailedError, ToolRetryError) as error:
                await self._note_fault(session, alert_id, str(error), now)
                return True
            await self._note(session, row, principal, is_met=reading.is_met, value=reading.value, at=now)
        return True

    async def _note(
        self, session: TenantSession, row: Row, principal: Principal, *, is_met: bool, value: float | None, at: datetime
    ) -> None:
        alert_id = row["Id"]
        state = await watching.find(session, alert_id)
        is_news = is_met and (state is None or not state.is_met)
        pause = PAUSES.get(row.get("Frequency__c") or "", PAUSES["Daily"])
        await watching.note(
            session, alert_id, next_at=at + pause, is_met=is_met, value=value, checked_at=at, fault=None
        )
        if is_news:
            await watching.note(session, alert_id, met_at=at)
            await tell_of_alert(session, alert_id, owner=principal.id, at=at)
            payload = {"alert_id": alert_id, "metric": row.get("Metric__c")}
            await audit.record(session, at=at, kind="alert.met", actor=audit.SERVICE, subject=alert_id, payload=payload)

    async def _note_fault(self, session: TenantSession, alert_id: str, fault: str, at: datetime) -> None:
        """It is tried again in a day: rights, definitions and people may come back."""
        await watching.note(
            session, alert_id, next_at=at + PAUSES["Daily"], value=None, checked_at=at, fault=fault[:200]
        )
