"""What a shop's record says of its products when the shop is made."""

from decimal import Decimal

import pytest

from pricing import prices
from pricing.models import PriceChange, PriceLog, ShopProduct
from pricing.prices import FirstPrice
from retail.refusals import Invalid, NotThere
from tests.pricing.conftest import count_statements, versions
from tests.support import factories

pytestmark = pytest.mark.django_db


def set_first(shop, principal, now, *first_prices):
    return prices.set_first_prices(shop=shop, first_prices=first_prices, principal=principal, now=now)


def test_products_named_by_id_or_code_come_on_sale_at_the_given_prices(shop, tenant, boss, now):
    apple, pear = factories.ProductFactory(tenant=tenant), factories.ProductFactory(tenant=tenant, code="A-7")
    given = FirstPrice(product_id=apple.pk, price=Decimal("4.00"), member_price=Decimal("3.50"), sort=2)
    outcome = set_first(shop, boss, now, given, FirstPrice(product_code="A-7"))
    rows = ShopProduct.objects.order_by("pk").values_list("product", "price", "member_price", "sort")
    assert list(rows) == [
        (apple.pk, Decimal("4.00"), Decimal("3.50"), 2),
        (pear.pk, Decimal("5.90"), Decimal("5.50"), 0),
    ]
    assert (outcome.added, versions(shop), PriceLog.objects.count()) == (2, [1, 2], 0)
    assert PriceChange.objects.get().source == "shop"


def test_what_is_on_sale_keeps_its_price_and_is_counted(row, shop, boss, now):
    new = factories.ProductFactory(tenant=shop.tenant)
    differing = FirstPrice(product_id=row.product_id, price=Decimal("1.00"))
    outcome = set_first(shop, boss, now, differing, FirstPrice(product_id=new.pk))
    row.refresh_from_db()
    assert (outcome.added, outcome.left, outcome.unchanged, row.price) == (1, 1, 0, Decimal("5.90"))


def test_the_same_prices_again_write_nothing(row, shop, boss, now):
    outcome = set_first(shop, boss, now, FirstPrice(product_id=row.product_id, price=row.price, sort=0))
    assert (outcome.change_id, outcome.unchanged, outcome.left, versions(shop)) == (None, 1, 0, [1])


def test_a_missing_or_foreign_product_refuses_all(shop, boss, now):
    mine = factories.ProductFactory(tenant=shop.tenant)
    foreign = factories.ProductFactory()
    for wrong in (FirstPrice(product_id=foreign.pk), FirstPrice(product_code=foreign.code), FirstPrice()):
        with pytest.raises(NotThere):
            set_first(shop, boss, now, FirstPrice(product_id=mine.pk), wrong)
    assert not ShopProduct.objects.exists()


def test_the_same_product_twice_or_a_bad_price_is_refused(shop, boss, now):
    apple = factories.ProductFactory(tenant=shop.tenant)
    with pytest.raises(Invalid):
        set_first(shop, boss, now, FirstPrice(product_id=apple.pk), FirstPrice(product_code=apple.code))
    with pytest.raises(Invalid):
        set_first(shop, boss, now, FirstPrice(product_id=apple.pk, price=Decimal(-1)))


def test_a_foreign_shop_is_not_there(shop, stranger, now):
    with pytest.raises(NotThere):
        set_first(shop, stranger, now)


def test_many_products_need_no_more_statements_than_few(shop, tenant, boss, now):
    product_class = factories.ProductClassFactory(tenant=tenant)
    few, many = (factories.ProductFactory.create_batch(count, tenant=tenant, product_class=product_class) for count in (3, 300))
    statements = [
        count_statements(lambda: set_first(shop, boss, now, *(FirstPrice(product_id=product.pk) for product in products)))  # noqa: B023
        for products in (few, many)
    ]
    assert statements[0] == statements[1]
    assert ShopProduct.objects.count() == 303
