"""The other side of the counter: what the person, the bank and bad luck do. ``POST /_control/<name>`` with a JSON object."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from groupbuy.fake_wechat.books import Refusal
from groupbuy.fake_wechat.faults import Fault
from groupbuy.fake_wechat.keys import is_signed

if TYPE_CHECKING:
    from groupbuy.fake_wechat.server import FakeWeChat


def pay(fake: "FakeWeChat", *, number: str, total: int | None = None, late: bool = False) -> dict[str, Any]:
    """The person pays. ``number``: out_trade_no or prepay id; ``total``: another amount (fen); ``late``: although we closed it."""
    with fake.books.lock:
        trade = fake.books.any_trade(number)
        fake.books.pay(trade, total=total, late=late)
        message = fake.notifier.tell_trade(trade)
    return {"transaction_id": trade.transaction_id, "notification": message.id}


def request_payment(fake: "FakeWeChat", **parameters: str) -> dict[str, Any]:
    """``wx.requestPayment``: pays if ``timeStamp nonceStr package signType paySign`` are signed as documented."""
    package = parameters.get("package", "")
    with fake.books.lock:
        trade = fake.books.any_trade(package.removeprefix("prepay_id="))
        lines = (trade.merchant.app_id, parameters.get("timeStamp", ""), parameters.get("nonceStr", ""), package)
        if parameters.get("signType") != "RSA" or not package.startswith("prepay_id="):
            raise Refusal(400, "PARAM_ERROR", "signType / package")
        if not is_signed(trade.merchant.merchant_key, parameters.get("paySign", ""), *lines):
            raise Refusal(400, "SIGN_ERROR", "支付验证签名失败")
    return pay(fake, number=trade.out_trade_no)


def fail(fake: "FakeWeChat", *, number: str, state: str = "CLOSED") -> dict[str, Any]:
    """The trade ends unpaid, and not by the shop: ``CLOSED``, ``REVOKED`` or ``PAYERROR``. WeChat doesn't tell the shop."""
    with fake.books.lock:
        fake.books.any_trade(number).state = state
    return {"trade_state": state}


def finish_refund(fake: "FakeWeChat", *, number: str, status: str = "SUCCESS") -> dict[str, Any]:
    """A refund ends as ``SUCCESS``, ``CLOSED`` or ``ABNORMAL``."""
    with fake.books.lock:
        trade, refund = fake.books.any_refund(number)
        refund.status = status
        refund.success_time = fake.books.stamp() if status == "SUCCESS" else ""
        message = fake.notifier.tell_refund(trade, refund)
    return {"notification": message.id if message else ""}


def fault(fake: "FakeWeChat", **fields: Any) -> dict[str, Any]:
    """Spoil the next requests: ``kind path times seconds status code changes`` (see ``faults.py``)."""
    fake.faults.waiting.append(Fault(**fields))
    return {"waiting": len(fake.faults.waiting)}


def hold(fake: "FakeWeChat", *, on: bool = True) -> dict[str, Any]:
    """Keep new notifications back until they are delivered by hand."""
    fake.notifier.hold = on
    return {"hold": on}


def deliver(fake: "FakeWeChat", *, ids: list[str] | None = None, times: int = 1, fault: str = "") -> dict[str, Any]:
    """Send notifications now, in the order of ``ids`` (all if there are none), each ``times`` times, spoilt by ``fault``."""
    known = {message.id: message for message in fake.notifier.messages}
    chosen = list(known) if ids is None else ids
    return {"answers": [fake.notifier.deliver(known[name], fault) for name in chosen for _ in range(times)]}


def clock(fake: "FakeWeChat", *, skew: float = 0) -> dict[str, Any]:
    """Put WeChat's clock ``skew`` seconds before ours."""
    fake.books.skew = skew
    return {"skew": skew}


def manage_trade(fake: "FakeWeChat", *, on: bool = True) -> dict[str, Any]:
    """Whether the mini-programs owe WeChat shipping information (发货信息管理服务)."""
    fake.books.is_trade_managed = on
    return {"on": on}


def expire_tokens(fake: "FakeWeChat") -> dict[str, Any]:
    """Access tokens given so far are no longer accepted."""
    fake.books.tokens.clear()
    return {}


def reset(fake: "FakeWeChat") -> dict[str, Any]:
    """Forget everything but the merchants."""
    with fake.books.lock:
        fake.books.forget()
        fake.faults.waiting.clear()
        fake.notifier.messages.clear()
        fake.notifier.hold = False
    return {}


def state(fake: "FakeWeChat") -> dict[str, Any]:
    """Everything that the fake knows."""
    books = fake.books
    with books.lock:
        return {
            "trades": [
                {"out_trade_no": trade.out_trade_no, "state": trade.state, "prepay_id": trade.prepay_id} for trade in books.trades.values()
            ],
            "refunds": [
                {"out_refund_no": number, "status": refund.status} for t in books.trades.values() for number, refund in t.refunds.items()
            ],
            "notifications": [{"id": m.id, "event_type": m.event_type, "answers": m.answers} for m in fake.notifier.messages],
            "faults": [asdict(waiting) for waiting in fake.faults.waiting],
            "requests": dict(books.requests),
            "messages": books.messages,
            "shipments": books.shipments,
            "presales": books.presales,
            "skew": books.skew,
        }


CONTROLS: dict[str, Callable[..., dict[str, Any]]] = {
    control.__name__: control
    for control in (pay, request_payment, fail, finish_refund, fault, hold, deliver, clock, manage_trade, expire_tokens, reset, state)
}
