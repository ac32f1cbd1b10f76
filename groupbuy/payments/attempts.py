"""An order's attempts to pay: opened, announced to the gateway, asked about, and shut. No lock is held while the gateway answers."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from groupbuy import moves
from groupbuy.models import Order, OrderStatus, Payment, PaymentState
from groupbuy.payments import gateways, settling
from groupbuy.payments.gateways.accounts import gateway_for, gateway_of
from groupbuy.payments.verdict import PayFailed, PayUnknown, PrepayExpired, why_unpayable
from retail import mini_program
from retail.refusals import Refusal, Unavailable

log = logging.getLogger(__name__)

PREPAY_LIFE = timedelta(hours=2)
FIRST_CHECK = timedelta(seconds=20)
# A prepay request may still be on its way to the gateway for this long.
IN_FLIGHT = timedelta(seconds=30)


@transaction.atomic
def open_attempt(order_id: int, *, again: bool, now: datetime) -> Payment:
    """The order's open attempt, or a new one, about to be sent: written down before the gateway hears of it."""
    order = Order.objects.select_for_update(of=("self",)).select_related("tenant", "buyer").get(pk=order_id)
    refusal = why_unpayable(order, now)
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
        ask(payment, source="prepay", now=now)
    except gateways.GatewayError:
        return PayUnknown()
    payment.order.refresh_from_db()
    return why_unpayable(payment.order, now) or PayUnknown()


@transaction.atomic
def refuse_attempt(payment: Payment, *, now: datetime) -> None:
    """The gateway refused to take this attempt: the order has failed to be paid."""
    locked = settling.lock(payment.gateway, payment.out_trade_no)
    if locked is not None:
        settling.lose(locked, now=now)


def ask(payment: Payment, *, source: str, now: datetime) -> Payment:
    """Query one attempt and book the answer. Raises TradeNotFound, Unknown, Misconfigured."""
    trade = gateway_of(payment).query(payment.out_trade_no)
    return settling.settle(trade, source=source, now=now) or payment


def shut(order: Order, *, now: datetime) -> bool:
    """Make sure that no attempt of ``order`` can be paid any more. True when one turned out to be paid.

    Raises Unavailable when the gateway can't tell: the order must keep its stock.
    """
    try:
        return any(shut_one(payment, now=now) for payment in order.payments.open().select_related("order__tenant"))
    except (gateways.Unknown, gateways.Misconfigured) as error:
        raise Unavailable from error


def shut_one(payment: Payment, *, now: datetime) -> bool:
    """Make sure that this attempt can't be paid any more. True when it turned out to be paid. Raises Unknown, Misconfigured."""
    try:
        if ask(payment, source="close", now=now).state == PaymentState.PAID:
            return True
        gateway_of(payment).close(payment.out_trade_no)
    except gateways.AlreadyPaid:
        return ask(payment, source="close", now=now).state == PaymentState.PAID
    except gateways.TradeNotFound as error:
        # Also one that somebody sends once more in this very moment.
        if not settling.close_attempt(payment, sent_at__lte=now - IN_FLIGHT):
            raise gateways.Unknown from error
        return False
    settling.close_attempt(payment)
    return False
