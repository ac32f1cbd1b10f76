"""The hot path says what the querysets say, in one statement and in three."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from groupbuy import moves, orders
from groupbuy.models import GroupBuying, Order, OrderEvent, OrderStatus, Outcome
from groupbuy.models.orders import AWAITING_PAYMENT, LIVE
from groupbuy.orders import create, statement
from groupbuy.orders.limits import Limits
from tests.support import factories

HOUR = timedelta(hours=1)
WAYS = ["place_at_once", "place_in_turn"]


@pytest.fixture(params=WAYS if connection.vendor == "postgresql" else WAYS[1:])
def place(request, monkeypatch, group_buying, buyer, now):
    """Places an order of two units as the group buy was read at the test's beginning."""
    monkeypatch.setattr(statement, "place_at_once", getattr(statement, request.param))
    offered = create.OFFER.first(group_buying.pk, *create.SETTINGS)

    def place(*, unpaid_max=3, unpaid_units=40, unpaid_units_of_address=100, **changes):
        order = create.order_for(offered, buyer, orders.Wish(offered.pk, qty=2, phone="13800008000"), now=now)
        for name, value in changes.items():
            setattr(order, name, value)
        limits = Limits(20, unpaid_max, unpaid_units, unpaid_units_of_address)
        placed = statement.place(order, moves.beginning(order, actor=moves.buyer_actor(buyer), now=now), limits=limits)
        return order if placed else None

    return place


def test_stock_order_and_timeline_are_written(place, group_buying, buyer, now):
    placed = [place(), place()]
    assert [(order.sequence, order.buyer_sequence) for order in placed] == [(1, 1), (2, 2)]
    group_buying.refresh_from_db()
    assert (group_buying.taken, group_buying.last_sequence) == (4, 2)
    order = Order.objects.get(pk=placed[0].pk)
    fields = [field.attname for field in Order._meta.concrete_fields]
    assert [getattr(order, name) for name in fields] == [getattr(placed[0], name) for name in fields]
    event = OrderEvent.objects.get(order=order)
    assert (event.from_status, event.to_status, event.actor, event.created_at) == (None, order.status, buyer, now)


@pytest.mark.parametrize(
    "changes",
    [
        {"in_use": False},
        {"outcome": Outcome.SUCCEEDED},
        {"start_at": HOUR},
        {"start_at": -HOUR * 2, "end_at": timedelta()},
        {"quota": 5, "taken": 4},
    ],
)
def test_what_is_not_open_or_has_too_few_writes_nothing(place, group_buying, now, changes):
    moments = {name: now + value if isinstance(value, timedelta) else value for name, value in changes.items()}
    GroupBuying.objects.filter(pk=group_buying.pk).update(**moments)
    assert place() is None
    assert not any(row.stock >= 2 for row in GroupBuying.objects.open(now).filter(pk=group_buying.pk))
    assert not Order.objects.exists()


@pytest.mark.parametrize("changes", [{"start_at": timedelta()}, {"quota": 6, "taken": 4}])
def test_the_edges_belong_to_the_buyer(place, group_buying, now, changes):
    moments = {name: now + value if isinstance(value, timedelta) else value for name, value in changes.items()}
    GroupBuying.objects.filter(pk=group_buying.pk).update(**moments)
    assert place() is not None


def test_a_price_that_moved_meanwhile_writes_nothing(place, group_buying):
    GroupBuying.objects.filter(pk=group_buying.pk).update(price=group_buying.price + Decimal("0.01"))
    assert place() is None


@pytest.mark.parametrize("price", [Decimal("0.10"), Decimal("59.70"), Decimal("1234567.89"), Decimal("99999999.99")])
def test_every_price_is_found_again(place, group_buying, price):
    GroupBuying.objects.filter(pk=group_buying.pk).update(price=price)
    assert place(price=price) is not None


def test_no_quantity_overflows(place):
    GroupBuying.objects.update(per_buyer_limit=2)
    assert place(qty=2**31 - 1) is None


def test_a_buyer_has_so_many_unpaid_orders_and_others_are_not_counted(place, group_buying):
    assert place(buyer=factories.BuyerFactory(tenant=group_buying.tenant)) is not None
    assert [place(unpaid_max=2) is not None for _ in range(3)] == [True, True, False]
    Order.objects.update(status=OrderStatus.CLOSED, holds_stock=False)
    assert place(unpaid_max=2) is not None


@pytest.mark.parametrize("status", OrderStatus.values)
def test_the_limit_counts_what_the_buyer_has_and_not_what_is_over(place, now, status):
    GroupBuying.objects.update(per_buyer_limit=3)
    assert place() is not None
    Order.objects.update(status=status, holds_stock=status in LIVE, paid_at=now)
    assert (place() is None) == (status in LIVE)


@pytest.fixture
def elsewhere(group_buying, buyer, now):
    """Ten units in another group buy of the shop, unpaid, by the same buyer from the address ``a``."""
    other = factories.GroupBuyingFactory(tenant=group_buying.tenant, shop=group_buying.shop)
    order = create.order_for(create.OFFER.first(other.pk, *create.SETTINGS), buyer, orders.Wish(other.pk, qty=10), network="a", now=now)
    assert statement.place(order, moves.beginning(order, actor=moves.SYSTEM, now=now), limits=Limits(20, 3, 40, 100))
    return order


@pytest.mark.parametrize("status", OrderStatus.values)
def test_unpaid_units_are_counted_over_all_group_buys_of_a_buyer(place, elsewhere, now, status):
    Order.objects.update(status=status, holds_stock=status in LIVE, paid_at=now)
    assert (place(unpaid_units=11) is None) == (status in AWAITING_PAYMENT)
    assert place(unpaid_units=12) is not None


@pytest.mark.parametrize("status", OrderStatus.values)
def test_unpaid_units_of_an_address_are_counted_over_its_people(place, elsewhere, group_buying, now, status):
    neighbour = factories.BuyerFactory(tenant=group_buying.tenant)
    Order.objects.update(status=status, holds_stock=status in LIVE, paid_at=now)
    assert (place(buyer=neighbour, network="a", unpaid_units_of_address=11) is None) == (status in AWAITING_PAYMENT)
    assert place(buyer=neighbour, network="a", unpaid_units_of_address=12) is not None


@pytest.mark.parametrize("network", ["", "b"])
def test_who_sits_elsewhere_or_is_known_to_wechat_is_not_counted_with_an_address(place, elsewhere, group_buying, network):
    Order.objects.filter(pk=elsewhere.pk).update(network="a" if network else "")
    neighbour = factories.BuyerFactory(tenant=group_buying.tenant)
    assert place(buyer=neighbour, network=network, unpaid_units_of_address=2) is not None


@pytest.mark.parametrize("index", ["order_of_buyer", "order_unpaid_of_network"])
def test_unpaid_units_are_found_by_their_indexes(group_buying, buyer, index):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{explain} {statement.MINE}", [buyer.pk, "a", "a", group_buying.pk, buyer.pk])
        assert index in str(cursor.fetchall())
