"""Every endpoint, as every role that may call it: exactly the documented keys, in every nested object, with the documented types."""

import pytest

from tests.contract.calls import CALLS, GROUP, PRODUCT, SHOP, call, send
from tests.contract.changes import undone
from tests.contract.specification import ADDED, ENDPOINTS, FACTS, complaints, lists_in
from tests.contract.who import MAY

# Lists that an endpoint never fills, by decision (docs/api.md).
NEVER_FILLED = {
    SHOP + "getlist": {"data.shopProducts", "data.shopProductPriceLogs"},
    SHOP + "getalllist": {"data.devices", "data.shopProducts", "data.shopProductPriceLogs"},
    PRODUCT + "getshoplist": {"shopProductPriceLogs"},
}


def test_the_specification_has_40_endpoints_and_each_is_called():
    assert len(ENDPOINTS) == 40
    assert set(CALLS) == set(MAY) == set(ENDPOINTS) | set(ADDED)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_answer_has_exactly_the_documented_keys_and_types(world, path):
    lists = []
    for who in MAY[path]:
        with undone():
            answer = call(world, path, who)
        assert answer.status_code == 200, (who, answer.content.decode())
        assert answer["Content-Type"] == "application/json; charset=utf-8"
        assert list(complaints(answer.json(), ENDPOINTS[path]["answer"])) == [], who
        lists += lists_in(answer.json())
    filled = {where for where, is_filled in lists if is_filled}
    assert {where for where, _is_filled in lists if "sumData" not in where} - filled == NEVER_FILLED.get(path, set())


@pytest.mark.parametrize("path", [path for path, facts in ENDPOINTS.items() if facts["answer"].startswith("page of")])
def test_a_page_past_the_end_is_empty_and_keeps_its_sums(world, path):
    who = MAY[path][-1] if "H" not in MAY[path] else "H"
    first = call(world, path, who).json()
    arguments = {name: value for name, value in {"shopId": world.ours.shop}.items() if "shopId" in ENDPOINTS[path]["query"]}
    past = send(world, path, who, arguments | {"pageIndex": 10**9}).json()
    assert (past["data"], past["sumData"], past["totalCount"]) == ([], first["sumData"], first["totalCount"])
    assert list(complaints(past, ENDPOINTS[path]["answer"])) == []


def test_the_enumerations_are_the_documented_ones(world):
    for name, documented in (("getdelivertypelist", "deliver_type"), ("getorderstatuslist", "order_status")):
        answer = call(world, GROUP + name, "A").json()
        assert answer == [{"key": int(key), "value": value} for key, value in FACTS["enumerations"][documented].items()]


@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("createorder", {"qty": 101}, {"status": 1002, "message": "库存不足，仅剩 88 份", "data": 0}),
        ("createorder", {"qty": 2, "money": 19.7}, {"status": 1001, "message": "价格已变化，请刷新后重新下单", "data": 0}),
        ("orderpay", {"status": 2}, {"status": 701, "message": "订单已支付", "data": None}),
        ("orderrepay", {"status": 5}, {"status": 1001, "message": "订单已取消", "data": None}),
    ],
    ids=str,
)
def test_a_refusal_with_http_200_has_its_documented_empty_data(world, name, arguments, answer):
    order = {2: 7001002, 5: 7001005}.get(arguments.get("status", 0), 0)
    refused = send(world, GROUP + name, "B", {"groupBuyingId": world.ours.group_buying, "orderId": order} | arguments)
    assert (refused.status_code, refused.json()) == (200, answer)


def test_every_refusal_beyond_http_200_is_the_bare_envelope(world):
    path = SHOP + "get"
    answers = [
        send(world, path, "H", {"id": "x"}),
        send(world, path, "A", {"id": 1}),
        send(world, path, "B", {"id": 1}),
        send(world, path, "H", {"id": 10**9}),
        world.clients["H"].post(path, {"id": 1}),
        world.clients["H"].get("/api/shop/nosuchthing"),
        world.clients["H"].send("POST", SHOP + "delete", "", b"{}" + b" " * 9_000_000),
        world.clients["H"].send("POST", SHOP + "delete", "", b"<id>1</id>", {"Content-Type": "text/xml"}),
    ]
    assert [answer.status_code for answer in answers] == [400, 401, 403, 404, 405, 404, 413, 415]
    for answer in answers:
        assert set(answer.json()) == {"status", "message"}
        assert answer.json()["status"] == 500
        assert answer.json()["message"]
    assert answers[1]["WWW-Authenticate"]
