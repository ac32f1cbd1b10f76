"""The counter: eight digits in, goods out, next please."""

from datetime import timedelta

import pytest
from django.utils import timezone

from groupbuy.models import Order, OrderStatus, Refund, WrongCode
from groupbuy.orders import fulfilment, group_buyings
from retail import dates
from retail.principals import principal_of
from retail.rights import Role
from shops.models import ConfigItem, ConfigValue
from tests.support import factories
from tests.support.back_office import said
from tests.support.pages import browser_of, ordered, pay, words

pytestmark = pytest.mark.django_db
COUNTER = "/admin/groupbuy/verify/"
WRONG = "取货码不正确，请核对后重新输入，并看清是不是本店的订单"


@pytest.fixture
def paid(buyer, group_buying, now):
    return pay(ordered(buyer, group_buying, now=now, qty=2, remark="要红一点的"), now=now)


def typed(order, **values):
    return {"shop": order.shop_id, "code": order.deliver_code} | values


def test_the_counter_reads_when_the_goods_were_to_be_collected(clerk, paid, now):
    browser = browser_of(clerk)
    assert "取货时间 —" in words(browser.post(COUNTER, typed(paid)))
    window = now + timedelta(days=2), now + timedelta(days=3)
    Order.objects.update(pick_up_from=window[0], pick_up_until=window[1])
    assert f"取货时间 {dates.span_in_words(*window, timezone.localdate(now))}" in words(browser.post(COUNTER, typed(paid)))


def test_the_code_leads_to_the_order_and_the_button_completes_it(clerk, paid):
    browser = browser_of(clerk)
    found = words(browser.post(COUNTER, typed(paid)))
    for expected in (paid.product_name, "×2", paid.buyer.nickname, "要红一点的"):
        assert expected in found
    assert Order.objects.get().status == OrderStatus.PAID
    done = browser.post(COUNTER, typed(paid, handed_over="1"), follow=True)
    assert "已核销" in said(done)[0]
    assert Order.objects.get().status == OrderStatus.COMPLETED
    assert 'name="code"' in done.content.decode()
    assert "autofocus" in done.content.decode()


@pytest.mark.parametrize("spelt", ["{0} {1}", " {0}{1} ", "{0}-{1}", "full width"])
def test_a_code_may_be_typed_as_it_is_read_out(clerk, paid, spelt):
    code = paid.deliver_code
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    sent = wide if spelt == "full width" else spelt.format(code[:4], code[4:])
    assert paid.product_name in words(browser_of(clerk).post(COUNTER, typed(paid, code=sent)))


@pytest.mark.parametrize("code", ["", "123", "123456789", "abcdefgh", "²²²²²²²²"])
def test_what_is_no_code_is_said_at_once_and_not_counted(clerk, paid, code):
    answer = browser_of(clerk).post(COUNTER, typed(paid, code=code))
    assert answer.context["form"].errors
    assert not WrongCode.objects.exists()


def test_wrong_codes_are_counted_and_end_in_a_pause(clerk, paid):
    Order.objects.update(deliver_code="11112222")
    browser = browser_of(clerk)
    for number in range(5):
        wrong = browser.post(COUNTER, typed(paid, code=f"9999888{number}"), follow=True)
    assert said(wrong) == [WRONG]
    paused = browser.post(COUNTER, {"shop": paid.shop_id, "code": "11112222"}, follow=True)
    assert said(paused)[0].startswith("连续输错次数过多，请在 ")
    assert 'id="pause" data-until=' in paused.content.decode()


def test_one_scan_is_one_wrong_code_and_handing_over_begins_anew(clerk, paid):
    browser = browser_of(clerk)
    for number in range(4):
        for _ in range(2):
            browser.post(COUNTER, typed(paid, code=f"{(int(paid.deliver_code) + number + 1) % 10**8:08d}"))
    assert WrongCode.objects.count() == 4
    # A code that somebody knows buys no more guesses.
    assert paid.product_name in words(browser.post(COUNTER, typed(paid)))
    assert WrongCode.objects.count() == 4
    browser.post(COUNTER, typed(paid, handed_over="1"))
    assert not WrongCode.objects.exists()


def test_a_manager_ends_a_pause_and_nobody_else(clerk, manager, paid):
    browser = browser_of(clerk)
    for number in range(5):
        browser.post(COUNTER, typed(paid, code=f"{(int(paid.deliver_code) + number + 1) % 10**8:08d}"))
    sent = {"user_id": clerk.pk, "shop_id": paid.shop_id}
    colleague = factories.StaffFactory(tenant=clerk.tenant, role=Role.CLERK, shops=[paid.shop])
    browser_of(colleague).post(f"{COUNTER}lift/", sent)
    assert WrongCode.objects.count() == 5
    boss = browser_of(manager)
    assert f"{clerk.nickname}在{paid.shop}连续输错取货码" in words(boss.get(COUNTER))
    assert said(boss.post(f"{COUNTER}lift/", sent, follow=True)) == [f"{clerk.nickname} 可以继续核销了"]
    assert paid.product_name in words(browser.post(COUNTER, typed(paid)))
    # Of somebody who isn't paused not even the name is told.
    assert clerk.nickname not in "".join(said(boss.post(f"{COUNTER}lift/", sent, follow=True)))


def test_a_used_code_says_when_and_by_whom_and_is_not_counted(clerk, paid):
    browser = browser_of(clerk)
    browser.post(COUNTER, typed(paid, handed_over="1"))
    again = browser.post(COUNTER, typed(paid, handed_over="1"), follow=True)
    order = Order.objects.get()
    assert said(again)[-1] == f"这个取货码已于 {timezone.localtime(order.handed_over_at):%m-%d %H:%M} 由{clerk.nickname}核销"
    assert not WrongCode.objects.exists()


