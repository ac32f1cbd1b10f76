"""How many statements each endpoint and page may take, whatever the number of rows: the table is ``budgets.toml``.

``UPDATE_BUDGETS=1 pytest tests/contract/test_budgets.py`` on SQLite writes it anew, for the next run; read the difference first.
"""

import os
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from groupbuy.models import GroupBuying, Order, OrderStatus, Payment, Share, Visitor
from pricing.models import ShopProduct
from retail.backoffice import visible
from retail.models import Product, ProductClass, Tenant, User
from retail.principals import principal_of
from shops.models import ConfigItem, Shop
from tests.contract.calls import CALLS, call
from tests.contract.changes import undone
from tests.contract.crawl import Address, addresses
from tests.contract.specification import METHODS
from tests.contract.who import MAY
from tests.contract.world import FIRST_ID, Corner, World
from tests.support.back_office import fill
from tests.support.clients import Api
from tests.support.multiply import Multiplier
from tests.support.pages import browser_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
TABLE = Path(__file__).with_name("budgets.toml")
BUDGETS: dict[str, dict[str, int]] = tomllib.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}
CASES = [(section, address) for section, lines in BUDGETS.items() for address in lines]
SIZES = (1, 3, 300)
# The platform has the whole of each page, a manager what is left of it.
WHO = ("platform", "manager")
# What is measured with very many rows too.
MANY = ("api", "pages", "lists_of_the_platform", "lists_of_the_manager")
# Behind them is no row of ours, or a picture that WeChat makes.
NOT_PAGES = ("admin/", "api/", "^api/", "healthz/", "media/", "static", "g/<id:pk>/share/<id:share>/code/")
# A shop with a page full of running group buys isn't asked for past ones.
FEWER_WHEN_FULL = {"GET /s/<id:pk>/"}
Calls = dict[tuple[str, str], Callable[[], Any]]


def sources(corner: Corner) -> Iterator[Any]:
    """A row of each model, those first that others point at: the corner's own, on which the calls are aimed, else any of the tenant's."""
    own = [corner.tenant, corner.buyer, corner.product_class, corner.product, corner.shop]
    own += [ConfigItem.objects.latest("pk"), corner.group_buying, corner.orders[OrderStatus.PAID], corner.row, corner.share]
    own += [Visitor.objects.filter(group_buying=corner.group_buying).first()]
    yield from own
    first = {Tenant, User, ProductClass, Product, Shop, ConfigItem, GroupBuying, Order, ShopProduct, Share, Visitor}
    for model in admin.site._registry:
        row = None if model in first else oldest(model, corner)
        if row is not None:
            yield row


def oldest(model: Any, corner: Corner) -> Any:
    """Of the corner, else of what filled its shop: the same row on either database."""
    rows = visible(model, principal_of(corner.headquarters)).order_by("pk")
    row = rows.filter(pk__gte=FIRST_ID).first() or rows.first()
    return row and model._default_manager.get(pk=row.pk)


def api_calls(world: World) -> Calls:
    callers = {path: next(role for role in ("H", "M", "B", "D", "A") if role in MAY[path]) for path in CALLS}
    return {("api", f"{METHODS[path]} {path} as {who}"): partial(call, world, path, who) for path, who in callers.items()}


def is_page(address: Address) -> bool:
    return not address.route.startswith(NOT_PAGES)


def page_calls(found: list[Address], buyer: User) -> Calls:
    browser = browser_of(buyer)
    browser.get("/orders/")
    pages = [address for address in found if is_page(address)]
    return {("pages", f"GET /{address.route}"): partial(browser.get, address.filled()) for address in pages}


def admin_calls(found: list[Address], who: str, person: User, rows: dict[Any, Any]) -> Calls:
    browser = browser_of(person)
    browser.get("/admin/groupbuy/order/")  # the first page writes the session's end
    calls: Calls = {}
    for address in found:
        kind, row = kind_of(address), rows.get(address.model)
        is_asked = kind == "lists" or (kind == "change_pages" and who == "platform" and row is not None)
        if is_asked and person.has_perm(f"{address.model._meta.app_label}.view_{address.model._meta.model_name}"):
            path = address.filled(object_id=str(row.pk if row else ""))
            calls[f"{kind}_of_the_{who}", f"GET /{address.route}"] = partial(browser.get, path)
    return calls


def kind_of(address: Address) -> str:
    if address.model is None:
        return ""
    if address.route.count("/") == 3 and address.route.endswith("/"):
        return "lists"
    return "change_pages" if address.route.endswith("<path:object_id>/change/") else ""


def statements(ask: Callable[[], Any]) -> int | None:
    """None when there is no such page for this person."""
    with undone(), CaptureQueriesContext(connection) as captured:
        answer = ask()
    return len(captured) if answer.status_code == 200 else None


def pay(order: Order) -> None:
    """Orders without any payment are not asked about refunds."""
    Payment.objects.create(
        order=order, gateway="sandbox", out_trade_no=f"{order.code}P1", total=order.money, state="closed", prepay_id="sb-1"
    )


def warm_up() -> None:
    """What a process learns once."""
    ContentType.objects.get_for_models(*apps.get_models())


def measured() -> dict[tuple[str, str], dict[int, int | None]]:
    world = World(Api())
    corner = world.corners[0]
    fill(corner.shop, corner.manager)
    pay(corner.orders[OrderStatus.PAID])
    root = User.objects.create_superuser("root", "demo-pass-2026", nickname="平台")
    found = addresses(corner)
    multiplier = Multiplier(sources(corner))
    calls = api_calls(world) | page_calls(found, corner.buyer)
    # Of people one with a role, whose page has the most on it.
    rows = {type(row): row for row in multiplier.sources} | {User: corner.manager}
    for who, person in zip(WHO, (root, corner.manager), strict=True):
        calls |= admin_calls(found, who, person, rows)
    warm_up()
    counts: dict[tuple[str, str], dict[int, int | None]] = {key: {} for key in calls}
    for size in SIZES:
        multiplier.grow_to(size)
        for key, ask in calls.items():
            if size < 300 or key[0] in MANY:
                counts[key][size] = statements(ask)
    return counts


@pytest.fixture(scope="module")
def counts(django_db_setup, django_db_blocker) -> Iterator[dict[tuple[str, str], dict[int, int | None]]]:
    with django_db_blocker.unblock(), transaction.atomic():
        found = measured()
        transaction.set_rollback(True)
    found = {key: sizes for key, sizes in found.items() if sizes[1] is not None}
    if os.environ.get("UPDATE_BUDGETS"):
        TABLE.write_text(as_table(found), encoding="utf-8")
    yield found


def as_table(counts: dict[tuple[str, str], dict[int, int | None]]) -> str:
    lines = ["# Statements of each endpoint and page, at most: tests/contract/test_budgets.py"]
    for section in dict.fromkeys(section for section, _address in counts):
        lines += ["", f"[{section}]"]
        lines += [f'"{address}" = {sizes[1]}' for (one, address), sizes in counts.items() if one == section]
    return "\n".join(lines) + "\n"


def test_every_address_has_a_budget_and_every_budget_an_address(counts):
    assert set(counts) == set(CASES)


@pytest.mark.parametrize(("section", "address"), CASES, ids=[f"{section}: {address}" for section, address in CASES])
def test_it_takes_the_same_statements_for_one_row_and_three_hundred_and_no_more_than_its_budget(counts, section, address):
    sizes = counts[section, address]
    few, many = sizes[1], sizes[max(sizes)]
    assert set(sizes.values()) == {few} or (address in FEWER_WHEN_FULL and many < few), sizes
    assert few <= BUDGETS[section][address]
