"""Runs a tool, on a grant and not otherwise."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from crm.errors import CrmError, CursorError, FieldError, RecordNotFoundError
from crm.validation_rules import RuleViolationError
from tools._declare import Arguments, Proposal, Result, Tool, ToolContext, ToolFailedError, ToolRetryError
from trust import telemetry
from trust.actions import Action, Effect
from trust.decisions import Deny
from trust.policy import Grant
from trust.principal import Principal

_LONGEST_MESSAGE = 1_000


@dataclass(frozen=True)
class ToolError:
    """Why a call brought nothing, as the model is told. `kind`: retry | failed | denied | not_found."""

    kind: str
    message: str
    field: str = dataclass_field(default="", compare=False)
    """The argument, or the record's field, that it is about, where one can be named: a hint beside the message."""

    def to_json(self) -> dict[str, Any]:
        """The message is cut: parts of it may be names that a model made up, of any length."""
        return {"ok": False, "error": {"kind": self.kind, "message": self.message[:_LONGEST_MESSAGE]}}

    @classmethod
    def of(cls, denial: Deny) -> "ToolError":
        return cls("denied", denial.reason)


def build_action(
    tool: Tool, arguments: Arguments, principal: Principal, *, agent: str, agent_tools: frozenset[str]
) -> Action:
    """The call in the words of trust; `changes` is filled in once they are known."""
    return Action(
        tool=tool.name,
        effect=tool.effect,
        scope=tool.scope,
        arguments=arguments.model_dump(mode="json"),
        schema_hash=tool.schema_hash,
        tenant=principal.tenant,
        agent=agent,
        agent_tools=agent_tools,
        for_customers=tool.for_customers,
        most_records=tool.most_records,
        permission=tool.permission,
    )


async def read(
    grant: Grant, action: Action, principal: Principal, tool: Tool, context: ToolContext
) -> Result | ToolError:
    """Run a reading tool. Raises: GrantError if the grant is for something else."""
    outcome = await _run(grant, action, principal, tool, context)
    if isinstance(outcome, Proposal):
        raise TypeError(f"{tool.name} proposes changes and cannot be read")
    return outcome


async def propose(
    grant: Grant, action: Action, principal: Principal, tool: Tool, context: ToolContext
) -> Proposal | ToolError:
    """Let a writing tool work out what it would change. Raises: GrantError if the grant is for something else."""
    outcome = await _run(grant, action, principal, tool, context)
    if isinstance(outcome, Result):
        raise TypeError(f"{tool.name} proposes no changes")
    return outcome


async def _run(
    grant: Grant, action: Action, principal: Principal, tool: Tool, context: ToolContext
) -> Result | Proposal | ToolError:
    grant.require_cover(action, principal)
    if tool.name != action.tool or action.effect is not tool.effect:
        raise TypeError(f"the action is for {action.tool!r}, not for {tool.name!r}")
    if action.effect is not Effect.READ and not action.is_proposal:
        raise TypeError("tools never write; the ledger does")
    notes = {telemetry.OPERATION: "execute_tool", telemetry.TOOL: tool.name}
    with telemetry.step("tool", notes, title=f"execute_tool {tool.name}") as watched:
        outcome = await _call(action, tool, context)
        watched.note({telemetry.OUTCOME: outcome.kind if isinstance(outcome, ToolError) else "ok"})
    if not isinstance(outcome, ToolError):
        _require_declared(tool, outcome)
    return outcome


async def _call(action: Action, tool: Tool, context: ToolContext) -> Result | Proposal | ToolError:
    try:
        return await tool.function(context, tool.validate(action.arguments))
    except (ToolRetryError, FieldError) as error:
        return ToolError("retry", str(error), error.field)
    except (CursorError, RuleViolationError) as error:
        return ToolError("retry", str(error))
    except RecordNotFoundError as error:
        return ToolError("not_found", str(error))
    except (ToolFailedError, CrmError) as error:
        return ToolError("failed", str(error))


def _require_declared(tool: Tool, outcome: Result | Proposal) -> None:
    """What a tool says that it changes is what reports of its reach are made from."""
    for change in outcome.changes if isinstance(outcome, Proposal) else ():
        if not tool.may_propose(change.operation, change.object_name):
            raise TypeError(f"{tool.name} does not say that it may {change.operation} {change.object_name}")
