"""Shops, their keys and their devices in the admin."""

from datetime import timedelta

import pytest

from retail.rights import Role
from shops.models import ConfigItem, ConfigValue, Device, Licence, Shop
from tests.support import factories
from tests.support.back_office import answered, edit, page, said
from tests.support.pages import browser_of, ordered, pay, words

pytestmark = pytest.mark.django_db
SHOP = {"name": "新店", "code": "new-1", "area": "80", "markup": "0.300", "holidays-TOTAL_FORMS": 0, "holidays-INITIAL_FORMS": 0}
ADD = "/admin/shops/shop/add/"


def errors(answer):
    return answer.context["adminform"].form.errors


def test_headquarters_opens_a_shop_with_keys_a_licence_and_staff(headquarters, clerk):
    browser_of(headquarters).post(ADD, SHOP | {"staff": [clerk.pk]})
    shop = Shop.objects.get(code="new-1")
    assert (shop.tenant, str(shop.markup)) == (headquarters.tenant, "0.300")
    assert shop.app_key.startswith("ak_")
    assert shop.licence
    assert list(shop.staff.all()) == [clerk]


def test_a_code_that_is_taken_is_named_as_the_reason(headquarters, shop):
    answer = browser_of(headquarters).post(ADD, SHOP | {"code": shop.code})
    assert "编码" in answer.context["adminform"].form.non_field_errors()[0]
    assert Shop.objects.count() == 1


def test_the_code_of_another_tenants_shop_is_free(headquarters):
    other = factories.ShopFactory()
    browser_of(headquarters).post(ADD, SHOP | {"code": other.code})
    assert Shop.objects.filter(code=other.code).count() == 2


def test_only_headquarters_assigns_staff_and_allows_basic_auth(manager, headquarters, shop):
    form = SHOP | {"name": "改名了", "allows_basic_auth": "on", "staff": []}
    edit(browser_of(manager), shop, form)
    shop.refresh_from_db()
    assert (shop.name, shop.allows_basic_auth) == ("改名了", False)
    assert manager in shop.staff.all()
    edit(browser_of(headquarters), shop, form)
    shop.refresh_from_db()
    assert shop.allows_basic_auth
    assert not shop.staff.exists()


def test_an_edit_leaves_the_price_counter_alone(manager, shop):
    browser = browser_of(manager)
    browser.get(page(shop))
    Shop.objects.update(price_version=77)
    edit(browser, shop, SHOP)
    assert Shop.objects.get().price_version == 77


def test_the_secret_is_shown_only_with_the_right_and_goes_on_record(headquarters, shop):
    assert browser_of(headquarters).post(page(shop, "show_secret")).status_code == 403
    browser = browser_of(factories.grant(headquarters, "shops.see_secret"))
    assert shop.app_secret not in browser.get(page(shop, "show_secret")).content.decode()
    shown = browser.post(page(shop, "show_secret"), answered())
    assert shop.app_secret in words(shown)
    assert "no-store" in shown["Cache-Control"]
    assert "查看了 AppSecret" in words(browser.get(page(shop, "history")))


def test_a_rotated_secret_leaves_the_old_one_a_day(headquarters, shop):
    browser = browser_of(factories.grant(headquarters, "shops.see_secret"))
    answer = browser.post(page(shop, "rotate_secret"), answered(), follow=True)
    assert said(answer) == ["已更换密钥，旧密钥 24 小时内仍可使用"]
    fresh = Shop.objects.get()
    assert fresh.app_secret != shop.app_secret
    assert fresh.previous_secret == shop.app_secret


def test_a_shop_with_open_orders_says_why_it_can_not_close(headquarters, shop, group_buying, buyer, now):
    pay(ordered(buyer, group_buying, now=now), now=now)
    answer = browser_of(headquarters).post(page(shop, "close_down"), answered(), follow=True)
    assert said(answer) == ["门店有进行中的团购，不能删除"]
    assert Shop.objects.open().exists()


def test_a_closed_shop_is_read_only_and_no_choice_any_more(headquarters, shop):
    browser = browser_of(headquarters)
    browser.post(page(shop, "close_down"), answered())
    assert browser.post(page(shop), SHOP).status_code == 403
    choices = browser.get("/admin/shops/stall/add/").context["adminform"].form.fields["shop"].queryset
    assert not choices.exists()


