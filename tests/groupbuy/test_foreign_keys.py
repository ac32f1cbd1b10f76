"""Whose word counts: accounts of every kind, and notifications of payments and refunds signed with the keys of each."""

import itertools
from dataclasses import dataclass, replace
from functools import cache

import pytest
from django.db import connection, transaction

from groupbuy import orders, payments
from groupbuy.fake_wechat import Merchant, make_merchant
from groupbuy.fake_wechat.notifier import Message
from groupbuy.models import (
    Gateway,
    MerchantAccount,
    Order,
    OrderEvent,
    OrderStatus,
    Payment,
    PaymentEvent,
    Refund,
    RefundState,
    TradeState,
)
from groupbuy.payments import settling
from groupbuy.payments.gateways import Misconfigured, Trade, accounts
from retail.models import Tenant
from retail.money import to_fen
from retail.principals import principal_of
from tests.support import factories
from tests.support.wechat import account_of, assert_sound, fresh, house_merchant, notify, own_merchant, pay

pytestmark = pytest.mark.django_db


@cache
def strange_merchant() -> Merchant:
    """Keys that anybody can make, for a number that is nobody's yet."""
    return make_merchant(mch_id="1900000003", app_id=f"wx{3:016d}")


@dataclass(frozen=True)
class Row:
    """An account: ``holder`` "ours" is the tenant of both orders, "theirs" another; the number and key id of ``like``, or the keys' own."""

    holder: str
    keys: str
    number: str = ""
    key_id: str = ""
    confirmed: bool = True
    in_use: bool = True


# Each with whether the tenant's own keys may speak for what was paid to its own number.
OURS = Row("ours", "own")
KINDS = {
    "no account at all": ([], False),
    "the own number": ([OURS], True),
    "the own number, put aside": ([replace(OURS, in_use=False)], True),
    "the own number, not confirmed": ([replace(OURS, confirmed=False)], False),
    "the environment's number, by another tenant": ([OURS, Row("theirs", "strange", number="house")], True),
    "the same, not confirmed": ([OURS, Row("theirs", "strange", number="house", confirmed=False)], True),
    "the same, put aside": ([OURS, Row("theirs", "strange", number="house", in_use=False)], True),
    "the environment's number and key id, by another tenant": ([Row("theirs", "strange", number="house", key_id="house")], False),
    "the environment's key id, by another tenant": ([Row("theirs", "strange", key_id="house")], False),
    "the environment's number, by the order's tenant": ([Row("ours", "strange", number="house")], False),
    "the own number by two tenants": ([OURS, Row("theirs", "strange", number="own", confirmed=False)], True),
    "the own number by two tenants, neither confirmed": (
        [replace(OURS, confirmed=False), Row("theirs", "strange", number="own", confirmed=False)],
        False,
    ),
    "the own number, confirmed for another": ([replace(OURS, confirmed=False), Row("theirs", "strange", number="own")], False),
    "the own number and keys, confirmed for another": ([replace(OURS, confirmed=False), Row("theirs", "own")], False),
    "another number of another tenant": ([OURS, Row("theirs", "strange")], True),
    "another number of the same tenant": ([OURS, Row("ours", "strange", in_use=False)], True),
}


@dataclass
class World:
    """A payment at the environment's number, and one at the own number, both of one tenant."""

    ours: Tenant
    theirs: Tenant
    keys: dict[str, Merchant]
    at_house: Payment
    at_own: Payment

    def signer(self, row: Row) -> Merchant:
        keys = self.keys[row.keys]
        number, key_id = self.keys[row.number or row.keys].mch_id, self.keys[row.key_id or row.keys].public_key_id
        return replace(keys, mch_id=number, public_key_id=key_id)

    def register(self, rows: list[Row]) -> list[Merchant]:
        MerchantAccount.objects.all().delete()
        for row in rows:
            account = account_of(getattr(self, row.holder), self.signer(row), in_use=row.in_use)
            if not row.confirmed:
                account.confirmed_at = None
            account.save()
        return [self.signer(row) for row in rows]


