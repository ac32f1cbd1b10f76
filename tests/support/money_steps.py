"""Steps of the order machine in which staff decide about money: short deliveries, and what waits for a person."""

from decimal import Decimal
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from groupbuy.models import Order, Payment, PaymentUse, Refund
from groupbuy.models.orders import BOUGHT
from groupbuy.payments import by_hand, short_delivery
from retail.money import ZERO
from retail.refusals import Refusal
from tests.support.wechat import fresh

# Orders that money was taken for, whatever became of it.
RECEIVED = {*BOUGHT, 2}
WAYS = ["ask_again", "send_again", "record_returned"]
MAY_SEND = ("rejected", "closed")


def left_of(order: Order) -> Decimal:
    """What no refund has claimed of the money for an order."""
    claimed = Refund.objects.filter(payment__order=order, payment__use=PaymentUse.APPLIED).exclude(state="rejected")
    return order.money - sum(claimed.values_list("amount", flat=True), ZERO)


class MoneySteps:
    """For a machine with ``attempt``, ``world`` and ``statuses``."""

    attempt: Any
    world: Any
    statuses: list[int]
    rows = st.integers(0, 4)

    @precondition(lambda self: set(self.statuses) & RECEIVED)
    @rule(number=rows, units=st.integers(1, 3))
    def come_short(self, number, units):
        """Of an order, or of it and the one before: both or none."""
        orders = list(short_delivery.with_money(Order.objects.filter(status__in=RECEIVED)).order_by("-pk")[number : number + 2])
        fits = bool(orders) and all(units <= still_to_come(order) and left_of(order) > 0 for order in orders)
        expected = [(order.pk, back_for(order, units)) for order in reversed(orders)]
        missing, before = dict.fromkeys([order.pk for order in orders], units), Refund.objects.count()
        call = partial(short_delivery.refund_missing, missing=missing, reason="", intent=f"n{before}")
        result = self.attempt(partial(call, principal=self.world.headquarters))
        if fits:
            assert [(refund.payment.order_id, refund.amount) for refund in result] == expected
        else:
            assert isinstance(result, Refusal), result
            assert Refund.objects.count() == before

    @precondition(lambda self: Payment.objects.held().exists())
    @rule(number=rows, is_by_hand=st.booleans())
    def decide_about_held_money(self, number, is_by_hand):
        known = list(Payment.objects.held().order_by("-pk"))
        payment = known[number % len(known)]
        call = partial(by_hand.refund_held, payment_id=payment.pk)
        if is_by_hand:
            how = {"amount": None, "note": "已退", "intent": payment.out_trade_no}
            call = partial(by_hand.record_held_returned, payment_id=payment.pk, **how)
        result = self.attempt(partial(call, principal=self.world.headquarters))
        assert (result.amount, fresh(payment).use) == (payment.received, PaymentUse.SURPLUS)

    @precondition(lambda self: Refund.objects.stuck().exists())
    @rule(number=rows, what=st.sampled_from(WAYS))
    def get_a_refund_on(self, number, what):
        known = list(Refund.objects.stuck().order_by("-pk"))
        refund = known[number % len(known)]
        note = {"note": "已退"} if what == "record_returned" else {}
        result = self.attempt(partial(getattr(by_hand, what), refund_id=refund.pk, principal=self.world.headquarters, **note))
        before, after = refund.state, fresh(refund)
        if what == "record_returned":
            assert (after.state, after.settled_by) == ("success", self.world.headquarters.user)
        elif what == "send_again":
            assert isinstance(result, Refund) == (before in MAY_SEND)
            assert after.is_stuck == (before not in MAY_SEND)

    def send_closed_ones_again(self) -> None:
        for refund in Refund.objects.stuck().filter(state="closed"):
            self.attempt(partial(by_hand.send_again, refund_id=refund.pk, principal=self.world.headquarters))


def still_to_come(order: Order) -> int:
    """Units, from the rows themselves."""
    here = order.status in ((1, 8) if order.deliver_type == 2 else BOUGHT) and order.handed_over_at is None
    claimed = Refund.objects.filter(payment__order=order).exclude(state="rejected")
    return order.qty - sum(claimed.values_list("missing_units", flat=True)) if here else 0


def back_for(order: Order, units: int) -> Decimal:
    left = left_of(order)
    return left if units == still_to_come(order) else min(left, order.price * units)
