"""Slack: who somebody there is, and the buttons that they press on a card."""

import json
import logging
import uuid
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, BackgroundTasks, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.auth import AuthError
from api.callers import GatewayKeeperOf, PersonEntranceOf, ServiceOf, UndoerOf
from api.errors import STATUSES, InputError, problems, status_of
from api.outward import AddressError, CallError, to_body
from api.slack_cards import separate
from api.wire import Body
from api.wiring import Service
from crm.fields import to_json
from crm.ids import TenantId
from crm.repositories import slack as rows
from crm.repositories import webhooks as webhook_rows
from crm.repositories.access import UnknownCallerError
from crm.webhooks import SlackPerson, Webhook
from trust import slack, webhooks
from trust.approvals import DecisionKind, Verdict

router = APIRouter(tags=["webhooks"])
_log = logging.getLogger(__name__)

_REFUSED = "the call is not one of Slack's that was signed for this service, lately"
_KINDS: dict[str, DecisionKind] = {"countersign.approve": "approve", "countersign.reject": "reject"}
SlackUser = Annotated[str, Path(pattern=r"^[A-Z0-9]{2,40}$")]


class PersonBody(Body):
    user_id: str = Field(min_length=15, max_length=18, description="Id of an active user of the tenant.")


class MeBody(Body):
    webhook_id: uuid.UUID
    slack_user: str = Field(pattern=r"^[A-Z0-9]{2,40}$")


class PersonWire(BaseModel):
    slack_user: str
    user_id: str
    created_by: str
    created_at: str
    confirmed_at: str | None = Field(description="Until they have confirmed it, nothing is decided in their name.")


def person_wire(person: SlackPerson) -> PersonWire:
    return PersonWire(
        slack_user=person.slack_user,
        user_id=person.user_id,
        created_by=person.created_by,
        created_at=to_json(person.created_at),
        confirmed_at=to_json(person.confirmed_at),
    )


@router.get("/admin/webhooks/{webhook_id}/people", responses=problems(403, 404))
async def list_slack_people(webhook_id: uuid.UUID, principal: GatewayKeeperOf, service: ServiceOf) -> list[PersonWire]:
    """Who in Slack is whom."""
    async with service.database.session(principal.tenant) as session:
        await webhooks.get(session, str(webhook_id))
        return [person_wire(one) for one in await rows.list_people(session, str(webhook_id))]


@router.put("/admin/webhooks/{webhook_id}/people/{slack_user}", responses=problems(403, 404, 409))
async def name_slack_person(
    webhook_id: uuid.UUID, slack_user: SlackUser, body: PersonBody, principal: GatewayKeeperOf, service: ServiceOf
) -> PersonWire:
    """Say who somebody in Slack is. It holds once they have confirmed it."""
    async with service.database.session(principal.tenant, write=True) as session:
        webhook = await webhooks.get(session, str(webhook_id))
        if webhook.kind != "slack":
            raise InputError("webhook_id", "expected a webhook of kind slack")
        at = service.runner.clock()
        return person_wire(
            await slack.name_person(session, str(webhook_id), slack_user, body.user_id, principal, at=at)
        )


@router.delete("/admin/webhooks/{webhook_id}/people/{slack_user}", status_code=204, responses=problems(403, 404))
async def forget_slack_person(
    webhook_id: uuid.UUID, slack_user: SlackUser, principal: GatewayKeeperOf, service: ServiceOf
) -> None:
    """Let nothing more be decided by somebody in Slack."""
    async with service.database.session(principal.tenant, write=True) as session:
        await slack.forget_person(session, str(webhook_id), slack_user, principal, at=service.runner.clock())


@router.post("/me/slack", responses=problems(403, 404))
async def confirm_slack_person(
    body: MeBody, principal: UndoerOf, _: PersonEntranceOf, service: ServiceOf
) -> PersonWire:
    """Confirm that this is you in Slack: what they decide there is decided in your name, by your rights."""
    async with service.database.session(principal.tenant, write=True) as session:
        person = await slack.confirm_person(
            session, str(body.webhook_id), body.slack_user, principal, at=service.runner.clock()
        )
        return person_wire(person)


