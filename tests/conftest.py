from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from groupbuy.models import GroupBuying
from retail import counters
from retail.models import Tenant, User
from retail.principals import Principal, principal_of
from retail.rights import Role
from shops.models import Shop
from tests.support import factories
from tests.support.clients import Api
from tests.support.ids import readable
from tests.support.logs import Written, log_written
from tests.support.redises import memory, redis, store  # noqa: F401
from tests.support.wechat import fake_wechat, impatient, key_files, prepaid, wechat_buyer, wechat_caller, wechat_order, wechat_server  # noqa: F401


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    return readable(val)


@pytest.fixture(autouse=True)
def _nobody_has_called() -> None:
    """The counters of this process outlive the rows of a test, and the numbers of its people come again."""
    counters.memory.reset()


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def tenant(db) -> Tenant:
    return factories.TenantFactory()


@pytest.fixture
def shop(tenant) -> Shop:
    return factories.ShopFactory(tenant=tenant)


@pytest.fixture
def buyer(tenant) -> User:
    return factories.BuyerFactory(tenant=tenant)


@pytest.fixture
def clerk(shop) -> User:
    return factories.StaffFactory(tenant=shop.tenant, role=Role.CLERK, shops=[shop])


@pytest.fixture
def manager(shop) -> User:
    return factories.StaffFactory(tenant=shop.tenant, role=Role.MANAGER, shops=[shop])


@pytest.fixture
def headquarters(tenant) -> User:
    return factories.StaffFactory(tenant=tenant, role=Role.HEADQUARTERS)


@pytest.fixture
def superuser(db) -> User:
    """The platform."""
    return User.objects.create_superuser("platform", "demo-pass-2026", nickname="平台")


@pytest.fixture
def boss(headquarters) -> Principal:
    """What the services are told of headquarters."""
    return principal_of(headquarters)


@pytest.fixture
def group_buying(tenant, shop) -> GroupBuying:
    return factories.GroupBuyingFactory(tenant=tenant, shop=shop)


@pytest.fixture
def api(db) -> Api:
    """Callers with real credentials: ``api.anonymous``, ``api.as_user(user)``, ``api.as_device(shop)``."""
    return Api()


@pytest.fixture
def logged() -> Iterator[Written]:
    with log_written() as written:
        yield written


@pytest.fixture
def count_queries(db) -> Callable[[Callable[[], object]], int]:
    """How many statements a call takes; for tests that compare two calls."""

    def count(call: Callable[[], object]) -> int:
        with CaptureQueriesContext(connection) as captured:
            call()
        return len(captured)

    return count


@pytest.fixture
def between(monkeypatch):
    """Let something happen just before, or just after, a step is taken for the first time."""

    def arrange(owner, step, happens, *, after=False):
        real = getattr(owner, step)

        def taken(*args, **options):
            monkeypatch.setattr(owner, step, real)
            if after:
                result = real(*args, **options)
                happens()
                return result
            happens()
            return real(*args, **options)

        monkeypatch.setattr(owner, step, taken)

    return arrange
