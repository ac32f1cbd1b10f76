"""Rows that go off sale, and batches that are taken back."""

from datetime import timedelta
from decimal import Decimal

import pytest

from config import invariants
from pricing import prices
from pricing.models import PriceChange, PriceLog, ShopProduct
from pricing.prices import AlreadyUndone, Change, NothingToUndo, TooLate
from retail.principals import principal_of
from retail.refusals import Invalid, NotThere
from retail.rights import Role
from shops.models import Shop
from tests.pricing.conftest import count_statements, on_sale, versions
from tests.support import factories

pytestmark = pytest.mark.django_db
SIX, SEVEN = Decimal("6.00"), Decimal("7.00")


@pytest.fixture
def rows(shop):
    return on_sale(shop, 3)


def remove(principal, now, *rows):
    return prices.remove_products(shop_product_ids=[row.pk for row in rows], principal=principal, now=now)


def change(principal, now, price, *rows):
    changes = [Change(shop_product_id=row.pk, price=price) for row in rows]
    return prices.change_prices(changes=changes, principal=principal, now=now)


def undo(outcome, principal, now):
    return prices.undo(change_id=outcome.change_id, principal=principal, now=now)


def live(shop):
    return set(ShopProduct.objects.live().filter(shop=shop))


def test_removed_rows_stay_but_are_off_sale_each_with_its_next_number(rows, shop, boss, now):
    outcome = remove(boss, now, rows[2], rows[0])
    batch = PriceChange.objects.get(pk=outcome.change_id)
    assert (outcome.removed, batch.source, live(shop), versions(shop)) == (2, "remove", {rows[1]}, [4, 2, 5])
    assert set(batch.removed_rows.values_list("pk", "removed_at")) == {(rows[0].pk, now), (rows[2].pk, now)}


def test_one_foreign_missing_or_removed_row_refuses_all(rows, shop, boss, now):
    gone = factories.ShopProductFactory(shop=shop, removed_at=now)
    for wrong in (factories.ShopProductFactory(), gone, ShopProduct(pk=10**15)):
        with pytest.raises(NotThere):
            remove(boss, now, rows[0], wrong)
    assert live(shop) == set(rows)
    assert not PriceChange.objects.exists()


def test_none_or_the_same_row_twice_is_refused(rows, boss, now):
    for wrong in ([], [rows[0], rows[0]]):
        with pytest.raises(Invalid):
            remove(boss, now, *wrong)


def test_everything_goes_off_sale_in_one_shop_only(rows, shop, boss, now):
    elsewhere = factories.ShopProductFactory(shop__tenant=shop.tenant)
    assert prices.remove_all(shop_id=shop.pk, principal=boss, now=now).removed == 3
    assert set(ShopProduct.objects.live()) == {elsewhere}
    assert prices.remove_all(shop_id=shop.pk, principal=boss, now=now).change_id is None


def test_a_foreign_shop_is_not_emptied(rows, shop, stranger, now):
    with pytest.raises(NotThere):
        prices.remove_all(shop_id=shop.pk, principal=stranger, now=now)
    assert live(shop) == set(rows)


def test_many_rows_are_removed_and_restored_with_few_statements(shop, boss, now):
    removed = []

    def removing(rows):
        return count_statements(lambda: removed.append(remove(boss, now, *rows)))

    assert removing(on_sale(shop, 3)) == removing(on_sale(shop, 300))
    few, many = removed
    assert count_statements(lambda: undo(few, boss, now)) == count_statements(lambda: undo(many, boss, now))
    assert len(live(shop)) == 303


def test_many_prices_are_set_back_with_few_statements(shop, boss, now):
    few, many = on_sale(shop, 3), on_sale(shop, 300)
    first, second = change(boss, now, SIX, *few), change(boss, now, SIX, *many)
    assert count_statements(lambda: undo(first, boss, now)) == count_statements(lambda: undo(second, boss, now))


def test_prices_are_set_back_by_a_new_batch(rows, shop, boss, now):
    changed = change(boss, now, SIX, *rows)
    outcome = undo(changed, boss, now + timedelta(hours=24))
    undoing = PriceChange.objects.get(pk=outcome.change_id)
    assert (outcome.changed, outcome.left, undoing.source, undoing.undoes_id) == (3, 0, "undo", changed.change_id)
    assert set(ShopProduct.objects.values_list("price", flat=True)) == {Decimal("5.90")}
    assert (PriceLog.objects.count(), versions(shop)) == (6, [7, 8, 9])
    assert list(invariants.findings()) == []


