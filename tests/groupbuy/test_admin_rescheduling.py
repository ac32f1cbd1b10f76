"""Dates in the back office: proposed in the form, asked for before they change, found by day in the list."""

from datetime import timedelta

import pytest
from django.utils import timezone

from groupbuy.models import DeliverType, EventKind, GroupBuying, Order, OrderEvent, OrderStatus, Outcome
from groupbuy.orders import pick_up_dates
from shops.models import ShopHoliday
from tests.groupbuy.test_admin_group_buyings import ADD, edit_of, errors, form_of, moment
from tests.groupbuy.test_rescheduling import NEW, OLD
from tests.support import factories
from tests.support.back_office import answered, edit, page, said
from tests.support.pages import browser_of, ordered, pay, words

pytestmark = pytest.mark.django_db
ORDERS = "/admin/groupbuy/order/"


@pytest.fixture
def product(shop):
    return factories.ProductFactory(tenant=shop.tenant, storage="frozen")


@pytest.fixture
def dated(group_buying):
    GroupBuying.objects.update(**OLD)
    return factories.copy_of(group_buying)


@pytest.fixture
def order(dated, buyer, now):
    return pay(ordered(buyer, dated, now=now), now=now)


def window(starts, ends):
    return moment("pick_up_from", starts) | moment("pick_up_until", ends)


def typed(**dates):
    return answered(**{name: f"{timezone.localtime(value):%Y-%m-%dT%H:%M}" for name, value in dates.items()})


def proposal(group_buying):
    row = group_buying
    return pick_up_dates.proposed(shop=row.shop, product=row.product, deliver_type=row.deliver_type, end_at=row.end_at)


@pytest.mark.parametrize("deliver_type", DeliverType.values)
def test_a_new_group_buy_that_names_no_dates_gets_the_proposed_ones(manager, shop, product, now, deliver_type):
    ShopHoliday.objects.create(shop=shop, first_day=timezone.localdate(now), last_day=timezone.localdate(now) + timedelta(days=4))
    browser_of(manager).post(ADD, form_of(shop, product, now, deliver_type=deliver_type))
    made = GroupBuying.objects.get()
    assert pick_up_dates.dates_of(made) == proposal(made)
    first = made.ships_on or timezone.localdate(made.pick_up_from)
    assert first == timezone.localdate(now) + timedelta(days=5)
    assert bool(made.ships_on) == (deliver_type == DeliverType.EXPRESS)


def test_the_form_says_what_becomes_of_empty_dates(manager, shop):
    assert "留空则按截单时间、商品的储存方式和门店的营业日自动填写" in words(browser_of(manager).get(ADD))


def test_dates_that_were_typed_stay_and_half_a_window_is_completed(manager, shop, product, now):
    starts, ends = now + timedelta(days=3), now + timedelta(days=5)
    browser_of(manager).post(ADD, form_of(shop, product, now) | window(starts, ends) | {"ships_on": "2026-01-01"})
    browser_of(manager).post(
        ADD, form_of(shop, product, now) | {"pick_up_until_0": f"{timezone.localdate(ends)}", "pick_up_until_1": "12:00"}
    )
    made, half = GroupBuying.objects.order_by("pk")
    assert (made.pick_up_from, made.pick_up_until, made.ships_on) == (starts.replace(microsecond=0), ends.replace(microsecond=0), None)
    assert half.pick_up_from == proposal(half).pick_up_from
    assert timezone.localtime(half.pick_up_until).hour == 12


def test_dates_that_can_not_be_are_refused_beside_their_field(manager, shop, product, now):
    browser, form = browser_of(manager), form_of(shop, product, now)
    early = browser.post(ADD, form | window(now + timedelta(days=1), now + timedelta(days=4)))
    assert "取货不能早于截单" in errors(early)["pick_up_from"][0]
    backwards = browser.post(ADD, form | window(now + timedelta(days=4), now + timedelta(days=3)))
    assert errors(backwards)["pick_up_until"] == ["取货截止须晚于取货开始"]
    ShopHoliday.objects.create(shop=shop, first_day=timezone.localdate(now), last_day=timezone.localdate(now) + timedelta(days=9))
    closed = browser.post(ADD, form | window(now + timedelta(days=4), now + timedelta(days=5)))
    assert "门店休息，下一个营业日是" in errors(closed)["pick_up_from"][0]
    assert not GroupBuying.objects.exists()


def test_a_group_buy_from_before_there_were_dates_does_without(manager, group_buying):
    answer = edit(browser_of(manager), group_buying, edit_of(group_buying, name="改名了"))
    assert answer.status_code == 302
    held = GroupBuying.objects.get()
    assert (held.name, pick_up_dates.dates_of(held).are_set) == ("改名了", False)


def test_before_the_first_order_dates_are_edited_like_the_rest(manager, dated):
    browser, ends = browser_of(manager), timezone.localtime(dated.end_at)
    form = edit_of(dated) | moment("start_at", dated.start_at) | moment("end_at", ends)
    edit(browser, dated, form | window(NEW["pick_up_from"], NEW["pick_up_until"]))
    assert GroupBuying.objects.get().pick_up_window == tuple(NEW.values())
    edit(browser, dated, form | {"deliver_type": 2})
    held = GroupBuying.objects.get()
    assert (held.pick_up_window, held.ships_on) == (None, proposal(held).ships_on)


