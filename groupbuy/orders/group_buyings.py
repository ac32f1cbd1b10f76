"""Running a group buy: switching, closing, cancelling, its stock, and what becomes of it after its end."""

import logging
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Sum
from django.utils.translation import gettext as _

from groupbuy import moves
from groupbuy.models import GroupBuying, Order, OrderStatus, Outcome, PaymentUse, Refund, RefundState
from groupbuy.models.group_buyings import UNSUCCESSFUL
from groupbuy.models.orders import AWAITING_PAYMENT, BOUGHT
from groupbuy.notices import messages
from groupbuy.orders import closing
from groupbuy.payments import settling
from retail import jobs
from retail.money import ZERO
from retail.principals import Principal
from retail.refusals import Invalid, Refusal, found
from retail.rights import Right

log = logging.getLogger(__name__)
# How the intents of our own refunds begin; "-rest" follows for each more of an order.
INTENT = "group-"


class Decided(Refusal):
    """The group buy has its final outcome."""


def find(group_buying_id: int, principal: Principal) -> GroupBuying:
    """A group buy that the caller manages. Raises Forbidden, NotThere."""
    principal.must(Right.MANAGE_GROUP_BUYS)
    return found(GroupBuying.objects.visible_to(principal), pk=group_buying_id)


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
        raise Refusal(_("团购尚未开始或已截单"))
    group_buying.end_at = now
    return group_buying


def change_quota(*, group_buying_id: int, quota: int, principal: Principal, now: datetime) -> GroupBuying:
    """Offer more or fewer units, never fewer than are taken. Raises NotThere, Invalid."""
    group_buying = find(group_buying_id, principal)
    if not GroupBuying.objects.filter(pk=group_buying.pk, taken__lte=quota, min_qty__lte=quota).update(quota=quota):
        raise Invalid(_("库存不能少于已占用的份数和成团份数"))
    group_buying.quota = quota
    return group_buying


def declare_reached(*, group_buying_id: int, principal: Principal, now: datetime) -> GroupBuying:
    """The minimum counts as reached from now on, whatever is sold: goods may go out. Final. Raises Forbidden, NotThere, Decided."""
    group_buying = find(group_buying_id, principal)
    declared = {"declared_at": now, "declared_by": principal.user}
    undecided = GroupBuying.objects.filter(pk=group_buying.pk, outcome=Outcome.OPEN, declared_at=None, min_qty__gt=0, start_at__lte=now)
    if not undecided.update(**declared):
        raise Decided(_("团购没有成团门槛、尚未开始或已有结果，不需要提前成团"))
    group_buying.declared_at, group_buying.declared_by = now, principal.user
    log.info("group buy %s was declared reached by user %s", group_buying.pk, principal.user.pk if principal.user else None)
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
    # Orders are locked before their group buy, as everywhere. One that slips in between has its own deadline, and is refunded if paid.
    unpaid = lock_unpaid(group_buying) if outcome == Outcome.CANCELLED else []
    if not GroupBuying.objects.filter(pk=group_buying.pk, outcome=Outcome.OPEN).update(outcome=outcome, decided_at=now):
        return False
    # The worker closes them at the gateway first, as it does with every order past its deadline.
    Order.objects.filter(pk__in=unpaid, pay_deadline_at__gt=now).update(pay_deadline_at=now)
    group_buying.outcome, group_buying.decided_at = outcome, now
    return True


def lock_unpaid(group_buying: GroupBuying) -> list[int]:
    return list(group_buying.orders.awaiting_payment().order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))


def decide_due(*, now: datetime, limit: int = 50) -> jobs.Done:
    """After the end, once no order waits for its payment: reached the minimum or not. Returns how many were decided."""
    waiting = Order.objects.filter(status__in=AWAITING_PAYMENT).values("group_buying_id")
    ended = GroupBuying.objects.undecided(now).exclude(pk__in=waiting).ready(now).values_list("pk", flat=True)
    return jobs.each(ended[:limit], partial(decide, now=now), put_off=partial(put_off, now=now))


def put_off(group_buying_id: int, *, now: datetime) -> None:
    """One that can't be decided just now comes up again behind the others."""
    GroupBuying.objects.filter(pk=group_buying_id).put_off(now)


