"""Once a turn has read an outsider's words, it uses the tools it had settled on before, and no others."""

from trust.actions import Action
from trust.decisions import Allow, Decision, Deny
from trust.principal import Principal


def stay_in_plan(action: Action, principal: Principal) -> Decision:
    if action.plan is None or action.tool in action.plan:
        return Allow()
    return Deny(
        "stay_in_plan",
        f"{action.tool} was not asked for before outside text was read in this turn; only the user can ask for it now",
    )
