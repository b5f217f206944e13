"""A workflow whose process is killed at a checkpoint: another one goes on from there, and nothing happens twice."""

import signal

import pytest

from api.settings import Settings
from tests.e2e.crashing import RENEWAL_ID, Instant
from tests.e2e.test_crash import PATIENCE_S, KilledError, Process, process
from tests.service import ADMIN, DANA, Json

pytestmark = pytest.mark.slow


def approve(service: Process, found: Json) -> None:
    """Raises: KilledError."""
    for waiting in found["interrupts"].values():
        for approval in waiting[0]["value"]["approvals"]:
            body = {"decision": "approve", "digest": approval["digest"]}
            path = f"/approvals/{approval['approval_id']}/decision"
            decided = service.call(ADMIN, "POST", path, json=body, params={"wait": True})
            assert decided.status_code == 200, decided.text


def test_what_was_countersigned_is_done_once_and_the_next_checkpoint_waits(settings: Settings) -> None:
    with process(settings, dies_at=Instant.WRITTEN) as service:
        thread = str(service.call(DANA, "POST", "/threads", json={}).json()["thread_id"])
        body = {"assistant_id": "opportunity_progress", "input": {"opportunity_id": RENEWAL_ID}}
        service.call(DANA, "POST", f"/threads/{thread}/runs/wait", json=body)
        assert service.rest(thread)["values"]["workflow"]["step"] == "make_quote"
        with pytest.raises(KilledError):
            approve(service, service.rest(thread))
        service.running.join(timeout=PATIENCE_S)
        assert service.running.exitcode == -signal.SIGKILL
    with process(settings) as service:
        steps = []
        while (found := service.rest(thread))["interrupts"]:
            steps.append(found["values"]["workflow"]["step"])
            approve(service, found)
        assert steps == ["advance", "next_task"]
        assert found["values"]["workflow"]["status"] == "done"
        entries = service.get(ADMIN, "/ledger", thread_id=thread)
        assert [(one["tool"], one["status"]) for one in reversed(entries)] == [
            ("create_quote", "applied"),
            ("advance_stage", "applied"),
            ("create_task", "applied"),
        ]
        assert service.get(ADMIN, "/audit/verify")["first_bad"] is None
