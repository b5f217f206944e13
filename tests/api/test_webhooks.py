"""Webhooks: told of exactly what happened, signed, with patience, and never a way into the house."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from api import outward
from api.courier import MAX_ATTEMPTS, Courier
from api.outward import AddressError, CallError, Outward, is_public
from api.settings import Settings
from crm.repositories import webhooks as rows
from tests.api.receiver import receiving
from tests.oracle import raw_rows
from tests.service import ADMIN, DANA, MARA, OTHER_DANA, World, calls, held, open_world, script

Json = Any
OTHER_ADMIN = "ada@southridge.example"
RENEWAL_ID = "006CS0000000001YAA"
DONE = AIMessage("Done.")
UPDATE = calls(
    ("update_record", {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"NextStep": "Call Ann Bolton"}})
)
EVERY = ["approval.requested", "approval.decided", "approval.applied"]


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reaching(settings: Settings) -> Settings:
    """A service that may call this machine."""
    return settings.model_copy(update={"webhook_hosts": ["127.0.0.1"], "public_url": "https://crm.example"})


async def hook(world: World, url: str, *events: str, who: str = ADMIN) -> Json:
    return await world.post(who, "/admin/webhooks", {"url": url, "events": list(events or EVERY)})


async def deliveries(world: World, webhook: Json, who: str = ADMIN) -> list[Json]:
    return list(await world.get(who, f"/admin/webhooks/{webhook['webhook_id']}/deliveries"))


async def still(world: World) -> Courier:
    """The courier, working only when it is told to."""
    await world.service.courier.stop()
    service = world.service
    return Courier(service.database, service.outward, service.runner.clock, service.settings.public_url)


async def requested(world: World, who: str = DANA) -> Json:
    return held(await world.say(who, await world.open_thread(who), "change the opportunity"))[0]


async def test_what_happens_is_told_signed_and_without_a_value(reaching: Settings, clock: Clock) -> None:
    async with receiving() as receiver, open_world(reaching, model=script(UPDATE, UPDATE, DONE), clock=clock) as world:
        courier = await still(world)
        mine = await hook(world, receiver.url)
        await hook(world, receiver.url, "approval.requested", who=OTHER_ADMIN)
        approval = await requested(world)
        await requested(world, OTHER_DANA)
        assert (await world.decide(MARA, approval, "approve")).json()["approval"]["status"] == "applied"
        await courier.deliver_due()
        about = [(headers, body) for headers, body in receiver.got if approval["approval_id"] in body.decode()]
        told = {json.loads(body)["type"]: (headers, body) for headers, body in about}
        assert set(told) == set(EVERY)
        assert len(receiver.got) == 4
        secret = base64.b64decode(mine["secret"].removeprefix("whsec_"))
        for headers, body in told.values():
            signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
            expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
            assert headers["webhook-signature"] == f"v1,{expected}"
            assert abs(int(headers["webhook-timestamp"]) - clock().timestamp()) < 60
            assert b"Ann" not in body
            assert b"Acme" not in body
        data = json.loads(told["approval.applied"][1])["data"]
        assert data["link"] == f"https://crm.example/console/#/approvals/{approval['approval_id']}"
        assert (data["tool"], data["object"], data["status"]) == ("update_record", "Opportunity", "applied")
        listed = await world.get(ADMIN, "/admin/webhooks")
        assert [one["webhook_id"] for one in listed] == [mine["webhook_id"]]
        assert "secret" not in listed[0]
        assert {one["status"] for one in await deliveries(world, mine)} == {"delivered"}


async def test_it_is_told_if_and_only_if_it_happened(reaching: Settings, clock: Clock) -> None:
    """A decision that loses a race or is refused tells nothing; one that wins tells once."""
    async with receiving() as receiver, open_world(reaching, model=script(UPDATE, DONE), clock=clock) as world:
        courier = await still(world)
        await hook(world, receiver.url)
        approval = await requested(world)
        await world.decide(DANA, {**approval, "digest": "0" * 64}, "approve")
        await asyncio.gather(*(world.decide(MARA, approval, "approve") for _ in range(8)))
        await asyncio.gather(*(courier.deliver_due() for _ in range(3)))
        events = sorted(json.loads(body)["type"] for _, body in receiver.got)
        assert events == ["approval.applied", "approval.decided", "approval.requested"]


async def test_a_receiver_that_fails_is_tried_more_and_more_seldom_then_parked_and_redelivered(
    reaching: Settings, clock: Clock
) -> None:
    async with receiving(500) as receiver, open_world(reaching, model=script(UPDATE), clock=clock) as world:
        courier = await still(world)
        webhook = await hook(world, receiver.url, "approval.requested")
        await requested(world)
        await courier.deliver_due()
        await courier.deliver_due()
        [one] = await deliveries(world, webhook)
        assert (one["status"], one["attempts"], one["answer"]) == ("pending", 1, 500)
        clock.ahead += timedelta(seconds=11)
        await courier.deliver_due()
        clock.ahead += timedelta(seconds=11)
        await courier.deliver_due()
        assert len(receiver.got) == 2, "thirty seconds have not passed"
        for _ in range(MAX_ATTEMPTS):
            clock.ahead += timedelta(hours=6, seconds=1)
            await courier.deliver_due()
        [one] = await deliveries(world, webhook)
        assert (one["status"], one["attempts"], one["next_attempt"]) == ("parked", MAX_ATTEMPTS, None)
        assert len(receiver.got) == MAX_ATTEMPTS
        assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
        [entry] = await world.get(ADMIN, "/audit", params={"kind": "webhook.parked"})
        assert entry["subject"] == one["delivery_id"]
        receiver.answers = [204]
        path = f"/admin/webhooks/{webhook['webhook_id']}/deliveries/{one['delivery_id']}/redeliver"
        assert (await world.call(OTHER_ADMIN, "POST", path)).status_code == 404
        assert (await world.call(DANA, "POST", path)).status_code == 403
        await world.post(ADMIN, path, {})
        await courier.deliver_due()
        assert [one["status"] for one in await deliveries(world, webhook)] == ["delivered"]
        assert receiver.got[-1][0]["webhook-id"] == one["delivery_id"]


async def test_a_process_that_died_over_a_delivery_keeps_it_from_nobody(reaching: Settings, clock: Clock) -> None:
    async with receiving() as receiver, open_world(reaching, model=script(UPDATE), clock=clock) as world:
        courier = await still(world)
        webhook = await hook(world, receiver.url, "approval.requested")
        await requested(world)
        [one] = await deliveries(world, webhook)
        tenant = (await world.service.authenticator.authenticate(await world.token(ADMIN))).tenant
        async with world.service.database.session(tenant, write=True) as session:
            until = clock() + timedelta(minutes=1)
            assert await rows.claim_delivery(session, one["delivery_id"], by="the dead", at=clock(), until=until)
        await courier.deliver_due()
        assert receiver.got == []
        clock.ahead += timedelta(minutes=2)
        await courier.deliver_due()
        assert len(receiver.got) == 1


async def test_a_slow_receiver_keeps_nobody_else_waiting(reaching: Settings, clock: Clock) -> None:
    async with (
        receiving(-1) as slow,
        receiving() as quick,
        open_world(reaching, model=script(*[UPDATE] * 3), clock=clock) as world,
    ):
        courier = await still(world)
        await hook(world, slow.url, "approval.requested")
        webhook = await hook(world, quick.url, "approval.requested")
        for _ in range(3):
            await requested(world)
        await courier.make_round()
        await asyncio.sleep(1)
        assert len(quick.got) == 3
        assert {one["status"] for one in await deliveries(world, webhook)} == {"delivered"}
        await courier.stop(patience_s=0)


class TestOutward:
    """The guard by itself."""

    OPEN = Outward(frozenset({"127.0.0.1"}), allow_http=True)

    async def test_a_redirect_is_not_followed_and_no_body_is_read(self) -> None:
        async with receiving() as inner, receiving(302) as outer:
            outer.location = inner.url
            assert await self.OPEN.post(outer.url, b"{}", {}) == 302
            assert inner.got == []

    @pytest.mark.parametrize("answer", [-1, -2, 0], ids=["silent", "trickling", "hanging up"])
    async def test_a_receiver_that_never_ends_is_left(self, answer: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outward, "WHOLE_TIMEOUT_S", 0.5)
        async with receiving(answer) as receiver:
            with pytest.raises(CallError):
                await self.OPEN.post(receiver.url, b"{}", {})

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
    )
    async def test_this_machine_is_not_called_by_any_name(self, host: str) -> None:
        guarded = Outward(frozenset({"elsewhere.example"}), allow_http=True)
        async with receiving() as receiver:
            with pytest.raises((AddressError, CallError)):
                await guarded.post(f"http://{host}:{receiver.port}/", b"{}", {})
            assert receiver.got == []

    async def test_a_name_that_stands_for_a_private_address_is_not_called(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also if one of several is public: which of them is tried must not be luck."""
        async with receiving() as receiver:
            for found in (["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["169.254.169.254"]):

                async def resolve(host: str, port: int, found: list[str] = found) -> list[str]:
                    return found

                monkeypatch.setattr(outward, "resolve", resolve)
                with pytest.raises(AddressError):
                    await Outward(allow_http=True).post(f"http://innocent.example:{receiver.port}/", b"{}", {})
            assert receiver.got == []

    @pytest.mark.parametrize(
        "url",
        [
            "http://example.com/",
            "ftp://example.com/",
            "https://user:pw@example.com/",
            "https://example.com/#x",
            "https://",
            "https://exa mple.com/",
            "https://example.com:99999/",
            "https://127.0.0.1/",
            "https://10.1.2.3/",
            "https://[fd00::1]/",
            "https://2130706433/",
            "https://exämple.com/",
            "javascript:alert(1)",
        ],
    )
    async def test_what_is_never_called_is_refused_when_it_is_entered(self, url: str) -> None:
        with pytest.raises(AddressError):
            Outward().check(url)

    def test_an_ordinary_address_is_taken(self) -> None:
        Outward().check("https://hooks.example.com:8443/in?key=1")

    @pytest.mark.parametrize(
        ("address", "expected"),
        [
            ("93.184.215.14", True),
            ("2606:4700::1111", True),
            ("100.64.0.1", False),
            ("224.0.0.1", False),
            ("64:ff9b::7f00:1", False),
            ("2002:7f00:1::", False),
            ("fe80::1%eth0", False),
            ("not an address", False),
        ],
    )
    def test_public_is_what_leads_to_the_internet(self, address: str, expected: bool) -> None:
        assert is_public(address) is expected


async def test_managing_webhooks_is_for_administrators_of_the_tenant(settings: Settings) -> None:
    async with open_world(settings) as world:
        webhook = await hook(world, "https://hooks.example.com/x")
        path = f"/admin/webhooks/{webhook['webhook_id']}"
        for who, status in ((DANA, 403), (OTHER_ADMIN, 404)):
            assert (await world.call(who, "PATCH", path, json={"enabled": False})).status_code == status
            assert (await world.call(who, "DELETE", path)).status_code == status
            assert (await world.call(who, "GET", f"{path}/deliveries")).status_code == status
        for body, field in (
            ({"url": "http://127.0.0.1/", "events": EVERY}, "url"),
            ({"url": "https://x.example/", "events": []}, "events"),
            ({"url": "https://x.example/", "events": ["audit.entry"]}, "events.0"),
            ({"url": "https://x.example/", "events": EVERY, "secret": "mine"}, "secret"),
        ):
            refused = await world.call(ADMIN, "POST", "/admin/webhooks", json=body)
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
        changed = (await world.call(ADMIN, "PATCH", path, json={"enabled": False})).json()
        assert (changed["enabled"], changed["url"]) == (False, "https://hooks.example.com/x")
        assert (await world.call(ADMIN, "DELETE", path)).status_code == 204
        assert await world.get(ADMIN, "/admin/webhooks") == []
        kinds = [one["kind"] for one in await world.get(ADMIN, "/audit") if one["kind"].startswith("webhook")]
        assert kinds == ["webhook.created", "webhook.changed", "webhook.removed"]


async def test_the_secret_lies_nowhere_in_the_open(settings: Settings, seeded_config: Any) -> None:
    async with open_world(settings) as world:
        webhook = await hook(world, "https://hooks.example.com/x")
        secret = base64.b64decode(webhook["secret"].removeprefix("whsec_"))
        kept = repr(raw_rows(seeded_config, "webhook")) + repr(raw_rows(seeded_config, "audit_entry"))
        assert webhook["secret"][6:] not in kept
        assert repr(secret)[2:-1] not in kept
