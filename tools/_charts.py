"""Charts as Vega-Lite specifications with their data inside, of a type that follows from what is shown."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
MAX_POINTS = 200

Kind = Literal["auto", "line", "bar", "pie", "number", "none"]
KINDS: dict[str, str] = {
    "auto": "what suits the result: a line over time, bars for groups, a number for one value",
    "line": "as a line, line chart, curve",
    "bar": "as bars, bar chart, columns",
    "pie": "as a pie, pie chart, shares",
    "number": "as a single big number",
    "none": "no chart, only the table",
}


def choose_kind(asked: Kind, *, over_time: bool, groups: int) -> Kind:
    """The type that is drawn: the asked one if there is anything to draw."""
    if asked == "none":
        return "none"
    if groups <= 1 and not over_time:
        return "number"
    if asked != "auto":
        return asked
    return "line" if over_time else "bar"


def build_chart(
    kind: Kind,
    *,
    title: str,
    measure: tuple[str, str],
    keys: Sequence[tuple[str, str]],
    time_key: str | None,
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """A specification; `measure` and `keys` are the key in the rows and its title."""
    value, value_title = measure
    shown = [{name: row.get(name) for name, _ in (*keys, measure)} for row in rows[:MAX_POINTS]]
    spec: dict[str, Any] = {"$schema": SCHEMA, "title": title, "data": {"values": shown}}
    amount = {"field": value, "type": "quantitative", "title": value_title}
    if kind == "number" or not keys:
        shown[:] = shown[:1]
        return {
            **spec,
            "mark": {"type": "text", "fontSize": 48},
            "encoding": {"text": {**amount, "format": ",.6~g"}},
        }
    main = next((one for one in keys if one[0] == time_key), keys[0])
    others = [one for one in keys if one != main]
    colour = {"color": {"field": others[0][0], "type": "nominal", "title": others[0][1]}} if others else {}
    along = {"field": main[0], "type": "ordinal" if main[0] == time_key else "nominal", "title": main[1]}
    if kind == "pie":
        encoding = {"theta": amount, "color": {**along, "sort": None}}
        return {**spec, "mark": {"type": "arc", "tooltip": True}, "encoding": encoding}
    if kind == "line":
        encoding = {"x": {**along, "sort": None}, "y": amount, **colour}
        return {**spec, "mark": {"type": "line", "point": True, "tooltip": True}, "encoding": encoding}
    if main[0] == time_key:
        encoding = {"x": {**along, "sort": None}, "y": amount, **colour}
    else:
        encoding = {"y": {**along, "sort": None}, "x": amount, **colour}
    return {**spec, "mark": {"type": "bar", "tooltip": True}, "encoding": encoding}
