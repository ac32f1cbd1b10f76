"""SQLite's writers take turns, in the order in which they came; and what they commit is kept."""

import threading
import time
from contextlib import closing

import pytest
from django.db import OperationalError, connection, transaction

from retail.database.sqlite.turns import Turns
from retail.models import Tenant
from tests.support.races import at_once

only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has many writers")


def test_turns_come_in_order():
    turns, came = Turns(), []
    assert turns.take(seconds=0)

    def wait(number: int) -> None:
        assert turns.take(seconds=10)
        came.append(number)
        turns.give()

    waiting = []
    for number in range(5):
        waiting.append(threading.Thread(target=wait, args=(number,)))
        waiting[-1].start()
        while len(turns.waiting) <= number:
            time.sleep(0.001)
    turns.give()
    for thread in waiting:
        thread.join()
    assert came == [0, 1, 2, 3, 4]
    assert turns.take(seconds=0)


def test_who_gives_up_is_passed_by():
    turns = Turns()
    assert turns.take(seconds=0)
    assert not turns.take(seconds=0.01)
    turns.give()
    assert turns.take(seconds=0)


@only_sqlite
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ending", ["commit", "rollback", "close"])
def test_a_turn_ends_with_its_transaction(ending):
    def work(number: int) -> None:
        with transaction.atomic():
            Tenant.objects.create(code=f"first-{number}")
            if ending == "close":
                connection.close()
            else:
                transaction.set_rollback(ending == "rollback")

    at_once(work, range(2), threads=1)
    with transaction.atomic():
        Tenant.objects.create(code="after")


@only_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_wait_is_bounded(monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.2)

    def refused(_: int) -> bool:
        try:
            with transaction.atomic():
                return False
        except OperationalError:
            return True

    with transaction.atomic():
        assert at_once(refused, range(3)) == [True] * 3
    with transaction.atomic():
        assert not connection.needs_rollback


@only_sqlite
def test_what_is_committed_is_on_the_disk(tmp_path):
    """All that the settings say before the tests take this back, since no test cuts the power."""
    product, taken_back, nothing = connection.settings_dict["OPTIONS"]["init_command"].partition(" PRAGMA synchronous=OFF;")
    assert taken_back
    assert not nothing
    with closing(connection.Database.connect(tmp_path / "x")) as fresh:
        fresh.executescript(product)
        assert fresh.execute("PRAGMA synchronous").fetchone() == (2,)
