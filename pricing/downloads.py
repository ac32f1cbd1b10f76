"""What tills and scales pull: the changes of their shop's prices, by the shop's counter and never by a clock."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from pricing import listing
from pricing.listing import Line
from pricing.models import ShopProduct
from retail.principals import Principal
from retail.refusals import Invalid, found
from shops.models import Device, Shop


@dataclass(frozen=True)
class Download:
    """One page. The device stores ``rows``, drops the products ``deleted`` and acknowledges ``time_stamp``.

    ``full``: the device must first drop all that it holds. ``more``: ask again once this page is acknowledged.
    """

    time_stamp: int
    full: bool
    more: bool
    rows: list[Line]
    deleted: list[int]


def changes_for(*, device: Device, limit: int = 500) -> Download:
    """Up to ``limit`` changes after the stamp that ``device`` has acknowledged, in the order of their versions."""
    # The counter before the rows: what is committed in between carries a higher number and waits for the next pull.
    newest = Shop.objects.values_list("price_version", flat=True).get(pk=device.shop_id)
    full = device.time_stamp == 0
    changes = ShopProduct.objects.filter(shop=device.shop_id, version__gt=device.time_stamp, version__lte=newest)
    if full:
        changes = changes.live()
    page = list(changes.order_by("version").values_list("pk", "product_id", "version", "removed_at")[: limit + 1])
    more = len(page) > limit
    page = page[:limit]
    time_stamp = page[-1][2] if more else max(newest, device.time_stamp)
    offer(device, time_stamp)
    return Download(
        time_stamp=time_stamp,
        full=full,
        more=more,
        rows=listing.lines_of_ids([pk for pk, _product_id, _version, removed_at in page if removed_at is None]),
        deleted=gone_from(device.shop_id, [product_id for _pk, product_id, _version, removed_at in page if removed_at is not None]),
    )


def offer(device: Device, time_stamp: int) -> None:
    """Note what may be acknowledged, unless the device was reset since it was read."""
    Device.objects.filter(pk=device.pk, time_stamp=device.time_stamp, offered_stamp__lt=time_stamp).update(offered_stamp=time_stamp)


def gone_from(shop_id: int, product_ids: list[int]) -> list[int]:
    """Those of ``product_ids`` that the shop doesn't sell: one that was removed and added afresh must not end up deleted."""
    on_sale = set(ShopProduct.objects.live().filter(shop=shop_id, product__in=product_ids).values_list("product_id", flat=True))
    return list(dict.fromkeys(product_id for product_id in product_ids if product_id not in on_sale))


def acknowledge(*, device_id: int, time_stamp: int, principal: Principal) -> int:
    """Note that the device has everything up to ``time_stamp``; returns the stamp that stands.

    A repeated or belated acknowledgement changes nothing, be it of less or of what was offered before a ``reset``. Raises NotThere;
    Invalid on a negative stamp or one that the shop's counter hasn't reached.
    """
    device = found(Device.objects.visible_to(principal).in_use().select_related("shop"), pk=device_id, shop__removed_at=None)
    if not 0 <= time_stamp <= device.shop.price_version:
        raise Invalid(_("时间戳不能为负数，也不能超过门店当前的价格更新序号"))
    # One conditional UPDATE: two acknowledgements may cross, or one and a reset.
    if Device.objects.filter(pk=device.pk, time_stamp__lt=time_stamp, offered_stamp__gte=time_stamp).update(time_stamp=time_stamp):
        return time_stamp
    return Device.objects.values_list("time_stamp", flat=True).get(pk=device.pk)
