"""Closing unpaid orders, and taking ended ones off their buyer's list."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from groupbuy import moves
from groupbuy.models import Order, OrderStatus
from groupbuy.models.orders import AWAITING_PAYMENT, BOUGHT, ENDED
from groupbuy.payments import attempts
from groupbuy.payments.gateways import deadlines
from groupbuy.payments.verdict import Paid, find_order
from retail.principals import Principal
from retail.refusals import Refusal


@deadlines.shared_deadline()
def close_order(*, order_id: int, principal: Principal, now: datetime) -> Order:
    """Close an unpaid order at the gateway, then here, and give its stock back; again is harmless.

    Raises NotThere, Paid (found paid instead), Unavailable (the gateway can't be asked), Refusal.
    """
    order = find_order(order_id, principal)
    if order.status in (OrderStatus.EXPIRED, OrderStatus.CLOSED):
        return order
    if order.status not in AWAITING_PAYMENT:
        raise Refusal(_("已支付，请申请退款"))
    if attempts.shut(order, now=now):
        raise Paid
    return end_unpaid(order.pk, OrderStatus.CLOSED, actor=moves.actor_of(principal), now=now)


@transaction.atomic
def end_unpaid(order_id: int, to: OrderStatus, *, actor: moves.Actor, now: datetime, reason: str = "") -> Order:
    """Move an order whose attempts are shut to EXPIRED or CLOSED. Raises Paid, SomebodyWasFirst when one was opened meanwhile."""
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.status == to:
        return order
    if order.status in BOUGHT:
        raise Paid
    if order.payments.open().exists():
        raise moves.SomebodyWasFirst
    moves.move(order, to, actor=actor, now=now, reason=reason)
    return order


def put_off(order_id: int, *, now: datetime) -> None:
    """The order can't move now: in the background jobs it is the others' turn."""
    Order.objects.filter(pk=order_id).put_off(now)


def hide_order(*, order_id: int, principal: Principal, now: datetime) -> Order:
    """Take an ended order off its buyer's list, unless money of it is held; no row is deleted. Raises NotThere, Refusal."""
    order = find_order(order_id, principal)
    if order.status not in ENDED:
        raise Refusal(_("请先取消订单"))
    if order.live_code:
        raise Refusal(_("取货码还没有用，取到货后再删除订单"))
    if order.payments.held().exists():
        raise Refusal(_("支付结果核对中，请联系门店"))
    Order.objects.filter(pk=order.pk, hidden_at=None).update(hidden_at=now)
    return order
