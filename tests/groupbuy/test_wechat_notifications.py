"""The notification endpoint believes WeChat and nobody else, and a message that it believes is booked once."""

import itertools
import json
import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError, connection
from django.test import Client

from groupbuy import orders
from groupbuy.fake_wechat.keys import sealed
from groupbuy.fake_wechat.notifier import Message, signed_headers
from groupbuy.models import Order, OrderEvent, OrderStatus, Payment, PaymentEvent, Refund
from groupbuy.orders import expiry
from groupbuy.payments import reconciling
from retail.refusals import Refusal
from tests.support import factories
from tests.support.wechat import (
    NOTIFY,
    account_of,
    assert_sound,
    calls,
    fresh,
    house_merchant,
    notify,
    own_merchant,
    packed,
    pay,
)

pytestmark = pytest.mark.django_db
FORGERIES = 1000


@pytest.fixture
def message(fake_wechat, prepaid):
    """The id of the genuine notification of a payment, still on its way."""
    return pay(fake_wechat, prepaid.pre_pay_id)


@pytest.fixture
def other_tenant(db):
    return factories.TenantFactory()


def written() -> tuple:
    """All that a notification could change."""
    rows = (Order.objects.values_list("status", "paid_at"), Payment.objects.values_list("state", "use", "received"))
    return (*map(list, rows), OrderEvent.objects.count(), PaymentEvent.objects.count(), Refund.objects.count())


def crafted(fake, merchant, **changes) -> tuple[dict[str, str], bytes]:
    """A message of the only trade with other words in it, sealed and signed with ``merchant``'s keys."""
    genuine = fake.notifier.messages[-1]
    kind = changes.pop("kind", "TRANSACTION.SUCCESS")
    content = {name: value for name, value in (genuine.content | changes).items() if value is not ...}
    return fake.notifier.packed(Message("crafted-1", merchant, "", kind, "transaction", content, genuine.create_time))


def signed(fake, body: bytes) -> tuple[dict[str, str], bytes]:
    """Any body at all with WeChat's own signature."""
    merchant = house_merchant(fake)
    return signed_headers(fake.books, merchant, merchant.platform_key, body), body


def test_the_same_message_a_hundred_times_is_one_payment(fake_wechat, wechat_order, message):
    headers, body = packed(fake_wechat, message)
    assert {notify(headers, body).status_code for _ in range(100)} == {204}
    assert (fresh(wechat_order).status, wechat_order.events.count(), PaymentEvent.objects.count()) == (OrderStatus.PAID, 2, 1)
    assert_sound()


@pytest.mark.parametrize("steps", list(itertools.permutations(["message", "query", "close", "expire"])), ids=">".join)
def test_in_every_order_with_query_close_and_expiry_the_money_is_applied(fake_wechat, wechat_order, wechat_caller, message, now, steps):
    Order.objects.filter(pk=wechat_order.pk).update(pay_deadline_at=now)
    for step in (*steps, "message"):
        if step == "query":
            reconciling.reconcile_due(now=now + timedelta(hours=1))
        elif step == "expire":
            expiry.expire_due(now=now)
        elif step == "close":
            with pytest.raises(Refusal):
                orders.close_order(order_id=wechat_order.pk, principal=wechat_caller, now=now)
        else:
            assert notify(*packed(fake_wechat, message)).status_code == 204
    assert (fresh(wechat_order).status, Payment.objects.get().use) == (OrderStatus.PAID, "applied")
    assert_sound()


def forgeries(headers, body, chance):
    """The message with one thing changed, without end."""
    while True:
        forged = chance.choice([(headers, spoilt_body(body, chance)), (spoilt_header(headers, chance), body)])
        if forged != (headers, body):
            yield forged


def spoilt_body(body, chance):
    at = chance.randrange(len(body))
    before, letter, after = body[:at], body[at : at + 1], body[at + 1 :]
    flipped = bytes([letter[0] ^ 1 << chance.randrange(8)])
    return before + chance.choice([b"", flipped + after, after, letter + b" " + after, b"{" + letter + after])


def spoilt_header(headers, chance):
    name = chance.choice([name for name in headers if name.startswith("Wechatpay-")])
    at = chance.randrange(len(headers[name]))
    before, after = headers[name][:at], headers[name][at:]
    spoilt = chance.choice(["", after[1:], chance.choice("0Aa+/=") + after[1:], chance.choice("0A!_ \t") + after])
    return headers | {name: before + spoilt}


