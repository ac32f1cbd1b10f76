"""An order as its buyer sees it: in words, with the money that came back, and with what may be done next."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from groupbuy.models import (
    ActorKind,
    DeliverType,
    EventKind,
    Order,
    OrderEvent,
    OrderQuerySet,
    OrderStatus,
    Outcome,
    Payment,
    PaymentState,
    PaymentUse,
    Refund,
    RefundState,
)
from groupbuy.models.orders import AWAITING_PAYMENT, BOUGHT, ENDED, TO_DELIVER
from groupbuy.orders.pick_up_dates import Dates, dates_of_order
from groupbuy.payments.attempts import PREPAY_LIFE
from groupbuy.storefront.offers import Offer
from retail.money import ZERO


class Stage(TextChoices):
    """What a buyer calls the state of the order: finer than its status."""

    UNPAID = "unpaid", _("待支付")
    CHECKING = "checking", _("待支付")
    OVERDUE = "overdue", _("支付超时")
    HELD = "held", _("支付核对中")
    PAY_FAILED = "pay-failed", _("支付没有成功")
    GATHERING = "gathering", _("已支付，等待成团")
    PAID = "paid", _("已支付")
    CONFIRMED = "confirmed", _("备货中")
    ARRIVED = "arrived", _("待提货")
    SHIPPED = "shipped", _("已发货")
    COMPLETED = "completed", _("已完成")
    REFUNDING = "refunding", _("退款中")
    REFUNDED = "refunded", _("已退款")
    EXPIRED = "expired", _("已超时取消")
    CLOSED = "closed", _("已关闭")


SENTENCES: dict[Stage, str | Promise] = {
    Stage.UNPAID: _("请尽快支付，超时会自动取消"),
    Stage.CHECKING: _("付过了？正在向银行确认，请稍候"),
    Stage.OVERDUE: _("已超过支付时间，订单即将取消；如果已付款，会自动确认或原路退回"),
    Stage.HELD: _("支付结果核对中，请联系门店"),
    Stage.PAY_FAILED: _("这笔支付没有完成，可以重新支付"),
    Stage.GATHERING: _("凑够份数就成团，没成团会全额原路退回"),
    Stage.PAID: _("商家已收到您的订单"),
    Stage.CONFIRMED: _("商家正在为您准备"),
    Stage.ARRIVED: _("货已到店，请来提货"),
    Stage.SHIPPED: _("包裹在路上了，请留意签收"),
    Stage.COMPLETED: _("感谢惠顾，吃好再来"),
    Stage.REFUNDING: _("款项正在原路退回，到账时间以银行为准"),
    Stage.REFUNDED: _("款项已原路退回"),
    Stage.EXPIRED: _("没有在时间内支付，库存已经放回"),
    Stage.CLOSED: _("订单已经关闭，没有扣款"),
}
BY_STATUS = {
    OrderStatus.PAY_FAILED: Stage.PAY_FAILED,
    OrderStatus.PAID: Stage.PAID,
    OrderStatus.CONFIRMED: Stage.CONFIRMED,
    OrderStatus.COMPLETED: Stage.COMPLETED,
    OrderStatus.REFUNDED: Stage.REFUNDED,
    OrderStatus.EXPIRED: Stage.EXPIRED,
    OrderStatus.CLOSED: Stage.CLOSED,
}
URGENT = (Stage.UNPAID, Stage.CHECKING, Stage.PAY_FAILED)
TROUBLED = (Stage.OVERDUE, Stage.HELD, Stage.PAY_FAILED)
GOOD = (Stage.GATHERING, Stage.PAID, Stage.CONFIRMED, Stage.ARRIVED, Stage.SHIPPED, Stage.COMPLETED)
# Seconds between two looks at the server, while something may still happen without the buyer.
POLLS = {Stage.CHECKING: 3, Stage.OVERDUE: 20, Stage.HELD: 20, Stage.REFUNDING: 20} | dict.fromkeys(
    (Stage.GATHERING, Stage.PAID, Stage.CONFIRMED, Stage.ARRIVED, Stage.SHIPPED), 20
)

MARKS = {
    Stage.HELD: "alert",
    Stage.PAY_FAILED: "alert",
    Stage.GATHERING: "people",
    Stage.CONFIRMED: "box",
    Stage.ARRIVED: "bag",
    Stage.SHIPPED: "truck",
    Stage.REFUNDING: "refund",
    Stage.REFUNDED: "refund",
    Stage.CLOSED: "close",
}


class Tab(TextChoices):
    """The parts of a buyer's list."""

    ALL = "", _("全部")
    TO_PAY = "to-pay", _("待支付")
    TO_GET = "to-get", _("待收货")
    DONE = "done", _("已完成")
    OVER = "over", _("退款/关闭")


