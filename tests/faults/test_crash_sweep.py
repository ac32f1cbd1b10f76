"""The process is killed before and after every statement, every COMMIT and every call to WeChat: nothing is ever half done, and the
same request again does it once."""

import os
import signal
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import wraps
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from groupbuy import orders, payments
from groupbuy.models import EventKind, GroupBuying, Order, OrderStatus, PaymentState, PaymentUse
from groupbuy.models.turns import PUT_OFF
from groupbuy.orders import expiry, fulfilment, group_buyings, hand_over, overdue, rescheduling
from groupbuy.payments.gateways.wechat import WeChatGateway
from pricing.models import PriceLog
from retail.models import OutboxEntry
from retail.principals import principal_of
from shops.models import ConfigItem, ConfigValue
from tests.pricing.conftest import on_sale
from tests.support import factories
from tests.support.clients import Api
from tests.support.wechat import assert_sound, fresh, notify, packed, pay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
BUYING, PRICES = "/api/marketing/groupbuy/", "/api/shop/shopproduct/"
# How the child ends: alive, wrong, or killed at one of these.
ALIVE, WRONG = 0, 1
STATEMENT, COMMIT, CALL = 101, 102, 103
MOST = 400
STUCK_SECONDS, STUCK_TIMES = 60, 3
# Placing an order without a key is its own transaction there.
COMMITS = {COMMIT} if connection.vendor == "sqlite" else set()


class Death:
    """Comes at the ``at``-th moment before or after something that reaches the database or WeChat."""

    def __init__(self, at: int) -> None:
        self.left = at

    def moment(self, kind: int) -> None:
        self.left -= 1
        if not self.left:
            # As a power cut: nothing is closed, rolled back or flushed.
            os._exit(kind)

    def around(self, call: Callable[..., Any], kind: int) -> Callable[..., Any]:
        @wraps(call)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.moment(kind)
            answer = call(*args, **kwargs)
            self.moment(kind)
            return answer

        return watched

    def waits(self) -> None:
        """From now on, in this process."""
        connection.execute_wrappers.append(lambda execute, *args: self.around(execute, STATEMENT)(*args))
        connection._commit = self.around(connection._commit, COMMIT)
        WeChatGateway.reach = self.around(WeChatGateway.reach, CALL)


def end_of(act: Callable[[], bool], *, at: int) -> int:
    """How a process ends that does ``act`` and is killed at its ``at``-th moment."""
    connections.close_all()
    pid = os.fork()
    if not pid:
        signal.alarm(STUCK_SECONDS)
        end = WRONG
        try:
            Death(at).waits()
            end = ALIVE if act() else WRONG
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(end)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Scene:
    """One request, ready to be sent; nothing that another scene touches."""

    kinds = frozenset({STATEMENT, COMMIT})

    def __init__(self, stage: "Stage") -> None:
        self.stage, self.now = stage, stage.now
        self.prepare()

    def prepare(self) -> None:
        """What is there before the request."""

    def act(self) -> bool:
        """Whether the answer is right."""
        raise NotImplementedError

    def look(self) -> None:
        """After the kill, before the same again."""

    def check(self) -> None:
        """It was done once."""
        raise NotImplementedError


