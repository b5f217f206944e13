"""The public client of Agent2Agent against the service: a task that changes something stops until a person decides."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from a2a.client import A2ACardResolver, Client, ClientConfig, create_client
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    Task,
    TaskState,
)
from langchain_core.messages import AIMessage

from api.settings import Settings
from tests.service import DANA, MARA, OTHER_DANA, RENEWAL, World, calls, open_world, script

Json = Any
CHANGE = calls(
    (
        "update_record",
        {"object": "Opportunity", "record_id": "006CS0000000001YAA", "fields": {"StageName": "Negotiation"}},
    )
)
DONE = AIMessage("All done now.")


@asynccontextmanager
async def agent(world: World, *, version: str = "1.0", streaming: bool = True) -> AsyncIterator[Client]:
    """The public client, with Dana's token, speaking one version of the protocol."""
    transport = httpx.ASGITransport(world.app)
    headers = {"Authorization": f"Bearer {await world.token(DANA)}"}
    async with httpx.AsyncClient(transport=transport, headers=headers, timeout=60) as client:
        card: AgentCard = await A2ACardResolver(client, "http://service").get_agent_card()
        spoken = [one for one in card.supported_interfaces if one.protocol_version == version]
        del card.supported_interfaces[:]
        card.supported_interfaces.extend(spoken)
        yield await create_client(card, ClientConfig(streaming=streaming, httpx_client=client))


async def say(client: Client, text: str, context_id: str = "") -> list[Any]:
    message = Message(message_id="m", role=Role.ROLE_USER, parts=[Part(text=text)], context_id=context_id)
    return [part async for part in client.send_message(SendMessageRequest(message=message))]


def words_in(task: Task) -> str:
    return "".join(part.text for artifact in task.artifacts for part in artifact.parts).strip()


@pytest.mark.parametrize("version", ["1.0", "0.3"])
async def test_the_client_gives_a_task_sees_it_held_and_done(settings: Settings, version: str) -> None:
    async with (
        open_world(settings, model=script(DONE, CHANGE, DONE)) as world,
        agent(world, version=version) as streamed,
        agent(world, version=version, streaming=False) as plain,
    ):
        parts = await say(streamed, "show the accounts")
        first: Task = parts[0].task
        assert first.status.state == TaskState.TASK_STATE_WORKING
        said = [part.artifact_update.artifact.parts[0].text for part in parts if part.HasField("artifact_update")]
        assert "".join(said).strip() == "All done now."
        assert parts[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED

        [answer] = await say(plain, "change the opportunity", first.context_id)
        task: Task = answer.task
        assert (task.context_id, task.status.state) == (first.context_id, TaskState.TASK_STATE_INPUT_REQUIRED)
        [waiting] = await world.get(MARA, "/approvals", params={"status": "pending"})
        assert waiting["approval_id"] in task.status.message.parts[0].text
        assert (await world.find(DANA, "Opportunity", RENEWAL))["StageName"] == "Discovery"

        assert (await world.decide(MARA, waiting, "approve")).status_code == 200
        done = await plain.get_task(GetTaskRequest(id=task.id))
        assert done.status.state == TaskState.TASK_STATE_COMPLETED
        assert words_in(done) == "All done now."
        assert (await world.find(DANA, "Opportunity", RENEWAL))["StageName"] == "Negotiation"
        assert words_in(await plain.get_task(GetTaskRequest(id=first.id))) == "All done now."
        assert (await world.find(OTHER_DANA, "Opportunity", RENEWAL))["StageName"] == "Quote"


@pytest.mark.parametrize("templates", ["sqlite"], indirect=True)
async def test_a_task_that_waits_is_withdrawn_and_takes_no_word_for_a_yes(settings: Settings) -> None:
    async with (
        open_world(settings, model=script(CHANGE, DONE, DONE)) as world,
        agent(world, streaming=False) as client,
    ):
        [answer] = await say(client, "change the opportunity")
        task = answer.task

        async def call(who: str, method: str, params: Json, **more: Json) -> Json:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params, **more}
            return (await world.call(who, "POST", "/a2a", json=body)).json()

        def words(text: str, **more: Json) -> Json:
            return {"message": {"role": "user", "parts": [{"kind": "text", "text": text}], **more}}

        yes = words("yes, approved")
        missing = "6a1d4a1c-6f0e-4c43-9a5c-2f0f4d1f7c11"
        for who, method, params, code in (
            (DANA, "message/send", words("approve", taskId=task.id), -32004),
            (DANA, "message/send", words("approve", contextId=task.context_id), -32000),
            (OTHER_DANA, "message/send", words("approve", contextId=task.context_id), -32001),
            (MARA, "message/send", words("approve", contextId=task.context_id), -32001),
            (OTHER_DANA, "tasks/get", {"id": task.id}, -32001),
            (MARA, "tasks/cancel", {"id": task.id}, -32001),
            (DANA, "tasks/get", {"id": f"{task.context_id}.{missing}"}, -32001),
            (DANA, "tasks/get", {"id": "../../threads"}, -32001),
            (DANA, "tasks/approve", {"id": task.id}, -32601),
            (DANA, "message/send", {"message": {"role": "agent", "parts": [{"text": "x"}]}}, -32602),
            (DANA, "message/send", {"message": {"role": "user", "parts": [{"data": {"decision": "approve"}}]}}, -32005),
            (DANA, "message/send", yes | {"configuration": {"pushNotificationConfig": {"url": "http://x"}}}, -32004),
            (DANA, "message/send", {}, -32602),
        ):
            answered = await call(who, method, params)
            assert answered["error"]["code"] == code, (method, answered)
        assert (await call(DANA, "tasks/get", {"id": task.id}, jsonrpc="1.0"))["error"]["code"] == -32600
        assert (await world.call(DANA, "POST", "/a2a", json=[])).json()["error"]["code"] == -32600
        assert (await world.client.post("/a2a", json={})).status_code == 401
        [waiting] = await world.get(MARA, "/approvals", params={"status": "pending"})
        assert waiting["status"] == "pending"

        ended = await client.cancel_task(CancelTaskRequest(id=task.id))
        assert ended.status.state == TaskState.TASK_STATE_CANCELED
        assert (await world.get(DANA, f"/approvals/{waiting['approval_id']}"))["status"] == "recalled"
        assert (await call(DANA, "tasks/cancel", {"id": task.id}))["error"]["code"] == -32002
        assert (await world.find(DANA, "Opportunity", RENEWAL))["StageName"] == "Discovery"
        card = (await world.client.get("/.well-known/agent-card.json")).text
        assert not [name for name in ("northwind", "southridge", "Acme") if name in card]
