"""One parcel of goods and several hands: clerks, a refund, the buyer, the decision, all at the same moment."""

from datetime import timedelta
from functools import partial

import pytest

from groupbuy.models import EventKind, GroupBuying, Order, OrderEvent, OrderStatus, Refund
from groupbuy.orders import fulfilment, group_buyings, hand_over, overdue
from groupbuy.payments import refunds
from retail.principals import principal_of
from retail.refusals import Refusal
from shops.models import ConfigItem, ConfigValue
from tests.support.pages import ordered, pay
from tests.support.races import at_once
from tests.support.wechat import assert_sound, fresh

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4


@pytest.fixture
def people(clerk, manager, headquarters):
    return [principal_of(user) for user in (clerk, manager, headquarters)]


@pytest.fixture
def sold(buyer, group_buying, now):
    return [pay(ordered(buyer, group_buying, now=now), now=now) for _ in range(ROUNDS)]


def tried(call):
    try:
        return call()
    except Refusal as refusal:
        return refusal


def verify(order, principal, now):
    return partial(hand_over.verify_code, shop_id=order.shop_id, code=order.deliver_code, principal=principal, now=now)


def handed_over(results):
    return [result for result in results if isinstance(result, Order) and result.handed_over_at]


def test_of_many_clerks_one_hands_over(sold, people, now):
    for order in sold:
        results = at_once(tried, [verify(order, principal, now) for principal in people for _ in range(2)])
        assert len(handed_over(results)) == 1
        assert {type(result) for result in results} == {Order, hand_over.HandedOver}
    assert OrderEvent.objects.filter(kind=EventKind.HANDED_OVER).count() == ROUNDS
    assert_sound()


def test_goods_or_money_but_not_both(sold, people, now):
    for order in sold:
        back = partial(refunds.refund_order, order_id=order.pk, amount=None, reason="不要了", principal=people[2], now=now)
        goods, money = at_once(tried, [verify(order, people[0], now), back])
        # Afterwards headquarters may still refund what was handed over: only the other order of things must not be.
        assert isinstance(money, Refund)
        assert isinstance(goods, Order | refunds.Refunding)
    refunds.send_due(now=now)
    assert_sound()


def test_a_receipt_and_a_hand_over_meet_and_the_code_counts_once(sold, people, buyer, shop, now):
    item = ConfigItem.objects.get(code="buyer_receives_pick_up")
    ConfigValue.objects.create(item=item, tenant=shop.tenant, shop=shop, value="true")
    fulfilment.deliver_orders(order_ids=[order.pk for order in sold], principal=people[1], now=now)
    for order in sold:
        receive = partial(fulfilment.receive_order, order_id=order.pk, principal=principal_of(buyer), now=now)
        at_once(tried, [verify(order, people[0], now), receive])
        tried(verify(order, people[0], now))
        assert fresh(order).handed_over_at == now
        assert order.events.filter(to_status=OrderStatus.COMPLETED, kind=EventKind.MOVE).count() == 1
        assert order.events.filter(kind=EventKind.HANDED_OVER).count() == 1
    assert_sound()


def test_late_goods_are_fetched_or_written_off(sold, people, now):
    GroupBuying.objects.update(pick_up_from=now - timedelta(days=3), pick_up_until=now - timedelta(days=2))
    fulfilment.deliver_orders(order_ids=[order.pk for order in sold], principal=people[1], now=now)
    for order in sold:
        for day in (0, 1):
            overdue.record_reminder(order_id=order.pk, note="", principal=people[1], now=now - timedelta(minutes=1 + 60 * 24 * day))
        end = {"order_id": order.pk, "ending": overdue.Ending.SPOILED, "note": "", "principal": people[1], "now": now}
        at_once(tried, [verify(order, people[0], now), partial(overdue.complete_overdue, **end)])
        assert fresh(order).status == OrderStatus.COMPLETED
        assert order.events.filter(to_status=OrderStatus.COMPLETED, kind=EventKind.MOVE).count() == 1
    assert_sound()


def test_declared_or_decided_and_goods_go_only_where_no_money_comes_back(sold, people, group_buying, now):
    later = now + timedelta(minutes=1)
    GroupBuying.objects.update(min_qty=50, end_at=later)
    declare = partial(group_buyings.declare_reached, group_buying_id=group_buying.pk, principal=people[1], now=later)
    decide = partial(group_buyings.decide, group_buying.pk, now=later)
    at_once(tried, [declare, decide, *(verify(order, people[0], later) for order in sold)])
    group_buyings.carry_out_due(now=later)
    outcome, went = fresh(group_buying).outcome, Order.objects.filter(handed_over_at__isnull=False)
    if outcome == "failed":
        assert group_buying.declared_at is None
        assert not went.exists()
    else:
        assert group_buying.declared_at == later
        assert not Refund.objects.exists()
    assert_sound()


def test_of_many_reminders_at_once_one_goes_out(sold, people, now):
    """After the last day also the next one would be due."""
    GroupBuying.objects.update(pick_up_from=now - timedelta(days=6), pick_up_until=now - timedelta(days=5))
    fulfilment.deliver_orders(order_ids=[order.pk for order in sold], principal=people[1], now=now - timedelta(days=5))
    for order in sold:
        at_once(tried, [partial(overdue.remind, order.pk, now=now)] * 4)
        assert fresh(order).reminders == order.events.filter(kind=EventKind.REMINDED).count() == 1
