"""A crowd before a group buy, over the API: 64 threads, 10,000 attempts, 1,000 units; and what it does when the guards are gone."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.db.models import F
from knox.models import AuthToken

from config import invariants
from groupbuy.models import GroupBuying, Order
from groupbuy.orders import create, statement
from retail.models import User
from tests.support import factories
from tests.support.clients import Api
from tests.support.races import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
LOOK, CREATE = "/api/marketing/groupbuy/get", "/api/marketing/groupbuy/createorder"
THREADS, ATTEMPTS, STOCK = 64, 10_000, 1_000
SOLD, REPLAYED, NOT_BUYABLE, SOLD_OUT, BUSY = 200, 801, 1001, 1002, 503
GUARD = "AND taken <= quota - %s AND"


class Crowd:
    """Buyers with their tokens, none of whom presses more often than the limit of unpaid orders lets through."""

    def __init__(self, group_buying: GroupBuying, attempts: int) -> None:
        self.group_buying = group_buying
        # Before the crowd does it: each thread would load the middleware.
        Api.anonymous.get(LOOK, id=group_buying.pk)
        people = factories.BuyerFactory.build_batch(-(-attempts // create.UNPAID_LIMIT), tenant=group_buying.tenant)
        with transaction.atomic():
            self.tokens = [AuthToken.objects.create(user=buyer)[1] for buyer in User.objects.bulk_create(people)]

    def press(self, number: int, *, qty: int = 1, key: str = "") -> tuple[int, int]:
        """The result code and the order of an attempt, or the status of HTTP and nothing. Again after SQLite's bounded wait."""
        headers = {"Authorization": f"Bearer {self.tokens[number % len(self.tokens)]}"} | ({"Idempotency-Key": key} if key else {})
        wish = {"groupBuyingId": self.group_buying.pk, "qty": qty}
        while True:
            answer = Api.anonymous.post(CREATE, wish, headers=headers)
            if answer.status_code != BUSY or connection.vendor != "sqlite":
                break
            time.sleep(0.01)
        return (answer.json()["status"], answer.json()["data"]) if answer.status_code == 200 else (answer.status_code, 0)

    def all_press(self, attempts: int, press: Callable[[int], tuple[int, int]] | None = None) -> Counter[int]:
        return Counter(code for code, _order in at_once(press or self.press, range(attempts), threads=THREADS))


def assert_sound() -> None:
    assert list(invariants.findings()) == []


def test_of_ten_thousand_attempts_as_many_succeed_as_there_are_units(group_buying):
    GroupBuying.objects.update(quota=STOCK)
    assert Crowd(group_buying, ATTEMPTS).all_press(ATTEMPTS) == {SOLD: STOCK, SOLD_OUT: ATTEMPTS - STOCK}
    group_buying.refresh_from_db()
    assert (Order.objects.count(), group_buying.taken) == (STOCK, STOCK)
    assert_sound()


@contextmanager
def without_constraint(name: str) -> Iterator[None]:
    """The table of the group buys without one of its constraints."""
    meta = GroupBuying._meta
    kept, dropped = meta.constraints, next(constraint for constraint in meta.constraints if constraint.name == name)
    # SQLite's table is made anew, of what the model says.
    meta.constraints = [constraint for constraint in kept if constraint is not dropped]
    try:
        with connection.schema_editor() as editor:
            editor.remove_constraint(GroupBuying, dropped)
        yield
    finally:
        meta.constraints = kept
        GroupBuying.objects.update(quota=F("taken"))
        with connection.schema_editor() as editor:
            editor.add_constraint(GroupBuying, dropped)


def test_the_crowd_is_real_without_the_guards_it_buys_more_than_there_is(group_buying, monkeypatch):
    """The control: the same way through the same code, which reads the stock and then takes it without asking again."""
    GroupBuying.objects.update(quota=50)
    crowd = Crowd(group_buying, 300)
    assert GUARD in statement.TAKE
    monkeypatch.setattr(statement, "TAKE", statement.TAKE.replace(GUARD, "AND %s > 0 AND"))
    with without_constraint("group_buying_not_oversold"):
        assert crowd.all_press(300)[SOLD] > 50
        group_buying.refresh_from_db()
        assert group_buying.taken == Order.objects.count() > group_buying.quota
        assert any(found.startswith("I1") for found in invariants.findings())


def test_the_constraint_stands_behind_the_guard(group_buying, monkeypatch):
    GroupBuying.objects.update(quota=50)
    crowd = Crowd(group_buying, 300)
    monkeypatch.setattr(statement, "TAKE", statement.TAKE.replace(GUARD, "AND %s > 0 AND"))
    assert crowd.all_press(300)[SOLD] == 50
    assert_sound()


@pytest.mark.parametrize(("limit", "sold"), [(0, create.UNPAID_LIMIT), (2, 2)])
def test_one_buyer_who_presses_many_times_at_once_gets_what_the_limit_allows(group_buying, limit, sold):
    """In ten group buys: one in which nobody overtakes anybody would show nothing."""
    GroupBuying.objects.update(per_buyer_limit=limit)
    for _ in range(10):
        crowd = Crowd(group_buying, 1)
        assert crowd.all_press(32) == {SOLD: sold, NOT_BUYABLE: 32 - sold}
    assert_sound()


def test_one_key_a_hundred_times_at_once_is_one_order_and_not_another_ones(group_buying):
    crowd = Crowd(group_buying, 1)
    (answer,) = set(at_once(lambda number: crowd.press(number, key="once"), range(100), threads=THREADS))
    assert answer == (SOLD, Order.objects.get().pk)
    assert crowd.press(0, key="once", qty=2) == (REPLAYED, 0)
    assert Order.objects.count() == 1
    assert_sound()
