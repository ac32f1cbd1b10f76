"""Prices that change, one or many, in one batch."""

from decimal import Decimal

import pytest
from django.db import connection

from config import invariants
from pricing import prices
from pricing.models import ChangeSource, PriceChange, PriceLog, ShopProduct
from pricing.prices import Change, statements
from pricing.prices import changes as price_changes
from retail.principals import Principal, principal_of
from retail.refusals import Invalid, NotThere
from retail.rights import Role
from tests.pricing.conftest import count_statements, on_sale, versions
from tests.support import factories

pytestmark = pytest.mark.django_db
FIVE, SIX, SEVEN = Decimal("5.00"), Decimal("6.00"), Decimal("7.00")


def change(principal, now, *changes, **options):
    return prices.change_prices(changes=changes, principal=principal, now=now, **options)


def refused(error, principal, now, *changes):
    before = list(ShopProduct.objects.order_by("pk").values())
    with pytest.raises(error):
        change(principal, now, *changes)
    assert list(ShopProduct.objects.order_by("pk").values()) == before
    assert not PriceChange.objects.exists()


def test_a_change_is_written_logged_and_numbered(row, shop, boss, now):
    outcome = change(boss, now, Change(shop_product_id=row.pk, price=SIX), reason="早市")
    row.refresh_from_db()
    assert (row.price, row.member_price, row.version) == (SIX, Decimal("5.50"), 2)
    assert (outcome.changed, outcome.unchanged) == (1, 0)
    log = PriceLog.objects.get(change=outcome.change_id)
    assert (log.old_price, log.new_price, log.old_member_price, log.new_member_price) == (Decimal("5.90"), SIX, *[Decimal("5.50")] * 2)
    assert (log.shop_product, log.shop, log.product, log.user, log.created_at) == (row, shop, row.product, boss.user, now)
    batch = PriceChange.objects.get()
    assert (batch.source, batch.reason, batch.user, batch.tenant, batch.created_at) == ("change", "早市", boss.user, shop.tenant, now)


def test_a_row_is_found_by_shop_and_product_too(row, boss, now):
    change(boss, now, Change(shop_id=row.shop_id, product_id=row.product_id, member_price=FIVE))
    row.refresh_from_db()
    assert (row.price, row.member_price) == (Decimal("5.90"), FIVE)


def test_the_id_wins_over_shop_and_product(row, shop, boss, now):
    other = on_sale(shop, 1)[0]
    change(boss, now, Change(shop_product_id=row.pk, shop_id=shop.pk, product_id=other.product_id, price=SIX))
    assert list(ShopProduct.objects.filter(price=SIX)) == [row]


def test_what_equals_the_old_price_is_neither_written_nor_logged(row, shop, boss, now):
    outcome = change(boss, now, Change(shop_product_id=row.pk, price=row.price, member_price=row.member_price, sort=0))
    assert (outcome.change_id, outcome.changed, outcome.unchanged) == (None, 0, 1)
    assert (PriceChange.objects.count(), versions(shop)) == (0, [1])


def test_a_change_of_sort_takes_a_version_but_writes_no_log(row, shop, boss, now):
    outcome = change(boss, now, Change(shop_product_id=row.pk, sort=9))
    row.refresh_from_db()
    assert (row.sort, row.version, outcome.changed, PriceLog.objects.count()) == (9, 2, 1, 0)


def test_each_changed_row_takes_its_own_number_in_the_order_of_ids(shop, boss, now):
    rows = on_sale(shop, 4)
    change(boss, now, *[Change(shop_product_id=row.pk, price=SIX) for row in (rows[3], rows[0], rows[1])])
    assert versions(shop) == [5, 6, 3, 7]


def test_each_shop_counts_for_itself(shop, boss, now):
    other = factories.ShopFactory(tenant=shop.tenant)
    rows = [*on_sale(shop, 2), *on_sale(other, 3)]
    change(boss, now, *[Change(shop_product_id=row.pk, price=SIX) for row in rows])
    assert (versions(shop), versions(other)) == ([3, 4], [4, 5, 6])
    assert PriceChange.objects.count() == 1


def test_logs_are_a_chain_within_a_rows_life(row, boss, now):
    for price in (SIX, SEVEN, SEVEN, FIVE):
        change(boss, now, Change(shop_product_id=row.pk, price=price))
    assert list(PriceLog.objects.order_by("pk").values_list("old_price", "new_price")) == [
        (Decimal("5.90"), SIX),
        (SIX, SEVEN),
        (SEVEN, FIVE),
    ]
    assert list(invariants.findings()) == []


def test_a_row_that_goes_between_its_look_up_and_its_shops_lock_refuses_all(shop, boss, now, monkeypatch):
    kept, gone = on_sale(shop, 2)
    lock = price_changes.lock_shops

    def too_late(**options):
        ShopProduct.objects.filter(pk=gone.pk).update(removed_at=now)
        return lock(**options)

    monkeypatch.setattr(price_changes, "lock_shops", too_late)
    with pytest.raises(NotThere):
        change(boss, now, *(Change(shop_product_id=row.pk, price=SIX) for row in (kept, gone)))
    kept.refresh_from_db()
    assert (kept.price, PriceChange.objects.count()) == (Decimal("5.90"), 0)


