"""Every address of the URL map with values that break services, as everybody: no 5xx, and who is refused is told nothing.

The addresses are the resolver's own, so a new one is crawled by itself (``crawl.py``). The API's parameters are gone through one by one
in ``test_nasty_values.py``.
"""

import sys
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

import pytest
from django.core.signals import got_request_exception
from django.http import HttpResponse
from django.test import Client

from retail.models import User
from tests.contract.changes import undone
from tests.contract.crawl import (
    AWKWARD,
    EVERY_LIST,
    TELLING,
    Address,
    Fields,
    addresses,
    filled_in,
    filters_of,
    names_on,
    names_read,
    square,
)
from tests.contract.test_leaks import leaks
from tests.support.back_office import fill
from tests.support.pages import BACKEND

pytestmark = pytest.mark.slow

FORM = "application/x-www-form-urlencoded"
# Made anew for each request, with much work: not worth every value.
SLOW = {"api/schema/", "healthz/ready"}
# How many values are tried where what is behind an address is the admin's: its pages take their time, and are made by a few classes.
SOME = 2
COUNTS = [AWKWARD[name] for name in ("30 digits", "minus one", "a word", "nothing")]
REFUSED = (302, 401, 403, 404, 405)


class Crawler:
    """One person's browser. ``wrong``: what was answered with 5xx; ``told``: every text of a refusal."""

    def __init__(self, user: User | None, *, is_thorough: bool) -> None:
        self.is_thorough = is_thorough
        self.client = Client(raise_request_exception=False)
        if user is not None:
            self.client.force_login(user, backend=BACKEND)
        self.session = SimpleCookie(self.client.cookies)
        self.wrong: list[str] = []
        self.told: set[str] = set()
        self.fault: BaseException | None = None
        self.asked = 0

    def note_fault(self, **_more: Any) -> None:
        self.fault = sys.exc_info()[1]

    def ask(self, method: str, address: Address, path: str, names: str = "") -> HttpResponse:
        # A log-out, or a heap of messages, would change who asks next.
        self.client.cookies = SimpleCookie(self.session)
        self.fault, self.asked = None, self.asked + 1
        with undone():
            answer = self.client.get(path, QUERY_STRING=names) if method == "GET" else self.client.post(path, names, FORM)
        if answer.status_code >= 500:
            self.wrong.append(f"{method} {path[:200]} {names[:200]} → {answer.status_code} {type(self.fault).__name__}: {self.fault}")
        if answer.status_code >= 300 and not answer.streaming:
            self.told.add(answer.content.decode())
        return answer

    def crawl(self, address: Address, *, begin: int) -> None:
        """``begin`` lets each address have other values where not all are tried."""
        path = address.filled()
        with names_read() as read:
            page = self.ask("GET", address, path)
            answer = self.ask("POST", address, path)
        names = sorted(read | names_on(page) | names_on(answer))
        is_open = page.status_code not in REFUSED
        most = self.worth(address) if is_open else 1
        for values in square(address.good, begin=begin, most=most):
            self.ask("GET", address, address.filled(**values))
        for values in square(names, begin=begin, most=most):
            self.ask("GET", address, path, filled_in(values))
            self.ask("POST", address, path, filled_in(values))
        if is_open and self.is_thorough:
            self.narrow(address, path, filters_of(page))
            self.act(address, path, Fields(page).choices.get("action", []))
            self.fill_in(address, path, Fields(page).sent)

    def worth(self, address: Address) -> int:
        """How many of the values."""
        if not address.is_admin and address.route not in SLOW:
            return len(AWKWARD)
        return SOME if self.is_thorough and not address.good else 1

    def narrow(self, address: Address, path: str, filters: list[str]) -> None:
        """One at a time: a filter that is refused keeps a list from reading the next."""
        for place, name in enumerate(filters):
            for turn in range(1 if name in EVERY_LIST else SOME):
                self.ask("GET", address, path, f"{name}={TELLING[(len(path) + place + turn) % len(TELLING)]}")

    def act(self, address: Address, path: str, actions: list[str]) -> None:
        for action in actions:
            for value in TELLING:
                self.ask("POST", address, path, f"action={action}&_selected_action={value}")

    def fill_in(self, address: Address, path: str, sent: dict[str, str]) -> None:
        """A form as it stands but for some fields: one that is wrong would hide what is done with the others."""
        if "csrfmiddlewaretoken" not in sent or "action" in sent:
            return
        good = {name: quote(value) for name, value in sent.items()}
        for turn in range(SOME):
            wrong = {name: TELLING[(place + turn) % len(TELLING)] for place, name in enumerate(good) if place % SOME == turn}
            self.ask("POST", address, path, filled_in(good | wrong))
        # How many lines a form has: nothing that a person types. Of too many Django makes 2000, which take a second: once.
        counts = [name for name in good if name.endswith("_FORMS")]
        for value in COUNTS if counts else []:
            self.ask("POST", address, path, filled_in(good | dict.fromkeys(counts, value)))


@pytest.fixture(scope="module")
def crawled(world_of_module) -> list[Address]:
    """With a row of every model, and in the smallest of the world's corners: lists take their time."""
    fill(world_of_module.corners[2].shop, world_of_module.corners[2].manager)
    return addresses(world_of_module.corners[2])


@pytest.fixture
def crawler_of(world) -> Iterator[Callable[[str], Crawler]]:
    corner, crawlers = world.corners[2], []

    def crawler(who: str) -> Crawler:
        root = User.objects.create_superuser("crawling-root", "demo-pass-2026", nickname="平台") if who == "platform" else None
        crawlers.append(Crawler(root or getattr(corner, who, None), is_thorough=who in ("headquarters", "platform")))
        got_request_exception.connect(crawlers[-1].note_fault)
        return crawlers[-1]

    yield crawler
    for one in crawlers:
        got_request_exception.disconnect(one.note_fault)


def may_be_opened_by(user: User, address: Address) -> bool:
    return address.model is None or user.has_perm(f"{address.model._meta.app_label}.view_{address.model._meta.model_name}")


@pytest.mark.parametrize("who", ["anonymous", "buyer", "clerk", "headquarters", "platform"])
def test_no_address_breaks_and_who_is_refused_is_told_nothing(world, crawled, crawler_of, who):
    crawler, headquarters = crawler_of(who), world.corners[2].headquarters
    for begin, address in enumerate(crawled):
        # The platform's own pages: what headquarters opens is the same page, in a smaller scope.
        if who != "platform" or not may_be_opened_by(headquarters, address):
            crawler.crawl(address, begin=begin)
    assert not crawler.wrong, "\n".join(crawler.wrong)
    assert leaks(world, "nobody", "\n".join(crawler.told)) == []


def test_the_crawl_reaches_every_kind_of_page(crawled):
    routes = {address.route for address in crawled}
    assert len(routes) > 300
    assert {"", "o/<str:code>/pay/", "admin/autocomplete/", "admin/groupbuy/order/export/", "media/<path:path>", "static"} <= routes
