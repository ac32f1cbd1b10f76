"""From paid to received: confirming, delivering, the buyer's receipt, and parcels that nobody complains of."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy import moves
from groupbuy.models import DeliverType, Order, OrderQuerySet, OrderStatus
from groupbuy.orders import closing
from groupbuy.payments import refunds, verdict
from retail import jobs
from retail.principals import Principal
from retail.refusals import Refusal, found
from retail.rights import Right
from shops import configuration
from shops.models import Shop


class Undecided(Refusal):
    """The minimum may still not be reached: goods and money would both be gone."""

    message = gettext_lazy("还没成团，不能备货、发货和取货；确定要做可由店长提前成团")


class OnlyByCode(Refusal):
    message = gettext_lazy("请到店出示取货码取货")


def require_goods_may_go(order: Order) -> None:
    """Of an order that was just locked. Raises Refunding, Undecided, Refusal: whoever gets the money back gets no goods."""
    if order.is_refunding():
        raise refunds.Refunding
    if order.status == OrderStatus.REFUNDED:
        raise Refusal(_("订单已退款，不能交货"))
    if order.group_buying.is_undecided:
        raise Undecided
    if order.group_buying.is_unsuccessful:
        raise Refusal(_("团购未成团或已取消，款项将退回，不能交货"))


@transaction.atomic
def advance(order_id: int, to: OrderStatus, *, principal: Principal, now: datetime, **changes: Any) -> Order:
    """Move one visible order on. Raises NotThere, Refunding, Undecided, IllegalMove, SomebodyWasFirst."""
    order = found(Order.objects.visible_to(principal).select_for_update(of=("self",)), pk=order_id)
    require_goods_may_go(order)
    moves.move(order, to, actor=moves.actor_of(principal), now=now, **changes)
    return order


@transaction.atomic
def confirm_orders(*, order_ids: Iterable[int], principal: Principal, now: datetime) -> int:
    """Confirm paid orders, all or none; returns how many."""
    principal.must(Right.HAND_OVER)
    return len([advance(pk, OrderStatus.CONFIRMED, principal=principal, now=now) for pk in sorted(order_ids)])


@transaction.atomic
def deliver_orders(*, order_ids: Iterable[int], principal: Principal, now: datetime, carrier: str = "", tracking_number: str = "") -> int:
    """Mark orders as sent off (express, with carrier and number) or as arrived in the shop (pick-up), all or none; returns how many."""
    principal.must(Right.HAND_OVER)
    changes = {"carrier": carrier, "tracking_number": tracking_number, "shipped_at": now}
    delivered = [advance(pk, OrderStatus.SHIPPED, principal=principal, now=now, **changes) for pk in sorted(order_ids)]
    if any(order.deliver_type == DeliverType.EXPRESS for order in delivered) and not (carrier and tracking_number):
        raise Refusal(_("快递订单请填写快递公司和单号"))
    return len(delivered)


def receive_order(*, order_id: int, principal: Principal, now: datetime) -> Order:
    """The buyer has the parcel, or says so of a pick-up that has arrived, where the shop allows it; again is harmless.

    Of a pick-up the code is the receipt: raises OnlyByCode. The code lives on until the goods are handed over.
    """
    order = verdict.find_order(order_id, principal)
    if order.status == OrderStatus.COMPLETED:
        return order
    if order.deliver_type == DeliverType.PICK_UP and not may_receive_pick_ups(order):
        raise OnlyByCode
    if order.status != OrderStatus.SHIPPED:
        raise moves.IllegalMove
    return advance(order.pk, OrderStatus.COMPLETED, principal=principal, now=now, completed_at=now)


def may_receive_pick_ups(order: Order) -> bool:
    """Whether buyers of this shop may confirm pick-ups themselves."""
    return bool(configuration.value_of(code="buyer_receives_pick_up", tenant_id=order.tenant_id, shop_id=order.shop_id))


def complete_due(*, now: datetime, limit: int = 200) -> jobs.Done:
    """Complete parcels that were sent off ``auto_complete_days`` ago, a setting of the shop; returns how many.

    Never a pick-up: what waits in the shop is its buyer's.
    """
    shops = Shop.objects.filter(pk__in=parcels().values("shop_id"))
    # No more of a shop than is asked for: its secrets may be unreadable.
    return jobs.each(shops.only("tenant_id").order_by("pk"), partial(complete_in, now=now, limit=limit))


def parcels() -> OrderQuerySet:
    return Order.objects.filter(status=OrderStatus.SHIPPED, deliver_type=DeliverType.EXPRESS)


def complete_in(shop: Shop, *, now: datetime, limit: int) -> jobs.Done:
    """Complete what was sent off from one shop as long ago as its setting says."""
    days = configuration.value_of(code="auto_complete_days", tenant_id=shop.tenant_id, shop_id=shop.pk)
    waiting = parcels().filter(shop=shop, shipped_at__lte=now - timedelta(days=days)).ready(now).values_list("pk", flat=True)
    return jobs.each(waiting[:limit], partial(complete, now=now), put_off=partial(closing.put_off, now=now))


@transaction.atomic
def complete(order_id: int, *, now: datetime) -> bool:
    order = parcels().select_for_update(of=("self",)).filter(pk=order_id).first()
    if order is None or order.is_refunding():
        return False
    moves.move(order, OrderStatus.COMPLETED, actor=moves.SYSTEM, now=now, completed_at=now)
    return True
