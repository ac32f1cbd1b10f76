import pytest

from pricing.models import PriceLog, ShopProduct
from tests.pricing.conftest import on_sale
from tests.support import factories

API = "/api/shop/shopproduct"
WRITES = ("addproduct", "addproductbyclass", "changeprice", "changeprices", "unifychangeprice", "delete", "deleteall")


@pytest.fixture
def caller(api, manager):
    return api.as_user(manager)


def price_of(row):
    return str(factories.copy_of(row).price)


def test_adding_products_tells_the_counts(caller, shop):
    first, second = factories.ProductFactory.create_batch(2, tenant=shop.tenant)
    factories.ShopProductFactory(shop=shop, product=first, price="1.00")
    sent = {"shopIds": [shop.pk], "productIds": [first.pk, second.pk], "productClassId": 10**9, "id": 7}
    assert caller.post(f"{API}/addproduct", sent).json() == {"status": 200, "message": "新增 1 个，已有 1 个"}
    assert [str(row.price) for row in ShopProduct.objects.filter(shop=shop).order_by("product")] == ["1.00", "5.90"]


def test_adding_a_class_adds_what_is_below_it_and_may_be_narrowed(caller, shop):
    fruit = factories.ProductClassFactory(tenant=shop.tenant)
    apples = factories.ProductClassFactory(tenant=shop.tenant, parent=fruit)
    first, second = (factories.ProductFactory(tenant=shop.tenant, product_class=one) for one in (fruit, apples))
    sent = {"shopIds": [shop.pk], "productClassId": fruit.pk}
    assert caller.post(f"{API}/addproductbyclass", sent | {"productIds": [second.pk]}).json()["message"] == "新增 1 个，已有 0 个"
    assert caller.post(f"{API}/addproduct", sent).json()["message"] == "新增 1 个，已有 1 个"
    assert set(shop.shop_products.values_list("product", flat=True)) == {first.pk, second.pk}


def test_adding_nothing_or_nowhere_is_400(caller, shop):
    product = factories.ProductFactory(tenant=shop.tenant)
    for sent in ({"shopIds": [shop.pk]}, {"shopIds": [], "productIds": [product.pk]}, {"productIds": [product.pk]}, {}):
        assert caller.post(f"{API}/addproduct", sent).status_code == 400
    assert not ShopProduct.objects.exists()


@pytest.mark.parametrize("by_id", [True, False], ids=["by id", "by shop and product"])
def test_a_price_is_changed_and_what_is_not_sent_stays(caller, manager, row, by_id):
    name = {"id": row.pk} if by_id else {"shopId": row.shop_id, "productId": row.product_id}
    answer = caller.post(f"{API}/changeprice", name | {"price": 6.5, "memberPrice": None})
    assert answer.json() == {"status": 200, "message": "已调价 1 个，0 个未变"}
    now = factories.copy_of(row)
    assert (str(now.price), str(now.member_price), now.sort) == ("6.50", "5.50", 0)
    log = PriceLog.objects.get()
    assert (str(log.old_price), str(log.new_price), log.user) == ("5.90", "6.50", manager)


def test_a_posted_back_row_changes_nothing(caller, row):
    sent = caller.get(f"{API}/get", id=row.pk).json()
    assert caller.post(f"{API}/changeprice", sent).json()["message"] == "已调价 0 个，1 个未变"
    assert not PriceLog.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"price": -0.01},
        {"price": "dear"},
        {"price": 1.234},
        {"price": True},
        {"memberPrice": 1e9},
        {"sort": 2**31},
        {"id": None, "productId": 1},
        {"id": "1e3"},
    ],
    ids=str,
)
def test_a_price_that_makes_no_sense_is_400(caller, row, change):
    assert caller.post(f"{API}/changeprice", {"id": row.pk} | change).status_code == 400
    assert price_of(row) == "5.90"


def test_the_tail_of_a_binary_float_is_rounded_away(caller, row):
    assert caller.post(f"{API}/changeprice", {"id": row.pk, "price": 59.699999999999996}).json()["status"] == 200
    assert price_of(row) == "59.70"


def test_a_list_of_changes_is_one_batch(caller, shop):
    rows = on_sale(shop, 3)
    sent = [{"id": rows[0].pk, "price": 1}, {"id": rows[1].pk, "price": "2.50"}, {"id": rows[2].pk, "price": 5.9}]
    assert caller.post(f"{API}/changeprices", sent).json()["message"] == "已调价 2 个，1 个未变"
    assert [price_of(row) for row in rows] == ["1.00", "2.50", "5.90"]
    assert PriceLog.objects.values("change").distinct().count() == 1