class Stage:
    """The people and the shop of all scenes."""

    def __init__(self, fake: Any, caller: Any, shop: Any, manager: Any, now: Any) -> None:
        self.fake, self.caller, self.shop, self.now = fake, caller, shop, now
        self.buyer_client, self.manager_client = Api().as_user(caller.user), Api().as_user(manager)
        self.manager, self.seen = manager, set()
        self.product = factories.ProductFactory(tenant=shop.tenant)
        # The middleware is loaded before the fork.
        for client in (self.buyer_client, self.manager_client):
            client.get(BUYING + "getdelivertypelist")
        notify({}, b"")

    def sweep(self, scene_class: type[Scene]) -> Counter[int]:
        """The moments of death by kind."""
        moments: Counter[int] = Counter()
        for at in range(1, MOST):
            scene, end = self.kill(scene_class, at)
            assert end != WRONG
            # Of the whole database: it also sees what was done again after the moment before.
            assert_sound()
            scene.look()
            # Past the lease of a job.
            scene.now += PUT_OFF + timedelta(seconds=1)
            assert scene.act()
            scene.check()
            if end == ALIVE:
                assert_sound()
                return moments
            moments[end] += 1
        raise AssertionError("it doesn't end")

    def kill(self, scene_class: type[Scene], at: int) -> tuple[Scene, int]:
        """A scene, and how it ended. The child of a process that has threads may come out stuck: a crash too, but at no known moment."""
        for _ in range(STUCK_TIMES):
            scene = scene_class(self)
            end = end_of(scene.act, at=at)
            if end != -signal.SIGALRM:
                return scene, end
            assert_sound()
        raise AssertionError("it is stuck again and again")

    def group_buying(self) -> GroupBuying:
        return factories.GroupBuyingFactory(
            tenant=self.shop.tenant, shop=self.shop, product=self.product, creator=self.manager, start_at=self.now - timedelta(hours=1)
        )


class Placing(Scene):
    kinds = frozenset({STATEMENT}) | COMMITS
    key = ""

    def prepare(self) -> None:
        self.group_buying = self.stage.group_buying()

    def act(self) -> bool:
        wish = {"groupBuyingId": self.group_buying.pk, "qty": 2}
        headers = {"Idempotency-Key": f"{self.key}{self.group_buying.pk}"} if self.key else {}
        return self.stage.buyer_client.post(BUYING + "createorder", wish, headers=headers).json()["status"] == 200

    def look(self) -> None:
        self.before = self.group_buying.orders.count()
        self.stage.seen.add(self.before)

    def check(self) -> None:
        self.expect(self.before + 1)

    def expect(self, count: int) -> None:
        assert (self.group_buying.orders.count(), fresh(self.group_buying).taken) == (count, 2 * count)


class PlacingWithKey(Placing):
    kinds = Scene.kinds
    key = "once"

    def check(self) -> None:
        self.expect(1)


class OfOrder(Scene):
    """Of an unpaid order of two units."""

    kinds = Scene.kinds | {CALL}
    announced = True

    def prepare(self) -> None:
        self.group_buying = self.stage.group_buying()
        wish = orders.Wish(self.group_buying.pk, 2)
        self.order = orders.create_order(principal=self.stage.caller, buyer_id=None, wish=wish, now=self.now)
        if self.announced:
            self.prepay_id = self.pay_with(payments.start_payment)

    def pay_with(self, service: Callable[..., Any]) -> str:
        return service(order_id=self.order.pk, principal=self.stage.caller, now=self.now).pre_pay_id

    def look(self) -> None:
        self.stage.seen.add(fresh(self.order).status)

    def expect(self, status: OrderStatus, *, taken: int) -> None:
        assert (fresh(self.order).status, fresh(self.group_buying).taken) == (status, taken)
        assert self.order.events.filter(to_status=status).count() == 1

    def trades(self) -> list[str]:
        """How WeChat's trades of the order stand; one that it never heard of can't be paid either."""
        known = {number: trade.state for (_merchant, number), trade in self.stage.fake.books.trades.items()}
        return [known.get(payment.out_trade_no, "CLOSED") for payment in self.order.payments.order_by("pk")]


class Closing(OfOrder):
    ended = OrderStatus.CLOSED

    def act(self) -> bool:
        return orders.close_order(order_id=self.order.pk, principal=self.stage.caller, now=self.now).status == self.ended

    def check(self) -> None:
        self.expect(self.ended, taken=0)
        assert (self.order.payments.get().state, self.trades()) == (PaymentState.CLOSED, ["CLOSED"])


class Expiring(Closing):
    ended = OrderStatus.EXPIRED

    def act(self) -> bool:
        expiry.expire_due(now=self.now + timedelta(minutes=settings.PAY_WINDOW_MINUTES))
        return fresh(self.order).status == self.ended


