"""``API_ERRORS=legacy``: what clients that throw on 4xx get instead of 400 and 404."""

import pytest

from tests.contract.calls import GROUP, PRODUCT, SHOP, call, send
from tests.contract.changes import writes
from tests.contract.world import MISSING


@pytest.fixture(autouse=True)
def legacy(settings):
    settings.API_ERRORS = "legacy"


@pytest.mark.parametrize(("path", "who"), [(GROUP + "getorder", "B"), (SHOP + "get", "M"), (PRODUCT + "get", "D"), (GROUP + "get", "A")])
def test_a_missing_or_foreign_object_is_null(world, path, who):
    for bundle in (MISSING, *([] if who == "A" else [world.theirs])):
        answer = call(world, path, who, bundle)
        assert (answer.status_code, answer.json()) == (200, None)


@pytest.mark.parametrize(
    ("path", "who", "arguments", "message"),
    [
        (GROUP + "closeorder", "B", {"id": 999_999_999}, "不存在或无权查看"),
        (GROUP + "closeorder", "B", {"id": "x"}, "id: 请填写整数"),
        (SHOP + "delete", "H", {}, "id: 请指定此项"),
        (PRODUCT + "delete", "M", {"id": 1}, "请求内容应为 JSON 数组"),
        (PRODUCT + "deleteall", "M", {}, "请指定门店"),
    ],
)
def test_a_refused_command_is_200_and_the_envelope_and_writes_nothing(world, path, who, arguments, message):
    with writes() as written:
        answer = send(world, path, who, arguments)
    assert (answer.status_code, answer.json(), written) == (200, {"status": 500, "message": message}, [])


@pytest.mark.parametrize(("name", "nothing"), [("createorder", 0), ("orderpay", None)])
def test_a_refused_command_has_its_documented_empty_data(world, name, nothing):
    answer = send(world, GROUP + name, "B", {"orderId": 999_999_999, "groupBuyingId": 999_999_999, "qty": 1})
    assert (answer.status_code, answer.json()) == (200, {"status": 500, "message": "不存在或无权查看", "data": nothing})


def test_credentials_limits_and_a_querys_wrong_input_keep_their_codes(world):
    path = SHOP + "delete"
    answers = [
        send(world, path, "A", {"id": 1}),
        send(world, path, "B", {"id": 1}),
        world.clients["H"].get(path),
        world.clients["H"].send("POST", path, "", b"{}" + b" " * 9_000_000),
        world.clients["H"].send("POST", path, "", b"<id>1</id>", {"Content-Type": "text/xml"}),
        send(world, SHOP + "get", "H", {"id": "x"}),
    ]
    assert [answer.status_code for answer in answers] == [401, 403, 405, 413, 415, 400]
