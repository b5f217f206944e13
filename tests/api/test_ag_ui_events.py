"""A run's stored events as those of AG-UI: in an order that clients read on after, and none that a record wrote."""

from typing import Any

import pytest

from api.ag_ui_wire import Teller, frame
from graphs._log import StreamEvent
from tests.api.ag_ui_client import check_order, read_events

Json = Any


def tell(*events: tuple[str, Json]) -> list[Any]:
    teller = Teller("t", "r")
    told = [teller.begin()]
    for seq, (name, data) in enumerate(events, 1):
        told += teller.take(StreamEvent(seq, name, data))
    check_order(told)
    return told


def chunk(message_id: str, text: str, **more: Json) -> tuple[str, Json]:
    return "messages", [{"type": "AIMessageChunk", "id": message_id, "content": text, **more}, {}]


def started(name: str) -> tuple[str, Json]:
    return "events", {"event": "on_chain_start", "name": name}


END = ("end", {"status": "success"})


def test_workers_side_by_side_and_attempts_that_broke_off_keep_the_order() -> None:
    call = {"tool_calls": [{"id": "c", "name": "x", "args": {}}]}
    told = tell(
        started("agent"), chunk("a", "be"), chunk("b", "side"), chunk("a", "gin"), started("agent"),
        ("metadata", {"attempt": 2}), started("agent"), chunk("d", "again", **call), chunk("d", "", **call),
        ("values", {"messages": [], "route": {"kind": "agent"}}), started("reply"), END, chunk("e", "late"), END,
    )  # fmt: skip
    assert [one.type.value for one in told].count("TOOL_CALL_START") == 1
    assert told[-1].outcome.type == "success"


@pytest.mark.parametrize("status", ["interrupted", "timeout", "parked"])
def test_a_run_that_is_stopped_or_fails_ends_as_what_it_is(status: str) -> None:
    told = tell(started("agent"), chunk("a", "half"), ("end", {"status": status}))
    expected = "RUN_FINISHED" if status == "interrupted" else "RUN_ERROR"
    assert told[-1].type.value == expected
    assert status != "interrupted" or told[-1].outcome.type == "cancelled"
    failed = tell(chunk("a", "half"), ("error", {"error": "Model", "message": "no"}), ("end", {"status": "error"}))
    assert (failed[-1].code, failed[-1].message) == ("Model", "no")


@pytest.mark.parametrize("line", ["\u2028", "\u2029", "\x85", "\n\n", "\r\n\r\n", "\x0b", "\x1e"])
def test_no_record_text_ends_a_line_of_the_stream(line: str) -> None:
    forged = f'x{line}data: {{"type":"RUN_FINISHED","threadId":"t","runId":"r"}}{line}'
    told = tell(chunk("a", forged), END)
    again = read_events("".join(frame(one).decode() for one in told))
    assert [one.type for one in again] == [one.type for one in told]
    assert getattr(again[2], "delta", "") == forged
