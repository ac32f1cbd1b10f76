"""The trade bill of WeChat Pay: announced, downloaded, unpacked and read; and everything that may be wrong with it."""

import gzip
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from groupbuy.fake_wechat import bill as fake_bill
from groupbuy.payments.gateways import Misconfigured, Unknown
from groupbuy.payments.gateways.accounts import merchant_of_environment
from groupbuy.payments.gateways.wechat import WeChatGateway
from groupbuy.payments.gateways.wechat import bill as bill_module
from groupbuy.payments.gateways.wechat.answers import Malformed
from groupbuy.payments.gateways.wechat.bill import announced_in, lines_in, original
from retail.dates import CHINA
from tests.support.wechat import calls, house_merchant, pay

NUMBER = "26112212000000000001P1"
ROW = (
    "2026-11-22 20:15:01,wx1,1900000001,0,,42001,{number},o1,JSAPI,{state},OTHERS,CNY,{paid},0.00,{refunds},苹果,,0.0,0.60%,{paid},{back},"
)


def row(number="A1", state="SUCCESS", paid="19.80", back="0.00", refunds="0,0,0.00,0.00,,"):
    cells = ROW.format(number=number, state=state, paid=paid, back=back, refunds=refunds).split(",")
    return "`" + ",`".join(cells)


def file_of(*rows, columns=fake_bill.COLUMNS, count=None):
    sums = f"`{len(rows) if count is None else count},`0.00,`0.00,`0.00,`0.00,`0.00,`0.00"
    return "\r\n".join([columns, *rows, fake_bill.SUMS, sums, ""]).encode()


def read(*rows, **how):
    return lines_in(file_of(*rows, **how), mch_id="1900000001")


@pytest.fixture
def gateway(fake_wechat):
    return WeChatGateway(merchant_of_environment(), app_id="")


@pytest.fixture
def today(now):
    return now.astimezone(CHINA).date()


@pytest.fixture
def paid(fake_wechat):
    gateway = WeChatGateway(merchant_of_environment(), app_id=house_merchant(fake_wechat).app_id)
    asked = {"out_trade_no": NUMBER, "description": "苹果,`散装\n两斤", "total": "19.80", "open_id": "o123"}
    pay(fake_wechat, gateway.prepay(asked | {"time_expire": "2026-11-22T12:15:00+00:00"}))
    gateway.refund(out_trade_no=NUMBER, out_refund_no="R1", amount=Decimal("5.00"), total=Decimal("19.80"), reason="坏了")


def test_a_days_payments_and_refunds_are_told_in_yuan(fake_wechat, gateway, paid, today):
    payment, refund = gateway.bill(today)
    assert (payment.out_trade_no, payment.amount, payment.out_refund_no) == (NUMBER, Decimal("19.80"), "")
    assert (refund.out_trade_no, refund.amount, refund.out_refund_no) == (NUMBER, Decimal("5.00"), "R1")
    trade = fake_wechat.books.any_trade(NUMBER)
    assert (payment.transaction_id, payment.app_id) == (trade.transaction_id, house_merchant(fake_wechat).app_id)
    assert payment.at == datetime.fromisoformat(trade.success_time)


def test_a_day_without_money_has_no_bill(gateway, paid, today):
    assert list(gateway.bill(today - timedelta(days=1))) == []