def test_rows_that_changed_since_are_left_and_counted(rows, boss, now):
    changed = change(boss, now, SIX, *rows)
    change(boss, now, SEVEN, rows[0])
    remove(boss, now, rows[1])
    outcome = undo(changed, boss, now)
    assert (outcome.changed, outcome.left) == (1, 2)
    assert [ShopProduct.objects.get(pk=row.pk).price for row in rows] == [SEVEN, SIX, Decimal("5.90")]


def test_when_every_row_changed_since_nothing_is_written(rows, boss, now):
    changed = change(boss, now, SIX, *rows)
    change(boss, now, SEVEN, *rows)
    outcome = undo(changed, boss, now)
    assert (outcome.change_id, outcome.left, PriceChange.objects.count()) == (None, 3, 2)


def test_removed_rows_come_back_where_the_product_is_not_on_sale_by_now(rows, shop, boss, now):
    cleared = prices.remove_all(shop_id=shop.pk, principal=boss, now=now)
    afresh = [rows[0].product_id]
    prices.add_products(shop_ids=[shop.pk], product_ids=afresh, product_class_id=None, principal=boss, now=now)
    outcome = undo(cleared, boss, now)
    assert (outcome.restored, outcome.left) == (2, 1)
    assert {row.product_id for row in live(shop)} == {row.product_id for row in rows}
    assert live(shop) >= {rows[1], rows[2]}
    assert versions(shop) == [4, 8, 9, 7]


def test_when_every_product_is_on_sale_again_nothing_is_restored(rows, shop, boss, now):
    cleared = prices.remove_all(shop_id=shop.pk, principal=boss, now=now)
    product_ids = [row.product_id for row in rows]
    prices.add_products(shop_ids=[shop.pk], product_ids=product_ids, product_class_id=None, principal=boss, now=now)
    outcome = undo(cleared, boss, now)
    assert (outcome.change_id, outcome.restored, outcome.left) == (None, 0, 3)


def test_a_batch_is_undone_once(rows, boss, now):
    changed = change(boss, now, SIX, *rows)
    undo(changed, boss, now)
    with pytest.raises(AlreadyUndone):
        undo(changed, boss, now)
    assert PriceLog.objects.count() == 6


def test_an_undo_is_not_undone(rows, boss, now):
    undone = undo(change(boss, now, SIX, *rows), boss, now)
    with pytest.raises(NothingToUndo):
        undo(undone, boss, now)


def test_adding_products_is_not_undone(shop, boss, now):
    product = factories.ProductFactory(tenant=shop.tenant)
    added = prices.add_products(shop_ids=[shop.pk], product_ids=[product.pk], product_class_id=None, principal=boss, now=now)
    with pytest.raises(NothingToUndo):
        undo(added, boss, now)


def test_after_24_hours_it_is_too_late(rows, boss, now):
    changed = change(boss, now, SIX, *rows)
    with pytest.raises(TooLate):
        undo(changed, boss, now + timedelta(hours=24, seconds=1))


def test_a_foreign_batch_is_not_there(rows, boss, stranger, now):
    changed = change(boss, now, SIX, *rows)
    with pytest.raises(NotThere):
        undo(changed, stranger, now)


def test_a_manager_undoes_only_what_lies_wholly_in_the_own_shops(rows, shop, boss, now):
    other = on_sale(factories.ShopFactory(tenant=shop.tenant), 1)
    manager = principal_of(factories.StaffFactory(tenant=shop.tenant, role=Role.MANAGER, shops=[shop]))
    with pytest.raises(NotThere):
        undo(change(boss, now, SIX, rows[0], *other), manager, now)
    assert undo(change(boss, now, SEVEN, rows[1]), manager, now).changed == 1


@pytest.mark.parametrize("begin", [change, lambda boss, now, _price, *rows: remove(boss, now, *rows)])
def test_a_shop_that_was_closed_since_does_not_keep_the_others_from_it(rows, shop, boss, now, begin):
    closed = factories.ShopFactory(tenant=shop.tenant)
    theirs = on_sale(closed, 2)
    batch = begin(boss, now, SIX, rows[0], *theirs)
    Shop.objects.filter(pk=closed.pk).update(removed_at=now)
    outcome = undo(batch, boss, now)
    assert (outcome.changed + outcome.restored, outcome.left) == (1, 2)
    rows[0].refresh_from_db()
    assert (rows[0].price, rows[0].removed_at) == (Decimal("5.90"), None)


def test_what_lies_wholly_in_closed_shops_is_not_undone(rows, shop, boss, now):
    batch = change(boss, now, SIX, *rows)
    Shop.objects.filter(pk=shop.pk).update(removed_at=now)
    with pytest.raises(NothingToUndo):
        undo(batch, boss, now)
