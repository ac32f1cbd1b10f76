"""Asking about attempts to pay of which nobody has told us."""

import logging
from datetime import datetime, timedelta
from functools import partial

from groupbuy.models import Payment, PaymentState
from groupbuy.models.orders import AWAITING_PAYMENT
from groupbuy.payments import attempts, gateways
from groupbuy.payments.attempts import FIRST_CHECK
from retail import jobs

log = logging.getLogger(__name__)
SLOWEST_CHECK = timedelta(minutes=5)


def reconcile_due(*, now: datetime, limit: int = 100) -> jobs.Done:
    """Ask about open attempts whose time has come, less and less often. Returns how many were asked; safe to run twice at once.

    One whose order no longer waits for it is shut.
    """
    waiting = Payment.objects.due(now).select_related("order__tenant").order_by("next_check_at")
    return jobs.each(waiting[:limit], partial(reconcile, now=now))


def reconcile(payment: Payment, *, now: datetime) -> bool:
    if not lease(payment, now):
        return False
    try:
        if payment.order.status in AWAITING_PAYMENT:
            attempts.ask(payment, source="reconcile", now=now)
        else:
            attempts.shut_one(payment, now=now)
    except gateways.GatewayError as error:
        log.info("payment %s could not be reconciled: %s", payment.pk, type(error).__name__)
    return True


def lease(payment: Payment, now: datetime) -> bool:
    """Claim the row by moving its next check on: another worker's update finds the old time gone."""
    wait = min(FIRST_CHECK * 2 ** min(payment.checks, 8), SLOWEST_CHECK)
    claimed = Payment.objects.filter(pk=payment.pk, next_check_at=payment.next_check_at, state=PaymentState.OPEN)
    return bool(claimed.update(next_check_at=now + wait, checks=payment.checks + 1))
