"""Paying an order: starting, starting over, and finding out how it went."""

import logging
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from groupbuy.models import Order, OrderStatus, Payment
from groupbuy.payments import attempts, gateways
from groupbuy.payments.gateways import deadlines
from groupbuy.payments.verdict import PayFailed, PayUnknown, find_order, why_unpayable
from retail.principals import Principal
from retail.refusals import Invalid, ResultStatus, Unavailable, found
from retail.rights import Right

log = logging.getLogger(__name__)
ASK_EVERY = timedelta(seconds=3)


@deadlines.shared_deadline()
def start_payment(*, order_id: int, principal: Principal, now: datetime) -> gateways.PayParameters:
    """The parameters for paying an unpaid order; a living prepay is reused.

    Raises NotThere, Paid, PayFailed, PayUnknown, PrepayExpired, WindowOver, OrderEnded, Unavailable.
    """
    order = find_order(order_id, principal)
    refusal = why_unpayable(order, now)
    if refusal or order.status == OrderStatus.PAY_FAILED:
        raise refusal or PayFailed()
    return attempts.parameters_for(attempts.open_attempt(order.pk, again=False, now=now), now=now)


@deadlines.shared_deadline()
def restart_payment(*, order_id: int, principal: Principal, now: datetime) -> gateways.PayParameters:
    """The parameters for paying in a new attempt, also after a failure: the old one is asked and closed first; the deadline doesn't move.

    Raises NotThere, Paid, PayFailed, PayUnknown, WindowOver, OrderEnded, Unavailable.
    """
    order = find_order(order_id, principal)
    refusal = why_unpayable(order, now)
    if refusal:
        raise refusal
    try:
        paid = attempts.shut(order, now=now)
    except Unavailable as error:
        raise PayUnknown from error
    if paid:
        order.refresh_from_db()
        raise why_unpayable(order, now) or PayUnknown()
    return attempts.parameters_for(attempts.open_attempt(order.pk, again=True, now=now), now=now)


@deadlines.shared_deadline()
def check_payment(*, order_id: int, principal: Principal, now: datetime, may_ask: bool = True) -> ResultStatus:
    """701 paid, 702 failed, 703 not known yet, 704 start over, 1001 closed, 1003 too late. Asks the gateway at most once in 3 s.

    ``may_ask`` False answers from what is known. Raises NotThere.
    """
    order = find_order(order_id, principal)
    payment = order.payments.open().select_related("order__tenant").first()
    if payment and why_unpayable(order, now) is None and may_ask and may_ask_now(payment, now):
        try:
            attempts.ask(payment, source="check", now=now)
        except gateways.GatewayError as error:
            log.info("payment %s could not be checked: %s", payment.pk, type(error).__name__)
        order.refresh_from_db()
    return known_result(order, payment, now)


def may_ask_now(payment: Payment, now: datetime) -> bool:
    """Compare-and-set on the last time: of many polls at once one asks."""
    recently = Q(asked_at=None) | Q(asked_at__lte=now - ASK_EVERY)
    return bool(Payment.objects.filter(recently, pk=payment.pk).update(asked_at=now))


def known_result(order: Order, payment: Payment | None, now: datetime) -> ResultStatus:
    if order.status == OrderStatus.REFUNDED:
        return ResultStatus.PAY_FAILED
    refusal = why_unpayable(order, now)
    if refusal:
        return ResultStatus(refusal.status)
    if order.status == OrderStatus.PAY_FAILED:
        return ResultStatus.PAY_FAILED
    if payment and payment.prepaid_at and now - payment.prepaid_at >= attempts.PREPAY_LIFE:
        return ResultStatus.PAY_CODE_TIMED_OUT
    return ResultStatus.PAY_UNKNOWN


@deadlines.shared_deadline()
def recheck(*, payment_id: int, principal: Principal, now: datetime) -> Payment:
    """Ask the gateway about one payment at a person's wish. Raises Forbidden, NotThere, Unavailable, Invalid."""
    principal.must(Right.RECHECK_PAYMENTS)
    payment = found(Payment.objects.visible_to(principal).select_related("order__tenant"), pk=payment_id)
    try:
        return attempts.ask(payment, source="staff", now=now)
    except gateways.TradeNotFound as error:
        raise Invalid(_("支付渠道没有这笔交易")) from error
    except gateways.GatewayError as error:
        raise Unavailable from error
