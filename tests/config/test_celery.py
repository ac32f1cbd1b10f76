"""The background jobs as Celery tasks: real workers over real Redis and RabbitMQ, on the tests' database."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import requests
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Count
from django.utils import timezone

from config import invariants, schedule
from config.management.commands.serve import Command as Serve
from config.serving import server
from config.settings import broker
from groupbuy import payments
from groupbuy.models import GroupBuying, Order, OrderEvent, OrderStatus, Refund, RefundState, SandboxRefund
from groupbuy.models.orders import AWAITING_PAYMENT
from groupbuy.payments import refunds
from retail.models import OutboxEntry, OutboxState, Tenant
from retail.principals import principal_of
from shops.models import DeviceNonce
from tests.groupbuy.test_messages import FIELDS, configure
from tests.support import factories
from tests.support.celeries import BROKERS, PATIENCE_SECONDS, Celeries, is_listening, kill, require, tasks_app
from tests.support.pages import ordered, pay
from tests.support.servers import free_port
from tests.support.wechat import house_merchant, wait_until

pytestmark = pytest.mark.slow

committed = pytest.mark.django_db(transaction=True)
CANARY = "canary-of-a-password"
MANY = 120
LEASE = timedelta(minutes=2)
UNSAFE = {"CELERY_BROKER_URL": BROKERS["redis"], "DEMO": "off", "PUBLIC_BASE_URL": "http://shop.example.com"}


@pytest.fixture(params=BROKERS)
def celeries(request, transactional_db, tmp_path) -> Iterator[Celeries]:
    """What runs over each broker in turn."""
    url = BROKERS[request.param]
    require(is_listening(urlsplit(url).port), f"no {request.param} on 127.0.0.1:{urlsplit(url).port}")
    celeries = Celeries(url, tmp_path)
    yield celeries
    celeries.stop()
    celeries.clean()


@pytest.fixture
def sold(group_buying, now) -> Callable[..., list[Order]]:
    """Unpaid orders of as many buyers, each with an open attempt to pay."""

    def sell(count: int, group: GroupBuying = group_buying) -> list[Order]:
        GroupBuying.objects.filter(pk=group.pk).update(quota=count + 1)
        rows = [ordered(buyer, group, now=now) for buyer in factories.BuyerFactory.create_batch(count, tenant=group.tenant)]
        for order in rows:
            payments.start_payment(order_id=order.pk, principal=principal_of(order.buyer), now=now)
        return rows

    return sell


def let_pass(*rows: Order) -> None:
    """The deadline of ``rows`` is over."""
    Order.objects.filter(pk__in=[row.pk for row in rows]).update(pay_deadline_at=timezone.now())


def expired() -> int:
    return Order.objects.filter(status=OrderStatus.EXPIRED).count()


def assert_sound() -> None:
    """Every invariant holds, and nobody came to a status twice."""
    assert list(invariants.findings()) == []
    assert not OrderEvent.objects.values("order", "to_status").annotate(count=Count("pk")).filter(count__gt=1).exists()


@pytest.mark.django_db
def test_every_job_is_a_task_and_comes_as_often_as_the_table_says():
    app = tasks_app()
    table = {name: seconds for name, (_service, seconds) in schedule.JOBS.items()}
    assert {name: task.expires for name, task in app.tasks.items() if not name.startswith("celery.")} == table
    assert {entry["task"]: entry["schedule"] for entry in app.conf.beat_schedule.values()} == table


@committed
def test_beat_and_a_worker_expire_an_order_whose_deadline_has_passed(celeries, sold):
    late, early = sold(2)
    let_pass(late)
    celeries.beat()
    [worker] = celeries.workers()
    wait_until(lambda: expired() == 1, PATIENCE_SECONDS)
    assert Order.objects.get(pk=early.pk).status == OrderStatus.UNPAID
    assert_sound()
    ready = next(line for line in celeries.log_of(worker).splitlines() if " ready." in line)
    assert json.loads(ready)["name"] == "celery.apps.worker"


@committed
def test_ticks_of_a_time_without_workers_do_not_pile_up(celeries, sold):
    let_pass(*sold(1))
    celeries.tick(*["expire"] * 50)
    outdated = timezone.now() + timedelta(seconds=schedule.JOBS["expire"][1])
    wait_until(lambda: timezone.now() > outdated)
    # RabbitMQ has dropped them by now; on Redis the worker does.
    assert celeries.waiting() == (50 if celeries.broker.startswith("redis") else 0)
    celeries.workers()
    # A later tick that is done shows that those before it were dealt with.
    DeviceNonce.objects.create(app_key="ak", nonce="old", used_at=timezone.now() - timedelta(days=1))
    celeries.tick_until(lambda: not DeviceNonce.objects.exists(), "nonces")
    assert expired() == 0
    celeries.tick_until(lambda: expired() == 1, "expire")


@committed
def test_a_worker_that_is_killed_loses_nothing_and_one_that_is_told_to_stop_finishes_its_job(celeries, sold):
    let_pass(*sold(MANY))
    [killed] = celeries.workers()
    celeries.tick_until(lambda: expired() > 0, "expire")
    kill(killed)
    done = expired()
    assert done < MANY
    assert_sound()
    [stopped] = celeries.workers()
    celeries.tick_until(lambda: expired() > done, "expire")
    stopped.terminate()
    assert expired() < MANY - 1
    assert stopped.wait(PATIENCE_SECONDS) == 0
    # But for the row that was in the hands of the killed one: it comes when its lease is over.
    assert expired() >= MANY - 1
    schedule.run("expire", now=timezone.now() + LEASE)
    assert expired() == MANY
    assert_sound()


@pytest.fixture
def wechat_app(celeries, fake_wechat, settings, tenant) -> None:
    """Buyers are told by messages through the fake WeChat, and pay in the sandbox."""
    settings.PAYMENT_GATEWAY = "sandbox"
    names = ("LOGIN_PROVIDER", "PAYMENT_GATEWAY", "WECHAT_APP_ID", "WECHAT_APP_SECRET", "WECHAT_API_BASE_URL")
    celeries.environment |= {name: getattr(settings, name) for name in names}
    Tenant.objects.filter(pk=tenant.pk).update(app_id=None)
    for kind in ("paid", "succeeded", "failed", "refunded"):
        configure(tenant, f"message_{kind}", f"T-{kind} {FIELDS}")


@pytest.fixture
def bought(sold, tenant, shop, fake_wechat, now) -> Callable[..., list[Order]]:
    """Paid orders in a group buy of their own."""

    def buy(count: int, **group: object) -> list[Order]:
        group_buying = factories.GroupBuyingFactory(tenant=tenant, shop=shop)
        rows = sold(count, group_buying)
        for order in rows:
            factories.IdentityFactory(user=order.buyer, app_id=house_merchant(fake_wechat).app_id)
            pay(order, now=now)
        GroupBuying.objects.filter(pk=group_buying.pk).update(**group)
        return rows

    return buy


def is_quiet() -> bool:
    """Nothing is due, nor will be before tomorrow."""
    return not (
        Order.objects.filter(status__in=AWAITING_PAYMENT).exists()
        or GroupBuying.objects.undecided(timezone.now()).exists()
        or Order.objects.filter(status=OrderStatus.PAID).exists()
        or Refund.objects.exclude(state=RefundState.SUCCESS).exists()
        or OutboxEntry.objects.filter(state__in=(OutboxState.WAITING, OutboxState.SENDING)).exists()
    )


@committed
def test_many_workers_and_the_embedded_loop_at_once_do_everything_once(celeries, wechat_app, sold, bought, fake_wechat, headquarters, now):
    late, returned = sold(20), bought(12)
    over = {"end_at": now + timedelta(milliseconds=1)}
    confirmed, failed = bought(12, min_qty=1, **over), bought(12, min_qty=13, **over)
    for order in returned:
        refunds.refund_order(order_id=order.pk, amount=None, reason="", principal=principal_of(headquarters), now=now)
    let_pass(*late)
    workers = [celeries.start("manage.py", "work"), *celeries.workers(2, concurrency=2)]
    celeries.tick_until(is_quiet, *[name for name in schedule.JOBS for _ in range(3)])
    assert [worker.poll() for worker in workers] == [None] * 3
    assert_sound()
    ends = {OrderStatus.EXPIRED: late, OrderStatus.REFUNDED: returned + failed, OrderStatus.CONFIRMED: confirmed}
    assert {status: set(Order.objects.filter(status=status).values_list("pk", flat=True)) for status in ends} == {
        status: {order.pk for order in rows} for status, rows in ends.items()
    }
    assert (Refund.objects.count(), SandboxRefund.objects.count()) == (24, 24)
    assert set(OutboxEntry.objects.values_list("attempts", flat=True)) == {1}
    said = [(message["template_id"], message["touser"]) for message in fake_wechat.books.messages]
    assert len(said) == len(set(said))
    assert {template for template, _open_id in said} >= {"T-refunded", "T-succeeded"}


@contextmanager
def redis_server(port: int) -> Iterator[None]:
    """A Redis of our own, with a password."""
    address = ["--bind", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(["redis-server", *address, "--requirepass", CANARY, "--save", ""], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_listening(port))
        yield
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def own_redis(transactional_db, tmp_path) -> Iterator[Celeries]:
    require(shutil.which("redis-server") is not None, "no redis-server")
    port = free_port()
    celeries = Celeries(f"redis://:{CANARY}@127.0.0.1:{port}/0", tmp_path)
    yield celeries
    celeries.stop()


def serve(celeries: Celeries) -> str:
    """The address of a server beside ``celeries``."""
    port = free_port()
    command = server.command(host="127.0.0.1", port=port, workers=1)
    celeries.start(*command[1:])
    wait_until(lambda: is_listening(port), PATIENCE_SECONDS)
    return f"http://127.0.0.1:{port}"


def buy_over(address: str, group_buying: GroupBuying, headers: dict[str, str]) -> Order:
    """Order and pay as a buyer does."""

    def call(name: str, **body: object) -> object:
        answer = requests.post(f"{address}/api/marketing/groupbuy/{name}", json=body, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    order_id = call("createorder", groupBuyingId=group_buying.pk, qty=1, phone="13800008000")
    prepay_id = call("orderpay", orderId=order_id)["prePayId"]
    requests.post(f"{address}/sandbox/pay/{prepay_id}/", data={"outcome": "pay"}, timeout=30).raise_for_status()
    return Order.objects.get(pk=order_id)


@committed
def test_without_its_broker_the_shop_sells_on_and_the_workers_come_back(own_redis, group_buying, buyer, api, sold):
    port = urlsplit(own_redis.broker).port
    with redis_server(port):
        processes = [own_redis.beat(), *own_redis.workers()]
        let_pass(*sold(1))
        wait_until(lambda: expired() == 1, PATIENCE_SECONDS)
    GroupBuying.objects.update(quota=9)
    assert buy_over(serve(own_redis), group_buying, api.as_user(buyer).headers).status == OrderStatus.PAID
    let_pass(*sold(1))
    with redis_server(port):
        wait_until(lambda: expired() == 2, PATIENCE_SECONDS)
        assert [process.poll() for process in processes] == [None, None]
    logs = "".join(own_redis.log_of(process) for process in own_redis.running)
    assert "Error 111" in logs
    assert CANARY not in logs
    assert_sound()


@pytest.mark.parametrize("address", ["", *BROKERS.values(), "rediss://:p@redis.example.com:6380/1", "amqps://mq.example.com/shop"])
def test_the_address_of_a_broker_is_taken(monkeypatch, address):
    monkeypatch.setenv("CELERY_BROKER_URL", address)
    assert broker("CELERY_BROKER_URL") == address


@pytest.mark.parametrize(
    "address", ["127.0.0.1:6379/", "http://a:{}@host", "redis://:{}@", "redis://:{}@host:port", "amqp://{}@host:99999"]
)
def test_what_is_no_address_of_a_broker_stops_the_start_and_is_not_shown(monkeypatch, address):
    monkeypatch.setenv("CELERY_BROKER_URL", address.format(CANARY))
    with pytest.raises(ImproperlyConfigured) as refused:
        broker("CELERY_BROKER_URL")
    assert CANARY not in str(refused.value)
    assert refused.value.__context__ is None


@pytest.mark.parametrize(
    ("role", "environment", "reason"),
    [
        ("worker", {"CELERY_BROKER_URL": ""}, "CELERY_BROKER_URL is not set"),
        ("worker", UNSAFE, "retail.E002"),
        ("beat", UNSAFE, "retail.E002"),
    ],
    ids=["no broker", "worker", "beat"],
)
def test_celery_refuses_an_unsafe_start(tmp_path, role, environment, reason):
    own = {"DJANGO_SETTINGS_MODULE": "config.settings", "SECRET_KEY": "x" * 50, "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3"}
    command = [sys.executable, "-m", "celery", "-A", "config", role]
    started = subprocess.run(command, env=os.environ | own | environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert started.returncode != 0
    assert reason in started.stdout + started.stderr


@pytest.mark.parametrize(("address", "loops"), [("", 1), (BROKERS["redis"], 0)])
def test_serve_leaves_the_jobs_to_celery_where_there_is_a_broker(settings, address, loops):
    settings.CELERY_BROKER_URL = address
    serve = Serve()
    commands = serve.commands({"host": "127.0.0.1", "port": 8000, "workers": 1})
    assert sum("work" in command for command in commands) == loops
    assert ("celery -A config worker" in serve.addresses()) == (not loops)


def test_a_missing_broker_is_skipped_over_only_where_nobody_requires_it(monkeypatch):
    monkeypatch.delenv("REQUIRE_BROKERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no broker"):
        require(False, "no broker")
    monkeypatch.setenv("REQUIRE_BROKERS", "1")
    with pytest.raises(pytest.fail.Exception, match="no broker"):
        require(False, "no broker")
