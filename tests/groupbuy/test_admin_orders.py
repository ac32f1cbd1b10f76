"""What staff do with orders in the admin, each through its service and a page with figures."""

from datetime import timedelta

import pytest

from groupbuy.models import DeliverType, GroupBuying, Order, OrderStatus, PaymentState, Refund
from groupbuy.orders import fulfilment
from retail.principals import principal_of
from retail.rights import Role
from tests.support import factories
from tests.support.back_office import answered, page, said
from tests.support.pages import browser_of, ordered, pay, words
from tests.support.sheets import csv_rows, export

pytestmark = pytest.mark.django_db
LIST = "/admin/groupbuy/order/"


@pytest.fixture
def paid(buyer, group_buying, now):
    return pay(ordered(buyer, group_buying, now=now, qty=2), now=now)


@pytest.fixture
def unpaid(buyer, group_buying, now):
    return ordered(buyer, group_buying, now=now)


def status(order):
    return Order.objects.get(pk=order.pk).status


def test_a_clerk_confirms_chosen_orders_after_seeing_them(clerk, buyer, group_buying, now, paid):
    other = pay(ordered(buyer, group_buying, now=now), now=now)
    chosen = {"action": "confirm", "_selected_action": [paid.pk, other.pk]}
    browser = browser_of(clerk)
    asked = words(browser.post(LIST, chosen | {"index": "0"}))
    assert "份数 3" in asked
    assert "金额 ¥29.70" in asked
    assert status(paid) == OrderStatus.PAID
    done = browser.post(LIST, chosen | answered(), follow=True)
    assert said(done) == ["2 个订单开始备货"]
    assert {status(paid), status(other)} == {OrderStatus.CONFIRMED}
    event = paid.events.get(to_status=OrderStatus.CONFIRMED)
    assert (event.actor, event.actor_kind) == (clerk, "staff")


def test_orders_that_can_not_be_confirmed_are_skipped_aloud(clerk, paid, unpaid):
    chosen = {"action": "confirm", "_selected_action": [paid.pk, unpaid.pk]} | answered()
    done = browser_of(clerk).post(LIST, chosen, follow=True)
    assert said(done) == ["1 个订单的状态不符，已跳过", "1 个订单开始备货"]
    assert (status(paid), status(unpaid)) == (OrderStatus.CONFIRMED, OrderStatus.UNPAID)


def test_all_of_a_filtered_list_are_the_rows_that_were_seen(clerk, buyer, group_buying, now, paid):
    chosen = {"action": "confirm", "_selected_action": [paid.pk], "select_across": "1", "index": "0"}
    asked = browser_of(clerk).post(f"{LIST}?stage=paid", chosen)
    late = pay(ordered(buyer, group_buying, now=now), now=now)
    assert asked.context["selected"] == [str(paid.pk)]
    sent = {"action": asked.context["action"], "_selected_action": asked.context["selected"]} | answered()
    browser_of(clerk).post(f"{LIST}?stage=paid", sent)
    assert (status(paid), status(late)) == (OrderStatus.CONFIRMED, OrderStatus.PAID)


def test_an_express_order_needs_carrier_and_number(clerk, buyer, shop, now):
    express = factories.GroupBuyingFactory(tenant=shop.tenant, shop=shop, deliver_type=DeliverType.EXPRESS)
    order = pay(ordered(buyer, express, now=now, address="上海市徐汇区 1 号"), now=now)
    browser = browser_of(clerk)
    refused = browser.post(page(order, "deliver_one"), answered(carrier="顺丰"))
    assert "tracking_number" in refused.context["form"].errors
    browser.post(page(order, "deliver_one"), answered(carrier="顺丰", tracking_number="SF1"))
    order.refresh_from_db()
    assert (order.status, order.carrier, order.tracking_number) == (OrderStatus.SHIPPED, "顺丰", "SF1")


def test_a_pick_up_order_arrives_without_a_form(clerk, paid):
    done = browser_of(clerk).post(page(paid, "deliver_one"), answered(), follow=True)
    assert said(done) == ["已通知 1 个订单的顾客取货"]
    assert status(paid) == OrderStatus.SHIPPED


def test_a_refusal_of_the_service_is_shown_in_words(clerk, unpaid):
    done = browser_of(clerk).post(page(unpaid, "confirm_one"), answered(), follow=True)
    assert said(done) == ["当前状态不允许此操作"]


