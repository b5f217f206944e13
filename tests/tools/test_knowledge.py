"""Articles: the published ones, and to customers those that are meant for them."""

import pytest

from crm.seed.people import ANN_POE
from tests.oracle import raw_rows
from tests.tools.desk import HERE, Desk

WORDS = "how to calibrate the transmitter, return policy, warranty, pricing and discounts"


async def test_staff_find_published_articles(desk: Desk, seeded_config: object) -> None:
    rows = {r["Id"]: r for r in raw_rows(seeded_config, "knowledge__kav") if r["tenant"] == HERE}  # type: ignore[arg-type]
    found = await desk.call("sam", "search_knowledge", query=WORDS, limit=20)
    assert found["total"] == len(found["articles"]) > 2
    assert {rows[one["id"]]["PublishStatus"] for one in found["articles"]} == {"Online"}
    assert all(one["number"] == rows[one["id"]]["ArticleNumber"] for one in found["articles"])


async def test_customers_find_those_for_customers(desk: Desk, seeded_config: object) -> None:
    rows = {r["Id"]: r for r in raw_rows(seeded_config, "knowledge__kav") if r["tenant"] == HERE}  # type: ignore[arg-type]
    internal = [row for row in rows.values() if row["PublishStatus"] == "Online" and not row["IsVisibleInCsp"]]
    assert internal
    for row in internal:
        found = await desk.call(ANN_POE.contact_id, "search_knowledge", query=row["Title"], limit=20)
        assert all(rows[one["id"]]["IsVisibleInCsp"] for one in found["articles"])
        staff = await desk.call("sam", "search_knowledge", query=row["Title"], limit=20)
        assert row["Id"] in {one["id"] for one in staff["articles"]}


@pytest.mark.parametrize("query", ["%", '"', "the", "\u202e", "NOT *"])
async def test_no_words_no_articles(desk: Desk, query: str) -> None:
    assert await desk.call("sam", "search_knowledge", query=query) == {"articles": [], "total": 0}
