"""Cards in Slack: what they show cannot be written by a record, and a button decides only what its presser may."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from langchain_core.messages import AIMessage

from api.courier import Courier
from api.errors import ForbiddenError
from api.routes.webhooks import check_may_show
from api.settings import Settings
from api.slack_cards import card_for
from tests.api.receiver import Receiver, receiving
from tests.service import ADMIN, DANA, ELI, MARA, OTHER_DANA, RENEWAL, World, calls, held, open_world, script

Json = Any
OTHER_ADMIN = "ada@southridge.example"
SECRET, OTHER_SECRET = "a-signing-secret-of-slack", "the-secret-of-another-app"
CHANGE = calls(
    (
        "update_record",
        {"object": "Opportunity", "record_id": "006CS0000000001YAA", "fields": {"StageName": "Negotiation"}},
    )
)
DONE = AIMessage("Done.")


@dataclass
class Office:
    """A tenant with a channel in Slack, and Slack itself as far as it matters."""

    world: World
    receiver: Receiver
    webhook: Json
    approval: Json

    async def ids(self, who: str) -> str:
        return str((await self.world.get(who, "/me"))["id"])

    async def map(self, slack_user: str, who: str, *, confirm: bool = True) -> None:
        place = f"/admin/webhooks/{self.webhook['webhook_id']}/people/{slack_user}"
        answer = await self.world.call(ADMIN, "PUT", place, json={"user_id": await self.ids(who)})
        assert (answer.status_code, answer.json()["confirmed_at"]) == (200, None), answer.text
        if confirm:
            mine = {"webhook_id": self.webhook["webhook_id"], "slack_user": slack_user}
            assert (await self.world.post(who, "/me/slack", mine))["confirmed_at"]

    def pressed(self, kind: str = "approve", *, user: str = "U1", value: str | None = None) -> Json:
        own = f"{self.webhook['webhook_id']} {self.approval['approval_id']} {self.approval['digest']}"
        action = {"action_id": f"countersign.{kind}", "value": own if value is None else value}
        return {"type": "block_actions", "user": {"id": user}, "actions": [action], "response_url": self.receiver.url}

    async def press(
        self,
        payload: Json,
        *,
        secret: str = SECRET,
        age_s: int = 0,
        headers: dict[str, str] | None = None,
        tamper: bool = False,
    ) -> httpx.Response:
        body = urlencode({"payload": json.dumps(payload)}).encode()
        stamp = str(int(datetime.now(UTC).timestamp()) - age_s)
        mac = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        signed = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={mac}"}
        sent = body.replace(b"approve", b"reject") if tamper else body
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return await self.world.client.post(
            "/integrations/slack/actions", content=sent, headers=kind | signed | (headers or {})
        )

    async def status(self) -> str:
        return str((await self.world.get(DANA, f"/approvals/{self.approval['approval_id']}"))["status"])


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Office]:
    reaching = settings.model_copy(update={"webhook_hosts": ["127.0.0.1"], "public_url": "https://crm.example"})
    async with receiving() as receiver, open_world(reaching, model=script(CHANGE, DONE, DONE)) as world:
        body = {"url": receiver.url, "events": ["approval.requested"], "kind": "slack", "signing_secret": SECRET}
        webhook = await world.post(ADMIN, "/admin/webhooks", body)
        assert (webhook["kind"], webhook["secret"]) == ("slack", "")
        [approval] = held(await world.say(DANA, await world.open_thread(DANA), "change the opportunity"))
        yield Office(world, receiver, webhook, approval)


async def test_a_card_goes_out_and_its_button_decides_in_the_presser_s_name(settings: Settings) -> None:
    async with opened(settings) as office:
        world = office.world
        await world.service.courier.stop()
        courier = Courier(
            world.service.database, world.service.outward, world.service.runner.clock, "https://crm.example"
        )
        await courier.deliver_due()
        [(headers, body)] = office.receiver.got
        assert "webhook-signature" not in headers
        card = json.loads(body)
        shown = [block["text"]["text"] for block in card["blocks"] if block["type"] == "section"]
        assert "StageName: «Discovery» becomes «Negotiation»" in shown
        assert f"change Opportunity «{RENEWAL}» (006CS0000000001YAA)".lower() in [one.lower() for one in shown]
        buttons = {one["action_id"]: one for one in card["blocks"][-1]["elements"]}
        assert buttons["countersign.look"]["url"].endswith(office.approval["approval_id"])
        value = buttons["countersign.approve"]["value"]
        assert value.split(" ")[2] == office.approval["digest"]

        await office.map("U1", MARA)
        answer = await office.press(office.pressed(value=value))
        assert answer.status_code == 200, answer.text
        assert "approved" in answer.json()["text"]
        decided = await world.get(DANA, f"/approvals/{office.approval['approval_id']}")
        for run in await world.get(DANA, f"/threads/{decided['thread_id']}/runs"):
            await world.get(DANA, f"/threads/{run['thread_id']}/runs/{run['run_id']}/join")
        assert (await world.find(DANA, "Opportunity", RENEWAL))["StageName"] == "Negotiation"
        assert decided["decided_by"] == await office.ids(MARA)
        assert "approved" in office.receiver.got[-1][1].decode()  # Slack is told what came of it
        assert (await world.find(OTHER_DANA, "Opportunity", RENEWAL))["StageName"] == "Quote"


@pytest.mark.parametrize("templates", ["sqlite"], indirect=True)
async def test_what_does_not_get_through(settings: Settings) -> None:
    async with opened(settings) as office:
        world, press, pressed = office.world, office.press, office.pressed
        await office.map("U1", MARA)
        await office.map("UDANA", DANA)
        await office.map("UELI", ELI)
        await office.map("UADA", MARA, confirm=False)
        other = {"url": office.receiver.url, "events": ["approval.requested"], "kind": "slack"}
        theirs = await world.post(OTHER_ADMIN, "/admin/webhooks", other | {"signing_secret": OTHER_SECRET})
        [approval_id, digest] = [office.approval["approval_id"], office.approval["digest"]]

        # Not Slack's, not lately, not whole: one answer for all of it.
        for answer in (
            await press(pressed(), secret=OTHER_SECRET),
            await press(pressed(), age_s=301),
            await press(pressed(), age_s=-301),
            await press(pressed(), tamper=True),
            await press(pressed(), headers={"x-slack-signature": ""}),
            await press(pressed(), headers={"x-slack-request-timestamp": "soon"}),
            await press(pressed(value=f"{theirs['webhook_id']} {approval_id} {digest}")),
            await press(pressed(value=f"no-such-webhook {approval_id} {digest}")),
            await press({**pressed(), "actions": pressed()["actions"] * 2}),
            await press({**pressed(), "type": "view_submission"}),
            await press(pressed("always")),
            await world.client.post("/integrations/slack/actions", content=b"payload=x&payload=y"),
        ):
            assert (answer.status_code, answer.json()["type"]) == (401, "urn:countersign:problem:auth"), answer.text
        assert await office.status() == "pending"

        # Signed by the other tenant's app, for its own webhook: this tenant's request is not there.
        foreign = await press(pressed(value=f"{theirs['webhook_id']} {approval_id} {digest}"), secret=OTHER_SECRET)
        assert "Nothing was decided" in foreign.json()["text"]
        # Slack's, and still nothing: nobody, not confirmed, the requester, without the right, another card.
        for user, value in (
            ("U404", None),
            ("UADA", None),
            ("UDANA", None),
            ("UELI", None),
            ("U1", f"{office.webhook['webhook_id']} {approval_id} {'0' * 64}"),
            ("U1", f"{office.webhook['webhook_id']} {theirs['webhook_id']} {digest}"),
        ):
            answer = await press(pressed(user=user, value=value))
            assert answer.status_code == 200
            assert answer.json()["text"].startswith("Nothing was decided"), user
        assert await office.status() == "pending"

        # Nobody confirms for another, and nobody without the right says who is who.
        mine = {"webhook_id": office.webhook["webhook_id"], "slack_user": "UADA"}
        assert (await world.call(ADMIN, "POST", "/me/slack", json=mine)).status_code == 404
        place = f"/admin/webhooks/{office.webhook['webhook_id']}/people/U9"
        body = {"user_id": await office.ids(MARA)}
        assert (await world.call(MARA, "PUT", place, json=body)).status_code == 403
        assert (await world.call(OTHER_ADMIN, "PUT", place, json=body)).status_code == 404
        strangers = {"user_id": "005CS0000009999YAA"}
        assert (await world.call(ADMIN, "PUT", place, json=strangers)).status_code == 409

        # Nobody shows what they may not read in the ledger, and nobody is shown what is no request.
        bare = {"url": office.receiver.url, "events": ["run.finished"], "kind": "slack"}
        for wrong in (bare | {"signing_secret": SECRET}, bare | {"events": ["approval.requested"]}):
            assert (await world.call(ADMIN, "POST", "/admin/webhooks", json=wrong)).status_code == 422
        place = f"/admin/webhooks/{office.webhook['webhook_id']}"
        assert (await world.call(ADMIN, "PATCH", place, json={"events": ["alert.met"]})).status_code == 422
        with pytest.raises(ForbiddenError):
            check_may_show(SimpleNamespace(access=SimpleNamespace(permissions={"manage_policy"})))  # type: ignore[arg-type]

        # The same call twice is once.
        right = pressed("reject")
        body_of = urlencode({"payload": json.dumps(right)}).encode()
        stamp = str(int(datetime.now(UTC).timestamp()))
        mac = hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body_of, hashlib.sha256).hexdigest()
        headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={mac}"}
        first = await world.client.post("/integrations/slack/actions", content=body_of, headers=headers)
        again = await world.client.post("/integrations/slack/actions", content=body_of, headers=headers)
        assert "rejected" in first.json()["text"]
        assert (again.status_code, again.json()["detail"]) == (401, "the call came before")
        assert await office.status() == "rejected"

        # Whoever is forgotten decides nothing more; a webhook that is switched off takes nothing.
        forgotten = f"/admin/webhooks/{office.webhook['webhook_id']}/people/U1"
        assert (await world.call(ADMIN, "DELETE", forgotten)).status_code == 204
        assert "does not know who you are" in (await press(pressed())).json()["text"]
        off = await world.call(
            ADMIN, "PATCH", f"/admin/webhooks/{office.webhook['webhook_id']}", json={"enabled": False}
        )
        assert off.status_code == 200
        assert (await press({**pressed(), "more": 1})).status_code == 401


def card_of(new: str, **more: Any) -> Json:
    field = {"field": "NextStep", "old": None, "new": new, "source": {"integrity": "external", "origin": "lead"}}
    change = {"operation": "update", "object": "Opportunity", "id": "006", "name": "Deal", "fields": [field]}
    approval: Any = SimpleNamespace(
        approval_id="a1",
        digest="d" * 64,
        status="pending",
        requester="005",
        expires_at=datetime(2026, 11, 2, tzinfo=UTC),
        card={"changes": [change], "warnings": [], **more},
    )
    return card_for(approval, "w1", "approval.requested", "")


HOSTILE = [
    "<!channel> <@U123> <https://evil.example|Approve>",
    "x»\nRequest a1, asked for by 005.\nStageName: «Won» becomes «Lost",
    "*bold* _it_ `code` :tada: ~x~ & &lt;!here&gt;",
    "\u202eevorppa\u200b\u2066 https://evil.example/?q=secret",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_writes_no_words_of_the_card_and_calls_nobody(text: str) -> None:
    card = card_of(text)
    sections = [block for block in card["blocks"] if block["type"] == "section"]
    assert all(block["text"]["type"] == "plain_text" and not block["text"]["emoji"] for block in sections)
    [shown] = [block["text"]["text"] for block in sections if block["text"]["text"].startswith("NextStep: ")]
    assert shown.endswith("» — written by somebody outside")
    assert not set(shown) & set("<>\n\u202e\u200b\u2066")
    assert (shown.count("«"), shown.count("»")) == (1, 1)
    assert len(sections) == 4
    assert "evil" not in card["text"]
    assert not card["mrkdwn"]
    assert not card["unfurl_links"]


def test_what_is_not_shown_whole_cannot_be_decided_there() -> None:
    def kinds(card: Json) -> list[str]:
        return [one["action_id"] for block in card["blocks"] if block["type"] == "actions" for one in block["elements"]]

    assert kinds(card_of("x")) == ["countersign.approve", "countersign.reject"]
    assert kinds(card_of("x" * 601)) == []
    many = [{"operation": "update", "object": "Lead", "id": "1", "name": "n", "fields": []}] * 41
    assert kinds(card_of("x", changes=many)) == []
    assert kinds(card_of("x", payment={"to": "somebody"})) == []

    call = {"server": "issues", "tool": "create_issue", "arguments": {"title": "Broken", "labels": ["a", "b"]}}
    card = card_of("", changes=[], call=call)
    assert kinds(card) == ["countersign.approve", "countersign.reject"]
    shown = [block["text"]["text"] for block in card["blocks"] if block["type"] == "section"]
    assert shown[1:4] == [
        "Have «issues» carry out «create_issue»",
        'With «title»: «"Broken"»',
        'With «labels»: «["a", "b"]»',
    ]
    assert kinds(card_of("", changes=[], call={**call, "arguments": {"text": "x" * 600}})) == []
