"""WeChat Pay broken in every way that we know: the caller hears in time what is known, and no money or stock moves wrongly."""

import socket
import time
from datetime import timedelta

import pytest

from groupbuy import payments
from groupbuy.models import OrderStatus, Payment, PaymentState, RefundState
from groupbuy.payments import refunds
from retail.principals import principal_of
from tests.support.wechat import REQUEST_SECONDS, assert_sound, calls, fresh, notify, packed, pay

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("impatient"), pytest.mark.slow]
PATH = "/api/marketing/groupbuy/"
FAULTS = {
    "answer lost": {"kind": "lost"},
    "connection reset": {"kind": "reset"},
    "30 s stall": {"kind": "stall", "seconds": 30},
    "late answer": {"kind": "delay", "seconds": 30},
    "answer byte by byte": {"kind": "drip", "seconds": 0.3},
    "truncated": {"kind": "truncated"},
    "500": {"kind": "status", "status": 500},
    "502": {"kind": "status", "status": 502, "code": "BANK_ERROR"},
    "500 that says not found": {"kind": "status", "status": 500, "code": "ORDER_NOT_EXIST"},
    "429": {"kind": "status", "status": 429, "code": "FREQUENCY_LIMITED"},
    "202": {"kind": "status", "status": 202, "code": "USERPAYING"},
    "a proxy's 502 page": {"kind": "html", "status": 502},
    "a proxy's 404 page": {"kind": "html", "status": 404},
    "a captive portal's 200 page": {"kind": "html", "status": 200},
    "not JSON": {"kind": "not_json"},
    "wrong types": {"kind": "wrong_types"},
    "no signature": {"kind": "no_signature"},
    "bad signature": {"kind": "bad_signature"},
    "signed by somebody else": {"kind": "wrong_key"},
    "signed with an unknown serial": {"kind": "wrong_serial"},
}
# The answer to a close has none.
OF_A_BODY = ("wrong_types", "truncated", "drip", "not_json")
each_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


@pytest.fixture
def client(api, wechat_buyer):
    return api.as_user(wechat_buyer)


def timed(call):
    """The answer, which must have come in time: the faults last half a minute."""
    start = time.monotonic()
    answer = call()
    assert time.monotonic() - start < REQUEST_SECONDS + 4
    return answer


@each_fault
def test_prepay(fake_wechat, client, wechat_order, fault):
    fake_wechat.control("fault", path="jsapi", **fault)
    answer = timed(lambda: client.post(PATH + "orderpay", {"orderId": wechat_order.pk})).json()
    assert (answer["status"], fresh(wechat_order).status) == (703, OrderStatus.UNPAID)
    assert client.post(PATH + "orderpay", {"orderId": wechat_order.pk}).json()["status"] == 200
    assert Payment.objects.get().out_trade_no == fake_wechat.control("state")["trades"][0]["out_trade_no"]
    assert fake_wechat.books.requests["GET /v3/certificates"] == 0


@each_fault
def test_query(fake_wechat, client, wechat_order, prepaid, wechat_caller, now, fault):
    pay(fake_wechat, prepaid.pre_pay_id)
    fake_wechat.control("fault", path="out-trade-no", **fault)
    assert timed(lambda: client.post(PATH + "checkorderpay", {"id": wechat_order.pk})).json()["status"] == 703
    assert fresh(wechat_order).status == OrderStatus.UNPAID
    later = now + timedelta(seconds=10)
    assert payments.check_payment(order_id=wechat_order.pk, principal=wechat_caller, now=later) == 701


@each_fault
def test_the_question_before_a_close(fake_wechat, client, wechat_order, prepaid, group_buying, fault):
    fake_wechat.control("fault", path="out-trade-no", **fault)
    assert_closed_at_the_second_try(client, wechat_order, group_buying)


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault["kind"] not in OF_A_BODY])
def test_close(fake_wechat, client, wechat_order, prepaid, group_buying, name):
    fake_wechat.control("fault", path="/close", **FAULTS[name])
    assert_closed_at_the_second_try(client, wechat_order, group_buying)


def assert_closed_at_the_second_try(client, order, group_buying):
    assert timed(lambda: client.post(PATH + "closeorder", {"orderId": order.pk})).status_code == 503
    assert (fresh(group_buying).taken, Payment.objects.get().state) == (2, PaymentState.OPEN)
    assert client.post(PATH + "closeorder", {"orderId": order.pk}).json()["status"] == 200
    assert (fresh(order).status, fresh(group_buying).taken) == (OrderStatus.CLOSED, 0)


@each_fault
def test_refund(fake_wechat, wechat_order, prepaid, headquarters, now, fault):
    notify(*packed(fake_wechat, pay(fake_wechat, prepaid.pre_pay_id)))
    wanted = refund_whole(wechat_order, headquarters, now)
    fake_wechat.control("fault", path="/v3/refund", **fault)
    timed(lambda: refunds.send_due(now=now))
    assert fresh(wanted).state == RefundState.NEW
    refunds.send_due(now=now + timedelta(hours=2))
    assert fresh(wanted).state == RefundState.PROCESSING
    assert [known["out_refund_no"] for known in fake_wechat.control("state")["refunds"]] == [wanted.out_refund_no]
    assert_sound()


