"""The service killed at every instant that matters, and started again: nothing is lost and nothing happens twice."""

import contextlib
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Any

import httpx
import pytest

from api.settings import Settings
from tests.e2e import crash_runner
from tests.e2e.crashing import RENEWAL_ID, Instant
from tests.processes import PATIENCE_S, fresh, wait_until_up
from tests.service import ADMIN, DANA, Json, last_answer, message

pytestmark = pytest.mark.slow

BEFORE = "Send references of similar plants"
AFTER = "Call Ann"


class KilledError(Exception):
    """The process died while it was being talked to."""


@dataclass
class Process:
    """A service in a process of its own."""

    running: BaseProcess
    client: httpx.Client
    tokens: dict[str, str] = field(default_factory=dict)

    def call(self, who: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Raises: KilledError."""
        try:
            if who not in self.tokens:
                logged_in = self.client.post("/dev/login", json={"username": who})
                self.tokens[who] = logged_in.json()["access_token"]
            headers = {"Authorization": f"Bearer {self.tokens[who]}"}
            return self.client.request(method, path, headers=headers, **options)
        except httpx.TransportError:
            raise KilledError from None

    def get(self, who: str, path: str, **params: Any) -> Json:
        response = self.call(who, "GET", path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def rest(self, thread: str) -> Json:
        """The thread once nothing works on it."""
        until = time.monotonic() + PATIENCE_S
        while (found := self.get(DANA, f"/threads/{thread}"))["status"] == "busy":
            assert time.monotonic() < until, "the run was not taken up again"
            time.sleep(0.1)
        return found


@contextlib.contextmanager
def process(settings: Settings, *, dies_at: Instant | None = None, call_id: str = "") -> Iterator[Process]:
    given = settings.model_dump(mode="json", exclude_defaults=True)
    for name in ("context_key", "master_key", "database_owner_url"):
        secret = getattr(settings, name)
        if secret is not None:
            given[name] = secret.get_secret_value()
    told, address = fresh.Pipe(duplex=False)
    running = fresh.Process(target=crash_runner.run, args=(given, dies_at, call_id, address), daemon=True)
    running.start()
    try:
        assert told.poll(PATIENCE_S), "the service did not start"
        served = f"http://127.0.0.1:{told.recv()}"
        wait_until_up(served)
        with httpx.Client(base_url=served, timeout=PATIENCE_S) as client:
            yield Process(running, client)
    finally:
        told.close()
        address.close()
        running.kill()
        running.join()
        running.close()


def approve(service: Process, approval: Json) -> Json:
    path = f"/approvals/{approval['approval_id']}/decision"
    body = {"decision": "approve", "digest": approval["digest"]}
    return service.call(DANA, "POST", path, json=body, params={"wait": True}).json()


def take_a_turn(service: Process, thread: str) -> None:
    """Ask for a change and approve it. Raises: KilledError."""
    values = service.call(DANA, "POST", f"/threads/{thread}/runs/wait", json=message("change the deal")).json()
    [approval] = [one for waiting in values["__interrupt__"] for one in waiting["value"]["approvals"]]
    approve(service, approval)


def die_in_a_turn(settings: Settings, instant: Instant, call_id: str) -> str:
    """The thread whose turn a process died of."""
    with process(settings, dies_at=instant, call_id=call_id) as service:
        thread = str(service.call(DANA, "POST", "/threads", json={}).json()["thread_id"])
        with pytest.raises(KilledError):
            take_a_turn(service, thread)
        service.running.join(timeout=PATIENCE_S)
        assert service.running.exitcode == -signal.SIGKILL
    return thread


def check_done_once(service: Process, thread: str) -> None:
    found = service.rest(thread)
    assert (found["status"], found["interrupts"], found["error"]) == ("idle", {}, None)
    assert last_answer(found["values"]).strip() == "The change was applied."
    assert [m["type"] for m in found["values"]["messages"]] == ["human", "ai", "tool", "ai"]
    assert service.get(DANA, f"/records/Opportunity/{RENEWAL_ID}")["NextStep"] == AFTER
    [entry] = service.get(ADMIN, "/ledger", thread_id=thread)
    assert entry["status"] == "applied"
    assert [(e["before"], e["after"]) for e in entry["effects"]] == [({"NextStep": BEFORE}, {"NextStep": AFTER})]
    trail = [one["kind"] for one in service.get(ADMIN, "/audit", subject=entry["approval_id"])]
    assert trail == ["approval.requested", "approval.approved", "effect.applied"]
    assert service.get(ADMIN, "/audit/verify")["first_bad"] is None
    state = service.get(DANA, f"/threads/{thread}/state")
    assert (state["next"], state["tasks"]) == ([], [])
    assert {run["status"] for run in service.get(DANA, f"/threads/{thread}/runs")} == {"success"}


AFTER_THE_DECISION = [
    Instant.DECIDED,
    Instant.WRITTEN_UNCOMMITTED,
    Instant.WRITTEN,
    Instant.SETTLED,
    Instant.ANSWERED,
]


@pytest.mark.parametrize("instant", AFTER_THE_DECISION)
def test_a_change_that_was_approved_is_made_exactly_once(settings: Settings, instant: Instant) -> None:
    thread = die_in_a_turn(settings, instant, "c1")
    with process(settings) as service:
        check_done_once(service, thread)
        newest = service.get(DANA, f"/threads/{thread}/runs")[0]
        stream = service.call(DANA, "GET", f"/threads/{thread}/runs/{newest['run_id']}/stream").text
        assert [line for line in stream.splitlines() if line.startswith("event: ")][-1] == "event: end"


@pytest.mark.parametrize(
    ("instant", "call_id"),
    [
        pytest.param(Instant.REQUEST_WRITTEN, "c1", id="request-written-same-ids"),
        pytest.param(Instant.REQUEST_WRITTEN, "", id="request-written-other-ids"),
        pytest.param(Instant.INTERRUPT_STORED, "", id="interrupt-stored"),
    ],
)
def test_a_turn_that_died_before_it_waited_waits_after_all(settings: Settings, instant: Instant, call_id: str) -> None:
    thread = die_in_a_turn(settings, instant, call_id)
    with process(settings, call_id=call_id) as service:
        found = service.rest(thread)
        assert found["status"] == "interrupted"
        [waiting] = [one for some in found["interrupts"].values() for one in some]
        [shown] = waiting["value"]["approvals"]
        [pending] = service.get(DANA, "/approvals")
        assert pending["approval_id"] == shown["approval_id"]
        every = service.get(DANA, "/approvals", status=["pending", "recalled", "applied", "refused"])
        is_redone = instant is Instant.REQUEST_WRITTEN and not call_id
        assert sorted(one["status"] for one in every) == (["pending", "recalled"] if is_redone else ["pending"])
        assert service.get(DANA, f"/records/Opportunity/{RENEWAL_ID}")["NextStep"] == BEFORE
        assert approve(service, shown)["approval"]["status"] == "applied"
        check_done_once(service, thread)


def test_another_process_takes_over_from_a_killed_one(settings: Settings) -> None:
    with process(settings) as survivor:
        thread = die_in_a_turn(settings, Instant.WRITTEN, "c1")
        check_done_once(survivor, thread)
