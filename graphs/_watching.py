"""A run as those who watch see it: one tree, however often it rests, whichever process goes on with it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from crm.ids import TenantId
from crm.work import Approval, Run
from trust import telemetry
from trust.telemetry import Step, Value, Watcher


def origin_of(before: Mapping[str, Any] | None = None) -> dict[str, str]:
    """What is kept with a run so that its tree goes on wherever it is worked on: the place it hangs from, its request.

    A run that goes on with an earlier one hangs from the same place, and points at the request that let it go on.
    """
    here = telemetry.known_ids()
    origin = {"request_id": here["request_id"]} if "request_id" in here else {}
    if before is not None and before.get("trace"):
        return origin | {"trace": before["trace"]} | _named(link=telemetry.traceparent())
    place = telemetry.traceparent()
    if place is None:
        with telemetry.step("accept"):  # nobody asked over HTTP: the tree needs a root that does not go away
            place = telemetry.traceparent()
    return origin | _named(trace=place)


def _named(**given: str | None) -> dict[str, str]:
    return {name: value for name, value in given.items() if value is not None}


@contextmanager
def watch_run(watcher: Watcher | None, tenant: TenantId, run: Run, *, at: datetime) -> Iterator[Step]:
    """Watch one attempt at a run. Whatever is logged or traced meanwhile is known to be about it."""
    request: Mapping[str, Any] = run.request if not run.is_erased else {}
    origin = request.get("origin") or {}
    notes: dict[str, Value | None] = {
        telemetry.OPERATION: "invoke_workflow",
        telemetry.WORKFLOW: run.assistant_id,
        telemetry.CONVERSATION: run.thread_id,
        telemetry.TENANT: tenant,
        telemetry.RUN: run.run_id,
        telemetry.TURN: request.get("turn_of") or run.run_id,
        telemetry.RUN_KIND: request.get("kind"),
        telemetry.REQUEST_ID: origin.get("request_id"),
        telemetry.WAITED: max(0.0, (at - run.created_at).total_seconds()),
    }
    with (
        telemetry.watched_by(watcher),
        telemetry.about(
            anew=True, request_id=origin.get("request_id"), run_id=run.run_id, thread_id=run.thread_id, tenant=tenant
        ),
        telemetry.step(
            "run",
            notes,
            title=f"invoke_workflow {run.assistant_id}",
            parent=origin.get("trace") or "",
            link=origin.get("link"),
        ) as watched,
    ):
        yield watched


def note_end(*, status: str, rests: bool, error: str | None) -> None:
    """How the attempt at hand ended. Waiting for a person is a good end."""
    telemetry.note({telemetry.RUN_STATUS: status, telemetry.RESTS: rests})
    if error is not None:
        telemetry.fail(error)


def note_rest(approval: Approval, *, until: datetime) -> None:
    """A request rested until now: one bar in the tree, from when it was made."""
    notes: dict[str, Value | None] = {
        telemetry.APPROVAL: approval.approval_id,
        telemetry.TOOL: approval.tool,
        telemetry.OUTCOME: approval.status,
        telemetry.WAITED: max(0.0, (until - approval.created_at).total_seconds()),
    }
    with telemetry.step("hold", notes, title=f"hold {approval.tool}", began_at=approval.created_at):
        pass
