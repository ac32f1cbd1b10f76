from decimal import Decimal

import pytest
from django.core.files.base import ContentFile

from retail.models import ProductImage
from tests.support import factories

API = "/api/shop/shopproduct"


def codes(answer):
    body = answer.json()
    return [row["productCode"] for row in (body if isinstance(body, list) else body["data"])]


def sell(shop, code, **fields):
    """A row on sale; ``name``, ``barcode`` and ``product_class`` are the product's."""
    of_product = {name: fields.pop(name) for name in ("name", "barcode", "product_class", "pack_size") if name in fields}
    product = factories.ProductFactory(tenant=shop.tenant, code=code, **of_product)
    return factories.ShopProductFactory(shop=shop, product=product, **fields)


@pytest.fixture
def fruit(tenant):
    return factories.ProductClassFactory(tenant=tenant, name="水果")


@pytest.fixture
def apples(tenant, fruit):
    return factories.ProductClassFactory(tenant=tenant, name="苹果", parent=fruit)


@pytest.fixture
def range_of_goods(shop, fruit, apples):
    """Four products of a shop, in the order of its list: c, a, b, d."""
    sell(shop, "c", sort=-1, name="香蕉", product_class=fruit)
    sell(shop, "b", name="红富士苹果", product_class=apples, barcode="6901")
    sell(shop, "a", name="青苹果", product_class=apples)
    sell(shop, "d", sort=9, name="大白菜")
    sell(shop, "e", removed_at="2026-01-01T00:00:00Z")
    sell(factories.ShopFactory(tenant=shop.tenant, code="zz"), "f")
    return shop


def test_a_row_has_exactly_the_documented_keys(api, shop, buyer, apples):
    row = sell(shop, "000123", name="红富士苹果", product_class=apples, price="6.50", member_price="6.00", sort=3)
    ProductImage.objects.create(product=row.product, image=ContentFile(b"2", "second.png"), sort=2)
    first = ProductImage.objects.create(product=row.product, image=ContentFile(b"1", "first.png"), sort=1)
    answer = api.as_user(buyer).get(f"{API}/get", id=row.pk).json()
    pictures = answer.pop("images")
    assert (len(pictures), pictures[0]) == (2, f"/media/{first.image.name}")
    assert answer == {
        "shopId": shop.pk,
        "shopName": shop.name,
        "productId": row.product_id,
        "productCode": "000123",
        "productName": "红富士苹果",
        "productClass": "苹果",
        "productUnit": "斤",
        "price": 6.5,
        "memberPrice": 6.0,
        "pricingType": 0,
        "pricingTypeName": "计数",
        "sort": 3,
        "id": row.pk,
    }


def test_one_row_by_shop_and_product(api, range_of_goods, shop, buyer, clerk):
    row = shop.shop_products.get(product__code="a")
    for caller in (api.as_user(buyer), api.as_user(clerk), api.as_device(shop)):
        assert caller.get(f"{API}/getbyproductid", productId=row.product_id, shopId=shop.pk).json()["id"] == row.pk
    assert api.as_device(shop).get(f"{API}/getbyproductid", productId=row.product_id).json()["id"] == row.pk
    assert api.as_user(clerk).get(f"{API}/getbyproductid", productId=row.product_id).status_code == 400
    assert api.as_user(clerk).get(f"{API}/getbyproductid", shopId=shop.pk).status_code == 400


def test_removed_foreign_and_missing_rows_are_the_same_404(api, shop, clerk, buyer, tenant, now):
    removed = factories.ShopProductFactory(shop=shop, removed_at=now)
    closed = factories.ShopProductFactory(shop__tenant=tenant, shop__removed_at=now)
    colleague, foreign = factories.ShopProductFactory(shop__tenant=tenant), factories.ShopProductFactory()
    for caller, hidden in ((api.as_user(clerk), [colleague]), (api.as_device(shop), [colleague]), (api.as_user(buyer), [])):
        rows = [removed, closed, foreign, *hidden]
        answers = [caller.get(f"{API}/get", id=pk) for pk in (*(row.pk for row in rows), 10**12)]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
    assert api.as_user(buyer).get(f"{API}/get", id=colleague.pk).status_code == 200


def test_a_list_is_ordered_by_sort_and_code_and_paged(api, range_of_goods, shop, buyer):
    caller = api.as_user(buyer)
    assert codes(caller.get(f"{API}/getlist", shopId=shop.pk)) == ["c", "a", "b", "d"]
    answer = caller.get(f"{API}/getlist", shopId=shop.pk, pageSize=3, pageIndex=2)
    assert codes(answer) == ["d"]
    body = answer.json()
    assert (body["totalCount"], body["pageIndex"], body["pageSize"]) == (4, 2, 3)
    assert (body["sumData"]["price"], body["sumData"]["productName"], body["sumData"]["images"]) == (0.0, "", [])