@transaction.atomic
def decide(group_buying_id: int, *, now: datetime) -> bool:
    """Under the lock that late money waits for: it counts, or finds the group buy decided. False when the end was moved on meanwhile."""
    group_buying = GroupBuying.objects.undecided(now).select_for_update(no_key=True).filter(pk=group_buying_id).first()
    return group_buying is not None and conclude(group_buying, outcome_of(group_buying), now=now)


def outcome_of(group_buying: GroupBuying) -> Outcome:
    """By the units that are paid for, without those whose whole money is on its way back, unless somebody declared it reached."""
    if group_buying.declared_at:
        return Outcome.SUCCEEDED
    paid = group_buying.orders.bought().aggregate(qty=Sum("qty"))["qty"] or 0
    refunded = group_buying.orders.bought().filter(payments__refunds__isnull=False).distinct().prefetch_related("payments__refunds")
    paid -= sum(order.qty for order in refunded if order.is_refunding())
    return Outcome.SUCCEEDED if paid >= group_buying.min_qty else Outcome.FAILED


def carry_out_due(*, now: datetime, limit: int = 200) -> jobs.Done:
    """Confirm the orders of successful group buys and refund those of failed and cancelled ones; returns how many. Safe to repeat."""
    wanted = Refund.objects.filter(payment__order=OuterRef("pk"), payment__use=PaymentUse.APPLIED)
    # What was wanted before may still be rejected: then there is more to refund.
    done = Exists(wanted.filter(intent__startswith=INTENT)) & ~Exists(wanted.filter(state=RefundState.REJECTED, settled_by=None))
    to_refund = Order.objects.filter(~done, group_buying__outcome__in=UNSUCCESSFUL, status__in=BOUGHT)
    # Whoever has the goods keeps them: their money is no longer the group's matter.
    to_refund = to_refund.exclude(group_buying__outcome=Outcome.FAILED, handed_over_at__isnull=False)
    reached = Q(group_buying__outcome=Outcome.SUCCEEDED) | Q(group_buying__outcome=Outcome.OPEN, group_buying__declared_at__isnull=False)
    to_confirm = Order.objects.filter(reached, status=OrderStatus.PAID)
    later = partial(closing.put_off, now=now)
    refunded = jobs.each(to_refund.ready(now).values_list("pk", flat=True)[:limit], partial(refund, now=now), put_off=later)
    return refunded + jobs.each(to_confirm.ready(now).values_list("pk", flat=True)[:limit], partial(confirm, now=now), put_off=later)


@transaction.atomic
def refund(order_id: int, *, now: datetime) -> bool:
    order = Order.objects.select_for_update(of=("self",)).select_related("group_buying").get(pk=order_id)
    payment = order.payments.select_for_update().filter(use=PaymentUse.APPLIED).first()
    left = payment.left_to_refund() if payment else ZERO
    if payment is None or order.status not in BOUGHT or left <= ZERO:
        return False
    if order.handed_over_at and order.group_buying.outcome == Outcome.FAILED:
        return False
    reason = _("团购已取消") if order.group_buying.outcome == Outcome.CANCELLED else _("未成团，自动退款")
    wanted = payment.refunds.filter(intent__startswith=INTENT)
    # What the gateway doesn't take from us is for a person.
    if wanted.filter(state=RefundState.REJECTED).exists():
        return False
    intent = f"{INTENT}{order.pk}{'-rest' * wanted.count()}"
    settling.want_refund(payment, intent=intent, amount=left, reason=reason, now=now)
    messages.put(messages.Kind.FAILED, order, now=now)
    return True


@transaction.atomic
def confirm(order_id: int, *, now: datetime) -> bool:
    order = Order.objects.select_for_update(of=("self",)).get(pk=order_id)
    # One that was declared reached may have been cancelled since it was found.
    if order.status != OrderStatus.PAID or order.is_refunding() or order.group_buying.is_unsuccessful:
        return False
    moves.move(order, OrderStatus.CONFIRMED, actor=moves.SYSTEM, now=now, reason=_("已成团"))
    messages.put(messages.Kind.SUCCEEDED, order, now=now)
    return True