def test_a_manager_adds_a_device_to_the_own_shop_only(manager, shop):
    kind, other = factories.DeviceTypeFactory(), factories.ShopFactory(tenant=shop.tenant)
    device = {"device_type": kind.pk, "code": "S-1", "in_use": "on"}
    browser = browser_of(manager)
    assert "shop" in errors(browser.post("/admin/shops/device/add/", device | {"shop": other.pk}))
    browser.post("/admin/shops/device/add/", device | {"shop": shop.pk})
    assert Device.objects.get().shop == shop
    again = browser.post("/admin/shops/device/add/", device | {"shop": shop.pk})
    assert again.context["adminform"].form.non_field_errors()


def test_a_stall_of_another_shop_is_refused(headquarters, shop):
    device = factories.DeviceFactory(shop=shop)
    stall = factories.StallFactory(shop=factories.ShopFactory(tenant=shop.tenant))
    form = {"device_type": device.device_type_id, "code": device.code, "stall": stall.pk}
    assert "stall" in errors(edit(browser_of(headquarters), device, form))


def test_a_device_can_be_told_to_load_everything_again(manager, shop):
    device = factories.DeviceFactory(shop=shop, time_stamp=5)
    browser_of(manager).post(page(device, "reset_download"), answered())
    assert Device.objects.get().time_stamp == 0


@pytest.mark.parametrize(("value", "fits"), [("3", True), ("three", False)])
def test_a_setting_must_fit_its_type(manager, shop, value, fits):
    item = ConfigItem.objects.get(code="receipt_copies")
    answer = browser_of(manager).post("/admin/shops/configvalue/add/", {"item": item.pk, "shop": shop.pk, "value": value})
    assert ConfigValue.objects.filter(item=item, shop=shop, tenant=shop.tenant).exists() == fits
    assert fits or "value" in errors(answer)


def test_only_headquarters_sets_a_value_for_all_shops(manager, headquarters):
    item = ConfigItem.objects.get(code="receipt_copies")
    form = {"item": item.pk, "value": "3"}
    assert "shop" in errors(browser_of(manager).post("/admin/shops/configvalue/add/", form))
    browser_of(headquarters).post("/admin/shops/configvalue/add/", form)
    assert ConfigValue.objects.get().shop is None
    assert browser_of(manager).get(page(ConfigValue.objects.get())).status_code == 404


def test_the_same_setting_twice_is_refused_in_words(headquarters):
    item = ConfigItem.objects.get(code="receipt_copies")
    browser = browser_of(headquarters)
    for _ in range(2):
        answer = browser.post("/admin/shops/configvalue/add/", {"item": item.pk, "value": "3"})
    assert answer.status_code == 200
    assert answer.context["adminform"].form.non_field_errors()
    assert ConfigValue.objects.count() == 1


# Licences, which the platform sells.


@pytest.fixture
def platform(django_user_model):
    return django_user_model.objects.create_superuser("root", "xiguan-2026-tuan")


@pytest.fixture
def licence(shop, now):
    return factories.LicenceFactory(shop=shop, validity_key="till-1", contract_ends_on=(now - timedelta(days=30)).date())


def end_of(shop):
    return Licence.objects.get(shop=shop).contract_ends_on


LATER = {"validity_key": "till-1", "contract_ends_on": "2098-01-01"}


def test_headquarters_prolongs_no_licence_and_unbinds_a_machine(headquarters, shop, licence, api):
    browser = browser_of(headquarters)
    assert str(licence.contract_ends_on) in words(browser.get(page(licence)))
    edit(browser, licence, LATER | {"validity_key": ""})
    assert (end_of(shop), Licence.objects.get().validity_key) == (licence.contract_ends_on, "")
    assert api.as_device(shop).get("/api/shop/getlist").status_code == 403


def test_headquarters_unlimits_no_licence(headquarters, shop, licence):
    edit(browser_of(headquarters), licence, LATER | {"contract_ends_on": ""})
    assert end_of(shop) == licence.contract_ends_on


def test_headquarters_makes_no_licence_also_with_a_right_of_earlier_versions(headquarters, shop):
    factories.grant(headquarters, "shops.add_licence")
    assert browser_of(headquarters).post("/admin/shops/licence/add/", LATER | {"shop": shop.pk}).status_code == 403
    assert not Licence.objects.exists()


