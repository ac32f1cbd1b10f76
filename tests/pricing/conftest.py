from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pricing.models import ShopProduct
from retail.principals import Principal, principal_of
from shops.models import Shop
from tests.support import factories


@pytest.fixture
def stranger() -> Principal:
    """Headquarters of another chain."""
    return principal_of(factories.StaffFactory(role="headquarters"))


@pytest.fixture
def row(shop) -> ShopProduct:
    return on_sale(shop, 1)[0]


def on_sale(shop: Shop, count: int) -> list[ShopProduct]:
    """``count`` rows at 5.90 and 5.50 with the versions that they would have, and the shop's counter behind them."""
    shop.refresh_from_db()
    first = shop.price_version
    products = factories.ProductFactory.create_batch(
        count, tenant=shop.tenant, product_class=factories.ProductClassFactory(tenant=shop.tenant)
    )
    rows = [
        ShopProduct(shop=shop, product=product, price="5.90", member_price="5.50", version=first + number)
        for number, product in enumerate(products, start=1)
    ]
    Shop.objects.filter(pk=shop.pk).update(price_version=first + count)
    shop.refresh_from_db()
    ShopProduct.objects.bulk_create(rows)
    return list(ShopProduct.objects.filter(shop=shop, version__gt=first).order_by("pk"))


def count_statements(call: Callable[[], object]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        call()
    return len(captured)


def versions(shop: Shop) -> list[int]:
    """Of all rows, in the order of their ids; no number is taken twice and none lies above the counter."""
    taken = list(ShopProduct.objects.filter(shop=shop).order_by("pk").values_list("version", flat=True))
    assert len(set(taken)) == len(taken)
    assert max(taken) == Shop.objects.get(pk=shop.pk).price_version
    return taken
