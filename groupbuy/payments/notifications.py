"""What WeChat Pay tells us by itself: checked, then booked through the one door for money."""

import logging
from collections.abc import Mapping
from datetime import datetime

from groupbuy.models import Gateway, Payment, Refund
from groupbuy.payments import settling
from groupbuy.payments.gateways import Notification, NotifyRejected, accounts
from groupbuy.payments.gateways.wechat import WeChatGateway

log = logging.getLogger(__name__)
SOURCE = "notify"


def book_notification(*, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check a message and settle what it says; on return it is committed, and a repeat is harmless.

    Raises NotifyRejected, and Misconfigured when it is WeChat's but our keys can't read it.
    """
    gateway = accounts.gateway_with_serial(headers.get("Wechatpay-Serial", ""))
    notification = gateway.parse_notify(headers, body, now=now)
    payment = payment_of(notification)
    if payment is None:
        # Not settled, even if the number has come to be ours meanwhile: nobody has compared whose it is.
        note_unknown(notification, now=now)
        return
    check_owner(gateway, notification, payment)
    event_id = notification.event_id
    if notification.refund:
        settling.settle_refund(notification.refund, source=SOURCE, event_id=event_id, now=now)
    elif notification.trade:
        settling.settle(notification.trade, source=SOURCE, event_id=event_id, now=now)


def note_unknown(notification: Notification, *, now: datetime) -> None:
    """Keep for a person what is of no number of ours. Raises NotifyRejected for a trade."""
    event_id = notification.event_id
    if notification.refund:
        # A refund that somebody made in WeChat's own back office isn't ours; sending it again would not make it so.
        settling.note_unknown_refund(notification.refund.state, source=SOURCE, event_id=event_id, now=now)
    elif notification.trade:
        settling.note_unknown_trade(notification.trade.state, source=SOURCE, event_id=event_id, now=now)
        log.error("notification %s is of a number that isn't ours", event_id)
        raise NotifyRejected("unknown number")


def check_owner(gateway: WeChatGateway, notification: Notification, payment: Payment) -> None:
    """Only the keys of the payment's own merchant number speak for it, and of its app: a holder of keys can sign whatever it likes.

    A refund's notification names no app. Raises NotifyRejected.
    """
    is_its_app = notification.trade is None or notification.app_id == payment.parameters.get("app_id")
    if not is_its_app or not accounts.speaks_for(gateway, payment):
        log.error("notification %s is of payment %s, which is another merchant's or app's", notification.event_id, payment.pk)
        raise NotifyRejected("another merchant or app")


def payment_of(notification: Notification) -> Payment | None:
    """The payment that is named, with its order."""
    if notification.trade:
        known = Payment.objects.filter(gateway=Gateway.WECHAT, out_trade_no=notification.trade.out_trade_no)
        return known.select_related("order").first()
    number = notification.refund.out_refund_no if notification.refund else ""
    refunds = Refund.objects.filter(payment__gateway=Gateway.WECHAT, out_refund_no=number)
    refund = refunds.select_related("payment__order").first()
    return refund.payment if refund else None
