"""Running a group buy: switching, closing, cancelling, its stock, and what becomes of it after its end."""

import logging
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from groupbuy import messages, moves, orders, settling
from groupbuy.models import GroupBuying, Order, OrderStatus, Outcome, PaymentUse
from groupbuy.models.orders import AWAITING_PAYMENT, BOUGHT
from retail import due
from retail.money import ZERO
from retail.principals import Principal
from retail.wire.errors import Invalid, NotThere, Refusal

log = logging.getLogger(__name__)
UNSUCCESSFUL = (Outcome.FAILED, Outcome.CANCELLED)


class Decided(Refusal):
    """The group buy has its final outcome."""


def find(group_buying_id: int, principal: Principal) -> GroupBuying:
    """A group buy that the caller manages. Raises NotThere."""
    group_buying = GroupBuying.objects.visible_to(principal).filter(pk=group_buying_id).first()
    if group_buying is None:
        raise NotThere
    return group_buying


def switch(*, group_buying_id: int, in_use: bool, principal: Principal, now: datetime) -> GroupBuying:
    """Switch on or off at will: only new orders stop. Raises NotThere."""
    group_buying = find(group_buying_id, principal)
    GroupBuying.objects.filter(pk=group_buying.pk).update(in_use=in_use)
    group_buying.in_use = in_use
    return group_buying


def close_early(*, group_buying_id: int, principal: Principal, now: datetime) -> GroupBuying:
    """Set the end to now. Raises NotThere, Refusal when it has not begun or is over."""
    group_buying = find(group_buying_id, principal)
    running = GroupBuying.objects.filter(pk=group_buying.pk, outcome=Outcome.OPEN, start_at__lt=now, end_at__gt=now)
    if not running.update(end_at=now):
        raise Refusal(_("团购尚未开始或已结束"))
    group_buying.end_at = now
    return group_buying


def change_quota(*, group_buying_id: int, quota: int, principal: Principal, now: datetime) -> GroupBuying:
    """Offer more or fewer units, never fewer than are taken. Raises NotThere, Invalid."""
    group_buying = find(group_buying_id, principal)
    if not GroupBuying.objects.filter(pk=group_buying.pk, taken__lte=quota, min_qty__lte=quota).update(quota=quota):
        raise Invalid(_("库存不能少于已占用的份数和成团份数"))
    group_buying.quota = quota
    return group_buying


def cancel(*, group_buying_id: int, reason: str, principal: Principal, now: datetime) -> GroupBuying:
    """Final: nobody can buy any more, unpaid orders end, everyone who paid is refunded by the worker. Raises NotThere, Decided."""
    group_buying = find(group_buying_id, principal)
    if not conclude(group_buying, Outcome.CANCELLED, now=now):
        raise Decided(_("团购已有结果，不能取消"))
    log.info("group buy %s was cancelled: %s", group_buying.pk, reason)
    return group_buying


@transaction.atomic
def conclude(group_buying: GroupBuying, outcome: Outcome, *, now: datetime) -> bool:
    """Set the outcome once; the orders follow in ``carry_out_due``. False when somebody was first."""
    if not GroupBuying.objects.filter(pk=group_buying.pk, outcome=Outcome.OPEN).update(outcome=outcome, decided_at=now):
        return False
    if outcome == Outcome.CANCELLED:
        # The worker closes them at the gateway first, as it does with every order past its deadline.
        group_buying.orders.awaiting_payment().filter(pay_deadline_at__gt=now).update(pay_deadline_at=now)
    group_buying.outcome, group_buying.decided_at = outcome, now
    return True


def decide_due(*, now: datetime, limit: int = 50) -> int:
    """After the end, once no order waits for its payment: reached the minimum or not. Returns how many were decided."""
    waiting = Order.objects.filter(status__in=AWAITING_PAYMENT).values("group_buying_id")
    ended = GroupBuying.objects.undecided(now).exclude(pk__in=waiting).order_by("end_at")[:limit]
    return due.each(ended, lambda group_buying: conclude(group_buying, outcome_of(group_buying), now=now))


def outcome_of(group_buying: GroupBuying) -> Outcome:
    paid = group_buying.orders.bought().aggregate(qty=Sum("qty"))["qty"] or 0
    return Outcome.SUCCEEDED if paid >= group_buying.min_qty else Outcome.FAILED


def carry_out_due(*, now: datetime, limit: int = 200) -> int:
    """Confirm the orders of successful group buys and refund those of failed and cancelled ones; returns how many. Safe to repeat."""
    whole = Q(payments__use=PaymentUse.APPLIED) & Q(payments__refunds__intent__startswith="group-")
    to_refund = Order.objects.filter(group_buying__outcome__in=UNSUCCESSFUL, status__in=BOUGHT).exclude(whole)
    to_confirm = Order.objects.filter(group_buying__outcome=Outcome.SUCCEEDED, status=OrderStatus.PAID)
    put_off = partial(orders.put_off, now=now)
    refunded = due.each(to_refund.ready(now).values_list("pk", flat=True)[:limit], partial(refund, now=now), put_off=put_off)
    return refunded + due.each(to_confirm.ready(now).values_list("pk", flat=True)[:limit], partial(confirm, now=now), put_off=put_off)


@transaction.atomic
def refund(order_id: int, *, now: datetime) -> bool:
    order = Order.objects.select_for_update(of=("self",)).select_related("group_buying").get(pk=order_id)
    payment = order.payments.select_for_update().filter(use=PaymentUse.APPLIED).first()
    left = payment.left_to_refund() if payment else ZERO
    if payment is None or order.status not in BOUGHT or left <= ZERO:
        return False
    reason = _("团购已取消") if order.group_buying.outcome == Outcome.CANCELLED else _("未成团，自动退款")
    settling.want_refund(payment, intent=f"group-{order.pk}", amount=left, reason=reason, now=now)
    messages.put(messages.Kind.FAILED, order, now=now)
    return True


@transaction.atomic
def confirm(order_id: int, *, now: datetime) -> bool:
    order = Order.objects.select_for_update(of=("self",)).get(pk=order_id)
    if order.status != OrderStatus.PAID or order.is_refunding():
        return False
    moves.move(order, OrderStatus.CONFIRMED, actor=moves.SYSTEM, now=now, reason=_("已成团"))
    messages.put(messages.Kind.SUCCEEDED, order, now=now)
    return True
