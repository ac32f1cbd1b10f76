"""Asking about attempts to pay of which nobody has told us."""

import logging
from datetime import datetime, timedelta
from functools import partial

from groupbuy.models import Payment
from groupbuy.models.orders import AWAITING_PAYMENT
from groupbuy.payments import attempts, gateways
from groupbuy.payments.attempts import FIRST_CHECK
from retail import jobs

log = logging.getLogger(__name__)
BACKOFF = jobs.Backoff(FIRST_CHECK, timedelta(minutes=5))


def reconcile_due(*, now: datetime, limit: int = 100) -> jobs.Done:
    """Ask about open attempts whose time has come, less and less often. Returns how many were asked; safe to run twice at once.

    One whose order no longer waits for it is shut.
    """
    waiting = Payment.objects.due(now).select_related("order__tenant").order_by("next_check_at")
    return jobs.each(waiting[:limit], partial(reconcile, now=now))


def reconcile(payment: Payment, *, now: datetime) -> bool:
    later = now + BACKOFF.after(payment.checks)
    if not jobs.claim(payment, "state", "next_check_at", next_check_at=later, checks=payment.checks + 1):
        return False
    try:
        if payment.order.status in AWAITING_PAYMENT:
            attempts.ask(payment, source="reconcile", now=now)
        else:
            attempts.shut_one(payment, now=now)
    except gateways.GatewayError as error:
        log.info("payment %s could not be reconciled: %s", payment.pk, type(error).__name__)
    return True
