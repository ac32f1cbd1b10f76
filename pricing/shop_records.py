"""A shop's record as one piece, with what it sells: what ``shop/create`` and ``shop/update`` take."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from pricing import prices
from pricing.models import ChangeSource
from pricing.prices import Change, FirstPrice
from retail.models import Product
from retail.principals import Principal
from shops import shops
from shops.models import Shop


@transaction.atomic
def create_record(
    *,
    tenant_id: int,
    fields: Mapping[str, Any],
    devices: Sequence[Mapping[str, Any]],
    first_prices: Sequence[Mapping[str, Any]],
    principal: Principal,
    now: datetime,
) -> Shop:
    """Open a shop with its devices and first prices; ids of devices are ignored, they are another shop's.

    ``first_prices`` hold the arguments of ``FirstPrice``. Raises what ``shops.shops.create_shop`` and ``prices.set_first_prices`` raise:
    nothing is written then.
    """
    new_devices = [{name: value for name, value in device.items() if name != "id"} for device in devices]
    shop = shops.create_shop(tenant_id=tenant_id, fields=fields, devices=new_devices)
    if first_prices:
        prices.set_first_prices(shop=shop, first_prices=[FirstPrice(**sent) for sent in first_prices], principal=principal, now=now)
    return shop


@transaction.atomic
def update_record(
    *,
    shop_id: int,
    fields: Mapping[str, Any],
    devices: Sequence[Mapping[str, Any]],
    first_prices: Sequence[Mapping[str, Any]],
    principal: Principal,
    now: datetime,
) -> int:
    """Write what was sent; products that are new to the shop get their first price. Returns how many prices differ and were left.

    None is left under ``SHOP_UPDATE_PRICES``: then they change, as one batch. Else a record that was read earlier and is posted back
    would silently undo newer prices. Raises what ``shops.shops.update_shop`` and the price services raise.
    """
    shop = shops.update_shop(shop_id=shop_id, principal=principal, fields=fields, devices=devices)
    if not first_prices:
        return 0
    wanted = [FirstPrice(**sent) for sent in first_prices]
    left = prices.set_first_prices(shop=shop, first_prices=wanted, principal=principal, now=now).left
    if not left or not settings.SHOP_UPDATE_PRICES:
        return left
    changes = changes_of(shop, wanted)
    prices.change_prices(changes=changes, principal=principal, now=now, source=ChangeSource.SHOP)
    return 0


def changes_of(shop: Shop, first_prices: Sequence[FirstPrice]) -> list[Change]:
    codes = [first.product_code for first in first_prices if not first.product_id]
    by_code = dict(Product.objects.filter(tenant=shop.tenant_id, code__in=codes).values_list("code", "pk"))
    return [
        Change(
            shop_id=shop.pk,
            product_id=first.product_id or by_code[first.product_code],
            price=first.price,
            member_price=first.member_price,
            sort=first.sort,
        )
        for first in first_prices
    ]
