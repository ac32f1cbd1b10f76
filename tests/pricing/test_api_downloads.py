from decimal import Decimal

import pytest

from pricing import prices
from pricing.prices import Change
from tests.pricing.conftest import on_sale
from tests.support import factories

API = "/api/shop/shopproduct"


@pytest.fixture
def device(shop):
    return factories.DeviceFactory(shop=shop)


@pytest.fixture
def scale(api, shop):
    return api.as_device(shop)


def pull(scale, device):
    return scale.get(f"{API}/getdownload", deviceId=device.pk).json()


def acknowledge(scale, device, answer):
    return scale.post(f"{API}/ackdownload", {"deviceId": device.pk, "timeStamp": answer["timeStamp"]})


def test_a_new_scale_loads_everything_and_then_what_changed(scale, device, shop, boss, now):
    rows = on_sale(shop, 3)
    answer = pull(scale, device)
    assert (answer["full"], answer["more"], answer["deleted"], answer["timeStamp"]) == (True, False, [], 3)
    assert [row["id"] for row in answer["data"]] == [row.pk for row in rows]
    assert acknowledge(scale, device, answer).json()["status"] == 200
    prices.change_prices(changes=[Change(shop_product_id=rows[1].pk, price=Decimal(1))], principal=boss, now=now)
    prices.remove_products(shop_product_ids=[rows[2].pk], principal=boss, now=now)
    answer = pull(scale, device)
    assert [(row["id"], row["price"]) for row in answer["data"]] == [(rows[1].pk, 1.0)]
    assert (answer["full"], answer["deleted"], answer["timeStamp"]) == (False, [rows[2].product_id], 5)


def test_what_is_not_acknowledged_comes_again(scale, device, shop):
    on_sale(shop, 1)
    assert pull(scale, device) == pull(scale, device)


def test_resetting_makes_the_next_pull_a_full_one(api, scale, device, shop, manager):
    on_sale(shop, 1)
    acknowledge(scale, device, pull(scale, device))
    assert pull(scale, device)["data"] == []
    answer = api.as_user(manager).post(f"{API}/resetdownload", {"shopId": shop.pk})
    assert answer.json() == {"status": 200, "message": "已重置 1 台设备，下次下载将全部重新加载"}
    assert pull(scale, device)["full"] is True


def test_a_device_resets_itself_without_naming_its_shop(scale, device, shop):
    other = factories.DeviceFactory(shop=shop, time_stamp=9)
    assert scale.post(f"{API}/resetdownload", {"deviceId": device.pk}).json()["status"] == 200
    assert factories.copy_of(other).time_stamp == 9
    assert scale.post(f"{API}/resetdownload").json()["message"].startswith("已重置 2 台")
    assert factories.copy_of(other).time_stamp == 0


def test_nobody_pulls_or_resets_for_another_shop(api, scale, shop, tenant, manager):
    foreign = factories.DeviceFactory(shop__tenant=tenant, time_stamp=9)
    for caller in (scale, api.as_user(manager)):
        assert caller.post(f"{API}/resetdownload", {"shopId": foreign.shop_id}).status_code == 404
        assert caller.post(f"{API}/resetdownload", {"shopId": shop.pk, "deviceId": foreign.pk}).status_code == 404
    answers = [scale.get(f"{API}/getdownload", deviceId=pk) for pk in (foreign.pk, 10**12)]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].content == answers[1].content
    assert acknowledge(scale, foreign, {"timeStamp": 0}).status_code == 404
    assert factories.copy_of(foreign).time_stamp == 9


def test_a_device_that_is_switched_off_pulls_nothing(scale, device):
    device.in_use = False
    device.save()
    assert scale.get(f"{API}/getdownload", deviceId=device.pk).status_code == 404


def test_a_stamp_that_the_shop_never_reached_and_a_missing_device_are_400(scale, device):
    for stamp in (1, -1, "x", None):
        assert acknowledge(scale, device, {"timeStamp": stamp}).status_code == 400
    assert scale.get(f"{API}/getdownload").status_code == 400
    assert factories.copy_of(device).time_stamp == 0


def test_downloads_are_for_devices_only(api, device, shop, headquarters, clerk, buyer):
    for person in (headquarters, clerk, buyer):
        assert api.as_user(person).get(f"{API}/getdownload", deviceId=device.pk).status_code == 403
        assert api.as_user(person).post(f"{API}/ackdownload", {"deviceId": device.pk, "timeStamp": 0}).status_code == 403
    assert api.as_user(clerk).post(f"{API}/resetdownload", {"shopId": shop.pk}).status_code == 403
    assert api.anonymous.post(f"{API}/resetdownload", {"shopId": shop.pk}).status_code == 401
