"""Goods that nobody came for in time: their buyers are reminded, and nothing ends an order by itself."""

from datetime import datetime, time, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, TextChoices
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy import moves
from groupbuy.models import EventKind, Order, OrderEvent, OrderQuerySet, OrderStatus
from groupbuy.notices import messages
from groupbuy.orders import closing
from groupbuy.orders.fulfilment import require_goods_may_go
from retail import jobs
from retail.principals import Principal
from retail.refusals import Refusal, found
from retail.rights import Right

# How many days after the last one each reminder goes out.
DAYS_AFTER = (0, 1, 3)
# Nobody is woken for strawberries.
WAKING = (time(9), time(21))
REMINDERS_BEFORE_COMPLETION = 2


class Ending(TextChoices):
    """Why an order is over whose goods nobody fetched and whose money stays."""

    SPOILED = "spoiled", gettext_lazy("已变质处理")
    ABANDONED = "abandoned", gettext_lazy("顾客放弃")
    RESOLD = "resold", gettext_lazy("已转售退款")


class NotOverdue(Refusal):
    message = gettext_lazy("订单没有逾期，不能这样处理")


def to_remind(now: datetime) -> OrderQuerySet:
    """On the last day, the day after and two days later, once a day."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    due = Q()
    for number, days in enumerate(DAYS_AFTER):
        due |= Q(reminders=number, window_end__lt=today + timedelta(days=1 - days))
    told_today = OrderEvent.objects.filter(order=OuterRef("pk"), kind=EventKind.REMINDED, created_at__gte=today)
    return Order.objects.arrived().with_window().filter(due, ~Exists(told_today))


def remind_due(*, now: datetime, limit: int = 200) -> jobs.Done:
    """Remind the buyers of what waits and whose last day has come; returns how many. Safe to run twice at once."""
    if not WAKING[0] <= timezone.localtime(now).time() < WAKING[1]:
        return jobs.Done()
    waiting = to_remind(now).ready(now).values_list("pk", flat=True)
    return jobs.each(waiting[:limit], partial(remind, now=now), put_off=partial(closing.put_off, now=now))


@transaction.atomic
def remind(order_id: int, *, now: datetime) -> bool:
    """False when the order has moved, or another worker was first."""
    order = to_remind(now).select_for_update(of=("self",)).filter(pk=order_id).first()
    if order is None or order.is_refunding():
        return False
    reminder = write_reminder(order, actor=moves.SYSTEM, now=now)
    messages.put(messages.Kind.REMINDED, order, now=now, subject_id=reminder.pk)
    return True


def write_reminder(order: Order, *, actor: moves.Actor, now: datetime, reason: str = "") -> OrderEvent:
    moves.write(order, reminders=order.reminders + 1)
    return moves.note(order, EventKind.REMINDED, actor=actor, now=now, reason=reason)


@transaction.atomic
def record_reminder(*, order_id: int, note: str, principal: Principal, now: datetime) -> Order:
    """Staff have called the buyer: it counts as a reminder. Raises Forbidden, NotThere, NotOverdue."""
    principal.must(Right.HAND_OVER)
    order = overdue_order(order_id, principal, now=now)
    write_reminder(order, actor=moves.actor_of(principal), now=now, reason=note)
    return order


@transaction.atomic
def complete_overdue(*, order_id: int, ending: Ending, note: str, principal: Principal, now: datetime) -> Order:
    """End an order whose buyer was reminded and never came; its code still tells whose goods they were.

    Raises Forbidden, NotThere, NotOverdue, Refunding, Refusal before the second recorded reminder.
    """
    principal.must(Right.COMPLETE_OVERDUE)
    order = overdue_order(order_id, principal, now=now)
    require_goods_may_go(order)
    if order.reminders < REMINDERS_BEFORE_COMPLETION:
        raise Refusal(_("至少提醒顾客两次之后才能完成，已提醒 %(count)d 次") % {"count": order.reminders})
    reason = "：".join(part for part in (str(Ending(ending).label), note) if part)
    moves.move(order, OrderStatus.COMPLETED, actor=moves.actor_of(principal), now=now, completed_at=now, reason=reason)
    return order


def overdue_order(order_id: int, principal: Principal, *, now: datetime) -> Order:
    order = found(Order.objects.visible_to(principal).select_for_update(of=("self",)), pk=order_id)
    if not order.is_overdue(now):
        raise NotOverdue
    return order