class Paying(OfOrder):
    announced = False
    service = staticmethod(payments.start_payment)

    def act(self) -> bool:
        self.prepay_id = self.pay_with(self.service)
        return bool(self.prepay_id)

    def look(self) -> None:
        self.stage.seen.add(self.order.payments.count())

    def check(self) -> None:
        """Of all attempts only the one that the buyer has now can be paid; and it is, once."""
        *closed, last = self.order.payments.order_by("pk")
        assert (last.prepay_id, self.trades()) == (self.prepay_id, ["CLOSED"] * len(closed) + ["NOTPAY"])
        assert notify(*packed(self.stage.fake, pay(self.stage.fake, self.prepay_id))).status_code == 204
        self.expect(OrderStatus.PAID, taken=2)
        assert {payment.state for payment in closed} <= {PaymentState.CLOSED}
        assert self.order.payments.get(use=PaymentUse.APPLIED) == last


class PayingAgain(Paying):
    announced = True
    service = staticmethod(payments.restart_payment)


class Hearing(OfOrder):
    kinds = Scene.kinds

    def prepare(self) -> None:
        super().prepare()
        self.notification = packed(self.stage.fake, pay(self.stage.fake, self.prepay_id))

    def act(self) -> bool:
        return notify(*self.notification).status_code == 204

    def check(self) -> None:
        self.expect(OrderStatus.PAID, taken=2)
        payment = self.order.payments.get()
        assert (payment.state, payment.use, payment.events.count()) == (PaymentState.PAID, PaymentUse.APPLIED, 1)
        assert OutboxEntry.objects.filter(kind="paid", subject_id=self.order.pk).count() == 1


class OfArrived(OfOrder):
    """Paid for and in the shop, whose last day this is."""

    kinds = Scene.kinds
    told: EventKind

    def prepare(self) -> None:
        super().prepare()
        notify(*packed(self.stage.fake, pay(self.stage.fake, self.prepay_id)))
        self.manager = principal_of(self.stage.manager)
        fulfilment.deliver_orders(order_ids=[self.order.pk], principal=self.manager, now=self.now)
        self.noon = timezone.localtime(self.now).replace(hour=12, minute=0, second=0, microsecond=0)
        yesterday = self.noon - timedelta(days=1)
        Order.objects.filter(pk=self.order.pk).update(
            pick_up_from=yesterday, pick_up_until=self.noon + timedelta(hours=2), shipped_at=yesterday
        )
        fresh(self.order)

    def look(self) -> None:
        self.stage.seen.add(self.order.events.filter(kind=self.told).count())

    def check(self) -> None:
        assert self.order.events.filter(kind=self.told).count() == 1
        assert fresh(self.order).status == (OrderStatus.COMPLETED if self.told == EventKind.HANDED_OVER else OrderStatus.SHIPPED)


class HandingOver(OfArrived):
    told = EventKind.HANDED_OVER

    def act(self) -> bool:
        with suppress(hand_over.HandedOver):
            hand_over.verify_code(shop_id=self.order.shop_id, code=self.order.deliver_code, principal=self.manager, now=self.now)
        return fresh(self.order).handed_over_at is not None


class Reminding(OfArrived):
    told = EventKind.REMINDED

    def act(self) -> bool:
        overdue.remind_due(now=self.noon)
        return fresh(self.order).reminders == 1


class Rescheduling(OfArrived):
    told = EventKind.DATES

    def act(self) -> bool:
        later = {"pick_up_from": self.noon + timedelta(days=3), "pick_up_until": self.noon + timedelta(days=4)}
        with suppress(rescheduling.Unchanged):
            self.reschedule(principal=self.manager, now=self.now, **later)
        return fresh(self.order).pick_up_window == tuple(later.values())

    def reschedule(self, **dates: Any) -> None:
        rescheduling.reschedule_orders(order_ids=[self.order.pk], **dates)

    def check(self) -> None:
        super().check()
        changes = self.order.events.filter(kind=self.told).values("pk")
        assert OutboxEntry.objects.filter(kind="rescheduled", subject_id__in=changes).count() == 1


class ReschedulingAll(Rescheduling):
    """Of an order that has no dates of its own."""

    def prepare(self) -> None:
        super().prepare()
        Order.objects.filter(pk=self.order.pk).update(pick_up_from=None, pick_up_until=None)

    def reschedule(self, **dates: Any) -> None:
        rescheduling.reschedule(group_buying_id=self.group_buying.pk, **dates)


