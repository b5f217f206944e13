"""What is found in the database when all is quiet: what was lost, done twice, or done without anybody's word."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from crm.database import Database, TenantSession
from crm.ids import TenantId
from crm.repositories import approvals, ledger, runs
from evals.chaos.people import Asked
from trust import audit_check

UNDECIDED = ["pending", "approved"]


@dataclass
class Verdict:
    """All lists are empty if nothing went wrong."""

    runs: int = 0
    effects: int = 0
    entries: int = 0
    unfinished: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    uncalled_for: list[str] = field(default_factory=list)
    unapproved: list[str] = field(default_factory=list)
    left_waiting: list[str] = field(default_factory=list)
    broken_audits: list[str] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, list[str]]:
        kinds = ("unfinished", "failed", "lost", "repeated", "uncalled_for", "unapproved", "left_waiting")
        return {kind: found for kind in (*kinds, "broken_audits") if (found := getattr(self, kind))}


async def judge(database: Database, tenants: Sequence[str], asked: Asked) -> Verdict:
    """Look at everything the run has left behind."""
    verdict = Verdict()
    for name in tenants:
        async with database.session(TenantId(name)) as session:  # tenant-id: of a database made for this
            await _judge_tenant(session, name, asked, verdict)
    return verdict


async def is_quiet(database: Database, tenants: Iterable[str]) -> bool:
    """Whether every run is done and no request waits."""
    for name in tenants:
        async with database.session(TenantId(name)) as session:  # tenant-id: of a database made for this
            if await runs.count_unfinished(session) or await approvals.list_approvals(session, statuses=UNDECIDED):
                return False
    return True


async def _judge_tenant(session: TenantSession, name: str, asked: Asked, verdict: Verdict) -> None:
    written: Counter[str] = Counter()
    applied: set[str] = set()
    for entry in await ledger.list_entries(session, limit=100_000):
        verdict.entries += 1
        if entry.status != "applied":
            continue
        applied.add(str(entry.approval_id))
        words = [str(effect["after"]["LastName"]) for effect in entry.effects]
        written.update(words)
        approval = await approvals.find(session, str(entry.approval_id))
        votes = [] if approval is None else await approvals.list_votes(session, approval.approval_id)
        digests = {vote.digest for vote in votes if vote.decision == "approve"}
        if approval is None or approval.status != "applied" or digests != {approval.digest}:
            verdict.unapproved += words
    verdict.effects += written.total()
    verdict.repeated += [word for word, count in written.items() if count > 1]
    verdict.uncalled_for += [word for word in written if f"{name} {word}" not in asked.sent]
    for word, (tenant, thread_id) in asked.accepted.items():
        if tenant != name:
            continue
        if word not in written:
            verdict.lost.append(word)
        for run in await runs.list_runs(session, thread_id, limit=100):
            verdict.runs += 1
            if run.status in runs.UNFINISHED:
                verdict.unfinished.append(run.run_id)
            elif run.status != "success":
                verdict.failed.append(f"{run.run_id}: {run.status} {run.error}")
    waiting = await approvals.list_approvals(session, statuses=UNDECIDED, limit=100_000)
    verdict.left_waiting += [one.approval_id for one in waiting]
    found = await audit_check.verify(session)
    if found.first_bad is not None:
        verdict.broken_audits.append(f"{name}: {found.first_bad}")