def test_a_waiting_order_comes_before_the_newest_that_used_its_code(clerk, paid, buyer, group_buying, now):
    browser = browser_of(clerk)
    browser.post(COUNTER, typed(paid, handed_over="1"))
    later = pay(ordered(buyer, group_buying, now=now, qty=3), now=now)
    Order.objects.filter(pk=later.pk).update(deliver_code=paid.deliver_code)
    assert "×3" in words(browser.post(COUNTER, typed(paid)))


def test_goods_whose_buyer_confirmed_them_can_still_be_handed_over(clerk, buyer, paid, shop, now):
    item = ConfigItem.objects.get(code="buyer_receives_pick_up")
    ConfigValue.objects.create(item=item, tenant=shop.tenant, shop=shop, value="true")
    fulfilment.deliver_orders(order_ids=[paid.pk], principal=principal_of(clerk), now=now)
    fulfilment.receive_order(order_id=paid.pk, principal=principal_of(buyer), now=now)
    browser = browser_of(clerk)
    assert "确认取货，商品还没有核销" in words(browser.post(COUNTER, typed(paid)))
    assert "已核销" in said(browser.post(COUNTER, typed(paid, handed_over="1"), follow=True))[0]
    assert Order.objects.get().handed_over_by == clerk


def test_an_undecided_group_hands_nothing_over_until_a_manager_declares_it_reached(clerk, manager, paid, group_buying, now):
    type(group_buying).objects.update(min_qty=50)
    browser = browser_of(clerk)
    assert "还没成团" in words(browser.post(COUNTER, typed(paid)))
    assert said(browser.post(COUNTER, typed(paid, handed_over="1"), follow=True))[0].startswith("还没成团")
    group_buyings.declare_reached(group_buying_id=group_buying.pk, principal=principal_of(manager), now=now)
    assert "已核销" in said(browser.post(COUNTER, typed(paid, handed_over="1"), follow=True))[-1]


def test_an_order_being_refunded_is_not_handed_over(clerk, paid):
    Refund.objects.create(payment=paid.payments.get(), out_refund_no="R1", intent="x", amount=paid.money)
    browser = browser_of(clerk)
    assert "退款中 请不要交货" in words(browser.post(COUNTER, typed(paid)))
    refused = browser.post(COUNTER, typed(paid, handed_over="1"), follow=True)
    assert said(refused) == ["退款中"]
    assert Order.objects.get().status == OrderStatus.PAID


def test_another_shops_code_is_wrong_here_and_the_other_shop_no_choice(clerk, paid, tenant):
    other = factories.ShopFactory(tenant=tenant)
    stranger = factories.StaffFactory(tenant=tenant, role=Role.CLERK, shops=[other])
    browser = browser_of(stranger)
    assert "shop" in browser.post(COUNTER, typed(paid)).context["form"].errors
    wrong = browser.post(COUNTER, typed(paid, shop=other.pk), follow=True)
    assert said(wrong) == [WRONG]


def test_the_only_shop_needs_no_choice_and_a_chosen_one_is_remembered(clerk, headquarters, paid, tenant):
    assert "<select" not in browser_of(clerk).get(COUNTER).content.decode()
    factories.ShopFactory(tenant=tenant, code="aaa")
    browser = browser_of(headquarters)
    assert browser.get(COUNTER).context["chosen"] != paid.shop_id
    browser.post(COUNTER, typed(paid, handed_over="1"))
    assert browser.get(COUNTER).context["chosen"] == paid.shop_id


def test_a_clerk_without_a_shop_is_told_so(tenant):
    nobody = factories.StaffFactory(tenant=tenant, role=Role.CLERK)
    assert "还没有分配门店" in words(browser_of(nobody).get(COUNTER))


def test_a_phone_gets_a_number_pad(clerk):
    assert 'inputmode="numeric"' in browser_of(clerk).get(COUNTER).content.decode()


def test_of_a_refunded_order_nothing_is_handed_over_and_little_is_told(clerk, paid):
    Order.objects.update(status=OrderStatus.REFUNDED, holds_stock=False)
    browser = browser_of(clerk)
    page = browser.post(COUNTER, typed(paid))
    assert "订单已退款，不能交货" in words(page)
    assert "handed_over" not in page.content.decode()
    for hidden in (paid.phone, "要红一点的"):
        assert hidden not in page.content.decode()
    assert said(browser.post(COUNTER, typed(paid, handed_over="1"), follow=True)) == ["订单已退款，不能交货"]
    assert not WrongCode.objects.exists()


@pytest.mark.parametrize("wanted", ["abc", "²", "9" * 30, ""])
def test_a_shop_that_is_none_is_said(clerk, paid, wanted):
    answer = browser_of(clerk).post(COUNTER, typed(paid, shop=wanted))
    assert answer.status_code == 200


def test_nobody_lifts_the_own_pause(manager, paid):
    browser = browser_of(manager)
    for number in range(5):
        browser.post(COUNTER, typed(paid, code=f"{(int(paid.deliver_code) + number + 1) % 10**8:08d}"))
    answer = browser.post(f"{COUNTER}lift/", {"user_id": manager.pk, "shop_id": paid.shop_id}, follow=True)
    assert said(answer)[-1] == "自己的暂停请由其他店长或总部解除"
    assert WrongCode.objects.count() == 5
