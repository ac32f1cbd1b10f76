"""The banks that take the money: what each can do, whose account it is, and how long it may take to answer."""

from groupbuy.payments.gateways.base import (
    AlreadyPaid,
    BillLine,
    GatewayError,
    Misconfigured,
    Notification,
    NotifyRejected,
    PaymentGateway,
    PayParameters,
    RefundAnswer,
    Rejected,
    Trade,
    TradeNotFound,
    Unknown,
)

__all__ = [
    "AlreadyPaid",
    "BillLine",
    "GatewayError",
    "Misconfigured",
    "Notification",
    "NotifyRejected",
    "PayParameters",
    "PaymentGateway",
    "RefundAnswer",
    "Rejected",
    "Trade",
    "TradeNotFound",
    "Unknown",
]
