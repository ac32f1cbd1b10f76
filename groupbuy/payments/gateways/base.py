"""What every payment gateway can do, and the errors that carry the decision. No database in here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from groupbuy.models import RefundState, TradeState


class GatewayError(Exception):
    """A call that did not end as wished."""


class Unknown(GatewayError):
    """It may have happened: ask later with the same numbers."""


class Rejected(GatewayError):
    """The gateway said no, for good."""


class TradeNotFound(Rejected):
    """The gateway knows no such number: it never arrived, or is still on its way."""


class AlreadyPaid(Rejected):
    """The trade has been paid."""


class Misconfigured(GatewayError):
    """A person must act: keys, numbers or contracts are wrong."""


class NotifyRejected(GatewayError):
    """A notification that is not from the gateway, or not for us."""


@dataclass(frozen=True)
class Trade:
    """What the gateway says of one trade; ``total`` in yuan, as it was received."""

    gateway: str
    out_trade_no: str
    state: TradeState
    total: Decimal
    transaction_id: str = ""
    paid_at: datetime | None = None


@dataclass(frozen=True)
class RefundAnswer:
    """What the gateway says of one refund; ``state`` in our words."""

    gateway: str
    out_refund_no: str
    state: RefundState
    amount: Decimal
    refund_id: str = ""
    refunded_at: datetime | None = None


@dataclass(frozen=True)
class BillLine:
    """One line of a day's bill: money that came in or, with an ``out_refund_no``, a refund that was accepted. ``amount`` in yuan."""

    out_trade_no: str
    amount: Decimal
    at: datetime
    app_id: str = ""
    transaction_id: str = ""
    out_refund_no: str = ""


@dataclass(frozen=True)
class PayParameters:
    """What a mini-program hands to ``wx.requestPayment``; ``time_stamp`` in seconds, as text."""

    pre_pay_id: str
    nonce_str: str
    sign_type: str
    pay_sign: str
    time_stamp: str


@dataclass(frozen=True)
class Notification:
    """A verified notification: of a trade or of a refund, with the merchant number and app that it names."""

    event_id: str
    mch_id: str = ""
    app_id: str = ""
    trade: Trade | None = None
    refund: RefundAnswer | None = None


class PaymentGateway(Protocol):
    """Every call may raise Unknown or Misconfigured; the others are named. ``parameters`` are a payment's frozen ones.

    ``mch_id`` and ``app_id`` say which account of the gateway it is; a payment keeps them.
    """

    name: str
    mch_id: str
    app_id: str

    def prepay(self, parameters: Mapping[str, Any]) -> str:
        """Announce a trade; the same number again needs identical parameters. Returns the prepay id. Raises Rejected, AlreadyPaid."""

    def client_params(self, prepay_id: str, *, now: datetime) -> PayParameters: ...

    def query(self, out_trade_no: str) -> Trade:
        """Raises TradeNotFound."""

    def close(self, out_trade_no: str) -> None:
        """Make a trade unpayable; again is harmless. Raises AlreadyPaid, TradeNotFound."""

    def refund(self, *, out_trade_no: str, out_refund_no: str, amount: Decimal, total: Decimal, reason: str) -> RefundAnswer:
        """The same number again is the same refund. Raises Rejected."""

    def query_refund(self, out_refund_no: str) -> RefundAnswer:
        """Raises TradeNotFound."""

    def parse_notify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Notification:
        """Raises NotifyRejected."""

    def bill(self, day: date) -> Sequence[BillLine]:
        """What was paid and what was accepted to be refunded on ``day``; empty when nothing was. Unknown while it isn't ready."""
