"""Each letter once, with patience, and never again blindly when nobody knows what became of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.postman import MAX_ATTEMPTS, Postman
from api.transports import Delivery
from crm.database import Database
from crm.ids import TenantId
from crm.mailing import OutgoingMail
from crm.records import Contact
from crm.repositories import audit, outbox
from crm.rights import Tenant

ACME, GLOBEX = TenantId("acme"), TenantId("globex")
START = datetime(2026, 11, 2, 9, tzinfo=UTC)


@dataclass
class Recorder:
    """A transport that answers as it is told, and repeats its last answer."""

    answers: list[Any] = field(default_factory=lambda: ["sent"])
    is_repeatable: bool = False
    lease: timedelta = timedelta(minutes=5)
    delivered: list[tuple[str, str]] = field(default_factory=list)

    async def deliver(self, tenant: TenantId, mail: OutgoingMail) -> Delivery:
        await asyncio.sleep(0)
        self.delivered.append((tenant, mail.outbox_id))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Delivery(answer, "because" if answer != "sent" else "")


@dataclass
class Post:
    database: Database
    now: datetime = START

    def postman(self, transport: Recorder) -> Postman:
        return Postman(self.database, transport, lambda: self.now)

    def wait(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    async def put(self, tenant: TenantId = ACME, outbox_id: str = "one", **more: Any) -> None:
        given = {
            "approval_id": f"approval-{outbox_id}",
            "record_id": "02sCS0000000001YAA",
            "requester": "005CS0000000001YAA",
            "message_id": f"<{outbox_id}@acme.example>",
            "sender": "mail@acme.example",
            "recipients": [{"role": "to", "name": "Ann", "address": "ann@x.example", "record": "Contact:003"}],
            "subject": "Hello",
            "mime": "Subject: Hello\r\n\r\nHello\r\n",
            "next_attempt": START,
            "created_at": START,
            "updated_at": START,
            **more,
        }
        async with self.database.session(tenant, write=True) as session:
            if await session.get(Tenant, tenant) is None:
                session.add(Tenant(tenant=tenant, name=tenant))
            await outbox.add(session, OutgoingMail(outbox_id=outbox_id, **given))

    async def row(self, tenant: TenantId = ACME, outbox_id: str = "one") -> OutgoingMail:
        async with self.database.session(tenant) as session:
            found = await outbox.find(session, outbox_id)
        assert found is not None
        return found

    async def trail(self, tenant: TenantId = ACME) -> Sequence[str]:
        async with self.database.session(tenant) as session:
            return [entry.kind for entry in await audit.list_entries(session, after=-1, limit=50)]


@pytest.fixture
def post(database: Database) -> Post:
    return Post(database)


async def test_letters_of_all_tenants_are_delivered_once_by_many_postmen(post: Post) -> None:
    for tenant in (ACME, GLOBEX):
        for outbox_id in ("one", "two"):
            await post.put(tenant, outbox_id)
    await post.put(outbox_id="later", next_attempt=START + timedelta(hours=1))
    transport = Recorder()
    await asyncio.gather(*(post.postman(transport).deliver_due() for _ in range(4)))
    assert sorted(transport.delivered) == [(t, o) for t in (ACME, GLOBEX) for o in ("one", "two")]
    for tenant in (ACME, GLOBEX):
        assert ((await post.row(tenant)).status, await post.trail(tenant)) == ("sent", ["mail.sent", "mail.sent"])
    assert (await post.row(outbox_id="later")).status == "pending"


async def test_a_server_that_is_down_is_tried_again_more_and_more_seldom(post: Post) -> None:
    await post.put()
    transport = Recorder(["later", "later", "sent"])
    for pause in (0, 30, 60):
        post.wait(seconds=pause - 1)
        assert await post.postman(transport).deliver_due() == 0
        post.wait(seconds=1)
        assert await post.postman(transport).deliver_due() == 1
    row = await post.row()
    assert (row.status, row.attempts, row.error) == ("sent", 3, None)


async def test_patience_ends(post: Post) -> None:
    await post.put(attempts=MAX_ATTEMPTS - 1)
    assert await post.postman(Recorder(["later"])).deliver_due() == 1
    row = await post.row()
    assert (row.status, row.error) == ("failed", "because")
    assert await post.trail() == ["mail.failed"]


@pytest.mark.parametrize("answer", ["unknown", "failed", RuntimeError("boom")], ids=str)
async def test_what_may_have_arrived_or_was_refused_is_not_sent_again(post: Post, answer: Any) -> None:
    await post.put()
    transport = Recorder([answer])
    for _ in range(3):
        await post.postman(transport).deliver_due()
        post.wait(days=1)
    assert len(transport.delivered) == 1
    assert (await post.row()).status == ("failed" if answer == "failed" else "unknown")


@pytest.mark.parametrize("is_repeatable", [True, False])
async def test_what_a_process_died_over_is_repeated_only_where_that_is_harmless(
    post: Post, is_repeatable: bool
) -> None:
    await post.put(status="sending", attempts=1, lease_owner="dead", lease_until=START + timedelta(minutes=5))
    transport = Recorder(is_repeatable=is_repeatable)
    await post.postman(transport).deliver_due()
    assert transport.delivered == [], "the lease still runs"
    post.wait(minutes=6)
    await post.postman(transport).deliver_due()
    assert len(transport.delivered) == is_repeatable
    assert (await post.row()).status == ("sent" if is_repeatable else "unknown")


async def test_who_opts_out_while_a_letter_waits_does_not_get_it(post: Post) -> None:
    await post.put()
    await post.put(GLOBEX)
    moment = {"CreatedDate": START, "LastModifiedDate": START, "SystemModstamp": START}
    async with post.database.session(ACME, write=True) as session:
        session.add(
            Contact(Id="003CS0000000001YAA", LastName="Poe", Email="Ann@X.example", HasOptedOutOfEmail=True, **moment)
        )
    transport = Recorder()
    await post.postman(transport).deliver_due()
    assert transport.delivered == [(GLOBEX, "one")], "another tenant's contact of that address is another matter"
    row = await post.row()
    assert row.status == "failed"
    assert "opted out" in (row.error or "")
