"""The life of an order on both sides of the counter: the buyer's phone and the staff's screen, by clicks alone."""

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from config import schedule
from groupbuy.models import GroupBuying, Order
from shops.models import ConfigItem, ConfigValue
from tests.e2e.reading import faults_of
from tests.support.back_office import page as address_of
from tests.support.pages import ordered, pay

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.slow]
DESK = {"width": 1280, "height": 900}
COUNTER = "/admin/groupbuy/verify/"
UNREACHED = "/admin/groupbuy/unreached/"
LATE = timedelta(days=1)


@pytest.fixture
def dated(group_buying, now) -> GroupBuying:
    """Its goods can be collected from the day after tomorrow's noon on, for eight hours."""
    start = timezone.localtime(now + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
    return set_dates(group_buying, start, start + timedelta(hours=8))


@pytest.fixture
def paid(dated, buyer, now) -> Order:
    return pay(ordered(buyer, dated, now=now), now=now)


@pytest.fixture
def phone(new_page, buyer) -> Page:
    return new_page(user=buyer)


@pytest.fixture
def desk(new_page, clerk) -> Page:
    """The clerk's screen."""
    return new_page(user=clerk, viewport=DESK)


@pytest.fixture
def office(new_page, manager) -> Page:
    """The manager's screen."""
    return new_page(user=manager, viewport=DESK)


def set_dates(group_buying: GroupBuying, pick_up_from: datetime, pick_up_until: datetime) -> GroupBuying:
    group_buying.pick_up_from, group_buying.pick_up_until = pick_up_from, pick_up_until
    group_buying.save(update_fields=["pick_up_from", "pick_up_until"])
    return group_buying


def announce(screen: Page, order: Order) -> None:
    """The goods are in the shop: say so on the order's page."""
    screen.goto(address_of(order))
    screen.get_by_role("link", name="通知取货").click()
    screen.get_by_role("button", name="通知取货").click()
    expect(screen.get_by_text("已通知 1 个订单")).to_be_visible()


def code_on(phone: Page, order: Order) -> str:
    """What the buyer reads out at the counter."""
    phone.goto(f"/o/{order.code}/")
    return phone.locator(".code").inner_text()


def type_code(screen: Page, code: str) -> None:
    """The page sends the code by itself once it is whole."""
    screen.goto(COUNTER)
    with screen.expect_navigation():
        screen.get_by_label("取货码").press_sequentially(code)


def hand_over(screen: Page) -> None:
    screen.get_by_role("button", name="已交货，核销").click()
    expect(screen.get_by_text("已核销")).to_be_visible()


def expect_collected(phone: Page, order: Order) -> None:
    phone.goto(f"/o/{order.code}/")
    expect(phone.get_by_role("heading", name="已取货")).to_be_visible()
    expect(phone.locator(".code")).to_have_count(0)


def test_ordered_paid_arrived_and_handed_over(phone, desk, dated, clerk):
    phone.goto(f"/g/{dated.pk}/")
    phone.get_by_role("button", name="立即跟团").click()
    phone.get_by_label("手机号").fill("13800008000")
    phone.get_by_role("button", name="提交订单").click()
    phone.get_by_role("button", name="去支付").click()
    phone.get_by_role("button", name="支付", exact=True).click()
    expect(phone.get_by_role("heading", name="待备货")).to_be_visible()
    order = Order.objects.get()

    announce(desk, order)
    code = code_on(phone, order)
    expect(phone.get_by_role("heading", name="待取货")).to_be_visible()
    expect(phone.locator(".ticket")).to_contain_text("12:00–20:00")
    assert faults_of(phone, "待取货") == []

    type_code(desk, code)
    hand_over(desk)
    expect_collected(phone, order)
    type_code(desk, code)
    order.refresh_from_db()
    said = desk.get_by_text(f"{timezone.localtime(order.handed_over_at):%H:%M}")
    expect(said).to_contain_text(clerk.nickname)
    expect(desk.get_by_role("button", name="已交货，核销")).to_have_count(0)


def test_an_undecided_group_is_declared_reached_before_its_goods_go(phone, desk, office, dated, paid):
    GroupBuying.objects.update(min_qty=50)
    code = code_on(phone, paid)
    expect(phone.get_by_role("heading", name="待成团")).to_be_visible()
    type_code(desk, code)
    expect(desk.get_by_text("请不要交货")).to_be_visible()
    expect(desk.get_by_role("button", name="已交货，核销")).to_have_count(0)

    office.goto(address_of(dated))
    office.get_by_role("link", name="提前成团").click()
    office.get_by_role("button", name="确认成团").click()
    expect(office.get_by_text("已提前成团")).to_be_visible()

    type_code(desk, code)
    hand_over(desk)
    expect_collected(phone, paid)


def test_an_overdue_pick_up_is_reminded_of_and_collected_a_day_late(phone, desk, office, dated, paid, now):
    announce(desk, paid)
    set_dates(dated, now - LATE - timedelta(hours=8), now - LATE)
    office.goto("/admin/groupbuy/order/")
    office.get_by_role("link", name="逾期未取", exact=True).click()
    office.get_by_role("link", name=paid.code).click()
    office.get_by_role("link", name="记一次提醒").click()
    office.get_by_label("怎么说的").fill("打过电话，明天下午来取")
    office.get_by_role("button", name="记下").click()
    expect(office.locator(".story")).to_contain_text("打过电话，明天下午来取")

    code = code_on(phone, paid)
    expect(phone.get_by_role("heading", name="逾期未取")).to_be_visible()
    assert faults_of(phone, "逾期未取") == []
    type_code(desk, code)
    hand_over(desk)
    expect_collected(phone, paid)


def test_where_buyers_confirm_themselves_the_code_still_fetches_the_goods(phone, desk, paid, shop):
    item = ConfigItem.objects.get(code="buyer_receives_pick_up")
    ConfigValue.objects.create(item=item, tenant=shop.tenant, shop=shop, value="true")
    announce(desk, paid)
    code = code_on(phone, paid)
    phone.get_by_role("button", name="确认取货").click()
    phone.get_by_role("button", name="确定").click()
    expect(phone.get_by_role("heading", name="已完成")).to_be_visible()
    expect(phone.locator(".code")).to_have_text(code)

    type_code(desk, code)
    expect(desk.get_by_text(re.compile("顾客已于 .+ 确认取货"))).to_be_visible()
    hand_over(desk)
    expect_collected(phone, paid)


def test_whom_no_message_reached_is_one_tap_away_on_a_clerks_phone(new_page, clerk, desk, paid):
    announce(desk, paid)
    schedule.JOBS["outbox"][0](now=timezone.now())
    pocket = new_page(user=clerk)
    pocket.goto(UNREACHED)
    expect(pocket.get_by_role("link", name=paid.phone)).to_have_attribute("href", f"tel:{paid.phone}")
    assert faults_of(pocket, UNREACHED, within=".unreached") == []
    pocket.get_by_role("button", name="已电话告知").click()
    expect(pocket.get_by_role("link", name=paid.phone)).to_have_count(0)


def test_five_wrong_codes_pause_the_clerk_until_the_manager_lifts_it(phone, desk, office, paid):
    code = code_on(phone, paid)
    wrong = int(code.replace(" ", ""))
    for step in range(1, 6):
        type_code(desk, f"{(wrong + step) % 10**8:08d}")
    desk.goto(COUNTER)
    expect(desk.locator("#pause time")).to_have_text(re.compile(r"^1[45]:\d\d$"))

    office.goto(COUNTER)
    office.get_by_role("button", name="解除暂停").click()
    expect(office.get_by_text("可以继续核销")).to_be_visible()
    type_code(desk, code)
    hand_over(desk)
