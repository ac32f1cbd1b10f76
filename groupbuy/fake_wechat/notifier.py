"""Telling the shop: signed and encrypted messages, sent again on WeChat's schedule until they are taken."""

import http.client
import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from groupbuy.fake_wechat.books import Books, Refund, Trade, refund_answer, trade_answer
from groupbuy.fake_wechat.keys import Merchant, new_key, sealed, sign

# Seconds between two tries: 15 of them within 24 h 4 m (WeChat Pay: 支付成功回调通知).
MINUTE, HOUR = 60, 3600
SCHEDULE = (15, 15, 30, 3 * MINUTE, 10 * MINUTE, 20 * MINUTE, *[30 * MINUTE] * 3, HOUR, *[3 * HOUR] * 3, *[6 * HOUR] * 2)
TAKEN = (200, 204)
ANSWER_SECONDS = 5
MESSAGE_FAULTS = ("", "no_signature", "bad_signature", "signtest", "wrong_key", "wrong_serial", "wrong_api_key")


@dataclass
class Message:
    """One notification; ``answers``: the HTTP statuses that it got, 0 for none."""

    id: str
    merchant: Merchant
    url: str
    event_type: str
    kind: str
    content: dict[str, Any]
    create_time: str
    answers: list[int] = field(default_factory=list)

    @property
    def is_taken(self) -> bool:
        return any(status in TAKEN for status in self.answers)


class Notifier:
    """``speed``: what a second of the schedule lasts; ``hold``: messages wait for ``deliver``."""

    def __init__(self, books: Books, *, speed: float, url: str) -> None:
        self.books = books
        self.speed = speed
        self.url = url
        self.hold = False
        self.is_over = False
        self.messages: list[Message] = []
        self.foreign_key = new_key()

    def tell_trade(self, trade: Trade) -> Message:
        return self.tell(trade, "TRANSACTION.SUCCESS", "transaction", trade.asked["notify_url"], trade_answer(trade))

    def tell_refund(self, trade: Trade, refund: Refund) -> Message | None:
        if "notify_url" not in refund.asked:
            return None
        answer = refund_answer(trade, refund)
        content = {name: answer[name] for name in ("out_trade_no", "transaction_id", "out_refund_no", "refund_id", "user_received_account")}
        content |= {"mchid": trade.merchant.mch_id, "refund_status": answer["status"], "amount": answer["amount"]}
        content |= {"success_time": refund.success_time} if refund.success_time else {}
        return self.tell(trade, f"REFUND.{refund.status}", "refund", refund.asked["notify_url"], content)

    def tell(self, trade: Trade, event_type: str, kind: str, url: str, content: dict[str, Any]) -> Message:
        message = Message(str(uuid.uuid4()), trade.merchant, self.moved(url), event_type, kind, content, self.books.stamp())
        self.messages.append(message)
        if not self.hold:
            self.later(0, message)
        return message

    def moved(self, url: str) -> str:
        """The path of ``url`` at the notify URL that the fake was started with, if it was."""
        return self.url.rstrip("/") + urlsplit(url).path if self.url else url

    def later(self, seconds: float, message: Message) -> None:
        timer = threading.Timer(seconds, self.try_again, [message])
        timer.daemon = True
        timer.start()

    def try_again(self, message: Message) -> None:
        if self.is_over:
            return
        self.deliver(message)
        tries = len(message.answers)
        if not message.is_taken and tries <= len(SCHEDULE):
            self.later(SCHEDULE[tries - 1] * self.speed, message)

    def deliver(self, message: Message, fault: str = "") -> int:
        """Send it now, whatever the schedule says. Returns the HTTP status, 0 for no answer."""
        headers, body = self.packed(message, fault)
        parts = urlsplit(message.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=ANSWER_SECONDS)
        try:
            connection.request("POST", parts.path, body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        message.answers.append(status)
        return status

    def packed(self, message: Message, fault: str = "") -> tuple[dict[str, str], bytes]:
        """Headers and body as they go out: signed anew for every try, as WeChat does."""
        merchant = message.merchant
        api_v3_key = "0" * 32 if fault == "wrong_api_key" else merchant.api_v3_key
        event = {
            "id": message.id,
            "create_time": message.create_time,
            "resource_type": "encrypt-resource",
            "event_type": message.event_type,
            "summary": "通知",
            "resource": sealed(message.content, api_v3_key=api_v3_key, kind=message.kind),
        }
        body = json.dumps(event, ensure_ascii=False).encode()
        key = self.foreign_key if fault == "wrong_key" else merchant.platform_key
        headers = signed_headers(self.books, merchant, key, body) | {"Content-Type": "application/json"}
        return spoilt(headers, fault), body


def signed_headers(books: Books, merchant: Merchant, key: Any, body: bytes) -> dict[str, str]:
    time_stamp, nonce = str(int(books.now().timestamp())), uuid.uuid4().hex
    return {
        "Wechatpay-Timestamp": time_stamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": sign(key, time_stamp, nonce, body.decode()),
        "Wechatpay-Serial": merchant.public_key_id,
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
    }


def spoilt(headers: dict[str, str], fault: str) -> dict[str, str]:
    """The headers with what ``fault`` does to them."""
    signature = headers["Wechatpay-Signature"]
    if fault == "no_signature":
        return {name: value for name, value in headers.items() if not name.startswith("Wechatpay-")}
    if fault == "bad_signature":
        return headers | {"Wechatpay-Signature": signature[:-8] + signature[:8][::-1]}
    if fault == "signtest":
        return headers | {"Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{signature}"}
    if fault == "wrong_serial":
        return headers | {"Wechatpay-Serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"}
    return headers
