"""The service killed between the effect of a sending and its delivery: the letter arrives, once."""

import contextlib
import signal
import time
from pathlib import Path

import pytest

from api.settings import Settings
from crm.database import Database, DatabaseConfig
from tests.conftest import run_seed
from tests.e2e.crashing import Instant
from tests.e2e.test_crash import PATIENCE_S, KilledError, Process, process
from tests.service import DANA, MARA, message
from tests.tools.mailing import MailScene

pytestmark = pytest.mark.slow


def write_draft(config: DatabaseConfig) -> str:
    found: list[str] = []

    async def write(database: Database) -> None:
        found.append(await MailScene(database).draft())

    run_seed(config, write)
    return found[0]


def send(service: Process, draft_id: str) -> None:
    thread = service.call(DANA, "POST", "/threads", json={}).json()["thread_id"]
    path = f"/threads/{thread}/runs/wait"
    values = service.call(DANA, "POST", path, json=message(f"send {draft_id}")).json()
    [approval] = [one for waiting in values["__interrupt__"] for one in waiting["value"]["approvals"]]
    body = {"decision": "approve", "digest": approval["digest"]}
    service.call(MARA, "POST", f"/approvals/{approval['approval_id']}/decision", json=body)


def letters(settings: Settings) -> list[Path]:
    return sorted((settings.data_dir / "outbox").glob("*"))


@pytest.mark.parametrize("instant", [Instant.LETTER_TAKEN, Instant.LETTER_DELIVERED])
def test_a_letter_that_was_approved_is_delivered_once(
    settings: Settings, seeded_config: DatabaseConfig, instant: Instant
) -> None:
    draft_id = write_draft(seeded_config)
    with process(settings, dies_at=instant) as service:
        with contextlib.suppress(KilledError):
            send(service, draft_id)
        service.running.join(PATIENCE_S)
        assert service.running.exitcode == -signal.SIGKILL
    assert len(letters(settings)) <= (instant is not Instant.LETTER_TAKEN)
    with process(settings) as service:
        until = time.monotonic() + PATIENCE_S
        while [one["status"] for one in service.get(DANA, "/outbox")] != ["sent"]:
            assert time.monotonic() < until, "the letter was not delivered"
            time.sleep(0.1)
        [path] = letters(settings)
        [mail] = service.get(DANA, "/outbox")
        assert mail["outbox_id"] in path.name
        assert service.get(DANA, f"/records/EmailMessage/{draft_id}")["Status"] == "Sent"
