"""Products that come on sale: every product in every shop, at the master's prices."""

from decimal import Decimal

import pytest

from config import invariants
from pricing import prices
from pricing.models import PriceChange, PriceLog, ShopProduct
from pricing.prices import assortment
from retail.models import Product
from retail.principals import Principal
from retail.refusals import Invalid, NotThere, Refusal
from retail.rights import Role
from tests.pricing.conftest import count_statements, versions
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def shops(tenant):
    return factories.ShopFactory.create_batch(2, tenant=tenant)


@pytest.fixture
def apples(tenant):
    """Fruit, below it apples, with three products, one of them out of use."""
    fruit = factories.ProductClassFactory(tenant=tenant)
    apples = factories.ProductClassFactory(tenant=tenant, parent=fruit)
    factories.ProductFactory.create_batch(2, tenant=tenant, product_class=apples)
    factories.ProductFactory(tenant=tenant, product_class=apples, in_use=False)
    return apples


def add(principal, now, shops, products=(), class_id=None):
    return prices.add_products(
        shop_ids=[shop.pk for shop in shops],
        product_ids=[product.pk for product in products],
        product_class_id=class_id,
        principal=principal,
        now=now,
    )


def add_class(principal, now, shops, class_id, products=()):
    return prices.add_products_of_class(
        shop_ids=[shop.pk for shop in shops],
        product_class_id=class_id,
        product_ids=[product.pk for product in products],
        principal=principal,
        now=now,
    )


def test_every_product_comes_on_sale_in_every_shop_at_the_masters_prices(shops, tenant, boss, now):
    products = factories.ProductFactory.create_batch(3, tenant=tenant)
    outcome = add(boss, now, shops, products)
    assert (outcome.added, outcome.unchanged) == (6, 0)
    rows = ShopProduct.objects.values_list("price", "member_price", "sort", "created_at", "removed_at")
    assert set(rows) == {(Decimal("5.90"), Decimal("5.50"), 0, now, None)}
    assert [versions(shop) for shop in shops] == [[1, 2, 3], [1, 2, 3]]
    assert (PriceLog.objects.count(), PriceChange.objects.get().source) == (0, "add")
    assert list(invariants.findings()) == []


def test_what_is_on_sale_stays_as_it_is(row, shop, boss, now):
    ShopProduct.objects.update(price="4.20")
    outcome = add(boss, now, [shop], [row.product, factories.ProductFactory(tenant=shop.tenant)])
    row.refresh_from_db()
    assert (outcome.added, outcome.unchanged, row.price, versions(shop)) == (1, 1, Decimal("4.20"), [1, 2])


def test_a_repeat_writes_nothing(shops, apples, boss, now):
    add(boss, now, shops, class_id=apples.pk)
    outcome = add(boss, now, shops, class_id=apples.pk)
    assert (outcome.change_id, outcome.added, outcome.unchanged) == (None, 0, 4)
    assert (PriceChange.objects.count(), versions(shops[0])) == (1, [1, 2])


def test_a_removed_product_is_added_afresh(row, shop, boss, now):
    prices.remove_products(shop_product_ids=[row.pk], principal=boss, now=now)
    assert add(boss, now, [shop], [row.product]).added == 1
    assert list(ShopProduct.objects.order_by("pk").values_list("removed_at", "version")) == [(now, 2), (None, 3)]


def test_a_class_means_its_products_in_use_and_those_below_it(shops, apples, boss, now):
    add(boss, now, shops[:1], class_id=apples.parent_id)
    assert set(ShopProduct.objects.values_list("product", flat=True)) == set(Product.objects.in_use().values_list("pk", flat=True))


def test_named_products_win_over_the_class(shop, apples, boss, now):
    pear = factories.ProductFactory(tenant=shop.tenant)
    add(boss, now, [shop], [pear], class_id=apples.pk)
    assert ShopProduct.objects.get().product == pear


def test_by_class_the_named_products_narrow_the_class(shop, apples, boss, now):
    red = Product.objects.filter(product_class=apples).first()
    pear = factories.ProductFactory(tenant=shop.tenant)
    outcome = add_class(boss, now, [shop], apples.pk, [red, pear])
    assert (outcome.added, ShopProduct.objects.get().product) == (1, red)


@pytest.mark.parametrize("none", [None, 0])
def test_no_class_means_every_class(shop, apples, boss, now, none):
    factories.ProductFactory(tenant=shop.tenant)
    factories.ProductFactory()
    assert add_class(boss, now, [shop], none).added == 3


def test_neither_products_nor_class_is_refused_and_so_is_no_shop(shop, apples, boss, now):
    for shops, class_id in (([shop], None), ([shop], 0), ([], apples.pk)):
        with pytest.raises(Invalid):
            add(boss, now, shops, class_id=class_id)
    with pytest.raises(Invalid):
        add_class(boss, now, [], None)


def test_one_foreign_or_missing_shop_product_or_class_refuses_all(shop, tenant, boss, now):
    mine, foreign = factories.ProductFactory(tenant=tenant), factories.ProductFactory()
    closed = factories.ShopFactory(tenant=tenant, removed_at=now)
    for shops, products in (([shop, factories.ShopFactory()], [mine]), ([shop, closed], [mine]), ([shop], [mine, foreign])):
        with pytest.raises(NotThere):
            add(boss, now, shops, products)
    for product in (foreign, factories.ProductFactory.build(pk=10**9)):
        with pytest.raises(NotThere):
            add_class(boss, now, [shop], mine.product_class_id, [mine, product])
    for class_id in (foreign.product_class_id, 10**9):
        with pytest.raises(NotThere):
            add(boss, now, [shop], class_id=class_id)
    assert not ShopProduct.objects.exists()


def test_the_platform_may_not_put_a_product_into_another_tenants_shop(shop, now):
    platform = Principal(Role.PLATFORM, None, None, None)
    with pytest.raises(NotThere):
        add(platform, now, [shop], [factories.ProductFactory()])


def test_a_product_out_of_use_is_refused(shop, tenant, boss, now):
    with pytest.raises(Refusal, match="停用"):
        add(boss, now, [shop], [factories.ProductFactory(tenant=tenant, in_use=False)])


def test_too_many_pairs_are_refused(shops, apples, boss, now, monkeypatch):
    monkeypatch.setattr(assortment, "PAIRS_MAX", {"postgresql": 3, "sqlite": 3})
    with pytest.raises(Invalid, match="3.*4"):
        add(boss, now, shops, class_id=apples.pk)
    assert not ShopProduct.objects.exists()


def test_many_products_need_no_more_statements_than_few(shop, tenant, boss, now):
    product_class = factories.ProductClassFactory(tenant=tenant)
    few, many = (factories.ProductFactory.create_batch(count, tenant=tenant, product_class=product_class) for count in (3, 300))
    assert count_statements(lambda: add(boss, now, [shop], few)) == count_statements(lambda: add(boss, now, [shop], many))
    assert ShopProduct.objects.count() == 303
