"""Orders that were not paid in time."""

import logging
from datetime import datetime, timedelta

from django.db.models import Q

from groupbuy import attempts, moves, orders
from groupbuy.models import Order, OrderStatus
from retail.wire.errors import Refusal

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=60)


def expire_due(*, now: datetime, limit: int = 200) -> int:
    """Close what is past its deadline at the gateway, then here, and give the stock back; returns how many.

    An order whose gateway can't be reached keeps its stock and is tried again after the lease. Safe to run twice at once.
    """
    waiting = Order.objects.past_deadline(now).filter(Q(next_expiry_at=None) | Q(next_expiry_at__lte=now))
    return sum(expire(order, now=now) for order in waiting.select_related("tenant").order_by("pay_deadline_at")[:limit])


def expire(order: Order, *, now: datetime) -> bool:
    if not Order.objects.filter(pk=order.pk, next_expiry_at=order.next_expiry_at).update(next_expiry_at=now + LEASE):
        return False
    try:
        if attempts.shut(order, now=now):
            return False
        orders.end_unpaid(order.pk, OrderStatus.EXPIRED, actor=moves.SYSTEM, now=now)
    except Refusal as error:
        log.warning("order %s could not be expired yet: %s", order.pk, type(error).__name__)
        return False
    return True
