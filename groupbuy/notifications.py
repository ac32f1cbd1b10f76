"""What WeChat Pay tells us by itself: checked, then booked through the one door for money."""

import logging
from collections.abc import Mapping
from datetime import datetime

from groupbuy import merchants, settling
from groupbuy.gateways import Notification, NotifyRejected
from groupbuy.models import Gateway, Payment, Refund

log = logging.getLogger(__name__)
SOURCE = "notify"


def book_notification(*, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check a message and settle what it says; on return it is committed, and a repeat is harmless.

    Raises NotifyRejected, and Misconfigured when it is WeChat's but our keys can't read it.
    """
    gateway = merchants.gateway_with_serial(headers.get("Wechatpay-Serial", ""))
    notification = gateway.parse_notify(headers, body, now=now)
    check_owner(notification)
    event_id = notification.event_id
    if notification.refund:
        # A refund that somebody made in WeChat's own back office isn't ours; sending it again would not make it so.
        settling.settle_refund(notification.refund, source=SOURCE, event_id=event_id, now=now)
    elif notification.trade and settling.settle(notification.trade, source=SOURCE, event_id=event_id, now=now) is None:
        log.error("notification %s is of a number that isn't ours", event_id)
        raise NotifyRejected("unknown number")


def check_owner(notification: Notification) -> None:
    """A tenant's merchant number speaks of that number's payments only: its holder can sign whatever it likes. Raises NotifyRejected."""
    payment = payment_of(notification)
    if payment is None:
        return
    known = payment.parameters
    if notification.mch_id != known.get("mch_id") or (notification.trade and notification.app_id != known.get("app_id")):
        log.error("notification %s is of payment %s, which is another merchant's or app's", notification.event_id, payment.pk)
        raise NotifyRejected("another merchant or app")


def payment_of(notification: Notification) -> Payment | None:
    if notification.trade:
        return Payment.objects.filter(gateway=Gateway.WECHAT, out_trade_no=notification.trade.out_trade_no).first()
    number = notification.refund.out_refund_no if notification.refund else ""
    refund = Refund.objects.filter(payment__gateway=Gateway.WECHAT, out_refund_no=number).select_related("payment").first()
    return refund.payment if refund else None
