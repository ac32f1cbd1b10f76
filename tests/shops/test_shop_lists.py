import pytest
from django.core.files.base import ContentFile

from retail.rights import Role
from shops.models import Stall
from tests.support import factories

LIST = "/api/shop/getlist"


@pytest.fixture
def chain(tenant, shop):
    """Three shops of the tenant, one of another, one closed."""
    factories.ShopFactory(tenant=tenant, code="zz-1", name="徐家汇店", area="20.50")
    factories.ShopFactory(tenant=tenant, code="zz-2", name="静安店", address="静安区石门二路", area="30.25")
    factories.ShopFactory()
    factories.ShopFactory(tenant=tenant, removed_at="2026-01-01T00:00:00Z")


def codes(answer):
    return [row["code"] for row in answer.json()["data"]]


def test_headquarters_lists_the_whole_tenant_others_their_shops(api, chain, shop, headquarters, manager, clerk):
    assert codes(api.as_user(headquarters).get(LIST)) == [shop.code, "zz-1", "zz-2"]
    for caller in (api.as_user(manager), api.as_user(clerk), api.as_device(shop)):
        assert codes(caller.get(LIST)) == [shop.code]


def test_the_page_counts_and_sums_everything_that_was_found(api, chain, headquarters):
    answer = api.as_user(headquarters).get(LIST, pageSize=1, pageIndex=2).json()
    assert (answer["pageIndex"], answer["pageSize"], answer["totalCount"]) == (2, 1, 3)
    assert answer["sumData"]["shopArea"] == 50.75
    assert {value for name, value in answer["sumData"].items() if name in ("name", "appKey", "appSecret", "imagePath")} == {""}
    assert answer["sumData"]["devices"] == answer["sumData"]["shopProducts"] == []
    assert api.as_user(headquarters).get(LIST, pageIndex=99).json()["data"] == []


@pytest.mark.parametrize(("keyword", "found"), [("徐家汇", ["zz-1"]), ("ZZ-", ["zz-1", "zz-2"]), ("石门二路", ["zz-2"]), ("%", [])])
def test_the_keyword_is_looked_for_in_name_code_and_address(api, chain, headquarters, keyword, found):
    answer = api.as_user(headquarters).get(LIST, keyword=keyword)
    assert codes(answer) == found
    assert answer.json()["totalCount"] == len(found)


def test_a_list_shows_devices_and_neither_products_nor_logs(api, shop, manager):
    stall = Stall.objects.create(shop=shop, code="s1", name="水果摊")
    device = factories.DeviceFactory(shop=shop, stall=stall, ip="192.0.2.7", mac="00:11:22:33:44:55", time_stamp=7)
    factories.ShopProductFactory(shop=shop)
    (row,) = api.as_user(manager).get(LIST).json()["data"]
    assert row["shopProducts"] == row["shopProductPriceLogs"] == []
    assert row["devices"] == [
        {
            "shopId": shop.pk,
            "shopName": shop.name,
            "stallId": stall.pk,
            "stallName": "水果摊",
            "ip": "192.0.2.7",
            "code": device.code,
            "mac": "00:11:22:33:44:55",
            "timeStamp": 7,
            "inUse": True,
            "deviceTypeId": device.device_type_id,
            "deviceTypeName": "条码秤",
            "id": device.pk,
        }
    ]


def test_what_a_device_doesnt_have_is_empty_and_not_null(api, shop, manager):
    factories.DeviceFactory(shop=shop)
    (device,) = api.as_user(manager).get(LIST).json()["data"][0]["devices"]
    assert (device["stallId"], device["stallName"], device["ip"], device["mac"], device["timeStamp"]) == (0, "", "", "", 0)


def test_clerks_and_devices_see_no_key_ip_or_mac(api, shop, clerk):
    factories.DeviceFactory(shop=shop, ip="192.0.2.7", mac="00:11:22:33:44:55")
    for caller in (api.as_user(clerk), api.as_device(shop)):
        (row,) = caller.get(LIST).json()["data"]
        assert (row["appKey"], row["appSecret"], row["devices"][0]["ip"], row["devices"][0]["mac"]) == ("", "", "", "")


def test_managers_see_the_key_and_nobody_the_secret_in_a_list(api, shop, manager, headquarters):
    for person in (manager, factories.grant(headquarters, "shops.see_secret")):
        (row,) = api.as_user(person).get(LIST).json()["data"]
        assert (row["appKey"], row["appSecret"]) == (shop.app_key, "")


def test_the_list_of_all_shops_shows_a_manager_the_tenant_without_keys_and_devices(api, chain, shop, manager):
    factories.DeviceFactory(shop=shop)
    rows = api.as_user(manager).get("/api/shop/getalllist").json()["data"]
    assert [row["code"] for row in rows] == [shop.code, "zz-1", "zz-2"]
    assert {(row["appKey"], row["appSecret"], len(row["devices"])) for row in rows} == {("", "", 0)}


