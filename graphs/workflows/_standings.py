"""What tools can know of workflows: those there are, and how the caller's own stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm.database import TenantSession
from crm.fields import to_json
from crm.repositories import threads
from crm.work import Thread
from graphs.workflows._book import load_workflows
from graphs.workflows._declare import FINISH, Workflow
from tools._declare import ToolRetryError
from trust.principal import Principal

_OPEN = ("running", "waiting")
_MOST = 200


@dataclass(frozen=True)
class Standings:
    """For one caller and the length of one transaction."""

    session: TenantSession
    principal: Principal

    def check(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The title of the workflow that could be started so. Raises: ToolRetryError."""
        workflow = load_workflows().get(name)
        if workflow is None or self.principal.is_customer:
            raise ToolRetryError(f"workflow: expected one of {', '.join(load_workflows())}")
        workflow.read(arguments)
        return workflow.title

    async def list_standings(self, name: str | None, *, only_open: bool, limit: int) -> list[dict[str, Any]]:
        """Newest first."""
        known = load_workflows()
        found = await threads.search(
            self.session,
            owner=self.principal.id,
            graphs=[name] if name else list(known),
            sort_by="created_at",
            limit=_MOST,
        )
        standings = [_describe(thread, known[thread.graph]) for thread in found if thread.graph in known]
        return [one for one in standings if not only_open or one["status"] in _OPEN][:limit]


def _describe(thread: Thread, workflow: Workflow) -> dict[str, Any]:
    """Where a workflow stands. One that has only begun shows nothing of itself yet."""
    progress = thread.values.get("workflow") or {}
    here = workflow.step(progress.get("step")) if progress else workflow.steps[0]
    following = None if here is None else workflow.after(here.name, next(iter(here.paths)))
    after = None if following == FINISH else workflow.step(following)
    waiting = [one for some in thread.interrupts.values() for asked in some for one in asked["value"]["approvals"]]
    return {
        "thread_id": thread.thread_id,
        "workflow": workflow.title,
        "status": "stopped" if thread.status == "error" else progress.get("status", "running"),
        "step": None if here is None else here.title,
        "next_step": None if after is None else after.title,
        "waiting_requests": len(waiting),
        "started": to_json(thread.created_at),
        "because": thread.error or progress.get("because"),
    }
