"""What a conversation remembers between steps: JSON values only, so that a checkpoint outlives any class of ours."""

from collections.abc import Sequence
from typing import Annotated, Any, NotRequired, TypedDict

Message = dict[str, Any]
"""A message as clients of the LangGraph protocol know it: `type`, `content`, `id`, and what its type adds."""


def append_messages(have: list[Message], new: Sequence[Message]) -> list[Message]:
    """Add messages in order; one whose id is known replaces the earlier one in its place, if it is of the same type.

    So nothing that a user sends can stand in for what a tool or the copilot said. A user's message that `replaces`
    an earlier one of theirs is said in its place: that one and what came after it are left out.
    """
    merged = list(have)
    for message in new:
        if message["type"] == "human" and message.get("replaces"):
            earlier = ("human", message["replaces"])
            at = next((at for at, one in enumerate(merged) if (one["type"], one["id"]) == earlier), len(merged))
            del merged[at:]
    new = [{key: value for key, value in message.items() if key != "replaces"} for message in new]
    places = {(message["type"], message["id"]): place for place, message in enumerate(merged)}
    for message in new:
        place = places.get((message["type"], message["id"]))
        if place is None:
            places[message["type"], message["id"]] = len(merged)
            merged.append(message)
        else:
            merged[place] = message
    return merged


class Call(TypedDict):
    """One tool call of the model and what became of it."""

    id: str
    name: str
    arguments: dict[str, Any]
    written: dict[str, Any]
    """The arguments as the model wrote them, with handles where it passed on an outsider's words."""
    verdict: str
    """allow | hold | answered."""
    approval_id: str | None
    hidden: NotRequired[list[dict[str, Any]]]
    """The placeholders that the model wrote into the arguments: `path` (JSON pointer), `token`, `label`."""


def merge_notes(have: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return have | new


class TurnState(TypedDict, total=False):
    """The state of the turn graph. `turn` counts what this turn used up; `request` is what a hold shows."""

    messages: Annotated[list[Message], append_messages]
    notes: Annotated[dict[str, Any], merge_notes]
    """By the id of a message, what the service has to know of it and its reader has not: labels, handles as written."""
    route: dict[str, Any]
    calls: list[Call]
    request: dict[str, Any]
    turn: dict[str, Any]
    handoff: dict[str, Any] | None
