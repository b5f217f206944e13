"""What a field takes, in which form it is kept, and how it is refused: in words that name the field."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.errors import FieldError
from crm.fields import FieldSpec, Kind, to_json
from crm.ids import numbered_id
from crm.values import parse_value

ACCOUNT, CASE = numbered_id("001", 1), numbered_id("500", 1)


def spec(kind: Kind, **more: Any) -> FieldSpec:
    return FieldSpec(kind=kind, **more)


@pytest.mark.parametrize(
    ("kind", "given_value", "kept"),
    [
        (Kind.TEXT, " as it is ", " as it is "),
        (Kind.TEXT, "İ😀\u202e", "İ😀\u202e"),
        (Kind.TEXT, "x" * 255, "x" * 255),
        (Kind.EMAIL, "a.b@c.example", "a.b@c.example"),
        (Kind.BOOLEAN, True, True),
        (Kind.BOOLEAN, "FALSE", False),
        (Kind.INTEGER, 7.0, 7),
        (Kind.INTEGER, "-7", -7),
        (Kind.MONEY, 0.1, Decimal("0.1")),
        (Kind.MONEY, "999999999999999.99", Decimal("999999999999999.99")),
        (Kind.PERCENT, 100, Decimal(100)),
        (Kind.DATE, "2026-02-28", date(2026, 2, 28)),
        (Kind.DATETIME, "2026-02-28T23:30:00-02:00", datetime(2026, 3, 1, 1, 30, tzinfo=UTC)),
        (Kind.DATETIME, "2026-02-28T23:30:00", datetime(2026, 2, 28, 23, 30, tzinfo=UTC)),
        (Kind.REFERENCE, ACCOUNT[:15], ACCOUNT),
        (Kind.TEXT, "", None),
        (Kind.MONEY, None, None),
    ],
)
def test_good_values(kind: Kind, given_value: Any, kept: Any) -> None:
    assert parse_value("F", spec(kind), given_value) == kept


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.TEXT, 5),
        (Kind.TEXT, "x" * 256),
        (Kind.TEXT, "a\x00b"),
        (Kind.TEXT, "\ud800"),
        (Kind.LONG_TEXT, "x" * 131_073),
        (Kind.TEXT, ["x"]),
        (Kind.EMAIL, "nobody"),
        (Kind.EMAIL, "a b@c.example"),
        (Kind.EMAIL, "a@b\n.example"),
        (Kind.BOOLEAN, 1),
        (Kind.BOOLEAN, "yes"),
        (Kind.INTEGER, 1.5),
        (Kind.INTEGER, 2**31),
        (Kind.INTEGER, True),
        (Kind.MONEY, "1,5"),
        (Kind.MONEY, 0.001),
        (Kind.MONEY, 10**15),
        pytest.param(Kind.MONEY, 10**5_000, id="5001 digits"),
        (Kind.MONEY, "1e400"),
        (Kind.MONEY, "1e-400"),
        (Kind.MONEY, "NaN"),
        (Kind.MONEY, "sNaN"),
        (Kind.MONEY, float("inf")),
        (Kind.MONEY, {}),
        (Kind.PERCENT, 100.01),
        (Kind.PERCENT, -1),
        (Kind.DATE, "31.12.2026"),
        (Kind.DATE, "2026-02-30"),
        (Kind.DATE, 20260101),
        (Kind.DATETIME, "noon"),
        (Kind.DATETIME, "0001-01-01T00:00:00+14:00"),
        (Kind.DATETIME, "9999-12-31T23:59:59-14:00"),
        (Kind.REFERENCE, "001"),
        (Kind.REFERENCE, ACCOUNT[:15] + "AAA"),
        (Kind.REFERENCE, "x" * 18),
        (Kind.REFERENCE, 1),
    ],
)
def test_bad_values_are_refused_by_name(kind: Kind, value: Any) -> None:
    with pytest.raises(FieldError) as caught:
        parse_value("SomeField", spec(kind), value)
    assert str(caught.value).startswith("SomeField: ")
    assert len(str(caught.value)) < 200


def test_a_reference_is_to_its_own_kind_of_record() -> None:
    to_account = spec(Kind.REFERENCE, targets=("Account",))
    assert parse_value("F", to_account, ACCOUNT) == ACCOUNT
    with pytest.raises(FieldError, match="id of Account"):
        parse_value("F", to_account, CASE)


def test_a_picklist_gives_its_own_spelling() -> None:
    stage = spec(Kind.PICKLIST, values=("New", "Closed"))
    assert parse_value("F", stage, "CLOSED") == "Closed"
    with pytest.raises(FieldError, match="New, Closed"):
        parse_value("F", stage, "Shut")


@pytest.mark.parametrize("value", [None, ""])
def test_what_is_required_cannot_be_emptied(value: Any) -> None:
    with pytest.raises(FieldError, match="required"):
        parse_value("F", spec(Kind.TEXT, is_required=True), value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("2026-01-01") | st.just(ACCOUNT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@given(kind=st.sampled_from(list(Kind)), value=JSON)
def test_any_value_is_taken_or_refused_and_taken_ones_survive_the_way_out_and_in(kind: Kind, value: Any) -> None:
    try:
        kept = parse_value("F", spec(kind), value)
    except FieldError:
        return
    assert to_json(parse_value("F", spec(kind), to_json(kept))) == to_json(kept)
