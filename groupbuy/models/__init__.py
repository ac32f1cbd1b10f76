"""Group buys, their orders, the money of the orders, and who came to look."""

from groupbuy.models.bills import Bill, BillDifference, DifferenceKind
from groupbuy.models.consents import CONSENTS_MAX, Consent, ConsentQuerySet
from groupbuy.models.group_buyings import DeliverType, GroupBuying, GroupBuyingImage, GroupBuyingQuerySet, PickUpWindow
from groupbuy.models.merchants import MerchantAccount, MerchantAccountQuerySet
from groupbuy.models.orders import ActorKind, EventKind, IdempotencyKey, Order, OrderEvent, OrderQuerySet, OrderStatus, WrongCode
from groupbuy.models.payments import (
    Gateway,
    Payment,
    PaymentEvent,
    PaymentQuerySet,
    PaymentState,
    PaymentUse,
    Refund,
    RefundQuerySet,
    RefundState,
)
from groupbuy.models.phases import Outcome, Phase
from groupbuy.models.sandbox import SandboxRefund, SandboxTrade, TradeState
from groupbuy.models.stages import Stage
from groupbuy.models.visits import Share, ShareVisitor, Visitor, VisitTimes

__all__ = [
    "CONSENTS_MAX",
    "ActorKind",
    "Bill",
    "BillDifference",
    "Consent",
    "ConsentQuerySet",
    "DeliverType",
    "DifferenceKind",
    "EventKind",
    "Gateway",
    "GroupBuying",
    "GroupBuyingImage",
    "GroupBuyingQuerySet",
    "IdempotencyKey",
    "MerchantAccount",
    "MerchantAccountQuerySet",
    "Order",
    "OrderEvent",
    "OrderQuerySet",
    "OrderStatus",
    "Outcome",
    "Payment",
    "PaymentEvent",
    "PaymentQuerySet",
    "PaymentState",
    "PaymentUse",
    "Phase",
    "PickUpWindow",
    "Refund",
    "RefundQuerySet",
    "RefundState",
    "SandboxRefund",
    "SandboxTrade",
    "Share",
    "ShareVisitor",
    "Stage",
    "TradeState",
    "VisitTimes",
    "Visitor",
    "WrongCode",
]
