import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from groupbuy.models import GroupBuying, Order
from groupbuy.models.orders import OrderStatus
from pricing.models import PriceLog, ShopProduct
from shops.models import Device, Licence, Shop, Stall
from tests.support import factories

CREATE, UPDATE, DELETE = (f"/api/shop/{name}" for name in ("create", "update", "delete"))
NEW = {"name": "新天地店", "code": "xtd", "address": "马当路 245 号", "lbsPoint": "121.47,31.22", "shopArea": 120.5}


@pytest.fixture
def caller(api, headquarters):
    return api.as_user(headquarters)


def test_headquarters_opens_a_shop_with_keys_and_an_unlimited_licence(caller, tenant):
    assert caller.post(CREATE, NEW).json()["status"] == 200
    shop = Shop.objects.get(tenant=tenant, code="xtd")
    assert (shop.name, shop.address, shop.lbs_point, str(shop.area)) == ("新天地店", "马当路 245 号", "121.47,31.22", "120.50")
    assert shop.app_key.startswith("ak_")
    assert shop.app_secret.startswith("sk_")
    assert shop.licence.contract_ends_on is None


def test_what_the_server_owns_is_ignored(caller, tenant):
    other = factories.TenantFactory()
    sent = {"tenantId": other.pk, "appKey": "mine", "appSecret": "mine", "id": 77, "shopProductPriceLogs": [{"newPrice": 1}]}
    assert caller.post(CREATE, NEW | sent).status_code == 200
    shop = Shop.objects.get(code="xtd")
    assert (shop.tenant, shop.app_key == "mine", shop.app_secret == "mine", shop.pk == 77) == (tenant, False, False, False)
    assert not PriceLog.objects.exists()


def test_devices_and_products_are_made_with_the_shop(caller, tenant):
    kind = factories.DeviceTypeFactory()
    by_id, by_code = factories.ProductFactory.create_batch(2, tenant=tenant, price="8.80", member_price="7.70")
    device = {"code": "scale-1", "deviceTypeId": kind.pk, "ip": "192.0.2.7", "mac": "00:11", "timeStamp": 99, "id": 12}
    products = [{"productId": by_id.pk, "price": 6.5, "sort": 3}, {"productCode": by_code.code}]
    assert caller.post(CREATE, NEW | {"devices": [device], "shopProducts": products}).json()["status"] == 200
    made = Device.objects.get(shop__code="xtd")
    assert (made.code, made.ip, made.mac, made.time_stamp, made.in_use) == ("scale-1", "192.0.2.7", "00:11", 0, True)
    rows = ShopProduct.objects.filter(shop__code="xtd").order_by("product")
    assert [(str(row.price), str(row.member_price), row.sort) for row in rows] == [("6.50", "7.70", 3), ("8.80", "7.70", 0)]
    assert not PriceLog.objects.exists()


def test_a_code_is_taken_once_per_tenant(caller, tenant):
    factories.ShopFactory(code="xtd")
    assert caller.post(CREATE, NEW).json()["status"] == 200
    answer = caller.post(CREATE, NEW)
    assert (answer.status_code, answer.json()) == (200, {"status": 500, "message": "门店编码已存在"})
    assert Shop.objects.filter(tenant=tenant).count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": " "},
        {"code": ""},
        {"code": "有空 格"},
        {"code": "a" * 33},
        {"shopArea": -1},
        {"shopArea": "wide"},
        {"imagePath": "/media/shops/none.png"},
        {"imagePath": "/etc/passwd"},
        {"imagePath": "/media/shops/../../etc/passwd"},
        {"imagePath": "/media/shops/.."},
        {"imagePath": "/media/shops/."},
        {"imagePath": "/media/shops/"},
        {"imagePath": "/media/shops/folder"},
        {"imagePath": "/media/shops/folder/inner.png"},
        {"imagePath": "/media/shops/../demo/apple.webp"},
        {"imagePath": "/media/groupbuys/other.png"},
        {"devices": "none"},
        {"devices": [1]},
        {"devices": [{"code": "no-type"}]},
        {"devices": [{"code": "d", "deviceTypeId": 1, "ip": "not an ip"}]},
        {"shopProducts": [{"price": 1}]},
        {"shopProducts": [{"productId": 1, "price": -1}]},
    ],
    ids=str,
)
def test_wrong_input_is_400_and_opens_nothing(caller, change):
    for name in ("shops/folder/inner.png", "demo/apple.webp", "groupbuys/other.png"):
        if not default_storage.exists(name):
            default_storage.save(name, ContentFile(b"picture"))
    answer = caller.post(CREATE, NEW | change)
    assert (answer.status_code, answer.json()["status"]) == (400, 500)
    assert not Shop.objects.exists()


