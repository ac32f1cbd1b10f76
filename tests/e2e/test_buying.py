"""A buyer with a phone, from the link in the chat to the pick-up code."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from groupbuy.models import GroupBuying, Order, OrderStatus, Payment
from groupbuy.orders import hand_over
from retail.principals import principal_of
from tests.support import factories
from tests.support.pages import ordered, pay

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.slow]


def fill_in(page, group_buying, *, qty=1):
    """Open the group buy, choose the quantity and open the order sheet."""
    page.goto(f"/g/{group_buying.pk}/")
    for _ in range(qty - 1):
        page.locator("#bar").get_by_role("button", name="增加一份").click()
    page.get_by_role("button", name="立即跟团").click()
    page.get_by_label("手机号").fill("13800008000")


def send(page):
    page.get_by_role("button", name="提交订单").click()


def test_order_two_pay_in_the_sandbox_and_see_the_code(page, group_buying):
    page.goto("/")
    page.get_by_role("link", name=group_buying.name).click()
    expect(page.get_by_role("heading", name=group_buying.name)).to_be_visible()
    page.locator("#bar").get_by_role("button", name="增加一份").click()
    expect(page.get_by_role("button", name="立即跟团")).to_contain_text("¥19.80")
    page.get_by_role("button", name="立即跟团").click()
    page.get_by_label("手机号").fill("13800008000")
    send(page)
    expect(page.get_by_role("heading", name="待付款")).to_be_visible()
    page.get_by_role("button", name="去支付").click()
    expect(page.get_by_text("不会扣钱")).to_be_visible()
    page.get_by_role("button", name="支付", exact=True).click()
    expect(page.get_by_role("heading", name="待备货")).to_be_visible()
    code = Order.objects.get().deliver_code
    expect(page.locator(".code")).to_have_text(f"{code[:4]} {code[4:]}")
    page.goto("/orders/")
    expect(page.get_by_text(f"{code[:4]} {code[4:]}")).to_be_visible()


def test_without_script_the_same_path_works(new_page, group_buying):
    page = new_page(java_script_enabled=False)
    page.goto(f"/g/{group_buying.pk}/")
    page.locator("#bar").get_by_label("份数").fill("2")
    page.get_by_role("button", name="立即跟团").click()
    page.get_by_label("手机号").fill("13800008000")
    send(page)
    page.get_by_role("button", name="去支付").click()
    page.get_by_role("button", name="支付", exact=True).click()
    expect(page.get_by_role("heading", name="待备货")).to_be_visible()
    assert Order.objects.get().qty == 2


def test_two_quick_taps_are_one_order(page, group_buying):
    fill_in(page, group_buying)
    page.get_by_role("button", name="提交订单").dblclick()
    expect(page.get_by_role("heading", name="待付款")).to_be_visible()
    assert Order.objects.count() == 1


def test_sold_out_while_the_sheet_was_open(page, group_buying):
    fill_in(page, group_buying, qty=2)
    GroupBuying.objects.update(taken=100)
    send(page)
    expect(page.get_by_role("alert")).to_have_text("已售罄")
    expect(page.get_by_role("button", name="提交订单")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#offer")).to_contain_text("已抢光")
    expect(page.locator("#bar")).to_contain_text("已经抢光了")


def test_the_price_moved_while_the_sheet_was_open(page, group_buying):
    fill_in(page, group_buying, qty=2)
    page.get_by_label("备注").fill("挑熟的")
    GroupBuying.objects.update(price=Decimal("12.00"))
    send(page)
    expect(page.get_by_role("alert")).to_have_text("价格已变化，请刷新后重新下单")
    expect(page.get_by_label("备注")).to_have_value("挑熟的")
    expect(page.get_by_role("button", name="提交订单")).to_contain_text("¥24.00")
    send(page)
    expect(page.get_by_role("heading", name="待付款")).to_be_visible()
    assert Order.objects.get().money == Decimal("24.00")


def test_the_bar_changes_by_itself_at_the_end(page, group_buying):
    GroupBuying.objects.update(end_at=timezone.now() + timedelta(seconds=4))
    page.goto(f"/g/{group_buying.pk}/")
    expect(page.get_by_role("button", name="立即跟团")).to_be_visible()
    expect(page.locator("#bar")).to_contain_text("这个团已经截单了")
    expect(page.locator("#bar")).to_contain_text("这个团已经结束了")
    expect(page.locator("#offer")).to_contain_text("已结束")


def test_the_bar_opens_by_itself_at_the_start(page, group_buying):
    GroupBuying.objects.update(start_at=timezone.now() + timedelta(seconds=3))
    page.goto(f"/g/{group_buying.pk}/")
    expect(page.locator("#bar")).to_contain_text("还没开团")
    page.get_by_role("button", name="立即跟团").click()
    page.get_by_label("手机号").fill("13800008000")
    send(page)
    expect(page.get_by_role("heading", name="待付款")).to_be_visible()


def test_the_countdown_runs_on_the_servers_clock(new_page, group_buying):
    page = new_page()
    page.clock.install(time=timezone.now() - timedelta(hours=9))
    GroupBuying.objects.update(end_at=timezone.now() + timedelta(hours=5, seconds=30))
    page.goto(f"/g/{group_buying.pk}/")
    page.clock.run_for(2_000)
    expect(page.locator("#offer .countdown")).to_have_text(re.compile("05:00:[12]"))


def test_the_order_page_turns_by_itself_when_the_payment_arrives(new_page, group_buying, buyer, now):
    order = ordered(buyer, group_buying, now=now)
    page, bank = new_page(user=buyer), new_page()
    page.goto(f"/o/{order.code}/")
    page.get_by_role("button", name="去支付").click()
    page.get_by_role("button", name="离开").click()
    expect(page.get_by_text("正在向银行确认")).to_be_visible()
    bank.goto(f"/sandbox/pay/{Payment.objects.get().prepay_id}/")
    bank.get_by_role("button", name="支付", exact=True).click()
    expect(bank.get_by_role("heading", name="支付完成")).to_be_visible()
    expect(page.get_by_role("heading", name="待备货")).to_be_visible()
    expect(page.locator("#said")).to_have_text("待备货")


def test_the_pay_button_goes_when_the_time_is_over(new_page, group_buying, buyer, now):
    order = ordered(buyer, group_buying, now=now)
    Order.objects.update(pay_deadline_at=timezone.now() + timedelta(seconds=3))
    page = new_page(user=buyer)
    page.goto(f"/o/{order.code}/")
    expect(page.get_by_role("button", name="去支付")).to_be_visible()
    expect(page.get_by_role("heading", name="付款超时")).to_be_visible()
    expect(page.get_by_role("button", name="去支付")).to_have_count(0)


def test_closing_asks_first(new_page, group_buying, buyer, now):
    order = ordered(buyer, group_buying, now=now)
    page = new_page(user=buyer)
    page.goto(f"/o/{order.code}/")
    page.get_by_role("button", name="取消订单").click()
    page.get_by_role("button", name="再想想").click()
    page.get_by_role("button", name="取消订单").click()
    page.get_by_role("button", name="确定").click()
    expect(page.get_by_role("heading", name="已取消")).to_be_visible()
    order.refresh_from_db()
    assert order.status == OrderStatus.CLOSED


def test_the_code_gives_way_to_completed_while_the_buyer_stands_at_the_counter(new_page, group_buying, buyer, clerk, now):
    order = pay(ordered(buyer, group_buying, now=now), now=now)
    page = new_page(user=buyer)
    page.goto(f"/o/{order.code}/")
    expect(page.locator(".code")).to_be_visible()
    hand_over.verify_code(shop_id=order.shop_id, code=order.deliver_code, principal=principal_of(clerk), now=now)
    # What the phone does when its screen is looked at again.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_role("heading", name="已取货")).to_be_visible()


def test_stock_and_recent_orders_arrive_on_the_open_page_and_the_chosen_quantity_stays(page, group_buying, tenant, now):
    GroupBuying.objects.update(per_order_limit=100)
    page.goto(f"/g/{group_buying.pk}/")
    page.locator("#bar").get_by_role("button", name="增加一份").click()
    other = factories.BuyerFactory(tenant=tenant, nickname="李小姐")
    pay(ordered(other, group_buying, now=now, qty=96), now=now)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#offer")).to_contain_text("仅剩 4 份")
    expect(page.locator("#recent")).to_contain_text("李**")
    expect(page.locator("#bar").get_by_label("份数")).to_have_value("2")


def test_a_parcel_asks_for_a_name_and_an_address_and_says_what_is_wrong_beside_it(page, group_buying):
    GroupBuying.objects.update(deliver_type=2)
    fill_in(page, group_buying)
    page.get_by_label("收货人").fill("王秀英")
    page.get_by_label("省份").select_option("江苏省")
    page.get_by_label("市、区县").fill("苏州市姑苏区")
    page.get_by_label("详细地址").fill("1号")
    send(page)
    expect(page.get_by_text("请填写完整的街道和门牌号")).to_be_visible()
    page.get_by_label("详细地址").fill("平江路 88 号")
    send(page)
    expect(page.get_by_text("王秀英 13800008000")).to_be_visible()
    assert Order.objects.get().address == "江苏省 苏州市姑苏区 平江路 88 号"


def test_the_quantity_stays_within_the_limit(page, group_buying):
    GroupBuying.objects.update(per_buyer_limit=3)
    page.goto(f"/g/{group_buying.pk}/")
    field = page.locator("#bar").get_by_label("份数")
    field.fill("9")
    expect(field).to_have_value("3")
    expect(page.locator("#bar").get_by_role("button", name="增加一份")).to_be_disabled()
    field.fill("0")
    field.blur()
    expect(field).to_have_value("1")


def test_sharing_shows_the_own_link_and_copies_it(new_page, group_buying, buyer):
    page = new_page(user=buyer, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/g/{group_buying.pk}/")
    page.get_by_role("button", name="分享").click()
    expect(page.get_by_role("heading", name="分享给邻居")).to_be_visible()
    page.get_by_role("button", name="复制链接").click()
    expect(page.get_by_text("链接已复制")).to_be_visible()
    share = group_buying.shares.get(user=buyer)
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"/g/{group_buying.pk}/?share={share.pk}")


def test_the_keyboard_alone_opens_fills_and_leaves_the_sheet(page, group_buying):
    page.goto(f"/g/{group_buying.pk}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    button = page.get_by_role("button", name="立即跟团")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="确认订单")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="确认订单")).to_be_hidden()
    expect(button).to_be_focused()
