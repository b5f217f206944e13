"""An order comes to what its quote says, whatever the prices, quantities and discounts."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools._declare import ToolFailedError, ToolRetryError
from tools.ordering import in_pieces, share_out

CENT = Decimal("0.01")
cents = st.integers(0, 10_000_000).map(lambda n: Decimal(n) / 100)
quantities = st.integers(1, 500).map(Decimal) | st.integers(1, 50_000).map(lambda n: Decimal(n) / 100)


def line(amount: Decimal) -> dict[str, str]:
    return {"TotalPrice": str(amount)}


@given(
    amounts=st.lists(cents, min_size=1, max_size=30), discount=st.integers(0, 10_000).map(lambda n: Decimal(n) / 100)
)
def test_lines_come_to_the_total_to_the_cent(amounts: list[Decimal], discount: Decimal) -> None:
    total = (sum(amounts, Decimal(0)) * (100 - discount) / 100).quantize(CENT, ROUND_HALF_UP)
    quote = {"Discount": str(discount), "GrandTotal": str(total)}
    shared = share_out(quote, [line(one) for one in amounts])
    assert sum(shared) == total
    exact = [one * (100 - discount) / 100 for one in amounts]
    assert all(abs(one - wanted) <= CENT * 2 for one, wanted in zip(shared, exact, strict=True))


@given(quantity=quantities, amount=cents)
def test_items_come_to_the_line_to_the_cent(quantity: Decimal, amount: Decimal) -> None:
    pieces = in_pieces(quantity, amount)
    assert sum(number * price for number, price in pieces) == amount
    assert all(price == price.quantize(CENT) for _, price in pieces)
    if quantity == quantity.to_integral_value():
        assert sum(number for number, _ in pieces) == quantity


def test_a_quote_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(ToolFailedError, match="the quote says 90"):
        share_out({"Discount": 0, "GrandTotal": 90}, [line(Decimal(100))])
    with pytest.raises(ToolRetryError, match="has no quantity"):
        in_pieces(Decimal(0), Decimal(5))
