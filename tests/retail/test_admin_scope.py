"""What staff of one shop or tenant learn of another in the admin: nothing, by no way."""

from collections import deque

import pytest
from django.urls import reverse

from groupbuy.models import BillDifference, MerchantAccount, Order, OrderStatus
from retail.backoffice import visible
from retail.models import AppSecret, User
from retail.principals import principal_of
from retail.rights import Role
from shops.models import ConfigItem, DeviceType, Shop
from tests.support import factories
from tests.support.back_office import fill, page, pages_of_lists, said
from tests.support.pages import browser_of, ordered, words

pytestmark = pytest.mark.django_db
ORDERS = "/admin/groupbuy/order/"


@pytest.fixture
def next_door(tenant):
    """Another shop of the same tenant, with a row of everything."""
    shop = factories.ShopFactory(tenant=tenant, name="隔壁静安店")
    fill(shop, factories.StaffFactory(tenant=tenant, role=Role.MANAGER, shops=[shop]))
    return shop


@pytest.fixture
def elsewhere(db):
    """Headquarters of another tenant."""
    return factories.StaffFactory(role=Role.HEADQUARTERS)


def autocomplete(browser, term="", **field):
    answer = browser.get(reverse("admin:autocomplete"), {"term": term} | field)
    return [choice["text"] for choice in answer.json()["results"]]


def test_a_clerk_sees_no_order_of_another_shop(clerk, manager, shop, next_door):
    own, foreign = fill(shop, manager), next_door.orders.get()
    seen = words(browser_of(clerk).get(ORDERS))
    assert own.code in seen
    assert foreign.code not in seen


def test_another_shops_order_answers_like_a_missing_one(clerk, next_door):
    browser = browser_of(clerk)
    foreign = next_door.orders.get()
    for kind in ("change", "history", "refund", "deliver_one"):
        answer = browser.get(page(foreign, kind))
        missing = browser.get(page(foreign, kind).replace(f"/{foreign.pk}/", "/999999/"))
        assert answer.status_code == missing.status_code
        assert answer.status_code in (403, 404)
    assert browser.get(page(foreign)).status_code == 404


def test_a_list_filter_offers_only_the_own_shops(clerk, manager, shop, next_door):
    fill(shop, manager)
    for browser in (browser_of(clerk), browser_of(manager)):
        seen = words(browser.get(ORDERS))
        assert shop.name in seen
        assert next_door.name not in seen


def test_an_address_with_a_foreign_id_does_not_tell_its_name(manager, next_door):
    foreign = next_door.group_buyings.get()
    type(foreign).objects.filter(pk=foreign.pk).update(name="隔壁的秘密团")
    answer = browser_of(manager).get(ORDERS, {"group_buying__id__exact": foreign.pk})
    assert answer.status_code == 200
    assert "隔壁的秘密团" not in answer.content.decode()


def test_autocompletion_stays_inside_the_tenant(elsewhere, manager, shop):
    fill(shop, manager)
    field = {"app_label": "groupbuy", "model_name": "groupbuying", "field_name": "product"}
    assert autocomplete(browser_of(manager), "苹果", **field)
    assert autocomplete(browser_of(elsewhere), "苹果", **field) == []


def test_autocompletion_of_group_buys_stays_inside_the_shops(manager, shop, next_door):
    fill(shop, manager)
    found = autocomplete(browser_of(manager), app_label="groupbuy", model_name="order", field_name="group_buying")
    assert len(found) == 1


def test_another_tenants_headquarters_sees_no_row_of_any_kind(elsewhere, shop, manager):
    fill(shop, manager)
    everyones = {DeviceType, ConfigItem} | {model for model, _ in pages_of_lists() if model.__name__.startswith("Sandbox")}
    principal = principal_of(elsewhere)
    own = {User: [elsewhere.pk], type(elsewhere.tenant): [elsewhere.tenant_id]}
    for model, _address in pages_of_lists():
        if model not in everyones:
            assert list(visible(model, principal).values_list("pk", flat=True)) == own.get(model, []), model


def test_another_tenants_headquarters_gets_404_for_every_page(elsewhere, shop, manager):
    fill(shop, manager)
    browser = browser_of(elsewhere)
    root = principal_of(User.objects.create_superuser("root", "demo-pass-2026"))
    for model, _address in pages_of_lists():
        row = visible(model, root).order_by("pk").first()
        if row is not None and row != elsewhere and model not in (DeviceType, ConfigItem):
            assert browser.get(page(row)).status_code in (403, 404), model


@pytest.mark.parametrize(
    ("address", "query"),
    [
        (ORDERS, "deliver_code__startswith=1"),
        (ORDERS, "phone__startswith=138"),
        (ORDERS, "buyer__password__startswith=p"),
        (ORDERS, "payments__transaction_id__startswith=4"),
        ("/admin/shops/shop/", "app_key__startswith=ak"),
        ("/admin/shops/shop/", "app_secret__startswith=g"),
        ("/admin/pricing/stockfigure/", "cost_price__gt=3"),
        ("/admin/shops/device/", "mac__startswith=0"),
    ],
)
def test_an_address_can_not_ask_for_columns_that_are_not_shown(clerk, address, query):
    assert browser_of(clerk).get(f"{address}?{query}").status_code == 400


SECRETS = {
    User: ("password", "phone"),
    Order: ("deliver_code",),
    Shop: ("app_secret",),
    AppSecret: ("value",),
    MerchantAccount: ("private_key",),
}


