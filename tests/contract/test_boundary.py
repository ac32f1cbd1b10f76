"""What is no readable request, and how much of one is too much (``docs/api.md``, The wire and Limits)."""

import base64
import json

import pytest

from groupbuy.models import OrderStatus
from pricing.models import ShopProduct
from tests.contract.calls import PRODUCT
from tests.contract.test_wire import BOUNDARY, CLOSE, FORM, MULTIPART
from tests.support.clients import ApiClient

LOGIN = "/api/auth/login"
APPLES = "苹果".encode("gbk")


def part(name: bytes, content: bytes, more: bytes = b"") -> bytes:
    return b'--%b\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n' % (BOUNDARY.encode(), name, more, content)


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--%b--\r\n" % BOUNDARY.encode()


IN_BASE64 = b"\r\nContent-Transfer-Encoding: base64"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"username=" + APPLES, FORM),
        (b"username=%C6%BB%B9%FB", FORM),
        (multipart(part(b"username", APPLES)), MULTIPART),
        (multipart(part(APPLES, b"1")), MULTIPART),
        (multipart(part(b"username", base64.b64encode(APPLES), IN_BASE64)), MULTIPART),
        (multipart(part(b"file", APPLES, b'; filename="a"')), MULTIPART),
    ],
    ids=repr,
)
def test_a_form_that_is_not_utf_8_is_refused(db, body, headers):
    answer = ApiClient().send("POST", LOGIN, "", body, headers)
    assert (answer.status_code, answer.json()["message"]) == (400, "表单须为 UTF-8 编码")


def test_a_forms_text_is_read_as_it_was_sent(tenant):
    name = part(b"userName", base64.b64encode("小美".encode()), IN_BASE64)
    body = multipart(part(b"code", b"sandbox:a"), part(b"appId", tenant.app_id.encode()), name)
    assert ApiClient().send("POST", "/api/auth/wechatlogin", "", body, MULTIPART).json()["data"]["userName"] == "小美"


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", f"multipart/form-data; boundary={BOUNDARY}"]
)
@pytest.mark.parametrize(("charset", "verdict"), [("gbk", 415), ("utf-16", 415), ("nonsense", 415), ("UTF-8", 400), ('"utf-8"', 400)])
def test_another_charset_is_another_content_type(db, content_type, charset, verdict):
    answer = ApiClient().send("POST", LOGIN, "", b"{", {"Content-Type": f"{content_type}; charset={charset}"})
    assert answer.status_code == verdict


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        (b"a&" * 21_001, FORM, "表单内容过多"),
        (multipart(*[part(b"file", b"", b'; filename="a"')] * 150), MULTIPART, "表单内容过多"),
        (multipart(*[part(b"x", b"")] * 1500), MULTIPART, "列表过长"),
        (multipart(part(b"username", b"x")).replace(b"form-data", b""), {"Content-Type": "multipart/form-data"}, "表单内容无法解析"),
    ],
    ids=["fields", "files", "a list", "no boundary"],
)
def test_a_form_that_is_too_much_is_refused_and_told_why(db, body, headers, message):
    answer = ApiClient().send("POST", LOGIN, "", body, headers)
    assert (answer.status_code, answer.json()) == (400, {"status": 500, "message": message})


def as_json(name: str, ids: list[int], more: dict[str, int]) -> tuple[bytes, dict[str, str]]:
    return json.dumps({name: ids} | more).encode(), {}


def as_form(name: str, ids: list[int], more: dict[str, int]) -> tuple[bytes, dict[str, str]]:
    return "&".join(f"{key}={value}" for key, value in [*more.items(), *((name, pk) for pk in ids)]).encode(), FORM


def as_multipart(name: str, ids: list[int], more: dict[str, int]) -> tuple[bytes, dict[str, str]]:
    fields = [*more.items(), *((name, pk) for pk in ids)]
    return multipart(*(part(key.encode(), b"%d" % value) for key, value in fields)), MULTIPART


WAYS = [as_json, as_form, as_multipart]


@pytest.mark.parametrize("written", WAYS)
@pytest.mark.parametrize(("number", "verdict"), [(1000, 200), (1001, 400)])
def test_the_public_may_list_1000(world, written, number, verdict):
    body, headers = written("more", [1] * number, {"id": world.ours.order(OrderStatus.UNPAID)})
    answer = world.clients["B"].send("POST", CLOSE, "", body, headers)
    assert answer.status_code == verdict
    assert verdict == 200 or answer.json()["message"] == "列表过长"


@pytest.mark.slow
@pytest.mark.parametrize("written", WAYS)
@pytest.mark.parametrize(("number", "verdict"), [(20_000, 200), (20_001, 400)])
def test_staff_may_list_20000(world, written, number, verdict):
    body, headers = written("productIds", [world.ours.new_product] * number, {"shopIds": world.ours.shop})
    answer = world.clients["H"].send("POST", PRODUCT + "addproduct", "", body, headers)
    assert answer.status_code == verdict
    assert verdict == 200 or answer.json()["message"] == "列表过长"


@pytest.mark.parametrize(("who", "number", "verdict"), [("B", 1000, 200), ("B", 1001, 400), ("D", 1001, 200), ("H", 20_001, 400)])
def test_a_list_in_one_text_is_as_long(world, who, number, verdict):
    ids = ",".join([str(world.ours.product)] * number)
    answer = world.clients[who].get(PRODUCT + "getlistbyproductids", productIds=ids, shopId=world.ours.shop)
    assert answer.status_code == verdict
    assert verdict == 200 or answer.json()["message"] == "productIds: 列表过长"


@pytest.mark.parametrize(("depth", "verdict"), [(16, 200), (17, 400)])
def test_json_is_nested_16_deep_at_most(world, depth, verdict):
    lists = "[" * (depth - 1) + "]" * (depth - 1)
    body = f'{{"id": {world.ours.order(OrderStatus.UNPAID)}, "more": {lists}}}'.encode()
    answer = world.clients["B"].send("POST", CLOSE, "", body)
    assert answer.status_code == verdict
    assert verdict == 200 or answer.json()["message"] == "JSON 嵌套过深"


@pytest.mark.parametrize(
    ("price", "verdict"), [("9.900009", 200), ("9.899991", 200), ("9.90001", 400), ("9.89999", 400), ("9.900099", 400), ("9.901", 400)]
)
def test_a_floats_tail_is_less_than_a_hundred_thousandth(world, price, verdict):
    body = f'{{"id": {world.ours.shop_product}, "price": {price}}}'.encode()
    answer = world.clients["H"].send("POST", PRODUCT + "changeprice", "", body)
    assert answer.status_code == verdict
    assert verdict == 400 or str(ShopProduct.objects.get(pk=world.ours.shop_product).price) == "9.90"
