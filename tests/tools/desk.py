"""Tools called as the desk calls them: guarded, granted, run; on a seeded database."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from crm.database import Database
from crm.ids import TenantId
from crm.repositories.records import EmbeddedCrm
from crm.seed.people import NORTHWIND, SOUTHRIDGE, staff_id
from tools._catalogue import load_catalogue
from tools._declare import CodeRunner, Proposal, ToolContext, ToolRetryError
from tools._run import ToolError, build_action, propose, read
from trust.policy import Grant, decide
from trust.principal import load_principal
from trust.scopes import ALL_SCOPES

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
KEY = b"signs the cursors of tests only!"
HERE, THERE = TenantId(NORTHWIND), TenantId(SOUTHRIDGE)


@dataclass(frozen=True)
class Desk:
    """Calls tools for people of one tenant, by the local part of their login or the id of a contact."""

    database: Database
    tenant: TenantId = HERE
    code: CodeRunner | None = None

    async def call(self, who: str, name: str, /, **arguments: Any) -> Any:
        """A reading tool's result as JSON, a writing tool's proposal, or a `ToolError`."""
        tool = load_catalogue()[name]
        async with self.database.session(self.tenant) as session:
            member = who if len(who) == 18 else staff_id(who)
            principal = await load_principal(session, member, ALL_SCOPES)
            crm = EmbeddedCrm(session, principal.access, NOW, KEY)
            context = ToolContext(crm, None if principal.is_customer else principal.id, NOW, NOW.date(), code=self.code)
            try:
                valid = tool.validate(arguments)
            except ToolRetryError as error:
                return ToolError("retry", str(error))
            action = build_action(tool, valid, principal, agent="any", agent_tools=frozenset({name}))
            grant = decide(action, principal)
            if not isinstance(grant, Grant):
                return ToolError("denied", grant.reason)
            if action.is_proposal:
                return await propose(grant, action, principal, tool, context)
            result = await read(grant, action, principal, tool, context)
            return result if isinstance(result, ToolError) else result.model_dump(mode="json")

    async def fields_of(self, who: str, name: str, /, **arguments: Any) -> dict[str, Any]:
        """What the only change of a proposal would set."""
        proposal = await self.call(who, name, **arguments)
        assert isinstance(proposal, Proposal), proposal
        [change] = proposal.changes
        return {field.field: field.new for field in change.fields}
