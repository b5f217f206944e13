"""What leaves for a provider, seen from the wire: no personal value of the tenant in clear, whatever is said."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr
from sqlalchemy import select

from agents._roster import load_roster
from agents._sealing import NOTE
from api.settings import Settings
from crm.database import Database
from crm.fields import Kind
from crm.ids import TenantId, numbered_id
from crm.personal import PERSONAL, WORD_RUN
from crm.records import Contact
from crm.schema import OBJECT_INFO
from crm.seed.people import ANN_POE, NORTHWIND, SOUTHRIDGE
from tests.crm.test_database import NOW
from tests.openai_stub import Fault, OpenAiStub, openai_stub, text, tool_calls
from tests.service import (
    ADMIN,
    DANA,
    OTHER_DANA,
    SAM,
    Json,
    World,
    held,
    last_answer,
    message,
    open_world,
    tool_results,
)
from tools._catalogue import load_catalogue
from tools._declare import without_ways
from trust.masking.ordinary import ORDINARY
from trust.scopes import ALL_SCOPES

PLANTED = [
    ("Will", "May", "will.may@acme-industries.example", "+1 617 555 0142"),
    ("Mark", "Price", "mark@price.example", "555-0199"),
    ("Jean-Luc", "O'Brien", "jl@obrien.example", "(030) 1234567"),
    ("Zoë", "van der Berg", None, "+49 30 901820"),
    ("Open", "Case", "open@case.example", None),
]
"""Names that are words, have parts, marks, or are the CRM's own words."""

VOCABULARY = {
    word
    for info in OBJECT_INFO.values()
    for text_ in (info.name, *info.fields, *(value for spec in info.fields.values() for value in spec.values))
    for word in WORD_RUN.findall(text_)
}


@asynccontextmanager
async def world_on(settings: Settings, stub: OpenAiStub, **more: Any) -> AsyncIterator[World]:
    given = {"model": "openai:gpt-test", "model_base_url": stub.url, "model_api_key": SecretStr("sk-stub"), **more}
    async with open_world(settings.model_copy(update=given)) as world:
        await plant(world.service.database)
        yield world


async def plant(database: Database) -> None:
    for tenant in (NORTHWIND, SOUTHRIDGE):
        async with database.session(tenant, write=True) as session:
            for number, (first, last, email, phone) in enumerate(PLANTED, 900_000):
                other = "" if tenant == NORTHWIND else "son"
                session.add(
                    Contact(
                        Id=numbered_id("003", number),
                        FirstName=first,
                        LastName=last + other,
                        Email=email,
                        Phone=phone,
                        AccountId=numbered_id("001", 1),
                        CreatedDate=NOW,
                        LastModifiedDate=NOW,
                        SystemModstamp=NOW,
                    )
                )


@dataclass(frozen=True)
class Values:
    """Every personal value of a tenant, as the columns have it."""

    exact: frozenset[str]
    """Addresses, numbers and codes."""
    words: frozenset[str]

    def leaks(self, prompt: str) -> list[str]:
        """Values that stand in a prompt in clear."""
        bare = re.sub(r"<<[A-Z]+:[A-Z2-7]{10}>>", " \0 ", prompt)
        found = [value for value in self.exact if value.casefold() in bare.casefold()]
        present = set(WORD_RUN.findall(bare))
        return found + sorted(self.words & present)


async def values_of(database: Database, tenant: TenantId) -> Values:
    exact: set[str] = set()
    words: set[str] = set()
    async with database.session(tenant) as session:
        for name, fields in PERSONAL.items():
            info = OBJECT_INFO[name]
            for record in await session.scalars(select(info.record_type)):
                for field in fields:
                    value = getattr(record, field)
                    if not value:
                        continue
                    if info.fields[field].kind in (Kind.EMAIL, Kind.PHONE) or "@" in value or "-0" in value:
                        exact.add(value)
                    else:
                        words |= set(WORD_RUN.findall(value))
    telling = {word for word in words if len(word) > 1 and not word.isdigit()}
    return Values(
        frozenset(exact), frozenset(telling - VOCABULARY - {w for w in telling if w.islower() & (w in ORDINARY)})
    )


