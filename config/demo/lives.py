"""What becomes of an order of the demo: every life goes by the machine's own moves, and ends where ``now`` cuts it off."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from config.demo.offers import Kind, Offer
from config.demo.people import Staff
from config.demo.rhythm import next_time
from groupbuy import moves
from groupbuy.models import ActorKind, DeliverType, GroupBuying, OrderStatus, Outcome, PaymentUse
from groupbuy.moves import GATEWAY, SYSTEM, Actor
from retail.models import User
from retail.money import CENT

S = OrderStatus
AUTO_COMPLETE = timedelta(days=7)
# How long the bank takes for a refund.
AT_BANK = timedelta(seconds=3)
CARRIERS = (("顺丰速运", "SF"), ("中通快递", "ZT"), ("圆通速递", "YT"))
SPOILT = ("坏果赔付", "个别压伤，按比例退款", "少发一个，补差价")
REGRETTED = ("顾客不想要了", "拍错规格，顾客申请退款", "顾客临时出差，无法取货")
SHORT = ("到货不足，整单退款", "品质不达标，整单退款")


@dataclass(frozen=True)
class Step:
    before: OrderStatus | None
    after: OrderStatus
    actor: Actor
    moment: datetime
    reason: str = ""


@dataclass
class Attempt:
    """One attempt to pay: paid, lost at the bank, still ``open``, or none of them: closed by us."""

    created_at: datetime
    paid_at: datetime | None = None
    use: PaymentUse = PaymentUse.NONE
    lost_at: datetime | None = None
    open: bool = False


@dataclass(frozen=True)
class Return:
    """Money that went back to the buyer."""

    amount: Decimal
    reason: str
    moment: datetime
    by_staff: bool = True


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
        return next((step.moment for step in reversed(self.steps) if step.after == status), None)


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
        paid_at = self.after(life, 0.004, 0.06)
        if not self.move(life, S.PAID, paid_at, GATEWAY):
            return
        life.attempts.append(Attempt(paid_at - timedelta(seconds=self.random.randint(2, 10)), paid_at, PaymentUse.APPLIED))
        if self.chance(0.025) and self.send_back(life, self.after(life, 1, 9), REGRETTED):
            return
        self.fulfil(life)

    def after(self, life: Life, low: float, high: float) -> datetime:
        return life.steps[-1].moment + self.some(low, high)

    def send_back(self, life: Life, moment: datetime, reasons: tuple[str, ...]) -> bool:
        """Refund everything that is left; the bank answers a few seconds later."""
        left = life.money - sum((one.amount for one in life.returns), Decimal(0))
        if not self.move(life, S.REFUNDED, moment + AT_BANK, GATEWAY):
            return False
        life.returns.append(Return(left, self.random.choice(reasons), moment))
        return True

    def fulfil(self, life: Life) -> None:
        """Confirmed in the morning or by the group's success, delivered, handed over."""
        if not self.confirm(life):
            return
        if life.offer.kind == Kind.SWITCHED_OFF and self.chance(0.12) and self.send_back(life, self.after(life, 2, 9), SHORT):
            return
        if self.send(life) if life.offer.deliver_type == DeliverType.EXPRESS else self.hand_over(life):
            self.complain(life)

    def confirm(self, life: Life) -> bool:
        if not life.offer.min_qty:
            return self.move(life, S.CONFIRMED, next_time(life.steps[-1].moment, 9, 10), self.keeper(life))
        decided_at = life.group_buying.decided_at
        if decided_at is None or life.group_buying.outcome != Outcome.SUCCEEDED:
            return False
        return self.move(life, S.CONFIRMED, decided_at + timedelta(seconds=5), SYSTEM, "已成团")

    def keeper(self, life: Life) -> Actor:
        """Who runs the shop: its manager, or headquarters where the demo has none."""
        return Actor(ActorKind.STAFF, life.group_buying.creator)

    def send(self, life: Life) -> bool:
        """By express, on the day of the confirmation. True when the parcel was received."""
        if not self.move(life, S.SHIPPED, next_time(life.steps[-1].moment, 17, 30), self.keeper(life)):
            return False
        life.carrier, prefix = self.random.choice(CARRIERS)
        life.tracking_number = f"{prefix}{self.random.randrange(10**12, 10**13)}"
        if self.chance(0.6):
            return self.move(life, S.COMPLETED, self.after(life, 30, 110), moves.buyer_actor(life.buyer))
        return self.complete_by_itself(life)

    def hand_over(self, life: Life) -> bool:
        """In the shop from the next afternoon on. True when the goods were picked up."""
        if not self.move(life, S.SHIPPED, next_time(life.steps[-1].moment + timedelta(hours=12), 15, 40), self.keeper(life)):
            return False
        if self.chance(0.04):
            return self.complete_by_itself(life)
        days = self.random.choices((0, 1, 2, 3, 4), (52, 27, 12, 6, 3))[0]
        picked_up = life.steps[-1].moment + timedelta(days=days) + self.some(0.2, 5.2)
        clerk = self.staff.clerk if life.group_buying.creator == self.staff.manager else life.group_buying.creator
        return self.move(life, S.COMPLETED, picked_up, Actor(ActorKind.STAFF, clerk))

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
        life.returns.append(Return(life.money, "订单已失效或已支付，自动退款", paid_at + timedelta(seconds=2), by_staff=False))
        self.move(life, S.REFUNDED, paid_at + timedelta(seconds=5), GATEWAY)
