"""Other dates than were promised: whom they reach, whom they don't, and who hears of it."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from groupbuy.models import DeliverType, EventKind, GroupBuying, Order, OrderEvent, OrderStatus, Outcome
from groupbuy.orders import fulfilment, rescheduling
from groupbuy.payments import refunds
from retail.models import OutboxEntry
from retail.refusals import Forbidden, NotThere, Refusal
from tests.groupbuy.test_messages import configure, run, told
from tests.groupbuy.test_races import outcome
from tests.support import factories
from tests.support.factories import principal
from tests.support.pages import ordered, pay
from tests.support.races import at_once
from tests.support.wechat import fresh, notify, packed
from tests.support.wechat import pay as pay_at_wechat

pytestmark = pytest.mark.django_db


def day(days, hour):
    """``days`` after the end of the group buy, which is tomorrow."""
    on = timezone.localdate() + timedelta(days=1 + days)
    return timezone.make_aware(datetime.combine(on, datetime.min.time())) + timedelta(hours=hour)


OLD = {"pick_up_from": day(1, 16), "pick_up_until": day(2, 20)}
NEW = {"pick_up_from": day(3, 16), "pick_up_until": day(3, 20)}


@pytest.fixture
def group_buying(group_buying):
    GroupBuying.objects.update(**OLD)
    group_buying.refresh_from_db()
    return group_buying


@pytest.fixture
def bought(group_buying, now):
    """Paid orders of four buyers."""
    return [pay(ordered(buyer, group_buying, now=now, qty=2), now=now) for buyer in buyers_of(group_buying, 4)]


def buyers_of(group_buying, count):
    return factories.BuyerFactory.create_batch(count, tenant=group_buying.tenant)


def change(group_buying, person, now, **dates):
    return rescheduling.reschedule(group_buying_id=group_buying.pk, principal=principal(person), now=now, **(dates or NEW))


def change_orders(orders, person, now, **dates):
    ids = [order.pk for order in orders]
    return rescheduling.reschedule_orders(order_ids=ids, principal=principal(person), now=now, **(dates or NEW))


def hand_over(order, person, now):
    return fulfilment.advance(order.pk, OrderStatus.COMPLETED, principal=principal(person), now=now, completed_at=now, handed_over_at=now)


def give_back(order, person, now):
    return refunds.refund_order(order_id=order.pk, amount=None, reason="坏了", principal=principal(person), now=now, intent=f"{order.pk}")


def dated():
    """The orders whose timeline tells of changed dates, each as often as it does."""
    return Counter(OrderEvent.objects.filter(kind=EventKind.DATES).values_list("order_id", flat=True))


def windows():
    return {(row.pick_up_from, row.pick_up_until) for row in Order.objects.all()}


def test_a_changed_group_buy_reaches_all_who_still_wait(manager, headquarters, group_buying, bought, now):
    waiting, arrived, gone, refunding = bought
    unpaid = ordered(buyers_of(group_buying, 1)[0], group_buying, now=now)
    fulfilment.deliver_orders(order_ids=[arrived.pk], principal=principal(manager), now=now)
    hand_over(gone, manager, now)
    give_back(refunding, headquarters, now)
    Order.objects.update(reminders=2)
    assert change(group_buying, manager, now) == 3
    # Who pays in a moment saw the old dates too.
    assert dated() == {waiting.pk: 1, arrived.pk: 1, unpaid.pk: 1}
    event = OrderEvent.objects.filter(kind=EventKind.DATES, order=arrived).get()
    assert (event.from_status, event.to_status, event.actor, event.actor_kind) == (3, 3, manager, "staff")
    span = f"{timezone.localtime(NEW['pick_up_from']):%-m月%-d日} 16:00–20:00"
    assert event.reason == f"取货时间改为 {span}"
    counts = dict(Order.objects.values_list("pk", "reminders"))
    assert [counts[order.pk] for order in (waiting, arrived, gone, refunding, unpaid)] == [0, 0, 2, 2, 0]
    assert GroupBuying.objects.get().pick_up_window == (NEW["pick_up_from"], NEW["pick_up_until"])
    pay(unpaid, now=now)
    assert unpaid.pick_up_window == GroupBuying.objects.get().pick_up_window


def test_an_order_with_dates_of_its_own_keeps_them(manager, group_buying, bought, now):
    own = {"pick_up_from": day(5, 9), "pick_up_until": day(5, 12)}
    assert change_orders(bought[:1], manager, now, **own) == 1
    assert change(group_buying, manager, now) == 3
    assert dated() == dict.fromkeys((order.pk for order in bought), 1)
    assert fresh(bought[0]).pick_up_window == tuple(own.values())


def test_the_same_dates_again_are_told_to_nobody(manager, group_buying, bought, now):
    change(group_buying, manager, now)
    with pytest.raises(rescheduling.Unchanged):
        change(group_buying, manager, now)
    with pytest.raises(rescheduling.Unchanged):
        change_orders(bought, manager, now)
    assert set(dated().values()) == {1}


def test_parcels_have_a_day_of_sending(manager, group_buying, buyer, now):
    GroupBuying.objects.update(deliver_type=DeliverType.EXPRESS, pick_up_from=None, pick_up_until=None)
    waiting = pay(ordered(buyer, group_buying, now=now, address="上海市徐汇区田林路 1 号"), now=now)
    sent = pay(ordered(buyer, group_buying, now=now, address="上海市徐汇区田林路 1 号"), now=now)
    fulfilment.deliver_orders(order_ids=[sent.pk], principal=principal(manager), now=now, carrier="顺丰速运", tracking_number="SF1")
    ships_on = timezone.localdate(day(2, 12))
    assert change(group_buying, manager, now, ships_on=ships_on) == 1
    assert dated() == {waiting.pk: 1}
    assert "发货" in OrderEvent.objects.get(kind=EventKind.DATES).reason
    with pytest.raises(Refusal, match="请填写发货日期"):
        change(group_buying, manager, now, **NEW)
    with pytest.raises(Refusal, match="快递订单没有取货时间"):
        change_orders([waiting], manager, now)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.CANCELLED])
def test_what_is_over_for_good_has_no_dates_to_change(manager, group_buying, bought, now, outcome):
    GroupBuying.objects.update(outcome=outcome)
    with pytest.raises(rescheduling.CannotBeRescheduled, match="不能改期"):
        change(group_buying, manager, now)
    with pytest.raises(rescheduling.CannotBeRescheduled, match="不能改期"):
        change_orders(bought, manager, now)
    assert not dated()


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        ({"pick_up_from": day(-1, 8), "pick_up_until": day(3, 20)}, "取货不能早于截单"),
        ({"pick_up_from": day(3, 20), "pick_up_until": day(3, 16)}, "取货截止须晚于取货开始"),
        ({"pick_up_from": day(3, 16), "pick_up_until": day(340, 16)}, "330 天以内"),
    ],
    ids=["before the end", "backwards", "in a year"],
)
def test_dates_that_can_not_be_change_nothing(manager, group_buying, bought, now, dates, words):
    for attempt in (lambda: change(group_buying, manager, now, **dates), lambda: change_orders(bought, manager, now, **dates)):
        with pytest.raises(Refusal, match=words):
            attempt()
    assert GroupBuying.objects.get().pick_up_from == OLD["pick_up_from"]
    assert (windows(), dated()) == ({(None, None)}, {})


def test_a_date_that_is_over_is_refused(manager, bought):
    with pytest.raises(Refusal, match="取货截止已经过去"):
        change_orders(bought, manager, day(3, 21))


def test_an_overdue_order_is_given_time_though_its_start_is_long_over(manager, group_buying, bought, now):
    late = day(4, 10)
    fulfilment.deliver_orders(order_ids=[bought[0].pk], principal=principal(manager), now=now)
    assert fresh(bought[0]).is_overdue(late)
    assert change_orders(bought[:1], manager, late, pick_up_from=OLD["pick_up_from"], pick_up_until=day(5, 20)) == 1
    assert not fresh(bought[0]).is_overdue(late)


def spoil(kind, order, manager, headquarters, now):
    match kind:
        case "handed over":
            hand_over(order, manager, now)
        case "refunding":
            give_back(order, headquarters, now)
        case "refunded":
            give_back(order, headquarters, now)
            refunds.send_due(now=now)
            assert fresh(order).status == OrderStatus.REFUNDED
        case "closed":
            Order.objects.filter(pk=order.pk).update(status=OrderStatus.CLOSED, holds_stock=False)
        case "unpaid":
            Order.objects.filter(pk=order.pk).update(status=OrderStatus.UNPAID)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("handed over", "货已取走"),
        ("refunding", "已退款或正在退款"),
        ("refunded", "已退款或正在退款"),
        ("closed", "已取消"),
        ("unpaid", "还没付款"),
    ],
)
def test_one_order_that_can_not_wait_holds_back_all(manager, headquarters, bought, now, kind, words):
    spoil(kind, bought[2], manager, headquarters, now)
    with pytest.raises(rescheduling.CannotBeRescheduled, match=f"{bought[2].code}：{words}"):
        change_orders(bought, manager, now)
    assert (windows(), dated()) == ({(None, None)}, {})


def test_who_may(clerk, manager, buyer, group_buying, bought, now):
    for person in (clerk, buyer):
        with pytest.raises(Forbidden):
            change(group_buying, person, now)
        with pytest.raises(Forbidden):
            change_orders(bought, person, now)
    stranger = factories.StaffFactory(tenant=group_buying.tenant, role="manager", shops=[factories.ShopFactory(tenant=group_buying.tenant)])
    with pytest.raises(NotThere):
        change(group_buying, stranger, now)
    with pytest.raises(NotThere):
        change_orders(bought, stranger, now)
    assert not dated()


def test_the_buyers_hear_of_it_each_time(fake_wechat, tenant, wechat_order, prepaid, headquarters, now):
    assert notify(*packed(fake_wechat, pay_at_wechat(fake_wechat, prepaid.pre_pay_id))).status_code == 204
    GroupBuying.objects.update(**OLD)
    configure(tenant, "message_rescheduled", "T-rescheduled thing1=取货时间 thing2=说明")
    change(wechat_order.group_buying, headquarters, now)
    run(now)
    first = told(fake_wechat)["T-rescheduled"]
    assert first == {"thing1": f"{timezone.localtime(NEW['pick_up_from']):%-m月%-d日} 16:00–20:00", "thing2": "取货时间有变，请留意"}
    change_orders([wechat_order], headquarters, now, pick_up_from=day(7, 9), pick_up_until=day(70, 20))
    run(now)
    last = fake_wechat.books.messages[-1]["data"]["thing1"]["value"]
    assert last == f"{timezone.localtime(day(7, 9)):%-m月%-d日} 09:00 起"
    assert OutboxEntry.objects.filter(kind="rescheduled", state="sent").count() == 2


def test_every_buyer_of_a_touched_order_is_told(fake_wechat, tenant, manager, group_buying, buyers_paid, now):
    configure(tenant, "message_rescheduled", "T-rescheduled thing1=取货时间")
    assert change(group_buying, manager, now) == len(buyers_paid)
    entries = OutboxEntry.objects.filter(kind="rescheduled").values_list("subject_id", flat=True)
    assert set(OrderEvent.objects.filter(pk__in=entries).values_list("order", flat=True)) == {order.pk for order in buyers_paid}


@pytest.fixture
def buyers_paid(group_buying, now):
    orders = [ordered(buyer, group_buying, now=now) for buyer in buyers_of(group_buying, 3)]
    Order.objects.update(status=OrderStatus.CONFIRMED, paid_at=now)
    return orders


@pytest.mark.parametrize("kind", ["handed over", "refunding"])
def test_what_happens_just_before_the_lock_is_seen(manager, headquarters, group_buying, bought, now, between, kind):
    between(rescheduling, "locked", lambda: spoil(kind, bought[0], manager, headquarters, now))
    assert change(group_buying, manager, now) == 3
    between(rescheduling, "locked", lambda: spoil(kind, bought[1], manager, headquarters, now))
    with pytest.raises(rescheduling.CannotBeRescheduled):
        change_orders(bought[1:], manager, now, pick_up_from=day(5, 9), pick_up_until=day(5, 12))


@pytest.mark.django_db(transaction=True)
def test_dates_against_hands_and_refunds_at_once(manager, headquarters, group_buying, bought, now):
    """No date is changed behind the goods or the money that went; nobody waits for ever for the other."""

    def attempts(service, subject, day_from):
        return [
            lambda hour=hour: service(subject, manager, now, pick_up_from=day(day_from, hour), pick_up_until=day(7, 20))
            for hour in range(6)
        ]

    everybody, alone = attempts(change, group_buying, 3), attempts(change_orders, bought[3:], 5)
    goods = [lambda order=order: hand_over(order, manager, now) for order in (bought[0], bought[3])]
    money = [lambda: give_back(bought[1], headquarters, now)]
    results = at_once(outcome, [*everybody, *goods, *alone, *money])
    assert results[6:8] == ["ok", "ok"]
    assert results[-1] == "ok"
    assert set(results) <= {"ok", "CannotBeRescheduled", "Unchanged"}
    for order in (bought[0], bought[3]):
        over = OrderEvent.objects.get(order=order, to_status=OrderStatus.COMPLETED).pk
        assert not OrderEvent.objects.filter(order=order, kind=EventKind.DATES, pk__gt=over).exists()
    # Of the group buy's own changes every one reached the order that nobody touched.
    assert dated()[bought[2].pk] == results[:6].count("ok")