def prompt_of(request: Json) -> str:
    """What a request says of the tenant: its messages, without the lines that the service says to everybody."""
    own = {line for agent in load_roster().values() for line in agent.instructions.split("\n")} | set(NOTE.split("\n"))
    known = {json.dumps(without_ways(tool.schema), sort_keys=True) for tool in load_catalogue().values()}
    for tool in request.get("tools", []):
        assert tool["function"]["name"] == "choose_agent" or json.dumps(tool, sort_keys=True) in known
    parts: list[str] = []
    for one in request["messages"]:
        lines = str(one.get("content") or "").split("\n")
        parts += [line for line in lines if line not in own and not _is_rules(line)]
        parts += [call["function"]["arguments"] for call in one.get("tool_calls") or ()]
    return "\n".join(json.dumps(json.loads(p), ensure_ascii=False) if p.startswith("{") else p for p in parts)


def _is_rules(line: str) -> bool:
    head = line.partition(":")[0]
    return head in OBJECT_INFO or line.startswith(("You are the ", "Use only what", "Today is", "Records you can use"))


def tokens_in(content: Any) -> list[str]:
    return re.findall(r"<<[A-Z]+:[A-Z2-7]{10}>>", json.dumps(content, ensure_ascii=False))


def last_of(request: Json, role: str) -> str:
    return str(next(m["content"] for m in reversed(request["messages"]) if m["role"] == role))


def reads_everything(place: int) -> Callable[[Json], list[Json]]:
    objects = list(OBJECT_INFO)[place : place + 10]
    return lambda request: tool_calls(*(("query_records", {"object": name, "limit": 40}) for name in objects))


async def test_no_personal_value_leaves_and_the_person_sees_them_all(settings: Settings) -> None:
    def show(request: Json) -> list[Json]:
        fields = json.loads(last_of(request, "tool"))["result"]["fields"]
        return text(f"{fields['FirstName']} {fields['LastName']}, {fields['Email']}, {fields['Phone']}")

    def change(request: Json) -> list[Json]:
        [phone] = [one for one in tokens_in(last_of(request, "user")) if "PHONE" in one]
        changed = {"object": "Contact", "record_id": ANN_POE.contact_id, "fields": {"Phone": phone}}
        return tool_calls(("update_record", changed))

    def echo(request: Json) -> list[Json]:
        return text(" ".join(list(dict.fromkeys(tokens_in(request["messages"])))[-90:]))

    get = tool_calls(("get_record", {"object": "Contact", "record_id": ANN_POE.contact_id, "related": ["Case"]}))
    timeline = tool_calls(("activities_timeline", {"record_id": numbered_id("001", 1), "since": "2020-01-01"}))
    answers = [get, show, change, echo, *map(reads_everything, (0, 10, 20)), timeline, echo]
    with openai_stub(*answers) as stub:
        async with world_on(settings, stub) as world:
            values = await values_of(world.service.database, NORTHWIND)
            assert {"Will", "Mark", "Luc", "Zoë", "Dana", "Whitlock"} <= values.words
            thread = await world.open_thread(DANA)
            context = {"context": {"instructions": "Write to Mark as Zoë van der Berg would, at jl@obrien.example."}}
            said = (
                "show the contact Ann Poe, ann.poe@acme-industries.example, for Will and MARK, not <<NAME:ABCDEFGHIJ>>"
            )
            shown = last_answer(await world.say(DANA, thread, said, **context))
            assert shown.startswith("Ann Poe, ann.poe@acme-industries.example")
            state = await world.say(DANA, thread, "change poe's phone to +1 617 555 0177, Will May says")
            [approval] = held(state)
            assert approval["card"]["changes"][0]["fields"][0]["new"] == "+1 617 555 0177"
            decided = await world.resume(DANA, thread, {"type": "approve"})
            assert "+1 617 555 0177" in last_answer(decided.json())
            state = await world.say(DANA, thread, "now show all records of Jean-Luc O'Brien", **context)
            assert "O'Brien" in json.dumps(tool_results(state))
            answer = last_answer(state)
            assert "hidden]" not in answer
            assert tokens_in(answer) == []

            assert len(stub.requests) == len(answers)
            for request in stub.requests:
                assert values.leaks(prompt_of(request)) == []
            after = await values_of(world.service.database, NORTHWIND)
            assert "+1 617 555 0177" in after.exact
            assert after.leaks(prompt_of(stub.requests[-1])) == []
            # The test can fail: the same conversation, as the person sees it, is full of them.
            assert len(values.leaks(json.dumps(state, ensure_ascii=False))) > 20
            assert values.leaks("write to Ann Poe") == ["Ann", "Poe"]

            [*_, turn] = await world.get(ADMIN, "/audit", params={"kind": "turn.finished", "limit": 500})
            assert [sorted(one) for one in turn["payload"]["asked"]] == [["answer", "model", "prompt", "tokens"]] * 5
            assert values.leaks(json.dumps(turn["payload"]["asked"])) == []