def refund_whole(order, headquarters, now):
    return refunds.refund_order(order_id=order.pk, amount=None, reason="坏了", principal=principal_of(headquarters), now=now)


def test_slow_answers_share_one_deadline(fake_wechat, client, wechat_order, prepaid):
    """Each of the three would be in time by itself."""
    fake_wechat.control("fault", kind="delay", seconds=0.9, times=3)
    answer = timed(lambda: client.post(PATH + "orderrepay", {"orderId": wechat_order.pk})).json()
    assert (answer["status"], fresh(wechat_order).status) == (703, OrderStatus.UNPAID)


def test_nobody_listens(fake_wechat, settings, client, wechat_order):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.WECHAT_PAY_BASE_URL = f"http://127.0.0.1:{closed.getsockname()[1]}"
    assert timed(lambda: client.post(PATH + "orderpay", {"orderId": wechat_order.pk})).json()["status"] == 703
    assert fresh(wechat_order).status == OrderStatus.UNPAID


@pytest.mark.parametrize("code", ["SIGN_ERROR", "NO_AUTH", "MCH_NOT_EXISTS", "APPID_MCHID_NOT_MATCH"])
def test_what_a_person_must_put_right_is_503_and_changes_nothing(fake_wechat, client, wechat_order, code, caplog):
    fake_wechat.control("fault", kind="status", status=403, code=code)
    assert client.post(PATH + "orderpay", {"orderId": wechat_order.pk}).status_code == 503
    assert fresh(wechat_order).status == OrderStatus.UNPAID
    assert "misconfigured" in caplog.text


@pytest.mark.parametrize("skew", [-400, 400])
def test_a_clock_that_is_wrong_is_503(fake_wechat, client, wechat_order, skew):
    fake_wechat.control("clock", skew=skew)
    assert client.post(PATH + "orderpay", {"orderId": wechat_order.pk}).status_code == 503


@pytest.mark.parametrize("code", ["PARAM_ERROR", "RULE_LIMIT", "ACCOUNT_ERROR", "OUT_TRADE_NO_USED", "SOMETHING_NEW"])
def test_a_refused_prepay_fails_the_attempt_and_keeps_the_stock(fake_wechat, client, wechat_order, group_buying, code):
    fake_wechat.control("fault", kind="status", status=403, code=code)
    assert client.post(PATH + "orderpay", {"orderId": wechat_order.pk}).json()["status"] == 702
    assert (fresh(wechat_order).status, fresh(group_buying).taken) == (OrderStatus.PAY_FAILED, 2)
    assert client.post(PATH + "orderrepay", {"orderId": wechat_order.pk}).json()["status"] == 200


@pytest.mark.parametrize("setting", ["WECHAT_MCH_PRIVATE_KEY_FILE", "WECHAT_PAY_PUBLIC_KEY_FILE"])
@pytest.mark.parametrize("content", [None, "", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_a_key_that_cannot_be_read_is_503_without_a_call(fake_wechat, settings, client, wechat_order, tmp_path, setting, content):
    if content is not None:
        (tmp_path / "key.pem").write_text(content)
    setattr(settings, setting, str(tmp_path / "key.pem"))
    assert client.post(PATH + "orderpay", {"orderId": wechat_order.pk}).status_code == 503
    assert (calls(fake_wechat), fresh(wechat_order).status) == (0, OrderStatus.UNPAID)


def test_a_misconfigured_refund_does_not_stop_the_others(fake_wechat, settings, wechat_order, prepaid, headquarters, now):
    notify(*packed(fake_wechat, pay(fake_wechat, prepaid.pre_pay_id)))
    wanted = refund_whole(wechat_order, headquarters, now)
    settings.WECHAT_PAY_API_V3_KEY = "short"
    assert refunds.send_due(now=now) == 1
    assert fresh(wanted).state == RefundState.NEW


@pytest.mark.parametrize("address", ["http://api.mch.weixin.qq.com", "https://api.mch.weixin.qq.com.example.com", "https://10.0.0.1", ""])
def test_nothing_is_signed_for_an_address_that_is_not_wechats(fake_wechat, settings, client, wechat_order, address):
    settings.WECHAT_PAY_BASE_URL = address
    assert client.post(PATH + "orderpay", {"orderId": wechat_order.pk}).status_code == 503
    assert fresh(wechat_order).status == OrderStatus.UNPAID


def test_the_gateway_tells_no_secret_of_itself(fake_wechat, caplog, client, wechat_order, wechat_buyer):
    caplog.set_level("DEBUG")
    fake_wechat.control("fault", kind="bad_signature")
    client.post(PATH + "orderpay", {"orderId": wechat_order.pk})
    fake_wechat.control("fault", kind="status", status=400, code="PARAM_ERROR")
    client.post(PATH + "orderpay", {"orderId": wechat_order.pk})
    merchant = fake_wechat.books.merchants["1900000001"]
    secrets = (merchant.api_v3_key, merchant.app_secret, merchant.private_pem[40:80], wechat_buyer.wechat_identities.get().open_id)
    assert not [secret for secret in secrets if secret in caplog.text]
