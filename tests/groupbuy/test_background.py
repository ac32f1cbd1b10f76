"""Background jobs: rows that can't move, fail or take long don't keep the others waiting."""

from datetime import timedelta

import pytest

from groupbuy import payments
from groupbuy.models import DeliverType, GroupBuying, Order, OrderStatus, Outcome, Payment, Refund
from groupbuy.orders import expiry, fulfilment, group_buyings
from groupbuy.payments import reconciling, refunds
from retail import jobs
from retail.principals import principal_of
from tests.support import factories
from tests.support.pages import ordered, pay

pytestmark = pytest.mark.django_db
LATER = timedelta(seconds=61)


@pytest.fixture
def paid_orders(group_buying, now) -> list[Order]:
    buyers = factories.BuyerFactory.create_batch(3, tenant=group_buying.tenant)
    return [pay(ordered(buyer, group_buying, now=now), now=now) for buyer in buyers]


def refund_whole(rows, headquarters, now):
    for order in rows:
        refunds.refund_order(order_id=order.pk, amount=None, reason="", principal=principal_of(headquarters), now=now)


def statuses(rows):
    return [Order.objects.get(pk=row.pk).status for row in rows]


def test_orders_under_refund_do_not_keep_others_from_being_confirmed(paid_orders, headquarters, now):
    refund_whole(paid_orders[:2], headquarters, now)
    GroupBuying.objects.update(outcome=Outcome.SUCCEEDED)
    for _ in range(2):
        group_buyings.carry_out_due(now=now, limit=2)
    assert statuses(paid_orders) == [OrderStatus.PAID, OrderStatus.PAID, OrderStatus.CONFIRMED]


def test_orders_whose_refund_is_asked_for_do_not_keep_others_from_theirs(paid_orders, headquarters, now):
    refund_whole(paid_orders[:2], headquarters, now)
    GroupBuying.objects.update(outcome=Outcome.FAILED)
    for _ in range(2):
        group_buyings.carry_out_due(now=now, limit=2)
    assert Refund.objects.filter(intent=f"group-{paid_orders[2].pk}").exists()


def test_orders_under_refund_do_not_keep_others_from_being_completed(paid_orders, headquarters, now):
    Order.objects.update(deliver_type=DeliverType.EXPRESS)
    parcel = {"carrier": "顺丰", "tracking_number": "SF1", "now": now - timedelta(days=11)}
    fulfilment.deliver_orders(order_ids=[order.pk for order in paid_orders], principal=principal_of(headquarters), **parcel)
    refund_whole(paid_orders[:2], headquarters, now)
    for _ in range(2):
        fulfilment.complete_due(now=now, limit=2)
    assert statuses(paid_orders) == [OrderStatus.SHIPPED, OrderStatus.SHIPPED, OrderStatus.COMPLETED]


def test_an_order_that_was_put_off_comes_again(paid_orders, headquarters, now):
    refund_whole(paid_orders[:1], headquarters, now)
    GroupBuying.objects.update(outcome=Outcome.SUCCEEDED)
    group_buyings.carry_out_due(now=now)
    Refund.objects.update(state="rejected")
    assert group_buyings.carry_out_due(now=now) == 0
    assert group_buyings.carry_out_due(now=now + LATER) == 1


def test_orders_that_can_not_be_closed_do_not_keep_others_from_expiring(group_buying, now):
    """However long the gateway of the first is away: who was put off stands behind who wasn't."""
    rows = [ordered(buyer, group_buying, now=now) for buyer in factories.BuyerFactory.create_batch(3, tenant=group_buying.tenant)]
    Order.objects.update(pay_deadline_at=now)
    for order in rows[:2]:
        payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now - timedelta(seconds=1))
    Payment.objects.update(gateway="wechat", parameters={"mch_id": "gone"})
    for run in range(2):
        expiry.expire_due(now=now + run * LATER, limit=2)
    assert statuses(rows) == [OrderStatus.UNPAID, OrderStatus.UNPAID, OrderStatus.EXPIRED]


@pytest.mark.parametrize("job", [reconciling.reconcile_due, refunds.send_due])
def test_a_row_that_fails_does_not_stop_the_others(paid_orders, headquarters, now, job, caplog):
    refund_whole(paid_orders, headquarters, now)
    open_ones = [ordered(order.buyer, order.group_buying, now=now) for order in paid_orders]
    for order in open_ones:
        payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now)
    # No object: reading the merchant number of it raises what nobody expects.
    Payment.objects.filter(order__in=[paid_orders[0], open_ones[0]]).update(gateway="wechat", parameters=[])
    assert job(now=now + LATER) == 2
    assert "AttributeError" in caplog.text


def test_a_slow_row_leaves_the_rest_to_the_next_run(monkeypatch):
    monkeypatch.setattr(jobs, "SECONDS", 0)
    seen: list[int] = []
    assert jobs.each([1, 2, 3], lambda row: not seen.append(row)) == 0
    monkeypatch.setattr(jobs, "SECONDS", 5)
    assert jobs.each([1, 2, 3], lambda row: not seen.append(row)) == 3


def test_a_row_that_fails_is_put_off_like_one_that_can_not_move():
    put_off: list[int] = []
    assert jobs.each([0, 1, 2], lambda row: 2 % row == 0, put_off=put_off.append) == 2
    assert put_off == [0]