def test_one_missing_removed_or_foreign_row_refuses_the_whole_batch(row, shop, boss, now):
    removed = factories.ShopProductFactory(shop=shop, removed_at=now)
    foreign = factories.ShopProductFactory()
    for wrong in (
        Change(shop_product_id=10**15, price=SIX),
        Change(shop_product_id=removed.pk, price=SIX),
        Change(shop_product_id=foreign.pk, price=SIX),
        Change(shop_id=foreign.shop_id, product_id=foreign.product_id, price=SIX),
        Change(shop_id=shop.pk, product_id=removed.product_id, price=SIX),
        Change(shop_id=shop.pk, price=SIX),
        Change(price=SIX),
    ):
        refused(NotThere, boss, now, Change(shop_product_id=row.pk, price=SIX), wrong)


def test_a_manager_reaches_only_the_shops_that_are_assigned(row, shop, now):
    elsewhere = factories.ShopProductFactory(shop__tenant=shop.tenant)
    manager = principal_of(factories.StaffFactory(tenant=shop.tenant, role=Role.MANAGER, shops=[shop]))
    refused(NotThere, manager, now, Change(shop_product_id=row.pk, price=SIX), Change(shop_product_id=elsewhere.pk, price=SIX))
    refused(NotThere, manager, now, Change(shop_id=elsewhere.shop_id, product_id=elsewhere.product_id, price=SIX))
    assert change(manager, now, Change(shop_product_id=row.pk, price=SIX)).changed == 1


def test_buyers_see_prices_but_reach_none(row, buyer, now):
    refused(NotThere, principal_of(buyer), now, Change(shop_product_id=row.pk, price=SIX))


def test_a_closed_shop_is_not_there(row, shop, boss, now):
    type(shop).objects.update(removed_at=now)
    refused(NotThere, boss, now, Change(shop_product_id=row.pk, price=SIX))


def test_the_same_row_twice_is_refused_however_it_is_named(row, boss, now):
    refused(Invalid, boss, now, Change(shop_product_id=row.pk, price=SIX), Change(shop_product_id=row.pk, price=SIX))
    by_pair = Change(shop_id=row.shop_id, product_id=row.product_id, price=SIX)
    refused(Invalid, boss, now, by_pair, by_pair)
    refused(Invalid, boss, now, Change(shop_product_id=row.pk, price=SIX), by_pair)


@pytest.mark.parametrize("price", ["-0.01", "NaN", "Infinity", "100000000", "5.905"])
def test_a_price_that_no_row_can_hold_is_refused(row, boss, now, price):
    refused(Invalid, boss, now, Change(shop_product_id=row.pk, price=Decimal(price)))
    refused(Invalid, boss, now, Change(shop_product_id=row.pk, member_price=Decimal(price)))


def test_a_sort_beyond_32_bits_is_refused(row, boss, now):
    refused(Invalid, boss, now, Change(shop_product_id=row.pk, sort=2**31))
    change(boss, now, Change(shop_product_id=row.pk, sort=-(2**31), price=Decimal("99999999.99")))


def test_an_empty_list_is_refused(boss, now):
    refused(Invalid, boss, now)


def test_the_platform_may_not_mix_two_tenants_in_a_batch(row, now):
    platform = Principal(Role.PLATFORM, None, None, None)
    foreign = factories.ShopProductFactory()
    refused(Invalid, platform, now, Change(shop_product_id=row.pk, price=SIX), Change(shop_product_id=foreign.pk, price=SIX))
    assert change(platform, now, Change(shop_product_id=foreign.pk, price=SIX)).changed == 1
    assert PriceChange.objects.get().tenant == foreign.shop.tenant


@pytest.mark.parametrize("by_pair", [False, True], ids=["by id", "by shop and product"])
def test_many_rows_need_no_more_statements_than_few(shop, boss, now, by_pair):
    def statements_for(rows, price):
        changes = [
            Change(shop_id=row.shop_id, product_id=row.product_id, price=price) if by_pair else Change(shop_product_id=row.pk, price=price)
            for row in rows
        ]
        return count_statements(lambda: change(boss, now, *changes))

    rows = on_sale(shop, 300)
    assert statements_for(rows[:3], SIX) == statements_for(rows, SEVEN)
    assert PriceLog.objects.count() == 303


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the one statement is PostgreSQL's")
def test_the_one_statement_and_its_twin_write_the_same(shop, boss, now):
    other = factories.ShopFactory(tenant=shop.tenant)

    def written(write):
        rows = [*on_sale(shop, 3), *on_sale(other, 2)]
        start = {place.pk: place.price_version for place in (shop, other)}
        asked = [statements.Asked(rows[0].pk, SIX, None, None), statements.Asked(rows[1].pk, row_price(rows[1]), None, 0)]
        asked += [statements.Asked(rows[2].pk, None, None, 4), statements.Asked(rows[4].pk, SIX, FIVE, 7)]
        batch = PriceChange(tenant=shop.tenant, source=ChangeSource.UNIFY, user=boss.user, reason="同", created_at=now)
        result = write(asked, batch, prices.batches.lock_shops(shop_ids={shop.pk, other.pk}, principal=boss))
        after = ShopProduct.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk")
        logs = (
            PriceLog.objects.filter(change=result.change_id)
            .order_by("pk")
            .values_list("old_price", "old_member_price", "new_price", "new_member_price", "shop", "user", "created_at", "change__reason")
        )
        versions(shop), versions(other)
        shown = [(row.price, row.member_price, row.sort, row.version - start[row.shop_id]) for row in after]
        return (result.matched, result.changed), shown, list(logs)

    one = written(lambda asked, batch, shops: statements.write_in_one_statement(asked=asked, batch=batch))
    twin = written(lambda asked, batch, shops: statements.write_with_orm(asked=asked, batch=batch, shops=shops))
    assert one == twin
    assert one[0] == (4, 3)


def row_price(row):
    return row.price
