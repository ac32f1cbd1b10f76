"""WeChat Pay v3: the calls of a shop that takes JSAPI payments."""

import re
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from groupbuy.fake_wechat import bill
from groupbuy.fake_wechat.books import PAID, Books, Refund, Refusal, Trade, refund_answer, trade_answer
from groupbuy.fake_wechat.keys import Merchant, is_signed

Answer = tuple[int, dict[str, Any] | bytes | None]
Call = Callable[[Books, Merchant, dict[str, Any], str], Answer]
AUTHORIZATION = re.compile(r'(\w+)="([^"]*)"')
SCHEME = "WECHATPAY2-SHA256-RSA2048 "
is_out_trade_no = re.compile(r"[0-9A-Za-z_\-|*]{6,32}").fullmatch
is_out_refund_no = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}").fullmatch
PARTS_MAX = 50
CLOCK_SECONDS = 300


def authorized(books: Books, *, authorization: str, serial: str, method: str, path: str, body: str) -> Merchant:
    """Whose request it is, after its signature. Raises Refusal (401)."""
    said = dict(AUTHORIZATION.findall(authorization.removeprefix(SCHEME)))
    merchant = books.merchants.get(said.get("mchid", ""))
    if merchant is None or not authorization.startswith(SCHEME) or said.get("serial_no") != merchant.cert_serial:
        raise Refusal(401, "SIGN_ERROR", "商户证书序列号有误。")
    time_stamp = said.get("timestamp", "")
    if not time_stamp.isdigit() or abs(time.time() + books.skew - int(time_stamp)) > CLOCK_SECONDS:
        raise Refusal(401, "SIGN_ERROR", "时间戳已过期。")
    lines = (method, path, time_stamp, said.get("nonce_str", ""), body)
    if not is_signed(merchant.merchant_key, said.get("signature", ""), *lines):
        raise Refusal(401, "SIGN_ERROR", "签名错误。")
    if serial != merchant.public_key_id:
        raise Refusal(400, "PARAM_ERROR", "Wechatpay-Serial 不是微信支付公钥 ID。")
    return merchant


