"""The trade bill: announced by a signed answer, fetched as a file without a signature.

Of any day, today too: nobody should have to wait for tomorrow.
"""

import gzip
import hashlib
import secrets
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

from groupbuy.fake_wechat.books import PAID, Books, Refund, Refusal, Trade
from groupbuy.fake_wechat.keys import Merchant

CHINA = timezone(timedelta(hours=8))
COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,"
    "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"


def announce(books: Books, merchant: Merchant, asked: dict[str, Any], _number: str) -> tuple[int, dict[str, Any]]:
    day = day_in(asked)
    rows = [row for trade in books.trades.values() if trade.merchant is merchant for row in rows_of(trade, day)]
    if not rows:
        raise Refusal(400, "NO_STATEMENT_EXIST", "请求的账单文件不存在")
    file = text_of(rows).encode()
    token = secrets.token_urlsafe(24)
    books.bills[token] = gzip.compress(file) if asked.get("tar_type") == "GZIP" else file
    answer = {
        "hash_type": "SHA1",
        "hash_value": hashlib.sha1(file, usedforsecurity=False).hexdigest(),
        "download_url": f"{books.url}/v3/billdownload/file?token={token}",
    }
    return 200, answer


def download(books: Books, _merchant: Merchant, asked: dict[str, Any], _number: str) -> tuple[int, bytes]:
    file = books.bills.get(str(asked.get("token")))
    if file is None:
        raise Refusal(400, "INVALID_REQUEST", "token 无效")
    return 200, file


def day_in(asked: dict[str, Any]) -> date:
    try:
        return date.fromisoformat(str(asked.get("bill_date")))
    except ValueError:
        raise Refusal(400, "PARAM_ERROR", "bill_date") from None


def rows_of(trade: Trade, day: date) -> Iterator[list[str]]:
    """A payment on the day of its success, a refund on the day that it was accepted."""
    if trade.state in PAID and on(trade.success_time) == day:
        yield row_of(trade, None)
    for refund in trade.refunds.values():
        if on(refund.create_time) == day:
            yield row_of(trade, refund)


def on(stamp: str) -> date:
    return datetime.fromisoformat(stamp).astimezone(CHINA).date()


def row_of(trade: Trade, refund: Refund | None) -> list[str]:
    at = datetime.fromisoformat(refund.create_time if refund else trade.success_time).astimezone(CHINA)
    paid, returned = (0, refund.asked["amount"]["refund"]) if refund else (trade.received, 0)
    asked = trade.asked
    head = [f"{at:%Y-%m-%d %H:%M:%S}", asked["appid"], trade.merchant.mch_id, "0", "", trade.transaction_id, trade.out_trade_no]
    kind = [asked["payer"]["openid"], "JSAPI", "REFUND" if refund else "SUCCESS", "OTHERS", "CNY", yuan(paid), "0.00"]
    numbers = [refund.refund_id, refund.asked["out_refund_no"]] if refund else ["0", "0"]
    back = [yuan(returned), "0.00", "ORIGINAL" if refund else "", refund.status if refund else ""]
    return [*head, *kind, *numbers, *back, asked["description"], "", "0.00000", "0.60%", yuan(paid), yuan(returned), ""]


def text_of(rows: list[list[str]]) -> str:
    paid, returned = (f"{sum(float(row[place]) for row in rows):.2f}" for place in (-3, -2))
    sums = [str(len(rows)), paid, returned, "0.00", "0.00000", paid, returned]
    lines = [COLUMNS, *("`" + ",`".join(row) for row in rows), SUMS, "`" + ",`".join(sums)]
    return "\ufeff" + "\r\n".join(lines) + "\r\n"


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
