"""A conversation's checkpoints as clients of the protocol read them."""

from typing import Any

from langgraph.types import StateSnapshot

from graphs._translate import plain_data, public_values

Json = dict[str, Any]


def describe_state(snapshot: StateSnapshot, thread_id: str) -> Json:
    """A checkpoint as clients read it; of a thread without one, `checkpoint` is null."""
    here = _checkpoint(snapshot.config, thread_id)
    tasks: list[Json] = [
        {
            "id": task.id,
            "name": task.name,
            "path": [],
            "error": None if task.error is None else type(task.error).__name__,
            "interrupts": [{"id": one.id, "value": one.value} for one in task.interrupts],
            "checkpoint": None,
            "state": None,
            "result": None,
        }
        for task in snapshot.tasks
    ]
    parent = _checkpoint(snapshot.parent_config, thread_id)
    return {
        "values": public_values(snapshot.values),
        "next": list(snapshot.next),
        "tasks": tasks,
        "checkpoint": here,
        "parent_checkpoint": parent,
        "metadata": plain_data(snapshot.metadata or {}),
        "created_at": snapshot.created_at,
        "interrupts": pending_interrupts(snapshot),
        "checkpoint_id": None if here is None else here["checkpoint_id"],
        "parent_checkpoint_id": None if parent is None else parent["checkpoint_id"],
    }


def _checkpoint(config: Any, thread_id: str) -> Json | None:
    found = ((config or {}).get("configurable") or {}).get("checkpoint_id")
    if not found:
        return None
    return {"thread_id": thread_id, "checkpoint_ns": "", "checkpoint_id": found}


def pending_interrupts(snapshot: StateSnapshot | None) -> list[Json]:
    """What a thread waits for. Tasks tell; `next` may be empty although work is left."""
    if snapshot is None:
        return []
    return [{"id": one.id, "value": one.value} for task in snapshot.tasks for one in task.interrupts]
