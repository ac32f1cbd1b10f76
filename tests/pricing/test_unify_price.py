"""One price for a product in many shops."""

from decimal import Decimal

import pytest
from django.db import connection

from pricing import prices
from pricing.models import PriceChange, PriceLog, ShopProduct
from retail.principals import principal_of
from retail.refusals import Invalid, NotThere
from retail.rights import Role
from tests.pricing.conftest import count_statements
from tests.support import factories

pytestmark = pytest.mark.django_db
SIX = Decimal("6.00")


@pytest.fixture
def product(tenant):
    return factories.ProductFactory(tenant=tenant)


def sellers(product, count):
    return [factories.ShopProductFactory(product=product, shop__tenant=product.tenant).shop for _ in range(count)]


def unify(principal, now, product_id, shops, price=SIX, member_price=None):
    return prices.unify_price(
        product_id=product_id, shop_ids=[shop.pk for shop in shops], price=price, member_price=member_price, principal=principal, now=now
    )


def test_every_shop_gets_the_price_and_those_without_the_product_are_named(product, boss, now):
    shops = sellers(product, 2)
    without = factories.ShopFactory(tenant=product.tenant, name="漕河泾店")
    outcome = unify(boss, now, product.pk, [*shops, without])
    assert (outcome.changed, outcome.shops_without) == (2, ("漕河泾店",))
    assert set(ShopProduct.objects.values_list("price", "member_price")) == {(SIX, Decimal("5.50"))}
    assert (PriceChange.objects.get().source, PriceLog.objects.count()) == ("unify", 2)


def test_nothing_is_written_when_every_shop_has_the_price(product, boss, now):
    shops = sellers(product, 2)
    unify(boss, now, product.pk, shops)
    outcome = unify(boss, now, product.pk, shops)
    assert (outcome.change_id, outcome.unchanged, PriceChange.objects.count()) == (None, 2, 1)


def test_no_shop_ever_sold_it_changes_nothing(product, boss, shop, now):
    outcome = unify(boss, now, product.pk, [shop])
    assert (outcome.change_id, outcome.shops_without) == (None, (shop.name,))


def test_no_shops_is_never_all_shops(product, boss, now):
    sellers(product, 1)
    with pytest.raises(Invalid):
        unify(boss, now, product.pk, [])
    assert not PriceLog.objects.exists()


def test_a_price_must_be_given(product, boss, now):
    with pytest.raises(Invalid):
        unify(boss, now, product.pk, sellers(product, 1), price=None)


def test_a_foreign_or_missing_shop_or_product_is_not_there(product, boss, now):
    shops = sellers(product, 1)
    for product_id, others in ((product.pk, [factories.ShopFactory()]), (factories.ProductFactory().pk, []), (10**9, [])):
        with pytest.raises(NotThere):
            unify(boss, now, product_id, [*shops, *others])
    assert not PriceLog.objects.exists()


def test_a_manager_unifies_only_the_shops_that_are_assigned(product, now):
    mine, other = sellers(product, 2)
    manager = principal_of(factories.StaffFactory(tenant=product.tenant, role=Role.MANAGER, shops=[mine]))
    with pytest.raises(NotThere):
        unify(manager, now, product.pk, [mine, other])
    assert unify(manager, now, product.pk, [mine]).changed == 1


def test_many_shops_need_no_more_statements_than_few(product, boss, now):
    shops = sellers(product, 60)
    few = count_statements(lambda: unify(boss, now, product.pk, shops[:3]))
    many = count_statements(lambda: unify(boss, now, product.pk, shops, price=Decimal("7.00")))
    assert many == few
    if connection.vendor == "postgresql":
        assert many <= 6
