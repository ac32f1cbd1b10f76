import pytest
from django.test import Client, RequestFactory

from retail.logs.client_ip import client_network
from tests.support import factories
from tests.support.clients import ApiClient
from tests.support.pages import browser_of, words

INFO = "/api/shop/getshopinfo"


@pytest.fixture(autouse=True)
def throttled(settings):
    settings.API_THROTTLES = True


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
    assert 0 < int(tried[-1]["Retry-After"]) <= 61
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


def seconds(answer) -> int:
    return int(answer["Retry-After"])


def test_who_waits_as_long_as_the_answer_says_is_let_in(api, shop, buyer, settings, store):
    settings.THROTTLES_PER_MINUTE = settings.THROTTLES_PER_MINUTE | {"buyer_list": 3}
    caller, told = api.as_user(buyer), []
    for pause in (0, 30, 0, 0, 0, 0, 0, 25, 0, 0, 0, 7, 0, 0, 0):
        store.passes(pause)
        answer = caller.get("/api/shop/shopproduct/getlist", shopId=shop.pk)
        if answer.status_code == 429:
            assert answer.json() == {"status": 500, "message": "操作太频繁，请稍后再试"}
            told.append(seconds(answer))
            store.passes(told[-1])
            assert caller.get("/api/shop/shopproduct/getlist", shopId=shop.pk).status_code == 200
    assert len(told) > 4


def test_who_waits_has_room_in_all_throttles_of_the_call(api, group_buying, buyer, settings, store):
    """The address had room for the call that the buyer's own throttle refused, and none after it."""
    settings.THROTTLES_PER_MINUTE = settings.THROTTLES_PER_MINUTE | {"buyer_order": 1, "address": 1}
    caller = api.as_user(buyer)

    def order(address):
        caller.client.defaults["REMOTE_ADDR"] = address
        return caller.post("/api/marketing/groupbuy/createorder", {"groupBuyingId": group_buying.pk, "qty": 1, "phone": "13800008000"})

    assert order("192.0.2.1").status_code == 200
    store.passes(50)
    refused = order("192.0.2.2")
    assert refused.status_code == 429
    store.passes(seconds(refused))
    assert order("192.0.2.2").status_code == 200


@pytest.fixture
def three_failures(settings):
    settings.THROTTLES_PER_MINUTE = settings.THROTTLES_PER_MINUTE | {"login_failure": 3}


def test_who_waits_logs_in_after_too_many_failures(staff, three_failures, store):
    assert [log_in("wrong").status_code for _ in range(3)] == [401] * 3
    store.passes(21.5)
    refused = log_in("demo-pass-2026")
    assert refused.status_code == 429
    store.passes(seconds(refused))
    assert log_in("demo-pass-2026").status_code == 200


def test_who_waits_logs_in_at_the_admin(staff, three_failures, memory):
    for _ in range(3):
        at_the_admin(staff.username, "wrong")
    memory.passes(50)
    refused = at_the_admin(staff.username, "demo-pass-2026")
    assert (refused.status_code, seconds(refused)) == (429, 11)
    assert "请 1 分钟后再试" in words(refused)
    memory.passes(11)
    assert at_the_admin(staff.username, "demo-pass-2026").status_code == 302


def test_a_page_says_when_to_come_again(group_buying, buyer, settings, memory):
    settings.THROTTLES_PER_MINUTE = settings.THROTTLES_PER_MINUTE | {"buyer_order": 1}
    client = browser_of(buyer)
    client.post(f"/g/{group_buying.pk}/")
    memory.passes(40)
    refused = client.post(f"/g/{group_buying.pk}/")
    assert (refused.status_code, seconds(refused)) == (429, 21)
    memory.passes(21)
    assert client.post(f"/g/{group_buying.pk}/").status_code == 200


def test_wrong_guesses_count_after_the_answer_and_right_ones_never(staff, settings, store):
    settings.THROTTLES_PER_MINUTE = settings.THROTTLES_PER_MINUTE | {"login_failure": 1}
    assert [log_in("demo-pass-2026").status_code for _ in range(3)] == [200] * 3
    assert [log_in("wrong").status_code for _ in range(2)] == [401, 429]


def test_redis_is_away_and_calls_are_answered(api, shop, settings, redis):
    redis.stop()
    answers = [api.as_device(shop).get("/api/shop/getlist") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}


def test_a_guesser_has_no_more_tries_while_redis_is_away(staff, three_failures, redis):
    redis.stop()
    assert [log_in("wrong").status_code for _ in range(4)] == [401] * 3 + [429]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("nonsense" * 20, ("nonsense" * 20)[:64]),
    ],
)
def test_who_has_a_whole_network_of_addresses_is_one_caller(address, network):
    assert client_network(RequestFactory().get("/", REMOTE_ADDR=address)) == network


def test_a_guesser_with_many_addresses_of_one_network_is_one(staff, three_failures):
    assert [log_in("wrong", address=f"2001:db8::{number}").status_code for number in range(1, 5)] == [401] * 3 + [429]
