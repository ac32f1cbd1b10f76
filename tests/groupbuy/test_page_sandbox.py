"""The sandbox's pay page plays the bank for whoever holds the prepay id."""

import pytest
from django.test import Client

from groupbuy import payments
from groupbuy.models import Order, OrderStatus, Payment
from retail.principals import principal_of
from tests.support.pages import browser_of, ordered, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(buyer, group_buying, now):
    order = ordered(buyer, group_buying, now=now, qty=2)
    parameters = payments.start_payment(order_id=order.pk, principal=principal_of(buyer), now=now)
    return f"/sandbox/pay/{parameters.pre_pay_id}/"


def status():
    return Order.objects.get().status


def test_it_shows_the_amount_and_that_it_is_a_sandbox(path):
    page = words(Client().get(path))
    for part in ("演示支付", "不会扣钱", "¥ 19 .80", "支付失败", "离开"):
        assert part in page


def test_a_script_pays_without_session_or_token(path):
    response = Client(enforce_csrf_checks=True).post(path, {"outcome": "pay"})
    assert response.status_code == 200
    assert "支付完成" in words(response)
    assert status() == OrderStatus.PAID


def test_it_leads_its_owner_back_and_nobody_else(path, buyer):
    order = Order.objects.get()
    assert browser_of(buyer).post(path, {"outcome": "leave"}).url == f"/o/{order.code}/"
    page = Client().post(path, {"outcome": "leave"})
    assert "还没有支付" in words(page)
    assert f"/o/{order.code}/" not in page.content.decode()
    assert status() == OrderStatus.UNPAID


def test_a_failure_closes_the_trade(path):
    assert "支付失败" in words(Client().post(path, {"outcome": "fail"}))
    assert status() == OrderStatus.PAY_FAILED
    assert "这笔支付已失效" in words(Client().post(path, {"outcome": "pay"}))
    assert status() == OrderStatus.PAY_FAILED


def test_paying_twice_is_paid_once(path):
    for _ in range(2):
        assert "支付完成" in words(Client().post(path, {"outcome": "pay"}))
    assert Payment.objects.get().use == "applied"


def test_another_outcome_is_400_and_an_unknown_prepay_404(path):
    assert Client().post(path, {"outcome": "steal"}).status_code == 400
    assert Client().post(path).status_code == 400
    assert Client().get("/sandbox/pay/sbnothing/").status_code == 404
    assert status() == OrderStatus.UNPAID


def test_with_real_money_there_is_no_such_page(path, settings):
    settings.PAYMENT_GATEWAY = "wechat"
    assert Client().get(path).status_code == 404
    assert Client().post(path, {"outcome": "pay"}).status_code == 404
    assert status() == OrderStatus.UNPAID
