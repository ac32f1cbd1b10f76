"""Other dates than were promised: of a group buy, or of some of its orders. Everybody whom that touches is told."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from groupbuy import moves
from groupbuy.models import DeliverType, EventKind, GroupBuying, Order, OrderEvent, OrderQuerySet, OrderStatus, PickUpWindow
from groupbuy.models.orders import AWAITING_PAYMENT, TO_DELIVER
from groupbuy.notices import messages, shipping
from groupbuy.orders import group_buyings, pick_up_dates
from groupbuy.orders.pick_up_dates import Dates
from retail.principals import Principal
from retail.refusals import Invalid, NotThere, Refusal
from retail.rights import Right
from shops import opening


class CannotBeRescheduled(Refusal):
    """Of what is over, or never was to be collected; the sentence says why."""


class Unchanged(Refusal):
    """The dates are these already: nobody hears of it twice."""


@transaction.atomic
def reschedule(
    *,
    group_buying_id: int,
    principal: Principal,
    now: datetime,
    pick_up_from: datetime | None = None,
    pick_up_until: datetime | None = None,
    ships_on: date | None = None,
) -> int:
    """New dates of a group buy, and of its orders that have none of their own; returns how many buyers' orders it touches.

    Raises Forbidden, NotThere, Invalid (a date that can't be), CannotBeRescheduled (failed or cancelled), Unchanged.
    """
    known = group_buyings.find(group_buying_id, principal)
    # Orders are locked before their group buy, as everywhere.
    rows = known.orders.live().filter(pick_up_from=None)
    orders = [order for order in locked(rows) if is_touched(order)]
    group_buying = GroupBuying.objects.select_for_update(of=("self",), no_key=True).select_related("shop").get(pk=known.pk)
    wanted = Dates(pick_up_from, pick_up_until, ships_on)
    require_group_buying(group_buying, wanted, now=now)
    GroupBuying.objects.filter(pk=group_buying.pk).update(**wanted._asdict())
    tell(orders, wanted, principal=principal, now=now)
    return len(orders)


def is_touched(order: Order) -> bool:
    """Whoever pays in a moment saw the old dates too."""
    return (order.is_awaiting_payment or order.is_to_hand_over()) and not order.is_refunding()


def require_group_buying(group_buying: GroupBuying, wanted: Dates, *, now: datetime) -> None:
    if group_buying.is_unsuccessful:
        raise CannotBeRescheduled(_("团购未成团或已取消，款项将退回，不能改期"))
    is_express = group_buying.deliver_type == DeliverType.EXPRESS
    if is_express != bool(wanted.ships_on) or is_express == bool(wanted.pick_up_from and wanted.pick_up_until):
        raise Invalid(_("请填写发货日期") if is_express else _("请填写取货开始和取货截止"))
    if wanted == pick_up_dates.dates_of(group_buying):
        raise Unchanged(_("日期没有变化"))
    require_dates(group_buying, wanted, now=now)


def require_dates(group_buying: GroupBuying, wanted: Dates, *, now: datetime) -> None:
    open_days = opening.open_days_of(group_buying.shop)
    for words in pick_up_dates.complaints(wanted, end_at=group_buying.end_at, open_days=open_days, now=now).values():
        raise Invalid(words)


@transaction.atomic
def reschedule_orders(
    *, order_ids: Iterable[int], pick_up_from: datetime, pick_up_until: datetime, principal: Principal, now: datetime
) -> int:
    """Dates of these orders alone: the rest of a delivery comes later, or somebody asks for time. All or none; returns how many changed.

    Raises Forbidden, NotThere, Invalid (a date that can't be), CannotBeRescheduled, Unchanged.
    """
    principal.must(Right.RESCHEDULE)
    ids = set(order_ids)
    orders = locked(Order.objects.visible_to(principal).filter(pk__in=ids))
    if len(orders) != len(ids):
        raise NotThere
    window = PickUpWindow(pick_up_from, pick_up_until)
    group_buyings_held = hold_group_buyings(orders)
    for order in orders:
        if words := why_not(order):
            raise CannotBeRescheduled(f"{order.code}：{words}")
    for group_buying in group_buyings_held:
        require_dates(group_buying, Dates(*window), now=now)
    changed = [order for order in orders if order.pick_up_window != window]
    if not changed:
        raise Unchanged(_("日期没有变化"))
    Order.objects.filter(pk__in=[order.pk for order in changed]).update(pick_up_from=pick_up_from, pick_up_until=pick_up_until)
    tell(changed, Dates(*window), principal=principal, now=now)
    return len(changed)


def locked(rows: OrderQuerySet) -> list[Order]:
    """In the order of their ids, as everywhere; what stands beside them is read under the lock."""
    held = rows.order_by("pk").select_for_update(of=("self",)).select_related("group_buying")
    return list(held.prefetch_related("payments__refunds"))


def hold_group_buyings(orders: Sequence[Order]) -> Collection[GroupBuying]:
    """Lock them, and let the orders stand on what they are now."""
    rows = GroupBuying.objects.filter(pk__in={order.group_buying_id for order in orders}).order_by("pk")
    held = {row.pk: row for row in rows.select_for_update(of=("self",), no_key=True).select_related("shop")}
    for order in orders:
        order.group_buying = held[order.group_buying_id]
    return held.values()


def why_not(order: Order) -> str:
    """Why an order has no date to change any more; "" when it has one."""
    if order.deliver_type == DeliverType.EXPRESS:
        return _("快递订单没有取货时间")
    if order.status == OrderStatus.REFUNDED or order.is_refunding() or order.group_buying.is_unsuccessful:
        return _("已退款或正在退款，不能改期")
    if order.handed_over_at:
        return _("货已取走，不能改期")
    if order.status == OrderStatus.COMPLETED:
        return _("订单已完成，不能改期")
    if order.status in AWAITING_PAYMENT:
        return _("还没付款，不能改期")
    return "" if order.status in TO_DELIVER else _("已取消，不能改期")


def tell(orders: Sequence[Order], wanted: Dates, *, principal: Principal, now: datetime) -> None:
    """Into the timeline of each, and to its buyer; reminders count from the new dates on."""
    actor = moves.actor_of(principal)
    changed_to = _("改为 %(dates)s") if wanted.ships_on else _("取货时间改为 %(dates)s")
    reason = changed_to % {"dates": wanted.in_words()}
    events = [moves.fact(order, EventKind.DATES, actor=actor, now=now, reason=reason) for order in orders]
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(reminders=0)
    messages.put_of_events(messages.Kind.RESCHEDULED, OrderEvent.objects.bulk_create(events), now=now)
    for order in Order.objects.filter(pk__in=[order.pk for order in orders]).select_related("group_buying"):
        shipping.announce_late(order, now=now)
