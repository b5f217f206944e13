"""A conversation once more, as one of its own: what was said and read in it, and nothing that anybody decides on."""

from collections.abc import Collection

from crm.repositories import threads
from crm.work import Thread
from graphs._translate import public_values
from graphs.assistants import TURN
from graphs.checkpoints import acting_for
from graphs.conversations import Conversations, ThreadBusyError, ThreadNotFoundError, WrongAssistantError
from trust.principal import Principal

_LAST_NODE = "reply"


async def copy_thread(
    conversations: Conversations, principal: Principal, thread_id: str, *, but: Collection[str] = ()
) -> Thread:
    """The copy, with a key of its own; of the metadata everything `but` those keys.

    Handles and placeholders of the first conversation mean nothing in it: they belong to that one.
    Raises: ThreadNotFoundError, ErasedError, ThreadBusyError, WrongAssistantError, OrphanedRunError.
    """
    source = await conversations.get_thread(principal, thread_id)
    if source.graph not in ("", TURN.name):
        raise WrongAssistantError(f"only conversations are copied; this thread belongs to {source.graph!r}")
    if source.status in ("busy", "interrupted"):
        raise ThreadBusyError("the thread is at work or waits for a decision: it can be copied once it rests")
    runner = conversations.runner
    graph = runner.graphs.versions_of(TURN.name).compiled_to_read(source.graph_version)
    with acting_for(principal.tenant):
        snapshot = await graph.aget_state(runner.config_for(principal.tenant, thread_id))
    details = {key: value for key, value in source.details.items() if key not in but}
    copy = await conversations.create_thread(principal, None, details)
    if not snapshot.values:
        return copy
    place = runner.config_for(principal.tenant, copy.thread_id)
    with acting_for(principal.tenant, version=source.graph_version):
        await graph.aupdate_state(place, snapshot.values, as_node=_LAST_NODE)
    async with runner.database.session(principal.tenant, write=True) as session:
        thread = await threads.find(session, copy.thread_id, owner=principal.id, for_update=True)
        if thread is None:
            raise ThreadNotFoundError(copy.thread_id)
        thread.graph = source.graph
        await threads.keep_values(session, thread, public_values(snapshot.values))
        return thread
