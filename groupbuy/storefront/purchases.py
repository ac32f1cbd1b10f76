"""An order as its buyer sees it: in words, with the money that came back, and with what may be done next."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from django.db.models import TextChoices
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from groupbuy.models import (
    ActorKind,
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
    Stage,
)
from groupbuy.models.orders import AWAITING_PAYMENT, BOUGHT, ENDED, TO_DELIVER
from groupbuy.models.stages import DONE, stage_of
from groupbuy.orders.pick_up_dates import Dates, dates_of_order
from groupbuy.payments.attempts import PREPAY_LIFE
from groupbuy.storefront.offers import Offer
from retail.money import ZERO

THANKS = _("感谢惠顾，吃好再来")
SENTENCES: dict[Stage, str | Promise] = {
    Stage.UNPAID: _("请尽快支付，超时会自动取消"),
    Stage.TOO_LATE: _("已超过支付时间，订单即将取消；如果已付款，会自动确认或原路退回"),
    Stage.HELD: _("正在核实这笔款项，请联系门店"),
    Stage.PAY_FAILED: _("这笔支付没有完成，可以重新支付"),
    Stage.GATHERING: _("凑够份数就成团，没成团会全额原路退回"),
    Stage.PAID: _("商家已收到您的订单"),
    Stage.CONFIRMED: _("商家正在为您准备"),
    Stage.ARRIVED: _("货已到店，请来取货"),
    Stage.OVERDUE: _("取货时间已过，货还在店里，请尽快来取或联系门店"),
    Stage.SHIPPED: _("包裹在路上了，请留意签收"),
    Stage.COLLECTED: THANKS,
    Stage.UNVERIFIED: _("取货时间已过，门店已按逾期未取处理；有疑问请联系门店"),
    Stage.DELIVERED: THANKS,
    Stage.REFUNDING: _("款项正在原路退回，到账时间以银行为准"),
    Stage.REFUNDED: _("款项已原路退回"),
    Stage.EXPIRED: _("没有在时间内支付，库存已经放回"),
    Stage.CLOSED: _("订单已经取消，没有扣款"),
}
# Buyers don't verify codes.
LABELS = {Stage.UNVERIFIED: _("已完成")}
URGENT = (Stage.UNPAID, Stage.PAY_FAILED)
TROUBLED = (Stage.TOO_LATE, Stage.HELD, Stage.PAY_FAILED, Stage.OVERDUE)
UNDER_WAY = (Stage.GATHERING, Stage.PAID, Stage.CONFIRMED, Stage.ARRIVED, Stage.OVERDUE, Stage.SHIPPED)
TO_COME = (*URGENT, *(stage for stage in UNDER_WAY if stage != Stage.SHIPPED))
GOOD = (*UNDER_WAY, *DONE)
# Seconds between two looks at the server, while something may still happen without the buyer.
CHECKING_POLLS, POLLS = 3, 20
MOVES_BY_ITSELF = (Stage.TOO_LATE, Stage.HELD, Stage.REFUNDING, *UNDER_WAY)

MARKS = {
    Stage.HELD: "alert",
    Stage.PAY_FAILED: "alert",
    Stage.GATHERING: "people",
    Stage.CONFIRMED: "box",
    Stage.ARRIVED: "bag",
    Stage.OVERDUE: "bag",
    Stage.SHIPPED: "truck",
    Stage.REFUNDING: "refund",
    Stage.REFUNDED: "refund",
    Stage.CLOSED: "close",
}


def label_of(stage: Stage) -> str | Promise:
    return LABELS.get(stage, stage.label)


class Tab(TextChoices):
    """The parts of a buyer's list."""

    ALL = "", _("全部")
    TO_PAY = "to-pay", _("待付款")
    TO_GET = "to-get", _("进行中")
    DONE = "done", _("已完成")
    OVER = "over", _("退款/取消")


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
    """Of a row that ``shown`` fetched; what says more of it reads its events: prefetch them too.

    ``may_receive``: the shop lets buyers confirm a pick-up themselves; ``days``: after which a parcel counts as received, 0 unknown.
    """

    order: Order
    now: datetime
    may_receive: bool = False
    days: int = 0

    @cached_property
    def stage(self) -> Stage:
        return stage_of(self.order, self.now)

    @property
    def label(self) -> str | Promise:
        return label_of(self.stage)

    @property
    def is_checking(self) -> bool:
        """The buyer was at the bank, and nobody knows yet how it ended."""
        return self.stage == Stage.UNPAID and self.open_attempt is not None

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
    def sentence(self) -> str | Promise:
        if self.is_checking:
            return _("付过了？正在向银行确认，请稍候")
        return self.of_money or self.of_goods or SENTENCES[self.stage]

    @property
    def of_money(self) -> str | Promise:
        """What went another way than usual with the money."""
        if self.stage == Stage.REFUNDING and self.has_refund_trouble:
            return _("退款遇到了问题，门店正在处理，请放心")
        if self.stage == Stage.REFUNDED and any(refund.settled_by_id for refund in self.refunds):
            return _("款项已退回")
        if self.stage == Stage.REFUNDED and self.order.group_buying.outcome == Outcome.FAILED:
            return _("没有凑够份数，款项已原路退回")
        if self.stage == Stage.CLOSED and self.money_lines:
            return _("订单已经取消，付过的款已退回")
        return ""

    @property
    def of_goods(self) -> str | Promise:
        """What the buyer has to know of the goods by now."""
        window, shipped_at = self.order.pick_up_window, self.order.shipped_at
        if self.stage in (Stage.PAID, Stage.CONFIRMED) and not self.order.is_express:
            return _("到货后凭取货码到店取货")
        if self.stage == Stage.ARRIVED and window and self.now < window.start:
            return _("货已到店，到了取货时间就能来取")
        if self.stage == Stage.SHIPPED and self.days and shipped_at:
            day = timezone.localtime(shipped_at + timedelta(days=self.days))
            return _("包裹在路上了，请留意签收；%(month)d月%(day)d日自动确认") % {"month": day.month, "day": day.day}
        if self.stage == Stage.UNVERIFIED and self.is_confirmed_by_buyer:
            return _("您已确认取货；货还没拿到的话，取货码仍然有效")
        return ""

    @property
    def is_confirmed_by_buyer(self) -> bool:
        return any(event.to_status == OrderStatus.COMPLETED and event.actor_kind == ActorKind.BUYER for event in self.order.events.all())

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
    def dates(self) -> Dates:
        return dates_of_order(self.order)

    @property
    def is_to_come(self) -> bool:
        """The goods haven't been fetched or sent off yet, and nobody has called the order off."""
        return self.stage in TO_COME or bool(self.deliver_code)

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
        held = [MoneyLine(_("款项核实中，请联系门店"), self.held)] if self.held else []
        return held + lines_of(self.refunds)

    @property
    def deliver_code(self) -> str:
        """Shown from payment until the goods are handed over, not while the money goes back."""
        return self.order.live_code

    @property
    def timeline(self) -> list[OrderEvent]:
        """Newest first. Handing over says what the move that came with it would only repeat."""
        events = list(self.order.events.all())
        handed_over = {event.created_at for event in events if event.kind == EventKind.HANDED_OVER}
        completed = (EventKind.MOVE, OrderStatus.COMPLETED)
        return [event for event in events if (event.kind, event.to_status) != completed or event.created_at not in handed_over]

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
        is_receipt = self.order.is_express or self.may_receive
        return is_receipt and self.order.status == OrderStatus.SHIPPED and self.stage != Stage.REFUNDING

    @property
    def can_delete(self) -> bool:
        return self.order.status in ENDED and not self.deliver_code and self.stage not in (Stage.REFUNDING, Stage.HELD)

    @property
    def is_bought(self) -> bool:
        return self.order.status in BOUGHT

    @property
    def polls(self) -> int:
        """Seconds until the page asks again by itself; 0: never."""
        if self.is_checking:
            return CHECKING_POLLS
        return POLLS if self.stage in MOVES_BY_ITSELF else 0

    @property
    def version(self) -> str:
        """Changes with everything that the page shows of the order."""
        money = "-".join(f"{refund.pk}{refund.state}{refund.is_stuck}" for refund in self.refunds)
        shown = f"{self.stage}-{self.is_checking}-{self.order.status}-{self.held}-{money}"
        return f"{shown}-{self.must_start_over}-{self.dates.stamp}-{self.order.tracking_number}"


