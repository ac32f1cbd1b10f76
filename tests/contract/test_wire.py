"""One call in every spelling that the wire allows, and what it refuses before any endpoint looks (``docs/api.md``, The wire)."""

import json

import pytest
from django.test import Client

from groupbuy.models import OrderStatus
from tests.contract.calls import GROUP, PRODUCT, SHOP, send
from tests.contract.changes import state
from tests.contract.specification import METHODS
from tests.support.pages import BACKEND

CLOSE = GROUP + "closeorder"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BOUNDARY = "----xiantuan"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
SPELLINGS = [
    ("", '{"id": %d}', {}),
    ("", '{"id": "%d"}', {"Content-Type": "text/json"}),
    ("", '\ufeff{"ORDERID": %d}', {"Content-Type": "application/json; charset=utf-8"}),
    ("", '{"id": 0, "orderId": %d}', {}),
    ("", '{"id": " ", "orderId": %d}', {}),
    ("", "id=%d", FORM),
    ("", f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="id"\r\n\r\n%d\r\n--{BOUNDARY}--\r\n', MULTIPART),
    ("", "id=%d&name=苹果", FORM),
    ("id=%d", "", {}),
    ("id=%d", " \r\n", {}),
    ("orderid=%d", "", {"Content-Type": ""}),
    ("id=%d", '{"id": %d, "more": [{}]}', {"Accept": "text/html"}),
]


@pytest.mark.parametrize("spelled", ["/api/Shop/Get", "/api/shop/get/", "/API/SHOP/GET/"])
def test_letter_case_and_a_trailing_slash_are_the_same_path(world, spelled):
    plain = world.clients["H"].get(SHOP + "get", id=world.ours.shop)
    other = world.clients["H"].get(spelled, ID=world.ours.shop)
    assert (other.status_code, other.content) == (200, plain.content)


@pytest.mark.parametrize("spelled", ["/api/Marketing/GroupBuy/CloseOrder", "/api/marketing/groupbuy/closeorder/"])
def test_a_post_is_never_redirected(world, spelled):
    closed = world.clients["B"].post(spelled, {"Id": world.ours.order(OrderStatus.UNPAID)})
    assert closed.json() == {"status": 200, "message": "成功"}


@pytest.mark.parametrize(("query", "body", "headers"), SPELLINGS, ids=str)
def test_an_id_may_come_as_json_as_a_form_and_in_the_query(world, query, body, headers):
    pk = str(world.ours.order(OrderStatus.UNPAID))
    answer = world.clients["B"].send("POST", CLOSE, query.replace("%d", pk), body.replace("%d", pk).encode(), headers)
    assert answer.json() == {"status": 200, "message": "成功"}
    assert answer["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(("query", "body", "headers"), SPELLINGS, ids=str)
def test_a_browsers_session_may_spell_it_the_same_ways(world, query, body, headers):
    pk, browser = str(world.ours.order(OrderStatus.UNPAID)), Client(enforce_csrf_checks=True)
    browser.force_login(world.people["B"], backend=BACKEND)
    browser.cookies["csrftoken"] = token = "t" * 32
    sent = headers | {"X-CSRFToken": token}
    raw = body.replace("%d", pk).encode()
    answer = browser.generic("POST", CLOSE, raw, "application/json", headers=sent, QUERY_STRING=query.replace("%d", pk))
    assert answer.json() == {"status": 200, "message": "成功"}


@pytest.mark.parametrize(
    ("query", "body", "headers"),
    [
        ("id=1", '{"id": %d}', {}),
        ("", '{"id": %d, "ID": 1}', {}),
        ("", '{"id": %d, "id": %d}', {}),
        ("", "id=%d&ID=1", FORM),
        ("id=%d&id=1", "", {}),
        ("", '{"id": false, "orderId": %d}', {}),
    ],
    ids=str,
)
def test_two_values_for_one_name_and_what_is_no_id_are_refused(world, query, body, headers):
    pk = str(world.ours.order(OrderStatus.UNPAID))
    answer = world.clients["B"].send("POST", CLOSE, query.replace("%d", pk), body.replace("%d", pk).encode(), headers)
    assert answer.status_code == 400


def test_ids_may_be_repeated_where_a_list_is_meant(world):
    path, pair = PRODUCT + "getlistbyproductids", (world.ours.product, world.ours.product + 1)
    listed = send(world, path, "B", {"productIds": f"{pair[0]},{pair[1]}", "shopId": world.ours.shop}).json()
    repeated = world.clients["B"].send("GET", path, f"shopId={world.ours.shop}&productIds={pair[0]}&productIds={pair[1]}", b"")
    assert [row["productId"] for row in listed] == list(pair)
    assert repeated.json() == listed


@pytest.mark.parametrize(
    ("query", "body", "headers"),
    [
        ("shopIds=ONE", '{"shopIds": [OTHER]}', {}),
        ("", '{"shopIds": [ONE], "ShopIds": [OTHER]}', {}),
        ("shopIds=ONE&shopIds=OTHER", "", {}),
        ("", "shopIds=ONE&shopIds=OTHER", FORM),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [PRODUCT + name for name in ("unifychangeprice", "addproduct", "addproductbyclass")])
def test_two_lists_of_shops_are_refused_and_neither_is_done(world, untouched, path, query, body, headers):
    more = f"productId={world.ours.product}&productIds={world.ours.new_product}&price=1"
    query, body = (text.replace("ONE", str(world.ours.shop)).replace("OTHER", str(world.sibling.shop)) for text in (query, body))
    answer = world.clients["H"].send("POST", path, f"{query}&{more}", body.encode(), headers)
    assert (answer.status_code, answer.json()["message"]) == (400, "shopIds: 出现多次且取值不同")
    assert state() == untouched


def test_one_shop_twice_in_a_list_is_refused(world, untouched):
    sent = {"shopIds": [world.ours.shop, world.ours.shop], "productId": world.ours.product, "price": 1}
    answer = world.clients["H"].post(PRODUCT + "unifychangeprice", sent)
    assert (answer.status_code, answer.json()["message"]) == (400, "shopIds: 同一 id 出现多次")
    assert state() == untouched


def test_products_to_add_may_be_repeated(world):
    form = f"shopIds={world.ours.shop}&productIds={world.ours.new_product}&productIds={world.ours.product}"
    answer = world.clients["H"].send("POST", PRODUCT + "addproduct", "", form.encode(), FORM)
    assert answer.json() == {"status": 200, "message": "新增 1 个，已有 1 个"}


@pytest.mark.parametrize(("name", "argument"), [("getlistbyproductids", "productIds"), ("getshoplist", "productId")])
def test_a_list_that_must_be_given_is_missed_when_it_is_not(world, name, argument):
    for ids in ({}, {argument: ""}, {argument: "0"}):
        answer = world.clients["H"].get(PRODUCT + name, shopId=world.ours.shop, **ids)
        assert (answer.status_code, answer.json()["message"]) == (400, f"{argument}: 请指定此项")


def test_a_query_may_be_raw_utf_8_and_nothing_else(world):
    def find(keyword: bytes):
        return world.clients["H"].send("GET", SHOP + "getlist", f"keyword={keyword.decode('latin-1')}", b"")

    assert [shop["id"] for shop in find("田林店1".encode()).json()["data"]] == [world.ours.shop]
    assert find("田林店1".encode("gbk")).status_code == 400


@pytest.mark.parametrize("path", ["/api", "/api/", "/API", "/api/nothing"])
def test_an_unknown_path_gets_the_envelope(db, path):
    answer = Client().get(path)
    assert (answer.status_code, answer.json()) == (404, {"status": 500, "message": "页面不存在"})


@pytest.mark.parametrize("path", METHODS)
def test_another_method_is_405_for_everybody(world, path):
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - {METHODS[path]}:
        for who in ("A", "H"):
            answer = world.clients[who].send(method, path, "", b"")
            assert (answer.status_code, json.loads(answer.content)) == (405, {"status": 500, "message": "不支持的请求方法"}), (method, who)
            assert answer["Allow"] == ("GET, HEAD" if METHODS[path] == "GET" else "POST")
