"""What all price services share: the shops' locks and counters, the batch, and the checks of what comes in."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from pricing.models import ChangeSource, PriceChange, ShopProduct
from retail.money import CENT, MAX_MONEY
from retail.principals import Principal
from retail.refusals import Invalid, NotThere
from shops.models import Shop

SORT_RANGE = range(-(2**31), 2**31)


@dataclass(frozen=True)
class Outcome:
    """What a call did, in rows. ``change_id`` is its batch, None when nothing was written.

    ``left``: rows that differ from what was asked and were not touched (changed since the batch that is undone; on sale already
    at another price). ``shops_without``: names of the shops that don't sell the product of ``unify_price``.
    """

    change_id: int | None = None
    added: int = 0
    changed: int = 0
    removed: int = 0
    restored: int = 0
    unchanged: int = 0
    left: int = 0
    shops_without: tuple[str, ...] = ()


def lock_shops(*, shop_ids: Collection[int], principal: Principal) -> dict[int, Shop]:
    """The open shops by id, locked until the end of the transaction. Raises NotThere on a closed or foreign one, Invalid on two tenants.

    Every writer of shop products takes these locks first and in id order, so a shop's lock stands for its rows: no two writers meet
    in a row, versions are committed in their order, and nobody waits in a circle. Orders, which only refer to the shop, don't wait.
    """
    wanted = set(shop_ids)
    mine = Shop.objects.visible_to(principal).open().filter(pk__in=wanted)
    # Not the whole row: its secrets would be decrypted, shop by shop.
    locked = mine.only("tenant_id", "name", "markup", "price_version").order_by("pk").select_for_update(of=("self",), no_key=True)
    shops = {shop.pk: shop for shop in locked}
    if len(shops) != len(wanted):
        raise NotThere
    # Only the platform sees two tenants; a batch belongs to one.
    if len({shop.tenant_id for shop in shops.values()}) > 1:
        raise Invalid(_("一次只能修改一个商家的门店"))
    return shops


def new_batch(*, shops: dict[int, Shop], source: ChangeSource, principal: Principal, now: datetime, reason: str = "") -> PriceChange:
    """A batch of the locked shops' tenant, not saved: that waits until something was really changed."""
    return PriceChange(tenant_id=tenant_of(shops), source=source, user=principal.user, reason=reason[:200], created_at=now)


def tenant_of(shops: dict[int, Shop]) -> int:
    return next(iter(shops.values())).tenant_id


def take_versions(*, rows: Iterable[ShopProduct], shops: dict[int, Shop]) -> None:
    """Give each row the next number of its locked shop's counter, in the order of ``rows``; saves the counters, not the rows."""
    moved: dict[int, Shop] = {}
    for row in rows:
        shop = moved.setdefault(row.shop_id, shops[row.shop_id])
        shop.price_version += 1
        row.version = shop.price_version
    Shop.objects.bulk_update(moved.values(), ["price_version"])


def write_rows(*, rows: Sequence[ShopProduct], fields: Sequence[str], shops: dict[int, Shop]) -> None:
    """Write ``fields`` of existing rows of locked shops, each with its next version."""
    take_versions(rows=rows, shops=shops)
    # An upsert, though no row is new: bulk_update's CASE … WHEN is ten times slower.
    ShopProduct.objects.bulk_create(rows, update_conflicts=True, unique_fields=["pk"], update_fields=[*fields, "version"])


def check_money(*amounts: Decimal | None) -> None:
    """Raises Invalid unless each amount is None or yuan with two places that the database can hold."""
    for amount in amounts:
        if amount is None:
            continue
        if not amount.is_finite() or amount < 0:
            raise Invalid(_("价格不能为负数"))
        if amount > MAX_MONEY or amount != amount.quantize(CENT):
            raise Invalid(_("价格最多 8 位整数、2 位小数"))


def check_sort(sort: int | None) -> None:
    if sort is not None and sort not in SORT_RANGE:
        raise Invalid(_("排序超出范围"))
