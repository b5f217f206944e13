"""What watchers are told: known names, no text, every step once, whatever becomes of it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from trust import telemetry
from trust.telemetry import Ended, Watcher

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Seen:
    """A watcher that keeps everything."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    ended: list[Ended] = field(default_factory=list)

    def watcher(self, *, contents: bool = False) -> Watcher:
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        return Watcher(provider.get_tracer("tests"), self.ended.append, contents=contents)

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def seen() -> Iterator[Seen]:
    kept = Seen()
    with telemetry.watched_by(kept.watcher()):
        yield kept


def test_steps_form_a_tree_and_are_told_with_what_was_noted(seen: Seen) -> None:
    with telemetry.step("run", {telemetry.RUN: "r-1"}, title="invoke_workflow countersign"):
        with telemetry.step("tool", {telemetry.TOOL: "find_record"}) as inner:
            inner.note({telemetry.OUTCOME: "ok", telemetry.AGENT: None})
        telemetry.note({telemetry.RUN_STATUS: "success"})
    outer, inner_span = seen.spans["invoke_workflow countersign"], seen.spans["tool"]
    assert inner_span.parent is not None
    assert inner_span.parent.span_id == outer.context.span_id
    assert dict(inner_span.attributes or {}) == {telemetry.TOOL: "find_record", telemetry.OUTCOME: "ok"}
    assert [(one.name, one.error) for one in seen.ended] == [("tool", None), ("run", None)]
    assert seen.ended[1].notes[telemetry.RUN_STATUS] == "success"


@pytest.mark.parametrize("text", ["Ann Poe", "ann@nowhere.example", "x" * 129, "Ann\nPoe", "Zoë", "", "+1 555 010"])
def test_what_could_be_text_is_not_kept(seen: Seen, text: str) -> None:
    with telemetry.step("tool", {telemetry.TOOL: text}, title=f"execute_tool {text}"):
        telemetry.happened("decision", {telemetry.GUARD: text})
    [span] = seen.exporter.get_finished_spans()
    told = str([span.to_json(), seen.ended])
    assert text not in told or text == ""
    assert (span.attributes or {})[telemetry.TOOL] == telemetry.NAMELESS


def test_a_name_that_is_not_on_the_list_is_refused(seen: Seen) -> None:
    with telemetry.step("tool") as step, pytest.raises(ValueError, match="may be noted"):
        step.note({"user.email": "x"})


def test_an_error_leaves_its_kind_and_none_of_its_words(seen: Seen) -> None:
    with pytest.raises(KeyError), telemetry.step("tool"):
        raise KeyError("Ann Poe")
    span = seen.spans["tool"]
    assert span.status.status_code is StatusCode.ERROR
    assert "Ann" not in span.to_json()
    assert (span.attributes or {})[telemetry.ERROR] == "KeyError"
    assert seen.ended[0].error == "KeyError"


def test_a_cancelled_step_has_not_gone_wrong(seen: Seen) -> None:
    with pytest.raises(asyncio.CancelledError), telemetry.step("tool"):
        raise asyncio.CancelledError
    assert seen.spans["tool"].status.status_code is StatusCode.UNSET
    assert seen.ended[0].notes[telemetry.OUTCOME] == "cancelled"


def test_words_of_models_are_kept_only_where_they_are_wanted(seen: Seen) -> None:
    def refuse() -> str:
        raise AssertionError("nobody asked for it")

    with telemetry.step("chat") as step:
        step.tell(telemetry.INPUT_MESSAGES, refuse)
    with telemetry.watched_by(seen.watcher(contents=True)), telemetry.step("told") as step:
        step.tell(telemetry.INPUT_MESSAGES, lambda: "<<PERSON:ABC>> called")
    assert (seen.spans["told"].attributes or {})[telemetry.INPUT_MESSAGES] == "<<PERSON:ABC>> called"


def test_nothing_is_told_where_nobody_watches(seen: Seen) -> None:
    with telemetry.watched_by(None), telemetry.step("tool") as step:
        step.note({telemetry.TOOL: "find_record"})
        telemetry.happened("decision", {})
        telemetry.note({telemetry.TOOL: "find_record"})
    assert seen.ended == []
    assert seen.spans == {}


def test_a_step_hangs_from_the_place_it_is_given(seen: Seen) -> None:
    with telemetry.step("http", parent=CALLER):
        here = telemetry.traceparent()
        with telemetry.step("run", parent=CALLER, link=here):
            pass
        with telemetry.step("alone", parent=""):
            pass
    run, http, alone = seen.spans["run"], seen.spans["http"], seen.spans["alone"]
    assert run.parent is not None
    assert f"{run.parent.span_id:016x}" == "b7ad6b7169203331"
    assert f"{http.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c" == f"{run.context.trace_id:032x}"
    assert [link.context.span_id for link in run.links] == [http.context.span_id]
    assert alone.parent is None
    assert alone.context.trace_id != http.context.trace_id


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "Ann Poe",
        CALLER[:-1],
        f"{CALLER}-more",
        f"01{CALLER[2:]}",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        CALLER.upper(),
    ],
)
def test_a_malformed_traceparent_is_none(text: str | None) -> None:
    assert telemetry.read_traceparent(text) is None


def test_ids_are_known_as_long_as_the_work_is_about_them() -> None:
    with telemetry.about(request_id="r-1"):
        with telemetry.about(run_id="run-1", tenant="northwind"):
            telemetry.remember(thread_id="t 1")
            assert dict(telemetry.known_ids()) == {
                "request_id": "r-1",
                "run_id": "run-1",
                "tenant": "northwind",
                "thread_id": "?",
            }
        assert dict(telemetry.known_ids()) == {"request_id": "r-1"}
        with telemetry.about(anew=True, run_id="run-2"):
            assert dict(telemetry.known_ids()) == {"run_id": "run-2"}
    assert dict(telemetry.known_ids()) == {}
