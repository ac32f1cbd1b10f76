import pytest
from django.core.cache import cache
from django.test import Client

from retail.throttles import MINUTE, PerAddress, PerBuyerOrder
from tests import factories
from tests.clients import ApiClient
from tests.pages import words

INFO = "/api/shop/getshopinfo"


@pytest.fixture(autouse=True)
def throttled(settings):
    settings.API_THROTTLES = True
    cache.clear()


def log_in(password, address="192.0.2.1"):
    client = ApiClient()
    client.client.defaults["REMOTE_ADDR"] = address
    return client.post("/api/auth/login", {"username": "staff-x", "password": password})


@pytest.fixture
def staff(tenant, settings):
    settings.AXES_FAILURE_LIMIT = 1000
    return factories.StaffFactory(tenant=tenant, username="staff-x")


def test_the_eleventh_wrong_password_from_an_address_is_429_with_an_envelope(staff):
    answers = [log_in("wrong") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert answers[-1].json() == {"status": 500, "message": "操作太频繁，请稍后再试"}
    assert 0 < int(answers[-1]["Retry-After"]) <= 61
    assert log_in("demo-pass-2026").status_code == 429
    assert log_in("demo-pass-2026", address="192.0.2.2").status_code == 200


def test_logging_in_rightly_is_not_counted(staff):
    assert {log_in("demo-pass-2026").status_code for _ in range(12)} == {200}


def at_the_admin(name, password, address="192.0.2.1"):
    return Client(REMOTE_ADDR=address).post("/admin/login/", {"username": name, "password": password})


def test_the_admin_stops_an_address_that_tries_many_names(staff):
    tried = [at_the_admin(f"name-{number}", "Sommer2026!xx") for number in range(11)]
    assert [answer.status_code for answer in tried] == [200] * 10 + [429]
    assert "登录已暂停" in words(tried[-1])
    assert tried[-1]["Retry-After"] == "60"
    assert at_the_admin(staff.username, "demo-pass-2026").status_code == 429
    assert at_the_admin(staff.username, "demo-pass-2026", address="192.0.2.2").status_code == 302


def test_the_admins_failures_and_the_apis_are_one_count(staff):
    assert [at_the_admin("nobody", "wrong").status_code for _ in range(5)] == [200] * 5
    assert [log_in("wrong").status_code for _ in range(6)] == [401] * 5 + [429]


def test_logging_in_rightly_at_the_admin_is_not_counted(staff):
    assert {at_the_admin(staff.username, "demo-pass-2026").status_code for _ in range(12)} == {302}


def test_guessing_machine_keys_stops_after_five_a_minute(api, shop, clerk):
    factories.LicenceFactory(shop=shop, validity_key="machine-1")
    assert {api.anonymous.get(INFO, key="machine-1", shopid=shop.pk).status_code for _ in range(6)} == {200}
    assert [api.anonymous.get(INFO, key="guess", shopid=shop.pk).status_code for _ in range(6)] == [404] * 5 + [429]
    assert api.anonymous.get(INFO, key="machine-1", shopid=shop.pk).status_code == 429
    assert api.as_device(shop).get(INFO, key="machine-1").status_code == 200


def test_a_terminal_that_errs_is_not_taken_for_a_guesser(api, shop):
    assert {api.as_device(shop).get(INFO, shopid=10**9).status_code for _ in range(7)} == {404}


def test_a_device_and_a_member_of_staff_have_their_minute(api, shop, headquarters, settings):
    settings.THROTTLES_PER_MINUTE = settings.THROTTLES_PER_MINUTE | {"device": 2, "staff_write": 1}
    assert [api.as_device(shop).get("/api/shop/getlist").status_code for _ in range(3)] == [200, 200, 429]
    other = factories.ShopFactory(tenant=shop.tenant)
    assert api.as_device(other).get("/api/shop/getlist").status_code == 200
    caller = api.as_user(headquarters)
    assert [caller.post("/api/shop/delete", {"id": 10**9}).status_code for _ in range(2)] == [404, 429]
    assert caller.get("/api/shop/getlist").status_code == 200


def test_buyers_lists_share_a_minute_and_others_are_not_concerned(api, shop, buyer, clerk, settings):
    settings.THROTTLES_PER_MINUTE = settings.THROTTLES_PER_MINUTE | {"buyer_list": 2}
    paths = [f"/api/shop/shopproduct/{name}" for name in ("getlist", "getlistbyclass", "getlistbyproductids")]
    caller = api.as_user(buyer)
    assert [caller.get(path, shopId=shop.pk).status_code for path in paths] == [200, 200, 429]
    caller = api.as_user(clerk)
    assert [caller.get(path, shopId=shop.pk, productIds=1).status_code for path in paths] == [200, 200, 200]


def test_switched_off_nothing_is_counted(api, shop, settings):
    settings.THROTTLES_PER_MINUTE = settings.THROTTLES_PER_MINUTE | {"device": 1}
    settings.API_THROTTLES = False
    assert [api.as_device(shop).get("/api/shop/getlist").status_code for _ in range(3)] == [200, 200, 200]


def test_a_burst_around_the_turn_of_a_minute_counts_as_one():
    throttle, turn = PerBuyerOrder(), 1000 * MINUTE
    assert [throttle.take("7", turn - 1) for _ in range(6)] == [True] * 6
    assert not throttle.take("7", turn + 1)
    assert throttle.take("7", turn + 30)
    assert throttle.take("8", turn - 1)


def test_a_cache_that_is_away_refuses_nobody(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9/0"}}
    settings.THROTTLES_PER_MINUTE = {"address": 1}
    assert [PerAddress().take("192.0.2.1", 0.0) for _ in range(3)] == [True, True, True]
