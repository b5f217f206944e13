"""An agent uses the tools it lists, and no others."""

from trust.actions import Action
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal


def require_listed_tool(action: Action, principal: Principal) -> Decision:
    if action.tool in action.agent_tools:
        return Allow()
    return Deny("require_listed_tool", f"the {action.agent} agent has no tool {action.tool!r}")