@pytest.fixture
def world(fake_wechat, wechat_order, prepaid, buyer, group_buying, now) -> World:
    ours, own = wechat_order.tenant, own_merchant(fake_wechat)
    at_house = wechat_order.payments.get()
    Tenant.objects.filter(pk=ours.pk).update(app_id=own.app_id)
    account_of(ours, own).save()
    factories.IdentityFactory(user=buyer, app_id=own.app_id)
    buyer.refresh_from_db()
    second = orders.create_order(principal=principal_of(buyer), buyer_id=None, wish=orders.Wish(group_buying.pk, 1), now=now)
    payments.start_payment(order_id=second.pk, principal=principal_of(buyer), now=now)
    keys = {"house": house_merchant(fake_wechat), "own": own, "strange": strange_merchant()}
    world = World(ours, factories.TenantFactory(), keys, at_house, second.payments.get())
    assert (at_house.parameters["mch_id"], world.at_own.parameters["mch_id"]) == (keys["house"].mch_id, own.mch_id)
    return world


def everything() -> tuple:
    """All that a notification could change."""
    rows = [list(model.objects.order_by("pk").values()) for model in (Order, Payment, Refund)]
    return (*rows, OrderEvent.objects.count(), PaymentEvent.objects.count())


def of_payment(payment: Payment, *, mch_id: str, app_id: str) -> tuple[str, str, dict]:
    content = {"appid": app_id, "mchid": mch_id, "out_trade_no": payment.out_trade_no, "trade_state": "SUCCESS"}
    content |= {"transaction_id": "4200009", "success_time": "2026-11-22T12:00:00+08:00"}
    return "TRANSACTION.SUCCESS", "transaction", content | {"amount": {"total": to_fen(payment.total), "currency": "CNY"}}


def of_refund(payment: Payment, *, mch_id: str, app_id: str) -> tuple[str, str, dict]:
    """It names no app."""
    refund = payment.refunds.get()
    content = {"mchid": mch_id, "out_trade_no": payment.out_trade_no, "out_refund_no": refund.out_refund_no, "refund_id": "5030009"}
    content |= {"refund_status": "SUCCESS", "success_time": "2026-11-22T12:00:00+08:00"}
    return "REFUND.SUCCESS", "refund", content | {"amount": {"total": to_fen(payment.total), "refund": to_fen(refund.amount)}}


def is_believed(fake, signer: Merchant, told: tuple[str, str, dict], before: tuple) -> bool:
    """Deliver it and take back what it did. What isn't believed has written nothing."""
    event_type, kind, content = told
    headers, body = fake.notifier.packed(Message("m1", signer, "", event_type, kind, content, "2026-11-22T12:00:00+08:00"))
    with transaction.atomic():
        status, after = notify(headers, body).status_code, everything()
        transaction.set_rollback(True)
    assert (status == 204) == (after != before), (signer.mch_id, content, status)
    return status == 204


def receive(payment: Payment, now) -> None:
    trade = Trade(Gateway.WECHAT, payment.out_trade_no, TradeState.SUCCESS, payment.total, f"42{payment.pk}", now)
    settling.settle(trade, source="query", now=now)
    settling.want_refund(payment, intent=f"all-{payment.pk}", amount=payment.total, reason="", now=now)


def believed(fake, world: World, rows: list[Row], tell) -> set[tuple]:
    """Every combination of keys, target, number and app that was believed."""
    signers = {*world.register(rows), world.keys["house"], world.keys["own"], world.keys["strange"]}
    numbers, apps = {signer.mch_id for signer in signers}, [world.keys[name].app_id for name in ("house", "own")]
    targets, before = (world.at_house, world.at_own), everything()
    tried = itertools.product(signers, targets, numbers, apps)
    return {
        (signer, target, mch_id, app_id)
        for signer, target, mch_id, app_id in tried
        if is_believed(fake, signer, tell(target, mch_id=mch_id, app_id=app_id), before)
    }


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "own_counts"), KINDS.values(), ids=KINDS)
def test_of_a_payment_only_the_frozen_number_and_app_of_the_orders_tenant_count(fake_wechat, world, rows, own_counts):
    house, own = world.keys["house"], world.keys["own"]
    expected = {(house, world.at_house, house.mch_id, house.app_id)}
    expected |= {(own, world.at_own, own.mch_id, own.app_id)} if own_counts else set()
    assert believed(fake_wechat, world, rows, of_payment) == expected
    assert_sound()


