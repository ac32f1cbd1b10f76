"""What WeChat Pay answers and tells, read with suspicion: only what it documents counts."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from groupbuy.models import Gateway, RefundState
from groupbuy.payments.gateways import AlreadyPaid, GatewayError, Misconfigured, RefundAnswer, TradeNotFound, Unknown
from retail.money import from_fen

FEN_MAX = 10**10 - 1
# The codes of WeChat's error answers that carry a decision; docs/wechat-pay.md lists where each is documented.
# Both spellings are in use.
CODES: dict[str, type[GatewayError]] = {
    "ORDER_NOT_EXIST": TradeNotFound,
    "ORDERNOTEXIST": TradeNotFound,
    "RESOURCE_NOT_EXISTS": TradeNotFound,
    "ORDERPAID": AlreadyPaid,
    "ORDER_PAID": AlreadyPaid,
    "SIGN_ERROR": Misconfigured,
    "NO_AUTH": Misconfigured,
    "NOAUTH": Misconfigured,
    "MCH_NOT_EXISTS": Misconfigured,
    "APPID_MCHID_NOT_MATCH": Misconfigured,
    "APPID_NOT_EXIST": Misconfigured,
    # The merchant's balance is too low just now.
    "NOT_ENOUGH": Unknown,
    "NOTENOUGH": Unknown,
    "FREQUENCY_LIMITED": Unknown,
    "RATELIMIT_EXCEEDED": Unknown,
    "REQUEST_BLOCKED": Unknown,
    "USERPAYING": Unknown,
    # The bill of that day is still being written.
    "STATEMENT_CREATING": Unknown,
}
REFUND_STATES = {
    "SUCCESS": RefundState.SUCCESS,
    "CLOSED": RefundState.CLOSED,
    "PROCESSING": RefundState.PROCESSING,
    "ABNORMAL": RefundState.ABNORMAL,
}


class Malformed(ValueError):
    """An answer or a message that lacks what WeChat documents, or is of another merchant, app or number."""


def refusal(status: int, answer: dict[str, Any], otherwise: type[GatewayError]) -> GatewayError:
    """The decision in an answer that is no success. Only WeChat's own JSON decides; a 404 page of some proxy means nothing."""
    code = answer.get("code")
    if not isinstance(code, str) or not 400 <= status < 500:
        return Unknown(f"HTTP {status}")
    kind = CODES.get(code) or {401: Misconfigured, 429: Unknown}.get(status, otherwise)
    return kind(f"HTTP {status} {code[:40]}")


def json_in(text: str | bytes) -> dict[str, Any]:
    """The JSON object in ``text``; an empty one for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def refund_in(content: dict[str, Any], *, out_refund_no: str, state: str = "status") -> RefundAnswer:
    if content.get("out_refund_no") != out_refund_no:
        raise Malformed("another number")
    return RefundAnswer(
        gateway=Gateway.WECHAT,
        out_refund_no=out_refund_no,
        state=REFUND_STATES[one_of(REFUND_STATES, text_in(content, state))],
        amount=money_in(content, "refund"),
        refund_id=text_in(content, "refund_id"),
        refunded_at=time_in(content, "success_time"),
    )


def text_in(content: dict[str, Any], name: str, *, longest: int = 64) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise Malformed(name)
    return value


def one_of(choices: Any, value: str) -> str:
    if value not in choices:
        raise Malformed("an unknown state")
    return value


def money_in(content: dict[str, Any], name: str) -> Decimal:
    """Whole fen of ``amount`` as yuan."""
    amount = content.get("amount")
    fen = amount.get(name) if isinstance(amount, dict) and amount.get("currency", "CNY") == "CNY" else None
    if type(fen) is not int or not 0 < fen <= FEN_MAX:
        raise Malformed(f"amount.{name}")
    return from_fen(fen)


def time_in(content: dict[str, Any], name: str) -> datetime | None:
    """A time with its zone; None when there is none."""
    if content.get(name) in (None, ""):
        return None
    try:
        moment = datetime.fromisoformat(text_in(content, name))
        moment.timestamp()
    except (ValueError, OverflowError) as error:
        raise Malformed(name) from error
    if moment.tzinfo is None:
        raise Malformed(name)
    return moment