def test_who_may_not_list(api, buyer, clerk, shop, headquarters):
    assert api.anonymous.get(LIST).status_code == 401
    assert api.as_user(buyer).get(LIST).status_code == 403
    for caller in (api.as_user(clerk), api.as_device(shop)):
        assert caller.get("/api/shop/getalllist").status_code == 403


def test_a_list_takes_the_same_number_of_queries_however_long_it_is(api, shop, tenant, headquarters, count_queries):
    caller = api.as_user(headquarters)
    factories.DeviceFactory(shop=shop)
    few = count_queries(lambda: caller.get(LIST))
    for another in factories.ShopFactory.create_batch(3, tenant=tenant):
        factories.DeviceFactory.create_batch(3, shop=another)
    assert count_queries(lambda: caller.get(LIST)) == few


def test_pages_are_capped_at_the_size_for_the_trade(api, shop, manager, settings):
    settings.PAGE_SIZE_MAX = {"public": 1, "trade": 2, "shop_products": 3}
    assert api.as_user(manager).get(LIST, pageSize=10**9).json()["pageSize"] == 2


@pytest.fixture
def full_shop(shop, manager):
    factories.DeviceFactory(shop=shop)
    row = factories.ShopProductFactory(shop=shop, price="6.00")
    factories.log_of(row, user=manager, old_price="5.90", new_price="6.00")
    return shop


def test_one_shop_comes_with_devices_products_and_logs(api, full_shop, manager):
    answer = api.as_user(manager).get("/api/shop/get", id=full_shop.pk).json()
    assert (answer["code"], answer["tenantId"], answer["appKey"], answer["appSecret"]) == (
        full_shop.code,
        full_shop.tenant_id,
        full_shop.app_key,
        "",
    )
    assert [len(answer[name]) for name in ("devices", "shopProducts", "shopProductPriceLogs")] == [1, 1, 1]
    assert answer["shopProducts"][0]["price"] == 6.0
    log = answer["shopProductPriceLogs"][0]
    assert (log["oldPrice"], log["newPrice"], log["userId"], log["userName"]) == (5.9, 6.0, manager.pk, manager.nickname)


def test_of_a_price_log_clerks_and_devices_dont_see_who(api, full_shop, clerk):
    for caller in (api.as_user(clerk), api.as_device(full_shop)):
        (log,) = caller.get("/api/shop/get", id=full_shop.pk).json()["shopProductPriceLogs"]
        assert (log["userId"], log["userName"]) == (0, "")


def test_one_shop_shows_the_newest_hundred_logs_and_only_what_is_on_sale(api, shop, manager):
    row = factories.ShopProductFactory(shop=shop)
    factories.ShopProductFactory(shop=shop, removed_at="2026-01-01T00:00:00Z")
    for price in range(102):
        factories.log_of(row, old_price=price, new_price=price + 1)
    answer = api.as_user(manager).get("/api/shop/get", id=shop.pk).json()
    assert [product["id"] for product in answer["shopProducts"]] == [row.pk]
    assert [log["newPrice"] for log in answer["shopProductPriceLogs"]] == [float(price) for price in range(102, 2, -1)]


def test_the_secret_is_for_headquarters_with_the_right_only(api, shop, manager, headquarters):
    def secret_for(person):
        return api.as_user(person).get("/api/shop/get", id=shop.pk).json()["appSecret"]

    assert secret_for(headquarters) == ""
    assert secret_for(factories.grant(manager, "shops.see_secret")) == ""
    assert secret_for(factories.grant(headquarters, "shops.see_secret")) == shop.app_secret


def test_a_foreign_a_removed_and_a_missing_shop_are_the_same_404(api, shop, manager, tenant):
    others = [factories.ShopFactory(), factories.ShopFactory(tenant=tenant)]
    gone = factories.ShopFactory(tenant=tenant, removed_at="2026-01-01T00:00:00Z")
    manager.shops.add(gone)
    for caller in (api.as_user(manager), api.as_device(shop)):
        answers = [caller.get("/api/shop/get", id=pk) for pk in (*(row.pk for row in others), gone.pk, 10**12)]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1


def test_the_photograph_is_a_media_path(api, shop, manager):
    shop.image.save("front.png", ContentFile(b"picture"))
    assert api.as_user(manager).get(LIST).json()["data"][0]["imagePath"] == f"/media/{shop.image.name}"


def test_staff_without_a_shop_see_none(api, tenant):
    lonely = factories.StaffFactory(tenant=tenant, role=Role.MANAGER)
    assert api.as_user(lonely).get(LIST).json()["totalCount"] == 0