TAB_STATUSES: dict[Tab, tuple[OrderStatus, ...]] = {
    Tab.ALL: tuple(OrderStatus),
    Tab.TO_PAY: AWAITING_PAYMENT,
    Tab.TO_GET: TO_DELIVER,
    Tab.DONE: (OrderStatus.COMPLETED,),
    Tab.OVER: (OrderStatus.REFUNDED, OrderStatus.EXPIRED, OrderStatus.CLOSED),
}


def shown(orders: OrderQuerySet) -> OrderQuerySet:
    """With everything that pages show of an order, in a constant number of queries."""
    pictures = ("group_buying__images", "group_buying__product__images")
    return orders.for_wire().select_related("group_buying__product").prefetch_related(*pictures)


@dataclass(frozen=True)
class MoneyLine:
    """What is or isn't happening to some of the buyer's money, in yuan."""

    words: str | Promise
    amount: Decimal


def way_of(refund: Refund) -> str | Promise:
    """How far a refund has come, in the buyer's words."""
    if refund.is_stuck:
        return _("退款异常，门店正在处理")
    if refund.state == RefundState.SUCCESS:
        return _("已退款，由门店办理") if refund.settled_by_id else _("已退款，原路退回")
    return _("退款中，原路退回") if refund.is_under_way else ""


def lines_of(refunds: list[Refund]) -> list[MoneyLine]:
    """Each delivery that fell short by itself, all else in sums; what was given up isn't told."""
    lines: list[MoneyLine] = []
    sums: dict[str | Promise, Decimal] = defaultdict(lambda: ZERO)
    for refund in refunds:
        way = way_of(refund)
        if way and refund.missing_units:
            words = _("缺货 %(units)d 份，%(way)s") % {"units": refund.missing_units, "way": way}
            lines.append(MoneyLine(words, refund.amount))
        elif way:
            sums[way] += refund.amount
    return lines + [MoneyLine(way, amount) for way, amount in sums.items()]


