"""Paying an order: opening an attempt, starting over, and finding out how it went."""

import logging
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from groupbuy import attempts, deadlines, gateways, moves, orders, settling
from groupbuy.merchants import gateway_for, gateway_of
from groupbuy.models import Order, OrderStatus, Payment, PaymentState, PaymentUse
from groupbuy.models.orders import AWAITING_PAYMENT, BOUGHT
from retail import due, mini_program
from retail.principals import Principal
from retail.wire.envelope import ResultStatus
from retail.wire.errors import Invalid, NotThere, Refusal, Unavailable

log = logging.getLogger(__name__)
PREPAY_LIFE = timedelta(hours=2)
ASK_EVERY = timedelta(seconds=3)
FIRST_CHECK = timedelta(seconds=20)
SLOWEST_CHECK = timedelta(minutes=5)


class PayFailed(Refusal):
    status = ResultStatus.PAY_FAILED
    message = _("支付失败，请重新支付")


class PayUnknown(Refusal):
    status = ResultStatus.PAY_UNKNOWN
    message = _("支付结果确认中，请稍候")


class PrepayExpired(Refusal):
    status = ResultStatus.PAY_CODE_TIMED_OUT
    message = _("支付凭证已过期，请重新支付")


class WindowOver(Refusal):
    status = ResultStatus.PAY_WINDOW_OVER
    message = _("已超过支付时间")


class OrderEnded(Refusal):
    status = ResultStatus.NOT_BUYABLE
    message = _("订单已关闭")


def verdict(order: Order, now: datetime) -> Refusal | None:
    """Why ``order`` can't be paid at ``now``, from what is known; None while it waits for payment."""
    if order.status in BOUGHT:
        return orders.Paid()
    if order.status in (OrderStatus.REFUNDED, OrderStatus.CLOSED):
        return OrderEnded()
    if order.status == OrderStatus.EXPIRED or order.is_past_deadline(now):
        return WindowOver()
    if order.payments.filter(use=PaymentUse.HELD).exists():
        return PayUnknown(_("支付结果核对中，请联系门店"))
    return None


@deadlines.shared_deadline()
def start_payment(*, order_id: int, principal: Principal, now: datetime) -> gateways.PayParameters:
    """The parameters for paying an unpaid order; a living prepay is reused.

    Raises NotThere, Paid, PayFailed, PayUnknown, PrepayExpired, WindowOver, OrderEnded, Unavailable.
    """
    order = orders.find(order_id, principal)
    refusal = verdict(order, now)
    if refusal or order.status == OrderStatus.PAY_FAILED:
        raise refusal or PayFailed()
    return parameters_for(open_attempt(order.pk, again=False, now=now), now=now)


@deadlines.shared_deadline()
def restart_payment(*, order_id: int, principal: Principal, now: datetime) -> gateways.PayParameters:
    """The same for another try, also after a failure: the old attempt is asked and closed first; the deadline doesn't move."""
    order = orders.find(order_id, principal)
    refusal = verdict(order, now)
    if refusal:
        raise refusal
    try:
        paid = attempts.shut(order, now=now)
    except Unavailable as error:
        raise PayUnknown from error
    if paid:
        order.refresh_from_db()
        raise verdict(order, now) or PayUnknown()
    return parameters_for(open_attempt(order.pk, again=True, now=now), now=now)


@transaction.atomic
def open_attempt(order_id: int, *, again: bool, now: datetime) -> Payment:
    """The order's open attempt, or a new one, about to be sent: written down before the gateway hears of it."""
    order = Order.objects.select_for_update(of=("self",)).select_related("tenant", "buyer").get(pk=order_id)
    refusal = verdict(order, now)
    if refusal:
        raise refusal
    if order.status == OrderStatus.PAY_FAILED:
        if not again:
            raise PayFailed
        moves.move(order, OrderStatus.UNPAID, actor=moves.buyer_actor(order.buyer), now=now)
    # Locked: an attempt that is just being shut is not sent once more.
    payment = order.payments.open().select_for_update().first()
    if payment is None:
        payment = new_attempt(order, now=now)
    elif not payment.prepay_id:
        payment.sent_at = now
        payment.save(update_fields=["sent_at"])
    payment.order = order
    return payment


def new_attempt(order: Order, *, now: datetime) -> Payment:
    out_trade_no = f"{order.code}P{order.payments.count() + 1}"
    gateway = gateway_ready_for(order)
    identity = order.buyer.wechat_identities.filter(app_id=mini_program.app_id_of(order.tenant)).first()
    return Payment.objects.create(
        order=order,
        gateway=gateway.name,
        out_trade_no=out_trade_no,
        total=order.money,
        parameters=frozen_parameters(order, gateway, out_trade_no=out_trade_no, open_id=identity.open_id if identity else ""),
        created_at=now,
        sent_at=now,
        next_check_at=now + FIRST_CHECK,
    )