def test_headquarters_refunds_a_part_and_then_the_rest(headquarters, paid):
    browser = browser_of(headquarters)
    assert "可退 ¥19.80" in words(browser.get(page(paid, "refund")))
    browser.post(page(paid, "refund"), answered(amount="5.00", reason="坏果", intent="a"))
    assert "可退 ¥14.80" in words(browser.get(page(paid, "refund")))
    done = browser.post(page(paid, "refund"), answered(amount="", reason="坏果", intent="b"), follow=True)
    assert said(done) == ["已登记退款 ¥14.80，稍后由系统提交到支付渠道"]
    refunds = Refund.objects.order_by("pk").values_list("amount", "reason", "user")
    assert [(str(amount), reason, user) for amount, reason, user in refunds] == [
        ("5.00", "坏果", headquarters.pk),
        ("14.80", "坏果", headquarters.pk),
    ]


def test_a_double_click_refunds_once(headquarters, paid):
    browser = browser_of(headquarters)
    for _ in range(2):
        browser.post(page(paid, "refund"), answered(amount="5.00", reason="坏果", intent="same"))
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("amount", ["19.81", "0", "-1", "1e9", "0.001"])
def test_a_refund_beyond_the_money_is_refused(headquarters, paid, amount):
    answer = browser_of(headquarters).post(page(paid, "refund"), answered(amount=amount, reason="坏果", intent="a"))
    assert "amount" in answer.context["form"].errors
    assert not Refund.objects.exists()


def test_a_refund_wants_a_reason(headquarters, paid):
    answer = browser_of(headquarters).post(page(paid, "refund"), answered(intent="a"))
    assert "reason" in answer.context["form"].errors


def test_nobody_in_a_shop_refunds(clerk, manager, paid):
    for person in (clerk, manager):
        browser = browser_of(person)
        assert browser.post(page(paid, "refund"), answered(reason="坏果", intent="a")).status_code == 403
        assert page(paid, "refund") not in browser.get(page(paid)).content.decode()
    assert not Refund.objects.exists()


def test_a_manager_closes_an_unpaid_order_and_a_clerk_does_not(clerk, manager, unpaid, group_buying):
    assert browser_of(clerk).post(page(unpaid, "close_order"), answered()).status_code == 403
    browser_of(manager).post(page(unpaid, "close_order"), answered())
    assert status(unpaid) == OrderStatus.CLOSED
    group_buying.refresh_from_db()
    assert group_buying.taken == 0


def test_the_page_shows_the_timeline_the_money_and_what_can_be_done(headquarters, clerk, paid):
    Refund.objects.create(payment=paid.payments.get(), out_refund_no="R1", intent="x", amount="1.00", reason="坏果")
    seen = words(browser_of(headquarters).get(page(paid)))
    for expected in ("已付款 支付渠道", "待付款 顾客", "¥19.80", "−¥1.00", "坏果", "开始备货", "退款"):
        assert expected in seen
    assert "取消订单" not in seen
    assert "支付与退款" not in words(browser_of(clerk).get(page(paid)))


def test_a_payment_can_be_asked_about_again(manager, buyer, group_buying, now):
    order = pay(ordered(buyer, group_buying, now=now), now=now)
    done = browser_of(manager).post(page(order, "recheck"), answered(), follow=True)
    assert said(done) == ["支付渠道的结果：已收款"]
    payment = order.payments.get()
    done = browser_of(manager).post(page(payment, "recheck"), answered(), follow=True)
    assert said(done) == ["支付渠道的结果：已收款"]
    assert payment.state == PaymentState.PAID


def test_every_action_leaves_an_entry_in_the_history(clerk, paid):
    browser = browser_of(clerk)
    browser.post(page(paid, "confirm_one"), answered())
    seen = words(browser.get(page(paid, "history")))
    assert "1 个订单开始备货" in seen
    assert clerk.nickname in seen


def test_an_order_can_not_be_written_by_hand(headquarters, paid):
    assert browser_of(headquarters).post(page(paid), {"status": 4, "money": "0.01"}).status_code == 403
    assert browser_of(headquarters).get(f"{LIST}add/").status_code == 403


