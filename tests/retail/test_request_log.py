"""Every answer and every line of the log name the request that they belong to."""

import logging
import re

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from config import schedule
from retail import jobs
from retail.models import WeChatIdentity
from shops.models import Shop
from tests.support import factories
from tests.support.clients import ApiClient, DeviceClient
from tests.support.pages import browser_of, ordered

pytestmark = pytest.mark.django_db
FRESH = re.compile(r"[0-9a-f]{32}")


def lose_the_key_of(shop: Shop) -> None:
    """What is left of a secret when its key is gone from ENCRYPTION_KEYS: the row can't be read any more."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shops_shop SET app_secret = %s WHERE id = %s", ["gAAAAAB-of-13812345678", shop.pk])


def oddly(**environ) -> Client:
    return Client(raise_request_exception=False, **environ)


def csrf_failure(path: str):
    return Client(enforce_csrf_checks=True).post(path, {}, headers={"Referer": "https://evil.example/?phone=13812345678"}, secure=True)


ANSWERS = {
    "a page": (200, "", lambda shop: Client().get("/")),
    "an address that nobody has": (404, "", lambda shop: Client().get("/nobody/13812345678/")),
    "a page that nobody has": (404, "o/<str:code>/", lambda shop: Client().get("/o/2601151010114711/?phone=13812345678")),
    "the admin": (302, "admin/", lambda shop: Client().get("/admin/")),
    "a search in the admin": (
        200,
        "admin/groupbuy/order/",
        lambda shop: browser_of(factories.StaffFactory(tenant=shop.tenant)).get("/admin/groupbuy/order/?q=13812345678"),
    ),
    "an endpoint": (
        200,
        "api/marketing/groupbuy/getorderstatuslist",
        lambda shop: ApiClient().get("/api/Marketing/GroupBuy/GetOrderStatusList/"),
    ),
    "an endpoint's 404": (404, "api/marketing/groupbuy/get", lambda shop: ApiClient().get("/api/marketing/groupbuy/get", id=999)),
    "an endpoint that nobody has": (404, "", lambda shop: ApiClient().get("/api/nobody/13812345678")),
    "a body that is too large": (413, "", lambda shop: ApiClient().client.generic("POST", "/api/shop/get", b"", CONTENT_LENGTH=str(10**9))),
    "a form from elsewhere": (403, "admin/login/", lambda shop: csrf_failure("/admin/login/")),
    "another host": (400, "", lambda shop: oddly(SERVER_NAME="nobody.example").get("/")),
    "health": (200, "healthz/live", lambda shop: Client().get("/healthz/live")),
    "readiness": (200, "healthz/ready", lambda shop: Client().get("/healthz/ready")),
    "the schema": (200, "api/schema/", lambda shop: Client().get("/api/schema/")),
    "a notification": (401, "api/pay/wechat/notify", lambda shop: Client().post("/api/pay/wechat/notify", {})),
    "a crash of a page": (500, "s/<id:pk>/", lambda shop: lose_the_key_of(shop) or oddly().get(f"/s/{shop.pk}/?phone=13812345678")),
    "a crash of an endpoint": (
        500,
        "api/shop/getlist",
        lambda shop: lose_the_key_of(shop) or DeviceClient(shop).get("/api/shop/getlist", keyword="13812345678"),
    ),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_every_answer_has_an_id_and_its_lines_too(shop, logged, answer):
    status, route, ask = ANSWERS[answer]
    response = ask(shop)
    assert response.status_code == status
    assert FRESH.fullmatch(response["X-Request-ID"])
    (line,) = [line for line in logged.access if line["request_id"] == response["X-Request-ID"]]
    assert (line["status"], line["route"].removesuffix("/")) == (status, route.removesuffix("/"))
    assert line["ms"] >= 0
    assert {line["request_id"] for line in logged.lines if "run_id" not in line} == {response["X-Request-ID"]}
    assert "13812345678" not in logged.text
    assert "2601151010114711" not in logged.text


def test_a_crash_leaves_its_traceback_and_not_what_it_said(shop, logged):
    lose_the_key_of(shop)
    oddly().get(f"/s/{shop.pk}/")
    (crash,) = logged.of("django.request")
    assert "in from_db_value" in crash["exc_info"]
    assert "django.core.exceptions.ImproperlyConfigured: A stored secret can" in crash["exc_info"]
    assert crash["request_id"] == logged.access[0]["request_id"]


@transaction.atomic
def saved(row) -> bool:
    row.save()
    return True


def test_what_the_database_quotes_of_a_row_is_not_logged(tenant, logged):
    """PostgreSQL: ``DETAIL:  Key (app_id, open_id)=(wx…, o…) already exists.``"""
    first = factories.IdentityFactory(user=factories.BuyerFactory(tenant=tenant), open_id="oPenIdOfSomebody")
    again = WeChatIdentity(user=factories.BuyerFactory(tenant=tenant), app_id=first.app_id, open_id=first.open_id)
    jobs.each([again], saved)
    (line,) = logged.of("retail.jobs")
    assert line["message"] == "WeChatIdentity None could not be dealt with"
    assert "IntegrityError" in line["exc_info"]
    assert "oPenIdOfSomebody" not in logged.text


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('duplicate key violates "order_code"\nDETAIL:  Key (phone)=(13812345678) already exists.', 'duplicate key violates "order_code"'),
        ('invalid input syntax for type integer: "13812345678"', "invalid input syntax for type integer: …"),
        ("GET /sns/jscode2session?appid=wx&secret=abcdef", "GET …"),
        ("no such person: 小美 in 田林", "no such person: … in …"),
        ("Retrying (Retry(total=2)) after /o/2601151010114711/", "Retrying … after /o/…"),
        ("NOT NULL constraint failed: groupbuy_order.code", "NOT NULL constraint failed: groupbuy_order.code"),
        ("", ""),
    ],
)
def test_a_message_of_others_keeps_its_words_and_loses_its_values(logged, said, told):
    logging.getLogger("library").warning("%s", said)
    try:
        raise ValueError(said)
    except ValueError:
        logging.getLogger("retail").exception("failed")
    library, own = logged.lines
    assert library["message"] == told
    assert own["exc_info"].endswith(f"builtins.ValueError: {told}")


def test_a_proxys_id_is_taken_when_there_is_one_to_trust(settings, db):
    sent = {"X-Request-ID": "edge-7f3a91c2"}
    assert FRESH.fullmatch(Client().get("/healthz/live", headers=sent)["X-Request-ID"])
    settings.TRUSTED_PROXIES = 1
    assert Client().get("/healthz/live", headers=sent)["X-Request-ID"] == "edge-7f3a91c2"
    for malformed in ("short", "x" * 65, "line\nbreak-12", "spaced out id", "身份证号码一二三四"):
        answered = Client().get("/healthz/live", HTTP_X_REQUEST_ID=malformed)
        assert FRESH.fullmatch(answered["X-Request-ID"])


def test_two_requests_have_two_ids(db):
    assert len({Client().get("/healthz/live")["X-Request-ID"] for _ in range(3)}) == 3


def test_a_line_says_who_asked_by_number_alone(logged, api, shop, buyer, headquarters):
    api.anonymous.get("/api/shop/getlist")
    api.as_user(buyer).get("/api/shop/getlist")
    api.as_user(headquarters).get("/api/shop/getlist")
    api.as_device(shop).get("/api/shop/getlist")
    browser_of(buyer).get("/orders/")
    browser_of(factories.BuyerFactory(tenant=None, username="root", is_staff=True, is_superuser=True)).get("/admin/")
    who = [(line.get("role"), line.get("user"), line.get("shop")) for line in logged.access]
    assert who[:5] == [
        ("anonymous", None, None),
        ("buyer", buyer.pk, None),
        ("staff", headquarters.pk, None),
        ("device", None, shop.pk),
        ("buyer", buyer.pk, None),
    ]
    assert who[5][0] == "platform"


@pytest.mark.django_db(transaction=True)
def test_a_job_has_an_id_of_its_own_for_each_run(logged, group_buying, buyer, now):
    for _ in range(2):
        ordered(buyer, group_buying, now=now)
        group_buying.orders.update(pay_deadline_at=now)
        schedule.run("expire", now=timezone.now())
    runs = [line for line in logged.of("config.schedule") if line["message"] == "expire: 1"]
    assert [line["job"] for line in runs] == ["expire", "expire"]
    assert len({line["run_id"] for line in runs}) == 2


def test_nobody_is_asked_who_they_are_for_the_log_alone(count_queries, buyer):
    browser = browser_of(buyer)
    assert count_queries(lambda: browser.get("/healthz/live")) == 0
