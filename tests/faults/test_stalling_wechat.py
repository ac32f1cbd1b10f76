"""The server as it is started, with the figures of production: a WeChat that stalls or is slow, and a crowd that pays at once."""

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from cryptography.fernet import Fernet
from django.conf import settings as production
from knox.models import AuthToken

from groupbuy import orders
from groupbuy.management.commands.fake_wechat import environment
from groupbuy.models import OrderStatus
from retail.models import Tenant
from retail.principals import principal_of
from tests.support import factories
from tests.support.celeries import database_url
from tests.support.servers import free_port, wait_until_ready
from tests.support.wechat import house_merchant

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PATH = "/api/marketing/groupbuy/"
CROWD = 24
ENCRYPTION_KEY = Fernet.generate_key().decode()
# In seconds: what is promised, and what anything else may take meanwhile on a machine that is busy with other tests.
REQUEST, MEANWHILE = 8, 3


@pytest.fixture(autouse=True)
def keys(settings) -> None:
    settings.ENCRYPTION_KEYS = [ENCRYPTION_KEY]


@pytest.fixture(scope="module")
def site(django_db_setup, django_db_blocker, wechat_server, key_files, tmp_path_factory) -> Iterator[str]:
    """The address of a server process that pays with the fake WeChat."""
    folder, port = tmp_path_factory.mktemp("site"), free_port()
    with django_db_blocker.unblock():
        own = {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": database_url(), "STATIC_ROOT": str(folder / "static")}
    own |= {"DEMO": "off", "SECRET_KEY": secrets.token_urlsafe(48), "ENCRYPTION_KEYS": ENCRYPTION_KEY}
    # With a broker it starts no worker, and no request needs one.
    own["CELERY_BROKER_URL"] = "redis://127.0.0.1:1"
    own |= environment(house_merchant(wechat_server), url=wechat_server.url, folder=key_files)
    command = [sys.executable, "manage.py", "serve", "--workers", "1", "--port", str(port)]
    with (folder / "log").open("w") as output:
        server = subprocess.Popen(command, cwd=production.BASE_DIR, env=os.environ | own, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until_ready(server, f"http://127.0.0.1:{port}", folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def crowd(fake_wechat, group_buying, now) -> list[tuple[str, int]]:
    """Each buyer's token and order."""
    Tenant.objects.filter(pk=group_buying.tenant_id).update(app_id=None)
    buyers = factories.BuyerFactory.create_batch(CROWD, tenant=group_buying.tenant)
    wish = orders.Wish(group_buying.pk, 1)
    for buyer in buyers:
        factories.IdentityFactory(user=buyer, app_id=house_merchant(fake_wechat).app_id)
    placed = [orders.create_order(principal=principal_of(buyer), buyer_id=None, wish=wish, now=now) for buyer in buyers]
    return [(AuthToken.objects.create(user=order.buyer)[1], order.pk) for order in placed]


def seconds_of(url: str) -> float:
    return requests.get(url, timeout=60).elapsed.total_seconds()


def pay_all(site: str, crowd: list[tuple[str, int]], meanwhile: list[str]) -> tuple[list[tuple[int, float]], list[float]]:
    """Result and seconds of each payment, and the seconds that each ``meanwhile`` takes while they are under way."""
    together = threading.Barrier(len(crowd) + 1)

    def pay(buyer: tuple[str, int]) -> tuple[int, float]:
        together.wait()
        answer = requests.post(
            f"{site}{PATH}orderpay", json={"orderId": buyer[1]}, headers={"Authorization": f"Bearer {buyer[0]}"}, timeout=60
        )
        return answer.json()["status"], answer.elapsed.total_seconds()

    with ThreadPoolExecutor(len(crowd)) as people:
        paying = people.map(pay, crowd)
        together.wait()
        time.sleep(0.5)
        others = [seconds_of(f"{site}{path}") for path in meanwhile]
        return list(paying), others


def test_a_wechat_that_stalls_keeps_nobody_else_waiting(fake_wechat, site, crowd, group_buying):
    pages = [f"{PATH}get?id={group_buying.pk}", "/healthz/live", "/"]
    for page in pages:
        seconds_of(site + page)
    fake_wechat.control("fault", path="jsapi", kind="stall", seconds=30, times=10 * CROWD)
    payments, others = pay_all(site, crowd, pages)
    assert {result for result, _ in payments} == {703}
    assert max(seconds for _, seconds in payments) < REQUEST
    assert max(others) < MEANWHILE
    assert set(group_buying.orders.values_list("status", flat=True)) == {OrderStatus.UNPAID}


def test_no_one_of_a_crowd_is_refused_when_wechat_takes_its_usual_time(fake_wechat, site, crowd):
    fake_wechat.control("fault", path="jsapi", kind="delay", seconds=0.3, times=CROWD)
    payments, _ = pay_all(site, crowd, [])
    assert {result for result, _ in payments} == {200}


def test_the_time_of_a_request_is_the_documented_one():
    assert production.GATEWAY_SECONDS["request"] == REQUEST
    assert production.GATEWAY_SECONDS["read"] < REQUEST
