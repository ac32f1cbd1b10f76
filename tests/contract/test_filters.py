"""What lists may be asked for beyond the documents: it filters, it refuses nonsense, it leaks nothing, and no old client says it."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from groupbuy.models import DeliverType, Order, OrderStatus
from pricing.models import ShopProduct
from shops.models import Shop
from tests.contract.calls import CALLS, GROUP, PRODUCT, SHOP, Aim
from tests.contract.decisions import FILTERS
from tests.contract.specification import ENDPOINTS, SHAPES
from tests.support import factories

ORDERS = GROUP + "getorderlist"
STOCK = PRODUCT + "getstockproductlist"
ARGUMENTS = [(path, name, fit, unfit) for path, names in FILTERS.items() for name, (fit, unfit) in names.items()]


def names_said(kind: Any) -> Iterator[str]:
    """Every name that a documented request may hold, those of the objects in its body too."""
    fields = kind if isinstance(kind, dict) else {name: one for name, (one, _label) in SHAPES.get(str(kind).strip("[]"), {}).items()}
    for name, inner in fields.items():
        yield name
        yield from names_said(inner) if str(inner).strip("[]") in SHAPES else ()


def test_no_documented_request_says_the_name_of_a_filter():
    documented = {name.lower() for facts in ENDPOINTS.values() for name in names_said(facts.get("query", facts.get("body")))}
    assert len(documented) > 50
    assert documented & {name.lower() for names in FILTERS.values() for name in names} == set()


def listed(world, path: str, who: str = "H", **sent: Any) -> list[dict[str, Any]]:
    answer = world.clients[who].get(path, **({"shopId": world.ours.shop} if path.startswith(PRODUCT) else {}), **sent)
    assert answer.status_code == 200, answer.content
    page = answer.json()
    assert page["totalCount"] == len(page["data"])
    return page["data"]


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


@pytest.mark.parametrize(("path", "name", "fit", "unfit"), ARGUMENTS)
def test_a_filter_takes_what_fits_and_names_itself_when_it_refuses(world, path, name, fit, unfit):
    listed(world, path, **{name: fit})
    listed(world, path, **{name.upper(): fit})
    answer = world.clients["H"].get(path, **{name: unfit})
    assert (answer.status_code, answer.json()["status"]) == (400, 500)
    assert answer.json()["message"].startswith(f"{name}: ")


@pytest.mark.parametrize("path", FILTERS)
def test_a_filter_that_is_sent_empty_filters_nothing(world, path):
    plain = listed(world, path)
    assert plain
    assert all(listed(world, path, **{name: empty}) == plain for name in FILTERS[path] for empty in ("", "null", "undefined", "NaN"))


@pytest.mark.parametrize("path", FILTERS)
def test_a_filter_twice_with_different_values_is_refused(world, path):
    name = next(iter(FILTERS[path]))
    answer = world.clients["H"].send("GET", path, f"{name}=2026-01-01&{name}=2026-01-02", b"")
    assert (answer.status_code, answer.json()["message"]) == (400, f"{name}: 出现多次且取值不同")


@pytest.mark.parametrize("path", FILTERS)
def test_what_an_old_client_sends_is_answered_as_ever_whatever_else_it_says(world, path):
    """Names of other requests, such as the body of an update, aren't filters."""
    sent = CALLS[path](Aim("H", world.ours, world.ours))
    plain = world.clients["H"].get(path, **sent)
    said = {name.lower() for facts in ENDPOINTS.values() for name in names_said(facts.get("query", facts.get("body")))}
    others = dict.fromkeys(said - {name.lower() for name in ENDPOINTS[path]["query"]}, "1")
    told = world.clients["H"].get(path, **others, **sent)
    assert (told.status_code, told.content) == (plain.status_code, plain.content)


@pytest.fixture
def two_orders(world) -> tuple[Order, Order]:
    """An earlier, smaller pick-up and a later, larger parcel, both paid, of one shop; all others are out of their range."""
    first, second = Order.objects.filter(shop=world.ours.shop, status__in=(OrderStatus.PAID, OrderStatus.CONFIRMED)).order_by("pk")[:2]
    day = timezone.now() + timedelta(days=30)
    for order, days, money, deliver_type in ((first, 0, "100001", DeliverType.PICK_UP), (second, 2, "100002", DeliverType.EXPRESS)):
        moment = day + timedelta(days=days)
        changed = {"created_at": moment, "paid_at": moment, "money": Decimal(money), "deliver_type": deliver_type}
        Order.objects.filter(pk=order.pk).update(**changed)
        order.refresh_from_db()
    return first, second


def written(moment) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize("field", ["created", "paid"])
def test_orders_from_a_moment_up_to_another(world, two_orders, field):
    first, second = two_orders
    start, end = written(first.created_at), written(second.created_at)
    assert ids(listed(world, ORDERS, **{f"{field}From": start})) == [second.pk, first.pk]
    assert ids(listed(world, ORDERS, **{f"{field}From": start, f"{field}To": end})) == [first.pk]
    assert first.pk not in ids(listed(world, ORDERS, **{f"{field}To": start}))


