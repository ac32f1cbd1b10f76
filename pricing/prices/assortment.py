"""What a shop sells: products that come on sale, and go."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from pricing.models import ChangeSource, PriceChange, ShopProduct
from pricing.prices.batches import Outcome, check_money, check_sort, lock_shops, open_batch, take_versions, tenant_of, write_rows
from retail.models import Product, ProductClass
from retail.principals import Principal
from retail.wire.errors import Invalid, NotThere
from shops.models import Shop

# SQLite has one writer: half a million rows would shut everybody else out for too long.
PAIRS_MAX = {"postgresql": 500_000, "sqlite": 50_000}


class NotInUse(Invalid):
    message = _("所选商品中有已停用的商品")


class ShopClosed(Invalid):
    message = _("所选门店中有已停业的门店")


def add_products(
    *, shop_ids: Sequence[int], product_ids: Sequence[int], product_class_id: int | None, principal: Principal, now: datetime
) -> Outcome:
    """Every product in every shop, at the product's master prices; what is on sale already stays as it is.

    ``product_ids`` given: the class is ignored; else all products in use of the class and of those below it. A removed product is
    added afresh, as a new row. Raises Invalid when neither or no shop is given, when a product is out of use or a shop closed, or
    beyond 500,000 pairs (50,000 on SQLite); NotThere when one of them is missing or foreign.
    """
    if product_ids:
        return put_on_sale(shop_ids=shop_ids, products=named_products(product_ids, principal), principal=principal, now=now)
    if not product_class_id:
        raise Invalid(_("请指定商品或商品分类"))
    return add_products_of_class(shop_ids=shop_ids, product_class_id=product_class_id, product_ids=(), principal=principal, now=now)


def add_products_of_class(
    *, shop_ids: Sequence[int], product_class_id: int | None, product_ids: Sequence[int], principal: Principal, now: datetime
) -> Outcome:
    """The same for all products in use of the class and of those below it (None or 0: of every class), narrowed to ``product_ids``."""
    products = Product.objects.visible_to(principal).in_use()
    if product_class_id:
        products = products.filter(product_class__in=classes_under(product_class_id, principal))
    if product_ids:
        products = products.filter(pk__in=set(product_ids))
    return put_on_sale(shop_ids=shop_ids, products=products, principal=principal, now=now)


def named_products(product_ids: Sequence[int], principal: Principal) -> QuerySet[Product]:
    wanted = set(product_ids)
    products = Product.objects.visible_to(principal).filter(pk__in=wanted)
    in_use = list(products.values_list("in_use", flat=True))
    if len(in_use) != len(wanted):
        raise NotThere
    if not all(in_use):
        raise NotInUse
    return products


def classes_under(product_class_id: int, principal: Principal) -> set[int]:
    found = ProductClass.objects.visible_to(principal).with_descendants({product_class_id})
    if not found:
        raise NotThere
    return found


# The locks on the shops keep other services out; ON CONFLICT is for whoever writes past them. The lists are JSON, one parameter
# each, which both databases read.
ADD = """
INSERT INTO pricing_shopproduct (shop_id, product_id, price, member_price, sort, version, created_at)
SELECT shop.id, product.id, product.price, product.member_price, 0,
    shop.price_version + row_number() OVER (PARTITION BY shop.id ORDER BY product.id), %s
FROM shops_shop AS shop CROSS JOIN retail_product AS product
WHERE shop.id IN ({shops}) AND product.id IN ({products}) AND NOT EXISTS (
    SELECT 1 FROM pricing_shopproduct AS row
    WHERE row.shop_id = shop.id AND row.product_id = product.id AND row.removed_at IS NULL
)
ON CONFLICT DO NOTHING
"""
