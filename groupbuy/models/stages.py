"""Where an order stands, in the words that people read: on the buyers' pages, in the back office, its filters and its files.

The wire has the specification's own words, which are the labels of ``OrderStatus``.
"""

from datetime import datetime

from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Sum, TextChoices, Value, When
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from groupbuy.models.group_buyings import DeliverType
from groupbuy.models.orders import AWAITING_PAYMENT, BOUGHT, EventKind, Order, OrderEvent, OrderQuerySet, OrderStatus
from groupbuy.models.payments import Payment, PaymentQuerySet, PaymentUse, Refund, RefundQuerySet
from groupbuy.models.phases import Outcome
from retail.money import CENT


class Stage(TextChoices):
    """Finer than a status: it knows the way of delivery, the group, the hand-over, the hour and the money."""

    UNPAID = "unpaid", _("待付款")
    PAY_FAILED = "pay-failed", _("付款没有成功")
    TOO_LATE = "too-late", _("付款超时")
    HELD = "held", _("付款核实中")
    GATHERING = "gathering", _("待成团")
    PAID = "paid", _("待备货")
    CONFIRMED = "confirmed", _("备货中")
    ARRIVED = "arrived", _("待取货")
    OVERDUE = "overdue", _("逾期未取")
    SHIPPED = "shipped", _("已发货")
    COLLECTED = "collected", _("已取货")
    UNVERIFIED = "unverified", _("已完成（未核销）")
    DELIVERED = "delivered", _("已签收")
    REFUNDING = "refunding", _("退款中")
    REFUNDED = "refunded", _("已退款")
    EXPIRED = "expired", _("超时已取消")
    CLOSED = "closed", _("已取消")


TO_PAY = (Stage.UNPAID, Stage.PAY_FAILED, Stage.TOO_LATE)
TO_COLLECT = (Stage.ARRIVED, Stage.OVERDUE)
DONE = (Stage.COLLECTED, Stage.UNVERIFIED, Stage.DELIVERED)

CALLED_OFF = (OrderStatus.EXPIRED, OrderStatus.CLOSED)
BY_STATUS = {
    OrderStatus.UNPAID: Stage.UNPAID,
    OrderStatus.PAY_FAILED: Stage.PAY_FAILED,
    OrderStatus.PAID: Stage.PAID,
    OrderStatus.CONFIRMED: Stage.CONFIRMED,
    OrderStatus.REFUNDED: Stage.REFUNDED,
    OrderStatus.EXPIRED: Stage.EXPIRED,
    OrderStatus.CLOSED: Stage.CLOSED,
}
SENT = {OrderStatus.SHIPPED: Stage.SHIPPED, OrderStatus.COMPLETED: Stage.DELIVERED}
FETCHED = {OrderStatus.SHIPPED: Stage.ARRIVED, OrderStatus.COMPLETED: Stage.UNVERIFIED}


def by_status(status: int, *, is_express: bool) -> Stage:
    """What a status alone tells."""
    return (BY_STATUS | (SENT if is_express else FETCHED))[OrderStatus(status)]


def stage_of(order: Order, now: datetime) -> Stage:
    """Reads the group buy, the payments and their refunds: fetch them for lists. On many rows this is ``with_stage``."""
    if order.status in BOUGHT:
        return Stage.REFUNDING if order.is_refunding() else bought_stage(order, now)
    if any(payment.is_held for payment in order.payments.all()):
        return Stage.HELD
    if order.status in CALLED_OFF and order.is_money_moving():
        return Stage.REFUNDING
    return Stage.TOO_LATE if order.is_past_deadline(now) else by_status(order.status, is_express=order.is_express)


def bought_stage(order: Order, now: datetime) -> Stage:
    if order.handed_over_at and not order.is_express:
        return Stage.COLLECTED
    if order.status == OrderStatus.PAID and order.group_buying.is_undecided:
        return Stage.GATHERING
    if not order.is_express and order.is_overdue(now):
        return Stage.OVERDUE
    return by_status(order.status, is_express=order.is_express)


def with_stage(orders: OrderQuerySet, now: datetime) -> OrderQuerySet:
    """With ``stage``: what ``stage_of`` says of each row."""
    return orders.with_window().annotate(stage=stage_in_sql(now))


def in_stage(orders: OrderQuerySet, *wanted: str, now: datetime) -> OrderQuerySet:
    return orders.with_window().alias(stage_now=stage_in_sql(now)).filter(stage_now__in=wanted)


def stage_in_sql(now: datetime) -> Case:
    """Of rows with their window."""
    fetched = Q(deliver_type=DeliverType.PICK_UP)
    undecided = Q(group_buying__min_qty__gt=0, group_buying__outcome=Outcome.OPEN, group_buying__declared_at=None)
    payments = Payment.objects.filter(order=OuterRef("pk"))
    return Case(
        When(Q(status__in=BOUGHT) & Exists(going_back_whole()), then=Value(Stage.REFUNDING)),
        When(fetched & Q(status__in=BOUGHT, handed_over_at__isnull=False), then=Value(Stage.COLLECTED)),
        When(undecided & Q(status=OrderStatus.PAID), then=Value(Stage.GATHERING)),
        When(fetched & Q(status=OrderStatus.SHIPPED, window_end__lte=now), then=Value(Stage.OVERDUE)),
        When(~Q(status__in=BOUGHT) & Exists(payments.held()), then=Value(Stage.HELD)),
        When(Q(status__in=CALLED_OFF) & Exists(moving()), then=Value(Stage.REFUNDING)),
        When(status__in=AWAITING_PAYMENT, pay_deadline_at__lte=now, then=Value(Stage.TOO_LATE)),
        *(When(status=status, then=Value(stage)) for status, stage in BY_STATUS.items()),
        *(When(fetched & Q(status=status), then=Value(stage)) for status, stage in FETCHED.items()),
        *(When(status=status, then=Value(stage)) for status, stage in SENT.items()),
    )


def going_back_whole() -> PaymentQuerySet:
    """The order's whole payment is claimed by refunds, one of them under way: ``Order.is_refunding``."""
    claims = Refund.objects.filter(payment=OuterRef("pk")).counting().order_by().values("payment")
    applied = Payment.objects.filter(order=OuterRef("pk"), use=PaymentUse.APPLIED).annotate(
        claimed=Subquery(claims.annotate(sum=Sum("amount")).values("sum"))
    )
    under_way = Refund.objects.filter(payment=OuterRef("pk")).under_way()
    # SQLite adds in floating point.
    return applied.filter(Exists(under_way), received__lt=F("claimed") + CENT / 2)


def moving() -> RefundQuerySet:
    """Some money of the order is on its way back: ``Order.is_money_moving``."""
    refunds = Refund.objects.filter(payment__order=OuterRef("pk"))
    return refunds.under_way() | refunds.stuck()


def told_by(event: OrderEvent, *, is_express: bool) -> str | Promise:
    """A row of the timeline in one word, for staff."""
    if event.kind != EventKind.MOVE:
        return EventKind(event.kind).label
    if event.to_status == OrderStatus.PAID:
        return _("已付款")
    if event.to_status == OrderStatus.COMPLETED and not is_express:
        return _("已完成")
    return by_status(event.to_status, is_express=is_express).label
