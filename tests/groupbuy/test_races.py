"""What happens when many people press at once: on real connections, on both databases."""

import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db import OperationalError

from config import invariants
from groupbuy import moves, orders, payments
from groupbuy.models import GroupBuying, Order, Payment, Refund
from groupbuy.orders import create, expiry
from groupbuy.payments import refunds, settling
from groupbuy.payments.gateways import sandbox
from retail.principals import principal_of
from retail.refusals import Refusal
from retail.rights import Role
from tests.support import factories
from tests.support.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def callers(group_buying):
    return [principal_of(buyer) for buyer in factories.BuyerFactory.create_batch(20, tenant=group_buying.tenant)]


def outcome(action):
    """``ok`` or the name of the refusal; SQLite's bounded wait for its one writer (a 503) is tried again, as a client does."""
    while True:
        try:
            action()
        except Refusal as refusal:
            return type(refusal).__name__
        except OperationalError:
            time.sleep(0.01)
        else:
            return "ok"


def order_at_once(group_buying, callers, attempts, now):
    def attempt(number):
        caller = callers[number % len(callers)]
        wish = orders.Wish(group_buying.pk, 1, phone="13800008000")
        return outcome(lambda: orders.create_order(principal=caller, buyer_id=None, wish=wish, now=now))

    return Counter(at_once(attempt, range(attempts)))


def clean():
    assert list(invariants.findings()) == []


def test_not_one_more_and_not_one_less_is_sold(group_buying, callers, now, monkeypatch):
    monkeypatch.setattr(create, "UNPAID_LIMIT", 10**6)
    GroupBuying.objects.update(quota=50)
    assert order_at_once(group_buying, callers, 200, now) == {"ok": 50, "SoldOut": 150}
    assert Order.objects.count() == 50
    clean()


def test_the_race_is_real_a_count_read_beforehand_oversells(group_buying, callers, now):
    """The control: without the conditional update the same threads sell more than there is."""
    GroupBuying.objects.update(quota=5)

    def naive(number):
        if Order.objects.filter(group_buying=group_buying).count() >= 5:
            return "sold out"
        time.sleep(0.05)
        return outcome(lambda: sell_unguarded(group_buying, callers[number].user, number, now))

    sold = Counter(at_once(naive, range(16)))["ok"]
    assert sold > 5


def sell_unguarded(group_buying, buyer, number, now):
    Order.objects.create(
        tenant=group_buying.tenant,
        shop=group_buying.shop,
        group_buying=group_buying,
        buyer=buyer,
        code=f"naive{number}",
        sequence=number + 1,
        buyer_sequence=number + 1,
        deliver_type=1,
        product_name="苹果",
        price=1,
        qty=1,
        money=1,
        pay_deadline_at=now + timedelta(minutes=15),
    )


def test_the_limit_per_buyer_holds_when_one_buyer_presses_many_times(group_buying, callers, now, monkeypatch):
    monkeypatch.setattr(create, "UNPAID_LIMIT", 10**6)
    GroupBuying.objects.update(per_buyer_limit=3)
    assert order_at_once(group_buying, callers[:1], 20, now) == {"ok": 3, "NotBuyable": 17}
    clean()


def test_one_idempotency_key_a_hundred_times_at_once_is_one_order(group_buying, callers, now):
    def attempt(_):
        wish = orders.Wish(group_buying.pk, 1, phone="13800008000")
        return outcome(lambda: orders.create_order(principal=callers[0], buyer_id=None, wish=wish, now=now, idempotency_key="once"))

    assert Counter(at_once(attempt, range(100))) == {"ok": 100}
    assert Order.objects.count() == 1
    clean()


@pytest.fixture
def order(group_buying, callers, now):
    return orders.create_order(principal=callers[0], buyer_id=None, wish=orders.Wish(group_buying.pk, 2), now=now)


def test_paying_closing_and_expiring_at_once_leaves_one_truth(order, callers, group_buying, now):
    parameters = payments.start_payment(order_id=order.pk, principal=callers[0], now=now)
    Order.objects.update(pay_deadline_at=now)
    actions = [
        lambda: settling.settle(sandbox.pay(parameters.pre_pay_id, now=now), source="test", now=now),
        lambda: orders.close_order(order_id=order.pk, principal=callers[0], now=now),
        lambda: expiry.expire_due(now=now),
    ] * 4
    at_once(lambda action: outcome(action), actions, threads=12)
    for _ in range(2):
        refunds.send_due(now=now + timedelta(minutes=5))
    clean()
    order.refresh_from_db()
    assert order.status in (1, 2, 5, 6)
    assert (order.status in (5, 6)) == (not Payment.objects.filter(state="paid").exists())


def test_starting_a_payment_many_times_at_once_opens_one_attempt(order, callers, now):
    at_once(lambda _: outcome(lambda: payments.start_payment(order_id=order.pk, principal=callers[0], now=now)), range(12))
    assert Payment.objects.filter(state="open").count() == 1


def test_whole_refunds_by_many_hands_at_once_are_one(order, callers, shop, now):
    parameters = payments.start_payment(order_id=order.pk, principal=callers[0], now=now)
    settling.settle(sandbox.pay(parameters.pre_pay_id, now=now), source="test", now=now)
    headquarters = principal_of(factories.StaffFactory(tenant=shop.tenant, role=Role.HEADQUARTERS))

    def refund(_):
        return outcome(lambda: refunds.refund_order(order_id=order.pk, amount=None, reason="", principal=headquarters, now=now))

    assert Counter(at_once(refund, range(8)))["ok"] == 1
    assert Refund.objects.count() == 1
    at_once(lambda _: refunds.send_due(now=now), range(4))
    clean()


def test_of_many_movers_one_moves(order, now):
    seen = [Order.objects.get(pk=order.pk) for _ in range(8)]
    results = at_once(lambda row: outcome(lambda: moves.move(row, 6, actor=moves.SYSTEM, now=now)), seen)
    assert Counter(results) == {"ok": 1, "SomebodyWasFirst": 7}
    clean()
