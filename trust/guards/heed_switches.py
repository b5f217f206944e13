"""What is switched off does nothing. Taking back what was done stays possible: that is when it is needed."""

from trust.actions import UNDO, UNDOER, Action
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal


def heed_switches(action: Action, principal: Principal) -> Decision:
    halts = principal.halts
    if (action.agent, action.tool) == (UNDOER, UNDO):
        halt = halts.agents.get(UNDOER) or halts.tools.get(UNDO)
    else:
        halt = halts.find(agent=action.agent, tool=action.tool)
    if halt is None:
        return Allow()
    return Deny("heed_switches", halt.outline if principal.is_customer else halt.message)