def test_orders_by_money_way_shop_and_group_buy(world, two_orders):
    first, second = two_orders
    large = {"moneyFrom": "100001"}
    assert ids(listed(world, ORDERS, **large)) == [second.pk, first.pk]
    assert ids(listed(world, ORDERS, moneyTo="100001", **large)) == [first.pk]
    assert ids(listed(world, ORDERS, filterDeliverType=2, **large)) == [second.pk]
    assert ids(listed(world, ORDERS, filterShopId=world.ours.shop, **large)) == [second.pk, first.pk]
    assert ids(listed(world, ORDERS, filterGroupBuyingId=first.group_buying_id, **large)) == [second.pk, first.pk]
    assert listed(world, ORDERS, filterGroupBuyingId=first.group_buying_id + 900, **large) == []


def test_the_sums_of_a_page_are_those_of_what_was_asked_for(world, two_orders):
    page = world.clients["H"].get(ORDERS, moneyFrom="100001", pageSize=1).json()
    assert (page["sumData"]["money"], page["totalCount"], len(page["data"])) == (200003.0, 2, 1)


@pytest.mark.parametrize(
    ("ordering", "turned"), [("createTime", False), ("payTime", False), ("money", False), ("-payTime", True), ("-money", True)]
)
def test_orders_in_another_order(world, two_orders, ordering, turned):
    pks = [order.pk for order in two_orders]
    assert ids(listed(world, ORDERS, ordering=ordering, moneyFrom="100001")) == (pks[::-1] if turned else pks)


@pytest.mark.parametrize("ordering", ["payTime", "-payTime"])
def test_what_is_unpaid_comes_last_in_either_direction(world, ordering):
    times = [row["payTime"] for row in listed(world, ORDERS, ordering=ordering, pageSize=1000)]
    assert None in times
    assert all(time is None for time in times[times.index(None) :])


@pytest.mark.parametrize("who", ["B", "C", "M"])
def test_a_filter_shows_nobody_what_is_out_of_scope(world, who):
    assert listed(world, ORDERS, who, filterShopId=world.sibling.shop) == []
    assert listed(world, ORDERS, who, filterGroupBuyingId=world.sibling.group_buying) == []
    seen = set(ids(listed(world, ORDERS, who, pageSize=200)))
    assert set(ids(listed(world, ORDERS, who, createdFrom="2000-01-01", moneyFrom="0.01", ordering="money", pageSize=200))) == seen


def test_a_range_finds_nobody_by_a_phone_that_is_masked(world):
    """The only text that reaches a phone is ``keyword``, where the caller sees it in full."""
    order = Order.objects.get(pk=world.ours.order(OrderStatus.COMPLETED))
    assert order.phone
    assert order.pk not in ids(listed(world, ORDERS, "C", keyword=order.phone, createdFrom="2000-01-01"))


def test_a_buyer_can_not_find_out_what_is_in_stock(world):
    assert world.clients["B"].get(STOCK, shopId=world.ours.shop, qtyBelow=5).status_code == 403
    path = PRODUCT + "getlist"
    assert listed(world, path, "B", qtyBelow="nonsense") == listed(world, path, "B")


def test_products_by_price_and_in_its_order(world):
    cheap, dear = ShopProduct.objects.filter(shop=world.ours.shop, removed_at=None).order_by("pk")[:2]
    ShopProduct.objects.filter(pk=cheap.pk).update(price="70001", member_price="2")
    ShopProduct.objects.filter(pk=dear.pk).update(price="70002", member_price="1")
    path = PRODUCT + "getlist"
    assert ids(listed(world, path, priceFrom="70001", ordering="price")) == [cheap.pk, dear.pk]
    assert ids(listed(world, path, priceFrom="70001", ordering="-price")) == [dear.pk, cheap.pk]
    assert ids(listed(world, path, priceFrom="70001", ordering="memberPrice")) == [dear.pk, cheap.pk]
    assert ids(listed(world, path, priceFrom="70001", priceTo="70001")) == [cheap.pk]


def test_stock_that_runs_low_is_what_is_below_and_what_nobody_has_counted(world):
    rows = {row["id"]: row["qty"] for row in listed(world, STOCK)}
    most = max(rows.values())
    assert most > 0
    assert set(ids(listed(world, STOCK, qtyBelow=most))) == {pk for pk, qty in rows.items() if qty < most}
    fresh = factories.ProductFactory(tenant=Shop.objects.get(pk=world.ours.shop).tenant, product_class_id=world.ours.product_class)
    uncounted = ShopProduct.objects.create(shop_id=world.ours.shop, product=fresh, price=1, member_price=1)
    assert uncounted.pk in ids(listed(world, STOCK, qtyBelow="0.001"))


@pytest.mark.parametrize("name", ["getlist", "getalllist"])
def test_shops_by_area_day_and_in_another_order(world, name):
    shop, spare = Shop.objects.get(pk=world.ours.shop), Shop.objects.get(pk=world.ours.spare_shop)
    opened = timezone.now() + timedelta(days=30)
    Shop.objects.filter(pk=shop.pk).update(area="90001", created_at=opened)
    Shop.objects.filter(pk=spare.pk).update(area="90002", created_at=opened + timedelta(days=1))
    assert ids(listed(world, SHOP + name, areaFrom="90001", ordering="-shopArea")) == [spare.pk, shop.pk]
    assert ids(listed(world, SHOP + name, areaFrom="90001", areaTo="90001")) == [shop.pk]
    assert ids(listed(world, SHOP + name, openedFrom=written(opened), ordering="-opened")) == [spare.pk, shop.pk]
    assert ids(listed(world, SHOP + name, openedFrom=written(opened), openedTo=written(opened + timedelta(days=1)))) == [shop.pk]
