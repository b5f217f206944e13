"""From a rep's words to a letter in the outbox folder, through HTTP; on both databases."""

from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

from tests.service import ADMIN, DANA, ELI, MARA, OTHER_DANA, RENEWAL, World, held, last_answer, tool_results


def letters(world: World) -> list[Path]:
    return sorted((world.service.settings.data_dir / "outbox").glob("*.eml"))


async def test_a_rep_drafts_and_a_manager_lets_it_out(world: World) -> None:
    thread = await world.open_thread(DANA)
    values = await world.say(DANA, thread, f"draft an email to Ann Poe about the {RENEWAL}")
    [draft] = held(values)
    assert (await world.decide(DANA, draft, "approve")).json()["approval"]["status"] == "applied"
    values = await world.say(DANA, thread, "send it")
    [approval] = held(values)
    assert approval["tool"] == "send_email"
    message = approval["card"]["message"]
    assert [one["address"] for one in message["recipients"]] == ["ann.poe@acme-industries.example"]
    description = values["__interrupt__"][0]["value"]["action_requests"][0]["description"]
    assert "  To: Ann Poe <ann.poe@acme-industries.example>" in description
    assert all(f"  | {line}" in description for line in message["body"].split("\n"))
    assert (await world.decide(DANA, approval, "approve")).status_code == 403, "no second person"
    assert letters(world) == []

    decided = await world.decide(MARA, approval, "approve")
    assert decided.json()["approval"]["status"] == "applied", decided.text
    values = (await world.get(DANA, f"/threads/{thread}/state"))["values"]
    assert tool_results(values)[-1]["result"]["outbox_id"]
    assert last_answer(values).startswith("Handed over to be delivered")
    for _ in range(3):
        await world.service.postman.deliver_due()
    [mail] = await world.get(DANA, "/outbox", params={"status": "sent"})
    [path] = letters(world)
    assert mail["outbox_id"] in path.name
    letter = message_from_bytes(path.read_bytes(), policy=SMTP)
    assert letter["Message-ID"] == mail["message_id"]
    assert letter.get_content().replace("\r\n", "\n").strip("\n") == message["body"]
    trail = [one["kind"] for one in await world.get(ADMIN, "/audit", params={"subject": mail["outbox_id"]})]
    assert trail == ["mail.sent"]

    assert [one["outbox_id"] for one in await world.get(ADMIN, "/outbox")] == [mail["outbox_id"]]
    narrow = await world.post(ADMIN, "/admin/api-keys", {"name": "x", "scopes": ["crm:read", "crm:send"]})
    assert (await world.client.get("/outbox", headers={"x-api-key": narrow["key"]})).json() == []
    for stranger in (ELI, OTHER_DANA):
        assert await world.get(stranger, "/outbox") == []
        for what in ("retry", "confirm"):
            assert (await world.call(stranger, "POST", f"/outbox/{mail['outbox_id']}/{what}")).status_code == 404
    for what in ("retry", "confirm"):
        assert (await world.call(DANA, "POST", f"/outbox/{mail['outbox_id']}/{what}")).status_code == 409
    values = await world.say(DANA, thread, "send the draft to Ann Poe")
    assert held(values) == []
    assert "no draft to" in last_answer(values)
