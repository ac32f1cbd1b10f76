"""What the server under load holds: ``hot`` a group buy that never sells out and buyers with their tokens; ``large`` a whole chain.

Run as ``python -m benchmarks.world hot BUYERS`` or ``large SHOPS PRODUCTS ORDERS``; prints its facts as JSON.
"""

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import django

django.setup()

from django.contrib.auth.models import Group  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import Model  # noqa: E402
from django.utils import timezone  # noqa: E402
from knox.models import AuthToken  # noqa: E402

from groupbuy.models import GroupBuying, Order, OrderStatus  # noqa: E402
from groupbuy.storefront import offers  # noqa: E402
from pricing.models import ShopProduct, StockFigure  # noqa: E402
from retail.models import Product, ProductClass, Tenant, User  # noqa: E402
from retail.rights import GROUP_NAMES, Role  # noqa: E402
from shops.models import Licence, Shop  # noqa: E402

AT_ONCE = 5000
BUYERS_OF_LARGE = 2000
FRUIT = ("红富士苹果", "赣南脐橙", "海南香蕉", "库尔勒香梨", "丹东草莓", "阳光玫瑰", "麒麟西瓜", "烟台樱桃", "百色芒果", "奉化水蜜桃")


def chain(code: str) -> tuple[Tenant, Shop, Product, User]:
    tenant = Tenant.objects.create(code=code, name="压测连锁", app_id=f"wx-{code}")
    shop = Shop.objects.create(tenant=tenant, code="001", name="田林店", address="田林路 388 号")
    fruit = ProductClass.objects.create(tenant=tenant, code="01", name="水果")
    apple = Product.objects.create(tenant=tenant, product_class=fruit, code="000001", name=FRUIT[0], price="5.90", member_price="5.50")
    creator = User.objects.create(tenant=tenant, username=code, nickname="总部", is_staff=True)
    creator.groups.add(Group.objects.get(name=GROUP_NAMES[Role.HEADQUARTERS]))
    return tenant, shop, apple, creator


def group_buying(shop: Shop, product: Product, creator: User, name: str, now: datetime) -> GroupBuying:
    return GroupBuying.objects.create(
        tenant=shop.tenant,
        shop=shop,
        product=product,
        name=name,
        price="5.00",
        quota=10_000_000,
        start_at=now - timedelta(hours=1),
        end_at=now + timedelta(days=1),
        address=shop.address,
        creator=creator,
    )


@transaction.atomic
def hot(buyers: int) -> dict[str, Any]:
    """Returns ``{groupBuyingId, tokens}``; every buyer may have three unpaid orders."""
    tenant, shop, apple, creator = chain("bench")
    offer = group_buying(shop, apple, creator, "红富士苹果团", timezone.now())
    return {"groupBuyingId": offer.pk, "tokens": [token_of(person) for person in people_of(tenant, buyers)]}


def people_of(tenant: Tenant, count: int) -> list[User]:
    return User.objects.bulk_create(User(tenant=tenant, username=None, nickname=f"买家{n}", phone=f"138{n:08d}") for n in range(count))


def token_of(person: User) -> str:
    return str(AuthToken.objects.create(user=person)[1])


