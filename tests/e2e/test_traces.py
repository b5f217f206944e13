"""One tree per run, however long it rests and whoever goes on with it, and what hangs in it."""

from collections.abc import Sequence
from pathlib import Path

from langchain_core.messages import AIMessage
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from api.settings import Settings
from tests.service import DANA, MARA, OTHER_DANA, RENEWAL, calls, held, message, open_world, script
from trust import telemetry

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def tracing() -> tuple[InMemorySpanExporter, Tracer]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter, provider.get_tracer("tests")


def trees(spans: Sequence[ReadableSpan], trace_id: str) -> list[str]:
    """A trace as indented lines; what hangs from a span outside stands at the left."""
    mine = sorted(
        (one for one in spans if f"{one.context.trace_id:032x}" == trace_id), key=lambda one: one.start_time or 0
    )
    known = {one.context.span_id for one in mine}

    def below(parent: int | None, depth: int) -> list[str]:
        lines = []
        for one in mine:
            above = one.parent.span_id if one.parent is not None and one.parent.span_id in known else None
            if above == parent:
                lines += ["  " * depth + one.name, *below(one.context.span_id, depth + 1)]
        return lines

    return below(None, 0)


def of(spans: Sequence[ReadableSpan], name: str) -> list[ReadableSpan]:
    return [one for one in spans if one.name == name]


async def test_a_run_that_is_held_and_decided_is_one_tree(settings: Settings) -> None:
    exporter, tracer = tracing()
    async with open_world(settings, tracer=tracer) as world:
        thread = await world.open_thread(DANA)
        exporter.clear()
        asked = await world.call(
            DANA,
            "POST",
            f"/threads/{thread}/runs/wait",
            json=message(f"move the {RENEWAL} to Negotiation"),
            headers={"traceparent": CALLER},
        )
        [approval] = held(asked.json())
    # Another process, some other day: all it knows of the trace is what stands with the run.
    async with open_world(settings, tracer=tracer) as world:
        decided = await world.decide(MARA, approval, "approve")
        assert decided.json()["approval"]["status"] == "applied"
    spans = exporter.get_finished_spans()
    lines = trees(spans, "0af7651916cd43dd8448eb211c80319c")
    text = "\n".join(lines)
    assert lines[0] == "POST /threads/{thread_id}/runs/wait"
    assert [line for line in lines if not line.startswith(" ")] == [lines[0]], text
    first, second = [place for place, line in enumerate(lines) if line.strip() == "invoke_workflow countersign"]
    assert lines[first] == lines[second] == "  invoke_workflow countersign"
    before, after = lines[first:second], lines[second:]
    assert "    route" in before
    assert "    invoke_agent sales" in before
    assert "      chat offline" in before
    assert "    guard update_record" in before
    assert "      execute_tool update_record" in before
    assert "    execute_tool find_record" in text or "    execute_tool find_records" in text, text
    assert "    hold update_record" in after
    assert "    ledger" in after
    assert after.index("    ledger") > after.index("    hold update_record")
    assert not [one.name for one in spans if one.status.status_code is StatusCode.ERROR]

    ran, resumed = of(spans, "invoke_workflow countersign")
    assert (ran.attributes or {})[telemetry.RESTS] is True
    assert (resumed.attributes or {})[telemetry.RESTS] is False
    decision = next(one for one in spans if one.name.endswith("/decision"))
    assert [link.context.span_id for link in resumed.links] == [decision.context.span_id]
    assert decision.context.trace_id != ran.context.trace_id
    [guard] = of(spans, "guard update_record")
    asked_for = [dict(event.attributes or {})[telemetry.DECISION] for event in guard.events]
    assert asked_for == ["allow", "allow", "hold"]  # to be worked out, to be proposed, with the change in sight


