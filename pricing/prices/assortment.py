"""What a shop sells: products that come on sale, and go."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from pricing.models import ChangeSource, ShopProduct
from pricing.prices.batches import Outcome, check_money, check_sort, lock_shops, new_batch, take_versions, tenant_of, write_rows
from retail.models import Product, ProductClass
from retail.principals import Principal
from retail.refusals import Invalid, NotThere, Refusal
from shops.models import Shop

# SQLite has one writer: half a million rows would shut everybody else out for too long.
PAIRS_MAX = {"postgresql": 500_000, "sqlite": 50_000}


class NotInUse(Refusal):
    message = _("所选商品中有已停用的商品")


def add_products(
    *, shop_ids: Sequence[int], product_ids: Sequence[int], product_class_id: int | None, principal: Principal, now: datetime
) -> Outcome:
    """Every product in every shop, at the product's master prices; what is on sale already stays as it is.

    ``product_ids`` given: the class is ignored; else all products in use of the class and of those below it. A removed product is
    added afresh, as a new row. Raises Invalid when neither or no shop is given, or beyond 500,000 pairs (50,000 on SQLite);
    NotThere when a shop, product or class is missing or foreign; NotInUse.
    """
    if not product_ids and not product_class_id:
        raise Invalid(_("请指定商品或商品分类"))
    if not product_ids:
        return add_products_of_class(shop_ids=shop_ids, product_class_id=product_class_id, product_ids=(), principal=principal, now=now)
    products = named(product_ids, principal=principal)
    if products.filter(in_use=False).exists():
        raise NotInUse
    return put_on_sale(shop_ids=shop_ids, products=products, principal=principal, now=now)


def add_products_of_class(
    *, shop_ids: Sequence[int], product_class_id: int | None, product_ids: Sequence[int], principal: Principal, now: datetime
) -> Outcome:
    """Every product in use of the class, and of those below it, in every shop, at its master prices; what is on sale stays as it is.

    No class (None or 0) is every class. ``product_ids`` narrows the products down. Raises NotThere, Invalid.
    """
    products = Product.objects.visible_to(principal).in_use()
    if product_class_id:
        classes = ProductClass.objects.visible_to(principal).with_descendants({product_class_id})
        if not classes:
            raise NotThere
        products = products.filter(product_class__in=classes)
    if product_ids:
        products = products.filter(pk__in=named(product_ids, principal=principal))
    return put_on_sale(shop_ids=shop_ids, products=products, principal=principal, now=now)


def named(product_ids: Sequence[int], *, principal: Principal) -> QuerySet[Product]:
    """Raises NotThere when one of them is missing or foreign."""
    products = Product.objects.visible_to(principal).filter(pk__in=set(product_ids))
    if products.count() != len(set(product_ids)):
        raise NotThere
    return products


# EXCEPT, since with stale statistics PostgreSQL makes a quadratic join of NOT EXISTS: minutes instead of a second. The locks keep
# the other services out; ON CONFLICT is for whoever writes past them.
ADD = """
INSERT INTO pricing_shopproduct (shop_id, product_id, price, member_price, sort, version, created_at)
SELECT shop.id, product.id, product.price, product.member_price, 0,
    shop.price_version + row_number() OVER (PARTITION BY shop.id ORDER BY product.id), %s
FROM (
    SELECT shop.id AS shop_id, product.id AS product_id FROM shops_shop AS shop CROSS JOIN retail_product AS product
    WHERE shop.id IN ({ids}) AND product.id IN ({ids})
    EXCEPT SELECT shop_id, product_id FROM pricing_shopproduct WHERE removed_at IS NULL AND shop_id IN ({ids})
) AS missing
JOIN shops_shop AS shop ON shop.id = missing.shop_id
JOIN retail_product AS product ON product.id = missing.product_id
WHERE TRUE
ON CONFLICT DO NOTHING
"""
# A list of ids is one parameter: no limit of parameters, no chunks.
IDS = {"postgresql": "SELECT unnest(%s::bigint[])", "sqlite": "SELECT value FROM json_each(%s)"}


@transaction.atomic
def put_on_sale(*, shop_ids: Sequence[int], products: QuerySet[Product], principal: Principal, now: datetime) -> Outcome:
    if not shop_ids:
        raise Invalid(_("请指定门店"))
    shops = lock_shops(shop_ids=shop_ids, principal=principal)
    tenants = dict(products.values_list("pk", "tenant_id"))
    if set(tenants.values()) - {tenant_of(shops)}:
        raise NotThere
    pairs, most = len(shops) * len(tenants), PAIRS_MAX[connection.vendor]
    if pairs > most:
        raise Invalid(_("一次最多添加 {most} 个门店商品，本次为 {pairs} 个").format(most=most, pairs=pairs))
    added = insert_missing(shop_ids=list(shops), product_ids=list(tenants), now=now)
    if not added:
        return Outcome(unchanged=pairs)
    newest = ShopProduct.objects.filter(shop=OuterRef("pk")).order_by("-version").values("version")[:1]
    Shop.objects.filter(pk__in=shops).update(price_version=Greatest("price_version", Subquery(newest)))
    batch = new_batch(shops=shops, source=ChangeSource.ADD, principal=principal, now=now)
    batch.save()
    return Outcome(change_id=batch.pk, added=added, unchanged=pairs - added)


def insert_missing(*, shop_ids: list[int], product_ids: list[int], now: datetime) -> int:
    """The number of rows that were added."""
    lists: list[Any] = [shop_ids, product_ids, shop_ids]
    if connection.vendor == "sqlite":
        lists = [json.dumps(ids) for ids in lists]
    with connection.cursor() as cursor:
        cursor.execute(ADD.format(ids=IDS[connection.vendor]), [connection.ops.adapt_datetimefield_value(now), *lists])
        added: int = cursor.rowcount
    return added


@dataclass(frozen=True)
class FirstPrice:
    """A product, named by id or else by code, and the prices that it starts with; None is the master's."""

    product_id: int | None = None
    product_code: str = ""
    price: Decimal | None = None
    member_price: Decimal | None = None
    sort: int | None = None