@pytest.mark.parametrize("term", ["code", "nickname", "phone", "product"])
def test_an_order_is_found_by_what_people_know_of_it(manager, paid, shop, now, term):
    known = {"code": paid.code[-6:], "nickname": paid.buyer.nickname, "phone": paid.phone[-4:], "product": paid.product_name}
    other = factories.GroupBuyingFactory(tenant=shop.tenant, shop=shop, product__name="荔枝", name="荔枝团")
    stranger = factories.BuyerFactory(tenant=shop.tenant, nickname="无关的人")
    hidden = ordered(stranger, other, now=now)
    Order.objects.filter(pk=hidden.pk).update(phone="13911112222", code="ZZ0")
    seen = words(browser_of(manager).get(LIST, {"q": known[term]}))
    assert paid.code in seen
    assert "ZZ0" not in seen


def test_staff_of_two_shops_see_both(tenant, shop, now, buyer, group_buying):
    second = factories.GroupBuyingFactory(tenant=tenant)
    person = factories.StaffFactory(tenant=tenant, role=Role.CLERK, shops=[shop, second.shop])
    orders = [ordered(buyer, one, now=now) for one in (group_buying, second)]
    seen = words(browser_of(person).get(LIST))
    assert all(order.code in seen for order in orders)


def test_the_list_and_its_file_are_narrowed_by_the_arguments_of_the_api(headquarters, tenant, group_buying, now):
    small, large = (pay(ordered(factories.BuyerFactory(tenant=tenant), group_buying, now=now, qty=qty), now=now) for qty in (1, 3))
    browser = browser_of(headquarters)
    for query, shown, hidden in (
        (f"moneyFrom={large.money}", large, small),
        (f"moneyTo={small.money}", small, large),
    ):
        seen = words(browser.get(f"/admin/groupbuy/order/?{query}"))
        assert shown.code in seen
        assert hidden.code not in seen
        assert [row["订单编号"].strip() for row in csv_rows(export(browser, Order, query))] == [shown.code]
    assert csv_rows(export(browser, Order, "paidFrom=2099-01-01")) == []


@pytest.mark.parametrize("query", ["moneyFrom=1e400", "paidTo=yesterday", "moneyTo=１"])
def test_a_range_that_can_not_be_understood_leads_back_to_the_list(headquarters, query):
    answer = browser_of(headquarters).get(f"/admin/groupbuy/order/?{query}")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/groupbuy/order/?e=1")


def test_an_overdue_order_is_reminded_of_twice_and_then_ended_with_a_reason(clerk, manager, buyer, group_buying, now):
    order = pay(ordered(buyer, group_buying, now=now), now=now)
    GroupBuying.objects.update(pick_up_from=now - timedelta(days=2), pick_up_until=now - timedelta(hours=1))
    by_clerk, by_manager = browser_of(clerk), browser_of(manager)
    assert "记一次提醒" not in words(by_clerk.get(page(order)))
    fulfilment.deliver_orders(order_ids=[order.pk], principal=principal_of(clerk), now=now)
    assert "按逾期未取完成" not in words(by_clerk.get(page(order)))
    for count in (0, 1):
        refused = by_manager.post(page(order, "complete_overdue"), answered(ending="spoiled"), follow=True)
        assert said(refused) == [f"至少提醒顾客两次之后才能完成，已提醒 {count} 次"]
        done = by_clerk.post(page(order, "record_reminder"), answered(note="打过电话，说明天来"), follow=True)
        assert said(done) == ["已记下这次提醒"]
    done = by_manager.post(page(order, "complete_overdue"), answered(ending="spoiled", note="烂了"), follow=True)
    assert said(done) == ["订单已按逾期未取完成"]
    told = words(done)
    for part in ("已变质处理：烂了", "打过电话，说明天来", "已完成（未核销）"):
        assert part in told


def test_a_parcels_number_is_put_right_once(clerk, paid):
    Order.objects.update(status=OrderStatus.SHIPPED, deliver_type=DeliverType.EXPRESS, carrier="顺丰速运", tracking_number="SF1")
    browser = browser_of(clerk)
    assert 'value="SF1"' in browser.get(page(paid, "correct_parcel")).content.decode()
    typed = answered(carrier="顺丰速运", tracking_number="SF2")
    done = browser.post(page(paid, "correct_parcel"), typed, follow=True)
    assert said(done) == [f"订单 {paid.code} 的物流已更正"]
    assert "顺丰速运 SF1 → 顺丰速运 SF2" in words(done)
    assert page(paid, "correct_parcel") not in done.content.decode()
    again = browser.post(page(paid, "correct_parcel"), typed | {"tracking_number": "SF3"}, follow=True)
    assert said(again) == ["物流已经更正过一次，微信不接受第二次更正"]
