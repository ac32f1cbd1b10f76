"""A failing case is found by its name: no number, address in memory or `<lambda>` stands in for its values."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest

from groupbuy.models import Order
from tests.support.ids import LENGTH_MAX, readable


@pytest.mark.parametrize(
    ("value", "name"),
    [
        pytest.param({"qty": 2, "price": Decimal("9.90")}, "qty=2,price=9.90", id="dict"),
        pytest.param({"b", "a"}, "a+b", id="set"),
        pytest.param([], "nothing", id="empty list"),
        pytest.param(datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01 00:00:00+00:00", id="moment"),
        pytest.param(lambda order: order.qty + 1, "order.qty + 1", id="lambda"),
        pytest.param(partial(max, 3), "max(3)", id="partial"),
        pytest.param("", "empty", id="no text"),
        pytest.param(["a[0]::b"], "a(0):b", id="marks of pytest"),
    ],
)
def test_a_case_is_called_after_its_value(value, name):
    assert readable(value) == name


@pytest.mark.parametrize("value", ["text", 1, None, True, Order, max], ids=["text", "number", "none", "flag", "class", "function"])
def test_what_pytest_names_well_is_left_to_it(value):
    assert readable(value) is None


def test_a_long_value_is_cut():
    assert len(readable("x" * 500)) == len(readable(["x" * 500])) == LENGTH_MAX