def test_a_row_twice_a_foreign_one_or_no_list_changes_nothing(caller, shop):
    row = on_sale(shop, 1)[0]
    foreign = factories.ShopProductFactory()

    def status(sent):
        return caller.post(f"{API}/changeprices", sent).status_code

    change = {"id": row.pk, "price": 1}
    assert status([change, {"shopId": shop.pk, "productId": row.product_id, "price": 2}]) == 400
    assert status([change, {"id": foreign.pk, "price": 1}]) == status([change, {"id": 10**12, "price": 1}]) == 404
    assert [status(sent) for sent in ([], change, [1], [change, None])] == [400, 400, 400, 400]
    assert (price_of(row), price_of(foreign)) == ("5.90", "5.90")


def test_one_price_for_many_shops_names_those_without_the_product(api, headquarters, row, tenant):
    without = factories.ShopFactory(tenant=tenant, name="静安店")
    sent = {"shopIds": [row.shop_id, without.pk], "productId": row.product_id, "price": 7}
    answer = api.as_user(headquarters).post(f"{API}/unifychangeprice", sent)
    assert answer.json() == {"status": 200, "message": "已调价 1 个，0 个未变；1 家门店不销售该商品：静安店"}
    assert price_of(row) == "7.00"


def test_one_price_for_no_shop_is_400_and_never_all(caller, row):
    for shops in ({}, {"shopIds": []}, {"shopIds": None}, {"shopIds": [0]}):
        assert caller.post(f"{API}/unifychangeprice", shops | {"productId": row.product_id, "price": 7}).status_code == 400
    assert caller.post(f"{API}/unifychangeprice", {"shopIds": [row.shop_id], "price": 7}).status_code == 400
    assert price_of(row) == "5.90"


def test_rows_are_removed_by_their_ids_all_or_none(caller, shop):
    rows = on_sale(shop, 3)
    foreign = factories.ShopProductFactory()
    assert caller.post(f"{API}/delete", [rows[0].pk, foreign.pk]).status_code == 404
    assert caller.post(f"{API}/delete", {"id": rows[0].pk}).status_code == 400
    assert ShopProduct.objects.live().count() == 4
    assert caller.post(f"{API}/delete", [rows[0].pk, str(rows[1].pk)]).json()["message"] == "已下架 2 个"
    assert set(ShopProduct.objects.live()) == {rows[2], foreign}


@pytest.mark.parametrize("sent", [[], [0], [None], ["x"], [1.5], [[1]], None])
def test_a_list_of_ids_that_makes_no_sense_is_400(caller, row, sent):
    assert caller.post(f"{API}/delete", sent).status_code == 400


def test_clearing_a_shop_needs_the_right_and_the_shop(api, shop, manager):
    rows = on_sale(shop, 2)
    assert api.as_user(manager).post(f"{API}/deleteall", {"shopId": shop.pk}).status_code == 403
    caller = api.as_user(factories.grant(manager, "pricing.delete_shopproduct"))
    answer = caller.post(f"{API}/deleteall", {})
    assert (answer.status_code, answer.json()["message"]) == (400, "请指定门店")
    assert caller.post(f"{API}/deleteall", {"shopId": factories.ShopFactory().pk}).status_code == 404
    assert ShopProduct.objects.live().count() == len(rows)
    assert caller.post(f"{API}/deleteall", {"id": shop.pk}).json()["message"] == "已下架 2 个"


@pytest.mark.parametrize("name", WRITES)
def test_only_managers_and_headquarters_write(api, shop, buyer, clerk, name):
    body = [] if name in ("changeprices", "delete") else {}
    for caller in (api.as_user(buyer), api.as_user(clerk), api.as_device(shop)):
        assert caller.post(f"{API}/{name}", body).status_code == 403
    assert api.anonymous.post(f"{API}/{name}", body).status_code == 401


def test_arguments_may_come_as_a_form_or_in_the_query_in_any_case(caller, row):
    form = "application/x-www-form-urlencoded"
    answer = caller.client.post(f"{API}/changeprice", f"ID={row.pk}&Price=6.10", content_type=form, headers=caller.headers)
    assert (answer.json()["status"], price_of(row)) == (200, "6.10")
    assert caller.post(f"{API}/changeprice", {}, id=row.pk, price="6.20").json()["status"] == 200
    assert caller.post(f"{API}/changeprice", {"id": row.pk, "price": 1}, price="2").status_code == 400
    assert price_of(row) == "6.20"
