"""How a run asks the gateway: on whose behalf, where, and under which rules of the tenant."""

from agents._gateway import Asking
from graphs.context import RunContext


def asking_of(context: RunContext, own_lines: frozenset[str]) -> Asking:
    """`own_lines` are the lines of the prompt that the service wrote and that are the same for everybody."""
    return Asking(context.principal, context.thread_id, context.run_id, context.now, context.outgoing, own_lines)
