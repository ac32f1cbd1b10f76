"""Whatever people, devices and WeChat do, the log names no person and no secret, also at ``LOG_LEVEL=DEBUG``.

``django.db.backends`` writes statements with their values, but only under ``DEBUG=on``, which no public address starts with.
"""

import base64
import logging
from io import StringIO

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from groupbuy.models import OrderStatus
from shops.models import Shop
from tests.contract.calls import GROUP, SHOP
from tests.contract.test_leaks import logged_canaries, pages
from tests.contract.world import World
from tests.support.back_office import answered, page
from tests.support.clients import ApiClient, DeviceClient
from tests.support.logs import Written
from tests.support.pages import browser_of, order_sheet

pytestmark = pytest.mark.slow

LOGIN, WECHAT_LOGIN = "/api/auth/login", "/api/auth/wechatlogin"
PHONE, ADDRESS, REMARK = "13766667777", "漕宝路 66 弄 5 号", "门口第三个柜子"
PASSWORD, MISTYPED = "xiguan-2026-tuan", "my-real-password-2026"
TYPED = (PHONE, ADDRESS, REMARK, PASSWORD, MISTYPED, "小美美")


def typed_in(written: Written) -> list[str]:
    return [word for word in TYPED if word in written.words]


def assert_silent(world: World, written: Written) -> None:
    tokens = [client.headers["Authorization"].split()[1] for client in world.clients.values() if "Authorization" in client.headers]
    assert logged_canaries(world, written) == []
    assert [token for token in tokens if token in written.words] == []
    assert typed_in(written) == []


def test_the_search_can_see(world, logged):
    """Whatever our own code would let slip, as text, as Chinese, or in an exception of a library."""
    order = world.corners[0].orders[OrderStatus.PAID]
    logging.getLogger("groupbuy.orders").debug("order of %s, %s", order.phone, order.buyer.nickname)
    assert {found.split(" of ")[0] for found in logged_canaries(world, logged)} >= {"PAID phone", "buyer's name"}
    logging.getLogger("groupbuy").info(PHONE, extra={"address": ADDRESS})
    assert typed_in(logged) == [PHONE, ADDRESS]


def test_looking_and_buying(world, logged):
    for who in ("A", "B", "B2", "B3", "C", "H"):
        browser = browser_of(world.people[who]) if who != "A" else Client()
        for address in pages(world):
            browser.get(address, {"phone": PHONE, "q": ADDRESS})
    buyer = browser_of(world.people["B"])
    group_buying = world.corners[0].group_buying
    sheet = order_sheet(buyer, group_buying) | {"phone": PHONE, "address": ADDRESS, "remark": REMARK}
    bought = buyer.post(f"/g/{group_buying.pk}/", sheet)
    assert bought.status_code == 302
    buyer.post(f"/g/{group_buying.pk}/", sheet | {"phone": f"{PHONE}x"})
    for step in ("pay/", "news/", "repay/", "close/", "delete/", "receive/", "nothing/"):
        buyer.post(f"{bought.url}{step}", {"phone": PHONE})
    Client(enforce_csrf_checks=True).post(f"/g/{group_buying.pk}/", sheet, headers={"Referer": f"https://elsewhere.example/?{PHONE}"})
    Client(raise_request_exception=False).get("/", SERVER_NAME=f"{PHONE}.example")
    assert {line["route"] for line in logged.access} >= {"o/<str:code>/", "g/<id:pk>/", "o/<str:code>/pay/"}
    assert_silent(world, logged)


def addresses_of(world: World):
    """Lists, and the pages of every row."""
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        yield from (page(row, kind) for row in model._default_manager.all()[:2] for kind in ("change", "history"))


@pytest.mark.parametrize("who", ["C", "M", "H"])
def test_the_admin(world, logged, who):
    browser = browser_of(world.people[who])
    order = world.corners[0].orders[OrderStatus.PAID]
    for address in addresses_of(world):
        browser.get(address)
    for term in (order.phone, order.buyer.nickname, "oB7-buyer-open-id-1", order.deliver_code, order.code, PHONE):
        browser.get("/admin/groupbuy/order/", {"q": term})
        browser.get("/admin/retail/user/", {"q": term, "phone": term})
        browser.get("/admin/autocomplete/", {"term": term, "app_label": "groupbuy", "model_name": "order", "field_name": "group_buying"})
    browser.post("/admin/groupbuy/verify/", {"shop": order.shop_id, "code": order.deliver_code})
    assert 403 in {line["status"] for line in logged.access}
    assert_silent(world, logged)


