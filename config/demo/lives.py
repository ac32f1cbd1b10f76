"""What becomes of an order of the demo: every life goes by the machine's own moves, and ends where ``now`` cuts it off."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from random import Random

from django.utils import timezone

from config.demo.offers import Kind, Offer
from config.demo.people import Staff
from config.demo.rhythm import at, next_time
from groupbuy import moves
from groupbuy.models import ActorKind, DeliverType, EventKind, GroupBuying, OrderStatus, Outcome, PaymentUse, PickUpWindow
from groupbuy.moves import GATEWAY, SYSTEM, Actor
from groupbuy.orders import overdue
from retail.models import User
from retail.money import CENT

S = OrderStatus
AUTO_COMPLETE = timedelta(days=10)
# What is to be bought is known when the last order is paid; the goods come before the first customers do.
PREPARED_AFTER, ARRIVES_BEFORE = timedelta(minutes=20), timedelta(minutes=20)
SENT_AT = (17, 30)
# How long the bank takes for a refund.
AT_BANK = timedelta(seconds=3)
CARRIERS = (("顺丰速运", "SF"), ("中通快递", "ZT"), ("圆通速递", "YT"))
SPOILT = ("坏果赔付", "个别压伤，按比例退款", "少发一个，补差价")
REGRETTED = ("顾客不想要了", "拍错规格，顾客申请退款", "顾客临时出差，无法取货")
SHORT = ("到货不足，整单退款", "品质不达标，整单退款")


@dataclass(frozen=True)
class Step:
    """A row of the timeline; of what is no move, both statuses are the order's."""

    before: OrderStatus | None
    after: OrderStatus
    actor: Actor
    moment: datetime
    reason: str = ""
    kind: EventKind = EventKind.MOVE


@dataclass
class Attempt:
    """One attempt to pay: paid, lost at the bank, still ``open``, or none of them: closed by us."""

    created_at: datetime
    paid_at: datetime | None = None
    use: PaymentUse = PaymentUse.NONE
    lost_at: datetime | None = None
    open: bool = False


class Cause(StrEnum):
    """Who wanted a refund: the beginning of its intent."""

    STAFF = "staff"
    SURPLUS = "surplus"
    GROUP = "group"


@dataclass(frozen=True)
class Return:
    """Money that went back to the buyer."""

    amount: Decimal
    reason: str
    moment: datetime
    cause: Cause = Cause.STAFF


@dataclass
class Life:
    """An order before it is a row."""

    offer: Offer
    group_buying: GroupBuying
    buyer: User
    qty: int
    created_at: datetime
    pay_deadline_at: datetime
    steps: list[Step] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    holds_stock: bool = True
    carrier: str = ""
    tracking_number: str = ""
    own_window: PickUpWindow | None = None

    @property
    def status(self) -> OrderStatus:
        return self.steps[-1].after

    @property
    def money(self) -> Decimal:
        return self.group_buying.price * self.qty

    @property
    def paid_at(self) -> datetime | None:
        return next((attempt.paid_at for attempt in self.attempts if attempt.paid_at), None)

    def time_of(self, status: OrderStatus) -> datetime | None:
        """When the order came into ``status`` last."""
        return next((step.moment for step in reversed(self.steps) if step.kind == EventKind.MOVE and step.after == status), None)

    def notes(self, kind: EventKind) -> list[Step]:
        return [step for step in self.steps if step.kind == kind]

    @property
    def hand_over(self) -> Step | None:
        return next(iter(self.notes(EventKind.HANDED_OVER)), None)

    @property
    def window(self) -> PickUpWindow:
        """Of a pick-up. Raises ValueError of a parcel."""
        window = self.own_window or self.group_buying.pick_up_window
        if window is None:
            raise ValueError(self.offer.name)
        return window


