"""The payments and refunds of the demo's orders, in our books and in those of the sandbox's bank, which agree."""

from dataclasses import dataclass
from datetime import datetime
from random import Random

from config.demo.lives import AT_BANK, Attempt, Cause, Life, Return
from groupbuy.models import (
    Gateway,
    Order,
    Payment,
    PaymentEvent,
    PaymentState,
    Refund,
    RefundState,
    SandboxRefund,
    SandboxTrade,
    TradeState,
)
from groupbuy.payments import attempts
from groupbuy.payments.gateways.sandbox import SandboxGateway
from retail.models import User, WeChatIdentity

BATCH = 500


@dataclass(frozen=True)
class Cashier:
    """Writes the money of lives down, each beside its saved order. ``headquarters`` is who refunds."""

    headquarters: User
    now: datetime
    random: Random

    def write(self, orders: list[Order], lives: list[Life]) -> None:
        tried = [
            (life, order, number, attempt)
            for order, life in zip(orders, lives, strict=True)
            for number, attempt in enumerate(life.attempts, start=1)
        ]
        open_ids = dict(WeChatIdentity.objects.filter(user__in={order.buyer_id for order in orders}).values_list("user_id", "open_id"))
        rows = [self.payment(order, number, attempt, open_ids[order.buyer_id]) for _life, order, number, attempt in tried]
        saved = Payment.objects.bulk_create(rows, batch_size=BATCH)
        trades = [self.trade(payment, attempt, life) for payment, (life, _order, _number, attempt) in zip(saved, tried, strict=True)]
        booked = SandboxTrade.objects.bulk_create(trades, batch_size=BATCH)
        heard = [event for payment, (*_of, attempt) in zip(saved, tried, strict=True) if (event := self.heard(payment, attempt))]
        paid = [(payment, trade, life) for payment, trade, (life, *_of) in zip(saved, booked, tried, strict=True) if payment.use]
        heard += self.write_returns(paid)
        PaymentEvent.objects.bulk_create(sorted(heard, key=lambda event: event.created_at), batch_size=BATCH)

    def payment(self, order: Order, number: int, attempt: Attempt, open_id: str) -> Payment:
        out_trade_no = f"{order.code}P{number}"
        prepay_id = f"sb{self.random.getrandbits(128):032x}"
        return Payment(
            order=order,
            gateway=Gateway.SANDBOX,
            out_trade_no=out_trade_no,
            total=order.money,
            received=order.money if attempt.paid_at else None,
            parameters=attempts.frozen_parameters(order, SandboxGateway(), out_trade_no=out_trade_no, open_id=open_id),
            state=PaymentState.OPEN if attempt.open else PaymentState.PAID if attempt.paid_at else PaymentState.CLOSED,
            use=attempt.use,
            prepay_id=prepay_id,
            prepaid_at=attempt.created_at,
            transaction_id=f"sbt{prepay_id[2:]}" if attempt.paid_at else None,
            created_at=attempt.created_at,
            received_at=attempt.paid_at,
            next_check_at=self.now + attempts.FIRST_CHECK if attempt.open else None,
        )

    def trade(self, payment: Payment, attempt: Attempt, life: Life) -> SandboxTrade:
        if attempt.paid_at:
            state = TradeState.REFUND if life.returns else TradeState.SUCCESS
        else:
            state = TradeState.NOTPAY if attempt.open else TradeState.CLOSED
        return SandboxTrade(
            out_trade_no=payment.out_trade_no,
            prepay_id=payment.prepay_id,
            total=payment.total,
            state=state,
            transaction_id=payment.transaction_id or "",
            paid_at=attempt.paid_at,
            created_at=attempt.created_at,
        )

    def heard(self, payment: Payment, attempt: Attempt) -> PaymentEvent | None:
        """What the bank told us of an attempt, in the words of ``settling``."""
        if attempt.paid_at:
            state, result, moment = TradeState.SUCCESS, str(attempt.use), attempt.paid_at
        elif attempt.lost_at:
            state, result, moment = TradeState.CLOSED, "closed by the gateway", attempt.lost_at
        else:
            return None
        return PaymentEvent(payment=payment, source="check", state=state, result=result, created_at=moment)

    def write_returns(self, paid: list[tuple[Payment, SandboxTrade, Life]]) -> list[PaymentEvent]:
        """Every refund succeeded; returns what the bank told us of them."""
        sent = [
            (payment, trade, self.refund(payment, number, one), one)
            for payment, trade, life in paid
            for number, one in enumerate(life.returns, start=1)
        ]
        booked = SandboxRefund.objects.bulk_create(
            SandboxRefund(trade=trade, out_refund_no=refund.out_refund_no, amount=refund.amount, created_at=one.moment + AT_BANK)
            for _payment, trade, refund, one in sent
        )
        for (_payment, _trade, refund, _one), at_bank in zip(sent, booked, strict=True):
            refund.refund_id = f"sbr{at_bank.pk}"
        Refund.objects.bulk_create(refund for _payment, _trade, refund, _one in sent)
        return [
            PaymentEvent(
                payment=payment,
                refund=refund,
                source="refund",
                state=RefundState.SUCCESS,
                result=RefundState.SUCCESS,
                created_at=one.moment + AT_BANK,
            )
            for payment, _trade, refund, one in sent
        ]

    def refund(self, payment: Payment, number: int, one: Return) -> Refund:
        return Refund(
            payment=payment,
            out_refund_no=f"R{payment.out_trade_no}N{number}",
            intent=self.intent(payment, one),
            amount=one.amount,
            reason=one.reason,
            state=RefundState.SUCCESS,
            user=self.headquarters if one.cause == Cause.STAFF else None,
            created_at=one.moment,
            refunded_at=one.moment + AT_BANK,
            checks=1,
        )

    def intent(self, payment: Payment, one: Return) -> str:
        return (
            f"{one.cause}-"
            + {
                Cause.STAFF: f"{self.random.getrandbits(128):032x}",
                Cause.SURPLUS: str(payment.pk),
                Cause.GROUP: str(payment.order_id),
            }[one.cause]
        )
