"""A pretended bank for demo and development: WeChat Pay's states kept in tables of its own."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NoReturn

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from groupbuy.models import Gateway, RefundState, SandboxRefund, SandboxTrade, TradeState
from groupbuy.payments.gateways import (
    AlreadyPaid,
    BillLine,
    Notification,
    NotifyRejected,
    PayParameters,
    RefundAnswer,
    Rejected,
    Trade,
    TradeNotFound,
)
from retail.dates import CHINA
from retail.money import to_cents

PAID_STATES = (TradeState.SUCCESS, TradeState.REFUND)


class SandboxGateway:
    name = Gateway.SANDBOX.value
    mch_id = app_id = ""

    def prepay(self, parameters: Mapping[str, Any]) -> str:
        trade, _created = SandboxTrade.objects.get_or_create(
            out_trade_no=parameters["out_trade_no"],
            defaults={"prepay_id": f"sb{secrets.token_hex(16)}", "total": Decimal(parameters["total"]), "created_at": timezone.now()},
        )
        if trade.state in PAID_STATES:
            raise AlreadyPaid
        if trade.state != TradeState.NOTPAY or trade.total != Decimal(parameters["total"]):
            raise Rejected
        return trade.prepay_id

    def client_params(self, prepay_id: str, *, now: datetime) -> PayParameters:
        time_stamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
        signature = hashlib.sha256(f"{time_stamp}\n{nonce}\nprepay_id={prepay_id}\n".encode()).hexdigest()
        return PayParameters(pre_pay_id=prepay_id, nonce_str=nonce, sign_type="SANDBOX", pay_sign=signature, time_stamp=time_stamp)

    def query(self, out_trade_no: str) -> Trade:
        trade = SandboxTrade.objects.filter(out_trade_no=out_trade_no).first()
        if trade is None:
            raise TradeNotFound
        return as_trade(trade)

    def close(self, out_trade_no: str) -> None:
        closed = SandboxTrade.objects.filter(out_trade_no=out_trade_no, state__in=(TradeState.NOTPAY, TradeState.CLOSED))
        if not closed.update(state=TradeState.CLOSED):
            raise AlreadyPaid if SandboxTrade.objects.filter(out_trade_no=out_trade_no).exists() else TradeNotFound

    @transaction.atomic
    def refund(self, *, out_trade_no: str, out_refund_no: str, amount: Decimal, total: Decimal, reason: str) -> RefundAnswer:
        trade = SandboxTrade.objects.select_for_update().filter(out_trade_no=out_trade_no, state__in=PAID_STATES).first()
        if trade is None:
            raise TradeNotFound
        known = trade.refunds.filter(out_refund_no=out_refund_no).first()
        if known is None:
            if to_cents(trade.refunds.aggregate(sum=Sum("amount"))["sum"]) + amount > trade.total:
                raise Rejected
            known = trade.refunds.create(out_refund_no=out_refund_no, amount=amount, created_at=timezone.now())
            trade.state = TradeState.REFUND
            trade.save(update_fields=["state"])
        return as_refund(known)

    def query_refund(self, out_refund_no: str) -> RefundAnswer:
        refund = SandboxRefund.objects.filter(out_refund_no=out_refund_no).first()
        if refund is None:
            raise TradeNotFound
        return as_refund(refund)

    def parse_notify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Notification:
        return refuse_notifications()

    def bill(self, day: date) -> Sequence[BillLine]:
        first = datetime.combine(day, time.min, CHINA)
        of_day = (first, first + timedelta(days=1) - timedelta.resolution)
        paid = [
            BillLine(trade.out_trade_no, trade.total, trade.paid_at, transaction_id=trade.transaction_id)
            for trade in SandboxTrade.objects.filter(paid_at__range=of_day, state__in=PAID_STATES).order_by("paid_at")
            if trade.paid_at
        ]
        returned = SandboxRefund.objects.filter(created_at__range=of_day).select_related("trade").order_by("created_at")
        return paid + [
            BillLine(refund.trade.out_trade_no, refund.amount, refund.created_at, out_refund_no=refund.out_refund_no) for refund in returned
        ]


def refuse_notifications() -> NoReturn:
    """The sandbox never notifies, so that no forged message can settle one of its payments."""
    raise NotifyRejected


def as_trade(trade: SandboxTrade) -> Trade:
    return Trade(
        gateway=Gateway.SANDBOX,
        out_trade_no=trade.out_trade_no,
        state=TradeState(trade.state),
        total=trade.total,
        transaction_id=trade.transaction_id,
        paid_at=trade.paid_at,
    )


def as_refund(refund: SandboxRefund) -> RefundAnswer:
    return RefundAnswer(
        gateway=Gateway.SANDBOX,
        out_refund_no=refund.out_refund_no,
        state=RefundState.SUCCESS,
        amount=refund.amount,
        refund_id=f"sbr{refund.pk}",
        refunded_at=refund.created_at,
    )


def pay(prepay_id: str, *, now: datetime) -> Trade:
    """The person at the pretended bank presses "pay"; a trade that can't be paid any more stays as it is."""
    SandboxTrade.objects.filter(prepay_id=prepay_id, state=TradeState.NOTPAY).update(
        state=TradeState.SUCCESS, paid_at=now, transaction_id=f"sbt{prepay_id[2:]}"
    )
    return as_trade(SandboxTrade.objects.get(prepay_id=prepay_id))


def fail(prepay_id: str, *, now: datetime) -> Trade:
    """The bank refuses: the trade closes, and not by us."""
    SandboxTrade.objects.filter(prepay_id=prepay_id, state=TradeState.NOTPAY).update(state=TradeState.CLOSED)
    return as_trade(SandboxTrade.objects.get(prepay_id=prepay_id))
