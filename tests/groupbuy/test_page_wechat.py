"""Paying on the pages with WeChat's own window, which is there for whom the tenant's app knows."""

import html
import json

import pytest
from django.test import Client

from groupbuy.models import Order, OrderStatus
from tests.support.pages import browser_of, submit, words
from tests.support.wechat import fresh, notify, packed

pytestmark = pytest.mark.django_db


def window_of(response):
    """What the page hands to WeChat's window."""
    page = response.content.decode()
    return json.loads(html.unescape(page[page.index('data-wechat-pay="') + 17 :].split('"')[0]))


def test_the_page_hands_wechat_parameters_that_it_accepts(fake_wechat, wechat_order, wechat_buyer):
    client = browser_of(wechat_buyer)
    window = window_of(client.post(f"/o/{wechat_order.code}/pay/"))
    assert window.pop("appId") == wechat_buyer.wechat_identities.get().app_id
    answer = fake_wechat.control("request_payment", **window)
    assert notify(*packed(fake_wechat, answer["notification"])).status_code == 204
    assert "取货码" in words(client.get(f"/o/{wechat_order.code}/"))
    assert fresh(wechat_order).status == OrderStatus.PAID


def test_a_buyer_whom_the_app_knows_orders_on_the_page(fake_wechat, group_buying, wechat_buyer):
    assert submit(browser_of(wechat_buyer), group_buying).status_code == 302


def test_a_visitor_is_sent_to_the_mini_program_before_anything_is_taken(fake_wechat, group_buying):
    page = words(Client().get(f"/g/{group_buying.pk}/"))
    assert "请在微信小程序里下单" in page
    assert "立即跟团" not in page
    typed = {"qty": 1, "unit_price": "9.90", "key": "k" * 22, "phone": "13800008000"}
    assert "请在微信小程序里下单" in words(Client().post(f"/g/{group_buying.pk}/", typed))
    assert not Order.objects.exists()