class Declaring(Scene):
    """That a group buy has reached its minimum."""

    kinds = frozenset({STATEMENT})

    def prepare(self) -> None:
        self.group_buying = self.stage.group_buying()
        GroupBuying.objects.filter(pk=self.group_buying.pk).update(min_qty=50)
        self.manager = principal_of(self.stage.manager)

    def act(self) -> bool:
        with suppress(group_buyings.Decided):
            group_buyings.declare_reached(group_buying_id=self.group_buying.pk, principal=self.manager, now=self.now)
        return not fresh(self.group_buying).is_undecided

    def look(self) -> None:
        self.before = fresh(self.group_buying).declared_at
        self.stage.seen.add(self.before is not None)

    def check(self) -> None:
        """Whoever was first stays written down."""
        declared = fresh(self.group_buying)
        assert (declared.declared_at, declared.declared_by) == (self.before or self.now, self.stage.manager)


class OfPrices(Scene):
    """Of two rows of a shop of its own."""

    path, message = "", ""

    def prepare(self) -> None:
        self.shop = factories.ShopFactory(tenant=self.stage.shop.tenant)
        self.stage.manager.shops.add(self.shop)
        self.rows = on_sale(self.shop, 2)

    def act(self) -> bool:
        return self.stage.manager_client.post(PRICES + self.path, self.body()).json()["status"] == 200

    def body(self) -> Any:
        raise NotImplementedError

    def look(self) -> None:
        self.stage.seen.add(fresh(self.shop).price_version)

    def check(self) -> None:
        assert fresh(self.shop).price_version == 4
        assert [fresh(row).version for row in self.rows] == [3, 4]


class Changing(OfPrices):
    path = "changeprices"

    def body(self) -> Any:
        return [{"id": row.pk, "price": "6.10", "memberPrice": "5.70"} for row in self.rows]

    def check(self) -> None:
        super().check()
        logs = PriceLog.objects.filter(shop=self.shop).order_by("shop_product_id")
        assert [(log.shop_product_id, str(log.new_price)) for log in logs] == [(row.pk, "6.10") for row in self.rows]
        assert len({log.change_id for log in logs}) == 1


class Clearing(OfPrices):
    path = "deleteall"

    def body(self) -> Any:
        return {"shopId": self.shop.pk}

    def check(self) -> None:
        super().check()
        (batch,) = {fresh(row).removed_in_id for row in self.rows}
        assert batch


@pytest.fixture
def stage(fake_wechat, wechat_caller, shop, manager, now, settings) -> Stage:
    # The machine of CI may be busy; nothing here waits for a time-out.
    settings.GATEWAY_SECONDS = {"connect": 3, "read": 6, "request": 8, "bill": 8}
    factories.grant(manager, "pricing.delete_shopproduct")
    # One buyer leaves more unpaid here than anybody may.
    for code, value in (("message_paid", "T-paid thing1=门店"), ("unpaid_units", "100000")):
        ConfigValue.objects.create(item=ConfigItem.objects.get(code=code), tenant=shop.tenant, value=value)
    return Stage(fake_wechat, wechat_caller, shop, manager, now)


SEEN = {
    Placing: {0, 1},
    PlacingWithKey: {0, 1},
    Closing: {OrderStatus.UNPAID, OrderStatus.CLOSED},
    Expiring: {OrderStatus.UNPAID, OrderStatus.EXPIRED},
    Paying: {0, 1},
    PayingAgain: {1, 2},
    Hearing: {OrderStatus.UNPAID, OrderStatus.PAID},
    HandingOver: {0, 1},
    Reminding: {0, 1},
    Rescheduling: {0, 1},
    ReschedulingAll: {0, 1},
    Declaring: {False, True},
    Changing: {2, 4},
    Clearing: {2, 4},
}


@pytest.mark.parametrize("scene", SEEN)
def test_killed_at_any_moment_it_is_done_once(stage, scene):
    """Death must have come before and after it was done, at each kind of moment that there is."""
    moments = stage.sweep(scene)
    assert moments.keys() == scene.kinds
    assert stage.seen == SEEN[scene]