def test_a_thousand_forgeries_change_nothing_and_ask_nobody(fake_wechat, wechat_order, message):
    genuine, before, asked = packed(fake_wechat, message), written(), calls(fake_wechat)
    forged = itertools.islice(forgeries(*genuine, random.Random(20261122)), FORGERIES)
    answers = [notify(*forgery) for forgery in forged]
    assert (len(answers), {answer.status_code for answer in answers}) == (FORGERIES, {401})
    assert {answer.content for answer in answers} == {b'{"code": "FAIL", "message": "rejected"}'}
    assert (written(), calls(fake_wechat)) == (before, asked)
    assert notify(*genuine).status_code == 204


@pytest.mark.parametrize("fault", ["no_signature", "bad_signature", "signtest", "wrong_key", "wrong_serial"])
def test_what_wechat_did_not_sign_is_refused_without_a_call(fake_wechat, message, fault):
    before, asked = written(), calls(fake_wechat)
    assert notify(*packed(fake_wechat, message, fault)).status_code == 401
    assert (written(), calls(fake_wechat)) == (before, asked)


@pytest.mark.parametrize(("skew", "status"), [(-310, 401), (-290, 204), (290, 204), (310, 401)])
def test_a_message_is_believed_for_five_minutes(fake_wechat, message, skew, status):
    fake_wechat.control("clock", skew=skew)
    assert notify(*packed(fake_wechat, message)).status_code == status


def test_another_amount_is_held_for_a_person(fake_wechat, wechat_order, prepaid):
    assert notify(*packed(fake_wechat, pay(fake_wechat, prepaid.pre_pay_id, total=1))).status_code == 204
    payment = Payment.objects.get()
    assert (payment.use, payment.received, fresh(wechat_order).status) == ("held", Decimal("0.01"), OrderStatus.UNPAID)
    assert not Refund.objects.exists()
    assert_sound()


@pytest.mark.parametrize("changes", [{"mchid": "1900000002"}, {"appid": "wx0000000000000002"}, {"out_trade_no": "P0000000000"}])
def test_a_message_for_another_merchant_app_or_number_is_refused(fake_wechat, wechat_order, message, changes):
    assert notify(*crafted(fake_wechat, house_merchant(fake_wechat), **changes)).status_code == 401
    assert (fresh(wechat_order).status, Payment.objects.get().state) == (OrderStatus.UNPAID, "open")


@pytest.mark.parametrize("mch_id", ["1900000001", "1900000002"])
def test_one_tenants_merchant_cannot_pay_anothers_order(fake_wechat, other_tenant, wechat_order, message, mch_id):
    """It holds its own keys, so it can have anything signed: only its own number's payments are its to speak of."""
    account_of(other_tenant, own_merchant(fake_wechat)).save()
    assert notify(*crafted(fake_wechat, own_merchant(fake_wechat), mchid=mch_id)).status_code == 401
    assert (fresh(wechat_order).status, PaymentEvent.objects.count()) == (OrderStatus.UNPAID, 0)


def test_a_sandbox_payment_cannot_be_settled_by_wechat(fake_wechat, wechat_order, message):
    Payment.objects.update(gateway="sandbox")
    assert notify(*packed(fake_wechat, message)).status_code == 401
    assert fresh(wechat_order).status == OrderStatus.UNPAID


def test_a_number_that_is_not_ours_is_kept_for_a_person_and_refused(fake_wechat, message):
    assert notify(*crafted(fake_wechat, house_merchant(fake_wechat), out_trade_no="P0000000000")).status_code == 401
    assert PaymentEvent.objects.get().result == "unknown number"


def test_a_refund_made_in_wechats_back_office_is_noted(fake_wechat, message):
    refund = {"out_refund_no": "BYHAND", "refund_id": "1", "refund_status": "SUCCESS", "amount": {"total": 1980, "refund": 5}}
    assert notify(*crafted(fake_wechat, house_merchant(fake_wechat), kind="REFUND.SUCCESS", **refund)).status_code == 204
    assert PaymentEvent.objects.get().result == "unknown refund"


def test_a_refund_of_another_merchant_is_refused(fake_wechat, wechat_order, message):
    refund = {"out_refund_no": "BYHAND", "refund_id": "1", "refund_status": "SUCCESS", "amount": {"total": 1980, "refund": 5}}
    forged = crafted(fake_wechat, house_merchant(fake_wechat), kind="REFUND.SUCCESS", mchid="1900000002", **refund)
    assert (notify(*forged).status_code, PaymentEvent.objects.count()) == (401, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"trade_state": "WHAT"},
        {"trade_state": 1},
        {"amount": None},
        {"amount": {"total": "1980"}},
        {"amount": {"total": True}},
        {"amount": {"total": -1}},
        {"amount": {"total": 10**30}},
        {"amount": {"total": 1980, "currency": "USD"}},
        {"transaction_id": ...},
        {"transaction_id": "1" * 65},
        {"transaction_id": "\x00"},
        {"success_time": "yesterday"},
        {"success_time": "2026-02-30T00:00:00+08:00"},
        {"success_time": "2026-11-22T00:00:00"},
        {"success_time": 5},
        {"out_trade_no": ["a"]},
        {"kind": "COUPON.USE"},
        {"kind": ""},
    ],
)
def test_a_genuine_message_with_nonsense_in_it_is_refused(fake_wechat, message, changes):
    before = written()
    assert notify(*crafted(fake_wechat, house_merchant(fake_wechat), **changes)).status_code == 401
    assert written() == before