async def test_spans_carry_the_conventions_for_generative_ai(settings: Settings) -> None:
    exporter, tracer = tracing()
    async with open_world(settings, tracer=tracer) as world:
        thread = await world.open_thread(DANA)
        exporter.clear()
        await world.say(DANA, thread, "show the open cases of Acme Industries")
    spans = exporter.get_finished_spans()
    operations = {str((one.attributes or {}).get(telemetry.OPERATION)) for one in spans} - {"None"}
    assert operations == {"invoke_workflow", "plan", "invoke_agent", "chat", "execute_tool"}
    [workflow] = of(spans, "invoke_workflow countersign")
    noted = dict(workflow.attributes or {})
    assert noted[telemetry.CONVERSATION] == thread
    assert noted[telemetry.TENANT] == "northwind"
    assert noted[telemetry.RUN_STATUS] == "success"
    chat = of(spans, "chat offline")[0]
    assert (
        dict(chat.attributes or {}).items() >= {telemetry.PROVIDER: "countersign", telemetry.MODEL: "offline"}.items()
    )
    [served] = of(spans, "POST /threads/{thread_id}/runs/wait")
    assert served.kind is SpanKind.SERVER
    assert noted[telemetry.REQUEST_ID] == dict(served.attributes or {})[telemetry.REQUEST_ID]


async def test_searching_articles_is_retrieval(settings: Settings) -> None:
    exporter, tracer = tracing()
    model = script(calls(("search_knowledge", {"query": "warranty"})), AIMessage("Nothing."))
    async with open_world(settings, tracer=tracer, model=model) as world:
        thread = await world.open_thread(DANA)
        await world.say(DANA, thread, "how long does the warranty last?")
    lines = "\n".join(
        f"{one.name} {(one.attributes or {}).get(telemetry.OPERATION)}" for one in exporter.get_finished_spans()
    )
    assert "retrieval retrieval" in lines, lines


async def test_a_denial_names_its_guard_and_no_words_of_the_model(settings: Settings) -> None:
    exporter, tracer = tracing()
    model = script(calls(("Quarfax", {}), ("delete_everything_of_Ann_Poe", {})), AIMessage("So be it."))
    async with open_world(settings, tracer=tracer, model=model) as world:
        thread = await world.open_thread(DANA)
        await world.say(DANA, thread, "show the open cases of Acme Industries")
    spans = exporter.get_finished_spans()
    guards = [one for one in spans if one.name.startswith("guard ")]
    assert [one.name for one in guards] == ["guard ?", "guard ?"]
    assert [dict(event.attributes or {})[telemetry.GUARD] for one in guards for event in one.events] == [
        "agent_tools"
    ] * 2
    assert "Quarfax" not in "".join(one.to_json() for one in spans)


async def test_two_tenants_runs_are_two_trees(settings: Settings) -> None:
    exporter, tracer = tracing()
    async with open_world(settings, tracer=tracer) as world:
        for who in (DANA, OTHER_DANA):
            await world.say(who, await world.open_thread(who), "show the open cases of Acme Industries")
    runs = of(exporter.get_finished_spans(), "invoke_workflow countersign")
    assert {str((one.attributes or {})[telemetry.TENANT]) for one in runs} == {"northwind", "southridge"}
    assert len({one.context.trace_id for one in runs}) == 2


async def test_runs_of_one_conversation_do_not_hang_from_each_other(settings: Settings) -> None:
    """The worker of a thread lives in the context of whoever woke it; what it works on has its own."""
    exporter, tracer = tracing()
    async with open_world(settings, tracer=tracer) as world:
        thread = await world.open_thread(DANA)
        for _ in range(2):
            more = {"multitask_strategy": "enqueue"}
            response = await world.call(DANA, "POST", f"/threads/{thread}/runs", json=message("show my tasks", **more))
            assert response.status_code == 200, response.text
        await world.call(DANA, "GET", f"/threads/{thread}/runs/{response.json()['run_id']}/join")
    runs = of(exporter.get_finished_spans(), "invoke_workflow countersign")
    accepted = of(exporter.get_finished_spans(), "POST /threads/{thread_id}/runs")
    assert [one.parent.span_id for one in runs if one.parent] == [one.context.span_id for one in accepted]
    assert len({one.context.trace_id for one in runs}) == 2


async def test_without_a_tracer_nothing_is_kept_of_traces(settings: Settings, tmp_path: Path) -> None:
    async with open_world(settings) as world:
        thread = await world.open_thread(DANA)
        await world.say(DANA, thread, "show the open cases of Acme Industries")
        [run] = await world.get(DANA, f"/threads/{thread}/runs")
        _, principal = await world.service.authenticator.login_for_development(DANA, None)
        kept = await world.service.conversations.get_run(principal, thread, run["run_id"])
    assert set(kept.request["origin"]) == {"request_id"}
