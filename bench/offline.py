"""Measure the offline model's own time per question: with results, many tools, long threads and hostile texts."""

import json
import statistics
import time
from collections.abc import Sequence
from datetime import date
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agents._offline import OfflineModel
from agents._prompts import build_system_prompt
from agents._roster import load_roster
from crm.access import Access, Caller
from crm.ids import TenantId, UserId
from crm.schema import OBJECT_INFO
from tools._catalogue import load_catalogue

_SAID = (
    "which agent had the lowest handle time in the past 3 quarters, only those with more than one case",
    "show my open opportunities over 50k closing this quarter",
    "how much does the AquaSensor 200 cost for Globex",
    "summarise Globex and draft an e-mail to Ann about the renewal",
    "close case 00001234 because the cable was replaced",
    "prepare me for the meeting with Acme Industries tomorrow",
    "by month",
    "wich tikets of Globex are overdeu",
)
_FOUND = 10
_ROUNDS = 4


def main() -> None:
    """Prints milliseconds per question to the model; the first one, which reads the tools' schemas, is left out."""
    prompt = SystemMessage(_prompt())
    tools = [tool.schema for tool in load_catalogue().values()]
    print("Names of records reach the model through its tools only, so their number does not weigh on it: a look-up")
    print(
        f"returns at most {_FOUND} candidates, whatever it searched. All {len(tools)} tools of the catalogue are bound."
    )
    print(f"{'':<44}{'p50 ms':>9}{'p95 ms':>9}{'most ms':>9}")
    for records in (2_000, 20_000, 200_000):
        _report(f"{records:,} records of vocabulary", _ask(prompt, tools, lambda said, n=records: _looked_up(said, n)))
    for turns in (10, 50):
        earlier = _thread(turns)
        _report(f"after {turns} turns", _ask(prompt, tools, lambda said, e=earlier: [*e, HumanMessage(said)]))
    for copies in (2, 4):
        _report(f"{copies * len(tools)} tools", _ask(prompt, _copies(tools, copies), lambda said: [HumanMessage(said)]))
    for name, text in _hostile().items():
        _report(f"100 KB of {name}", _ask(prompt, tools, lambda said, t=text: [HumanMessage(t)], rounds=2))


def _prompt() -> str:
    rights = {name: frozenset("cred") for name in OBJECT_INFO}
    caller = Caller(TenantId("northwind"), user_id=UserId("005CS0000000001AAA"))
    fields = {name: dict.fromkeys(info.fields, frozenset("re")) for name, info in OBJECT_INFO.items()}
    access = Access(caller, "Dana Reyes", title="Sales Rep", objects=rights, fields=fields)
    return build_system_prompt(load_roster()["sales"], access, today=date(2026, 11, 24), instructions=None)


def _ask(
    prompt: SystemMessage, tools: Sequence[dict[str, Any]], messages: Any, *, rounds: int = _ROUNDS
) -> list[float]:
    model = OfflineModel().bind_tools(list(tools))
    model.invoke([prompt, HumanMessage("show Globex")])
    spent = []
    for at in range(rounds):
        for said in _SAID:
            asked = [prompt, *messages(f"{said} {'please ' * (at % 3)}".strip())]
            started = time.process_time()
            model.invoke(asked)
            spent.append((time.process_time() - started) * 1_000)
    return spent


def _report(name: str, spent: Sequence[float]) -> None:
    ordered = sorted(spent)
    print(
        f"{name:<44}{statistics.median(ordered):>9.1f}"
        f"{ordered[int(0.95 * (len(ordered) - 1))]:>9.1f}{ordered[-1]:>9.1f}"
    )


def _looked_up(said: str, records: int) -> list[BaseMessage]:
    """The question with the candidates that a search over so many records would have returned."""
    found = [
        {
            "object": "Account",
            "id": f"001CS{at * records // _FOUND:010d}AAA",
            "name": f"Globex {at * records // _FOUND}",
            "score": 0.9 - at / 100,
            "exact": False,
            "details": {"BillingCity": "Berlin", "Industry": "Energy"},
        }
        for at in range(_FOUND)
    ]
    call = {"name": "find_record", "args": {"text": "Globex"}, "id": "c1", "type": "tool_call"}
    answer = json.dumps({"ok": True, "result": {"matches": found, "total": records}})
    return [HumanMessage(said), AIMessage("", tool_calls=[call]), ToolMessage(answer, tool_call_id="c1")]


def _thread(turns: int) -> list[BaseMessage]:
    messages: list[BaseMessage] = []
    for at in range(turns):
        row = {"Id": f"500CS{at:010d}AAA", "CaseNumber": f"{at:08d}", "Subject": f"Leak {at}", "Status": "New"}
        call = {"name": "query_records", "args": {"object": "Case"}, "id": f"c{at}", "type": "tool_call"}
        page = {"object": "Case", "records": [row] * 20, "total": 20, "next_cursor": None, "names": {}}
        messages += [
            HumanMessage(_SAID[at % len(_SAID)]),
            AIMessage("", tool_calls=[call]),
            ToolMessage(json.dumps({"ok": True, "result": page}), tool_call_id=f"c{at}"),
            AIMessage("20 cases."),
        ]
    return messages


def _copies(tools: Sequence[dict[str, Any]], copies: int) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {
                **tool["function"],
                "name": f"{tool['function']['name']}_{at}" if at else tool["function"]["name"],
            },
        }
        for at in range(copies)
        for tool in tools
    ]


def _hostile() -> dict[str, str]:
    return {
        "one letter": "a" * 100_000,
        "clauses": "set a to b and close it because " * 3_200,
        "quotes and marks": '"(:,' * 25_000,
        "metrics": "lowest handle time per agent by month since May and " * 2_000,
    }


if __name__ == "__main__":
    main()