def test_what_headquarters_does_with_secrets_and_people(world, logged):
    browser = browser_of(world.people["S"])
    shop, clerk, order = world.corners[0].shop, world.people["C"], world.corners[0].orders[OrderStatus.PAID]
    assert shop.app_secret in browser.post(page(shop, "show_secret"), answered()).content.decode()
    browser.post(page(shop, "rotate_secret"), answered())
    browser.post(page(clerk, "new_password"), answered(password=PASSWORD, again=PASSWORD))
    browser.post(page(clerk, "new_password"), answered(password=MISTYPED, again=PASSWORD))
    browser.post(page(order, "refund"), answered(amount="1.00", reason=REMARK, intent="a"))
    browser.post("/admin/retail/user/add/", {"username": "xiaomei", "nickname": "小美美", "phone": PHONE, "role": "clerk"})
    assert Shop.objects.get(pk=shop.pk).app_secret not in logged.words
    assert_silent(world, logged)


def test_logging_in_rightly_and_wrongly(world, logged, settings):
    settings.AXES_FAILURE_LIMIT = 3
    manager = world.people["M"]
    for name, password in ((manager.username, MISTYPED), (MISTYPED, PASSWORD), (PHONE, ""), (manager.username, "demo-pass-2026")):
        ApiClient().post(LOGIN, {"username": name, "password": password})
        Client().post("/admin/login/", {"username": name, "password": password})
    for _ in range(3):
        ApiClient().post(LOGIN, {"username": manager.username, "password": MISTYPED})
        Client().post("/admin/login/", {"username": manager.username, "password": MISTYPED})
    for sent in (
        {"code": f"sandbox:{PHONE}", "phoneCode": f"sandbox:{PHONE}", "userName": "小美美"},
        {"code": MISTYPED},
        {"code": PHONE, "appId": MISTYPED},
    ):
        ApiClient().post(WECHAT_LOGIN, sent)
    ApiClient(Authorization=f"Bearer {MISTYPED}").get(SHOP + "getlist")
    world.clients["C"].post("/api/auth/logout")
    causes = {cause for line in logged.refusals for cause in line.removeprefix("refused: ").split("; ")}
    assert causes >= {f"log-in failed, account {manager.pk}", "log-in failed, no such account", "locked out"}
    assert "demo-pass-2026" not in logged.words
    assert_silent(world, logged)


def test_devices_and_what_is_no_proper_request(world, logged):
    shop = world.corners[0].shop
    wrong = DeviceClient(Shop(app_key=shop.app_key, app_secret="sk_guessed_secret_9"))
    for client in (world.clients["D"], wrong):
        client.get(SHOP + "getshopinfo", shopid=shop.pk, key="MK-4C4C4544-1")
        client.get(SHOP + "getshopinfo", shopid=shop.pk, key=MISTYPED)
    for secret in (shop.app_secret, "sk_guessed_secret_9"):
        for switch in (True, False):
            Shop.objects.filter(pk=shop.pk).update(allows_basic_auth=switch)
            credentials = base64.b64encode(f"{shop.app_key}:{secret}".encode()).decode()
            ApiClient(Authorization=f"Basic {credentials}").get(SHOP + "getlist", keyword=PHONE)
            assert credentials not in logged.words
    client = world.clients["B"]
    for body in (
        f'{{"phone": "{PHONE}", ',
        f'{{"phone": "{PHONE}", "phone": "{ADDRESS}"}}',
        f'"{PHONE}"',
        f'{{"userId": 1, "remark": "{REMARK}"}}',
    ):
        for content_type in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
            client.client.generic("POST", GROUP + "createorder", body.encode(), content_type, headers=client.headers)
    client.get(f"/api/{PHONE}")
    client.get(GROUP + "getorderlist", keyword=PHONE, userId=1)
    assert "sk_guessed_secret_9" not in logged.words
    assert {line["status"] for line in logged.access} >= {200, 400, 401, 403, 404, 415}
    assert_silent(world, logged)


def test_crashes(world, logged):
    """A row that can't be read any more: its key is gone."""
    shop = world.corners[0].shop
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shops_shop SET app_secret = %s WHERE id = %s", [f"gAAAA-{PHONE}", shop.pk])
    Client(raise_request_exception=False).get(f"/s/{shop.pk}/", {"phone": PHONE})
    browser = browser_of(world.people["H"])
    browser.raise_request_exception = False
    browser.get(page(shop), {"q": PHONE})
    world.clients["D"].get(SHOP + "getlist", keyword=PHONE)
    assert [line["status"] for line in logged.access] == [500, 500, 500]
    assert len([line for line in logged.lines if "ImproperlyConfigured" in line.get("exc_info", "")]) == 3
    assert_silent(world, logged)


def test_commands(world, logged):
    out = StringIO()
    shop = world.corners[0].shop
    for command in (["doctor"], ["scale", "--shop", shop.code, "--tenant", shop.tenant.code, "--base-url", "http://127.0.0.1:9"]):
        try:
            call_command(*command, stdout=out)
        except CommandError as error:
            logging.getLogger("config").debug("the command said %s", error)
    assert shop.app_secret not in out.getvalue()
    assert_silent(world, logged)
