"""Opening, changing and closing a shop, and its keys."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from retail.principals import Principal
from retail.refusals import Refusal, found
from retail.rights import Right
from shops import licences
from shops.devices import save_devices
from shops.models import Licence, Shop, new_app_secret

# Long enough to bring the new secret to every till by hand.
SECRETS_OVERLAP = timedelta(hours=24)


class CodeTaken(Refusal):
    message = _("门店编码已存在")


class HasLiveGroupBuyings(Refusal):
    message = _("门店有进行中的团购，不能删除")


class HasOpenOrders(Refusal):
    message = _("门店有未完成的订单，不能删除")


@transaction.atomic
def create_shop(*, tenant_id: int, fields: Mapping[str, Any], devices: Sequence[Mapping[str, Any]] = ()) -> Shop:
    """Open a shop with new keys, a licence on the tenant's terms and its devices (see ``save_devices``). Raises CodeTaken."""
    ends_on = licences.terms_of(tenant_id=tenant_id)
    shop = Shop(tenant_id=tenant_id, **fields)
    save(shop)
    Licence.objects.create(shop=shop, contract_ends_on=ends_on)
    save_devices(shop=shop, devices=devices)
    return shop


@transaction.atomic
def update_shop(*, shop_id: int, principal: Principal, fields: Mapping[str, Any], devices: Sequence[Mapping[str, Any]] = ()) -> Shop:
    """Write only ``fields``, and the devices that are named (see ``save_devices``). Raises NotThere, CodeTaken."""
    shop = found(Shop.objects.visible_to(principal).open().select_for_update(of=("self",), no_key=True), pk=shop_id)
    for name, value in fields.items():
        setattr(shop, name, value)
    if fields:
        save(shop, update_fields=list(fields))
    if devices:
        save_devices(shop=shop, devices=devices)
    return shop


def save(shop: Shop, update_fields: Sequence[str] | None = None) -> None:
    try:
        with transaction.atomic():
            shop.save(update_fields=update_fields)
    except IntegrityError as error:
        raise CodeTaken from error


@transaction.atomic
def remove_shop(*, shop_id: int, principal: Principal, now: datetime) -> Shop:
    """Close a shop for good; its rows stay, its key is dead from now on. A repeat changes nothing.

    Raises Forbidden, NotThere, HasLiveGroupBuyings (running or still to start), HasOpenOrders (unpaid, or paid and not handed over).
    """
    principal.must(Right.CLOSE_SHOPS)
    # The full lock, which whoever inserts a group buy or an order of the shop waits for.
    shop = found(Shop.objects.visible_to(principal).select_for_update(of=("self",)), pk=shop_id)
    if shop.removed_at is not None:
        return shop
    if shop.group_buyings.running_or_coming(now).exists():
        raise HasLiveGroupBuyings
    if shop.orders.unfinished().exists():
        raise HasOpenOrders
    shop.removed_at = now
    shop.previous_secret, shop.previous_secret_until = "", None
    shop.save(update_fields=["removed_at", "previous_secret", "previous_secret_until"])
    return shop


@transaction.atomic
def rotate_secret(*, shop_id: int, principal: Principal, now: datetime) -> Shop:
    """Give the shop a new appSecret; the old one works for another 24 hours. Raises NotThere."""
    shop = found(Shop.objects.visible_to(principal).open().select_for_update(of=("self",), no_key=True), pk=shop_id)
    shop.previous_secret, shop.previous_secret_until = shop.app_secret, now + SECRETS_OVERLAP
    shop.app_secret = new_app_secret()
    shop.save(update_fields=["app_secret", "previous_secret", "previous_secret_until"])
    return shop
