"""Opinions on the answers of one's own conversations."""

from crm.repositories import threads
from graphs.conversations import Conversations, ThreadNotFoundError
from trust import feedback
from trust.feedback import Given, Opinion
from trust.principal import Principal


class MessageNotFoundError(Exception):
    """The conversation has no such answer."""

    def __init__(self, message_id: str) -> None:
        super().__init__(f"no answer {message_id!r} in this thread")


async def give_feedback(
    conversations: Conversations, principal: Principal, thread_id: str, message_id: str, opinion: Opinion
) -> Given:
    """Raises: ThreadNotFoundError, MessageNotFoundError."""
    state = await conversations.get_state(principal, thread_id)
    messages = state["values"].get("messages") or []
    if not any(message["type"] == "ai" and message["id"] == message_id for message in messages):
        raise MessageNotFoundError(message_id)
    runner = conversations.runner
    async with runner.database.session(principal.tenant, write=True) as session:
        if await threads.find(session, thread_id, owner=principal.id, for_update=True) is None:
            raise ThreadNotFoundError(thread_id)
        return await feedback.give(
            session, opinion, thread_id=thread_id, message_id=message_id, giver=principal.id, at=runner.clock()
        )
