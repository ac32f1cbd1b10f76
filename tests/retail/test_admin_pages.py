"""Every page of the admin, as each role, with rows of every kind."""

import pytest
from django.urls import reverse

from groupbuy.models import SandboxRefund, SandboxTrade
from retail.backoffice import visible
from retail.models import User
from retail.principals import principal_of
from tests.support.back_office import fill, page, pages_of_lists
from tests.support.pages import browser_of, words

pytestmark = pytest.mark.django_db
WHO = ("clerk", "manager", "headquarters", "platform")


@pytest.fixture
def platform(db) -> User:
    return User.objects.create_superuser("root", "demo-pass-2026", nickname="平台")


@pytest.fixture(params=WHO)
def person(request):
    return request.getfixturevalue(request.param)


def allowed(person, model, action):
    return person.has_perm(f"{model._meta.app_label}.{action}_{model._meta.model_name}")


@pytest.mark.slow
def test_every_list_opens_for_whom_it_is_meant(person, shop, manager):
    fill(shop, manager)
    browser = browser_of(person)
    for model, address in pages_of_lists():
        expected = 200 if allowed(person, model, "view") else 403
        assert browser.get(address).status_code == expected, (model, person)


@pytest.mark.slow
def test_every_row_has_its_page_and_its_history(person, shop, manager):
    fill(shop, manager)
    browser = browser_of(person)
    for model, _address in pages_of_lists():
        row = visible(model, principal_of(person)).first()
        if row is None or not allowed(person, model, "view"):
            continue
        assert browser.get(page(row)).status_code == 200, model
        assert browser.get(page(row, "history")).status_code == 200, model


@pytest.mark.slow
def test_every_form_for_something_new_opens_for_whom_it_is_meant(person):
    browser = browser_of(person)
    never = {"order", "payment", "refund", "pricechange", "pricelog", "logentry", "orderevent", "paymentevent", "marketprice"}
    never |= {"bill", "billdifference", "share", "visitor", "visittimes", "sharevisitor", "wrongcode", "idempotencykey", "wechatidentity"}
    never |= {"outboxentry"}
    never |= {SandboxTrade._meta.model_name, SandboxRefund._meta.model_name}
    for model, address in pages_of_lists("add"):
        may = model._meta.model_name not in never and allowed(person, model, "add")
        assert browser.get(address).status_code == (200 if may else 403), (model, person)


def test_nothing_can_be_deleted_but_settings(platform, shop, manager):
    fill(shop, manager)
    browser = browser_of(platform)
    for model, _address in pages_of_lists():
        row = visible(model, principal_of(platform)).first()
        if row is not None:
            expected = 200 if model._meta.model_name == "configvalue" else 403
            assert browser.get(page(row, "delete")).status_code == expected, model


def test_the_overview_has_the_figures_of_the_day_and_money_only_for_managers(clerk, manager, shop):
    order = fill(shop, manager)
    assert f"¥{order.money}" in words(browser_of(manager).get(reverse("admin:index")))
    seen = words(browser_of(clerk).get(reverse("admin:index")))
    assert "今日已付款订单 1" in seen
    assert "今日成交额" not in seen


def test_the_overview_warns_of_money_that_somebody_must_look_at(manager, shop, now):
    order = fill(shop, manager)
    order.payments.update(use="held")
    seen = words(browser_of(manager).get(reverse("admin:index")))
    assert "待核实收款 1" in seen


def test_the_overview_takes_as_many_queries_for_three_orders_as_for_one(manager, shop, count_queries):
    fill(shop, manager)
    browser = browser_of(manager)
    browser.get(reverse("admin:index"))  # the first page writes the session's end
    few = count_queries(lambda: browser.get(reverse("admin:index")))
    fill(shop, manager)
    fill(shop, manager)
    assert count_queries(lambda: browser.get(reverse("admin:index"))) == few


def test_a_clerk_finds_the_counter_first_and_no_system_pages(clerk):
    menu = words(browser_of(clerk).get(reverse("admin:index")))
    assert menu.index("取货核销") < menu.index("团购订单")
    assert "员工账号" not in menu
    assert "商户号" not in menu