def gateway_ready_for(order: Order) -> gateways.PaymentGateway:
    """Where a new payment of ``order`` goes. Raises Unavailable while a person must put its keys right."""
    try:
        return gateway_for(order.tenant)
    except gateways.Misconfigured as error:
        log.error("the payment gateway is misconfigured: %s", error)
        raise Unavailable from error


def frozen_parameters(order: Order, gateway: gateways.PaymentGateway, *, out_trade_no: str, open_id: str) -> dict[str, str]:
    """What the gateway is told of an attempt: the same every time that its number is sent. ``total`` in yuan."""
    return {
        "mch_id": gateway.mch_id,
        "app_id": gateway.app_id,
        "out_trade_no": out_trade_no,
        "description": f"{order.product_name} × {order.qty}",
        "total": str(order.money),
        "time_expire": order.pay_deadline_at.isoformat(timespec="seconds"),
        "open_id": open_id,
    }


def parameters_for(payment: Payment, *, now: datetime) -> gateways.PayParameters:
    """Announce the attempt at the gateway, unless that was done, and sign its parameters for the client."""
    try:
        gateway = gateway_of(payment)
        if not payment.prepay_id:
            payment.prepay_id = gateway.prepay(payment.parameters)
            if not Payment.objects.open().filter(pk=payment.pk).update(prepay_id=payment.prepay_id, prepaid_at=now):
                # Shut, or paid, while the answer was on its way: nobody may pay by it.
                raise PayUnknown
        elif payment.prepaid_at is not None and now - payment.prepaid_at >= PREPAY_LIFE:
            raise PrepayExpired
        return gateway.client_params(payment.prepay_id, now=now)
    except gateways.AlreadyPaid:
        raise found_paid(payment, now=now) from None
    except gateways.Rejected as error:
        log.warning("prepay of payment %s was rejected: %s", payment.pk, error)
        refuse_attempt(payment, now=now)
        raise PayFailed from error
    except gateways.Unknown as error:
        raise PayUnknown from error
    except gateways.Misconfigured as error:
        log.error("the payment gateway is misconfigured: %s", error)
        raise Unavailable from error


def found_paid(payment: Payment, *, now: datetime) -> Refusal:
    try:
        attempts.ask(payment, source="prepay", now=now)
    except gateways.GatewayError:
        return PayUnknown()
    payment.order.refresh_from_db()
    return verdict(payment.order, now) or PayUnknown()


@transaction.atomic
def refuse_attempt(payment: Payment, *, now: datetime) -> None:
    """The gateway refused to take this attempt: the order has failed to be paid."""
    locked = settling.lock(payment.gateway, payment.out_trade_no)
    if locked is not None:
        settling.lose(locked, now=now)


@deadlines.shared_deadline()
def check_payment(*, order_id: int, principal: Principal, now: datetime, may_ask: bool = True) -> ResultStatus:
    """701 paid, 702 failed, 703 not known yet, 704 start over, 1001 closed, 1003 too late. Asks the gateway at most once in 3 s.

    ``may_ask`` False answers from what is known. Raises NotThere.
    """
    order = orders.find(order_id, principal)
    payment = order.payments.open().select_related("order__tenant").first()
    if payment and verdict(order, now) is None and may_ask and may_ask_now(payment, now):
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
    refusal = verdict(order, now)
    if refusal:
        return ResultStatus(refusal.status)
    if order.status == OrderStatus.PAY_FAILED:
        return ResultStatus.PAY_FAILED
    if payment and payment.prepaid_at and now - payment.prepaid_at >= PREPAY_LIFE:
        return ResultStatus.PAY_CODE_TIMED_OUT
    return ResultStatus.PAY_UNKNOWN


@deadlines.shared_deadline()
def recheck(*, payment_id: int, principal: Principal, now: datetime) -> Payment:
    """Ask the gateway about one payment at a person's wish. Raises NotThere, Unavailable, Invalid."""
    payment = Payment.objects.visible_to(principal).select_related("order__tenant").filter(pk=payment_id).first()
    if payment is None:
        raise NotThere
    try:
        return attempts.ask(payment, source="staff", now=now)
    except gateways.TradeNotFound as error:
        raise Invalid(_("支付渠道没有这笔交易")) from error
    except gateways.GatewayError as error:
        raise Unavailable from error


def reconcile_due(*, now: datetime, limit: int = 100) -> due.Done:
    """Ask about open attempts whose time has come, less and less often. Returns how many were asked; safe to run twice at once.

    One whose order no longer waits for it is shut.
    """
    waiting = Payment.objects.due(now).select_related("order__tenant").order_by("next_check_at")
    return due.each(waiting[:limit], partial(reconcile, now=now))


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
