"""Every 401 and 403 leaves one line in the log: who, by number, at which endpoint, and why."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from shops.models import Licence, Shop
from tests.contract.calls import CALLS, GROUP, SHOP, Aim, call, send
from tests.contract.changes import undone
from tests.contract.specification import METHODS
from tests.contract.who import ROLES, TABLE
from tests.support import factories
from tests.support.back_office import pages_of_lists
from tests.support.clients import ApiClient, DeviceClient
from tests.support.pages import browser_of

LIST = SHOP + "getlist"
PERSONS = {"A": "anonymous", "B": "buyer", "C": "staff", "M": "staff", "H": "staff", "D": "device"}


def only_line(logged):
    (line,) = logged.access
    return line


@pytest.mark.parametrize("path", METHODS)
def test_who_is_refused_an_endpoint_is_named_with_it(world, logged, path):
    refused = [role for role in ROLES if TABLE[path][role] in ([401], [403])]
    for role in refused:
        with undone():
            call(world, path, role)
    assert len(logged.access) == len(refused)
    for role, line in zip(refused, logged.access, strict=True):
        (status,) = TABLE[path][role]
        why = "NotAuthenticated" if status == 401 else "Forbidden"
        assert (line["levelname"], line["message"], line["status"]) == ("WARNING", f"refused: {why}", status)
        assert (line["route"], line["role"]) == (path.removeprefix("/"), PERSONS[role])
        assert line.get("user") == (world.people[role].pk if role in world.people else None)
        assert line.get("shop") == (world.ours.shop if role == "D" else None)
        assert line["address"] == "127.0.0.1"


def test_what_is_granted_or_only_missing_is_no_refusal(world, logged):
    call(world, LIST, "M")
    call(world, SHOP + "get", "M", world.theirs)
    assert [(line["levelname"], line["status"]) for line in logged.access] == [("INFO", 200), ("INFO", 404)]


@pytest.mark.parametrize("path", [GROUP + "createorder", GROUP + "getorderlist"])
def test_a_buyer_who_says_to_be_somebody_else_is_noted(world, logged, path):
    send(world, path, "B", CALLS[path](Aim("B", world.ours, world.ours)) | {"userId": world.people["B2"].pk})
    line = only_line(logged)
    assert (line["levelname"], line["message"], line["user"]) == ("WARNING", "refused: another userId asserted", world.people["B"].pk)


def keyless(change) -> DeviceClient:
    """A device of the shop with something wrong."""
    shop = Shop(app_key="ak_contract_key_1", app_secret="sk_contract_secret_1")
    client = DeviceClient(shop)
    change(client, shop)
    return client


WRONG = {
    "device: unknown appKey or removed shop": lambda client, shop: setattr(shop, "app_key", "ak_nobody"),
    "device: wrong signature for shop 7001001": lambda client, shop: setattr(shop, "app_secret", "sk_guessed"),
    "device: headers missing or malformed": lambda client, shop: setattr(
        client, "credential", lambda *_: {"X-App-Key": "ak_contract_key_1"}
    ),
}


@pytest.mark.parametrize("why", WRONG)
def test_a_devices_wrong_credential_is_noted_with_its_cause(world, logged, why):
    assert keyless(WRONG[why]).get(LIST).status_code == 401
    assert (only_line(logged)["message"], only_line(logged)["role"]) == (f"refused: {why}", "anonymous")


def test_a_machine_that_is_not_the_licences_and_a_licence_that_ended_are_noted(world, logged):
    client = world.clients["D"]
    assert client.get(SHOP + "getshopinfo", shopid=world.ours.shop, key="another-machine").status_code == 403
    Licence.objects.filter(shop=world.ours.shop).update(contract_ends_on=(timezone.now() - timedelta(days=90)).date())
    assert client.get(LIST).status_code == 403
    assert logged.refusals == ["refused: WrongMachine", "refused: LicenceEnded"]


def test_ended_and_invented_tokens_are_noted(world, logged):
    ApiClient(Authorization="Bearer invented").get(LIST)
    ApiClient(Authorization="Basic aW52ZW50ZWQ6").get(LIST)
    assert logged.refusals == ["refused: AuthenticationFailed", "refused: device: unknown appKey or removed shop"]


def test_a_session_without_its_csrf_token_is_noted(world, logged):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.people["M"])
    browser.post(SHOP + "update", {"id": 1}, "application/json")
    browser.post("/admin/groupbuy/verify/", {"code": "12345678"})
    assert logged.refusals == ["refused: CSRF Failed: CSRF cookie not set.", "refused: CSRF: CSRF cookie not set."]


@pytest.mark.slow
@pytest.mark.parametrize("who", ["C", "M", "H"])
def test_a_page_of_the_admin_that_is_not_for_somebody_is_noted(world, logged, who):
    browser = browser_of(world.people[who])
    shut = [address for _model, address in pages_of_lists("add") if browser.get(address).status_code == 403]
    assert len(shut) > 5
    assert logged.refusals == ["refused: PermissionDenied"] * len(shut)
    assert {line["user"] for line in logged.access} == {world.people[who].pk}


def test_who_has_no_business_in_the_admin_is_noted(world, logged):
    browser_of(world.people["B"]).get("/admin/")
    without_role = factories.StaffFactory(tenant=world.people["C"].tenant)
    without_role.groups.clear()
    browser_of(without_role).get("/admin/groupbuy/order/")
    Client().get("/admin/")
    assert [(line["message"], line.get("user")) for line in logged.access][0] == (
        "refused: not a member of staff with a role",
        world.people["B"].pk,
    )
    assert [line["levelname"] for line in logged.access] == ["WARNING", "WARNING", "INFO"]


@pytest.mark.parametrize("path", ["/api/auth/login", "/admin/login/"])
def test_failed_log_ins_and_lock_outs_are_noted(world, logged, settings, path):
    settings.AXES_FAILURE_LIMIT = 2
    manager = world.people["M"]
    for name in (manager.username, "nobody-of-that-name", manager.username, manager.username):
        ApiClient().client.post(path, {"username": name, "password": "wrong-password-2026"})
    more = "; WrongCredentials" if path.startswith("/api/") else ""
    failed = f"refused: log-in failed, account {manager.pk}{more}"
    assert logged.refusals[:2] == [failed, f"refused: log-in failed, no such account{more}"]
    assert [line.endswith("; locked out") and f"account {manager.pk}" in line for line in logged.refusals[2:]] == [True, True]


def test_a_wrong_code_of_a_mini_program_is_noted(world, logged):
    ApiClient().post("/api/auth/wechatlogin", {"code": "used-before", "appId": "wx-contract"})
    assert (only_line(logged)["message"], only_line(logged)["status"]) == ("refused: WrongCredentials", 401)