def test_after_the_first_order_the_form_leaves_them_alone(manager, dated, order):
    edit(browser_of(manager), dated, edit_of(dated) | window(NEW["pick_up_from"], NEW["pick_up_until"]))
    assert GroupBuying.objects.get().pick_up_window == tuple(OLD.values())


def test_who_sells_for_longer_moves_the_promised_date_first(manager, dated, order):
    later = OLD["pick_up_from"] + timedelta(hours=1)
    form = edit_of(dated) | moment("end_at", later)
    answer = edit(browser_of(manager), dated, form)
    assert "截单晚于已约定的日期" in errors(answer)["end_at"][0]
    browser_of(manager).post(page(dated, "reschedule"), typed(**NEW))
    edit(browser_of(manager), dated, form)
    assert GroupBuying.objects.get().end_at == later


def test_a_group_buy_is_given_other_dates_after_a_look_at_whom_it_touches(manager, dated, order):
    browser = browser_of(manager)
    asked = words(browser.get(page(dated, "reschedule")))
    assert "涉及的订单 1" in asked
    done = browser.post(page(dated, "reschedule"), typed(**NEW), follow=True)
    assert said(done) == ["已改期，涉及 1 个订单"]
    assert GroupBuying.objects.get().pick_up_window == tuple(NEW.values())
    assert "改期" in words(browser.get(page(order)))
    assert said(browser.post(page(dated, "reschedule"), typed(**NEW), follow=True)) == ["日期没有变化"]


def test_a_group_buy_that_succeeded_is_rescheduled_and_one_that_failed_is_not(manager, dated, order):
    browser = browser_of(manager)
    GroupBuying.objects.update(outcome=Outcome.SUCCEEDED)
    browser.post(page(dated, "reschedule"), typed(**NEW))
    assert GroupBuying.objects.get().pick_up_from == NEW["pick_up_from"]
    GroupBuying.objects.update(outcome=Outcome.FAILED)
    refused = browser.post(page(dated, "reschedule"), typed(**OLD), follow=True)
    assert said(refused)[-1:] == ["团购未成团或已取消，款项将退回，不能改期"]


def test_orders_are_given_dates_of_their_own_from_the_list_and_from_their_page(manager, dated, order, now):
    browser = browser_of(manager)
    chosen = {"action": "reschedule", "_selected_action": [order.pk]}
    assert f"{timezone.localtime(OLD['pick_up_from']):%Y-%m-%dT%H:%M}" in browser.post(ORDERS, chosen).content.decode()
    browser.post(ORDERS, chosen | typed(**NEW))
    assert factories.copy_of(order).pick_up_window == tuple(NEW.values())
    done = browser.post(page(order, "reschedule_one"), typed(**OLD), follow=True)
    assert said(done)[-1:] == ["已改 1 个订单的取货时间"]
    assert OrderEvent.objects.filter(kind=EventKind.DATES).count() == 2


def test_clerks_change_no_dates(clerk, dated, order):
    browser = browser_of(clerk)
    assert browser.post(page(dated, "reschedule"), typed(**NEW)).status_code == 403
    assert browser.post(page(order, "reschedule_one"), typed(**NEW)).status_code == 403
    browser.post(ORDERS, {"action": "reschedule", "_selected_action": [order.pk]} | typed(**NEW))
    assert not OrderEvent.objects.filter(kind=EventKind.DATES).exists()


def set_window(order, starts, ends, **values):
    Order.objects.filter(pk=order.pk).update(pick_up_from=starts, pick_up_until=ends, **values)


def test_the_list_finds_what_is_collected_on_a_day(clerk, dated, now):
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    buyers = factories.BuyerFactory.create_batch(4, tenant=dated.tenant)
    today, both, later, over = (pay(ordered(buyer, dated, now=now), now=now) for buyer in buyers)
    hour = timedelta(hours=1)
    set_window(today, midnight + hour, midnight + 23 * hour)
    set_window(both, midnight + 12 * hour, midnight + 36 * hour)
    set_window(later, midnight + 60 * hour, midnight + 70 * hour)
    set_window(over, midnight - 9 * hour, midnight - 2 * hour, status=OrderStatus.SHIPPED)
    browser = browser_of(clerk)

    def found(kind):
        seen = words(browser.get(ORDERS, {"pickUp": kind}))
        return [order for order in (today, both, later, over) if order.code in seen]

    assert (found("today"), found("tomorrow"), found("over")) == ([today, both], [both], [over])
    assert found("nonsense") == [today, both, later, over]


def test_lists_and_files_tell_the_dates_that_hold(clerk, dated, order, now):
    browser = browser_of(clerk)
    span = f"{timezone.localtime(OLD['pick_up_from']):%-m月%-d日} 16:00"
    assert span in words(browser.get(ORDERS))
    assert span in words(browser.get("/admin/groupbuy/groupbuying/"))
    set_window(order, *NEW.values())
    exported = browser.post(f"{ORDERS}export/", {"kind": "csv"})
    text = b"".join(exported.streaming_content).decode()
    for moment_ in NEW.values():
        assert f"{timezone.localtime(moment_):%Y-%m-%d %H:%M:%S}" in text