@transaction.atomic
def large(shops: int, products: int, orders: int) -> dict[str, Any]:
    """Returns the ids and tokens that the rows of ``benchmarks.rows`` name."""
    now = timezone.now()
    tenant, shop, apple, headquarters = chain("large")
    sold = fill_catalogue(tenant, apple, products)
    fill_shops(tenant, shop, sold, shops)
    buyers = people_of(tenant, BUYERS_OF_LARGE)
    few, many = (group_buying(shop, apple, headquarters, name, now) for name in ("百单团", "十万单团"))
    fill_orders(few, buyers, 100, now)
    fill_orders(many, buyers, orders, now)
    return {
        "shop": shop.pk,
        "product": sold[len(sold) // 2].pk,
        "few": few.pk,
        "many": many.pk,
        "seen": offers.look_at(GroupBuying.objects.get(pk=many.pk), viewer=None, now=timezone.now()).version,
        "last_page": shops * products // 20 * 9 // 10,
        "headquarters": token_of(headquarters),
        "buyer": token_of(buyers[0]),
    }


def fill_catalogue(tenant: Tenant, apple: Product, count: int) -> list[Product]:
    rest = (
        Product(
            tenant=tenant,
            product_class=apple.product_class,
            code=f"{n:06d}",
            name=f"{FRUIT[n % len(FRUIT)]}{n}",
            pinyin=f"sg{n}",
            price=Decimal("5.90"),
            member_price=Decimal("5.50"),
        )
        for n in range(2, count + 1)
    )
    return [apple, *Product.objects.bulk_create(rest, batch_size=AT_ONCE)]


def fill_shops(tenant: Tenant, first: Shop, sold: list[Product], count: int) -> None:
    """What the first shop sells and has in stock, and as many shops that are like it."""
    others = [Shop(tenant=tenant, code=f"{n:03d}", name=f"门店{n}", address="路 1 号") for n in range(2, count + 1)]
    Shop.objects.bulk_create(others)
    Licence.objects.bulk_create(Licence(shop=shop) for shop in [first, *others])
    ShopProduct.objects.bulk_create(
        (ShopProduct(shop=first, product=one, price=one.price, member_price=one.member_price, version=n) for n, one in enumerate(sold, 1)),
        batch_size=AT_ONCE,
    )
    StockFigure.objects.bulk_create(
        (StockFigure(shop=first, product=one, qty=n % 90, cost_price="3.10") for n, one in enumerate(sold)), batch_size=AT_ONCE
    )
    for model in (ShopProduct, StockFigure):
        copy_to_other_shops(model, first)


def copy_to_other_shops(model: type[Model], first: Shop) -> None:
    quote, meta = connection.ops.quote_name, model._meta
    columns = [quote(str(field.column)) for field in meta.concrete_fields if field.column not in ("id", "shop_id")]
    table, own = quote(meta.db_table), ", ".join(columns)
    copied = ", ".join(f"one.{column}" for column in columns)
    with connection.cursor() as cursor:
        # Built of our models' columns alone.
        cursor.execute(
            f"INSERT INTO {table} (shop_id, {own}) SELECT shop.id, {copied} FROM {table} one, shops_shop shop"  # noqa: S608
            " WHERE one.shop_id = %s AND shop.tenant_id = %s AND shop.id <> %s",
            [first.pk, first.tenant_id, first.pk],
        )


def fill_orders(offer: GroupBuying, buyers: list[User], count: int, now: datetime) -> None:
    """Completed orders, in turn of all ``buyers``."""
    for first in range(1, count + 1, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, count + 1))
        Order.objects.bulk_create(orders_of(offer, buyers, numbers, now))
    GroupBuying.objects.filter(pk=offer.pk).update(taken=count, last_sequence=count)


def orders_of(offer: GroupBuying, buyers: list[User], numbers: range, now: datetime) -> Iterator[Order]:
    for number in numbers:
        at = now - timedelta(seconds=30 * number)
        yield Order(
            tenant_id=offer.tenant_id,
            shop_id=offer.shop_id,
            group_buying=offer,
            buyer=buyers[number % len(buyers)],
            code=f"{offer.pk:04d}{number:012d}",
            sequence=number,
            buyer_sequence=number // len(buyers) + 1,
            status=OrderStatus.COMPLETED,
            deliver_type=offer.deliver_type,
            phone=buyers[number % len(buyers)].phone,
            product_name="红富士苹果",
            price=offer.price,
            qty=1,
            money=offer.price,
            created_at=at,
            pay_deadline_at=at,
            paid_at=at,
            completed_at=at,
        )


if __name__ == "__main__":
    json.dump({"hot": hot, "large": large}[sys.argv[1]](*map(int, sys.argv[2:])), sys.stdout)
    with connection.cursor() as cursor:
        # A database that has lived for a while has done this by itself.
        cursor.execute("ANALYZE")
