"""What the gateway sends, and what it makes of answers that are signed and still wrong."""

from base64 import b64decode
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from groupbuy.models import RefundState, TradeState
from groupbuy.payments.gateways import Misconfigured, NotifyRejected, Rejected, TradeNotFound, Unknown, deadlines
from groupbuy.payments.gateways.accounts import merchant_of_environment
from groupbuy.payments.gateways.wechat import WeChatGateway
from groupbuy.payments.gateways.wechat.answers import refusal
from tests.support.wechat import calls, house_merchant, own_merchant, pay

NUMBER = "26112212000000000001P1"


@pytest.fixture
def gateway(fake_wechat):
    return WeChatGateway(merchant_of_environment(), app_id=house_merchant(fake_wechat).app_id)


@pytest.fixture
def prepay_id(gateway):
    return gateway.prepay(
        {
            "out_trade_no": NUMBER,
            "description": "红富士苹果" * 40,
            "total": "19.80",
            "time_expire": "2026-11-22T12:15:00+00:00",
            "open_id": "o123",
        }
    )


@pytest.fixture
def paid(fake_wechat, prepay_id):
    pay(fake_wechat, prepay_id)


def send_refund(gateway, out_refund_no="R1", amount="5.00"):
    return gateway.refund(
        out_trade_no=NUMBER, out_refund_no=out_refund_no, amount=Decimal(amount), total=Decimal("19.80"), reason="坏了" * 40
    )


def test_the_pay_sign_is_over_the_four_documented_lines(fake_wechat, gateway, now):
    parameters = gateway.client_params("wx201410272009395522657a690389285100", now=now)
    lines = (gateway.app_id, parameters.time_stamp, parameters.nonce_str, "prepay_id=wx201410272009395522657a690389285100")
    signed = "".join(f"{line}\n" for line in lines).encode()
    house_merchant(fake_wechat).merchant_key.public_key().verify(b64decode(parameters.pay_sign), signed, PKCS1v15(), SHA256())
    assert (parameters.sign_type, parameters.time_stamp) == ("RSA", str(int(now.timestamp())))


def test_long_texts_are_cut_to_what_wechat_takes(fake_wechat, gateway, paid):
    send_refund(gateway)
    trade = fake_wechat.books.any_trade(NUMBER)
    assert len(trade.asked["description"]) == 127
    assert trade.refunds["R1"].asked["reason"] == ("坏了" * 13)
    assert trade.refunds["R1"].asked["notify_url"].endswith("/api/pay/wechat/refundnotify")


def test_a_trade_is_told_in_yuan_and_with_its_time(gateway, paid):
    trade = gateway.query(NUMBER)
    assert (trade.state, trade.total, trade.gateway) == (TradeState.SUCCESS, Decimal("19.80"), "wechat")
    assert trade.paid_at.utcoffset() is not None


def test_a_partial_refund_turns_the_trade_into_refund(gateway, paid):
    assert send_refund(gateway).state == RefundState.PROCESSING
    assert gateway.query(NUMBER).state == TradeState.REFUND
    assert gateway.query_refund("R1").amount == Decimal("5.00")


def test_closing_twice_is_harmless(gateway, prepay_id):
    gateway.close(NUMBER)
    gateway.close(NUMBER)


@pytest.mark.parametrize("code", ["ORDER_CLOSED", "ORDERCLOSED"])
def test_closed_already_is_closed(fake_wechat, gateway, prepay_id, code):
    fake_wechat.control("fault", kind="status", status=400, code=code)
    gateway.close(NUMBER)


@pytest.mark.parametrize("number", ["a/b", "", "x?mchid=1", "a" * 65, "编号", "1\n"])
def test_a_number_that_cannot_be_ours_never_stands_in_a_path(fake_wechat, gateway, number):
    for call in (gateway.query, gateway.close, gateway.query_refund):
        with pytest.raises(TradeNotFound):
            call(number)
    assert calls(fake_wechat) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"mchid": "1900000002"},
        {"appid": "wx0000000000000002"},
        {"out_trade_no": "26112212000000000001P2"},
        {"trade_state": "SOLD"},
        {"transaction_id": None},
        {"amount": {"total": 0}},
        {"success_time": "soon"},
    ],
)
def test_a_signed_answer_that_does_not_fit_the_question_is_unknown(fake_wechat, gateway, paid, changes):
    fake_wechat.control("fault", kind="changed", changes=changes)
    with pytest.raises(Unknown):
        gateway.query(NUMBER)


@pytest.mark.parametrize("changes", [{"out_refund_no": "R2"}, {"status": "LOST"}, {"amount": {"refund": "500"}}, {"refund_id": 5}])
def test_so_is_such_an_answer_to_a_refund(fake_wechat, gateway, paid, changes):
    fake_wechat.control("fault", kind="changed", changes=changes)
    with pytest.raises(Unknown):
        send_refund(gateway)


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (404, {"code": "ORDER_NOT_EXIST"}, TradeNotFound),
        (404, {}, Unknown),
        (404, {"code": 404}, Unknown),
        (503, {"code": "ORDER_NOT_EXIST"}, Unknown),
        (401, {"code": "WHATEVER"}, Misconfigured),
        (429, {"code": "WHATEVER"}, Unknown),
        (400, {"code": "WHATEVER"}, Rejected),
        (302, {"code": "WHATEVER"}, Unknown),
    ],
)
def test_only_wechats_own_words_decide(status, answer, kind):
    assert type(refusal(status, answer, Rejected)) is kind


def test_keys_that_are_not_rsa_are_refused(fake_wechat, settings, tmp_path):
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    (tmp_path / "key.pem").write_bytes(curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    settings.WECHAT_PAY_PUBLIC_KEY_FILE = str(tmp_path / "key.pem")
    with pytest.raises(Misconfigured, match="RSA"):
        WeChatGateway(merchant_of_environment(), app_id="wx1")


def test_a_serial_of_another_merchant_is_refused_before_anything_is_read(fake_wechat, gateway, now):
    with pytest.raises(NotifyRejected, match="serial"):
        gateway.parse_notify({"Wechatpay-Serial": own_merchant(fake_wechat).public_key_id}, b"", now=now)


def test_a_deadline_inside_another_keeps_the_outers(settings):
    settings.GATEWAY_SECONDS = {"request": 5.0}
    with deadlines.shared_deadline():
        before = deadlines.seconds_left()
        settings.GATEWAY_SECONDS = {"request": 500.0}
        with deadlines.shared_deadline():
            assert deadlines.seconds_left() <= before
    assert deadlines.seconds_left() == 500


def test_when_the_time_is_over_nothing_is_asked(fake_wechat, settings, gateway):
    settings.GATEWAY_SECONDS = {"request": 0.0}
    with deadlines.shared_deadline(), pytest.raises(Unknown):
        gateway.query(NUMBER)
    assert calls(fake_wechat) == 0
