"""Goods that nobody came for in time: their buyers are reminded, and nothing ends an order by itself."""

from datetime import datetime, time, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Subquery, TextChoices
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy import moves
from groupbuy.models import ActorKind, EventKind, Order, OrderEvent, OrderQuerySet, OrderStatus
from groupbuy.models.orders import REMINDERS
from groupbuy.notices import messages
from groupbuy.orders import closing
from groupbuy.orders.fulfilment import require_goods_may_go
from retail import jobs
from retail.models import OutboxEntry, OutboxState
from retail.principals import Principal
from retail.refusals import Refusal, found
from retail.rights import Right

# How many days after the last one each reminder goes out.
DAYS_AFTER = (0, 1, 3)
A_WHILE = timedelta(hours=2)
# Nobody is woken for strawberries.
WAKING = (time(9), time(21))
REMINDERS_BEFORE_COMPLETION = 2


class Ending(TextChoices):
    """Why an order is over whose goods nobody fetched and whose money stays; what was sold again is refunded."""

    SPOILED = "spoiled", gettext_lazy("已变质处理")
    ABANDONED = "abandoned", gettext_lazy("顾客放弃")


class NotOverdue(Refusal):
    message = gettext_lazy("订单没有逾期，不能这样处理")


def to_remind(now: datetime) -> OrderQuerySet:
    """On the last day, the day after and two days later, once a day; not before the pick-up has been open for a while."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    due = Q()
    for number, days in enumerate(DAYS_AFTER):
        due |= Q(reminders=number, window_end__lte=today + timedelta(days=1 - days))
    told_today = OrderEvent.objects.filter(order=OuterRef("pk"), kind=EventKind.REMINDED, created_at__gte=today)
    # What came or opened just now needs no reminder yet.
    waited = Q(window_start__lte=now - A_WHILE, shipped_at__lte=now - A_WHILE)
    return Order.objects.arrived().filter(reminders__lt=REMINDERS).with_window().filter(due, waited, ~Exists(told_today))


def remind_due(*, now: datetime, limit: int = 200) -> jobs.Done:
    """Remind the buyers of what waits and whose last day has come; returns how many. Safe to run twice at once."""
    if not WAKING[0] <= timezone.localtime(now).time() < WAKING[1]:
        return jobs.Done()
    waiting = to_remind(now).ready(now).values_list("pk", flat=True)
    return jobs.each(waiting[:limit], partial(remind, now=now), put_off=partial(closing.put_off, now=now))


@transaction.atomic
def remind(order_id: int, *, now: datetime) -> bool:
    """False when the order has moved, or another worker was first."""
    order = Order.objects.select_for_update(of=("self",)).get(pk=order_id)
    # Asked anew under the lock: whoever waited for it would remind once more of what another worker has just done.
    if order.is_refunding() or not to_remind(now).filter(pk=order_id).exists():
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

    Raises Forbidden, NotThere, NotOverdue, Refunding, Refusal before the buyer was reminded twice.
    """
    principal.must(Right.COMPLETE_OVERDUE)
    order = overdue_order(order_id, principal, now=now)
    require_goods_may_go(order)
    reached = times_reached(order)
    if reached < REMINDERS_BEFORE_COMPLETION:
        raise Refusal(_("顾客至少在两天得到提醒之后才能完成，现在是 %(count)d 天；没通知到的请打电话并记下") % {"count": reached})
    reason = "：".join(part for part in (str(Ending(ending).label), note) if part)
    moves.move(order, OrderStatus.COMPLETED, actor=moves.actor_of(principal), now=now, completed_at=now, reason=reason)
    return order


def times_reached(order: Order) -> int:
    """On how many days the buyer was reminded since the dates were last set: calls, and messages that went out."""
    since = order.events.filter(kind=EventKind.DATES).order_by("-pk").values("pk")[:1]
    reminders = order.events.filter(kind=EventKind.REMINDED, pk__gt=Coalesce(Subquery(since), 0))
    sent = OutboxEntry.objects.filter(kind=messages.Kind.REMINDED, subject_id=OuterRef("pk"), state=OutboxState.SENT)
    reached = reminders.filter(Q(actor_kind=ActorKind.STAFF) | Exists(sent)).values_list("created_at", flat=True)
    return len({timezone.localdate(moment) for moment in reached})


def overdue_order(order_id: int, principal: Principal, *, now: datetime) -> Order:
    order = found(Order.objects.visible_to(principal).select_for_update(of=("self",)), pk=order_id)
    if not order.is_overdue(now):
        raise NotOverdue
    return order
