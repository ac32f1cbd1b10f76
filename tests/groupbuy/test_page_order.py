"""The page of an order: each state in words, what may be done, and for nobody but its buyer."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from groupbuy import orders, payments
from groupbuy.models import Order, OrderStatus, Payment, PaymentUse, Refund
from groupbuy.orders import expiry, fulfilment, hand_over
from groupbuy.payments import by_hand, refunds, settling, short_delivery
from groupbuy.payments.attempts import PREPAY_LIFE
from groupbuy.payments.gateways import sandbox
from retail.principals import principal_of
from retail.rights import Role
from shops.models import ConfigItem, ConfigValue
from tests.support import factories
from tests.support.pages import browser_of, ordered, pay, words

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def headquarters(tenant):
    return principal_of(factories.StaffFactory(tenant=tenant, role=Role.HEADQUARTERS))


@pytest.fixture
def order(buyer, group_buying, now):
    return ordered(buyer, group_buying, now=now, qty=2)


@pytest.fixture
def client(buyer):
    return browser_of(buyer)


def look(client, order):
    return words(client.get(f"/o/{order.code}/"))


def act(client, order, action):
    """Press a button and read the page that it leads to."""
    return words(client.post(f"/o/{order.code}/{action}/", follow=True))


def test_an_unpaid_order_shows_the_amount_the_time_left_and_the_button(client, order):
    page = look(client, order)
    for part in ("待付款", "¥ 19 .80", "剩余支付时间", "去支付", "取消订单"):
        assert part in page
    assert "取货码" not in page


def test_it_is_there_for_its_buyer_alone(order, group_buying, tenant):
    others = [
        Client(),
        browser_of(factories.BuyerFactory(tenant=tenant)),
        browser_of(factories.BuyerFactory()),
        browser_of(factories.StaffFactory(tenant=tenant, role=Role.HEADQUARTERS)),
    ]
    for other in others:
        assert other.get(f"/o/{order.code}/").status_code == 404
        for action in ("news", "pay", "repay", "close", "receive", "delete"):
            assert other.post(f"/o/{order.code}/{action}/").status_code == 404
    order.refresh_from_db()
    assert order.status == OrderStatus.UNPAID
    assert order.hidden_at is None


def test_a_paid_pick_up_order_shows_its_code_in_two_halves_and_as_a_picture(client, order, now):
    code = pay(order, now=now).deliver_code
    response = client.get(f"/o/{order.code}/")
    assert "待备货" in words(response)
    assert f"{code[:4]} {code[4:]}" in words(response)
    assert 'role="img" aria-label="取货码二维码"' in response.content.decode()
    assert "去支付" not in words(response)


def test_the_way_from_paid_to_completed_is_told_step_by_step(client, order, now, headquarters):
    pay(order, now=now)
    fulfilment.confirm_orders(order_ids=[order.pk], principal=headquarters, now=now)
    assert "备货中" in look(client, order)
    fulfilment.deliver_orders(order_ids=[order.pk], principal=headquarters, now=now)
    page = look(client, order)
    assert "待取货 货已到店，请来取货" in page
    hand_over.verify_code(shop_id=order.shop_id, code=order.deliver_code, principal=headquarters, now=now)
    page = look(client, order)
    steps = ["已凭取货码取货", "货已到店，可以取货", "商家开始备货", "支付成功", "提交订单"]
    assert sorted(steps, key=page.index) == steps
    assert "订单已完成" not in page
    assert order.deliver_code not in page.replace(" ", "")
    assert "删除订单" in page


def test_a_paid_order_under_a_minimum_waits_for_the_group(client, order, group_buying, now):
    type(group_buying).objects.update(min_qty=10)
    pay(order, now=now)
    assert "待成团" in look(client, order)


def test_an_express_order_shows_carrier_number_and_address_and_is_received_by_its_buyer(client, buyer, group_buying, now, headquarters):
    type(group_buying).objects.update(deliver_type=2)
    order = pay(ordered(buyer, group_buying, now=now, address="上海市长宁区 1 号"), now=now)
    changes = {"carrier": "顺丰速运", "tracking_number": "SF123"}
    fulfilment.deliver_orders(order_ids=[order.pk], principal=headquarters, now=now, **changes)
    page = look(client, order)
    for part in ("已发货", "顺丰速运", "SF123", "上海市长宁区 1 号", "确认签收"):
        assert part in page
    page = act(client, order, "receive")
    assert "已确认" in page
    assert "您已确认签收" in page


def test_a_pick_up_is_confirmed_by_its_buyer_only_where_the_shop_allows_it_and_the_code_lives_on(client, order, shop, headquarters, now):
    pay(order, now=now)
    fulfilment.deliver_orders(order_ids=[order.pk], principal=headquarters, now=now)
    assert "确认取货" not in look(client, order)
    assert "请到店出示取货码取货" in act(client, order, "receive")
    item = ConfigItem.objects.get(code="buyer_receives_pick_up")
    ConfigValue.objects.create(item=item, tenant=shop.tenant, shop=shop, value="true")
    assert "确认取货" in look(client, order)
    assert "感谢惠顾" in act(client, order, "receive")
    order.refresh_from_db()
    assert order.status == OrderStatus.COMPLETED
    assert f"{order.deliver_code[:4]} {order.deliver_code[4:]}" in look(client, order)
    hand_over.verify_code(shop_id=order.shop_id, code=order.deliver_code, principal=headquarters, now=now)
    assert f"{order.deliver_code[:4]} {order.deliver_code[4:]}" not in look(client, order)


def test_paying_leads_to_the_sandbox_and_back_to_the_code(client, order):
    response = client.post(f"/o/{order.code}/pay/")
    prepay_id = Payment.objects.get().prepay_id
    assert response.url == f"/sandbox/pay/{prepay_id}/"
    back = client.post(response.url, {"outcome": "pay"})
    assert back.url == f"/o/{order.code}/"
    order.refresh_from_db()
    assert (order.status, len(order.deliver_code)) == (OrderStatus.PAID, 8)


def test_while_the_payment_is_unknown_the_page_asks_every_3_seconds_and_stops_by_itself(client, order, now):
    assert "every 3s" not in client.get(f"/o/{order.code}/").content.decode()
    payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now)
    page = client.get(f"/o/{order.code}/").content.decode()
    assert "every 3s" in page
    seen = page[page.index('"seen": "') + 9 :].split('"')[0].encode().decode("unicode_escape")
    assert client.post(f"/o/{order.code}/news/", {"seen": seen}).status_code == 204
    # The buyer paid, and the gateway's word is still to be asked for.
    sandbox.pay(Payment.objects.get().prepay_id, now=now)
    Payment.objects.update(asked_at=None)
    news = client.post(f"/o/{order.code}/news/", {"seen": seen})
    assert "待备货" in words(news)
    assert "every 3s" not in news.content.decode()


def test_a_failed_payment_may_be_started_again(client, order, now):
    pay(order, now=now, press=sandbox.fail)
    page = look(client, order)
    assert "支付没有成功" in page
    assert "重新支付" in page
    assert "支付失败，请重新支付" in act(client, order, "pay")
    response = client.post(f"/o/{order.code}/repay/")
    assert client.post(response.url, {"outcome": "pay"}).url == f"/o/{order.code}/"
    assert "支付成功" in look(client, order)


def test_a_prepay_that_is_too_old_is_started_anew(client, order, now):
    payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now)
    Payment.objects.update(prepaid_at=now - PREPAY_LIFE)
    assert "重新支付" in look(client, order)
    assert "支付凭证已过期，请重新支付" in act(client, order, "pay")
    assert client.post(f"/o/{order.code}/repay/").url.startswith("/sandbox/pay/")


def test_past_its_deadline_it_can_not_be_paid_and_then_it_is_expired(client, order, now):
    Order.objects.update(pay_deadline_at=now - MINUTE)
    page = look(client, order)
    assert "付款超时" in page
    assert "去支付" not in page
    assert "已超过支付时间" in act(client, order, "pay")
    expiry.expire_due(now=now)
    page = look(client, order)
    assert "超时已取消" in page
    assert "超时未付款，订单已取消" in page


def test_closing_gives_the_stock_back_and_says_so(client, order, group_buying):
    page = act(client, order, "close")
    assert "订单已取消" in page
    assert "您取消了订单" in page
    group_buying.refresh_from_db()
    assert group_buying.taken == 0


def test_closing_what_was_paid_meanwhile_says_so(client, order, now):
    payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now)
    sandbox.pay(Payment.objects.get().prepay_id, now=now)
    page = act(client, order, "close")
    assert "订单已支付" in page
    assert "取货码" in page


def test_deleting_takes_it_off_the_list_and_the_page_away_but_no_row(client, order):
    assert "请先取消订单" in act(client, order, "delete")
    orders.close_order(order_id=order.pk, principal=principal_of(order.buyer), now=order.created_at)
    page = act(client, order, "delete")
    assert "订单已删除" in page
    assert "还没有订单" in page
    assert client.get(f"/o/{order.code}/").status_code == 404
    assert Order.objects.count() == 1


def test_a_whole_refund_hides_the_code_until_it_is_back(client, order, now, headquarters):
    pay(order, now=now)
    refund = refunds.refund_order(order_id=order.pk, amount=None, reason="坏果", principal=headquarters, now=now)
    page = look(client, order)
    assert "退款中，原路退回 ¥19.80" in page
    assert order.deliver_code not in page.replace(" ", "")
    assert "坏果" not in page
    refunds.send(refund, now=now)
    page = look(client, order)
    assert "已退款" in page
    assert "已退款，原路退回 ¥19.80" in page


def test_a_partial_refund_leaves_the_order_as_it_is(client, order, now, headquarters):
    pay(order, now=now)
    refunds.send(refunds.refund_order(order_id=order.pk, amount=Decimal("5.00"), reason="", principal=headquarters, now=now), now=now)
    page = look(client, order)
    assert "待备货" in page
    assert "已退款，原路退回 ¥5.00" in page
    assert f"{order.deliver_code[:4]} {order.deliver_code[4:]}" in page


def test_a_refund_in_trouble_is_said_without_alarm(client, order, now, headquarters):
    pay(order, now=now)
    refunds.refund_order(order_id=order.pk, amount=None, reason="", principal=headquarters, now=now)
    Refund.objects.update(state="abnormal")
    assert "退款遇到了问题，门店正在处理" in look(client, order)


def test_a_short_delivery_is_told_with_its_units_and_money(client, order, now, headquarters):
    pay(order, now=now)
    [refund] = short_delivery.refund_missing(missing={order.pk: 1}, reason="产地少发", intent="f", principal=headquarters, now=now)
    page = look(client, order)
    assert "缺货 1 份，退款中，原路退回 ¥9.90" in page
    assert "产地少发" not in page
    assert f"{order.deliver_code[:4]} {order.deliver_code[4:]}" in page
    refunds.send(refund, now=now)
    assert "缺货 1 份，已退款，原路退回 ¥9.90" in look(client, order)


@pytest.mark.parametrize(("state", "words_of_it"), [("abnormal", "退款异常，门店正在处理"), ("rejected", "退款异常，门店正在处理")])
def test_each_refund_in_trouble_says_so_until_a_person_ended_it(client, order, now, headquarters, state, words_of_it):
    pay(order, now=now)
    refund = refunds.refund_order(order_id=order.pk, amount=None, reason="", principal=headquarters, now=now)
    Refund.objects.update(state=state, next_check_at=None)
    assert f"{words_of_it} ¥19.80" in look(client, order)
    by_hand.record_returned(refund_id=refund.pk, note="银行转账 0042", principal=headquarters, now=now)
    page = look(client, order)
    assert "已退款，由门店办理 ¥19.80" in page
    assert "门店已办理退款" in page
    assert "原路" not in page
    assert "银行转账" not in page


def test_a_refund_that_was_given_up_is_not_told(client, order, now, headquarters):
    pay(order, now=now)
    refund = refunds.refund_order(order_id=order.pk, amount=None, reason="", principal=headquarters, now=now)
    Refund.objects.update(state="rejected", next_check_at=None)
    by_hand.drop(refund_id=refund.pk, note="换货", principal=headquarters, now=now)
    assert "退款" not in look(client, order)


def test_late_money_whose_refund_was_refused_is_not_said_to_be_nothing(client, order, now):
    payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now)
    prepay_id = Payment.objects.get().prepay_id
    Order.objects.update(status=OrderStatus.CLOSED, holds_stock=False)
    settling.settle(sandbox.pay(prepay_id, now=now), source="test", now=now)
    Refund.objects.update(state="rejected", next_check_at=None)
    page = look(client, order)
    assert "退款遇到了问题，门店正在处理" in page
    assert "没有扣款" not in page
    assert "删除订单" not in page


def test_money_that_came_too_late_is_on_its_way_back(client, order, now):
    payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now)
    prepay_id = Payment.objects.get().prepay_id
    Order.objects.update(status=OrderStatus.CLOSED, holds_stock=False)
    settling.settle(sandbox.pay(prepay_id, now=now), source="test", now=now)
    page = look(client, order)
    assert "退款中" in page
    assert "删除订单" not in page


@pytest.fixture
def held(order, now):
    """One yuan came in for 19.80."""
    payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now)
    Payment.objects.update(state="paid", use=PaymentUse.HELD, received=Decimal("1.00"), received_at=now)
    return Payment.objects.get()


def test_held_money_sends_the_buyer_to_the_shop(client, order, held):
    page = look(client, order)
    assert "付款核实中 正在核实这笔款项，请联系门店" in page
    assert "款项核实中，请联系门店 ¥1.00" in page
    assert "去支付" not in page
    assert "支付结果核对中，请联系门店" in act(client, order, "pay")


@pytest.mark.parametrize("status", [OrderStatus.EXPIRED, OrderStatus.CLOSED])
def test_held_money_is_not_forgotten_when_the_order_ends(client, order, held, status):
    Order.objects.update(status=status, holds_stock=False)
    page = look(client, order)
    assert "付款核实中" in page
    assert "删除订单" not in page


def test_once_held_money_goes_back_the_order_can_be_paid_again(client, order, held, headquarters, now):
    by_hand.refund_held(payment_id=held.pk, principal=headquarters, now=now)
    page = look(client, order)
    assert "退款中，原路退回 ¥1.00" in page
    assert "去支付" in page
    assert client.post(f"/o/{order.code}/pay/").url.startswith("/sandbox/pay/")


def test_too_many_tries_to_pay_are_said_on_the_page(client, order, settings):
    settings.API_THROTTLES = True
    settings.THROTTLES_PER_MINUTE = settings.THROTTLES_PER_MINUTE | {"buyer_pay": 0}
    assert "操作太频繁" in act(client, order, "pay")


def test_over_the_share_of_questions_the_page_answers_from_what_is_known(client, order, settings, now):
    payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now)
    sandbox.pay(Payment.objects.get().prepay_id, now=now)
    settings.API_THROTTLES = True
    settings.THROTTLES_PER_MINUTE = settings.THROTTLES_PER_MINUTE | {"buyer_check": 0}
    assert "待付款" in words(client.post(f"/o/{order.code}/news/", {"seen": ""}))


def test_the_page_takes_the_same_queries_however_long_its_story(client, order, now, headquarters, django_assert_num_queries):
    client.get(f"/o/{order.code}/")
    with django_assert_num_queries(9):
        client.get(f"/o/{order.code}/")
    pay(order, now=now)
    for _ in range(5):
        refunds.refund_order(order_id=order.pk, amount=Decimal("1.00"), reason="", principal=headquarters, now=now)
    with django_assert_num_queries(10):
        client.get(f"/o/{order.code}/")
