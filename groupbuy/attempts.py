"""Asking the gateway about an order's attempts to pay, and shutting them. No lock is held while it answers."""

from datetime import datetime, timedelta

from groupbuy import gateways, settling
from groupbuy.merchants import gateway_of
from groupbuy.models import Order, Payment, PaymentState
from retail.wire.errors import Unavailable

# A prepay request may still be on its way to the gateway for this long.
IN_FLIGHT = timedelta(seconds=30)


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
    """The same for one attempt. Raises Unknown, Misconfigured."""
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
