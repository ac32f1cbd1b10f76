import base64
import time
from datetime import timedelta

import pytest
from django.test import Client

from config.schedule import JOBS
from shops import devices, shops
from shops.models import DeviceNonce
from shops.signatures import SignedParts, canonical_query, signature, signed_headers
from tests.support import factories
from tests.support.clients import DeviceClient

PATH = "/api/shop/getshopauth"


def signed(shop, *, path=PATH, query="", secret="", age=0, nonce="0123456789abcdef", **changed):
    parts = SignedParts("GET", path, query, shop.app_key, str(int(time.time()) - age), nonce, b"")
    return signed_headers(parts, secret=secret or shop.app_secret) | changed


def ask(headers, *, path=PATH, query=""):
    return Client().get(path, headers=headers, QUERY_STRING=query)


SECRET = "sk_test_secret_do_not_use_0123456789"


def test_the_vector_of_a_post():
    nonce = "5f1d0c3be0a94d9a8f6d3f0a4a6f2b11"
    parts = SignedParts("POST", "/api/shop/shopproduct/resetdownload", "", "ak_0000000000000001", "1767225600", nonce, b'{"shopId":1}')
    assert signature(parts, secret=SECRET) == "201f8753f193ef8d3600d34c614113d95eeb8b5fe1c2cd1ea317f27cfd155208"


def test_the_vector_of_a_get_whatever_the_order_of_its_query():
    nonce = "5f1d0c3be0a94d9a8f6d3f0a4a6f2b12"
    for query in ("keyword=%E8%8B%B9%E6%9E%9C%20A&pageIndex=1&shopId=1", "shopId=1&pageIndex=1&keyword=%e8%8b%b9%E6%9E%9C+A"):
        parts = SignedParts("GET", "/api/shop/shopproduct/getlist", query, "ak_0000000000000001", "1767225600", nonce, b"")
        assert signature(parts, secret=SECRET) == "bfef5382a3f8e6faf60f00244fcfecde8b1332f9ec9dd7429dcda6f6a9fc4d31"


def test_the_canonical_query_keeps_blanks_and_repeats_and_escapes_all_but_the_unreserved():
    assert canonical_query("b=2&a=~-._&b=1&c=") == "a=~-._&b=1&b=2&c="
    assert canonical_query("q=a/b*c") == "q=a%2Fb%2Ac"


def test_a_signed_request_is_its_shops_device(api, shop):
    assert api.as_device(shop).get(PATH).json()["id"] == shop.pk


def test_the_path_is_signed_as_it_was_sent(shop):
    sent = "/API/Shop/GetShopAuth/"
    assert ask(signed(shop, path=sent), path=sent).status_code == 200
    assert ask(signed(shop, nonce="another-nonce-of-16"), path=sent).status_code == 401


def test_a_nonce_works_once(shop):
    headers = signed(shop)
    assert [ask(headers).status_code for _ in range(2)] == [200, 401]


def test_the_same_nonce_is_free_for_another_shop_and_after_ten_minutes(shop, now):
    other = factories.ShopFactory(tenant=shop.tenant)
    assert ask(signed(shop)).status_code == ask(signed(other)).status_code == 200
    DeviceNonce.objects.filter(app_key=shop.app_key).update(used_at=now - timedelta(seconds=601))
    assert ask(signed(shop)).status_code == 200
    assert ask(signed(shop)).status_code == 401


def test_a_request_is_fresh_within_five_minutes_of_either_clock(shop):
    assert [ask(signed(shop, age=age, nonce=f"nonce-of-16-{age:04}")).status_code for age in (298, -299)] == [200, 200]


def test_what_was_stamped_ahead_is_remembered_until_its_stamp_is_old(shop, now):
    headers = signed(shop, age=298)
    assert ask(headers).status_code == 200
    # It came when it was stamped for five minutes later: all of the window ago, twice.
    DeviceNonce.objects.update(used_at=now - timedelta(seconds=598))
    assert ask(headers).status_code == 401


def test_old_nonces_are_forgotten(shop, now):
    devices.use_nonce(app_key=shop.app_key, nonce="a" * 16, now=now - timedelta(seconds=601))
    devices.use_nonce(app_key=shop.app_key, nonce="b" * 16, now=now)
    forget, _seconds = JOBS["nonces"]
    assert forget(now=now) == 1
    assert DeviceNonce.objects.get().nonce == "b" * 16


