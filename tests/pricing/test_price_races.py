"""Several people at the prices of one shop at the same moment, each on a connection of their own."""

import time
from decimal import Decimal

import pytest
from django.db import OperationalError

from config import invariants
from pricing import prices
from pricing.models import PriceChange, PriceLog, ShopProduct
from pricing.prices import AlreadyUndone, Change
from retail.refusals import NotThere
from tests.pricing.conftest import on_sale, versions
from tests.support.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def insist(action):
    """Again while SQLite's one writer is busy, as a client does after a 503."""
    while True:
        try:
            return action()
        except OperationalError:
            time.sleep(0.01)


def test_changes_of_the_same_rows_queue_up_and_lose_no_version(shop, boss, now):
    rows = on_sale(shop, 5)

    def change(number):
        # Each caller names the rows in another order: nobody waits in a circle.
        turned = rows[number % 5 :] + rows[: number % 5]
        changes = [Change(shop_product_id=row.pk, price=Decimal(10 + number)) for row in turned]
        return insist(lambda: prices.change_prices(changes=changes, principal=boss, now=now)).changed

    assert at_once(change, range(8), threads=8) == [5] * 8
    assert versions(shop)[-1] == 5 + 40
    assert PriceLog.objects.count() == 40
    assert list(invariants.findings()) == []


def test_a_batch_is_undone_by_one_of_many(shop, boss, now):
    changes = [Change(shop_product_id=row.pk, price=Decimal(6)) for row in on_sale(shop, 2)]
    changed = prices.change_prices(changes=changes, principal=boss, now=now)

    def undo(_number):
        try:
            return insist(lambda: prices.undo(change_id=changed.change_id, principal=boss, now=now)).changed
        except AlreadyUndone:
            return "undone"

    assert sorted(map(str, at_once(undo, range(6), threads=6))) == ["2", *["undone"] * 5]
    assert PriceChange.objects.count() == 2


def test_a_product_comes_on_sale_once(shop, boss, now):
    product_ids = [row.product_id for row in on_sale(shop, 3)]
    prices.remove_all(shop_id=shop.pk, principal=boss, now=now)

    def add(_number):
        call = {"shop_ids": [shop.pk], "product_ids": product_ids, "product_class_id": None, "principal": boss, "now": now}
        return insist(lambda: prices.add_products(**call)).added

    assert sorted(at_once(add, range(6), threads=6)) == [0] * 5 + [3]
    assert ShopProduct.objects.live().count() == 3
    versions(shop)


def test_a_row_is_removed_once_and_its_price_then_stays(shop, boss, now):
    row = on_sale(shop, 1)[0]

    def act(number):
        try:
            if number % 2:
                return insist(lambda: prices.remove_products(shop_product_ids=[row.pk], principal=boss, now=now)).removed
            changes = [Change(shop_product_id=row.pk, price=Decimal(10 + number))]
            insist(lambda: prices.change_prices(changes=changes, principal=boss, now=now))
        except NotThere:
            return 0
        return 0

    assert sum(at_once(act, range(8), threads=8)) == 1
    assert PriceChange.objects.filter(source="remove").count() == 1
    assert list(invariants.findings()) == []