async def test_a_customer_and_another_tenant_are_masked_alike(settings: Settings) -> None:
    with openai_stub(lambda request: text(" ".join(tokens_in(request["messages"])) or "nothing")) as stub:
        async with world_on(settings, stub) as world:
            world.tokens["ann"] = world.service.authenticator.issue(NORTHWIND, ANN_POE.contact_id, ALL_SCOPES)
            for who, tenant in (("ann", NORTHWIND), (SAM, NORTHWIND), (OTHER_DANA, SOUTHRIDGE)):
                thread = await world.open_thread(who)
                values = await values_of(world.service.database, tenant)
                answer = last_answer(await world.say(who, thread, "show my open cases, says Will Mayson to Will May"))
                assert "Will" in answer
                assert values.leaks(prompt_of(stub.requests[-1])) == []
            # A name of the other tenant is nobody's here: the index says nothing about it.
            assert "Mayson" in prompt_of(stub.requests[0])
            assert "Mayson" not in prompt_of(stub.requests[2])


async def test_only_revealed_text_is_streamed_and_no_placeholder(settings: Settings) -> None:
    get = tool_calls(("get_record", {"object": "Contact", "record_id": ANN_POE.contact_id}))

    def pieces(request: Json) -> list[Json]:
        first, last, *_ = tokens_in(last_of(request, "tool"))
        words = f"Say hello to {first} {last}, <<NAME:QQQQQQQQQQ>> or <<NAME:"
        return [{"content": words[place : place + 5]} for place in range(0, len(words), 5)]

    with openai_stub(get, pieces) as stub:
        async with world_on(settings, stub) as world:
            thread = await world.open_thread(DANA)
            body = message("show the contact Ann Poe", stream_mode=["messages-tuple", "messages", "updates", "custom"])
            answer = await world.call(DANA, "POST", f"/threads/{thread}/runs/stream", json=body)
            assert not re.search(r"<<[A-Z]+:[A-Z2-7]{10}>>", answer.text)
            assert "countersign.piece" not in answer.text
            events = list(_events(answer.text))
            streamed = "".join(
                data[0]["content"]
                for name, data in events
                if name == "messages" and data[0]["type"] == "AIMessageChunk"
            )
            assert streamed.startswith("Say hello to Ann Poe")
            assert streamed.replace("\\", "").endswith("[name hidden] or <<NAME:")
            state = await world.get(DANA, f"/threads/{thread}/state")
            assert last_answer(state["values"]) == streamed
            called = [
                data[0]["tool_calls"] for name, data in events if name == "messages" and data[0].get("tool_calls")
            ]
            assert called[0][0]["args"] == {"object": "Contact", "record_id": ANN_POE.contact_id}