@pytest.mark.parametrize(
    "change",
    [
        {"age": 302},
        {"age": -303},
        {"secret": "sk_wrong"},
        {"X-Signature": "0" * 64},
        {"X-Signature": ""},
        {"X-App-Key": "ak_unknown"},
        {"X-App-Key": "ak_\x00"},
        {"X-Timestamp": "yesterday"},
        {"X-Timestamp": "１７６７２２５６００"},
        {"nonce": "short"},
        {"nonce": "with space 0123456789"},
        {"nonce": "a" * 65},
        {"path": "/api/shop/getshopinfo"},
        {"query": "shopid=2"},
    ],
    ids=str,
)
def test_whatever_is_wrong_the_answer_is_one_401_with_the_servers_time(shop, change):
    answer = ask(signed(shop, **change))
    assert answer.status_code == 401
    assert answer.json() == {"status": 500, "message": "设备认证失败，请检查密钥、签名与时钟"}
    assert abs(int(answer["X-Server-Time"]) - time.time()) < 5
    assert answer["WWW-Authenticate"] == "RGB1-HMAC-SHA256"
    assert not DeviceNonce.objects.exists()


def test_a_body_that_was_changed_on_the_way_is_refused(shop):
    parts = SignedParts("POST", "/api/shop/shopproduct/resetdownload", "", shop.app_key, str(int(time.time())), "a" * 16, b'{"shopId":1}')
    headers = signed_headers(parts, secret=shop.app_secret)
    assert Client().post(parts.path, '{"shopId":2}', "application/json", headers=headers).status_code == 401


@pytest.mark.parametrize("query", ["shopid=%FF", "shopid=\xff"])
def test_a_query_that_is_not_utf_8_is_refused(shop, query):
    assert ask(signed(shop), query=query).status_code == 401


def test_a_query_may_be_sent_as_raw_utf_8(shop):
    path, query = "/api/shop/getlist", f"keyword={shop.name}店"
    raw = query.encode().decode("latin-1")
    assert ask(signed(shop, path=path, query=query), path=path, query=raw).status_code == 200


def test_a_removed_shops_key_is_dead(api, shop, headquarters, now):
    shops.remove_shop(shop_id=shop.pk, principal=factories.principal(headquarters), now=now)
    assert api.as_device(shop).get(PATH).status_code == 401


def test_a_tenant_that_is_switched_off_has_no_devices(api, shop):
    shop.tenant.in_use = False
    shop.tenant.save()
    assert api.as_device(shop).get(PATH).status_code == 401


def test_while_a_secret_is_rotated_both_work_and_then_only_the_new_one(api, shop, headquarters, now):
    old = DeviceClient(factories.copy_of(shop))
    principal = factories.principal(headquarters)
    new = DeviceClient(shops.rotate_secret(shop_id=shop.pk, principal=principal, now=now))
    assert [client.get(PATH).status_code for client in (old, new)] == [200, 200]
    later = shops.rotate_secret(shop_id=shop.pk, principal=principal, now=now - shops.SECRETS_OVERLAP)
    assert [client.get(PATH).status_code for client in (old, new, DeviceClient(later))] == [401, 401, 200]


def basic(shop, secret="", secure=False, **extra):
    credentials = base64.b64encode(f"{shop.app_key}:{secret or shop.app_secret}".encode()).decode()
    return Client(**extra).get(PATH, secure=secure, headers={"Authorization": f"Basic {credentials}"})


@pytest.fixture
def basic_shop(tenant):
    return factories.ShopFactory(tenant=tenant, allows_basic_auth=True)


def test_basic_needs_the_shops_switch_and_the_right_secret(shop, basic_shop):
    assert basic(basic_shop).status_code == 200
    assert basic(basic_shop, "sk_wrong").status_code == 401
    assert basic(shop).status_code == 401
    assert Client().get(PATH, headers={"Authorization": "Basic %%%"}).status_code == 401


def test_basic_needs_tls_but_for_this_machine(basic_shop):
    assert basic(basic_shop, REMOTE_ADDR="203.0.113.9").status_code == 401
    assert basic(basic_shop, secure=True, REMOTE_ADDR="203.0.113.9").status_code == 200
    assert basic(basic_shop, HTTP_X_FORWARDED_FOR="203.0.113.9").status_code == 401
    assert basic(basic_shop, REMOTE_ADDR="").status_code == 401


def test_basic_opens_device_functions_only(basic_shop):
    credentials = base64.b64encode(f"{basic_shop.app_key}:{basic_shop.app_secret}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    assert Client().post("/api/shop/delete", {"id": basic_shop.pk}, "application/json", headers=headers).status_code == 403