def secret_lookups(model):
    """For each of the model's relations the shortest ways from there to the secrets; and the model's own."""
    yield from (f"{column}__startswith" for column in SECRETS.get(model, ()))
    for first in model._meta.get_fields():
        known, paths = {model}, deque([(first, first.name)] if first.is_relation and first.related_model else [])
        while paths:
            field, path = paths.popleft()
            if field.related_model in known:
                continue
            known.add(field.related_model)
            yield from (f"{path}__{column}{pattern}" for column in SECRETS.get(field.related_model, ()) for pattern in ("", "__startswith"))
            onward = [one for one in field.related_model._meta.get_fields() if one.is_relation and one.related_model]
            paths.extend((one, f"{path}__{one.name}") for one in onward)


@pytest.mark.slow
def test_no_list_can_be_asked_for_the_secrets_behind_it(headquarters):
    factories.grant(headquarters, "shops.see_secret")
    browser = browser_of(headquarters)
    lists = [(model, address) for model, address in pages_of_lists() if browser.get(address).status_code == 200]
    asked = [(address, {lookup: "1"}) for model, address in lists for lookup in secret_lookups(model)]
    assert [one for one in asked if browser.get(*one).status_code != 400] == []


def test_the_ways_to_the_secrets_are_found():
    assert {"bill__tenant__users__password__startswith", "payment__order__deliver_code__startswith"} <= set(secret_lookups(BillDifference))


def test_a_link_of_our_own_still_filters(headquarters, shop, manager):
    fill(shop, manager)
    difference = BillDifference.objects.get()
    seen = browser_of(headquarters).get("/admin/groupbuy/billdifference/", {"bill__id__exact": difference.bill_id})
    assert seen.context["cl"].result_count == 1


@pytest.mark.slow
def test_a_pick_up_code_is_on_no_page(clerk, manager, headquarters, shop):
    fill(shop, manager)
    Order.objects.update(deliver_code="31415926")
    for person in (clerk, manager, headquarters):
        browser = browser_of(person)
        for model, address in pages_of_lists():
            row = visible(model, principal_of(person)).first()
            shown = [browser.get(address)] + ([browser.get(page(row)), browser.get(page(row, "history"))] if row else [])
            assert all("31415926" not in answer.content.decode() for answer in shown), model


@pytest.mark.slow
def test_secrets_are_on_no_page(headquarters, shop, manager):
    factories.grant(headquarters, "shops.see_secret")
    fill(shop, manager)
    browser = browser_of(headquarters)
    for model, address in pages_of_lists():
        row = visible(model, principal_of(headquarters)).first()
        for answer in [browser.get(address)] + ([browser.get(page(row))] if row else []):
            assert shop.app_secret not in answer.content.decode(), model
            assert "secret-key" not in answer.content.decode(), model


def test_a_shop_can_not_try_pick_up_codes_in_the_search(clerk, headquarters, shop, manager):
    order = fill(shop, manager)
    Order.objects.update(deliver_code="31415926")
    answer = browser_of(clerk).get(ORDERS, {"q": "31415926"})
    assert order.code not in words(answer)
    assert said(answer) == ["按取货码查找请用「取货核销」"]
    assert order.code in words(browser_of(headquarters).get(ORDERS, {"q": "31415926"}))


def test_a_clerk_sees_a_phone_while_there_is_something_to_hand_over(clerk, manager, shop, now):
    order = fill(shop, manager)
    browser = browser_of(clerk)
    assert "13800008000" in words(browser.get(page(order)))
    assert order.code in words(browser.get(ORDERS, {"q": "8000"}))
    Order.objects.update(status=OrderStatus.COMPLETED)
    seen = words(browser.get(page(order)))
    assert "138****8000" in seen
    assert "13800008000" not in seen
    assert order.address not in seen
    assert order.code not in words(browser.get(ORDERS, {"q": "8000"}))
    assert "13800008000" in words(browser_of(manager).get(page(order)))


def test_a_clerk_sees_neither_costs_nor_keys_nor_addresses_of_devices(clerk, manager, shop):
    figure = factories.StockFigureFactory(shop=shop, cost_price="3.21")
    device = factories.DeviceFactory(shop=shop, ip="192.168.7.9")
    secrets = {figure: "3.21", shop: shop.app_key, device: "192.168.7.9"}
    for row, secret in secrets.items():
        assert secret not in browser_of(clerk).get(page(row)).content.decode()
        assert secret in browser_of(manager).get(page(row)).content.decode()


def test_a_group_buy_takes_no_product_of_another_tenant_and_no_shop_next_door(manager, shop, next_door):
    foreign = factories.ProductFactory()
    form = {"name": "团", "shop": next_door.pk, "product": foreign.pk, "price": "9.9", "quota": 10, "deliver_type": 1}
    answer = browser_of(manager).post("/admin/groupbuy/groupbuying/add/", form)
    errors = answer.context["adminform"].form.errors
    assert {"shop", "product"} <= set(errors)


def test_the_platform_can_not_mix_two_tenants_in_one_row(shop):
    root = User.objects.create_superuser("root", "demo-pass-2026")
    foreign = factories.ProductFactory()
    answer = browser_of(root).post("/admin/pricing/shopproduct/add/", {"shop": shop.pk, "product": foreign.pk})
    assert answer.context["adminform"].form.non_field_errors() == ["所选内容不属于同一商家"]


def test_staff_without_a_role_do_not_get_in(tenant):
    nobody = User.objects.create_user("nobody", "demo-pass-2026", tenant=tenant, is_staff=True)
    assert browser_of(nobody).get("/admin/").status_code == 302


def test_a_buyer_does_not_get_in(buyer, group_buying, now):
    ordered(buyer, group_buying, now=now)
    assert browser_of(buyer).get(ORDERS).status_code == 302
