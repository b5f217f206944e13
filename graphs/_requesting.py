"""What every part of the desk has: the tools, the database, and how a request for an approval comes about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from agents._agent import DomainAgent
from crm.database import Database, TenantSession
from crm.repositories import approvals as approval_rows
from crm.repositories.post import TenantPost
from crm.repositories.records import EmbeddedCrm
from crm.work import Approval
from graphs._code import CodeDesk
from graphs._extractor import Extractor
from graphs._foreign import ForeignDesk
from graphs._policy_desk import PolicyDesk
from graphs.context import Limits, RunContext
from graphs.screens import Screens
from tools._declare import Tool, ToolContext, ToolRetryError, WorkflowBook
from tools._inputs import with_field_labels, with_outgoing_labels
from tools._run import ToolError, build_action, propose
from trust.actions import Action
from trust.approvals import Origin, key_again, key_edited
from trust.approvals import propose as write_down
from trust.approvals import propose_preapproved as write_down_preapproved
from trust.bound_labels import labels_after_edit, read_labels
from trust.decisions import Deny, Hold
from trust.egress import clean_changes, clean_outgoing
from trust.enlisting import find_enlisted
from trust.policy import decide
from trust.principal import Principal


@dataclass(frozen=True)
class Requests:
    """Knows the tools and the database; asks trust before anything happens."""

    roster: Mapping[str, DomainAgent]
    catalogue: Mapping[str, Tool]
    database: Database
    cursor_key: bytes
    limits: Limits
    extractor: Extractor | None = None
    screens: Screens = field(default_factory=Screens)
    code: CodeDesk | None = None
    """None where no code is run."""
    foreign: ForeignDesk | None = None
    """None where no server of others is called."""
    workflows: Callable[[TenantSession, Principal], WorkflowBook] | None = None
    """Gives what tools can know of workflows, for one caller and the length of one transaction."""

    def of(self, context: RunContext) -> Self:
        """The desk as it is for one run: with the agents and tools of the tenant's servers of others."""
        if not context.foreign:
            return self
        agents = {one.name: one for one in context.foreign if one.name not in self.roster}
        tools = {tool.name: tool for one in agents.values() for tool in one.tools}
        return replace(self, roster={**self.roster, **agents}, catalogue={**tools, **self.catalogue})

    def _validate(self, name: str, arguments: Any, principal: Principal, agent: DomainAgent) -> Action | ToolError:
        tool = self.catalogue.get(name)
        if tool is None or name not in agent.tool_names:
            return ToolError("denied", f"the {agent.name} agent has no tool {name[:60]!r}")
        try:
            valid = tool.validate(arguments)
        except ToolRetryError as error:
            return ToolError("retry", str(error), error.field)
        return build_action(tool, valid, principal, agent=agent.name, agent_tools=agent.tool_names)

    async def request_approval(
        self, session: TenantSession, action: Action, context: RunContext, origin: Origin
    ) -> Approval | ToolError:
        """Work out what the action would change, guard it again with that in sight, and write the request down."""
        standing = await approval_rows.find_by_key(session, origin.key)
        if standing is not None:
            return standing
        tool = self.catalogue[action.tool]
        grant = decide(action, context.principal)
        if isinstance(grant, Deny):
            return ToolError.of(grant)
        if isinstance(grant, Hold):
            return ToolError("denied", "the call cannot be held before its changes are known")
        proposal = await propose(grant, action, context.principal, tool, self._tool_context(session, context))
        if isinstance(proposal, ToolError):
            return proposal
        changes = clean_changes(proposal.changes, self.screens.hosts(context.principal.tenant))
        proposed = replace(
            action,
            changes=changes,
            outgoing=clean_outgoing(proposal.outgoing, changes),
            call=proposal.call,
            enlisted=await find_enlisted(session, changes),
        )
        complete = await with_outgoing_labels(session, await with_field_labels(session, proposed, proposal.taken_from))
        decision = decide(complete, context.principal)
        if isinstance(decision, Deny):
            return ToolError.of(decision)
        if not isinstance(decision, Hold):
            written = await write_down_preapproved(session, complete, context.principal, origin=origin, at=context.now)
            if written is not None:
                return written
            decision = decide(complete, context.principal.without_preapprovals())
            if not isinstance(decision, Hold):
                return ToolError.of(decision if isinstance(decision, Deny) else Deny("preapprovals", "it is used up"))
        return await write_down(session, complete, context.principal, decision, origin=origin, at=context.now)

    async def revise(
        self,
        session: TenantSession,
        approval: Approval,
        arguments: Mapping[str, Any],
        context: RunContext,
        *,
        editor: str,
    ) -> Approval | ToolError:
        """A new request in place of one whose arguments a person edited. Runs with the requester's rights."""
        agent = self.roster[approval.agent]
        action = self._validate(approval.tool, arguments, context.principal, agent)
        if isinstance(action, ToolError):
            return action
        action = replace(action, **labels_after_edit(approval, action.arguments, editor))
        origin = Origin(
            key=key_edited(approval),
            thread_id=approval.thread_id,
            run_id=approval.run_id,
            call_id=approval.call_id,
            replaces=approval.approval_id,
        )
        return await self.request_approval(session, action, context, origin)

    async def propose_again(
        self, session: TenantSession, approval: Approval, context: RunContext
    ) -> Approval | ToolError:
        """The same call once more, with the labels that it had, guarded and worked out against what stands there now.

        No conversation waits for it.
        """
        agent = self.roster.get(approval.agent)
        if agent is None:
            return ToolError("denied", "the agent that asked no longer exists")
        action = self._validate(approval.tool, approval.arguments, context.principal, agent)
        if isinstance(action, ToolError):
            return action
        if self.catalogue[action.tool].is_foreign:
            return ToolError("denied", "what a server of others is to do is asked for anew in the conversation")
        kept = read_labels(approval.labels)
        action = replace(action, plan=kept["plan"], inputs=kept["inputs"])
        origin = Origin(
            key=key_again(approval),
            thread_id=approval.thread_id,
            run_id=approval.run_id,
            call_id=approval.call_id,
            replaces=approval.approval_id,
        )
        return await self.request_approval(session, action, context, origin)

    def crm_for(self, session: TenantSession, principal: Principal, now: datetime) -> EmbeddedCrm:
        """The CRM as one person sees it, for the length of one transaction."""
        return EmbeddedCrm(session, principal.access, now, self.cursor_key)

    def _tool_context(self, session: TenantSession, context: RunContext) -> ToolContext:
        principal = context.principal
        return ToolContext(
            crm=self.crm_for(session, principal, context.now),
            user_id=None if principal.is_customer else principal.id,
            now=context.now,
            today=context.today,
            post=TenantPost(session),
            code=None if self.code is None else self.code.for_run(context),
            policy=PolicyDesk(session, principal, context.now, self.roster),
            workflows=None if self.workflows is None else self.workflows(session, principal),
            foreign=None if self.foreign is None else self.foreign.for_run(principal.tenant),
        )
