"""What credentials are worth, where they may stand, and how often they may be tried."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from knox.models import AuthToken

from groupbuy.api import wechat_notify
from groupbuy.storefront.views.bank import SandboxPay
from retail.logs.client_ip import client_ip
from tests.contract.calls import CALLS, GROUP, PRODUCT, SHOP, Aim
from tests.contract.specification import METHODS
from tests.contract.who import MAY
from tests.support.clients import ApiClient
from tests.support.pages import BACKEND

LIST = GROUP + "getorderlist"


def token_in(client: ApiClient) -> str:
    return client.headers["Authorization"].split()[1]


def test_a_token_is_opaque_and_stored_as_a_hash(world):
    token = token_in(world.clients["B"])
    rows = AuthToken.objects.filter(user=world.people["B"]).values()
    assert rows
    assert token not in json.dumps(list(rows), default=str)
    assert len(token) >= 64


def test_a_token_lives_hours_and_then_is_worth_nothing(world):
    (row,) = AuthToken.objects.filter(user=world.people["B"])
    assert timedelta(hours=1) <= row.expiry - row.created <= timedelta(hours=24)
    assert world.clients["B"].get(LIST).status_code == 200
    AuthToken.objects.filter(pk=row.pk).update(expiry=timezone.now())
    assert world.clients["B"].get(LIST).status_code == 401


def test_a_token_is_revoked_alone(world, api):
    other = api.as_user(world.people["B"])
    assert other.post("/api/auth/logout").status_code == 200
    assert [client.get(LIST).status_code for client in (other, world.clients["B"])] == [401, 200]


@pytest.mark.parametrize("name", ["token", "access_token", "Authorization", "authorization"])
def test_a_token_counts_in_its_header_alone(world, name):
    token = token_in(world.clients["B"])
    for value in (token, f"Bearer {token}"):
        assert ApiClient().get(LIST, **{name: value}).status_code == 401
        assert ApiClient().post(GROUP + "deleteorder", {name: value}).status_code == 401
        client = ApiClient()
        client.client.cookies[name] = value
        assert client.get(LIST).status_code == 401


def callbacks(resolver: URLResolver):
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield entry.callback
        else:
            yield from callbacks(entry)


def test_what_takes_a_post_without_a_csrf_token_has_no_session_to_lose():
    exempt = {view for view in callbacks(get_resolver()) if getattr(view, "csrf_exempt", False)}
    # DRF checks by itself, where the session is the credential: see below.
    own = {getattr(view, "view_class", view) for view in exempt if not hasattr(view, "actions") and not hasattr(view, "cls")}
    assert own == {wechat_notify.notify, SandboxPay}


@pytest.mark.parametrize("path", [path for path, method in METHODS.items() if method == "POST" and set("BCMH") & set(MAY[path])])
def test_a_session_posts_to_no_endpoint_without_a_csrf_token(world, path):
    who = next(role for role in MAY[path] if role in "BCMH")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.people[who], backend=BACKEND)
    answer = browser.post(path, json.dumps(CALLS[path](Aim(who, world.ours, world.ours))), "application/json")
    assert answer.status_code == 403


def test_the_cookies_of_a_log_in_are_out_of_reach_of_scripts_and_other_sites(world):
    answer = Client().post("/admin/login/", {"username": world.people["M"].username, "password": "demo-pass-2026"})
    session = answer.cookies["sessionid"]
    assert (session["httponly"], session["samesite"]) == (True, "Lax")


def test_behind_https_cookies_are_secure_and_http_is_not_served(tmp_path):
    names = ["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "LANGUAGE_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SESSION_COOKIE_HTTPONLY"]
    script = f"from django.conf import settings; print([getattr(settings, name) for name in {names}], settings.SECURE_HSTS_SECONDS)"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "x" * 50,
        "PUBLIC_BASE_URL": "https://shop.example.com",
        "DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3",
    }
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[True, True, True, True, True] 31536000"


def test_a_signature_whose_nonce_can_not_be_kept_is_not_accepted(world):
    def away(execute, sql, params, many, context):
        if "devicenonce" in sql and sql.startswith("INSERT"):
            raise OperationalError("the database is away")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(away):
        answer = world.clients["D"].get(SHOP + "getlist")
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.7", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "1.2.3.4, 203.0.113.7", "203.0.113.7"),
        (2, "1.2.3.4, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        (2, "203.0.113.7", "10.0.0.1"),
        (1, "203.0.113.7:5678", "203.0.113.7"),
        (1, "[2001:db8::1]:5678", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "unknown", "10.0.0.1"),
        (1, "203.0.113.7/8", "10.0.0.1"),
        (1, "x" * 300, "10.0.0.1"),
    ],
)
def test_an_address_is_believed_through_so_many_proxies_only(settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", **({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}))
    assert client_ip(request) == address


@pytest.mark.django_db
@pytest.mark.parametrize("forwarded", ["203.0.113.7:5678", "[2001:db8::1]:5678", "unknown"])
def test_a_wrong_password_is_counted_whatever_the_proxy_writes(settings, headquarters, forwarded):
    settings.TRUSTED_PROXIES = 1
    typed = {"username": headquarters.username, "password": "wrong"}
    assert Client().post("/admin/login/", typed, HTTP_X_FORWARDED_FOR=forwarded).status_code == 200


LISTS = {GROUP + name for name in ("getorderlist", "getgroupbuyingvisitor")} | {
    PRODUCT + name for name in ("getlist", "getlistbyclass", "getlistbyproductids")
}
THROTTLED = {
    "address": {GROUP + "get", GROUP + "visitgroupbuying", GROUP + "createorder", "/api/auth/wechatlogin"},
    "login_failure": {"/api/auth/login"},
    "activation_failure": {SHOP + "getshopinfo"},
    "buyer_order": {GROUP + "createorder"},
    "buyer_pay": {GROUP + "orderpay", GROUP + "orderrepay"},
    "buyer_list": LISTS,
    "staff_write": {path for path, method in METHODS.items() if method == "POST" and set("CMH") & set(MAY[path])}
    # Sharing is a buyer's act, whoever does it, and asking after a payment has its own measure.
    - {GROUP + "sharegroupbuying", GROUP + "checkorderpay"},
    "device": {path for path in METHODS if "D" in MAY[path] and not path.startswith(GROUP)},
}


PREFIX = {"auth": "/api/auth/", "order": GROUP, "group-buying": GROUP, "shopproduct": PRODUCT, "shop": SHOP, "shop-record": SHOP}


def throttles_of() -> dict[str, set[str]]:
    """By the throttle's name, the paths that it counts."""
    found: dict[str, set[str]] = {}
    for view in callbacks(get_resolver()):
        for action in set(getattr(view, "actions", {}).values()):
            described = getattr(view.cls, action).endpoint
            for throttle in described.throttles:
                found.setdefault(throttle.name, set()).add(PREFIX[view.initkwargs["basename"]] + described.path)
    return found


def test_each_throttle_counts_the_endpoints_that_the_table_names():
    assert throttles_of() == THROTTLED
