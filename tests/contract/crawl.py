"""Every address of the URL map, what stands for its parameters, and which names the page behind it reads."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import cycle
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.http import HttpResponse, QueryDict
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.regex_helper import normalize

from groupbuy.models import OrderStatus, Payment
from retail.backoffice import visible
from retail.principals import principal_of
from tests.contract.world import NOWHERE, Corner

# As they stand in an address; ``{name}`` is the name of the parameter itself.
AWKWARD = {
    "NUL": "a%00b",
    "30 digits": "9" * 30,
    "minus one": "-1",
    "2^63": str(2**63),
    "a word": "abc",
    "nothing": "",
    "lone surrogate": "%ED%A0%80",
    "no UTF-8": "%FF",
    "long": "x" * 3000,
    "wildcards": quote("%_\\('"),
    "emoji, right to left": quote("🍊\u202ecod.exe"),
    "the year one": "0001-01-01",
    "twice": "1&{name}=2",
    "brackets": "1&{name}[]=2",
}
# What every list of the admin reads, through one and the same class.
EVERY_LIST = ("q", "p", "o", "all", "id__in")
# Those that are read as something by what let the others pass.
TELLING = [AWKWARD[name] for name in ("30 digits", "minus one", "2^63", "a word", "nothing", "wildcards", "the year one")]


@dataclass(frozen=True)
class Address:
    """``form``: ``/o/%(code)s/pay/``; ``good``: what leads to a row of ours."""

    route: str
    form: str
    good: dict[str, str] = field(default_factory=dict)
    model: Any = None

    @property
    def is_admin(self) -> bool:
        return self.route.startswith("admin/")

    def filled(self, **instead: str) -> str:
        return self.form % ({name: quote(value, safe="/") for name, value in self.good.items()} | instead)


def patterns(within: Sequence[Any], before: str = "", form: str = "/") -> Iterator[tuple[str, str, list[str]]]:
    """Route, form and parameters of each address that the resolver knows."""
    for one in within:
        (inner, names), *_optional = normalize(one.pattern.regex.pattern)
        route, whole = before + str(one.pattern), form + inner.removeprefix("/")
        if isinstance(one, URLResolver):
            yield from patterns(one.url_patterns, route, whole)
        elif isinstance(one, URLPattern):
            yield route, whole, re.findall(r"%\((\w+)\)s", whole)


def addresses(corner: Corner) -> list[Address]:
    """All of them. A parameter that nobody has a value for is a KeyError: an address with a new one must say what leads to a row."""
    payment = Payment.objects.filter(order__shop=corner.shop).exclude(prepay_id="").first()
    shop_type = ContentType.objects.get_for_model(corner.shop)
    known = {
        "s": {"pk": corner.shop.pk},
        "g": {"pk": corner.group_buying.pk, "share": corner.share.pk},
        "o": {"code": corner.orders[OrderStatus.PAID].code},
        "sandbox": {"prepay_id": payment.prepay_id},
        "media": {"path": "products/1.jpg"},
        "static": {"path": "storefront/storefront.css"},
        "admin": {"content_type_id": shop_type.pk, "object_id": corner.shop.pk, "app_label": "groupbuy", "url": "groupbuy/order"},
    }
    models = {(model._meta.app_label, model._meta.model_name): model for model in admin.site._registry}
    found = []
    for route, form, names in [*patterns(get_resolver().url_patterns), ("static", "/static/%(path)s", ["path"])]:
        parts = form.strip("/").split("/")
        model = models.get((parts[1], parts[2])) if parts[0] == "admin" and len(parts) > 2 else None
        values = {name: str(known[parts[0]][name]) for name in names}
        found.append(Address(route, form, values | ({"object_id": row_of(model, corner)} if model and names else {}), model))
    return found


def row_of(model: Any, corner: Corner) -> str:
    row = visible(model, principal_of(corner.headquarters)).first() or model._default_manager.first()
    return str(row.pk if row else NOWHERE)


@contextmanager
def names_read() -> Iterator[set[str]]:
    """The names that are asked of a query or a form while it is read inside."""
    found: set[str] = set()
    with pytest.MonkeyPatch.context() as patch:
        for method in ("get", "getlist", "__getitem__", "__contains__", "pop"):
            patch.setattr(QueryDict, method, noting(getattr(QueryDict, method), found))
        yield found


def noting(read: Any, found: set[str]) -> Any:
    def note(self: QueryDict, name: Any, *rest: Any, **more: Any) -> Any:
        found.add(str(name))
        return read(self, name, *rest, **more)

    return note


class Fields(HTMLParser):
    """What the forms of a page would send as they stand, and what may be chosen in them."""

    def __init__(self, page: HttpResponse) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}
        self.select = self.textarea = ""
        if not page.streaming and page.get("Content-Type", "").startswith("text/html"):
            self.feed(page.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        name = has.get("name", "")
        if tag == "input" and name and has.get("type") not in ("file", "submit"):
            is_off = has.get("type") in ("checkbox", "radio") and "checked" not in has
            self.sent |= {} if is_off else {name: has.get("value", "on" if has.get("type") == "checkbox" else "")}
            self.choices.setdefault(name, [])
        elif tag in ("select", "textarea") and name:
            self.select, self.textarea = (name, "") if tag == "select" else ("", name)
            self.sent[name] = ""
            self.choices[name] = []
        elif tag == "option" and self.select:
            self.choices[self.select].append(has.get("value", ""))
            self.sent |= {self.select: has.get("value", "")} if "selected" in has else {}

    def handle_endtag(self, tag: str) -> None:
        if tag in ("select", "textarea"):
            self.select = self.textarea = ""

    def handle_data(self, data: str) -> None:
        if self.textarea:
            self.sent[self.textarea] += data


def filters_of(page: HttpResponse) -> list[str]:
    """The names by which a list of the admin can be narrowed, some of them as somebody would guess who knows Django."""
    shown = (page.context or {}).get("cl") if page.context else None
    if shown is None:
        return []
    narrowed = [name for spec in shown.filter_specs for name in spec.expected_parameters() if name]
    columns = {name.split("__")[0] for name in narrowed if not name.endswith(("_from", "_to"))}
    lookups = cycle(("in", "gte", "regex", "isnull"))
    guessed = [f"{column}__{next(lookups)}" for column in sorted(columns)]
    return [*narrowed, *guessed, *EVERY_LIST]


def names_on(page: HttpResponse) -> set[str]:
    """The names that a page offers, in its forms and in its links."""
    if page.streaming or not page.get("Content-Type", "").startswith("text/html"):
        return set()
    links = re.findall(r'href="[^"?]*\?([^"#]+)"', page.content.decode())
    return set(Fields(page).choices) | {name for link in links for name in QueryDict(link.replace("&amp;", "&"))}


def square(names: Iterable[str], *, begin: int, most: int) -> Iterator[dict[str, str]]:
    """A value for each of ``names`` at once, ``most`` times, each time the next one: with all of AWKWARD each name has had each."""
    known, values = list(names), list(AWKWARD.values())
    for turn in range(most if known else 0):
        yield {name: values[(begin + place + turn) % len(values)].replace("{name}", quote(name)) for place, name in enumerate(known)}


def filled_in(values: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name)}={value}" for name, value in values.items())
