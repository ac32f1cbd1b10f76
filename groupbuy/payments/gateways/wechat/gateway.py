"""The gateway: each call through the library, bounded in time, its answer checked."""

import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from django.conf import settings

from groupbuy.models import Gateway, TradeState
from groupbuy.payments.gateways import (
    BillLine,
    GatewayError,
    Misconfigured,
    Notification,
    NotifyRejected,
    PayParameters,
    RefundAnswer,
    Rejected,
    Trade,
    TradeNotFound,
    Unknown,
    deadlines,
)
from groupbuy.payments.gateways.wechat.answers import Malformed, json_in, money_in, one_of, refund_in, refusal, text_in, time_in
from groupbuy.payments.gateways.wechat.bill import NO_BILL, Announced, announced_in, lines_in, original
from groupbuy.payments.gateways.wechat.client import Merchant, client_of
from retail.money import to_fen

Kind = TypeVar("Kind")
NOTIFY_PATH = "/api/pay/wechat/notify"
REFUND_NOTIFY_PATH = "/api/pay/wechat/refundnotify"
FRESH_SECONDS = 300
# With what stands for a missing one.
SIGNED_HEADERS = {
    "Wechatpay-Serial": "",
    "Wechatpay-Timestamp": "",
    "Wechatpay-Nonce": "",
    "Wechatpay-Signature": "",
    "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
}
PAID = (TradeState.SUCCESS, TradeState.REFUND)
is_number = re.compile(r"[0-9A-Za-z]{1,64}").fullmatch
is_time_stamp = re.compile(r"[0-9]{1,12}").fullmatch
CLOSED_ALREADY = ("ORDER_CLOSED", "ORDERCLOSED")