def prepay(books: Books, merchant: Merchant, asked: dict[str, Any], _number: str) -> Answer:
    check_prepay(merchant, asked)
    known = books.trades.get((merchant.mch_id, asked["out_trade_no"]))
    if known is None:
        known = Trade(merchant, asked, prepay_id=f"wx{datetime.now():%d%H%M%S}{secrets.token_hex(13)}")  # noqa: DTZ005 (part of a random word)
        books.trades[merchant.mch_id, asked["out_trade_no"]] = known
    elif known.state in PAID:
        raise Refusal(400, "ORDERPAID", "该订单已支付")
    elif known.state != "NOTPAY":
        raise Refusal(400, "ORDER_CLOSED", "该订单已关闭")
    elif known.asked != asked:
        raise Refusal(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致")
    return 200, {"prepay_id": known.prepay_id}


def check_prepay(merchant: Merchant, asked: dict[str, Any]) -> None:
    if (asked.get("appid"), asked.get("mchid")) != (merchant.app_id, merchant.mch_id):
        raise Refusal(400, "APPID_MCHID_NOT_MATCH", "appid 和 mch_id 不匹配")
    amount, payer = asked.get("amount"), asked.get("payer")
    wrong = {
        "description": not is_text(asked.get("description"), 127),
        "out_trade_no": not is_text(asked.get("out_trade_no"), 32) or not is_out_trade_no(asked["out_trade_no"]),
        "notify_url": not is_notify_url(asked.get("notify_url")),
        "amount": not isinstance(amount, dict) or not is_fen(amount.get("total")) or amount.get("currency", "CNY") != "CNY",
        "payer": not isinstance(payer, dict) or not is_text(payer.get("openid"), 128),
        "time_expire": "time_expire" in asked and not is_time(asked["time_expire"]),
    }
    refuse_wrong(wrong)


def query(books: Books, merchant: Merchant, _asked: dict[str, Any], number: str) -> Answer:
    return 200, trade_answer(books.trade(merchant, number))


def close(books: Books, merchant: Merchant, asked: dict[str, Any], number: str) -> Answer:
    trade = books.trade(merchant, number)
    if asked.get("mchid") != merchant.mch_id:
        raise Refusal(400, "PARAM_ERROR", "mchid")
    if trade.state in PAID:
        raise Refusal(400, "ORDERPAID", "该订单已支付")
    trade.state = "CLOSED"
    return 204, None


def refund(books: Books, merchant: Merchant, asked: dict[str, Any], _number: str) -> Answer:
    """Accepted is not refunded: a new one is PROCESSING. The same number again is the same refund."""
    check_refund(asked)
    trade = books.trades.get((merchant.mch_id, asked.get("out_trade_no", "")))
    if trade is None or trade.state not in PAID:
        raise Refusal(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    if asked["amount"]["total"] != trade.received:
        raise Refusal(400, "INVALID_REQUEST", "订单金额与支付时不一致")
    known = trade.refunds.get(asked["out_refund_no"])
    if known is None:
        known = new_refund(books, trade, asked)
    elif known.asked["amount"] != asked["amount"]:
        raise Refusal(400, "INVALID_REQUEST", "退款金额与之前请求不一致")
    return 200, refund_answer(trade, known)


def new_refund(books: Books, trade: Trade, asked: dict[str, Any]) -> Refund:
    out = sum(refund.asked["amount"]["refund"] for refund in trade.refunds.values() if refund.status != "CLOSED")
    if out + asked["amount"]["refund"] > trade.received:
        raise Refusal(400, "INVALID_REQUEST", "退款金额大于可退金额")
    if len(trade.refunds) >= PARTS_MAX:
        raise Refusal(400, "INVALID_REQUEST", "部分退款次数超过限制")
    trade.state = "REFUND"
    trade.refunds[asked["out_refund_no"]] = Refund(asked, refund_id=f"503{secrets.randbelow(10**25):025d}", create_time=books.stamp())
    return trade.refunds[asked["out_refund_no"]]


def check_refund(asked: dict[str, Any]) -> None:
    amount = asked.get("amount")
    reason = asked.get("reason", "")
    wrong = {
        "out_refund_no": not is_text(asked.get("out_refund_no"), 64) or not is_out_refund_no(asked["out_refund_no"]),
        "notify_url": "notify_url" in asked and not is_notify_url(asked["notify_url"]),
        "reason": not isinstance(reason, str) or len(reason.encode()) > 80,
        "amount": not isinstance(amount, dict) or not all(is_fen(amount.get(name)) for name in ("refund", "total")),
    }
    refuse_wrong(wrong)


def query_refund(books: Books, merchant: Merchant, _asked: dict[str, Any], number: str) -> Answer:
    return 200, refund_answer(*books.any_refund(number, merchant))


def refuse_wrong(wrong: dict[str, bool]) -> None:
    names = [name for name, is_wrong in wrong.items() if is_wrong]
    if names:
        raise Refusal(400, "PARAM_ERROR", f"参数错误：{', '.join(names)}")


def is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest


def is_fen(value: object) -> bool:
    return type(value) is int and value >= 1


def is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def is_notify_url(value: object) -> bool:
    """WeChat wants https and no query; plain http is for this machine."""
    return isinstance(value, str) and bool(re.fullmatch(r"https://[^?\s]+|http://(127\.0\.0\.1|localhost|\[::1\])[:/][^?\s]*", value))


ROUTES: tuple[tuple[str, re.Pattern[str], Call], ...] = (
    ("POST", re.compile(r"/v3/pay/transactions/jsapi()"), prepay),
    ("GET", re.compile(r"/v3/pay/transactions/out-trade-no/([^/]+)"), query),
    ("POST", re.compile(r"/v3/pay/transactions/out-trade-no/([^/]+)/close"), close),
    ("POST", re.compile(r"/v3/refund/domestic/refunds()"), refund),
    ("GET", re.compile(r"/v3/refund/domestic/refunds/([^/]+)"), query_refund),
    ("GET", re.compile(r"/v3/bill/tradebill()"), bill.announce),
    ("GET", re.compile(r"/v3/billdownload/file()"), bill.download),
)


def route(method: str, path: str) -> tuple[Call, str]:
    """The call at ``path`` (without its query) and the number in it. Raises Refusal (404)."""
    for known_method, pattern, call in ROUTES:
        match = pattern.fullmatch(path)
        if match and method == known_method:
            return call, match[1]
    raise Refusal(404, "NOT_FOUND", "接口不存在")
