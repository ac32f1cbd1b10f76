"""Everything that can happen to orders, in any order: hypothesis drives the services against both banks and looks for a broken promise.

Each run takes the same 10,000 steps; ``make campaign`` takes 100,000 that nobody has taken before.
"""

import os
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from config import invariants, schedule
from groupbuy import orders, payments
from groupbuy.models import GroupBuying, IdempotencyKey, Order, Payment, PaymentState, PaymentUse, Refund
from groupbuy.models.orders import AWAITING_PAYMENT, BOUGHT, ENDED, LIVE
from groupbuy.orders import create, fulfilment, group_buyings, hand_over, overdue
from groupbuy.payments import refunds, verdict
from groupbuy.payments.gateways import PayParameters
from retail.money import ZERO
from retail.principals import Principal, principal_of
from retail.refusals import Forbidden, Invalid, NotThere, Refusal, Unavailable
from shops.models import ConfigItem, ConfigValue, Shop
from tests.support import factories
from tests.support.banks import FAULTS, SandboxBank, WeChatBank
from tests.support.date_steps import DateSteps
from tests.support.money_steps import RECEIVED, MoneySteps, left_of
from tests.support.wechat import assert_sound, fresh, house_merchant

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
CAMPAIGN = int(os.environ.get("ORDER_MACHINE_STEPS", 0))
STEPS_EACH = 150
LOOK_EVERY = 25
# What no step here can break is looked at in the end.
OF_ORDERS = {number: check for number, check in invariants.CHECKS.items() if number not in ("I8", "I9")}
JOBS = ["expire", "reconcile", "refunds", "decide", "carry_out", "complete", "remind"]
LIVE_MAX = 5
OFFERS_MAX = 6
PRICES = [Decimal("0.01"), Decimal("9.90"), Decimal("99999.99")]
# Mostly short, or every order would have expired before anything happened to it.
MINUTES = [0.1, 0.1, 0.1, 1, 1, 1, 1, 6, 16, 70, 60 * 25, 60 * 24 * 8]
REFUSED = dict.fromkeys(BOUGHT, verdict.Paid) | {2: payments.OrderEnded, 6: payments.OrderEnded, 5: payments.WindowOver}
# What may come of paying when nothing that we know stands against it: the bank may know better, refuse, or be out of reach.
PAY_OUTCOMES = (PayParameters, payments.PayUnknown, payments.PayFailed, verdict.Paid, payments.OrderEnded, Unavailable)
GOODS_GO_FROM = {"confirm": (1,), "deliver": (1, 8), "verify": (1, 3, 4, 8), "receive": (3,)}
PICK_UP, EXPRESS = 1, 2


@dataclass
class World:
    """Two offers, a scarce one to pick up and one with a minimum that is sent; two buyers; the staff who may do everything."""

    shop: Shop
    buyers: list[Principal]
    manager: Principal
    headquarters: Principal
    now: datetime
    bank: Any = None
    steps: int = 0

    def offer(self, *, scarce: bool, now: datetime) -> None:
        pick_up = {"pick_up_from": now + timedelta(hours=26), "pick_up_until": now + timedelta(hours=30)}
        kind = (
            {"quota": 6, "per_buyer_limit": 5, "min_qty": self.steps % 3} | pick_up
            if scarce
            else {"quota": 9, "min_qty": 3, "deliver_type": 2}
        )
        factories.GroupBuyingFactory(tenant=self.shop.tenant, shop=self.shop, start_at=now, end_at=now + timedelta(days=1), **kind)


@pytest.fixture
def world(shop, manager, headquarters, now) -> World:
    buyers = factories.BuyerFactory.create_batch(2, tenant=shop.tenant)
    world = World(shop, list(map(principal_of, buyers)), principal_of(manager), principal_of(headquarters), now)
    for scarce in (True, False):
        world.offer(scarce=scarce, now=now)
    return world