class WeChatGateway:
    """One merchant number and the app that its payments are made in; ``app_id`` "" only reads notifications."""

    name = Gateway.WECHAT.value

    def __init__(self, merchant: Merchant, *, app_id: str) -> None:
        """Raises Misconfigured."""
        self.merchant = merchant
        self.mch_id = merchant.mch_id
        self.app_id = app_id
        seconds = settings.GATEWAY_SECONDS
        self.client = client_of(merchant, settings.WECHAT_PAY_BASE_URL, (seconds["connect"], seconds["read"]))

    def prepay(self, parameters: Mapping[str, Any]) -> str:
        if not parameters["open_id"]:
            raise Rejected("the buyer has no open id in the paying app")
        send = partial(
            self.client.pay,
            description=parameters["description"][:127],
            out_trade_no=known_form(parameters["out_trade_no"]),
            amount={"total": to_fen(Decimal(parameters["total"])), "currency": "CNY"},
            payer={"openid": parameters["open_id"]},
            time_expire=parameters["time_expire"],
            notify_url=settings.PUBLIC_BASE_URL + NOTIFY_PATH,
            appid=self.app_id,
        )
        return self.call(send, lambda answer: text_in(answer, "prepay_id"), otherwise=Rejected)

    def client_params(self, prepay_id: str, *, now: datetime) -> PayParameters:
        """RSA-SHA256 over ``appId\\ntimeStamp\\nnonceStr\\nprepay_id=…\\n`` (WeChat Pay: 小程序调起支付签名)."""
        time_stamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
        signature = self.client.sign([self.app_id, time_stamp, nonce, f"prepay_id={prepay_id}"])
        return PayParameters(pre_pay_id=prepay_id, nonce_str=nonce, sign_type="RSA", pay_sign=signature, time_stamp=time_stamp)

    def query(self, out_trade_no: str) -> Trade:
        send = partial(self.client.query, out_trade_no=known_form(out_trade_no))
        return self.call(send, lambda answer: of_number(out_trade_no, self.trade_in(answer)))

    def close(self, out_trade_no: str) -> None:
        send = partial(self.client.close, out_trade_no=known_form(out_trade_no))
        self.call(send, lambda _answer: None, fine=CLOSED_ALREADY)

    def refund(self, *, out_trade_no: str, out_refund_no: str, amount: Decimal, total: Decimal, reason: str) -> RefundAnswer:
        send = partial(
            self.client.refund,
            out_refund_no=known_form(out_refund_no),
            out_trade_no=known_form(out_trade_no),
            amount={"refund": to_fen(amount), "total": to_fen(total), "currency": "CNY"},
            # WeChat counts bytes here, and a Chinese character has three.
            reason=reason.encode()[:80].decode(errors="ignore"),
            # Without one the library would send the payments'.
            notify_url=settings.PUBLIC_BASE_URL + REFUND_NOTIFY_PATH,
        )
        return self.call(send, partial(refund_in, out_refund_no=out_refund_no), otherwise=Rejected)

    def query_refund(self, out_refund_no: str) -> RefundAnswer:
        send = partial(self.client.query_refund, out_refund_no=known_form(out_refund_no))
        return self.call(send, partial(refund_in, out_refund_no=out_refund_no))

    def call(
        self,
        send: Callable[[], tuple[int, str | bytes]],
        read: Callable[[dict[str, Any]], Kind],
        *,
        otherwise: type[GatewayError] = Misconfigured,
        fine: tuple[str, ...] = (),
    ) -> Kind:
        """One call to WeChat. ``otherwise``: what a refusal without a code of ours means; ``fine``: codes that are none."""
        status, text = self.reach(send)
        answer = json_in(text)
        if status not in (200, 204) and not (400 <= status < 500 and answer.get("code") in fine):
            raise refusal(status, answer, otherwise)
        try:
            return read(answer)
        except Malformed as error:
            raise Unknown(f"malformed answer: {error}") from error

    def reach(self, send: Callable[[], tuple[int, Kind]]) -> tuple[int, Kind]:
        """Status and body. Raises Unknown."""
        try:
            return deadlines.run_in_time(send, server=settings.WECHAT_PAY_BASE_URL)
        except Exception as error:
            # Not only time-outs and resets: for a wrong signature the library raises a bare Exception. What it carries is not told on.
            raise Unknown(f"no answer to rely on: {type(error).__name__}") from None

    def bill(self, day: date) -> Sequence[BillLine]:
        with deadlines.shared_deadline("bill"):
            announced = self.call(partial(self.announce, day), announced_in, fine=(NO_BILL,))
            return self.download(announced) if announced else ()

    def announce(self, day: date) -> tuple[int, str | bytes]:
        """Both ways of saying that there is no bill as one."""
        status, text = self.client.trade_bill(day.isoformat())
        return (400, f'{{"code": "{NO_BILL}"}}') if status == 204 else (status, text)

    def download(self, announced: Announced) -> Sequence[BillLine]:
        """The file carries no signature: its hash was in the signed answer."""
        status, file = self.reach(partial(self.client.download_bill, announced.path))
        if status != 200:
            raise refusal(status, json_in(file), Misconfigured)
        try:
            return lines_in(original(file if isinstance(file, bytes) else file.encode(), announced.sha1), mch_id=self.mch_id)
        except Malformed as error:
            raise Unknown(f"malformed bill: {error}") from error

    def parse_notify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Notification:
        """The checks are in this order: serial, age, signature over the raw body, decryption, merchant and app.

        Raises NotifyRejected, and Misconfigured for a message that is WeChat's but can't be decrypted.
        """
        signed = {name: headers.get(name, default) for name, default in SIGNED_HEADERS.items()}
        # First of all: with an unknown serial the library would go and fetch certificates.
        if signed["Wechatpay-Serial"] != self.merchant.public_key_id:
            raise NotifyRejected("unknown serial")
        if not is_time_stamp(signed["Wechatpay-Timestamp"]) or abs(now.timestamp() - int(signed["Wechatpay-Timestamp"])) > FRESH_SECONDS:
            raise NotifyRejected("stale")
        if not self.is_signed(signed, body):
            raise NotifyRejected("wrong signature")
        try:
            return self.notification(json_in(body), json_in(self.opened(signed, body)))
        except Malformed as error:
            raise NotifyRejected(str(error)) from error

    def opened(self, signed: dict[str, str], body: bytes) -> str:
        """The decrypted content of a message whose signature is good. Raises Malformed, Misconfigured."""
        try:
            content = self.client.decrypt_callback(signed, body)
        except Exception as error:
            # The library decrypts whatever it finds, and raises what that leads to.
            raise Malformed("not an encrypted message") from error
        if content is None:
            raise Misconfigured(f"a notification for merchant {self.mch_id} can't be decrypted: is its API v3 key right?")
        return str(content)

    def is_signed(self, signed: dict[str, str], body: bytes) -> bool:
        """Base64 of exactly one spelling: the library's decoder skips what is none, so that SIGNTEST prefixes would count for nothing."""
        signature = signed["Wechatpay-Signature"]
        try:
            canonical = b64encode(b64decode(signature, validate=True)).decode() == signature
            return canonical and bool(self.client._core._verify_signature(signed, body.decode()))
        except Exception:
            # The library raises a bare Exception for an algorithm that it doesn't know.
            return False

    def notification(self, event: dict[str, Any], content: dict[str, Any]) -> Notification:
        if content.get("mchid") != self.mch_id:
            raise Malformed("another merchant")
        event_id, event_type = text_in(event, "id"), text_in(event, "event_type")
        if event_type.startswith("TRANSACTION."):
            return Notification(event_id, self.mch_id, text_in(content, "appid"), trade=self.trade_in(content))
        if event_type.startswith("REFUND."):
            refund = refund_in(content, out_refund_no=text_in(content, "out_refund_no"), state="refund_status")
            return Notification(event_id, self.mch_id, refund=refund)
        raise Malformed("another kind of event")

    def trade_in(self, content: dict[str, Any]) -> Trade:
        if content.get("mchid") != self.mch_id or self.app_id not in ("", content.get("appid")):
            raise Malformed("another merchant or app")
        state = one_of(TradeState.values, text_in(content, "trade_state"))
        paid = state in PAID
        return Trade(
            gateway=self.name,
            out_trade_no=text_in(content, "out_trade_no"),
            state=TradeState(state),
            total=money_in(content, "total") if paid else Decimal(0),
            transaction_id=text_in(content, "transaction_id") if paid else "",
            paid_at=time_in(content, "success_time"),
        )


def known_form(number: str) -> str:
    """``number`` if it may stand in a path. Others were never ours."""
    if not is_number(number):
        raise TradeNotFound("not a number of ours")
    return number


def of_number(out_trade_no: str, trade: Trade) -> Trade:
    if trade.out_trade_no != out_trade_no:
        raise Malformed("another number")
    return trade
