"""Goods that nobody fetched: reminded of, never ended by themselves, handed over late."""

from datetime import datetime, timedelta

import pytest

from groupbuy.models import DeliverType, EventKind, GroupBuying, OrderStatus
from groupbuy.orders import fulfilment, group_buyings, hand_over, overdue
from groupbuy.payments import refunds
from retail.dates import CHINA
from retail.principals import principal_of
from retail.refusals import Forbidden, Refusal
from tests.support.pages import ordered, pay
from tests.support.wechat import assert_sound, fresh

pytestmark = pytest.mark.django_db
# The last day is the 3rd, until 20:00.
FROM, UNTIL = datetime(2026, 12, 2, 16, tzinfo=CHINA), datetime(2026, 12, 3, 20, tzinfo=CHINA)


def at(day, hour, minute=0):
    return datetime(2026, 12, day, hour, minute, tzinfo=CHINA)


@pytest.fixture
def boss(manager):
    return principal_of(manager)


@pytest.fixture
def arrived(buyer, group_buying, boss, now):
    GroupBuying.objects.update(pick_up_from=FROM, pick_up_until=UNTIL)
    order = pay(ordered(buyer, group_buying, now=now, qty=2), now=now)
    fulfilment.deliver_orders(order_ids=[order.pk], principal=boss, now=now)
    return fresh(order)


def reminders(order):
    return order.events.filter(kind=EventKind.REMINDED)


def test_a_buyer_is_reminded_on_the_last_day_the_day_after_and_two_days_later(arrived):
    told = []
    for day in range(1, 12):
        for hour in (0, 8, 9, 12, 20, 21, 23):
            if overdue.remind_due(now=at(day, hour)):
                told.append((day, hour))
    assert told == [(3, 9), (4, 9), (6, 9)]
    assert (reminders(arrived).count(), fresh(arrived).reminders) == (3, 3)


@pytest.mark.parametrize("arrived_at", [at(3, 10), at(3, 17)])
def test_what_came_or_opened_just_now_is_not_reminded_of_at_once(arrived, arrived_at):
    """A window of one day, from 16 to 20 o'clock."""
    type(arrived).objects.update(pick_up_from=at(3, 16), pick_up_until=UNTIL, shipped_at=arrived_at)
    told = [hour for hour in range(9, 21) for minute in (0, 1) if overdue.remind_due(now=at(3, hour, minute))]
    assert told == [max(18, arrived_at.astimezone(CHINA).hour + 2)]


def test_a_window_until_midnight_ends_on_the_day_before(arrived):
    type(arrived).objects.update(pick_up_from=at(2, 16), pick_up_until=at(3, 0))
    assert [day for day in (1, 2, 3) if overdue.remind_due(now=at(day, 19))][0] == 2


def test_whoever_was_forgotten_is_reminded_once_a_day(arrived):
    told = [day for day in range(10, 15) for minute in (0, 1, 2) if overdue.remind_due(now=at(day, 9, minute))]
    assert told == [10, 11, 12]


def test_who_has_the_goods_or_gets_the_money_back_is_not_reminded(arrived, headquarters, boss):
    refunds.refund_order(order_id=arrived.pk, amount=None, reason="", principal=principal_of(headquarters), now=at(3, 9))
    assert overdue.remind_due(now=at(3, 9)) == 0
    assert not reminders(arrived).exists()


def test_no_pick_up_is_ever_completed_by_itself(arrived):
    assert fulfilment.complete_due(now=at(3, 9) + timedelta(days=400)) == 0
    assert fresh(arrived).status == OrderStatus.SHIPPED


def test_goods_are_handed_over_a_day_late(arrived, boss):
    order = hand_over.verify_code(shop_id=arrived.shop_id, code=arrived.deliver_code, principal=boss, now=at(4, 12))
    assert (order.status, order.handed_over_at, order.handed_over_by) == (OrderStatus.COMPLETED, at(4, 12), boss.user)
    assert list(order.events.order_by("pk").values_list("kind", flat=True))[-2:] == [EventKind.MOVE, EventKind.HANDED_OVER]
    assert_sound()


