"""Orders that were not paid in time."""

import logging
from datetime import datetime
from functools import partial

from groupbuy import moves
from groupbuy.models import Order, OrderStatus
from groupbuy.models.turns import PUT_OFF
from groupbuy.orders import closing
from groupbuy.payments import attempts
from retail import jobs
from retail.refusals import Refusal

log = logging.getLogger(__name__)


def expire_due(*, now: datetime, limit: int = 200) -> jobs.Done:
    """Close what is past its deadline at the gateway, then here, and give the stock back; returns how many.

    An order whose gateway can't be reached keeps its stock and is tried again after the lease. Safe to run twice at once.
    """
    waiting = Order.objects.past_deadline(now).ready(now).select_related("tenant")
    return jobs.each(waiting[:limit], partial(expire, now=now))


def expire(order: Order, *, now: datetime) -> bool:
    if not jobs.claim(order, "next_job_at", next_job_at=now + PUT_OFF):
        return False
    try:
        if attempts.shut(order, now=now):
            return False
        closing.end_unpaid(order.pk, OrderStatus.EXPIRED, actor=moves.SYSTEM, now=now)
    except Refusal as error:
        log.warning("order %s could not be expired yet: %s", order.pk, type(error).__name__)
        return False
    return True
