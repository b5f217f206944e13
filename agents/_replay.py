"""Past requests as the calls that they came from: for asking what another policy would have made of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agents._agent import DomainAgent
from crm.connector import Change
from crm.work import Approval
from tools._catalogue import load_catalogue
from tools._declare import ToolRetryError
from tools._run import build_action
from trust.actions import Action, Outgoing, Recipient
from trust.bound_labels import read_labels
from trust.labels import Label
from trust.principal import Principal


def action_behind(approval: Approval, principal: Principal, agents: Mapping[str, DomainAgent]) -> Action | None:
    """The call with its changes, labels and message as the request keeps them; None if the tool is another by now.

    Raises: ErasedError.
    """
    tool, agent = load_catalogue().get(approval.tool), agents.get(approval.agent)
    if tool is None or agent is None or tool.schema_hash != approval.schema_hash:
        return None
    try:
        valid = tool.validate(approval.arguments)
    except ToolRetryError:
        return None
    action = build_action(tool, valid, principal, agent=agent.name, agent_tools=agent.tool_names)
    return replace(
        action,
        **read_labels(approval.labels),
        changes=tuple(Change.from_json(one) for one in approval.changes),
        outgoing=_outgoing(approval.card.get("message")),
    )


def _outgoing(message: dict[str, Any] | None) -> Outgoing | None:
    """Whoever did not wish to be written to was refused before anything was written down."""
    if message is None:
        return None
    recipients = tuple(
        Recipient(
            address=one["address"],
            label=Label.from_json(one["label"]),
            record=one["record"],
            account_id=one["account"],
            is_staff=one["is_staff"],
            name=one["name"],
            role=one["role"],
        )
        for one in message["recipients"]
    )
    return Outgoing(
        channel=message["channel"],
        recipients=recipients,
        content=Label.from_json(message["content"]),
        subject=message["subject"],
        body=message["body"],
        wrong_reader="hold",
    )
