"""The report as one HTML page: no script, nothing loaded from anywhere, every text escaped."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from evals.quality.findings import MEASURES, Fault
from evals.quality.report import say_rate
from evals.quality.result import CaseResult, RunResult
from evals.quality.thresholds import Verdict, is_green

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --bad: #c62828; --good: #2e7d32; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } caption { text-align: left; font-weight: 600; }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left; vertical-align: top; }
td.figure { text-align: right; font-variant-numeric: tabular-nums; }
.bad { color: var(--bad); font-weight: 600; } .good { color: var(--good); font-weight: 600; }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .4rem 0; padding: .4rem .8rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; font-size: .85rem; }
.said { margin: .6rem 0 .2rem; font-weight: 600; }
"""


def build_page(result: RunResult, verdicts: Sequence[Verdict]) -> str:
    made = result.made
    failed = [one for one in result.cases if not one.is_passed]
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Evaluation of {escape(str(made['model']))}</title><style>{_STYLE}</style></head><body>"
    )
    parts = [
        head,
        f"<h1>Evaluation of {escape(str(made['model']))}</h1>",
        f"<p>{len(result.cases) - len(failed)} of {len(result.cases)} cases passed in {result.seconds:.0f} seconds. "
        f"Prompts {escape(str(made['prompts']))}, seed {escape(str(made['seed']))}.</p>",
        _verdicts(result, verdicts) if verdicts else "",
        _table("Measures by suite", ["measure", *result.suites, "all"], _measure_rows(result)),
        _table("Cases with an error of the class", ["class", *result.suites, "all"], _fault_rows(result)),
        f"<h2>Failed cases ({len(failed)})</h2>",
        *map(_case, failed),
        "<h2>Passed cases</h2>",
        *(_case(one) for one in result.cases if one.is_passed),
        "</body></html>",
    ]
    return "\n".join(parts)


def _verdicts(result: RunResult, verdicts: Sequence[Verdict]) -> str:
    is_ok = is_green(result, list(verdicts))
    line = f'<p class="{"good" if is_ok else "bad"}">{"Green" if is_ok else "Red"}</p>'
    rows = []
    for one in verdicts:
        word = {None: "not measured", True: "green", False: "red"}[one.holds]
        rows.append([one.suite or "all", one.measure.replace("_", " "), str(one.bound), say_rate(one.tally), word])
    return line + _table("Thresholds", ["suite", "measure", "expected", "found", ""], rows)


def _measure_rows(result: RunResult) -> Iterable[list[str]]:
    columns = [*(result.measures(suite) for suite in result.suites), result.measures()]
    for name in MEASURES:
        if columns[-1][name].of:
            yield [name.replace("_", " "), *(say_rate(column[name]) for column in columns)]


def _fault_rows(result: RunResult) -> Iterable[list[str]]:
    columns = [*(result.faults(suite) for suite in result.suites), result.faults()]
    for fault in Fault:
        if columns[-1][fault]:
            yield [fault.value, *(str(column[fault] or "") for column in columns)]


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f"<th>{escape(head)}</th>" for head in heads)
    lines = [
        "<tr>" + "".join(f"<td{_class(cell, place)}>{escape(cell)}</td>" for place, cell in enumerate(row)) + "</tr>"
        for row in rows
    ]
    if not lines:
        return ""
    return f"<table><caption>{escape(title)}</caption><tr>{cells}</tr>{''.join(lines)}</table>"


def _class(cell: str, place: int) -> str:
    if cell in ("red", "green"):
        return f' class="{"bad" if cell == "red" else "good"}"'
    return ' class="figure"' if place and cell[:1].isdigit() else ""


def _case(one: CaseResult) -> str:
    mark = '<span class="good">passed</span>' if one.is_passed else f'<span class="bad">{_faults(one)}</span>'
    found = "".join(
        f"<li>{escape(finding.fault.value)}, message {finding.turn or 'all'}: {escape(finding.text)}</li>"
        for finding in one.findings
    )
    return (
        f"<details><summary>{escape(one.key)} · {escape(one.caller)} · {mark}</summary>"
        + (f"<ul>{found}</ul>" if found else "")
        + "".join(map(_exchange, one.transcript))
        + "</details>"
    )


def _faults(one: CaseResult) -> str:
    return escape(", ".join(fault.value for fault in one.faults))


def _exchange(one: Mapping[str, Any]) -> str:
    parts = [f'<p class="said">{escape(str(one["user"]))}</p>', f"<p>went to {escape(str(one['route']))}</p>"]
    for call in one["calls"]:
        error = f" — {call['error']}" if call["error"] else ""
        parts.append(f"<pre>{escape(call['tool'] + _json(call['arguments']) + error)}</pre>")
    for held in one["held"]:
        said = f"held: {held['tool']} {_json(held['new'])} — {held['decision']} by {held['by']}: {held['status']}"
        parts.append(f"<pre>{escape(said)}</pre>")
    parts += [f"<pre>{escape(str(text))}</pre>" for text in one["answer"]]
    if one["fault"]:
        parts.append(f'<pre class="bad">{escape(str(one["fault"]))}</pre>')
    return "".join(parts)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