def words_of(event: OrderEvent, *, is_express: bool) -> str | Promise:
    """A line of the timeline as the buyer reads it; the reasons that staff write stay with staff."""
    if event.kind == EventKind.DATES:
        return event.reason
    if event.kind != EventKind.MOVE:
        return FACTS[EventKind(event.kind)]
    if event.to_status == OrderStatus.SHIPPED:
        return _("商家已发货") if is_express else _("货已到店，可以取货")
    if event.to_status == OrderStatus.COMPLETED:
        return completed_by(ActorKind(event.actor_kind), is_express=is_express)
    if event.to_status == OrderStatus.REFUNDED and event.actor_kind == ActorKind.STAFF:
        return _("门店已办理退款")
    if event.to_status == OrderStatus.CLOSED:
        return _("您取消了订单") if event.actor_kind == ActorKind.BUYER else _("商家取消了订单")
    if event.to_status == OrderStatus.UNPAID:
        return _("提交订单") if event.from_status is None else _("重新支付")
    return EVENTS[OrderStatus(event.to_status)]


def completed_by(kind: ActorKind, *, is_express: bool) -> str | Promise:
    if kind == ActorKind.BUYER:
        return _("您已确认签收") if is_express else _("您已确认取货")
    return _("到期自动完成") if kind == ActorKind.SYSTEM else _("订单已完成")


FACTS: dict[EventKind, str | Promise] = {
    EventKind.HANDED_OVER: _("已凭取货码取货"),
    EventKind.DATES: _("取货时间有调整"),
    EventKind.REMINDED: _("门店提醒您来取货"),
    EventKind.PARCEL: _("快递单号有更正"),
}
EVENTS: dict[OrderStatus, str | Promise] = {
    OrderStatus.PAID: _("支付成功"),
    OrderStatus.PAY_FAILED: _("支付没有成功"),
    OrderStatus.CONFIRMED: _("商家开始备货"),
    OrderStatus.REFUNDED: _("退款已原路退回"),
    OrderStatus.EXPIRED: _("超时未付款，订单已取消"),
}