@pytest.mark.parametrize(
    ("keyword", "found"),
    [("苹果", ["a", "b"]), ("690", ["b"]), ("HFS", ["b"]), ("D", ["d"]), ("%", []), ("无", []), ("", ["c", "a", "b", "d"])],
)
def test_the_keyword_is_looked_for_in_name_code_barcode_and_pinyin(api, range_of_goods, shop, clerk, keyword, found):
    answer = api.as_user(clerk).get(f"{API}/getlist", shopId=shop.pk, keyword=keyword)
    assert codes(answer) == found
    assert answer.json()["totalCount"] == len(found)


def test_a_class_includes_those_below_it_and_zero_is_all(api, range_of_goods, shop, clerk, fruit, apples):
    caller = api.as_user(clerk)

    def listed(class_id):
        return codes(caller.get(f"{API}/getlist", shopId=shop.pk, productClassId=class_id))

    assert listed(fruit.pk) == ["c", "a", "b"]
    assert listed(apples.pk) == ["a", "b"]
    assert listed(0) == ["c", "a", "b", "d"]
    assert listed(factories.ProductClassFactory().pk) == listed(10**9) == []


def test_without_a_shop_staff_see_their_shops_a_device_its_own_and_a_buyer_400(api, range_of_goods, shop, buyer, headquarters, clerk):
    path = f"{API}/getlist"
    assert codes(api.as_user(headquarters).get(path)) == ["c", "a", "b", "f", "d"]
    assert codes(api.as_user(clerk).get(path)) == codes(api.as_device(shop).get(path)) == ["c", "a", "b", "d"]
    answer = api.as_user(buyer).get(path)
    assert (answer.status_code, answer.json()["message"]) == (400, "请指定门店")


def test_a_foreign_and_a_missing_shop_are_the_same_404_in_every_list(api, shop, tenant, buyer, clerk):
    colleagues, foreign = factories.ShopFactory(tenant=tenant).pk, factories.ShopFactory().pk
    for caller, closed in ((api.as_user(clerk), colleagues), (api.as_device(shop), colleagues), (api.as_user(buyer), foreign)):
        for name in ("getlist", "getlistbyclass", "getlistbyproductids"):
            answers = [caller.get(f"{API}/{name}", shopId=pk, productIds=1) for pk in (closed, foreign, 10**12)]
            assert {answer.status_code for answer in answers} == {404}
            assert len({answer.content for answer in answers}) == 1


def test_a_list_by_classes_is_one_list_and_needs_a_shop_of_staff_too(api, range_of_goods, shop, buyer, clerk, fruit, apples):
    caller, path = api.as_user(clerk), f"{API}/getlistbyclass"
    assert codes(caller.get(path, shopId=shop.pk, productClassId=f"{apples.pk},{fruit.pk}")) == ["c", "a", "b"]
    assert codes(caller.get(path, shopId=shop.pk, productClassId="0")) == ["c", "a", "b", "d"]
    assert codes(caller.get(path, shopId=shop.pk)) == codes(api.as_device(shop).get(path)) == ["c", "a", "b", "d"]
    assert caller.get(path, shopId=shop.pk, productClassId=10**9).json() == []
    assert caller.get(path).status_code == api.as_user(buyer).get(path).status_code == 400
    assert caller.get(path, shopId=shop.pk, productClassId="3,x").status_code == 400


def test_a_list_by_products_keeps_their_order_and_skips_the_unknown(api, range_of_goods, shop, buyer):
    ids = dict(shop.shop_products.values_list("product__code", "product_id"))
    path, caller = f"{API}/getlistbyproductids", api.as_user(buyer)
    asked = f"{ids['d']},{10**9},{ids['a']},{ids['e']},{ids['d']}"
    assert codes(caller.get(path, shopId=shop.pk, productIds=asked)) == ["d", "a"]
    repeated = caller.send("GET", path, f"shopId={shop.pk}&productIds={ids['b']}&productIds={ids['c']}", b"")
    assert codes(repeated) == ["b", "c"]


def test_lists_take_the_same_number_of_queries_however_long_they_are(api, shop, clerk, count_queries, fruit):
    caller = api.as_user(clerk)
    names = ("getlist", "getlistbyclass", "getstockproductlist", "getstockproductlistbyclass", "getlistbyproductids", "getshoplist")

    def queries():
        ids = ",".join(map(str, shop.shop_products.values_list("product_id", flat=True)))
        query = {"shopId": shop.pk, "productIds": ids, "productId": ids}
        return [count_queries(lambda path=f"{API}/{name}": caller.get(path, **query)) for name in names]

    for number in range(2):
        row = sell(shop, f"x{number}", product_class=fruit)
        ProductImage.objects.create(product=row.product, image="products/x.png")
        factories.StockFigureFactory(shop=shop, product=row.product)
    few = queries()
    for number in range(2, 6):
        row = sell(shop, f"x{number}")
        factories.StockFigureFactory(shop=shop, product=row.product)
    assert queries() == few