@transaction.atomic
def set_first_prices(*, shop: Shop, first_prices: Sequence[FirstPrice], principal: Principal, now: datetime) -> Outcome:
    """Put products on sale in ``shop`` at given prices (``shop/create``, ``shop/update``); a first price writes no log.

    What is on sale already keeps its price: ``left`` counts the rows that differ from what was sent. Raises NotThere on a missing or
    foreign product, Invalid on a bad price or the same product twice.
    """
    for first in first_prices:
        check_money(first.price, first.member_price)
        check_sort(first.sort)
    shops = lock_shops(shop_ids={shop.pk}, principal=principal)
    rows = rows_of(shop=shops[shop.pk], first_prices=first_prices, now=now)
    live = {row.product_id: row for row in ShopProduct.objects.live().filter(shop=shop, product__in=[row.product_id for row in rows])}
    new = [row for row in rows if row.product_id not in live]
    left = sum(differs(live[row.product_id], first) for row, first in zip(rows, first_prices, strict=True) if row.product_id in live)
    if not new:
        return Outcome(unchanged=len(live) - left, left=left)
    take_versions(rows=new, shops=shops)
    ShopProduct.objects.bulk_create(new)
    batch = new_batch(shops=shops, source=ChangeSource.SHOP, principal=principal, now=now)
    batch.save()
    return Outcome(change_id=batch.pk, added=len(new), unchanged=len(live) - left, left=left)


def rows_of(*, shop: Shop, first_prices: Sequence[FirstPrice], now: datetime) -> list[ShopProduct]:
    ids = [first.product_id for first in first_prices if first.product_id]
    codes = [first.product_code for first in first_prices if not first.product_id]
    products = list(Product.objects.filter(Q(pk__in=ids) | Q(code__in=codes), tenant=shop.tenant_id))
    by_id = {product.pk: product for product in products}
    by_code = {product.code: product for product in products}
    rows: dict[int, ShopProduct] = {}
    for first in first_prices:
        product = by_id.get(first.product_id) if first.product_id else by_code.get(first.product_code)
        if product is None:
            raise NotThere(_("商品不存在：{name}").format(name=first.product_id or first.product_code))
        if product.pk in rows:
            raise Invalid(_("同一商品出现多次"))
        price = product.price if first.price is None else first.price
        member_price = product.member_price if first.member_price is None else first.member_price
        rows[product.pk] = ShopProduct(
            shop=shop, product=product, price=price, member_price=member_price, sort=first.sort or 0, created_at=now
        )
    return list(rows.values())


def differs(row: ShopProduct, first: FirstPrice) -> bool:
    sent = ((row.price, first.price), (row.member_price, first.member_price), (row.sort, first.sort))
    return any(value is not None and value != held for held, value in sent)


@transaction.atomic
def remove_products(*, shop_product_ids: Sequence[int], principal: Principal, now: datetime) -> Outcome:
    """Take rows off sale, softly, so that scales learn to drop them and ``undo`` can bring them back.

    Raises NotThere when one row is missing, foreign or removed already, Invalid on an empty list or the same row twice.
    """
    wanted = set(shop_product_ids)
    if not wanted:
        raise Invalid(_("请指定要下架的商品"))
    if len(wanted) != len(shop_product_ids):
        raise Invalid(_("同一商品出现多次"))
    shop_ids = ShopProduct.objects.visible_to(principal).live().filter(pk__in=wanted).values_list("shop_id", flat=True)
    shops = lock_shops(shop_ids=set(shop_ids), principal=principal) if shop_ids else {}
    rows = ShopProduct.objects.live().filter(pk__in=wanted, shop__in=shops)
    if len(rows) != len(wanted):
        raise NotThere
    return take_off(rows=rows, shops=shops, principal=principal, now=now)


@transaction.atomic
def remove_all(*, shop_id: int, principal: Principal, now: datetime) -> Outcome:
    """Take everything off sale in one shop. Raises NotThere on a closed or foreign shop; nothing on sale: nothing is written."""
    shops = lock_shops(shop_ids={shop_id}, principal=principal)
    return take_off(rows=ShopProduct.objects.live().filter(shop=shop_id), shops=shops, principal=principal, now=now)


def take_off(*, rows: QuerySet[ShopProduct], shops: dict[int, Shop], principal: Principal, now: datetime) -> Outcome:
    removed = list(rows.order_by("pk"))
    if not removed:
        return Outcome()
    batch = new_batch(shops=shops, source=ChangeSource.REMOVE, principal=principal, now=now)
    batch.save()
    for row in removed:
        row.removed_at, row.removed_in = now, batch
    write_rows(rows=removed, fields=["removed_at", "removed_in"], shops=shops)
    return Outcome(change_id=batch.pk, removed=len(removed))
