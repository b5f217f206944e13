"""The case it exists for: one countersigned action that changes many records at once."""

from typing import Any

import pytest

from crm.connector import Change, FieldChange
from tests.trust.acting import create, reads, staff, update, writes
from trust.decisions import Allow, Deny
from trust.guards.limit_records import MAX_IN_BULK, MAX_LINES, MAX_RECORDS, limit_records


@pytest.mark.parametrize("count", [1, MAX_RECORDS])
def test_a_handful_passes(count: int) -> None:
    assert limit_records(writes(*(update("Account", f"001{n}", Name="x") for n in range(count))), staff()) == Allow()


@pytest.mark.parametrize("count", [MAX_RECORDS + 1, 500])
def test_more_is_denied(count: int) -> None:
    action = writes(*(update("Account", f"001{n}", Name="x") for n in range(count)))
    assert limit_records(action, staff()) == Deny(
        "limit_records", f"{count} records at once; at most {MAX_RECORDS} in one action"
    )


@pytest.mark.parametrize(("count", "most"), [(60, 60), (MAX_IN_BULK, 10_000)])
def test_a_tool_that_is_made_for_many_may_touch_as_many_as_it_says(count: int, most: int) -> None:
    changes = [create("CampaignMember", f"00v{n}", Status="Planned") for n in range(count + 1)]
    assert limit_records(writes(*changes[:-1], most_records=most), staff()) == Allow()
    denied = limit_records(writes(*changes, most_records=most), staff())
    assert denied == Deny("limit_records", f"{count + 1} records at once; at most {count} in one action")


def test_records_count_once_and_objects_apart() -> None:
    one = [update("Account", "001", Name=str(n)) for n in range(50)]
    assert limit_records(writes(*one), staff()) == Allow()
    mixed = [update(name, str(n), Name="x") for name in ("Account", "Case") for n in range(6)]
    assert isinstance(limit_records(writes(*mixed), staff()), Deny)


def test_reading_and_proposing_have_nothing_to_count() -> None:
    assert limit_records(reads(), staff()) == Allow()
    assert limit_records(writes(), staff()) == Allow()


def quote_with(lines: int, *, operation: Any = "create", quote: str = "0Q0") -> list[Change]:
    old, new = (None, quote) if operation == "create" else (quote, None)
    parts = [
        Change(operation, "QuoteLineItem", f"0QL{n}", "x", (FieldChange("QuoteId", old, new),)) for n in range(lines)
    ]
    return [Change(operation, "Quote", "0Q0", "x", ()), *parts]


@pytest.mark.parametrize("operation", ["create", "delete"])
def test_the_lines_of_what_comes_or_goes_with_them_are_one_thing(operation: Any) -> None:
    assert limit_records(writes(*quote_with(MAX_LINES, operation=operation)), staff()) == Allow()
    assert isinstance(limit_records(writes(*quote_with(MAX_LINES + 1, operation=operation)), staff()), Deny)
    assert isinstance(limit_records(writes(*quote_with(20, quote="0Q1")), staff()), Deny), "lines of another quote"
    people = [Change("create", "Contact", f"003{n}", "x", (FieldChange("AccountId", None, "001"),)) for n in range(11)]
    company = Change("create", "Account", "001", "x", ())
    assert isinstance(limit_records(writes(company, *people), staff()), Deny), "people are no part of a company"