@pytest.mark.parametrize(("rows", "own_counts"), KINDS.values(), ids=KINDS)
def test_of_a_refund_only_the_frozen_number_of_the_orders_tenant_counts(fake_wechat, world, rows, own_counts, now):
    for payment in (world.at_house, world.at_own):
        receive(payment, now)
    house, own = world.keys["house"], world.keys["own"]
    apps = (house.app_id, own.app_id)
    expected = {(house, world.at_house, house.mch_id, app_id) for app_id in apps}
    expected |= {(own, world.at_own, own.mch_id, app_id) for app_id in apps} if own_counts else set()
    assert believed(fake_wechat, world, rows, of_refund) == expected


@pytest.mark.parametrize(("rows", "own_counts"), KINDS.values(), ids=KINDS)
def test_query_refund_and_bill_ask_with_the_same_keys(world, rows, own_counts):
    world.register(rows)
    house, own = world.keys["house"], world.keys["own"]
    asked = {"house": accounts.gateway_of(world.at_house).merchant.private_key}
    for name, find in {
        "own": lambda: accounts.gateway_of(world.at_own),
        "bill": lambda: accounts.gateway_of_number(accounts.MerchantNumber("wechat", own.mch_id, world.ours.pk)),
    }.items():
        try:
            asked[name] = find().merchant.private_key
        except Misconfigured:
            asked[name] = ""
    assert asked == {"house": house.private_pem} | dict.fromkeys(("own", "bill"), own.private_pem if own_counts else "")
    numbers = [number.mch_id for number in accounts.merchant_numbers()]
    assert numbers.count(house.mch_id) == 1
    assert len(set(numbers)) == len(numbers)
    assert {accounts.gateway_of_number(number).mch_id for number in accounts.merchant_numbers()} == set(numbers)


def test_a_payment_that_comes_into_being_under_a_forged_message_is_not_settled_by_it(fake_wechat, wechat_order, wechat_caller, now):
    """Its number can be guessed: whoever owns keys sends the message over and over, until it stands between look and look."""
    strange = strange_merchant()
    account_of(factories.TenantFactory(), strange).save()
    number = f"{wechat_order.code}P1"
    begun = []

    def begin_after_the_first_look(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if not begun and "groupbuy_payment" in sql and number in str(params):
            begun.append(True)
            payments.start_payment(order_id=wechat_order.pk, principal=wechat_caller, now=now)
        return result

    imagined = Payment(order=wechat_order, out_trade_no=number, total=wechat_order.money)
    event_type, kind, content = of_payment(imagined, mch_id=strange.mch_id, app_id=house_merchant(fake_wechat).app_id)
    message = Message("m1", strange, "", event_type, kind, content, "2026-11-22T12:00:00+08:00")
    headers, body = fake_wechat.notifier.packed(message)
    with connection.execute_wrapper(begin_after_the_first_look):
        assert notify(headers, body).status_code == 401
    assert begun
    assert (fresh(wechat_order).status, Payment.objects.get().state) == (OrderStatus.UNPAID, "open")


def test_what_was_under_way_at_the_environments_number_goes_on_when_the_tenant_has_its_own(fake_wechat, world, now):
    """Notification, then the refund's, both of the old number."""
    pay(fake_wechat, world.at_house.prepay_id)
    message = fake_wechat.notifier.messages[-1]
    assert notify(*fake_wechat.notifier.packed(message)).status_code == 204
    assert fresh(world.at_house).use == "applied"
    refund = settling.want_refund(world.at_house, intent="x", amount=world.at_house.total, reason="", now=now)
    told = of_refund(world.at_house, mch_id=world.keys["house"].mch_id, app_id="")
    message = Message("m2", world.keys["house"], "", *told, "2026-11-22T12:00:00+08:00")
    assert notify(*fake_wechat.notifier.packed(message)).status_code == 204
    assert fresh(refund).state == RefundState.SUCCESS
    assert_sound()
