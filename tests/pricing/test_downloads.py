"""What tills and scales pull, page by page."""

from decimal import Decimal

import pytest

from pricing import downloads, prices
from pricing.models import ShopProduct
from pricing.prices import Change
from retail.principals import Principal
from retail.refusals import Invalid, NotThere
from retail.rights import Role
from shops import devices
from tests.pricing.conftest import count_statements, on_sale
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def device(shop):
    return factories.DeviceFactory(shop=shop)


@pytest.fixture
def rows(shop):
    return on_sale(shop, 3)


@pytest.fixture
def scale(shop):
    return Principal(Role.DEVICE, None, shop.tenant_id, frozenset({shop.pk}))


def pull(device, limit=500):
    device.refresh_from_db()
    return downloads.changes_for(device=device, limit=limit)


def pks(page):
    return [row.pk for row in page.rows]


def acknowledge(device, time_stamp, scale):
    return downloads.acknowledge(device_id=device.pk, time_stamp=time_stamp, principal=scale)


def pull_and_acknowledge(device, scale, held, limit=500):
    """As a scale does; ``held`` maps products to prices."""
    page = pull(device, limit)
    if page.full:
        held.clear()
    held.update({row.product_id: row.price for row in page.rows})
    for product_id in page.deleted:
        held.pop(product_id, None)
    acknowledge(device, page.time_stamp, scale)
    return page


def change(row, price, boss, now):
    prices.change_prices(changes=[Change(shop_product_id=row.pk, price=Decimal(price))], principal=boss, now=now)


def test_a_new_device_loads_everything_on_sale(device, rows, boss, now):
    prices.remove_products(shop_product_ids=[rows[0].pk], principal=boss, now=now)
    page = pull(device)
    assert (page.full, page.more, page.time_stamp, pks(page), page.deleted) == (True, False, 4, [row.pk for row in rows[1:]], [])


def test_then_only_what_changed_in_the_order_of_the_changes(device, rows, boss, scale, now):
    pull_and_acknowledge(device, scale, {})
    change(rows[2], "6.00", boss, now)
    change(rows[0], "7.00", boss, now)
    page = pull(device)
    assert (page.full, pks(page), page.time_stamp) == (False, [rows[2].pk, rows[0].pk], 5)


def test_nothing_new_is_an_empty_page_with_the_same_stamp(device, rows, scale):
    pull_and_acknowledge(device, scale, {})
    page = pull(device)
    assert (page.rows, page.deleted, page.more, page.time_stamp) == ([], [], False, 3)


def test_what_changes_while_a_page_is_made_is_on_the_next(device, rows, boss, scale, between, now):
    between(ShopProduct.objects, "filter", lambda: change(rows[0], "7.00", boss, now))
    page = pull_and_acknowledge(device, scale, {})
    assert (pks(page), page.time_stamp) == ([row.pk for row in rows[1:]], 3)
    page = pull(device)
    assert (pks(page), page.time_stamp) == ([rows[0].pk], 4)


def test_an_unacknowledged_page_comes_again(device, rows):
    assert pull(device) == pull(device)


def add(row, boss, now):
    prices.add_products(shop_ids=[row.shop_id], product_ids=[row.product_id], product_class_id=None, principal=boss, now=now)


def test_a_product_removed_twice_is_named_once(device, rows, shop, boss, scale, now):
    pull_and_acknowledge(device, scale, {})
    prices.remove_products(shop_product_ids=[rows[0].pk], principal=boss, now=now)
    add(rows[0], boss, now)
    prices.remove_all(shop_id=shop.pk, principal=boss, now=now)
    page = pull(device)
    assert page.rows == []
    assert sorted(page.deleted) == [row.product_id for row in rows]


