"""Two workers who read the same row, and steps between which an order ends: one acts, and the other finds it done."""

import threading
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest

from groupbuy import moves, orders, payments
from groupbuy.models import GroupBuying, Order, OrderStatus, Payment, PaymentState, Refund
from groupbuy.orders import expiry, group_buyings
from groupbuy.payments import attempts, reconciling, refunds
from retail.refusals import Invalid, Refusal
from tests.support.pages import pay as pay_in_sandbox
from tests.support.races import at_once
from tests.support.wechat import calls, fresh, notify, packed, pay

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


# --- two workers ---


def test_of_two_workers_one_asks_about_a_payment(fake_wechat, prepaid, now):
    seen = [Payment.objects.select_related("order__tenant").get() for _ in range(2)]
    before = calls(fake_wechat)
    assert [reconciling.reconcile(payment, now=now + MINUTE) for payment in seen] == [True, False]
    assert calls(fake_wechat) == before + 1


def test_what_is_settled_since_it_was_read_is_not_asked_about(fake_wechat, prepaid, now):
    seen = Payment.objects.select_related("order__tenant").get()
    notify(*packed(fake_wechat, pay(fake_wechat, prepaid.pre_pay_id)))
    Payment.objects.update(next_check_at=seen.next_check_at)
    assert not reconciling.reconcile(seen, now=now + MINUTE)


def test_of_two_workers_one_expires_an_order(fake_wechat, prepaid, wechat_order, now):
    Order.objects.update(pay_deadline_at=now)
    seen = [Order.objects.select_related("tenant").get() for _ in range(2)]
    before = calls(fake_wechat)
    assert [expiry.expire(row, now=now + MINUTE) for row in seen] == [True, False]
    # A question, and the close.
    assert (calls(fake_wechat), fresh(wechat_order).status) == (before + 2, OrderStatus.EXPIRED)


def test_of_two_workers_one_sends_a_refund(fake_wechat, prepaid, wechat_order, boss, now):
    notify(*packed(fake_wechat, pay(fake_wechat, prepaid.pre_pay_id)))
    refunds.refund_order(order_id=wechat_order.pk, amount=None, reason="坏了", principal=boss, now=now)
    seen = [Refund.objects.select_related("payment__order__tenant").get() for _ in range(2)]
    before = calls(fake_wechat)
    assert [refunds.send(refund, now=now) for refund in seen] == [True, False]
    assert calls(fake_wechat) == before + 1


def test_of_many_polls_within_three_seconds_one_asks_wechat(fake_wechat, prepaid, wechat_order, wechat_caller, now):
    asked = []
    for seconds in (0, 1, 2.9, 3, 5.9):
        before = calls(fake_wechat)
        payments.check_payment(order_id=wechat_order.pk, principal=wechat_caller, now=now + timedelta(seconds=seconds))
        asked.append(calls(fake_wechat) - before)
    assert asked == [1, 0, 0, 1, 0]


# --- an order that ends between two steps ---


@pytest.mark.parametrize("begin", [payments.start_payment, payments.restart_payment])
def test_no_attempt_is_opened_on_an_order_that_expired_after_it_was_found(order, caller, between, now, begin):
    def expire():
        Order.objects.update(pay_deadline_at=now)
        assert expiry.expire_due(now=now) == 1

    between(attempts, "open_attempt", expire)
    with pytest.raises(payments.WindowOver):
        begin(order_id=order.pk, principal=caller, now=now - MINUTE)
    assert not Payment.objects.exists()


def test_no_attempt_is_opened_while_an_order_is_being_closed(order, caller, between, now):
    """It is looked for just before the order is moved, and nobody may make one after that."""

    def press(_):
        with suppress(Refusal):
            payments.start_payment(order_id=order.pk, principal=caller, now=now)

    presses = threading.Thread(target=at_once, args=(press, [1]))

    def start():
        presses.start()
        presses.join(0.5)

    between(moves, "move", start)
    orders.close_order(order_id=order.pk, principal=caller, now=now)
    presses.join()
    assert (fresh(order).status, Payment.objects.filter(state=PaymentState.OPEN).count()) == (OrderStatus.CLOSED, 0)


# --- limits ---


def test_a_payment_goes_back_in_fifty_parts_at_most(order, boss, now):
    pay_in_sandbox(order, now=now)

    def part():
        return refunds.refund_order(order_id=order.pk, amount=Decimal("0.01"), reason="", principal=boss, now=now)

    for _ in range(50):
        part()
    with pytest.raises(Refusal, match="50"):
        part()
    assert Refund.objects.count() == 50


@pytest.mark.parametrize(("quota", "is_enough"), [(4, False), (5, True), (6, True)])
def test_a_group_buy_offers_what_makes_a_group_and_what_is_taken(order, group_buying, boss, now, quota, is_enough):
    for fields in ({"min_qty": 5, "taken": 0}, {"min_qty": 0, "taken": 5}):
        GroupBuying.objects.update(quota=100, **fields)
        if is_enough:
            group_buyings.change_quota(group_buying_id=group_buying.pk, quota=quota, principal=boss, now=now)
        else:
            with pytest.raises(Invalid):
                group_buyings.change_quota(group_buying_id=group_buying.pk, quota=quota, principal=boss, now=now)
        assert fresh(group_buying).quota == (quota if is_enough else 100)
