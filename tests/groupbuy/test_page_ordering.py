"""Ordering on the page of a group buy, without script."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from groupbuy.models import IdempotencyKey, Order
from retail.models import User
from shops.models import ConfigItem, ConfigValue
from tests.support import factories
from tests.support.pages import browser_of, order_sheet, ordered, submit, words
from tests.support.races import at_once

pytestmark = pytest.mark.django_db


def test_a_visitor_becomes_a_buyer_of_the_session_by_the_first_order(group_buying):
    client = Client()
    response = submit(client, group_buying, qty=2, remark="放门口")
    order = Order.objects.get()
    assert response.url == f"/o/{order.code}/"
    assert (order.qty, order.money, order.phone, order.remark) == (2, Decimal("19.80"), "13800008000", "放门口")
    assert (order.buyer.nickname, order.buyer.username, order.buyer.tenant) == ("微信用户", None, group_buying.tenant)
    assert client.get(response.url).status_code == 200


def test_the_phone_is_remembered_for_the_next_order(group_buying):
    client = Client()
    submit(client, group_buying, phone="139 0000 1111")
    assert order_sheet(client, group_buying)["phone"] == "139 0000 1111"
    submit(client, group_buying)
    assert Order.objects.values("buyer").distinct().count() == 1


def test_looking_makes_nobody_a_buyer_and_no_session(group_buying):
    client = Client()
    client.get(f"/g/{group_buying.pk}/")
    assert "sessionid" not in client.cookies
    assert not User.objects.buyers().exists()


def tap(sheet, group_buying, *, of=None):
    """One press of the button, as it leaves the browser ``of`` while no answer of another has come: without a session yet."""
    client = Client()
    if of is not None:
        client.cookies["browser"] = of.cookies["browser"].value
    return client, client.post(f"/g/{group_buying.pk}/", sheet)


def test_two_taps_on_one_form_are_one_order_of_one_visitor(group_buying):
    browser = Client()
    sheet = order_sheet(browser, group_buying) | {"phone": "13800008000"}
    (_, first), (second_session, second) = (tap(sheet, group_buying, of=browser) for _ in range(2))
    assert first.url == second.url
    assert User.objects.buyers().count() == 1
    assert Order.objects.count() == 1
    assert second_session.get(second.url).status_code == 200


def test_a_third_tap_after_the_answer_is_that_order_too(group_buying):
    browser = Client()
    sheet = order_sheet(browser, group_buying) | {"phone": "13800008000"}
    first, second = (browser.post(f"/g/{group_buying.pk}/", sheet) for _ in range(2))
    assert first.url == second.url
    assert Order.objects.count() == 1


@pytest.mark.parametrize("cookie", ["none", "its own", "empty", "a made one", "the page's"])
def test_a_form_key_logs_no_other_browser_in(group_buying, cookie):
    """Whoever copies the key from a page, a screen or a log is a visitor of their own."""
    browser, other = Client(), Client()
    sheet = order_sheet(browser, group_buying) | {"phone": "13800008000"}
    _, first = tap(sheet, group_buying, of=browser)
    if cookie == "its own":
        order_sheet(other, group_buying)
    made = {"empty": "", "a made one": "a" * 22, "the page's": sheet["csrfmiddlewaretoken"]}.get(cookie)
    if made is not None:
        # The whole page was copied: it holds the secret against forged forms.
        other.cookies["browser"], other.cookies["csrftoken"] = made, sheet["csrfmiddlewaretoken"]
    second = other.post(f"/g/{group_buying.pk}/", sheet)
    assert second.url != first.url
    assert other.get(first.url).status_code == 404
    assert User.objects.buyers().count() == 2


@pytest.mark.parametrize("key", ["a" * 16, "a" * 22, "a" * 46, "a" * 48])
def test_a_key_of_ones_own_making_leads_to_nobody(group_buying, key):
    first, second = (submit(Client(), group_buying, key=key) for _ in range(2))
    assert first.url != second.url


def test_a_form_found_later_does_not_lead_into_the_session_of_who_sent_it(group_buying, now):
    browser = Client()
    sheet = order_sheet(browser, group_buying) | {"phone": "13800008000"}
    _, first = tap(sheet, group_buying, of=browser)
    IdempotencyKey.objects.update(created_at=now - timedelta(minutes=11))
    finder, found = tap(sheet, group_buying, of=browser)
    assert found.url != first.url
    assert finder.get(first.url).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_two_taps_at_the_same_moment_are_one_order_too(group_buying):
    browser = Client()
    sheet = order_sheet(browser, group_buying) | {"phone": "13800008000"}
    answers = at_once(lambda _: tap(sheet, group_buying, of=browser)[1].url, range(4))
    assert len(set(answers)) == 1
    assert User.objects.buyers().count() == 1
    assert Order.objects.count() == 1


def test_a_key_of_the_api_leads_no_visitor_into_its_buyers_session(group_buying, api, buyer):
    factories.IdentityFactory(user=buyer)
    body = {"groupBuyingId": group_buying.pk, "qty": 1}
    key = "a" * 22
    for name in (key, f"page-{key}"):
        api.as_user(buyer).post("/api/marketing/groupbuy/createorder", body, headers={"Idempotency-Key": name})
    submit(Client(), group_buying, key=key)
    assert Order.objects.order_by("-pk").first().buyer != buyer


def test_the_same_form_with_another_quantity_is_said_kindly(group_buying):
    client = Client()
    sheet = order_sheet(client, group_buying) | {"phone": "13800008000"}
    client.post(f"/g/{group_buying.pk}/", sheet)
    page = words(client.post(f"/g/{group_buying.pk}/", sheet | {"qty": "3"}))
    assert "您刚才已经提交过一笔订单" in page
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"price": Decimal("12.00")}, "价格已变化，请刷新后重新下单"),
        ({"taken": 99}, "库存不足，仅剩 1 份"),
        ({"taken": 100}, "已售罄"),
        ({"in_use": False}, "团购已下架"),
        ({"start_at": timedelta(hours=1)}, "团购尚未开始"),
        ({"end_at": timedelta(0)}, "团购已结束"),
        ({"per_buyer_limit": 1}, "每人限购 1 份，您已购 0 份"),
    ],
)
def test_what_changed_while_the_page_was_open_is_said_on_the_page(group_buying, now, change, part):
    client = Client()
    sheet = order_sheet(client, group_buying) | {"phone": "13800008000", "qty": "2", "remark": "挑熟的"}
    for name, value in change.items():
        setattr(group_buying, name, now + value if isinstance(value, timedelta) else value)
    group_buying.save()
    response = client.post(f"/g/{group_buying.pk}/", sheet)
    assert response.status_code == 200
    assert part in words(response)
    assert not Order.objects.exists()
    assert not User.objects.buyers().exists()


def test_after_a_refusal_the_sheet_is_open_with_what_was_typed_and_the_new_price(group_buying):
    client = Client()
    sheet = order_sheet(client, group_buying) | {"phone": "13800008000", "qty": "2", "remark": "挑熟的"}
    type(group_buying).objects.update(price=Decimal("12.00"))
    page = client.post(f"/g/{group_buying.pk}/", sheet).content.decode()
    assert '<dialog id="sheet" class="sheet" aria-labelledby="sheet-title" open>' in page
    assert 'value="挑熟的"' in page
    assert 'value="13800008000"' in page
    assert 'name="unit_price" value="12.00"' in page
    assert sheet["key"] not in page


def test_a_fourth_unpaid_order_is_refused(group_buying, buyer):
    client = browser_of(buyer)
    for _ in range(3):
        submit(client, group_buying)
    assert "您有多笔待付款的订单，请先付款或取消" in words(submit(client, group_buying))


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ({"phone": ""}, "请填写手机号"),
        ({"phone": "不告诉你"}, "请填写正确的电话号码"),
        ({"qty": "0"}, "至少要 1 份"),
        ({"qty": ""}, "请填写份数"),
        ({"qty": "9" * 30}, "没有这么多"),
        ({"unit_price": "NaN"}, "页面内容已过期，请再提交一次"),
        ({"key": ""}, "页面内容已过期，请再提交一次"),
        ({"remark": "长" * 201}, "200"),
        ({"remark": "空\0字符"}, "空字符"),
    ],
)
def test_what_is_typed_wrong_is_said_beside_it(group_buying, typed, part):
    response = submit(Client(), group_buying, **typed)
    assert response.status_code == 200
    assert part in words(response)
    assert not Order.objects.exists()


def test_an_express_order_asks_for_an_address_and_remembers_it(group_buying):
    group_buying.deliver_type = 2
    group_buying.save()
    client = Client()
    assert "请填写收货地址" in words(submit(client, group_buying))
    submit(client, group_buying, address="上海市长宁区 1 号")
    assert Order.objects.get().address == "上海市长宁区 1 号"
    assert "上海市长宁区 1 号" in client.get(f"/g/{group_buying.pk}/").content.decode()


def test_where_the_shop_needs_no_phone_none_is_asked(group_buying, shop):
    item = ConfigItem.objects.get(code="phone_required")
    ConfigValue.objects.create(item=item, tenant=shop.tenant, shop=shop, value="false")
    submit(Client(), group_buying, phone="")
    assert Order.objects.get().phone == ""


def test_htmx_is_sent_on_by_a_header(group_buying):
    client = Client()
    sheet = order_sheet(client, group_buying) | {"phone": "13800008000"}
    response = client.post(f"/g/{group_buying.pk}/", sheet, headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == f"/o/{Order.objects.get().code}/"


def test_without_script_the_button_leads_to_the_open_sheet_with_the_quantity(group_buying):
    page = Client().get(f"/g/{group_buying.pk}/?order=1&qty=3").content.decode()
    assert 'aria-labelledby="sheet-title" open' in page
    assert 'name="qty" value="3"' in page


def test_too_many_orders_in_a_minute_are_refused(group_buying, buyer, settings, now):
    settings.API_THROTTLES = True
    settings.THROTTLES_PER_MINUTE = settings.THROTTLES_PER_MINUTE | {"buyer_order": 0, "address": 0}
    for client in (browser_of(buyer), Client()):
        response = submit(client, group_buying)
        assert response.status_code == 429
        assert "操作太频繁" in words(response)


def test_a_form_without_the_csrf_token_is_refused_kindly(group_buying):
    client = Client(enforce_csrf_checks=True)
    response = client.post(f"/g/{group_buying.pk}/", {"qty": 1})
    assert response.status_code == 403
    assert "页面已过期" in words(response)


def test_a_missing_group_buy_is_404_for_every_method():
    for method in ("get", "post"):
        assert getattr(Client(), method)("/g/999999/").status_code == 404


def test_an_order_of_the_page_counts_against_the_limit(group_buying, buyer, now):
    ordered(buyer, group_buying, now=now, qty=2)
    type(group_buying).objects.update(per_buyer_limit=3)
    assert "每人限购 3 份，您已购 2 份" in words(submit(browser_of(buyer), group_buying, qty="2"))


def test_what_ties_a_form_to_its_browser_is_not_on_the_page(group_buying, settings):
    settings.SESSION_COOKIE_SECURE = True
    browser = Client()
    page = browser.get(f"/g/{group_buying.pk}/")
    cookie = page.cookies["browser"]
    assert cookie["httponly"] and cookie["secure"] and cookie["samesite"] == "Lax"
    assert cookie.value not in page.content.decode()
    # And stays the same, so that the form of an earlier window is still known.
    assert "browser" not in browser.get(f"/g/{group_buying.pk}/").cookies
