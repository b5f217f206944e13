"""Looking up a company."""

import pytest

from tests.tools.desk import THERE, Desk
from tools._run import ToolError


async def test_a_company_by_name_or_id_with_what_is_open(desk: Desk) -> None:
    found = await desk.call("dana", "lookup_account", name="Acme Industries")
    assert found["account"]["name"] == "Acme Industries"
    assert (found["open_cases"], found["open_opportunities"]) == (3, 1)
    again = await desk.call("dana", "lookup_account", name=found["account"]["id"][:15])
    assert again["account"] == found["account"]


async def test_the_look_alike_is_another_company(desk: Desk) -> None:
    there = await Desk(desk.database, THERE).call("dana", "lookup_account", name="Acme Industries")
    here = await desk.call("dana", "lookup_account", name="Acme Industries")
    assert there["open_cases"] == 2
    assert there["account"]["fields"] != here["account"]["fields"]


async def test_a_name_for_several_asks_which(desk: Desk) -> None:
    found = await desk.call("ada", "lookup_account", name="Acme")
    assert found["account"] is None
    assert {"Acme Industries", "Acme Industrial"} <= {one["name"] for one in found["candidates"]}


async def test_a_hidden_company_is_as_good_as_none(desk: Desk) -> None:
    account = (await desk.call("dana", "lookup_account", name="Acme Industries"))["account"]["id"]
    hidden = await desk.call("eli", "lookup_account", name=account)
    absent = await desk.call("eli", "lookup_account", name="001000000000000AAA")
    assert hidden["account"] is None
    assert account not in str(hidden)
    assert {key: hidden[key] for key in ("open_cases", "open_opportunities")} == {
        key: absent[key] for key in ("open_cases", "open_opportunities")
    }


async def test_an_id_of_something_else_is_no_company(desk: Desk) -> None:
    found = await desk.call("dana", "find_record", text="Ann Poe", objects=["Contact"])
    error = await desk.call("dana", "lookup_account", name=found["matches"][0]["id"])
    assert isinstance(error, ToolError)
    assert error.kind == "not_found"


async def test_counts_that_may_not_be_known_are_null(desk: Desk) -> None:
    found = await desk.call("alan", "lookup_account", name="Acme Industries")
    assert found["open_cases"] is not None
    error = await desk.call("devi", "lookup_account", name="Acme Industries")
    assert error["account"] is None


@pytest.mark.parametrize("name", ["%", "' OR 1=1", "\u202e", "😀"])
async def test_signs_are_no_company(desk: Desk, name: str) -> None:
    assert (await desk.call("dana", "lookup_account", name=name))["account"] is None