@pytest.fixture
def stocked(shop):
    row = sell(shop, "a", name="红富士苹果", pack_size="5.000")
    factories.StockFigureFactory(shop=shop, product=row.product, qty="12.345", cost_price="3.33", last_price="3.50")
    row = sell(shop, "b", name="散装")
    factories.StockFigureFactory(shop=shop, product=row.product, qty="0.500", cost_price="0.01")
    sell(shop, "c", name="无库存")
    factories.StockFigureFactory(shop=shop, qty="99")
    return shop


def test_stock_beside_what_is_on_sale_and_the_sums_of_all_rows(api, stocked, manager):
    answer = api.as_user(manager).get(f"{API}/getstockproductlist", shopId=stocked.pk, pageSize=2).json()
    first, second = answer["data"]
    assert (first["qty"], first["boxQty"], first["costPrice"], first["costMoney"], first["lastPrice"]) == (12.345, 2.469, 3.33, 41.11, 3.5)
    assert (first["length"], second["boxQty"], second["costMoney"]) == (5, 0.0, 0.01)
    sums = answer["sumData"]
    assert (sums["qty"], sums["boxQty"], sums["costMoney"]) == (12.845, 2.469, 41.12)
    assert (sums["costPrice"], sums["lastPrice"], sums["productName"]) == (0.0, 0.0, "")
    assert answer["totalCount"] == 3


def test_without_a_stock_row_everything_is_zero(api, stocked, manager):
    row = api.as_user(manager).get(f"{API}/getstockproductlistbyclass", shopId=stocked.pk).json()[2]
    assert [row[name] for name in ("qty", "boxQty", "costPrice", "costMoney", "lastPrice", "length")] == [0, 0, 0, 0, 0, 3]


def test_clerks_and_devices_see_quantities_and_no_costs_in_rows_and_sums(api, stocked, clerk):
    for caller in (api.as_user(clerk), api.as_device(stocked)):
        answer = caller.get(f"{API}/getstockproductlist", shopId=stocked.pk).json()
        for row in (*answer["data"], answer["sumData"]):
            assert (row["costPrice"], row["costMoney"], row["lastPrice"]) == (0.0, 0.0, 0.0)
        assert answer["sumData"]["qty"] == 12.845


@pytest.mark.parametrize(
    ("qty", "cost"), [("1.005", "1.00"), ("0.145", "0.10"), ("-1.500", "0.03"), ("1.500", "0.03"), ("999999.999", "9999.99"), ("0", "0")]
)
def test_a_sum_is_rounded_as_its_rows_are(api, shop, manager, qty, cost):
    row = sell(shop, "a", pack_size="0.800")
    factories.StockFigureFactory(shop=shop, product=row.product, qty=Decimal(qty), cost_price=Decimal(cost))
    answer = api.as_user(manager).get(f"{API}/getstockproductlist", shopId=shop.pk).json()
    names = ("qty", "boxQty", "costMoney")
    assert [answer["sumData"][name] for name in names] == [answer["data"][0][name] for name in names]


def test_sums_follow_the_filter(api, stocked, manager):
    sums = api.as_user(manager).get(f"{API}/getstockproductlist", shopId=stocked.pk, keyword="散装").json()["sumData"]
    assert (sums["qty"], sums["boxQty"], sums["costMoney"]) == (0.5, 0.0, 0.01)


def test_stock_is_nothing_for_buyers(api, shop, buyer):
    for name in ("getstockproductlist", "getstockproductlistbyclass", "getshoplist"):
        assert api.as_user(buyer).get(f"{API}/{name}", shopId=shop.pk).status_code == 403
        assert api.anonymous.get(f"{API}/{name}", shopId=shop.pk).status_code == 401
    assert api.anonymous.get(f"{API}/getlist", shopId=shop.pk).status_code == 401


def test_shops_that_sell_any_of_the_products_hold_just_these(api, tenant, shop, headquarters, clerk):
    first = sell(shop, "a")
    sell(shop, "b")
    other = factories.ShopFactory(tenant=tenant, code="zz")
    second = sell(other, "c")
    factories.ShopProductFactory(shop=other, product=first.product, removed_at="2026-01-01T00:00:00Z")
    path, query = f"{API}/getshoplist", f"{first.product_id},{second.product_id}"
    rows = api.as_user(headquarters).get(path, productId=query).json()
    assert [(row["id"], [sold["productCode"] for sold in row["shopProducts"]]) for row in rows] == [(shop.pk, ["a"]), (other.pk, ["c"])]
    assert {(row["appSecret"], len(row["shopProductPriceLogs"])) for row in rows} == {("", 0)}
    assert [row["id"] for row in api.as_user(clerk).get(path, productId=query).json()] == [shop.pk]
    assert api.as_user(clerk).get(path, productId=second.product_id).json() == []


def test_shop_products_may_be_read_in_longer_pages_by_the_trade(api, shop, clerk, buyer, settings):
    settings.PAGE_SIZE_MAX = {"public": 1, "trade": 2, "shop_products": 3}
    for person, size in ((buyer, 1), (clerk, 3)):
        assert api.as_user(person).get(f"{API}/getlist", shopId=shop.pk, pageSize=100).json()["pageSize"] == size