def test_a_foreign_product_or_stall_or_an_unknown_type_is_404_and_opens_nothing(caller, tenant):
    kind, stall = factories.DeviceTypeFactory(), factories.StallFactory()
    for sent in (
        {"shopProducts": [{"productId": factories.ProductFactory().pk}]},
        {"shopProducts": [{"productCode": "nowhere"}]},
        {"devices": [{"code": "d", "deviceTypeId": kind.pk, "stallId": stall.pk}]},
        {"devices": [{"code": "d", "deviceTypeId": 10**6}]},
    ):
        assert caller.post(CREATE, NEW | sent).status_code == 404
    assert not Shop.objects.filter(tenant=tenant).exists()


def test_only_headquarters_opens_and_closes_shops(api, shop, buyer, clerk, manager):
    for caller in (api.as_user(buyer), api.as_user(clerk), api.as_user(manager), api.as_device(shop)):
        assert caller.post(CREATE, NEW).status_code == 403
        assert caller.post(DELETE, {"id": shop.pk}).status_code == 403
    assert api.anonymous.post(CREATE, NEW).status_code == 401
    assert Shop.objects.get().removed_at is None


def test_an_update_writes_what_was_sent_and_keeps_the_rest(api, shop, manager):
    sent = {"id": shop.pk, "NAME": "田林新店", "address": "", "lbsPoint": None, "appKey": "x", "devices": None, "shopProducts": []}
    assert api.as_user(manager).post(UPDATE, sent).json()["status"] == 200
    now = factories.copy_of(shop)
    assert (now.name, now.address, now.code, now.app_key) == ("田林新店", "", shop.code, shop.app_key)


def test_a_posted_back_shop_changes_nothing(api, shop, manager):
    factories.DeviceFactory(shop=shop, time_stamp=7, ip="192.0.2.7")
    factories.ShopProductFactory(shop=shop)
    shop.image.save("front.png", ContentFile(b"picture"))
    caller = api.as_user(manager)
    before = caller.get("/api/shop/get", id=shop.pk).json()
    answer = caller.post(UPDATE, before)
    assert answer.json() == {"status": 200, "message": "门店已修改"}
    assert caller.get("/api/shop/get", id=shop.pk).json() == before


def test_a_photograph_is_chosen_among_the_uploaded_ones_or_cleared(api, shop, manager):
    name = default_storage.save("shops/other.png", ContentFile(b"picture"))
    caller = api.as_user(manager)
    caller.post(UPDATE, {"id": shop.pk, "imagePath": f"/media/{name}"})
    assert factories.copy_of(shop).image.name == name
    caller.post(UPDATE, {"id": shop.pk, "imagePath": ""})
    assert not factories.copy_of(shop).image


def test_a_shop_of_the_demo_is_posted_back_with_its_picture(api, shop, manager):
    name = default_storage.save("demo/shop-front.webp", ContentFile(b"picture"))
    Shop.objects.filter(pk=shop.pk).update(image=name)
    caller = api.as_user(manager)
    assert caller.post(UPDATE, caller.get("/api/shop/get", id=shop.pk).json()).json()["status"] == 200
    assert factories.copy_of(shop).image.name == name


def test_a_managers_reach_ends_at_the_own_shops(api, manager, tenant):
    caller = api.as_user(manager)
    foreign, missing = (caller.post(UPDATE, {"id": pk, "name": "x"}) for pk in (factories.ShopFactory(tenant=tenant).pk, 10**9))
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content


def test_devices_are_found_by_id_or_code_and_others_stay(api, shop, manager):
    first, second, third = factories.DeviceFactory.create_batch(3, shop=shop, time_stamp=5)
    stall = Stall.objects.create(shop=shop, code="s1", name="水果摊")
    sent = [{"id": first.pk, "code": "renamed", "stallId": stall.pk}, {"code": second.code, "inUse": False}]
    new = {"code": "new", "deviceTypeId": first.device_type_id}
    assert api.as_user(manager).post(UPDATE, {"id": shop.pk, "devices": [*sent, new]}).json()["status"] == 200
    devices = {row.code: row for row in Device.objects.filter(shop=shop)}
    assert devices.keys() == {"renamed", second.code, third.code, "new"}
    assert (devices["renamed"].pk, devices["renamed"].stall, devices["renamed"].time_stamp) == (first.pk, stall, 5)
    assert [devices[code].in_use for code in ("renamed", second.code, third.code)] == [True, False, True]


