"""Every secret and personal field holds a canary; what each role gets to read is searched for them (the masking table of docs/api.md)."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse
from knox.models import AuthToken

from groupbuy.models import OrderStatus
from tests.contract.calls import CALLS, GROUP, Aim, send
from tests.contract.changes import undone
from tests.contract.specification import METHODS
from tests.contract.who import TABLE
from tests.contract.world import Corner, World
from tests.support.logs import Written, log_written

pytestmark = pytest.mark.slow

ROLES = ("A", "B", "C", "M", "H", "S", "D", "B2", "M2", "D2", "B3", "H3")
IN_CHARGE = {1: {"M", "H", "S"}, 2: {"M2", "H", "S"}, 3: {"H3"}}
CLERKS = {1: {"C", "D"}, 2: {"D2"}, 3: set()}
OWNER = {1: {"B"}, 2: {"B2"}, 3: {"B3"}}


def order_canaries(corner: Corner) -> Iterator[tuple[str, str, set[str]]]:
    """Name, text, who may read it."""
    number, orders = corner.number, corner.orders
    own, seniors, clerks = OWNER[number], IN_CHARGE[number], CLERKS[number]
    for status, order in orders.items():
        is_waiting = status in (OrderStatus.PAID, OrderStatus.SHIPPED)
        readers = own | seniors | (clerks if is_waiting else set())
        for name in ("phone", "address", "remark", "lbs"):
            if getattr(order, name):
                yield f"{status.name} {name}", getattr(order, name), readers
        yield f"{status.name} code", order.code, own | seniors | clerks
        if order.paid_at:
            yield f"{status.name} payTime", f"10:1{order.pk % 10}:0{number}", own | seniors | clerks
        if order.deliver_code:
            yield "deliverCode", order.deliver_code, own


def canaries(world: World) -> Iterator[tuple[str, str, set[str]]]:
    nobody: set[str] = set()
    for corner in world.corners:
        number, shop = corner.number, corner.shop
        seniors = IN_CHARGE[number]
        yield from order_canaries(corner)
        yield "buyer's name", corner.buyer.nickname, OWNER[number] | seniors | CLERKS[number]
        yield "neighbour's name", corner.neighbour.nickname, seniors | CLERKS[number]
        yield "neighbour's order", corner.neighbours_order.remark, seniors | CLERKS[number]
        yield "openId", f"oB7-buyer-open-id-{number}", OWNER[number]
        yield "neighbour's openId", f"oN9-neighbour-open-id-{number}", nobody
        yield "buyer's own phone", corner.buyer.phone, nobody
        yield "neighbour's phone", corner.neighbour.phone, nobody
        yield "staff phone", corner.headquarters.phone, nobody
        yield "password", corner.headquarters.password, nobody
        yield "appSecret", shop.app_secret, {"S"} if number != 3 else nobody
        yield "previous appSecret", shop.previous_secret, nobody
        yield "appKey", shop.app_key, seniors
        yield "device ip", corner.device.ip, seniors
        yield "device mac", corner.device.mac, seniors
        yield "cost price", f"4.3{number}", seniors
        yield "last price", f"4.6{number}", seniors
        yield "who changed a price", corner.accountant.nickname, seniors
    for number in (1, 2):
        for name in ("private-key", "api-v3-key"):
            yield f"merchant {name}", f"merchant-{name}-{number}", nobody
        yield "mini-program secret", f"mini-program-secret-{number}", nobody
    for token in AuthToken.objects.all():
        yield "token digest", token.digest, nobody


def leaks(world: World, who: str, text: str) -> list[str]:
    def is_in(canary: str) -> bool:
        # The plain search first: the other is slow, and hardly ever needed.
        return canary in text and re.search(rf"(?<![\d.]){re.escape(canary)}(?!\d)", text) is not None

    return [f"{name} of {canary}" for name, canary, readers in canaries(world) if who not in readers and is_in(canary)]


def logged_canaries(world: World, written: Written) -> list[str]:
    """What nobody may find in the log; times and prices of the canaries look like times and milliseconds there."""
    text = written.words
    return [
        f"{name} of {canary}" for name, canary, _readers in canaries(world) if canary in text and not re.fullmatch(r"[\d.:]{4,8}", canary)
    ]


def asked(path: str, who: str, world: World) -> Iterator[Any]:
    """The arguments of every call worth making: aimed at everybody's rows, and once where the role is refused whatever it asks."""
    home = world.home(who)
    is_refused = TABLE[path][{"S": "H"}.get(who, who[0])] in ([401], [403])
    for bundle in (world.ours,) if is_refused else (world.ours, world.sibling, world.theirs):
        if path.endswith("/getorder") and not is_refused:
            yield from ({"id": pk} for pk in (*bundle.orders.values(), bundle.neighbours_order))
        else:
            yield CALLS[path](Aim(who, bundle, home))


@pytest.fixture(scope="module")
def written() -> Iterator[Written]:
    """The log of everything that ``said_to`` asks."""
    with log_written() as written:
        yield written


@pytest.fixture(scope="module")
def said_to(world_of_module, written) -> Callable[[str], str]:
    """Everything that the endpoints say to a caller; asked once."""

    @cache
    def answers(who: str) -> str:
        said = []
        for path in METHODS:
            for arguments in asked(path, who, world_of_module):
                with undone():
                    said.append(send(world_of_module, path, who, arguments).content.decode())
        return "\n".join(said)

    return answers