def test_a_manager_only_looks(manager, shop, licence):
    assert browser_of(manager).get(page(licence)).status_code == 200
    assert browser_of(manager).post(page(licence), LATER).status_code == 403


def test_the_platform_prolongs_it(platform, shop, licence, api):
    edit(browser_of(platform), licence, LATER)
    assert str(end_of(shop)) == "2098-01-01"
    assert api.as_device(shop).get("/api/shop/getlist").status_code == 200


@pytest.mark.parametrize("role", [Role.MANAGER, Role.HEADQUARTERS])
def test_the_days_of_grace_are_the_platforms_too(shop, licence, role):
    person = factories.StaffFactory(tenant=shop.tenant, role=role, shops=[shop])
    item, browser = ConfigItem.objects.get(code="licence_grace_days"), browser_of(person)
    assert "item" in errors(browser.post("/admin/shops/configvalue/add/", {"item": item.pk, "shop": shop.pk, "value": "3650"}))
    value = ConfigValue.objects.create(item=item, tenant=shop.tenant, shop=shop, value="2")
    assert browser.get(page(value)).status_code == 200
    assert browser.post(page(value), {"value": "3650"}).status_code == 403
    assert browser.post(page(value, "delete"), {"post": "yes"}).status_code == 403
    several = {"action": "delete_selected", "_selected_action": [value.pk], "post": "yes"}
    browser.post("/admin/shops/configvalue/", several)
    assert ConfigValue.objects.get().value == "2"


def test_the_platform_sets_the_days_of_grace(platform, shop, licence):
    item = ConfigItem.objects.get(code="licence_grace_days")
    form = {"tenant": shop.tenant_id, "item": item.pk, "shop": shop.pk, "value": "60"}
    browser_of(platform).post("/admin/shops/configvalue/add/", form)
    assert ConfigValue.objects.get().value == "60"


@pytest.mark.parametrize("way", ["admin", "API"])
def test_a_shop_that_headquarters_opens_runs_no_longer_than_its_others(headquarters, shop, licence, api, way, now):
    """Closing a shop whose contract is over, and opening it again, prolongs nothing."""
    open_shop(headquarters, api, way, "new-1")
    assert end_of(Shop.objects.get(code="new-1")) == licence.contract_ends_on
    Shop.objects.update(removed_at=now)
    open_shop(headquarters, api, way, "new-2")
    assert end_of(Shop.objects.get(code="new-2")) == licence.contract_ends_on
    assert api.as_device(Shop.objects.get(code="new-2")).get("/api/shop/getlist").status_code == 403


def open_shop(person, api, way, code):
    if way == "admin":
        browser_of(person).post(ADD, SHOP | {"code": code})
    else:
        body = {"name": "新店", "code": code, "validityDate": "2099-01-01 00:00:00", "contractEndsOn": "2099-01-01"}
        assert api.as_user(person).post("/api/shop/create", body).status_code == 200


@pytest.mark.parametrize(("ends", "expected"), [(["2030-01-01", "2031-01-01"], "2031-01-01"), (["2030-01-01", None], "None"), ([], "None")])
def test_the_longest_contract_of_the_tenant_is_its_terms(headquarters, tenant, api, ends, expected):
    for ends_on in ends:
        factories.LicenceFactory(shop__tenant=tenant, contract_ends_on=ends_on)
    factories.LicenceFactory(contract_ends_on="2050-01-01")
    open_shop(headquarters, api, "API", "new-1")
    assert str(end_of(Shop.objects.get(code="new-1"))) == expected


def test_an_unlimited_shop_that_is_closed_makes_nothing_unlimited(headquarters, shop, licence, tenant, api, now):
    factories.LicenceFactory(shop__tenant=tenant, shop__removed_at=now)
    open_shop(headquarters, api, "API", "new-1")
    assert end_of(Shop.objects.get(code="new-1")) == licence.contract_ends_on


def test_no_update_of_a_shop_touches_its_licence(headquarters, shop, licence, api):
    body = {
        "id": shop.pk,
        "name": "改名",
        "validityDate": "2099-01-01 00:00:00",
        "lastDate": "2099-01-01 00:00:00",
        "contract_ends_on": "2099-01-01",
    }
    assert api.as_user(headquarters).post("/api/shop/update", body).status_code == 200
    assert end_of(shop) == licence.contract_ends_on
