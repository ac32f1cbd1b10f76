"""A batch taken back as a whole, by a new batch."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from pricing.models import ChangeSource, PriceChange, ShopProduct
from pricing.prices.batches import Outcome, lock_shops, new_batch, write_rows
from pricing.prices.changes import outcome_of
from pricing.prices.statements import Asked, write_changes
from retail.principals import Principal
from retail.refusals import NotThere, Refusal, found
from shops.models import Shop

UNDO_WITHIN = timedelta(hours=24)


class TooLate(Refusal):
    message = _("已超过 24 小时，不能撤销")


class AlreadyUndone(Refusal):
    message = _("该批次已撤销")


class NothingToUndo(Refusal):
    message = _("该批次没有可撤销的内容")


@transaction.atomic
def undo(*, change_id: int, principal: Principal, now: datetime) -> Outcome:
    """Take back a batch of at most 24 hours ago: prices (not the order of display), or what it removed from sale.

    A price is set back where the row still has the batch's, a removed row goes on sale again where the product isn't on sale by now;
    ``left`` counts the others, and those of shops that were closed since. Raises NotThere when the batch, or one shop in it, is not the
    caller's; TooLate, AlreadyUndone; NothingToUndo on a batch that only added products or is an undo itself, or without an open shop.
    """
    tenant_batches = PriceChange.objects.filter(principal.scope(shop=""))
    # Two who undo at once: the second waits here and then finds the first one's batch.
    batch = found(tenant_batches.select_for_update(of=("self",), no_key=True), pk=change_id)
    if PriceChange.objects.filter(undoes=batch).exists():
        raise AlreadyUndone
    if now - batch.created_at > UNDO_WITHIN:
        raise TooLate
    if batch.source == ChangeSource.UNDO:
        raise NothingToUndo
    rows = batch.removed_rows if batch.source == ChangeSource.REMOVE else batch.logs
    shop_ids = set(rows.order_by().values_list("shop_id", flat=True).distinct())
    mine = Shop.objects.visible_to(principal).filter(pk__in=shop_ids)
    if len(mine) != len(shop_ids):
        raise NotThere
    shops = lock_shops(shop_ids={shop.pk for shop in mine if shop.removed_at is None}, principal=principal)
    if not shops:
        raise NothingToUndo
    undoing = new_batch(shops=shops, source=ChangeSource.UNDO, principal=principal, now=now, reason=str(batch))
    undoing.undoes = batch
    take_back = put_back_on_sale if batch.source == ChangeSource.REMOVE else set_prices_back
    return take_back(batch=batch, undoing=undoing, shops=shops)


def set_prices_back(*, batch: PriceChange, undoing: PriceChange, shops: dict[int, Shop]) -> Outcome:
    asked, left = [], 0
    for log in batch.logs.select_related("shop_product").order_by("shop_product_id"):
        row = log.shop_product
        if row.shop_id in shops and row.removed_at is None and (row.price, row.member_price) == (log.new_price, log.new_member_price):
            asked.append(Asked(row.pk, log.old_price, log.old_member_price, None))
        else:
            left += 1
    return replace(outcome_of(write_changes(shops=shops, asked=asked, batch=undoing)), left=left)


def put_back_on_sale(*, batch: PriceChange, undoing: PriceChange, shops: dict[int, Shop]) -> Outcome:
    on_sale = ShopProduct.objects.live().filter(shop=OuterRef("shop"), product=OuterRef("product"))
    rows = list(batch.removed_rows.filter(~Exists(on_sale), shop__in=shops).order_by("pk"))
    left = batch.removed_rows.count() - len(rows)
    if not rows:
        return Outcome(left=left)
    undoing.save()
    for row in rows:
        row.removed_at = row.removed_in = None
    write_rows(rows=rows, fields=["removed_at", "removed_in"], shops=shops)
    return Outcome(change_id=undoing.pk, restored=len(rows), left=left)