def test_a_device_of_another_shop_twice_or_with_a_taken_code_changes_nothing(api, shop, manager):
    first, second = factories.DeviceFactory.create_batch(2, shop=shop)
    caller = api.as_user(manager)

    def sent(*devices):
        answer = caller.post(UPDATE, {"id": shop.pk, "name": "changed", "devices": list(devices)})
        return answer.status_code, answer.json()["message"]

    assert sent({"id": factories.DeviceFactory().pk, "inUse": False})[0] == 404
    assert sent({"id": first.pk}, {"code": first.code}) == (400, "同一设备出现多次")
    assert sent({"id": first.pk, "code": second.code}) == (200, "设备编码已存在")
    assert factories.copy_of(shop).name == shop.name


def test_an_update_adds_products_and_tells_how_many_prices_differ(api, shop, manager):
    row = factories.ShopProductFactory(shop=shop, price="6.00")
    new = factories.ProductFactory(tenant=shop.tenant)
    sent = [{"productId": row.product_id, "price": 1.5}, {"productId": new.pk, "price": 2.5}]
    answer = api.as_user(manager).post(UPDATE, {"id": shop.pk, "shopProducts": sent}).json()
    assert (answer["status"], "1 个商品的价格与现价不同" in answer["message"]) == (200, True)
    assert [str(price) for price in ShopProduct.objects.order_by("pk").values_list("price", flat=True)] == ["6.00", "2.50"]


def test_with_the_setting_an_update_changes_prices_and_logs_them(api, shop, manager, settings):
    settings.SHOP_UPDATE_PRICES = True
    row = factories.ShopProductFactory(shop=shop, price="6.00")
    sent = [{"productCode": row.product.code, "price": 1.5}]
    assert api.as_user(manager).post(UPDATE, {"id": shop.pk, "shopProducts": sent}).json()["message"] == "门店已修改"
    assert str(factories.copy_of(row).price) == "1.50"
    assert [(str(log.old_price), str(log.new_price), log.user) for log in PriceLog.objects.all()] == [("6.00", "1.50", manager)]


def test_a_shop_is_closed_softly_and_a_repeat_is_fine(caller, shop):
    assert [caller.post(DELETE, {"id": shop.pk}).json()["status"] for _ in range(2)] == [200, 200]
    assert factories.copy_of(shop).removed_at is not None
    assert caller.post(UPDATE, {"id": shop.pk, "name": "x"}).status_code == 404


def test_a_foreign_shop_is_not_closed(caller):
    shop = factories.ShopFactory()
    assert caller.post(DELETE, {"id": shop.pk}).status_code == 404
    assert factories.copy_of(shop).removed_at is None


def test_a_live_group_buy_keeps_a_shop_open(caller, group_buying, now):
    shop = group_buying.shop
    answer = caller.post(DELETE, {"id": shop.pk})
    assert (answer.status_code, answer.json()) == (200, {"status": 500, "message": "门店有进行中的团购，不能删除"})
    assert factories.copy_of(shop).removed_at is None
    GroupBuying.objects.update(in_use=False)
    assert caller.post(DELETE, {"id": shop.pk}).json()["status"] == 200


def order_in(status, group_buying, buyer, now):
    return Order.objects.create(
        tenant=group_buying.tenant,
        shop=group_buying.shop,
        group_buying=group_buying,
        buyer=buyer,
        code="o-1",
        sequence=1,
        buyer_sequence=1,
        status=status,
        holds_stock=status in (0, 1, 3, 4, 7, 8),
        deliver_type=1,
        product_name="苹果",
        price="9.90",
        qty=1,
        money="9.90",
        pay_deadline_at=now,
        paid_at=now,
    )


@pytest.mark.parametrize("status", OrderStatus.values)
def test_an_open_order_keeps_a_shop_open(caller, group_buying, buyer, now, status):
    GroupBuying.objects.update(in_use=False)
    order_in(status, group_buying, buyer, now)
    closed = caller.post(DELETE, {"id": group_buying.shop_id}).json()["status"] == 200
    assert closed == (status in (2, 4, 5, 6))


def test_every_shop_that_is_opened_has_a_licence(caller):
    caller.post(CREATE, NEW)
    assert Licence.objects.count() == Shop.objects.count() == 1
