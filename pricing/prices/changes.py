"""Prices that change: one row or 20,000, in one batch, all or nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from pricing.models import ChangeSource, PriceChange, ShopProduct
from pricing.prices.batches import Outcome, check_money, check_sort, lock_shops, new_batch, tenant_of
from pricing.prices.statements import Asked, Written, live_rows_of, shops_of, write_changes
from retail.models import Product
from retail.principals import Principal
from retail.refusals import Invalid, NotThere
from shops.models import Shop


@dataclass(frozen=True)
class Change:
    """New values of one row, named by its id or else by shop and product; None keeps the old value."""

    shop_product_id: int | None = None
    shop_id: int | None = None
    product_id: int | None = None
    price: Decimal | None = None
    member_price: Decimal | None = None
    sort: int | None = None


@transaction.atomic
def change_prices(
    *, changes: Sequence[Change], principal: Principal, now: datetime, source: ChangeSource = ChangeSource.CHANGE, reason: str = ""
) -> Outcome:
    """Write ``changes`` as one batch with one log per real change of a price; each changed row takes its shop's next version.

    What equals the old value is neither written nor logged; a change of ``sort`` alone is written but not logged. The number of
    statements doesn't depend on the number of rows (PostgreSQL). Raises NotThere when one row is missing, removed or foreign,
    Invalid on an empty list, the same row twice, or a price that is negative or too long: nothing is written then.
    """
    if not changes:
        raise Invalid(_("请指定要调价的商品"))
    for change in changes:
        check_money(change.price, change.member_price)
        check_sort(change.sort)
    named = [change.shop_product_id for change in changes if change.shop_product_id]
    pairs = [(change.shop_id or 0, change.product_id or 0) for change in changes if not change.shop_product_id]
    shop_of = shops_of(named) if named else {}
    # The locks are the caller's scope too: one row of a foreign shop, and nothing is done.
    shops = lock_shops(shop_ids={*shop_of.values(), *(shop_id for shop_id, _product_id in pairs)}, principal=principal)
    asked = rows_asked(changes=changes, named=shop_of.keys(), paired=live_rows_of(pairs) if pairs else {})
    batch = new_batch(shops=shops, source=source, principal=principal, now=now, reason=reason)
    return outcome_of(write_whole(shops=shops, asked=asked, batch=batch))


def rows_asked(*, changes: Sequence[Change], named: Collection[int], paired: dict[tuple[int, int], int]) -> list[Asked]:
    """The changes by row, in id order. Raises NotThere, Invalid on a row that is named twice."""
    asked: dict[int, Asked] = {}
    for change in changes:
        pk = change.shop_product_id or paired.get((change.shop_id or 0, change.product_id or 0))
        if pk is None or (change.shop_product_id and pk not in named):
            raise NotThere
        if pk in asked:
            raise Invalid(_("同一商品出现多次"))
        asked[pk] = Asked(pk, change.price, change.member_price, change.sort)
    return [asked[pk] for pk in sorted(asked)]


def write_whole(*, shops: dict[int, Shop], asked: list[Asked], batch: PriceChange) -> Written:
    """Raises NotThere when a row was removed between its look-up and its shop's lock."""
    written = write_changes(shops=shops, asked=asked, batch=batch)
    if written.matched != len(asked):
        raise NotThere
    return written


def outcome_of(written: Written) -> Outcome:
    return Outcome(change_id=written.change_id, changed=written.changed, unchanged=written.matched - written.changed)


@transaction.atomic
def unify_price(
    *,
    product_id: int,
    shop_ids: Sequence[int],
    price: Decimal | None,
    member_price: Decimal | None,
    principal: Principal,
    now: datetime,
) -> Outcome:
    """One price for a product in many shops; the outcome names those that don't sell it.

    Raises Invalid when ``shop_ids`` is empty (never "all") or no price is given, NotThere on a foreign or missing shop or product.
    """
    if not shop_ids:
        raise Invalid(_("请指定门店"))
    if price is None and member_price is None:
        raise Invalid(_("请指定价格"))
    check_money(price, member_price)
    shops = lock_shops(shop_ids=shop_ids, principal=principal)
    if not Product.objects.visible_to(principal).filter(pk=product_id, tenant=tenant_of(shops)).exists():
        raise NotThere
    rows = ShopProduct.objects.live().filter(product=product_id, shop__in=shops).order_by("pk").values_list("pk", "shop_id")
    asked = {shop_id: Asked(pk, price, member_price, None) for pk, shop_id in rows}
    without = tuple(shop.name for pk, shop in shops.items() if pk not in asked)
    batch = new_batch(shops=shops, source=ChangeSource.UNIFY, principal=principal, now=now)
    return replace(outcome_of(write_whole(shops=shops, asked=list(asked.values()), batch=batch)), shops_without=without)