def _events(stream: str) -> Iterator[tuple[str, Any]]:
    for frame in stream.split("\n\n"):
        lines = frame.splitlines()
        if frame.startswith("event") and len(lines) > 1:
            yield lines[0][7:], json.loads(lines[1][6:])


async def test_an_admin_decides_what_leaves_and_the_audit_tells(settings: Settings) -> None:
    get = tool_calls(("query_records", {"object": "Case", "limit": 3, "fields": ["Subject", "Status"]}))

    def repeat(request: Json) -> list[Json]:
        return text(json.loads(last_of(request, "tool"))["result"]["records"][0]["Subject"])

    with openai_stub(get, repeat, text("Fine."), text("never")) as stub:
        async with world_on(settings, stub, model_retries=0) as world:
            assert (await world.call(DANA, "GET", "/admin/gateway")).status_code == 403
            assert (await world.get(ADMIN, "/admin/gateway"))["personal"] == "masked"
            clear = await world.call(ADMIN, "PATCH", "/admin/gateway", json={"personal": "clear"})
            assert (clear.status_code, clear.json()["type"]) == (422, "urn:countersign:problem:rules")
            assert [one["field"] for one in clear.json()["errors"]] == ["personal"]

            await change(world, outside_text="withhold")
            thread = await world.open_thread(DANA)
            state = await world.say(DANA, thread, "show the open cases")
            subject = tool_results(state)[0]["result"]["records"][0]["Subject"]
            assert last_answer(state).strip() == subject
            sent = prompt_of(stub.requests[1])
            assert subject not in sent
            assert "<<TEXT:" in sent

            await change(world, user_calls_per_day=2, run_calls=None)
            stream = await world.call(DANA, "POST", f"/threads/{thread}/runs/stream", json=message("show the accounts"))
            [error] = [data for name, data in _events(stream.text) if name == "error"]
            assert error["error"] == "Budget"
            assert (error["type"], error["status"]) == ("urn:countersign:problem:budget", 429)
            assert error["message"].startswith("your model budget is used up (2 of 2 calls); it starts anew at ")
            assert error["resets_at"].endswith("T00:00:00Z")
            assert len(stub.requests) == 2
            await change(world, user_calls_per_day=None)
            assert last_answer(await world.say(DANA, thread, "show the accounts")).strip() == "Fine."
            assert (await world.get(ADMIN, "/admin/gateway"))["used"]["calls"] == 3

            await change(world, model="offline")
            assert "Acme" in last_answer(await world.say(DANA, thread, "show the open cases of Acme Industries"))
            assert len(stub.requests) == 3

            told = await world.get(ADMIN, "/audit", params={"kind": "gateway.changed"})
            assert [sorted(one["payload"]["changed"]) for one in told] == [
                ["outside_text"],
                ["run_calls", "user_calls_per_day"],
                ["user_calls_per_day"],
                ["model"],
            ]


async def change(world: World, **rules: Any) -> None:
    answer = await world.call(ADMIN, "PATCH", "/admin/gateway", json=rules)
    assert answer.status_code == 200, answer.text


async def test_the_fallback_has_an_address_and_a_key_of_its_own(settings: Settings) -> None:
    with openai_stub(Fault(401)) as broken, openai_stub(text("From the second.")) as second:
        more = {
            "fallback_model": "openai:other",
            "fallback_model_base_url": second.url,
            "fallback_model_api_key": SecretStr("sk-second"),
        }
        async with world_on(settings, broken, **more) as world:
            thread = await world.open_thread(DANA)
            answer = last_answer(await world.say(DANA, thread, "show the accounts of Ann Poe"))
            assert answer.strip() == "From the second."
            assert len(broken.requests) == 1
            assert second.headers[0]["authorization"] == "Bearer sk-second"
            assert second.requests[0]["store"] is False
            assert tokens_in(last_of(second.requests[0], "user"))
