"""No personal value of the tenants' records is in what is logged at debug, traced, or counted."""

import io
import json
import logging
import re
from pathlib import Path
from urllib.parse import quote

from langchain_core.messages import AIMessage
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import select

from agents._scripted import ScriptedModel
from api.settings import Settings
from api.telemetry.logs import OURS, set_up_logs
from crm.database import Database, DatabaseConfig
from crm.ids import TenantId
from crm.personal import PERSONAL
from crm.schema import OBJECT_INFO
from tests.service import ADMIN, DANA, MARA, RENEWAL, World, calls, held, open_world, script, settings_for

TOKEN = "what-the-scraper-sends"
SAID = {"Quarfax", "zeb.quarfax@nowhere.example", "Zebulon"}
"""What people say in the conversation, and stands in no record."""


async def personal_values(database: Database) -> set[str]:
    """Names, addresses and numbers of all people in all tenants' records, whole and a word of a name at a time."""
    found: set[str] = set()
    for tenant in await database.tenants():
        async with database.session(TenantId(tenant)) as session:
            for name, fields in PERSONAL.items():
                for record in await session.scalars(select(OBJECT_INFO[name].record_type)):
                    found |= {str(value) for field in fields if (value := getattr(record, field))}
    words = {word for value in found if "@" not in value for word in value.split() if word.isalpha()}
    return {value for value in found | words if len(value) >= 3}


async def work_through(world: World) -> None:
    """A search by a person's name, a held letter, an approval, a refusal, a note, an error nobody foresaw."""
    thread = await world.open_thread(DANA)
    await world.say(DANA, thread, "who is Ann Poe? Zebulon Quarfax <zeb.quarfax@nowhere.example> asks")
    for approval in held(await world.say(DANA, await world.open_thread(DANA), f"move the {RENEWAL} to Negotiation")):
        await world.decide(MARA, approval, "approve")
    await world.say(DANA, thread, "draft an email to Ann Poe", multitask_strategy="interrupt")
    await world.say(DANA, thread, "remind me to call Ann Poe tomorrow", multitask_strategy="interrupt")
    await world.call(DANA, "GET", "/records/Contact?name=Ann%20Poe")
    await world.call(DANA, "POST", "/threads/search", json={"metadata": {"title": "Ann Poe"}, "limit": "Ann Poe"})
    await world.call(DANA, "GET", "/Ann%20Poe/Quarfax")
    await world.call(ADMIN, "GET", "/audit")


def break_down(world: World) -> None:
    async def unforeseen(*args: object, **more: object) -> None:
        raise LookupError("Ann Poe, zeb.quarfax@nowhere.example")

    object.__setattr__(world.service.runner.desk, "admit", unforeseen)


async def everything_told(settings: Settings, model: ScriptedModel | None = None) -> tuple[str, str, str]:
    """Logs at debug, spans and metrics of the whole conversation, and of a run that fails."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    root = logging.getLogger()
    before, stream = (root.handlers, root.level), io.StringIO()
    set_up_logs("debug", "json", stream)
    root.setLevel(logging.DEBUG)  # as if somebody had turned every library up
    try:
        async with open_world(settings, tracer=provider.get_tracer("tests"), model=model) as world:
            await work_through(world)
            break_down(world)
            failed = await world.say(DANA, await world.open_thread(DANA), "who is Ann Poe?")
            assert failed["__error__"]["error"] == "InternalError"
            scraped = await world.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    finally:
        root.handlers, root.level = before[0], before[1]
        for name in OURS:
            logging.getLogger(name).setLevel(logging.NOTSET)
    spans = "\n".join(span.to_json() for span in exporter.get_finished_spans())
    return stream.getvalue(), spans, scraped.text


def found_in(text: str, values: set[str]) -> set[str]:
    """Those of the values that stand in the text as words, however it writes its letters."""
    forms = {form: value for value in values for form in (value, json.dumps(value)[1:-1], quote(value))}
    return {
        value for form, value in forms.items() if form in text and re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text)
    }


async def test_no_personal_value_is_told(seeded_config: DatabaseConfig, tmp_path: Path, seeded: Database) -> None:
    values = await personal_values(seeded) | SAID
    assert len(values) > 300
    assert values >= {"Ann", "Poe"}
    settings = settings_for(seeded_config, tmp_path, metrics_token=TOKEN)
    logs, spans, metrics = await everything_told(settings)
    assert logs.count("\n") > 15
    assert '"reference"' in logs
    assert spans.count('"name"') > 40
    assert 'countersign_ledger_settled_total{outcome="applied"} 1.0' in metrics
    assert [found_in(text, values) for text in (logs, spans, metrics)] == [set(), set(), set()]


async def test_contents_are_traced_only_where_wanted_and_then_masked(
    seeded_config: DatabaseConfig, tmp_path: Path
) -> None:
    for wanted in (False, True):
        folder = tmp_path / str(wanted)
        settings = settings_for(seeded_config, folder, metrics_token=TOKEN, traces_contents=wanted)
        model = script(
            calls(("find_records", {"object": "Contact", "limit": 5})), *[AIMessage("I have called them.")] * 20
        )
        _, spans, _ = await everything_told(settings, model)
        assert ("gen_ai.input.messages" in spans) is wanted
        assert ("I have called them." in spans) is wanted
        assert bool(re.search(r"<<[A-Z]+:\w{10}", spans)) is wanted
        assert found_in(spans, {"Ann Poe", "zeb.quarfax@nowhere.example"}) == set()
