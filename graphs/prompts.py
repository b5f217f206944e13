"""What a model is shown of a conversation: what its owner sees, as it leaves the house."""

from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import AIMessage, SystemMessage

from graphs.assistants import TURN
from graphs.checkpoints import acting_for
from graphs.context import RunContext
from graphs.conversations import Conversations
from graphs.state import TurnState
from trust.outgoing import load_outgoing
from trust.principal import Principal


@dataclass(frozen=True)
class Shown:
    """One message of a prompt: who says it, its text, and the calls in it, all as they leave."""

    kind: str
    message_id: str | None
    text: str
    calls: list[dict[str, Any]]


async def show_prompt(conversations: Conversations, principal: Principal, thread_id: str) -> list[Shown]:
    """The caller's own conversation as a model would be given it now, by today's rules; empty before the first turn.

    Nobody is asked and nothing leaves. Raises: ThreadNotFoundError, ErasedError, ModelError.
    """
    thread = await conversations.get_thread(principal, thread_id)
    if thread.graph not in ("", TURN.name):
        return []
    runner = conversations.runner
    versions = runner.graphs.versions_of(TURN.name, version=thread.graph_version)
    with acting_for(principal.tenant):
        graph = versions.compiled_to_read(thread.graph_version)
        snapshot = await graph.aget_state(runner.config_for(principal.tenant, thread_id))
    values = cast("TurnState", snapshot.values)
    if not values.get("messages") or "turn" not in values:
        return []
    now = runner.clock()
    async with runner.database.session(principal.tenant) as session:
        rules = await load_outgoing(session)
    run_id = str(values["turn"].get("run_id") or "")
    context = RunContext(principal, thread_id, run_id, now, now.date(), None, rules)
    return [
        Shown(
            kind="system" if isinstance(one, SystemMessage) else str(one.type),
            message_id=one.id,
            text=str(one.text),
            calls=[{"name": call["name"], "args": call["args"]} for call in one.tool_calls]
            if isinstance(one, AIMessage)
            else [],
        )
        for one in await runner.voice.show(values, context)
    ]
