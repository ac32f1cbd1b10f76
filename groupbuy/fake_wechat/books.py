"""What the fake bank knows: trades, refunds and what the mini-program did. In memory, gone with the process."""

import secrets
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from groupbuy.fake_wechat.keys import Merchant

PAID = ("SUCCESS", "REFUND")
STATES = {
    "NOTPAY": "订单未支付",
    "SUCCESS": "支付成功",
    "REFUND": "转入退款",
    "CLOSED": "订单已关闭",
    "REVOKED": "已撤销",
    "PAYERROR": "支付失败",
}


class Refusal(Exception):
    """An error answer of WeChat Pay: HTTP status, code, message."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        self.status, self.code, self.message = status, code, message or code
        super().__init__(code)


@dataclass
class Refund:
    asked: dict[str, Any]
    refund_id: str
    status: str = "PROCESSING"
    success_time: str = ""
    create_time: str = ""


@dataclass
class Trade:
    merchant: Merchant
    asked: dict[str, Any]
    prepay_id: str
    state: str = "NOTPAY"
    transaction_id: str = ""
    success_time: str = ""
    received: int = 0
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def out_trade_no(self) -> str:
        return str(self.asked["out_trade_no"])


class Books:
    """All state. ``lock`` guards it: every request runs on its own thread."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.merchants: dict[str, Merchant] = {}
        self.url = ""
        self.skew = 0.0
        self.forget()

    def forget(self) -> None:
        """Everything but the merchants."""
        self.trades: dict[tuple[str, str], Trade] = {}
        self.tokens: dict[str, str] = {}
        self.used_codes: set[str] = set()
        self.messages: list[dict[str, Any]] = []
        self.shipments: list[dict[str, Any]] = []
        self.presales: list[dict[str, Any]] = []
        self.share_codes: list[dict[str, Any]] = []
        self.is_trade_managed = True
        self.order_paths: dict[str, dict[str, str]] = {}
        self.bills: dict[str, bytes] = {}
        self.requests: Counter[str] = Counter()
        self.skew = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.skew).astimezone()

    def stamp(self) -> str:
        return self.now().isoformat(timespec="seconds")

    def trade(self, merchant: Merchant, out_trade_no: str) -> Trade:
        found = self.trades.get((merchant.mch_id, out_trade_no))
        if found is None:
            raise Refusal(404, "ORDER_NOT_EXIST", "订单不存在")
        return found

    def any_trade(self, number: str) -> Trade:
        """By out_trade_no, prepay id or transaction id, whosever it is."""
        for trade in self.trades.values():
            if number in (trade.out_trade_no, trade.prepay_id, trade.transaction_id):
                return trade
        raise Refusal(404, "ORDER_NOT_EXIST", "订单不存在")

    def any_refund(self, out_refund_no: str, merchant: Merchant | None = None) -> tuple[Trade, Refund]:
        for trade in self.trades.values():
            if out_refund_no in trade.refunds and merchant in (None, trade.merchant):
                return trade, trade.refunds[out_refund_no]
        raise Refusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")

    def pay(self, trade: Trade, *, total: int | None = None, late: bool = False) -> None:
        """The person pays. ``total``: another amount (fen) than asked; ``late``: a payment that was under way when we closed."""
        if trade.state != "NOTPAY" and not (late and trade.state == "CLOSED"):
            raise Refusal(400, "ORDER_CLOSED" if trade.state == "CLOSED" else "ORDERPAID", STATES[trade.state])
        trade.state, trade.success_time = "SUCCESS", self.stamp()
        trade.transaction_id = f"42000{secrets.randbelow(10**23):023d}"
        trade.received = trade.asked["amount"]["total"] if total is None else total


def trade_answer(trade: Trade) -> dict[str, Any]:
    """A trade as the query and the notification tell it."""
    answer = {
        "appid": trade.asked["appid"],
        "mchid": trade.merchant.mch_id,
        "out_trade_no": trade.out_trade_no,
        "trade_state": trade.state,
        "trade_state_desc": STATES[trade.state],
        "amount": {"total": trade.asked["amount"]["total"], "currency": "CNY", "payer_currency": "CNY"},
    }
    if trade.transaction_id:
        answer |= {
            "transaction_id": trade.transaction_id,
            "trade_type": "JSAPI",
            "bank_type": "OTHERS",
            "success_time": trade.success_time,
            "payer": {"openid": trade.asked["payer"]["openid"]},
            "amount": {"total": trade.received, "payer_total": trade.received, "currency": "CNY", "payer_currency": "CNY"},
        }
    return answer


def refund_answer(trade: Trade, refund: Refund) -> dict[str, Any]:
    answer = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.asked["out_refund_no"],
        "transaction_id": trade.transaction_id,
        "out_trade_no": trade.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "status": refund.status,
        "amount": {
            "total": trade.received,
            "refund": refund.asked["amount"]["refund"],
            "payer_total": trade.received,
            "payer_refund": refund.asked["amount"]["refund"],
            "currency": "CNY",
        },
    }
    return answer | ({"success_time": refund.success_time} if refund.success_time else {})