@router.post("/integrations/slack/actions", include_in_schema=False)
async def take_slack_action(request: Request, service: ServiceOf, later: BackgroundTasks) -> JSONResponse:
    """A button of a card was pressed. Raises: AuthError unless Slack has signed it with the webhook's secret.

    What is in the body names the secret to check with; nothing else of it is believed before.
    """
    body = await request.body()
    at = service.runner.clock()
    stamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    pressed = _read(body)
    if pressed is None or not slack.is_recent(stamp, at):
        raise AuthError(_REFUSED)
    webhook_id, approval_id, digest, kind, payload = pressed
    tenant, webhook = await _find(service, webhook_id, stamp, body, signature)
    async with service.database.session(tenant, write=True) as session:
        if not await slack.take_once(session, signature, at=at):
            raise AuthError("the call came before")
    user = payload.get("user")
    slack_user = str(user.get("id", "")) if isinstance(user, dict) else ""
    told = await _decide(service, tenant, webhook, slack_user, approval_id, Verdict(kind, digest))
    later.add_task(_tell, service, webhook, payload.get("response_url"), told)
    return JSONResponse({"response_type": "ephemeral", "replace_original": False, "text": told})


def _read(body: bytes) -> tuple[str, str, str, DecisionKind, dict[str, Any]] | None:
    """Webhook, request, digest, decision and the rest; None unless it is one press of one of our buttons."""
    try:
        [text] = parse_qs(body.decode(), strict_parsing=True, max_num_fields=5)["payload"]
        payload = json.loads(text)
        [action] = payload["actions"]
        kind, named = _KINDS[action["action_id"]], separate(action["value"])
        if payload["type"] != "block_actions" or named is None:
            return None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return *named, kind, payload


async def _find(service: Service, webhook_id: str, stamp: str, body: bytes, signature: str) -> tuple[TenantId, Webhook]:
    """The tenant whose webhook's secret has signed the body. Raises: AuthError, alike for all reasons."""
    for name in await service.database.tenants():
        tenant = TenantId(name)  # tenant-id: taken only if the signature is by the tenant's own secret
        async with service.database.session(tenant) as session:
            webhook = await webhook_rows.find(session, webhook_id)
            if webhook is None or webhook.kind != "slack" or not webhook.is_enabled:
                continue
            secret = await webhooks.open_secret(session, webhook)
        if slack.is_signed(secret, stamp, body, signature):
            return tenant, webhook
    raise AuthError(_REFUSED)


async def _decide(
    service: Service, tenant: TenantId, webhook: Webhook, slack_user: str, approval_id: str, verdict: Verdict
) -> str:
    """Take the decision in the person's own name; gives what they are told."""
    at = service.runner.clock()
    try:
        async with service.database.session(tenant) as session:
            principal = await slack.load_person(session, webhook.webhook_id, slack_user, at=at)
        if principal is None:
            return "Nothing was decided: this service does not know who you are. Ask an administrator."
        [decided], run = await service.conversations.decide(principal, [(approval_id, verdict)])
    except UnknownCallerError:
        return "Nothing was decided: you are no active user of this service."
    except tuple(STATUSES) as error:
        if status_of(error) >= 500:
            raise
        return f"Nothing was decided: {error}"
    return f"Request {approval_id} is {decided.status}." + (" It is being carried out." if run else "")


async def _tell(service: Service, webhook: Webhook, address: object, told: str) -> None:
    """Say in Slack what came of it; only where the webhook itself leads."""
    if not isinstance(address, str) or urlsplit(address).hostname != urlsplit(webhook.url).hostname:
        return
    body = {"response_type": "ephemeral", "replace_original": False, "text": told}
    try:
        await service.outward.post(address, to_body(body), {})
    except (AddressError, CallError):
        _log.warning("Slack could not be told what came of a decision")
