"""From paid to handed over: confirming, delivering, verifying pick-up codes, receiving."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy import moves
from groupbuy.models import DeliverType, Order, OrderStatus, WrongCode
from groupbuy.models.orders import TO_DELIVER
from groupbuy.orders import closing
from groupbuy.payments import refunds, verdict
from retail import jobs
from retail.models import User
from retail.principals import Principal
from retail.refusals import NotThere, Refusal, found
from retail.rights import Right
from shops import configuration
from shops.models import Shop

WRONG_CODES_MAX = 5
PAUSE = timedelta(minutes=15)


class WrongPickUpCode(Refusal):
    message = gettext_lazy("取货码不正确，请核对后重新输入")


class Paused(Refusal):
    message = gettext_lazy("输错次数过多，请 15 分钟后再试")


@transaction.atomic
def advance(order_id: int, to: OrderStatus, *, principal: Principal, now: datetime, **changes: Any) -> Order:
    """Move one visible order on. Raises NotThere, Refunding, IllegalMove, SomebodyWasFirst."""
    order = found(Order.objects.visible_to(principal).select_for_update(of=("self",)), pk=order_id)
    if order.is_refunding():
        raise refunds.Refunding
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


def find_by_code(*, shop_id: int, code: str, principal: Principal, now: datetime) -> Order:
    """The order that waits in the shop for this code. Counts a wrong one. Raises Forbidden, NotThere, Paused, WrongPickUpCode."""
    principal.must(Right.HAND_OVER)
    shop = found(Shop.objects.visible_to(principal), pk=shop_id)
    if principal.user is None:
        raise NotThere
    order = try_code(shop, code, principal.user, now=now)
    if order is None:
        raise WrongPickUpCode
    return order


@transaction.atomic
def try_code(shop: Shop, code: str, user: User, *, now: datetime) -> Order | None:
    """None, and one more wrong code, when no order waits for it. Many tries at once queue up. Raises Paused."""
    User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
    recent = WrongCode.objects.filter(user=user, shop=shop, tried_at__gt=now - PAUSE)
    if recent.count() >= WRONG_CODES_MAX:
        raise Paused
    order = Order.objects.filter(shop=shop, deliver_code=code, status__in=TO_DELIVER).first() if code else None
    if order is None:
        WrongCode.objects.create(user=user, shop=shop, tried_at=now)
    return order


def verify_code(*, shop_id: int, code: str, principal: Principal, now: datetime) -> Order:
    """Hand over the order of this code: it is completed. Raises NotThere, Paused, WrongPickUpCode, Refunding."""
    order = find_by_code(shop_id=shop_id, code=code, principal=principal, now=now)
    return advance(order.pk, OrderStatus.COMPLETED, principal=principal, now=now, completed_at=now)


def receive_order(*, order_id: int, principal: Principal, now: datetime) -> Order:
    """The buyer has the goods: shipped orders, and pick-up orders where the shop allows it; again is harmless."""
    order = verdict.find_order(order_id, principal)
    if order.status == OrderStatus.COMPLETED:
        return order
    allowed = configuration.value_of(code="buyer_receives_pick_up", tenant_id=order.tenant_id, shop_id=order.shop_id)
    early = order.deliver_type == DeliverType.PICK_UP and allowed
    if order.status != OrderStatus.SHIPPED and not early:
        raise moves.IllegalMove
    return advance(order.pk, OrderStatus.COMPLETED, principal=principal, now=now, completed_at=now)


def complete_due(*, now: datetime, limit: int = 200) -> jobs.Done:
    """Complete what was shipped ``auto_complete_days`` ago, a setting of the shop; returns how many."""
    shops = Shop.objects.filter(pk__in=Order.objects.filter(status=OrderStatus.SHIPPED).values("shop_id"))
    # No more of a shop than is asked for: its secrets may be unreadable.
    return jobs.each(shops.only("tenant_id").order_by("pk"), partial(complete_in, now=now, limit=limit))


def complete_in(shop: Shop, *, now: datetime, limit: int) -> jobs.Done:
    """Complete what was shipped in one shop as long ago as its setting says."""
    days = configuration.value_of(code="auto_complete_days", tenant_id=shop.tenant_id, shop_id=shop.pk)
    shipped = Order.objects.filter(shop=shop, status=OrderStatus.SHIPPED, shipped_at__lte=now - timedelta(days=days))
    waiting = shipped.ready(now).values_list("pk", flat=True)
    return jobs.each(waiting[:limit], partial(complete, now=now), put_off=partial(closing.put_off, now=now))


@transaction.atomic
def complete(order_id: int, *, now: datetime) -> bool:
    order = Order.objects.select_for_update(of=("self",)).get(pk=order_id)
    if order.status != OrderStatus.SHIPPED or order.is_refunding():
        return False
    moves.move(order, OrderStatus.COMPLETED, actor=moves.SYSTEM, now=now, completed_at=now)
    return True