class OrderMachine(MoneySteps, DateSteps, RuleBasedStateMachine):
    """Every rule takes its offer, order, payment or trade from the newest ones, by number."""

    numbers = st.integers(0, 4)
    two = st.integers(0, 1)

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.now = world, world.now
        self.bank, self.offers = world.bank(), 2
        self.statuses: list[int] = []
        self.buyers_may_receive = False
        self.undone = transaction.atomic()
        self.undone.__enter__()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.let_everything_come_to_rest()
        finally:
            transaction.set_rollback(True)
            self.undone.__exit__(None, None, None)

    def attempt(self, call: partial) -> Any:
        """What ``call`` returns, or its refusal. Nobody asks for what isn't theirs here."""
        try:
            return call(now=self.now)
        except Refusal as refusal:
            assert not isinstance(refusal, NotThere | Forbidden), refusal
            return refusal

    def newest(self, rows: Any, number: int) -> Any:
        newest = list(rows.order_by("-pk")[:5])
        return newest[number % len(newest)]

    def offered(self, number: int) -> GroupBuying:
        return self.newest(GroupBuying.objects, number)

    def order(self, number: int) -> Order:
        return self.newest(Order.objects, number)

    def buyer_of(self, order: Order) -> Principal:
        return next(buyer for buyer in self.world.buyers if buyer.user.pk == order.buyer_id)

    # --- the buyer ---

    @initialize()
    def begin(self):
        """Chance alone seldom gets as far as money."""
        for offer in (0, 1):
            self.create(offer, 0, 2, "")
        self.pay_properly(0)

    @precondition(lambda self: sum(status in LIVE for status in self.statuses) < LIVE_MAX)
    @rule(offer=two, buyer=two, qty=st.integers(1, 3), key=st.sampled_from(["", "", "a"]))
    def create(self, offer, buyer, qty, key):
        group_buying, principal = self.offered(offer), self.world.buyers[buyer]
        expected = self.why_not(group_buying, principal, qty)
        key = key and f"{key}{group_buying.pk}q{qty}"
        used = IdempotencyKey.objects.filter(user=principal.user, key=key).first()
        before = Order.objects.count()
        wish = orders.Wish(group_buying.pk, qty, address="田林路 1 号")
        result = self.attempt(partial(orders.create_order, principal=principal, buyer_id=None, wish=wish, idempotency_key=key))
        if used:
            assert (result, Order.objects.count()) == (used.order, before)
        else:
            assert (type(result), Order.objects.count() - before) == ((expected, 0) if expected else (Order, 1))

    def why_not(self, group_buying: GroupBuying, principal: Principal, qty: int) -> type[Refusal] | None:
        """The refusal that an order must meet, from the orders themselves."""
        if not (group_buying.in_use and not group_buying.outcome and group_buying.start_at <= self.now < group_buying.end_at):
            return orders.NotBuyable
        if units(group_buying.orders.filter(holds_stock=True)) + qty > group_buying.quota:
            return orders.SoldOut
        mine = group_buying.orders.filter(buyer=principal.user)
        limit = group_buying.per_buyer_limit
        beyond = limit and units(mine.exclude(status__in=(2, 5, 6))) + qty > limit
        return orders.NotBuyable if beyond or mine.filter(status__in=AWAITING_PAYMENT).count() >= create.UNPAID_LIMIT else None

    @rule(number=numbers, again=st.booleans())
    def start_to_pay(self, number, again):
        order = self.order(number)
        expected = self.why_not_payable(order, again=again)
        service = payments.restart_payment if again else payments.start_payment
        result = self.attempt(partial(service, order_id=order.pk, principal=self.buyer_of(order)))
        assert isinstance(result, expected or PAY_OUTCOMES), result

    def why_not_payable(self, order: Order, *, again: bool) -> type[Refusal] | None:
        if order.status in REFUSED:
            return REFUSED[order.status]
        if order.pay_deadline_at <= self.now:
            return payments.WindowOver
        if order.payments.filter(use=PaymentUse.HELD).exists():
            return payments.PayUnknown
        return payments.PayFailed if order.status == 7 and not again else None

    @rule(number=numbers)
    def pay_properly(self, number):
        """Without a detour."""
        order = self.order(number)
        self.start_to_pay(number, again=order.status == 7)
        payment = order.payments.open().exclude(prepay_id="").first()
        if payment is not None:
            self.bank.pay(payment.out_trade_no)
            self.bank.tell(-1, now=self.now)

    @rule(number=numbers, by_staff=st.booleans())
    def close(self, number, by_staff):
        order = self.order(number)
        principal = self.world.manager if by_staff else self.buyer_of(order)
        before, result = order.status, self.attempt(partial(orders.close_order, order_id=order.pk, principal=principal))
        if isinstance(result, Order):
            assert fresh(order).status == (before if before in (5, 6) else 6)
        else:
            assert before not in (5, 6)
            assert fresh(order).status != 6

    @rule(number=numbers, what=st.sampled_from(["check", "hide"]))
    def look(self, number, what):
        order = self.order(number)
        service = payments.check_payment if what == "check" else orders.hide_order
        result = self.attempt(partial(service, order_id=order.pk, principal=self.buyer_of(order)))
        assert isinstance(result, Refusal) == (what == "hide" and (order.status not in ENDED or bool(order.live_code)))

    # --- the bank ---

    @precondition(lambda self: self.bank.numbers())
    @rule(number=numbers, short=st.sampled_from([False, False, False, True]))
    def pay_at_the_bank(self, number, short):
        known = self.bank.numbers()
        self.bank.pay(known[-1 - number % len(known)], short=short)

    @precondition(lambda self: self.bank.numbers())
    @rule(number=numbers)
    def fail_at_the_bank(self, number):
        known = self.bank.numbers()
        self.bank.fail(known[-1 - number % len(known)])

    @precondition(lambda self: self.bank.numbers())
    @rule(number=numbers, times=st.sampled_from([1, 1, 2]))
    def hear_from_the_bank(self, number, times):
        for _ in range(times):
            self.bank.tell(-1 - number, now=self.now)

    # --- staff ---

    @precondition(lambda self: set(self.statuses) & RECEIVED)
    @rule(number=numbers, what=st.sampled_from(sorted(GOODS_GO_FROM)))
    def let_goods_go(self, number, what):
        order = self.newest(Order.objects.filter(status__in=RECEIVED), number)
        may = order.status in GOODS_GO_FROM[what] and self.goods_may_go(order)
        one, manager = {"order_ids": [order.pk], "principal": self.world.manager}, self.world.manager
        calls = {
            "confirm": partial(fulfilment.confirm_orders, **one),
            "deliver": partial(fulfilment.deliver_orders, **one, carrier="顺丰", tracking_number="SF1"),
            "verify": partial(hand_over.verify_code, shop_id=order.shop_id, code=order.deliver_code, principal=manager),
            "receive": partial(fulfilment.receive_order, order_id=order.pk, principal=self.buyer_of(order)),
        }
        before, result = (order.status, order.handed_over_at), self.attempt(calls[what])
        if what == "verify":
            may = may and bool(order.deliver_code) and not order.handed_over_at and not isinstance(result, hand_over.Paused)
        if what == "receive":
            may = may and (order.deliver_type == EXPRESS or self.buyers_may_receive)
        fresh(order)
        assert ((order.status, order.handed_over_at) != before) == may, result
        assert (order.handed_over_at != before[1]) == (what == "verify" and may)

    def goods_may_go(self, order: Order) -> bool:
        group_buying = order.group_buying
        decided = not group_buying.min_qty or group_buying.declared_at or group_buying.outcome
        return bool(decided) and group_buying.outcome in ("", "succeeded") and not (order.status in BOUGHT and left_of(order) <= 0)

    @precondition(lambda self: 3 in self.statuses)
    @rule(number=numbers, called=st.integers(0, 2))
    def end_overdue(self, number, called):
        order = self.newest(Order.objects.filter(status=3), number)
        manager = self.world.manager
        for _ in range(called):
            self.attempt(partial(overdue.record_reminder, order_id=order.pk, note="打过电话", principal=manager))
        order = fresh(order)
        late = order.deliver_type == PICK_UP and order.pick_up_window.end <= self.now
        may = late and self.calls(order) >= 2 and self.goods_may_go(order)
        result = self.attempt(partial(overdue.complete_overdue, order_id=order.pk, ending="spoiled", note="", principal=manager))
        assert (fresh(order).status == 4) == may, result

    def calls(self, order: Order) -> int:
        """Days since its dates were last set; nobody here gets messages."""
        told = list(order.events.order_by("-pk"))
        since = next((number for number, event in enumerate(told) if event.kind == "dates"), len(told))
        calls = [event for event in told[:since] if (event.kind, event.actor_kind) == ("reminded", "staff")]
        return len({timezone.localdate(call.created_at) for call in calls})

    @rule(may=st.booleans())
    def let_buyers_receive(self, may):
        item, shop = ConfigItem.objects.get(code="buyer_receives_pick_up"), self.world.shop
        ConfigValue.objects.update_or_create(item=item, tenant=shop.tenant, shop=shop, defaults={"value": str(may).lower()})
        self.buyers_may_receive = may

    @precondition(lambda self: set(self.statuses) & RECEIVED)
    @rule(number=numbers, share=st.sampled_from(["all", "all", "0.01", "half", "too much"]))
    def refund(self, number, share):
        order = self.newest(Order.objects.filter(status__in=RECEIVED), number)
        left = left_of(order)
        amount = {"all": None, "0.01": Decimal("0.01"), "half": order.money / 2, "too much": left + Decimal("0.01")}[share]
        call = partial(refunds.refund_order, order_id=order.pk, amount=amount, reason="坏了", principal=self.world.headquarters)
        result = self.attempt(call)
        fits = order.status in BOUGHT and 0 < (left if amount is None else amount) <= left
        assert isinstance(result, Refund) == fits, result

    @precondition(lambda self: set(self.statuses) & RECEIVED)
    @rule(number=numbers)
    def recheck(self, number):
        payment = self.newest(Payment.objects, number)
        call = partial(payments.recheck, payment_id=payment.pk, principal=self.world.manager)
        assert isinstance(self.attempt(call), Payment | Invalid | Unavailable)

    @rule(offer=two, what=st.sampled_from(["on", "on", "off", "price", "close early", "declare", "cancel"]), price=st.sampled_from(PRICES))
    def edit(self, offer, what, price):
        group_buying = self.offered(offer)
        if what == "price":
            group_buying.price = price
            group_buying.save(update_fields=["price"])
            return
        calls = {
            "on": partial(group_buyings.switch, in_use=True),
            "off": partial(group_buyings.switch, in_use=False),
            "close early": group_buyings.close_early,
            "declare": group_buyings.declare_reached,
            "cancel": partial(group_buyings.cancel, reason="缺货"),
        }
        self.attempt(partial(calls[what], group_buying_id=group_buying.pk, principal=self.world.manager))

    @rule(offer=two, quota=st.integers(0, 12))
    def change_stock(self, offer, quota):
        call = partial(group_buyings.change_quota, group_buying_id=self.offered(offer).pk, quota=quota, principal=self.world.manager)
        assert isinstance(self.attempt(call), GroupBuying | Invalid)

    @precondition(lambda self: self.offers < OFFERS_MAX)
    @rule(scarce=st.booleans())
    def offer_anew(self, scarce):
        self.offers += 1
        self.world.offer(scarce=scarce, now=self.now)

    # --- time ---

    @rule(minutes=st.sampled_from(MINUTES))
    def wait(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule(names=st.sampled_from([JOBS, *([name] for name in JOBS)]))
    def work(self, names):
        for name in names:
            schedule.JOBS[name][0](now=self.now)

    @invariant()
    def no_promise_is_broken(self):
        self.world.steps += 1
        self.statuses = list(Order.objects.values_list("status", flat=True))
        if self.world.steps % LOOK_EVERY == 0:
            assert {number: found for number, check in OF_ORDERS.items() if (found := list(check()))} == {}

    def let_everything_come_to_rest(self) -> None:
        """Time passes, nothing is broken any more, every message arrives: now our books must be the bank's."""
        self.bank.mend()
        for hours in (25, 2, 2):
            self.rest(hours)
        # Parts of one payment go back one after the other.
        for _ in range(2 * Refund.objects.under_way().count()):
            self.rest(2)
        assert_sound()
        assert set(self.bank.numbers()) <= set(Payment.objects.values_list("out_trade_no", flat=True))
        for payment in Payment.objects.prefetch_related("refunds"):
            self.compare(payment)
        for order in Order.objects.select_related("group_buying"):
            assert order.status in BOUGHT or order.status in ENDED
            kept = order.handed_over_at and order.group_buying.outcome == "failed"
            assert kept or not (order.group_buying.outcome in group_buyings.UNSUCCESSFUL and order.status in BOUGHT)

    def rest(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.bank.finish_refunds("SUCCESS")
        self.bank.tell_everything(now=self.now)
        self.send_closed_ones_again()
        self.work(JOBS)

    def compare(self, payment: Payment) -> None:
        known = payment.out_trade_no in self.bank.numbers()
        received, back = self.bank.balance(payment.out_trade_no) if known else (ZERO, ZERO)
        assert {refund.state for refund in payment.refunds.all()} <= {"success"}
        booked = sum((refund.amount for refund in payment.refunds.all() if not refund.settled_by_id), ZERO)
        by_hand = sum((refund.amount for refund in payment.refunds.all() if refund.settled_by_id), ZERO)
        assert (payment.received or ZERO) == received, payment
        # What was paid back by hand may have gone back at the bank all the same: a person's mistake.
        assert booked <= back <= booked + by_hand, payment
        assert payment.state != PaymentState.OPEN
        assert payment.use != PaymentUse.SURPLUS or received == booked + by_hand


def units(found: Any) -> int:
    return found.aggregate(sum=Sum("qty"))["sum"] or 0


class WeChatMachine(OrderMachine):
    @rule(kind=st.sampled_from([*FAULTS, "refused", "none"]), path=st.sampled_from(["jsapi", "out-trade-no", "/close", "refund"]))
    def break_the_next_call(self, kind, path):
        """At most one at a time, or nothing would ever work."""
        self.bank.mend()
        if kind == "refused":
            self.bank.refuse_next_prepay()
        elif kind != "none":
            self.bank.break_next(kind, path)

    @precondition(lambda self: self.bank.refunds())
    @rule(status=st.sampled_from(["SUCCESS", "CLOSED", "ABNORMAL"]))
    def finish_refunds(self, status):
        self.bank.finish_refunds(status)


def drive(machine: type[OrderMachine], world: World, *, share: float) -> None:
    steps = int((CAMPAIGN or 10_000) * share)
    profile = settings(
        # Some runs are shorter than others.
        max_examples=steps // STEPS_EACH * 5 // 4 + 4,
        stateful_step_count=STEPS_EACH,
        derandomize=not CAMPAIGN,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(lambda: machine(world), settings=profile)
    assert world.steps >= steps


def test_whatever_happens_at_the_sandbox(world):
    world.bank = SandboxBank
    drive(OrderMachine, world, share=0.3)


def test_whatever_happens_at_wechat(fake_wechat, world):
    world.shop.tenant.app_id = None
    world.shop.tenant.save()
    for buyer in world.buyers:
        factories.IdentityFactory(user=buyer.user, app_id=house_merchant(fake_wechat).app_id)
    world.bank = partial(WeChatBank, fake_wechat)
    drive(WeChatMachine, world, share=0.7)
