"""The real WeChat gateway against the fake WeChat, over HTTP: fixtures and the few moves that tests share."""

import time
from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from config import invariants
from groupbuy import orders, payments
from groupbuy.fake_wechat import FakeWeChat, Merchant, make_merchant
from groupbuy.models import MerchantAccount, Order
from retail.models import Tenant
from retail.principals import principal_of
from tests.support import factories

NOTIFY = "/api/pay/wechat/notify"
REFUND_NOTIFY = "/api/pay/wechat/refundnotify"
# What stays below 8 s in production ends within this where WeChat stalls on purpose: see ``impatient``.
REQUEST_SECONDS = 1.6
# One for all: each new client loads the middleware anew, which takes a hundred times as long as a notification.
SENDER = Client()


@pytest.fixture(scope="session")
def wechat_server():
    """Two merchant numbers: the environment's and one that a tenant may bring."""
    merchants = [make_merchant(mch_id=f"190000000{n}", app_id=f"wx{n:016d}") for n in (1, 2)]
    with FakeWeChat(*merchants, speed=0.0005) as fake:
        yield fake


@pytest.fixture(scope="session")
def key_files(wechat_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    merchant = house_merchant(wechat_server)
    (folder / "apiclient_key.pem").write_text(merchant.private_pem)
    (folder / "pub_key.pem").write_text(merchant.public_pem)
    return folder


@pytest.fixture
def fake_wechat(wechat_server, key_files, settings) -> FakeWeChat:
    """The fake with nothing in its books; the settings are those of an installation that uses it. It holds its notifications."""
    merchant = house_merchant(wechat_server)
    settings.PAYMENT_GATEWAY = settings.LOGIN_PROVIDER = "wechat"
    settings.WECHAT_APP_ID, settings.WECHAT_APP_SECRET = merchant.app_id, merchant.app_secret
    settings.WECHAT_MCH_ID, settings.WECHAT_MCH_CERT_SERIAL = merchant.mch_id, merchant.cert_serial
    settings.WECHAT_MCH_PRIVATE_KEY_FILE = str(key_files / "apiclient_key.pem")
    settings.WECHAT_PAY_PUBLIC_KEY_FILE = str(key_files / "pub_key.pem")
    settings.WECHAT_PAY_API_V3_KEY, settings.WECHAT_PAY_PUBLIC_KEY_ID = merchant.api_v3_key, merchant.public_key_id
    settings.WECHAT_PAY_BASE_URL = settings.WECHAT_API_BASE_URL = wechat_server.url
    wechat_server.control("reset")
    wechat_server.control("hold")
    cache.clear()
    return wechat_server


@pytest.fixture
def impatient(settings) -> None:
    """For faults that outlast every deadline. All other tests have production's time, which a busy machine doesn't use up."""
    settings.GATEWAY_SECONDS = {"connect": 0.6, "read": 1.2, "request": REQUEST_SECONDS, "bill": REQUEST_SECONDS}


@pytest.fixture
def wechat_buyer(tenant, buyer, fake_wechat):
    """A buyer who logged in to the app of the environment."""
    Tenant.objects.filter(pk=tenant.pk).update(app_id=None)
    factories.IdentityFactory(user=buyer, app_id=house_merchant(fake_wechat).app_id)
    tenant.refresh_from_db()
    return buyer


@pytest.fixture
def wechat_caller(wechat_buyer):
    return principal_of(wechat_buyer)


@pytest.fixture
def wechat_order(wechat_caller, group_buying, now) -> Order:
    """Two units at 9.90, unpaid."""
    return orders.create_order(principal=wechat_caller, buyer_id=None, wish=orders.Wish(group_buying.pk, 2), now=now)


@pytest.fixture
def prepaid(wechat_order, wechat_caller, now):
    """The parameters of the order's payment, announced at WeChat."""
    return payments.start_payment(order_id=wechat_order.pk, principal=wechat_caller, now=now)


def house_merchant(fake: FakeWeChat) -> Merchant:
    return fake.books.merchants["1900000001"]


def own_merchant(fake: FakeWeChat) -> Merchant:
    return fake.books.merchants["1900000002"]


def account_of(tenant: Tenant, merchant: Merchant, **fields) -> MerchantAccount:
    """The merchant number as a row of ``tenant``, not saved; the platform has confirmed it, unless ``fields`` say otherwise."""
    fields.setdefault("confirmed_at", timezone.now())
    return MerchantAccount(
        tenant=tenant,
        mch_id=merchant.mch_id,
        cert_serial=merchant.cert_serial,
        private_key=fields.pop("private_key", merchant.private_pem),
        api_v3_key=merchant.api_v3_key,
        public_key_id=merchant.public_key_id,
        public_key=fields.pop("public_key", merchant.public_pem),
        **fields,
    )


def pay(fake: FakeWeChat, prepay_id: str, **how) -> str:
    """The person pays; returns the id of WeChat's notification."""
    return fake.control("pay", number=prepay_id, **how)["notification"]


def packed(fake: FakeWeChat, message_id: str, fault: str = "") -> tuple[dict[str, str], bytes]:
    """Headers and body of a notification that was held back."""
    return fake.notifier.packed(next(message for message in fake.notifier.messages if message.id == message_id), fault)


def notify(headers: dict[str, str], body: bytes, path: str = NOTIFY) -> HttpResponse:
    return SENDER.post(path, body, content_type="application/json", headers=headers)


def calls(fake: FakeWeChat) -> int:
    """How often anybody has called WeChat."""
    return sum(fake.books.requests.values())


def wait_until(condition: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def fresh(row):
    row.refresh_from_db()
    return row


def assert_sound() -> None:
    """No invariant is broken."""
    assert {name: found for name, check in invariants.CHECKS.items() if (found := list(check()))} == {}
