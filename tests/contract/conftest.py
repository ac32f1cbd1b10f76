from collections.abc import Iterator

import pytest
from django.db import transaction

from tests.contract.changes import state
from tests.contract.world import World
from tests.support.clients import Api
from tests.support.servers import demo  # noqa: F401


@pytest.fixture(scope="module")
def world_of_module(django_db_setup, django_db_blocker) -> Iterator[World]:
    """Built once for a module, in a transaction that never commits."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield World(Api())
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def untouched(world_of_module) -> dict[str, tuple[int, str]]:
    """The state of the world that every test starts with."""
    return state()


@pytest.fixture
def world(world_of_module, db) -> World:
    """Whatever a test writes is undone by ``db``, whose transaction is inside the module's."""
    return world_of_module