@dataclass(frozen=True)
class Fate:
    """Leads lives through the machine, as far as they get until ``now``."""

    staff: Staff
    now: datetime
    random: Random

    def move(self, life: Life, to: OrderStatus, moment: datetime, actor: Actor, reason: str = "") -> bool:
        """False: that is still to come."""
        if moment > self.now:
            return False
        step = (life.status, to)
        if step not in moves.MOVES:
            raise moves.IllegalMove
        if step in moves.GIVES_BACK:
            life.holds_stock = False
        life.steps.append(Step(life.status, to, actor, moment, reason))
        return True

    def note(self, life: Life, kind: EventKind, moment: datetime, actor: Actor, reason: str = "") -> None:
        life.steps.append(Step(life.status, life.status, actor, moment, reason, kind))

    def some(self, low: float, high: float) -> timedelta:
        """A time between ``low`` and ``high`` hours, in whole seconds."""
        return timedelta(seconds=round(self.random.uniform(low, high) * 3600))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def begin(self, life: Life) -> None:
        life.steps.append(Step(None, S.UNPAID, moves.buyer_actor(life.buyer), life.created_at))

    def lead(self, life: Life) -> None:
        """From the order to wherever it is by now."""
        self.begin(life)
        luck = self.random.random()
        if luck < 0.07:
            self.expire(life)
        elif luck < 0.11:
            self.close(life)
        else:
            self.pay(life, again=luck > 0.98)

    def expire(self, life: Life) -> None:
        tried = self.chance(0.4)
        expired = self.move(life, S.EXPIRED, life.pay_deadline_at + self.some(0, 0.001), SYSTEM)
        if tried:
            life.attempts.append(Attempt(life.created_at + self.some(0.002, 0.01), open=not expired))

    def close(self, life: Life) -> None:
        self.move(life, S.CLOSED, life.created_at + self.some(0.02, 0.2), moves.buyer_actor(life.buyer))

    def fail(self, life: Life) -> bool:
        moment = life.created_at + self.some(0.004, 0.02)
        if not self.move(life, S.PAY_FAILED, moment, GATEWAY):
            return False
        life.attempts.append(Attempt(moment - timedelta(seconds=8), lost_at=moment))
        return True

    def pay(self, life: Life, *, again: bool) -> None:
        if again and not (self.fail(life) and self.move(life, S.UNPAID, self.after(life, 0.005, 0.05), moves.buyer_actor(life.buyer))):
            return
        if not self.settle(life):
            return
        regretted_at = self.after(life, 0.2, 3)
        if self.chance(0.025) and regretted_at < life.group_buying.end_at and self.send_back(life, regretted_at, REGRETTED):
            return
        self.fulfil(life)

    def settle(self, life: Life) -> bool:
        paid_at = self.after(life, 0.004, 0.06)
        if not self.move(life, S.PAID, paid_at, GATEWAY):
            return False
        life.attempts.append(Attempt(paid_at - timedelta(seconds=self.random.randint(2, 10)), paid_at, PaymentUse.APPLIED))
        return True

    def after(self, life: Life, low: float, high: float) -> datetime:
        return life.steps[-1].moment + self.some(low, high)

    def send_back(self, life: Life, moment: datetime, reasons: tuple[str, ...], cause: Cause = Cause.STAFF) -> bool:
        """Refund everything that is left; the bank answers a few seconds later."""
        left = life.money - sum((one.amount for one in life.returns), Decimal(0))
        if not self.move(life, S.REFUNDED, moment + AT_BANK, GATEWAY):
            return False
        life.returns.append(Return(left, self.random.choice(reasons), moment, cause))
        return True

    def fulfil(self, life: Life) -> None:
        """Prepared after the cut-off or by the group's success, then collected or sent."""
        if not self.confirm(life):
            return
        if life.offer.kind == Kind.SWITCHED_OFF and self.chance(0.12) and self.send_back(life, self.after(life, 2, 9), SHORT):
            return
        if self.send(life) if life.offer.deliver_type == DeliverType.EXPRESS else self.arrive(life) and self.fetch(life):
            self.complain(life)

    def confirm(self, life: Life) -> bool:
        """False also of a group that is undecided, or failed: then the money goes back."""
        group_buying = life.group_buying
        if not life.offer.min_qty:
            switched_off = life.offer.kind == Kind.SWITCHED_OFF
            prepared_at = next_time(life.steps[-1].moment, 9, 10) if switched_off else group_buying.end_at + PREPARED_AFTER
            return self.move(life, S.CONFIRMED, prepared_at, self.keeper(life))
        reached_at = group_buying.declared_at or group_buying.decided_at
        if reached_at is None:
            return False
        moment = max(reached_at, life.steps[-1].moment) + timedelta(seconds=5)
        if group_buying.outcome == Outcome.FAILED:
            self.send_back(life, moment, ("未成团，自动退款",), Cause.GROUP)
            return False
        return self.move(life, S.CONFIRMED, moment, SYSTEM, "已成团")

    def keeper(self, life: Life) -> Actor:
        """Who runs the shop: its manager, or headquarters where the demo has none."""
        return Actor(ActorKind.STAFF, life.group_buying.creator)

    def counter(self, life: Life) -> Actor:
        """Who hands over in the shop."""
        runs_it = life.group_buying.creator
        return Actor(ActorKind.STAFF, self.staff.clerk if runs_it == self.staff.manager else runs_it)

    def send(self, life: Life) -> bool:
        """By express. True when the parcel was received."""
        if not self.send_off(life):
            return False
        return self.receive_parcel(life) if self.chance(0.6) else self.complete_by_itself(life)

    def receive_parcel(self, life: Life) -> bool:
        return self.move(life, S.COMPLETED, self.after(life, 30, 110), moves.buyer_actor(life.buyer))

    def send_off(self, life: Life) -> bool:
        ships_on = life.group_buying.ships_on
        if ships_on is None or not self.move(life, S.SHIPPED, at(ships_on, *SENT_AT), self.keeper(life)):
            return False
        life.carrier, prefix = self.random.choice(CARRIERS)
        life.tracking_number = f"{prefix}{self.random.randrange(10**12, 10**13)}"
        return True

    def arrive(self, life: Life) -> bool:
        return self.move(life, S.SHIPPED, life.window.start - ARRIVES_BEFORE, self.keeper(life))

    def fetch(self, life: Life) -> bool:
        """True when the goods are in hand: on the first evening, the next day, or late. Where buyers may, some confirm that themselves."""
        start, end = life.window
        first_day, next_day = start + self.some(0.1, 4), at(timezone.localdate(end), 9) + self.some(0, 11)
        comes_at = self.random.choices((first_day, next_day, next_day + timedelta(days=1)), (62, 34, 4))[0]
        if life.offer.shop == "SH03" and self.chance(0.2):
            return self.receive(life, comes_at) and self.chance(0.8) and self.record(life, self.after(life, 0.02, 0.1))
        return self.collect(life, comes_at)

    def collect(self, life: Life, moment: datetime) -> bool:
        self.remind(life, until=moment)
        return self.move(life, S.COMPLETED, moment, self.counter(life)) and self.record(life, moment)

    def record(self, life: Life, moment: datetime) -> bool:
        """The hand-over, as a fact of its own."""
        if moment > self.now:
            return False
        self.note(life, EventKind.HANDED_OVER, moment, self.counter(life))
        return True

    def receive(self, life: Life, moment: datetime) -> bool:
        self.remind(life, until=moment)
        return self.move(life, S.COMPLETED, moment, moves.buyer_actor(life.buyer))

    def remind(self, life: Life, *, until: datetime) -> None:
        """On the days on which the worker reminds whoever has not come by the morning."""
        for days in overdue.DAYS_AFTER:
            moment = at(timezone.localdate(life.window.end) + timedelta(days=days), overdue.WAKING[0].hour)
            if life.steps[-1].moment < moment < until and moment <= self.now:
                self.note(life, EventKind.REMINDED, moment, SYSTEM)

    def complete_by_itself(self, life: Life) -> bool:
        return self.move(life, S.COMPLETED, life.steps[-1].moment + AUTO_COMPLETE, SYSTEM)

    def complain(self, life: Life) -> None:
        moment = self.after(life, 1, 20)
        if self.chance(0.008):
            self.send_back(life, moment, SHORT)
        elif self.chance(0.03) and moment + AT_BANK <= self.now:
            share = self.random.choice((Decimal("0.1"), Decimal("0.2"), Decimal("0.3")))
            life.returns.append(Return((life.money * share).quantize(CENT), self.random.choice(SPOILT), moment))

    def wait(self, life: Life, *, failed: bool) -> None:
        """An order that a visitor of the demo finds unpaid, or failed, and may still pay for a day."""
        self.begin(life)
        life.pay_deadline_at = self.now + timedelta(days=1)
        if failed:
            self.fail(life)
        elif self.chance(0.4):
            life.attempts.append(Attempt(max(life.created_at, self.now - timedelta(minutes=9)), open=True))

    def pay_late(self, life: Life) -> None:
        """Money that came after the order had expired and its stock was gone: it goes back by itself."""
        self.begin(life)
        self.move(life, S.EXPIRED, life.pay_deadline_at + timedelta(seconds=2), SYSTEM)
        paid_at = life.pay_deadline_at + timedelta(seconds=20)
        life.attempts.append(Attempt(life.pay_deadline_at - timedelta(seconds=40), paid_at, PaymentUse.SURPLUS))
        life.returns.append(Return(life.money, "订单已失效或已支付，自动退款", paid_at + timedelta(seconds=2), Cause.SURPLUS))
        self.move(life, S.REFUNDED, paid_at + timedelta(seconds=5), GATEWAY)
