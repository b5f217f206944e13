"""Held writes for tests, on a seeded database: asked for through the desk that guards a model's calls."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from agents._roster import load_roster
from crm.connector import Query
from crm.database import Database, TenantSession
from crm.ids import TenantId, numbered_id
from crm.repositories import approvals as approval_rows
from crm.repositories import audit as audit_rows
from crm.repositories.audit import Criteria
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import DANA, MARA, NORTHWIND, staff_id
from crm.work import Approval, AuditEntry
from graphs._calls import CallDesk
from graphs.context import Limits, RunContext
from tools._catalogue import load_catalogue
from tools._run import ToolError, build_action
from trust import approvals, ledger
from trust.actions import Action
from trust.approvals import Verdict
from trust.decisions import Deny
from trust.ledger import Outcome
from trust.principal import Principal, load_principal
from trust.scopes import ALL_SCOPES

HERE = TenantId(NORTHWIND)
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
KEY = b"signs the cursors of tests only!"
RENEWAL = numbered_id("006", 1)
"""Dana's opportunity with Acme, shared with the deal desk; in both tenants the same id."""
HARBOR = numbered_id("006", 4)
ASK = {"object": "Opportunity", "record_id": RENEWAL, "fields": {"StageName": "Negotiation"}}


@dataclass
class Scene:
    """One tenant of a seeded database. People go by the local part of their login."""

    database: Database
    tenant: TenantId = HERE
    scopes: frozenset[str] = ALL_SCOPES
    now: datetime = NOW
    runs: int = field(default=0)
    agent: str = "sales"

    def __post_init__(self) -> None:
        self.desk = CallDesk(load_roster(), load_catalogue(), self.database, KEY, Limits())

    def later(self, **delta: float) -> "Scene":
        return replace(self, now=self.now + timedelta(**delta), runs=self.runs + 100)

    async def principal(self, session: TenantSession, key: str) -> Principal:
        member = key if len(key) == 18 else staff_id(key)
        return await load_principal(session, member, self.scopes, at=self.now)

    async def hold(self, who: str = DANA.key, tool: str = "update_record", **arguments: Any) -> Approval:
        """The request that a call of a writing tool leads to."""
        answer = await self.ask(who, tool, **arguments)
        assert isinstance(answer, Approval), answer
        return answer

    async def ask(self, who: str = DANA.key, tool: str = "update_record", **arguments: Any) -> Approval | Any:
        """The request, or what the model is told instead."""
        self.runs += 1
        async with self.database.session(self.tenant) as session:
            principal = await self.principal(session, who)
        context = RunContext(principal, "thread", f"run-{self.runs}", self.now, self.now.date())
        call = {"id": "c1", "name": tool, "arguments": arguments or ASK, "verdict": ""}
        state: Any = {
            "messages": [],
            "calls": [call],
            "route": {"agent": self.agent},
            "turn": {"trail": [], "tool_calls": 0},
        }
        update = await self.desk.guard(state, context)
        if update["messages"]:
            return json.loads(update["messages"][0]["content"])
        return await self.row(update["request"]["approvals"][0]["approval_id"])

    async def row(self, approval_id: str) -> Approval:
        async with self.database.session(self.tenant) as session:
            found = await approval_rows.find(session, approval_id)
            assert found is not None
            return found

    async def decide(
        self, approval: Approval, who: str = MARA.key, kind: Any = "approve", *, digest: str | None = None, **more: Any
    ) -> Approval:
        async with self.database.session(self.tenant, write=True) as session:
            principal = await self.principal(session, who)
            crm = EmbeddedCrm(session, principal.access, self.now, KEY)
            verdict = Verdict(kind, approval.digest if digest is None else digest, **more)
            return await approvals.decide(session, approval.approval_id, verdict, principal, crm, at=self.now)

    async def sees(self, approval: Approval, who: str) -> bool:
        async with self.database.session(self.tenant) as session:
            principal = await self.principal(session, who)
            crm = EmbeddedCrm(session, principal.access, self.now, KEY)
            return await approvals.can_see(await self.reload(session, approval), principal, crm, at=self.now)

    @staticmethod
    async def reload(session: TenantSession, approval: Approval) -> Approval:
        found = await approval_rows.find(session, approval.approval_id)
        assert found is not None
        return found

    async def settle(self, approval: Approval, who: str = DANA.key) -> Outcome:
        async with self.database.session(self.tenant, write=True) as session:
            principal = await self.principal(session, who)
            crm = EmbeddedCrm(session, principal.access, self.now, KEY)
            return await ledger.settle(
                session, approval.approval_id, principal, crm, rebuild_for(principal), at=self.now
            )

    async def settle_late(self, approval: Approval) -> str:
        """What the model is told when its turn goes on with the request as it is now."""
        async with self.database.session(self.tenant) as session:
            principal = await self.principal(session, approval.requester)
        context = RunContext(principal, "thread", approval.run_id, self.now, self.now.date())
        call = {"id": "c1", "name": approval.tool, "verdict": "hold", "approval_id": approval.approval_id}
        update = await self.desk.settle({"calls": [call], "turn": {}}, context)  # type: ignore[typeddict-item]
        return str(json.loads(update["messages"][0]["content"])["error"]["kind"])

    async def trail(self, approval: Approval) -> list[AuditEntry]:
        """What the audit has about a request, in order."""
        async with self.database.session(self.tenant) as session:
            return await audit_rows.list_entries(session, Criteria(subject=approval.approval_id))

    async def value(self, field_name: str, record_id: str = RENEWAL, object_name: str = "Opportunity") -> Any:
        async with self.database.session(self.tenant) as session:
            principal = await self.principal(session, "ada")
            crm = EmbeddedCrm(session, principal.access, self.now, KEY)
            return (await crm.get(object_name, record_id, [field_name]))[field_name]

    async def change(self, record_id: str = RENEWAL, object_name: str = "Opportunity", **fields: Any) -> None:
        """Somebody works on the record in the meantime."""
        async with self.database.session(self.tenant, write=True) as session:
            principal = await self.principal(session, "ada")
            crm = EmbeddedCrm(session, principal.access, self.now, KEY)
            await crm.apply(await crm.propose_update(object_name, record_id, fields))

    async def count(self, object_name: str) -> int:
        async with self.database.session(self.tenant) as session:
            principal = await self.principal(session, "ada")
            return (await EmbeddedCrm(session, principal.access, self.now, KEY).query(Query(object_name))).total


def rebuild_for(principal: Principal) -> Any:
    """The action behind a request, from the row and today's declarations."""

    async def rebuild(approval: Approval) -> Action | Deny:
        tool = load_catalogue().get(approval.tool)
        agent = load_roster().get(approval.agent)
        if tool is None or agent is None:
            return Deny("catalogue", "gone")
        action = build_action(
            tool, tool.validate(approval.arguments), principal, agent=agent.name, agent_tools=agent.tool_names
        )
        if action.schema_hash != approval.schema_hash:
            return Deny("catalogue", "changed")
        return replace(action, changes=tuple(ledger.changes_of(approval)))

    return rebuild


__all__ = ["ASK", "HARBOR", "NOW", "RENEWAL", "Scene", "ToolError", "rebuild_for"]