@pytest.mark.parametrize(("status", "code"), [(400, "NO_STATEMENT_EXIST"), (204, "")])
def test_both_ways_of_saying_that_there_is_none_are_understood(fake_wechat, gateway, paid, today, monkeypatch, status, code):
    monkeypatch.setattr(gateway.client, "trade_bill", lambda _day: (status, f'{{"code": "{code}"}}' if code else ""))
    assert list(gateway.bill(today)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "fault", "kind"),
    [
        ("tradebill", {"kind": "status", "status": 400, "code": "STATEMENT_CREATING"}, Unknown),
        ("tradebill", {"kind": "status", "status": 503, "code": "NO_STATEMENT_EXIST"}, Unknown),
        ("tradebill", {"kind": "status", "status": 401, "code": "SIGN_ERROR"}, Misconfigured),
        ("tradebill", {"kind": "status", "status": 403, "code": "NO_AUTH"}, Misconfigured),
        ("tradebill", {"kind": "html", "status": 200}, Unknown),
        ("tradebill", {"kind": "not_json"}, Unknown),
        ("tradebill", {"kind": "bad_signature"}, Unknown),
        ("tradebill", {"kind": "changed", "changes": {"hash_value": "0" * 40}}, Unknown),
        ("tradebill", {"kind": "changed", "changes": {"hash_type": "MD5"}}, Unknown),
        ("tradebill", {"kind": "changed", "changes": {"download_url": None}}, Unknown),
        ("tradebill", {"kind": "lost"}, Unknown),
        ("billdownload", {"kind": "html", "status": 200}, Unknown),
        ("billdownload", {"kind": "html", "status": 502}, Unknown),
        ("billdownload", {"kind": "not_json"}, Unknown),
        ("billdownload", {"kind": "cut"}, Unknown),
        ("billdownload", {"kind": "truncated"}, Unknown),
        ("billdownload", {"kind": "drip", "seconds": 0.3}, Unknown),
        ("billdownload", {"kind": "stall"}, Unknown),
        ("billdownload", {"kind": "reset"}, Unknown),
        ("billdownload", {"kind": "status", "status": 401, "code": "SIGN_ERROR"}, Misconfigured),
    ],
)
def test_a_bill_that_is_not_whole_is_no_bill(fake_wechat, impatient, gateway, paid, today, path, fault, kind):
    fake_wechat.control("fault", path=path, **fault)
    with pytest.raises(kind):
        gateway.bill(today)
    assert len(gateway.bill(today)) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v3/billdownload/file?token=1",
        "@evil.example/v3/billdownload/file",
        "https://api.mch.weixin.qq.com@evil.example/v3/billdownload/file",
        "https://api.mch.weixin.qq.com.evil.example/v3/x",
        "http://api.mch.weixin.qq.com/v3/billdownload/file",
        "https://api.mch.weixin.qq.com/elsewhere",
        "/v3/billdownload/file",
        "//evil.example/v3/x",
    ],
)
def test_a_signed_request_goes_nowhere_else(fake_wechat, gateway, paid, today, url):
    fake_wechat.control("fault", path="tradebill", kind="changed", changes={"download_url": url})
    before = calls(fake_wechat)
    with pytest.raises(Unknown):
        gateway.bill(today)
    assert calls(fake_wechat) == before + 1


def test_the_download_goes_to_the_base_url_of_the_settings():
    url = "https://api2.mch.weixin.qq.com/v3/billdownload/file?token=a%2Fb"
    assert announced_in({"hash_type": "SHA1", "hash_value": "AB", "download_url": url}).path == "/v3/billdownload/file?token=a%2Fb"


def test_a_file_is_read_packed_or_not():
    plain = file_of(row())
    for file in (plain, gzip.compress(plain)):
        assert original(file, fake_bill.hashlib.sha1(plain).hexdigest()) == plain


def test_a_file_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(bill_module, "BYTES_MAX", 100)
    with pytest.raises(Malformed):
        original(gzip.compress(b"0" * 101), fake_bill.hashlib.sha1(b"0" * 101).hexdigest())


def test_a_name_of_goods_that_looks_like_cells_spoils_nothing():
    spoilt = row().replace("`苹果", "`苹果,`散装,`两\n斤")
    [line] = read(spoilt)
    assert (line.out_trade_no, line.amount) == ("A1", Decimal("19.80"))


def test_refunds_and_revocations_are_money_that_went_back():
    refund = row(state="REFUND", paid="0.00", back="5.00", refunds="503,R1,5.00,0.00,ORIGINAL,PROCESSING")
    revoked = row(state="REVOKED", paid="0.00", back="19.80", refunds=",,19.80,0.00,,SUCCESS")
    assert [(line.out_refund_no, line.amount) for line in read(refund, revoked)] == [("R1", Decimal("5.00")), ("A1", Decimal("19.80"))]


def test_columns_of_long_ago_are_understood():
    columns = fake_bill.COLUMNS.replace("订单金额,申请退款金额,费率备注", "备注一,备注二,备注三").replace("应结订单金额", "总金额")
    [line] = read(row(), columns=columns)
    assert line.amount == Decimal("19.80")


def test_a_day_with_nothing_but_sums_is_empty():
    assert read() == []


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"<html></html>",
        b"\xff\xfe",
        file_of(row(), count=2),
        file_of(row(), count=""),
        file_of(row())[: len(file_of(row())) // 2],
        file_of(row(paid="1e3")),
        file_of(row(paid="-1.00")),
        file_of(row(paid="NaN")),
        file_of(row(paid="")),
        file_of(row(state="SOLD")),
        file_of(row().replace("1900000001", "1900000002")),
        file_of(row().replace("2026-11-22 20:15:01", "gestern")),
        file_of(row()[:40]),
        file_of(row(), columns="交易时间,商品名称"),
        file_of(row(), columns=fake_bill.COLUMNS.replace("商品名称", "品名")),
    ],
)
def test_a_text_that_is_no_bill_is_refused_whole(spoilt):
    with pytest.raises(Malformed):
        lines_in(spoilt, mch_id="1900000001")
