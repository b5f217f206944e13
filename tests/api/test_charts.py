"""Pictures of charts: drawn beside the service, within limits, and nothing fetched."""

import re
import time

import pytest

from api.charts import ChartError, Charts
from tools._charts import build_chart, choose_kind

ROWS = [{"month": f"2026-0{n}", "agent": name, "count": n} for n in (1, 2, 3) for name in ("Ann <script>", "Bo & Co")]


def chart(kind: str = "line") -> dict[str, object]:
    return build_chart(
        kind,  # type: ignore[arg-type]
        title="Cases",
        measure=("count", "Number of cases"),
        keys=[("month", "Month"), ("agent", "Agent")],
        time_key="month",
        rows=ROWS,
    )


def test_the_type_follows_from_what_is_shown_unless_another_is_asked_for() -> None:
    assert choose_kind("auto", over_time=True, groups=12) == "line"
    assert choose_kind("auto", over_time=False, groups=4) == "bar"
    assert choose_kind("bar", over_time=False, groups=1) == "number"
    assert choose_kind("pie", over_time=False, groups=4) == "pie"
    assert choose_kind("none", over_time=True, groups=12) == "none"


async def test_a_picture_is_drawn_once_and_texts_stay_texts() -> None:
    charts = Charts()
    svg = (await charts.draw(chart(), "svg", "light")).decode()
    assert svg.startswith("<svg")
    assert "Ann &lt;script>" in svg or "Ann &lt;script&gt;" in svg
    assert "<script" not in svg
    began = time.monotonic()
    assert (await charts.draw(chart(), "svg", "light")).decode() == svg
    assert time.monotonic() - began < 0.05
    png = await charts.draw(chart("bar"), "png", "dark")
    assert png.startswith(b"\x89PNG")
    number = (await charts.draw(chart("number"), "svg", "dark")).decode()
    assert 'fill="#181f1c"' in number, "it stands on the console's own dark ground"
    assert 'fill="#e7edea"' in number, "and can be read there"


@pytest.mark.parametrize("kind", ["bar", "line", "pie"])
async def test_a_picture_is_as_wide_as_its_place(kind: str) -> None:
    svg = (await Charts().draw(chart(kind), "svg", "light", 320)).decode()
    assert re.match(r'<svg[^>]* width="(\d+)', svg).group(1) == "320"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "spec",
    [
        {**chart(), "data": {"url": "http://127.0.0.1:9/secret.json"}},
        {"mark": "nonsense"},
        {},
    ],
    ids=["fetches", "nonsense", "empty"],
)
async def test_what_cannot_be_drawn_is_an_error_and_nothing_is_fetched(spec: dict[str, object]) -> None:
    with pytest.raises(ChartError):
        await Charts().draw(spec, "svg", "light")


async def test_time_and_size_are_limited() -> None:
    with pytest.raises(ChartError, match="took too long"):
        await Charts(patience_s=0.01).draw(chart(), "svg", "light")
    with pytest.raises(ChartError, match=re.escape("more than 262144 characters")):
        await Charts().draw({**chart(), "title": "x" * 300_000}, "svg", "light")