def test_nothing_is_ended_before_its_time_or_unreminded(arrived, boss, clerk):
    end = {"order_id": arrived.pk, "ending": overdue.Ending.SPOILED, "note": "", "principal": boss}
    with pytest.raises(overdue.NotOverdue):
        overdue.complete_overdue(**end, now=at(3, 19, 59))
    # What nobody heard is no reminder.
    overdue.remind_due(now=at(3, 9))
    called = {"order_id": arrived.pk, "note": "打过电话，明天来", "principal": principal_of(clerk), "now": at(3, 20)}
    for count, now in enumerate([at(3, 20), at(4, 9)]):
        with pytest.raises(Refusal, match=f"现在是 {count} 天"):
            overdue.complete_overdue(**end, now=now)
        # Twice on one day is once.
        for _ in range(2):
            overdue.record_reminder(**called | {"now": now})
    with pytest.raises(Forbidden):
        overdue.complete_overdue(**end | {"principal": principal_of(clerk)}, now=at(4, 10))
    order = overdue.complete_overdue(**end, now=at(4, 10))
    assert (order.status, order.handed_over_at) == (OrderStatus.COMPLETED, None)
    assert order.events.order_by("pk").last().reason == "已变质处理"
    assert_sound()


def test_what_was_ended_can_still_be_fetched_while_it_is_there(arrived, boss):
    for day in (4, 5):
        overdue.record_reminder(order_id=arrived.pk, note="", principal=boss, now=at(day, 9))
    overdue.complete_overdue(order_id=arrived.pk, ending=overdue.Ending.ABANDONED, note="", principal=boss, now=at(5, 10))
    order = hand_over.find_by_code(shop_id=arrived.shop_id, code=arrived.deliver_code, principal=boss, now=at(5, 11))
    assert hand_over.completion_of(order).reason == "顾客放弃"
    assert hand_over.hand_over(order_id=order.pk, principal=boss, now=at(5, 11)).handed_over_at == at(5, 11)
    assert_sound()


def test_a_parcel_is_nobodys_to_fetch(arrived, boss):
    type(arrived).objects.update(deliver_type=DeliverType.EXPRESS)
    with pytest.raises(overdue.NotOverdue):
        overdue.record_reminder(order_id=arrived.pk, note="", principal=boss, now=at(9, 9))
    assert overdue.remind_due(now=at(9, 9)) == 0


def test_declaring_it_reached_is_final_recorded_and_once(group_buying, order, boss, clerk, now):
    pay(order, now=now)
    GroupBuying.objects.update(min_qty=50)
    with pytest.raises(Forbidden):
        group_buyings.declare_reached(group_buying_id=group_buying.pk, principal=principal_of(clerk), now=now)
    with pytest.raises(fulfilment.Undecided):
        fulfilment.confirm_orders(order_ids=[order.pk], principal=boss, now=now)
    declared = group_buyings.declare_reached(group_buying_id=group_buying.pk, principal=boss, now=now)
    assert (declared.declared_at, declared.declared_by) == (now, boss.user)
    with pytest.raises(group_buyings.Decided):
        group_buyings.declare_reached(group_buying_id=group_buying.pk, principal=boss, now=now)
    group_buyings.carry_out_due(now=now)
    assert fresh(order).status == OrderStatus.CONFIRMED
    # It goes on selling, and its end changes nothing.
    assert fresh(group_buying).is_open(now)
    group_buyings.decide_due(now=fresh(group_buying).end_at)
    assert fresh(group_buying).outcome == "succeeded"


def test_a_group_buy_without_a_minimum_or_not_yet_begun_has_nothing_to_declare(group_buying, boss, now):
    with pytest.raises(group_buyings.Decided):
        group_buyings.declare_reached(group_buying_id=group_buying.pk, principal=boss, now=now)
    GroupBuying.objects.update(min_qty=50)
    with pytest.raises(group_buyings.Decided):
        group_buyings.declare_reached(group_buying_id=group_buying.pk, principal=boss, now=group_buying.start_at - timedelta(seconds=1))


def test_of_a_group_buy_that_failed_no_goods_go_out_before_the_refund_is_there_either(group_buying, order, boss, now):
    paid = pay(order, now=now)
    GroupBuying.objects.update(min_qty=50, end_at=now + timedelta(seconds=1))
    group_buyings.decide_due(now=now + timedelta(seconds=1))
    assert fresh(group_buying).outcome == "failed"
    with pytest.raises(Refusal, match="款项将退回"):
        hand_over.verify_code(shop_id=paid.shop_id, code=fresh(paid).deliver_code, principal=boss, now=now + timedelta(seconds=2))


def test_whoever_has_the_goods_of_a_group_that_fails_all_the_same_is_not_paid_back(group_buying, order, boss, now):
    paid = pay(order, now=now)
    hand_over.verify_code(shop_id=paid.shop_id, code=paid.deliver_code, principal=boss, now=now)
    GroupBuying.objects.update(outcome="failed", min_qty=50)
    assert group_buyings.carry_out_due(now=now) == 0
    assert not group_buyings.refund(paid.pk, now=now)
