"""The door of the admin: policy, log-in, lock-out, sessions, and who may put pages behind it."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from retail.backoffice.site import keep_session
from shops.models import Shop
from tests.support.pages import browser_of, words

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"


def fail_to_log_in(client, username, times):
    for _ in range(times):
        answer = client.post(LOGIN, {"username": username, "password": "wrong"})
    return answer


def test_only_the_admin_may_evaluate_scripts(clerk, client):
    for answer in (client.get(LOGIN), browser_of(clerk).get("/admin/"), browser_of(clerk).get("/admin/groupbuy/verify/")):
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self' 'unsafe-eval'" in policy
        assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in client.get("/")["Content-Security-Policy"]


def test_the_log_in_says_what_it_is_and_leads_to_the_overview(clerk, client):
    assert "门店员工的工作台" in words(client.get(LOGIN))
    assert client.post(LOGIN, {"username": clerk.username, "password": "demo-pass-2026"}).url == "/admin/"


def test_ten_failures_lock_the_log_in_with_a_kind_page(clerk, client):
    assert fail_to_log_in(client, clerk.username, 9).status_code == 200
    answer = fail_to_log_in(client, clerk.username, 1)
    assert answer.status_code == 429
    assert answer["Retry-After"] == "900"
    assert "请 15 分钟后再试" in words(answer)
    assert client.post(LOGIN, {"username": clerk.username, "password": "demo-pass-2026"}).status_code == 429


def test_the_api_answers_a_lock_out_with_the_envelope(clerk):
    body = {"username": clerk.username, "password": "wrong"}
    answers = [Client().post("/api/auth/login", body, content_type="application/json") for _ in range(10)]
    assert {answer.status_code for answer in answers[:9]} == {401}
    assert answers[9].status_code == 429
    assert answers[9].json() == {"status": 500, "message": "登录失败次数过多，请 15 分钟后再试"}
    assert answers[9]["Retry-After"] == "900"


def test_a_staff_session_ends_when_idle_and_after_a_working_day(clerk, rf, settings):
    browser = browser_of(clerk)
    browser.get("/admin/")
    started = timezone.now()
    ends = Session.objects.get().expire_date
    assert abs(ends - started - settings.STAFF_SESSION_IDLE) < timedelta(minutes=1)

    request = rf.get("/admin/")
    request.user, request.session = clerk, browser.session
    keep_session(request, started + settings.STAFF_SESSION_MAX - timedelta(minutes=10))
    assert abs(request.session.get_expiry_date() - started - settings.STAFF_SESSION_MAX) < timedelta(minutes=1)


def test_the_session_is_not_written_on_every_page(clerk, count_queries):
    browser = browser_of(clerk)
    first = count_queries(lambda: browser.get("/admin/groupbuy/verify/"))
    assert count_queries(lambda: browser.get("/admin/groupbuy/verify/")) < first


def test_admins_of_libraries_stay_outside():
    assert not admin.site.is_registered(Group)
    assert not admin.site.is_registered(AuthToken)
    admin.site.register(Group, ModelAdmin)
    assert not admin.site.is_registered(Group)


class PlainAdmin(ModelAdmin):
    __module__ = "shops.admin.shops"


@pytest.mark.parametrize("registered", [(Shop, ModelAdmin), (Shop, None), ([Group, Shop], ModelAdmin), (Group, PlainAdmin)], ids=str)
def test_an_admin_of_ours_that_knows_no_tenants_is_refused_and_not_left_out(registered):
    with pytest.raises(ImproperlyConfigured, match=r"ScopedAdmin: (Shop|PlainAdmin)$"):
        admin.site.register(*registered)
    assert not admin.site.is_registered(Group)


def test_the_themes_own_words_are_chinese(clerk):
    seen = words(browser_of(clerk).get("/admin/groupbuy/order/"))
    for foreign in ("Filters", "Select", "results", "Welcome", "Reset", "Return", "Log out"):
        assert foreign not in seen


@pytest.mark.parametrize(("page", "status"), [("1", 200), ("x", 404), ("0", 404), ("99", 404), ("", 404)])
def test_a_page_that_a_search_has_not_is_404(clerk, page, status):
    assert browser_of(clerk).get("/admin/search/", {"s": "a", "page": page}).status_code == status
