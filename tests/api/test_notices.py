"""People who want it are written to: about what concerns them, once, with a link and without a value."""

from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage

from api.settings import Settings
from crm.seed.people import staff_id
from tests.service import DANA, ELI, MARA, World, calls, held, open_world, script

Json = Any
RENEWAL_ID = "006CS0000000001YAA"
VICTOR, OTHER_MARA = "victor@northwind.example", "mara@southridge.example"
DONE = AIMessage("Done.")
UPDATE = calls(
    ("update_record", {"object": "Opportunity", "record_id": RENEWAL_ID, "fields": {"NextStep": "Call Ann Bolton"}})
)


class Clock:
    now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def writing(settings: Settings, folder: Path) -> Settings:
    more = {"notice_from": "inbox@crm.example", "public_url": "https://crm.example", "outbox_dir": folder / "mails"}
    return settings.model_copy(update=more)


def letters(folder: Path) -> list[tuple[str, str, str]]:
    """(recipient, subject, text) of what was delivered."""
    found = []
    for file in sorted((folder / "mails").glob("*.eml")):
        mail = message_from_string(file.read_text(), policy=policy.default)
        body = mail.get_body()
        assert body is not None
        assert str(mail["from"]) == "Countersign <inbox@crm.example>"
        found.append((str(mail["to"]), str(mail["subject"]), str(body.get_content())))
    return found


async def want(world: World, how: str, *people: str) -> None:
    await world.service.announcer.stop()
    for who in people:
        assert (await world.call(who, "PUT", "/me/notices", json={"how": how})).json()["how"] == how


async def requested(world: World, who: str = DANA) -> Json:
    return held(await world.say(who, await world.open_thread(who), "change the opportunity"))[0]


async def test_those_who_may_decide_are_told_and_nobody_else(settings: Settings, tmp_path: Path) -> None:
    async with open_world(writing(settings, tmp_path), model=script(UPDATE, DONE)) as world:
        assert await world.get(MARA, "/me/notices") == {"how": "off", "is_sent": True}
        await want(world, "each", DANA, ELI, MARA, OTHER_MARA)
        approval = await requested(world)
        for _ in range(2):
            await world.service.announcer.make_round()
        [(to, subject, text)] = letters(tmp_path)
        assert to == "mara@northwind.example"
        assert subject == "A request in Countersign"
        assert f"update_record on Opportunity {RENEWAL_ID}" in text
        assert f"https://crm.example/console/#/approvals/{approval['approval_id']}" in text
        assert "Ann" not in text
        assert "Acme" not in text
        await world.decide(MARA, approval, "approve")
        await world.service.announcer.make_round()
        told = [text for to, _, text in letters(tmp_path) if to == "dana@northwind.example"]
        assert len(told) == 1, "what was decided and carried out comes in one letter"
        assert "was decided" in told[0]
        assert "was carried out" in told[0]


async def test_what_is_decided_before_it_could_be_told_is_not_told(settings: Settings, tmp_path: Path) -> None:
    async with open_world(writing(settings, tmp_path), model=script(UPDATE, UPDATE, DONE, DONE)) as world:
        await want(world, "each", MARA, VICTOR)
        first, second = await requested(world), await requested(world)
        await world.decide(DANA, first, "approve")
        await world.call(MARA, "PUT", "/me/notices", json={"how": "off"})
        await world.service.announcer.make_round()
        assert [(to, second["approval_id"] in text) for to, _, text in letters(tmp_path)] == [
            ("victor@northwind.example", True)
        ]


async def test_a_digest_comes_once_a_day(settings: Settings, tmp_path: Path) -> None:
    clock = Clock()
    async with open_world(writing(settings, tmp_path), model=script(UPDATE, UPDATE), clock=clock) as world:
        await want(world, "daily", MARA)
        await requested(world)
        await requested(world)
        await world.service.announcer.make_round()
        assert letters(tmp_path) == []
        clock.now += timedelta(days=1)
        await world.service.announcer.make_round()
        [(_, subject, text)] = letters(tmp_path)
        assert subject == "2 requests in Countersign"
        assert text.count("https://crm.example/console/#/approvals/") == 2


async def test_whom_it_is_put_before_is_told(settings: Settings, tmp_path: Path) -> None:
    async with open_world(writing(settings, tmp_path), model=script(UPDATE)) as world:
        approval = await requested(world)
        await want(world, "each", VICTOR, ELI)
        path = f"/approvals/{approval['approval_id']}/reassign"
        for _ in range(2):
            await world.post(MARA, path, {"to": staff_id("victor")})
        await world.service.announcer.make_round()
        [(to, _, text)] = letters(tmp_path)
        assert to == "victor@northwind.example"
        assert "was put before you" in text


async def test_without_a_sender_nobody_is_written_to(settings: Settings, tmp_path: Path) -> None:
    async with open_world(settings, model=script(UPDATE)) as world:
        assert (await world.get(MARA, "/me/notices"))["is_sent"] is False
        await want(world, "each", MARA)
        await requested(world)
        await world.service.announcer.make_round()
        assert letters(tmp_path) == []
        refused = await world.call(MARA, "PUT", "/me/notices", json={"how": "often"})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "how")