def test_the_log_of_all_that_tells_nobody(world, said_to, written):
    for who in ROLES:
        said_to(who)
    assert {line["route"] for line in written.access} >= {path.removeprefix("/") for path in METHODS}
    assert logged_canaries(world, written) == []


@pytest.mark.parametrize("who", ROLES)
def test_no_endpoint_tells_what_the_table_hides(world, said_to, who):
    assert leaks(world, who, said_to(who)) == []


def test_who_may_read_a_canary_really_finds_it(world, said_to):
    """The search can see: for each kind of canary, somebody who may read it does."""
    unseen = {
        name
        for name, canary, readers in canaries(world)
        if readers & set(ROLES) and not any(canary in said_to(who) for who in readers & set(ROLES))
    }
    assert unseen == set()


HIDDEN = {
    "phone": "",
    "address": "",
    "lbs": "",
    "remark": "",
    "code": "",
    "payTime": None,
    "money": 0.0,
    "deliverCode": "",
    "userOpenId": "",
    "userName": "橙**",
}
FULL = {
    "phone": "13800128001",
    "address": "21 号楼 302 室",
    "lbs": "121.9021,31.9021",
    "remark": "请放 21 号柜",
    "code": "2601151010124711",
    "payTime": "2026-01-15 10:12:01",
    "money": 19.8,
    "deliverCode": "",
    "userOpenId": "",
    "userName": "橙子姐姐1",
}
SEEN = {
    **dict.fromkeys(("A", "B2", "B3", "M2", "D2", "H3"), HIDDEN),
    **dict.fromkeys(("C", "D"), FULL),
    **dict.fromkeys(("M", "H", "S"), FULL | {"userOpenId": "oB7-****"}),
    "B": FULL | {"userOpenId": "oB7-buyer-open-id-1", "deliverCode": "52731841"},
}


@pytest.mark.parametrize("who", SEEN)
def test_an_order_in_the_public_list_shows_what_the_table_says(world, who):
    shown = send(world, GROUP + "get", who, {"id": world.ours.group_buying}).json()
    (order,) = (order for order in shown["orders"] if order["id"] == world.ours.order(OrderStatus.PAID))
    assert {name: order[name] for name in HIDDEN} == SEEN[who]
    (person,) = (person for person in shown["orderUsers"] if person["id"] == world.ours.buyer)
    assert (person["openId"], person["name"]) == (SEEN[who]["userOpenId"], SEEN[who]["userName"])


def test_a_clerk_sees_less_of_an_order_that_is_over(world):
    order = send(world, GROUP + "getorder", "C", {"id": world.ours.order(OrderStatus.COMPLETED)}).json()
    assert {name: order[name] for name in ("phone", "address", "lbs", "remark")} == {
        "phone": "138****8001",
        "address": "",
        "lbs": "",
        "remark": "",
    }


@pytest.mark.parametrize("who", ["B", "B2"])
def test_a_buyer_is_told_no_open_id_of_visitors(world, who):
    visitors = send(world, GROUP + "getgroupbuyingvisitor", who, {"groupBuyingId": world.ours.group_buying}).json()
    assert {visitor["openId"] for visitor in visitors} == {""}


def pages(world: World) -> Iterator[str]:
    yield "/"
    for corner in world.corners:
        yield f"/s/{corner.shop.pk}/"
        yield f"/g/{corner.group_buying.pk}/"
        yield f"/g/{corner.group_buying.pk}/news/"
        yield from (f"/o/{order.code}/" for order in corner.orders.values())
    yield "/orders/"


@pytest.mark.parametrize("who", ["A", "B", "B2", "B3"])
def test_no_buyer_page_tells_what_the_table_hides(world, who):
    browser = Client()
    if who in world.people:
        browser.force_login(world.people[who])
    # An address names its order's code, and the page of a stranger may say it back.
    said = [browser.get(page).content.decode().replace(page, "") for page in pages(world)]
    own_phone = {f"buyer's own phone of {world.people[who].phone}"} if who in world.people else set()
    assert set(leaks(world, who, "\n".join(said))) - own_phone == set()


def admin_pages() -> Iterator[str]:
    yield reverse("admin:index")
    for model in admin.site._registry:
        try:
            yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        except NoReverseMatch:
            continue


SECRETS = {
    "appSecret",
    "previous appSecret",
    "password",
    "token digest",
    "mini-program secret",
    "merchant private-key",
    "merchant api-v3-key",
    "deliverCode",
}


@pytest.mark.parametrize("who", ["C", "M", "M2", "H", "H3"])
def test_no_list_of_the_admin_shows_a_secret_or_another_shops_people(world, who):
    browser = Client()
    browser.force_login(world.people[who])
    said = "\n".join(browser.get(page).content.decode() for page in admin_pages())
    others = {corner.number for corner in world.corners} - {"C": {1}, "M": {1}, "M2": {2}, "H": {1, 2}, "H3": {3}}[who]
    hidden = {f"phone of {order.phone}" for corner in world.corners if corner.number in others for order in corner.orders.values()}
    found = leaks(world, who, said)
    assert [leak for leak in found if leak.split(" of ")[0] in SECRETS or any(leak.endswith(text) for text in hidden)] == []
