"""没通知到: the buyers whom no message told what they must know, and the person who calls them."""

from datetime import timedelta

import pytest
from django.urls import reverse

from config import schedule
from groupbuy.models import EventKind, GroupBuying, Order, Outcome
from groupbuy.notices import messages, told
from groupbuy.orders import calling, fulfilment, group_buyings, hand_over, overdue
from groupbuy.payments import refunds
from retail.models import OutboxEntry
from retail.principals import principal_of
from retail.refusals import Forbidden, NotThere, Refusal
from tests.support import factories
from tests.support.back_office import page, said
from tests.support.pages import browser_of, ordered, pay, words
from tests.support.races import at_once
from tests.support.wechat import assert_sound, fresh

pytestmark = pytest.mark.django_db
LIST = reverse("admin:groupbuy_unreached")


def send(now) -> None:
    schedule.JOBS["outbox"][0](now=now)


@pytest.fixture
def staff(clerk):
    return principal_of(clerk)


@pytest.fixture
def arrived(buyer, group_buying, staff, now) -> Order:
    """Waiting in the shop; its buyer has no mini-program."""
    order = pay(ordered(buyer, group_buying, now=now), now=now)
    fulfilment.deliver_orders(order_ids=[order.pk], principal=staff, now=now)
    send(now)
    return fresh(order)


def waiting() -> dict[str, str]:
    """Codes of the orders on the list, with the kind of their notices."""
    rows = told.unreached(Order.objects.all())
    return {row.code: OutboxEntry.objects.get(pk=row.notice_id).kind for row in rows}


def call(order, principal, now, notice_id=None):
    number = notice_id or told.unreached(Order.objects.filter(pk=order.pk)).get().notice_id
    return calling.record_call(order_id=order.pk, notice_id=number, principal=principal, now=now)


def test_whom_no_message_reached_is_listed_with_all_that_a_call_needs(arrived, clerk, now):
    start = now + timedelta(hours=1)
    GroupBuying.objects.update(pick_up_from=start, pick_up_until=start + timedelta(days=1))
    answer = browser_of(clerk).get(LIST)
    seen = words(answer)
    for expected in (arrived.code, "到店取货通知", "未接入微信小程序", arrived.buyer.nickname, arrived.product_name, "取货时间"):
        assert expected in seen
    assert f'href="tel:{arrived.phone}"' in answer.content.decode()


def test_what_was_sent_or_still_waits_is_not_listed(arrived):
    assert waiting() == {arrived.code: "arrived"}
    for state, turn in (("sent", None), ("waiting", arrived.created_at)):
        OutboxEntry.objects.update(state=state, next_try_at=turn)
        assert waiting() == {}


def test_the_newest_notice_counts(arrived, now):
    GroupBuying.objects.update(pick_up_from=now - timedelta(hours=3), pick_up_until=now - timedelta(hours=2))
    row = overdue.write_reminder(arrived, actor=overdue.moves.SYSTEM, now=now)
    messages.put(messages.Kind.REMINDED, arrived, now=now, subject_id=row.pk)
    send(now)
    assert waiting() == {arrived.code: "reminded"}
    OutboxEntry.objects.filter(kind="reminded").update(state="sent")
    assert waiting() == {}


def test_what_is_over_or_on_its_way_back_needs_no_call(buyer, group_buying, arrived, headquarters, shop, staff, now):
    other = pay(ordered(buyer, group_buying, now=now), now=now)
    fulfilment.deliver_orders(order_ids=[other.pk], principal=staff, now=now)
    send(now)
    refunds.refund_order(order_id=other.pk, amount=None, reason="", principal=principal_of(headquarters), now=now)
    assert waiting() == {arrived.code: "arrived"}
    hand_over.verify_code(shop_id=shop.pk, code=arrived.deliver_code, principal=staff, now=now)
    assert waiting() == {}


def test_a_group_that_failed_is_told_while_the_money_is_on_its_way(buyer, group_buying, now):
    order = pay(ordered(buyer, group_buying, now=now), now=now)
    group_buyings.conclude(group_buying, Outcome.FAILED, now=now)
    group_buyings.carry_out_due(now=now)
    send(now)
    assert waiting() == {order.code: "failed"}


def test_a_call_is_noted_with_who_and_when_and_leaves_the_list(arrived, clerk, now):
    browser = browser_of(clerk)
    notice = OutboxEntry.objects.get()
    done = browser.post(LIST, {"order_id": arrived.pk, "notice_id": notice.pk}, follow=True)
    assert said(done) == [f"已记录：{arrived.code} 已电话告知"]
    assert (waiting(), fresh(notice).settled_by) == ({}, clerk)
    row = arrived.events.get(kind=EventKind.REMINDED)
    assert (row.actor, row.reason, fresh(arrived).reminders) == (clerk, "已电话告知", 0)
    seen = words(browser.get(page(arrived)))
    assert "告知顾客" in seen
    assert f"已电话告知 到店取货通知 · 未接入微信小程序 · {clerk.nickname}" in seen
    assert_sound()


def test_a_call_after_the_last_day_counts_as_a_reminder(arrived, staff, now):
    GroupBuying.objects.update(pick_up_from=now - timedelta(hours=3), pick_up_until=now - timedelta(hours=2))
    call(arrived, staff, now)
    assert fresh(arrived).reminders == 1


def test_what_is_no_longer_the_newest_is_not_settled(arrived, staff, now):
    old = OutboxEntry.objects.get()
    call(arrived, staff, now)
    for number in (old.pk, old.pk + 1):
        with pytest.raises(calling.Settled):
            call(arrived, staff, now, notice_id=number)
    assert arrived.events.filter(kind=EventKind.REMINDED).count() == 1


def test_nobody_sees_or_settles_what_is_not_theirs(arrived, tenant, buyer, now):
    next_door = factories.StaffFactory(tenant=tenant, role="manager", shops=[factories.ShopFactory(tenant=tenant)])
    elsewhere = factories.StaffFactory(role="headquarters")
    notice = OutboxEntry.objects.get()
    for person in (next_door, elsewhere):
        assert arrived.code not in words(browser_of(person).get(LIST))
        with pytest.raises(NotThere):
            call(arrived, principal_of(person), now, notice_id=notice.pk)
    with pytest.raises(Forbidden):
        call(arrived, principal_of(buyer), now, notice_id=notice.pk)
    assert fresh(notice).settled_at is None


def test_long_lists_have_pages_and_as_many_statements(arrived, buyer, group_buying, staff, clerk, now, django_assert_num_queries):
    browser = browser_of(clerk)
    browser.get(LIST)
    with django_assert_num_queries(9) as few:
        browser.get(LIST)
    more = [pay(ordered(buyer, group_buying, now=now), now=now) for _ in range(21)]
    fulfilment.deliver_orders(order_ids=[order.pk for order in more], principal=staff, now=now)
    send(now)
    with django_assert_num_queries(len(few)):
        first = browser.get(LIST)
    assert words(first).count("未接入微信小程序") == 20
    assert words(browser.get(LIST, {"page": 2})).count("未接入微信小程序") == 2


@pytest.mark.django_db(transaction=True)
def test_of_many_calls_at_once_one_is_noted(arrived, staff, now):
    notice = OutboxEntry.objects.get()

    def one(_):
        try:
            return call(arrived, staff, now, notice_id=notice.pk)
        except Refusal:
            return None

    assert len([made for made in at_once(one, range(6), threads=6) if made]) == 1
    assert arrived.events.filter(kind=EventKind.REMINDED).count() == 1