DEEP = b"[" * 5000 + b"]" * 5000
GARBAGE = [
    b"",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"\xff\xfe",
    b"{",
    DEEP,
    b'{"resource": 1}',
    b'{"resource": {"algorithm": "X"}}',
    b"{}" + b" " * 60_000,
]


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("path", [NOTIFY, "/API/Pay/WeChat/RefundNotify/"])
def test_garbage_is_no_server_error(fake_wechat, message, body, path):
    before = written()
    assert notify({}, body, path).status_code == 401
    try:
        headers, body = signed(fake_wechat, body)
    except UnicodeDecodeError:
        headers = packed(fake_wechat, message)[0]
    assert notify(headers, body, path).status_code in (401, 503)
    assert written() == before


@pytest.mark.parametrize(
    "resource", [{"nonce": 5}, {"ciphertext": "?"}, {"nonce": ""}, {"nonce": "x"}, {"ciphertext": ...}, {"associated_data": []}]
)
def test_a_spoilt_envelope_is_no_server_error(fake_wechat, message, resource):
    merchant = house_merchant(fake_wechat)
    whole = sealed({}, api_v3_key=merchant.api_v3_key, kind="transaction") | resource
    event = {"id": "1", "event_type": "TRANSACTION.SUCCESS", "resource_type": "encrypt-resource"}
    event["resource"] = {name: value for name, value in whole.items() if value is not ...}
    assert notify(*signed(fake_wechat, json.dumps(event).encode())).status_code in (401, 503)


def test_a_message_that_our_key_cannot_open_is_our_fault_and_comes_again(fake_wechat, message, caplog):
    assert notify(*packed(fake_wechat, message, "wrong_api_key")).status_code == 503
    assert "API v3 key" in caplog.text


def test_more_than_64_kilobytes_are_not_read(fake_wechat, message):
    headers, body = packed(fake_wechat, message)
    answer = notify(headers, body + b" " * 65_536)
    assert (answer.status_code, answer.json()["code"]) == (413, "FAIL")


@pytest.mark.parametrize("value", ["\x00", "é", "PUB_KEY_ID_" + "1" * 5000, "' OR 1=1"])
@pytest.mark.parametrize(
    "name", ["Wechatpay-Serial", "Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Signature-Type"]
)
def test_odd_headers_are_no_server_error(fake_wechat, message, name, value):
    headers, body = packed(fake_wechat, message)
    assert notify(headers | {name: value}, body).status_code == 401


def test_only_a_post_is_a_notification(fake_wechat):
    answer = Client().get(NOTIFY)
    assert (answer.status_code, answer.json()) == (405, {"code": "FAIL", "message": "POST only"})


def test_no_session_no_cookie_and_no_csrf_token(fake_wechat, message):
    headers, body = packed(fake_wechat, message)
    answer = Client(enforce_csrf_checks=True).post(NOTIFY, body, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.content, dict(answer.cookies)) == (204, b"", {})


def test_while_the_database_is_away_wechat_is_asked_to_come_again(fake_wechat, wechat_order, message):
    def away(execute, sql, params, many, context):
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(away):
        answer = notify(*packed(fake_wechat, message))
    assert (answer.status_code, answer.json()) == (503, {"code": "FAIL", "message": "unavailable"})
    assert notify(*packed(fake_wechat, message)).status_code == 204
    assert fresh(wechat_order).status == OrderStatus.PAID


def test_the_log_names_no_person_and_no_key(fake_wechat, wechat_buyer, message, caplog):
    caplog.set_level("DEBUG")
    for fault in ("", "bad_signature", "wrong_api_key"):
        notify(*packed(fake_wechat, message, fault))
    notify(*crafted(fake_wechat, house_merchant(fake_wechat), out_trade_no="P0000000000"))
    open_id = wechat_buyer.wechat_identities.get().open_id
    assert not [word for word in (open_id, house_merchant(fake_wechat).api_v3_key) if word in caplog.text]
