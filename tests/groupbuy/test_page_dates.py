"""What buyers read of dates: on the group buy, its order sheet, their order and their list, and on the shop's page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from groupbuy import orders
from groupbuy.models import DeliverType, GroupBuying, Order
from groupbuy.orders import fulfilment, rescheduling
from retail import dates
from shops.models import Shop, ShopHoliday
from tests.groupbuy.test_rescheduling import NEW, OLD
from tests.support import factories
from tests.support.back_office import page
from tests.support.factories import principal
from tests.support.pages import browser_of, ordered, pay, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def dated(group_buying):
    GroupBuying.objects.update(**OLD)
    return factories.copy_of(group_buying)


@pytest.fixture
def order(dated, buyer, now):
    return pay(ordered(buyer, dated, now=now), now=now)


def in_words(window, now):
    return dates.span_in_words(*window.values(), timezone.localdate(now))


def test_the_group_buy_says_when_and_where_the_goods_can_be_collected(client, dated, now):
    seen = words(client.get(f"/g/{dated.pk}/"))
    assert f"{in_words(OLD, now)} {dated.shop.name}取货" in seen
    # Beside the price, on the order sheet, among the facts.
    assert seen.count(in_words(OLD, now)) == 3
    assert f"{in_words(OLD, now).split(' – ')[0]} 起取货" in words(client.get(f"/s/{dated.shop_id}/"))


def test_a_group_buy_without_dates_promises_none(client, group_buying):
    seen = words(client.get(f"/g/{group_buying.pk}/"))
    assert "取货时间" not in seen


def test_a_parcels_day_is_an_estimate(client, dated, now):
    ships_on = timezone.localdate(now) + timedelta(days=4)
    GroupBuying.objects.update(deliver_type=DeliverType.EXPRESS, pick_up_from=None, pick_up_until=None, ships_on=ships_on)
    assert f"预计 {dates.day_in_words(ships_on, timezone.localdate(now))} 发货" in words(client.get(f"/g/{dated.pk}/"))


def test_a_page_that_stands_open_learns_of_other_dates(client, dated):
    news = f"/g/{dated.pk}/news/"
    seen = client.get(f"/g/{dated.pk}/").content.decode().split("?seen=")[1].split('"')[0]
    assert client.get(news, {"seen": seen}).status_code == 204
    GroupBuying.objects.update(**NEW)
    assert client.get(news, {"seen": seen}).status_code == 200


def test_the_order_shows_its_own_dates_and_that_they_changed(buyer, manager, order, now):
    browser = browser_of(buyer)
    assert in_words(OLD, now) in words(browser.get(f"/o/{order.code}/"))
    rescheduling.reschedule_orders(order_ids=[order.pk], principal=principal(manager), now=now, **NEW)
    seen = words(browser.get(f"/o/{order.code}/"))
    assert in_words(NEW, now) in seen
    assert f"取货时间改为 {dates.span_in_words(*NEW.values())}" in seen
    assert in_words(OLD, now) not in seen
    assert in_words(NEW, now) in words(browser.get("/orders/"))


def test_the_list_says_when_goods_come_before_and_after_they_are_paid_for(buyer, dated, now):
    browser = browser_of(buyer)
    unpaid = ordered(buyer, dated, now=now)
    expected = f"取货时间 {in_words(OLD, now)}"
    assert words(browser.get("/orders/")).count(expected) == 1
    pay(unpaid, now=now)
    assert words(browser.get("/orders/")).count(expected) == 1
    orders.close_order(order_id=ordered(buyer, dated, now=now).pk, principal=principal(buyer), now=now)
    assert words(browser.get("/orders/")).count(expected) == 1


def test_the_list_says_of_a_parcel_when_it_is_sent_until_it_is(buyer, manager, dated, now):
    ships_on = timezone.localdate(now) + timedelta(days=4)
    GroupBuying.objects.update(deliver_type=DeliverType.EXPRESS, pick_up_from=None, pick_up_until=None, ships_on=ships_on)
    order, browser = pay(ordered(buyer, dated, now=now, address="田林路 1 号"), now=now), browser_of(buyer)
    expected = f"预计发货 {dates.day_in_words(ships_on, timezone.localdate(now))} 发货"
    assert expected in words(browser.get("/orders/"))
    sent = {"carrier": "顺丰", "tracking_number": "SF1"}
    fulfilment.deliver_orders(order_ids=[order.pk], principal=principal(manager), now=now, **sent)
    assert expected not in words(browser.get("/orders/"))


def test_the_pick_list_names_the_dates_and_who_comes_at_another_time(clerk, manager, dated, order, now):
    other = pay(ordered(factories.BuyerFactory(tenant=dated.tenant), dated, now=now), now=now)
    rescheduling.reschedule_orders(order_ids=[other.pk], principal=principal(manager), now=now, **NEW)
    seen = words(browser_of(clerk).get(page(dated, "print_pick_list")))
    assert f"取货时间：{dates.span_in_words(*OLD.values())}" in seen
    assert seen.count(dates.span_in_words(*NEW.values())) == 1


def test_the_shops_page_says_when_it_is_open_and_where(client, shop, now):
    Shop.objects.update(opens_at="08:00", closes_at="21:30", rest_days="17", lbs_point="121.4307,31.1734")
    today = timezone.localdate(now)
    for days, name in ((-9, "国庆休息"), (3, "盘点"), (40, "春节休息")):
        first = today + timedelta(days=days)
        ShopHoliday.objects.create(shop=shop, first_day=first, last_day=first + timedelta(days=2), words=name)
    answer = client.get(f"/s/{shop.pk}/")
    seen = words(answer)
    assert "08:00–21:30 周一、周日休息" in seen
    assert "盘点" in seen
    assert "国庆休息" not in seen
    assert "春节休息" not in seen
    assert "https://apis.map.qq.com/uri/v1/marker?marker=coord%3A31.1734%2C121.4307" in answer.content.decode()


def test_where_an_order_waits_the_map_opens(buyer, order):
    browser = browser_of(buyer)
    assert "apis.map.qq.com" not in browser.get(f"/o/{order.code}/").content.decode()
    Order.objects.update(lbs="121.4307,31.1734")
    assert "apis.map.qq.com" in browser.get(f"/o/{order.code}/").content.decode()


def test_the_code_and_its_dates_go_together(buyer, manager, order, now):
    fulfilment.deliver_orders(order_ids=[order.pk], principal=principal(manager), now=now)
    order.refresh_from_db()
    seen = words(browser_of(buyer).get(f"/o/{order.code}/"))
    assert f"{order.deliver_code[:4]} {order.deliver_code[4:]} {in_words(OLD, now)}" in seen
