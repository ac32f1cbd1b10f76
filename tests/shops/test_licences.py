from datetime import timedelta

import pytest
from django.utils import timezone

from shops import licences
from shops.models import ConfigItem, ConfigValue, Licence
from tests.support import factories
from tests.support.races import at_once

INFO, AUTH = "/api/shop/getshopinfo", "/api/shop/getshopauth"


def key_of(shop):
    return Licence.objects.get(shop=shop).validity_key


def today():
    return timezone.localdate()


def test_the_first_machine_that_calls_is_bound(api, shop):
    answer = api.as_device(shop).get(INFO, key="machine-1", shopid=shop.pk)
    assert answer.json() == {
        "name": shop.name,
        "code": shop.code,
        "tenant": shop.tenant.code,
        "tenantName": shop.tenant.name,
        "validityDate": "2099-12-31 23:59:59",
        "lastDate": "2099-12-31 23:59:59",
        "validityKey": "machine-1",
        "id": shop.pk,
    }
    assert key_of(shop) == "machine-1"


def test_a_bound_shop_knows_its_machine_and_refuses_others(api, shop):
    device = api.as_device(shop)
    answers = [device.get(INFO, key=key) for key in ("machine-1", "machine-1", "machine-2", "")]
    assert [answer.status_code for answer in answers] == [200, 200, 403, 403]
    assert answers[2].json() == {"status": 500, "message": "机器码不符"}
    assert key_of(shop) == "machine-1"


def test_staff_anonymous_callers_and_an_empty_key_bind_nothing(api, shop, clerk):
    assert api.as_user(clerk).get(INFO, key="machine-1", shopid=shop.pk).json()["validityKey"] == ""
    assert api.as_device(shop).get(INFO, key="").json()["validityKey"] == ""
    assert api.anonymous.get(INFO, key="machine-1", shopid=shop.pk).status_code == 404
    assert key_of(shop) == ""


def as_found(shop):
    return licences.visible_shop(shop_id=shop.pk, principal=factories.device_of(shop))


def test_of_two_machines_that_both_read_an_unbound_licence_the_first_is_bound(shop):
    factories.LicenceFactory(shop=shop)
    first, second = as_found(shop), as_found(shop)
    licences.activate(shop=first, machine_key="machine-1")
    with pytest.raises(licences.WrongMachine):
        licences.activate(shop=second, machine_key="machine-2")
    assert key_of(shop) == "machine-1"


@pytest.mark.django_db(transaction=True)
def test_of_many_machines_at_once_that_find_no_licence_one_is_bound(shop):
    def activate(call):
        found, key = call
        try:
            return licences.activate(shop=found, machine_key=key).validity_key
        except licences.WrongMachine:
            return ""

    told = at_once(activate, [(as_found(shop), f"machine-{number}") for number in range(8)])
    assert sorted(told) == [""] * 7 + [key_of(shop)]


def test_who_knows_the_key_needs_no_credential(api, shop):
    factories.LicenceFactory(shop=shop, validity_key="machine-1")
    assert api.anonymous.get(INFO, key="machine-1", shopid=shop.pk).json()["id"] == shop.pk


def test_a_wrong_key_a_missing_and_a_removed_shop_are_the_same_404(api, shop, now):
    factories.LicenceFactory(shop=shop, validity_key="machine-1")
    gone = factories.LicenceFactory(validity_key="machine-1", shop__removed_at=now).shop
    asked = [{"key": "x", "shopid": shop.pk}, {"shopid": shop.pk}, {"key": "machine-1", "shopid": 10**9}]
    answers = [api.anonymous.get(INFO, **query) for query in [*asked, {"key": "machine-1", "shopid": gone.pk}]]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


def test_a_key_opens_no_shop_of_a_tenant_that_is_switched_off(api, shop):
    factories.LicenceFactory(shop=shop, validity_key="machine-1")
    shop.tenant.in_use = False
    shop.tenant.save()
    assert api.anonymous.get(INFO, key="machine-1", shopid=shop.pk).status_code == 404


def test_a_device_has_one_shop_and_staff_must_name_theirs(api, shop, clerk, tenant):
    other = factories.ShopFactory(tenant=tenant)
    for path in (INFO, AUTH):
        assert api.as_device(shop).get(path, shopid=other.pk).status_code == 404
        assert api.as_user(clerk).get(path, shopid=other.pk).status_code == 404
        answer = api.as_user(clerk).get(path)
        assert (answer.status_code, answer.json()["message"]) == (400, "请指定门店")


def test_buyers_and_anonymous_callers_have_no_business_with_licences(api, shop, buyer):
    assert api.as_user(buyer).get(INFO, shopid=shop.pk).status_code == 403
    assert api.anonymous.get(AUTH, shopid=shop.pk).status_code == 401


def test_looking_up_binds_nothing(api, shop):
    assert api.as_device(shop).get(AUTH, key="machine-1").json()["validityKey"] == ""
    assert not Licence.objects.exclude(validity_key="").exists()


@pytest.mark.parametrize(("ended_days_ago", "expected"), [(-1, 200), (0, 200), (7, 200), (8, 403)])
def test_a_device_runs_seven_days_beyond_its_contract(api, shop, ended_days_ago, expected):
    ends_on = today() - timedelta(days=ended_days_ago)
    factories.LicenceFactory(shop=shop, contract_ends_on=ends_on)
    device = api.as_device(shop)
    assert device.get("/api/shop/getlist").status_code == expected
    answer = device.get(AUTH).json()
    assert (answer["validityDate"], answer["lastDate"]) == (f"{ends_on} 23:59:59", f"{ends_on + timedelta(days=7)} 23:59:59")


def test_the_grace_is_a_setting_of_the_shop(api, shop):
    factories.LicenceFactory(shop=shop, contract_ends_on=today() - timedelta(days=3))
    item = ConfigItem.objects.get(code="licence_grace_days")
    value = ConfigValue.objects.create(item=item, tenant=shop.tenant, shop=shop, value="2")
    assert api.as_device(shop).get("/api/shop/getlist").status_code == 403
    value.value = "nonsense"
    value.save()
    assert api.as_device(shop).get("/api/shop/getlist").status_code == 200


def test_a_device_without_a_licence_may_still_ask_for_it_and_nothing_else(api, shop):
    factories.LicenceFactory(shop=shop, contract_ends_on=today() - timedelta(days=400))
    device = api.as_device(shop)
    assert [device.get(path).status_code for path in (INFO, AUTH)] == [200, 200]
    refused = [
        device.get("/api/shop/getconfig", code="receipt_header"),
        device.get("/api/shop/shopproduct/getdownload", deviceId=1),
        device.post("/api/shop/shopproduct/resetdownload"),
        device.get("/api/marketing/groupbuy/getdelivertypelist"),
    ]
    assert {(answer.status_code, answer.json()["message"]) for answer in refused} == {(403, "已过有效期")}


def test_a_contract_without_end_in_sight_is_unlimited(shop):
    licence = factories.LicenceFactory(shop=shop, contract_ends_on="2099-12-31")
    assert str(licences.last_day(shop=shop, licence=factories.copy_of(licence))) == "2099-12-31"