@pytest.mark.parametrize("limit", [1, 500])
def test_a_product_removed_and_added_afresh_does_not_end_up_deleted(device, rows, boss, scale, now, limit):
    held = {}
    pull_and_acknowledge(device, scale, held)
    prices.remove_products(shop_product_ids=[rows[0].pk], principal=boss, now=now)
    add(rows[0], boss, now)
    while pull_and_acknowledge(device, scale, held, limit).more:
        pass
    assert held.keys() == {row.product_id for row in rows}


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_a_full_load_in_pages_leaves_the_device_with_what_is_on_sale(device, rows, boss, scale, now, limit):
    held = {10**9: Decimal(1)}
    first = pull_and_acknowledge(device, scale, held, limit)
    change(rows[0], "8.00", boss, now)
    prices.remove_products(shop_product_ids=[rows[1].pk], principal=boss, now=now)
    pages = [first]
    while pages[-1].more or len(pages) == 1:
        pages.append(pull_and_acknowledge(device, scale, held, limit))
    assert held == {rows[0].product_id: Decimal("8.00"), rows[2].product_id: Decimal("5.90")}
    assert [page.full for page in pages] == [True] + [False] * (len(pages) - 1)
    assert all(len(page.rows) + len(page.deleted) <= limit for page in pages)


def test_a_stamp_goes_back_only_by_reset(device, rows, scale):
    pull(device)
    assert acknowledge(device, 3, scale) == 3
    assert acknowledge(device, 1, scale) == 3
    assert devices.reset_downloads(shop_id=device.shop_id, device_id=None, principal=scale) == 1
    assert pull(device).full


def test_what_was_pulled_before_a_reset_does_not_undo_it(device, rows, scale):
    pull(device)
    devices.reset_downloads(shop_id=device.shop_id, device_id=None, principal=scale)
    assert acknowledge(device, 3, scale) == 0
    assert pull(device).full
    assert acknowledge(device, 3, scale) == 3


def test_a_pull_that_a_reset_overtakes_offers_nothing(device, rows, scale):
    pull_and_acknowledge(device, scale, {})
    device.refresh_from_db()
    devices.reset_downloads(shop_id=device.shop_id, device_id=None, principal=scale)
    page = downloads.changes_for(device=device)
    assert not page.full
    assert acknowledge(device, page.time_stamp, scale) == 0


def test_a_stamp_beyond_the_shops_counter_is_refused(device, rows, scale):
    for wrong in (-1, 4):
        with pytest.raises(Invalid):
            acknowledge(device, wrong, scale)
    assert pull(device).full


def test_a_foreign_or_unused_device_is_not_there(device, rows, scale):
    unused = factories.DeviceFactory(shop=device.shop, in_use=False)
    for wrong in (factories.DeviceFactory(), unused):
        with pytest.raises(NotThere):
            acknowledge(wrong, 0, scale)


def test_one_device_or_all_of_the_shop_are_reset(device, rows, scale, stranger):
    other = factories.DeviceFactory(shop=device.shop)
    for each in (device, other):
        pull_and_acknowledge(each, scale, {})
    assert devices.reset_downloads(shop_id=device.shop_id, device_id=other.pk, principal=scale) == 1
    assert (pull(device).full, pull(other).full) == (False, True)
    assert devices.reset_downloads(shop_id=device.shop_id, device_id=None, principal=scale) == 2
    assert pull(device).full


def test_a_foreign_shop_or_device_is_not_reset(device, rows, scale, stranger):
    pull_and_acknowledge(device, scale, {})
    for principal, device_id in ((stranger, None), (stranger, device.pk), (scale, factories.DeviceFactory().pk)):
        with pytest.raises(NotThere):
            devices.reset_downloads(shop_id=device.shop_id, device_id=device_id, principal=principal)
    assert not pull(device).full


def test_a_long_page_needs_no_more_statements_than_a_short_one(device, rows, shop):
    few = count_statements(lambda: downloads.changes_for(device=device))
    on_sale(shop, 60)
    assert count_statements(lambda: downloads.changes_for(device=device)) == few