@dataclass(frozen=True)
class Purchase:
    """Of a row that ``shown`` fetched. ``may_receive_early``: the shop lets buyers confirm a pick-up themselves."""

    order: Order
    now: datetime
    may_receive_early: bool = False

    @property
    def is_checking(self) -> bool:
        return self.stage == Stage.CHECKING

    @cached_property
    def stage(self) -> Stage:
        order = self.order
        if self.held and order.status not in BOUGHT:
            return Stage.HELD
        if self.is_money_moving_back:
            return Stage.REFUNDING
        if order.status in AWAITING_PAYMENT:
            return self.unpaid_stage
        if order.status == OrderStatus.SHIPPED:
            return Stage.SHIPPED if self.is_express else Stage.ARRIVED
        if order.status == OrderStatus.PAID and order.group_buying.min_qty and order.group_buying.outcome == Outcome.OPEN:
            return Stage.GATHERING
        return BY_STATUS[OrderStatus(order.status)]

    @property
    def unpaid_stage(self) -> Stage:
        if self.order.is_past_deadline(self.now):
            return Stage.OVERDUE
        if self.order.status == OrderStatus.PAY_FAILED:
            return Stage.PAY_FAILED
        return Stage.CHECKING if self.open_attempt else Stage.UNPAID

    @cached_property
    def payments(self) -> list[Payment]:
        return list(self.order.payments.all())

    @cached_property
    def refunds(self) -> list[Refund]:
        return [refund for payment in self.payments for refund in payment.refunds.all()]

    @property
    def open_attempt(self) -> Payment | None:
        """The attempt that the buyer was sent to the bank with, while nobody knows how it ended."""
        return next((payment for payment in self.payments if payment.state == PaymentState.OPEN and payment.prepay_id), None)

    @property
    def is_money_moving_back(self) -> bool:
        """The whole order's money, or what came in too late for it."""
        moving = any(refund.is_under_way or refund.is_stuck for refund in self.refunds)
        late = self.order.status in (OrderStatus.EXPIRED, OrderStatus.CLOSED) and moving
        return late or self.order.is_refunding()

    @property
    def sentence(self) -> str | Promise:
        if self.stage == Stage.REFUNDING and self.has_refund_trouble:
            return _("退款遇到了问题，门店正在处理，请放心")
        if self.stage == Stage.REFUNDED and any(refund.settled_by_id for refund in self.refunds):
            return _("款项已退回")
        if self.stage == Stage.REFUNDED and self.order.group_buying.outcome == Outcome.FAILED:
            return _("没有凑够份数，款项已原路退回")
        if self.stage == Stage.CLOSED and self.money_lines:
            return _("订单已经关闭，付过的款已退回")
        if self.stage in (Stage.PAID, Stage.CONFIRMED) and not self.is_express:
            return _("到货后凭取货码到店取货")
        return SENTENCES[self.stage]

    @property
    def tone(self) -> str:
        """A CSS class: what is good, what needs the buyer, what is neither."""
        if self.stage in TROUBLED:
            return "trouble"
        return "good" if self.stage in GOOD else "urgent" if self.stage in URGENT else "calm"

    @property
    def mark(self) -> str:
        """The icon that stands for the state."""
        return MARKS.get(self.stage, "check" if self.tone == "good" else "clock")

    @property
    def picture(self) -> str:
        return Offer(self.order.group_buying, self.now).picture

    @property
    def is_express(self) -> bool:
        return self.order.deliver_type == DeliverType.EXPRESS

    @property
    def dates(self) -> Dates:
        return dates_of_order(self.order)

    @property
    def has_refund_trouble(self) -> bool:
        return any(refund.is_stuck for refund in self.refunds)

    @property
    def held(self) -> Decimal:
        """Yuan that a person must look at."""
        return sum((payment.left_to_refund() for payment in self.payments if payment.use == PaymentUse.HELD), ZERO)

    @cached_property
    def money_lines(self) -> list[MoneyLine]:
        """Where the buyer's money is, as far as it isn't simply the shop's."""
        held = [MoneyLine(_("款项核对中，请联系门店"), self.held)] if self.held else []
        return held + lines_of(self.refunds)

    @property
    def deliver_code(self) -> str:
        """Shown from payment on, not while the money goes back."""
        shown = not self.is_express and self.order.status in TO_DELIVER and self.stage != Stage.REFUNDING
        return self.order.deliver_code if shown else ""

    @property
    def is_waiting_for_payment(self) -> bool:
        return self.stage in URGENT

    @property
    def must_start_over(self) -> bool:
        """The attempt failed or its prepay is too old: paying means a new attempt."""
        attempt = self.open_attempt
        stale = attempt is not None and attempt.prepaid_at is not None and self.now - attempt.prepaid_at >= PREPAY_LIFE
        return stale or self.order.status == OrderStatus.PAY_FAILED

    @property
    def can_close(self) -> bool:
        return self.order.status in AWAITING_PAYMENT and self.stage != Stage.HELD

    @property
    def can_receive(self) -> bool:
        early = self.may_receive_early and not self.is_express and self.order.status in TO_DELIVER
        return self.stage != Stage.REFUNDING and (early or self.order.status == OrderStatus.SHIPPED)

    @property
    def can_delete(self) -> bool:
        return self.order.status in ENDED and self.stage not in (Stage.REFUNDING, Stage.HELD)

    @property
    def is_bought(self) -> bool:
        return self.order.status in BOUGHT

    @property
    def polls(self) -> int:
        """Seconds until the page asks again by itself; 0: never."""
        return POLLS.get(self.stage, 0)

    @property
    def version(self) -> str:
        """Changes with everything that the page shows of the order."""
        money = "-".join(f"{refund.pk}{refund.state}{refund.is_stuck}" for refund in self.refunds)
        return f"{self.stage}-{self.order.status}-{self.held}-{money}-{self.must_start_over}-{self.dates.stamp}"


def words_of(event: OrderEvent, *, is_express: bool) -> str | Promise:
    """A line of the timeline as the buyer reads it; the reasons that staff write stay with staff."""
    if event.kind == EventKind.DATES:
        return event.reason
    if event.to_status == OrderStatus.SHIPPED:
        return _("商家已发货") if is_express else _("货已到店，可以提货")
    if event.to_status == OrderStatus.COMPLETED:
        return COMPLETED_BY.get(ActorKind(event.actor_kind), _("已完成"))
    if event.to_status == OrderStatus.REFUNDED and event.actor_kind == ActorKind.STAFF:
        return _("门店已办理退款")
    if event.to_status == OrderStatus.CLOSED:
        return _("您关闭了订单") if event.actor_kind == ActorKind.BUYER else _("商家关闭了订单")
    if event.to_status == OrderStatus.UNPAID:
        return _("提交订单") if event.from_status is None else _("重新支付")
    return EVENTS[OrderStatus(event.to_status)]


COMPLETED_BY: dict[ActorKind, str | Promise] = {
    ActorKind.BUYER: _("您确认了收货"),
    ActorKind.STAFF: _("门店已核销取货码"),
    ActorKind.SYSTEM: _("系统自动确认收货"),
}
EVENTS: dict[OrderStatus, str | Promise] = {
    OrderStatus.PAID: _("支付成功"),
    OrderStatus.PAY_FAILED: _("支付没有成功"),
    OrderStatus.CONFIRMED: _("商家已确认，开始备货"),
    OrderStatus.REFUNDED: _("退款已原路退回"),
    OrderStatus.EXPIRED: _("超时未支付，订单取消"),
}
