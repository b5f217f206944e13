"""For operators: carry all waiting conversations over to this build's graph before it serves anybody."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from crm.database import Database
from crm.ids import TenantId
from crm.repositories import approvals as approval_rows
from crm.repositories import runs, threads
from graphs._calls import CallDesk
from graphs._voice import Voice
from graphs.assistants import ASSISTANTS, Assistant, Graphs
from graphs.checkpoints import SealedSaver
from graphs.context import Limits
from graphs.versions import is_within_reach, way
from trust import approvals, ledger


def graphs_of(database: Database, assistants: Mapping[str, Assistant] = ASSISTANTS) -> Graphs:
    """The graphs of this build without anything that could run them: enough to carry conversations over."""

    def refuse(tenant: str) -> NoReturn:
        raise RuntimeError("no model is asked while conversations are carried over")

    voice = Voice({}, refuse, database, Limits(), b"")
    return Graphs(voice, CallDesk({}, {}, database, b"", Limits()), SealedSaver(database), assistants)


@dataclass
class Migrated:
    """Conversations by what became of them."""

    carried_over: int = 0
    left: int = 0
    """On a version that this build has, and so needs no carrying, or that it cannot reach."""
    withdrawn: int = 0
    """Requests recalled, because this build cannot go on with them."""
    taken_up: int = 0
    """Runs that were put aside and can go on now."""


async def migrate_runs(
    database: Database, graphs: Graphs, clock: Callable[[], datetime], *, withdraw: bool = False
) -> Migrated:
    """Safe to run again. While it runs, no service may work on the same database with another build."""
    done = Migrated()
    for name in await database.tenants():
        tenant = TenantId(name)  # tenant-id: the operator's chore, for each tenant by itself
        async with database.session(tenant) as session:
            waiting = await threads.list_waiting(session)
        for thread_id, graph, number in waiting:
            known = graphs.assistants[graph].versions if graph in graphs.assistants else ()
            if number != 0 and way(known, number):
                await graphs.versions_of(graph).carry_over(tenant, thread_id, number)
                done.carried_over += 1
            elif withdraw and not is_within_reach(known, number):
                done.withdrawn += await _withdraw(database, tenant, thread_id, at=clock())
            else:
                done.left += 1
        async with database.session(tenant, write=True) as session:
            for graph, number in sorted(await threads.list_parked_versions(session)):
                if graph in graphs.assistants and is_within_reach(graphs.assistants[graph].versions, number):
                    done.taken_up += await runs.take_up_parked(session, graph, number, at=clock())
    return done


async def _withdraw(database: Database, tenant: TenantId, thread_id: str, *, at: datetime) -> int:
    """Recall what waits in a conversation, and refuse for good what was approved and not yet carried out."""
    why = "the graph that it waited on is gone"
    async with database.session(tenant, write=True) as session:
        thread = await threads.get_for_service(session, thread_id)
        found = await approval_rows.list_approvals(session, statuses=["pending", "approved"], thread_id=thread_id)
        for one in found:
            if one.status == "pending":
                await approvals.lapse(session, one, "recalled", why=why, at=at)
            else:
                await ledger.abandon(session, one, why=why, at=at)
        await runs.end_parked(session, thread_id, error=why, at=at)
        if thread is not None and not thread.is_erased:
            thread.status, thread.error, thread.interrupts = "error", why, {}
    return len(found)
