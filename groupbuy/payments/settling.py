"""The one door for money: whatever a gateway says of a trade or a refund is booked here and nowhere else."""

import logging
import secrets
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from groupbuy import moves, stock
from groupbuy.models import (
    DeliverType,
    Order,
    OrderStatus,
    Payment,
    PaymentEvent,
    PaymentState,
    PaymentUse,
    Refund,
    RefundState,
    TradeState,
)
from groupbuy.models.orders import AWAITING_PAYMENT, BOUGHT
from groupbuy.notices import messages, shipping
from groupbuy.payments.gateways import RefundAnswer, Trade
from retail import dates
from retail.models import User
from retail.money import ZERO

log = logging.getLogger(__name__)
RECEIVED = (TradeState.SUCCESS, TradeState.REFUND)
# A refund that the gateway closes once more after so many new numbers waits for a person.
CLOSED_MAX = 4
GONE = (TradeState.CLOSED, TradeState.REVOKED)
PAID_BACK_TWICE = "paid back by hand before"


@transaction.atomic
def settle(trade: Trade, *, source: str, now: datetime, event_id: str = "") -> Payment | None:
    """Book what the gateway says of a trade; a repeat is harmless. None when no payment of ours has that number.

    Received money is applied to its order, held for a person, or gets its refund row here, in the same transaction.
    """
    payment = lock(trade.gateway, trade.out_trade_no)
    if payment is None:
        note_unknown_trade(trade.state, source=source, event_id=event_id, now=now)
        return None
    before = (payment.state, payment.use)
    if trade.state in RECEIVED:
        result = receive(payment, trade, now=now)
    elif trade.state in GONE:
        result = lose(payment, now=now)
    else:
        result = ""
    if result or (payment.state, payment.use) != before:
        PaymentEvent.objects.create(payment=payment, source=source, event_id=event_id, state=trade.state, result=result, created_at=now)
    return payment


def note_unknown_trade(state: TradeState, *, source: str, event_id: str, now: datetime) -> None:
    PaymentEvent.objects.create(source=source, event_id=event_id, state=state, result="unknown number", created_at=now)


def note_unknown_refund(state: RefundState, *, source: str, event_id: str, now: datetime) -> None:
    PaymentEvent.objects.create(source=source, event_id=event_id, state=state, result="unknown refund", created_at=now)


def lock(gateway: str, out_trade_no: str) -> Payment | None:
    """The payment with its order, both locked: order first, as everywhere."""
    payment = Payment.objects.filter(gateway=gateway, out_trade_no=out_trade_no).first()
    if payment is None:
        return None
    order = Order.objects.select_for_update(of=("self",)).select_related("group_buying").get(pk=payment.order_id)
    payment = Payment.objects.select_for_update().get(pk=payment.pk)
    payment.order = order
    return payment


def receive(payment: Payment, trade: Trade, *, now: datetime) -> str:
    """Money came in. Returns what was made of it, for the record."""
    if payment.state == PaymentState.PAID:
        return "" if payment.transaction_id == trade.transaction_id else "another transaction of a paid number"
    payment.state = PaymentState.PAID
    payment.received = trade.total
    payment.received_at = known_moment(trade.paid_at) or now
    payment.next_check_at = None
    if trade.transaction_id and not Payment.objects.filter(transaction_id=trade.transaction_id).exists():
        payment.transaction_id = trade.transaction_id
    payment.use = use_for(payment, trade, now=now)
    payment.save(update_fields=["state", "received", "received_at", "next_check_at", "transaction_id", "use"])
    if payment.use == PaymentUse.APPLIED:
        mark_paid(payment, now=now)
    elif payment.use == PaymentUse.SURPLUS:
        want_refund(payment, intent=f"surplus-{payment.pk}", amount=trade.total, reason=_("订单已失效或已支付，自动退款"), now=now)
    else:
        log.error("payment %s is held: received %s of %s, state %s", payment.pk, trade.total, payment.total, trade.state)
    return payment.use


def known_moment(moment: datetime | None) -> datetime | None:
    """A tenant's own account may say anything: a year that isn't ours counts as not told."""
    return moment if moment and dates.is_ours(moment) else None


def use_for(payment: Payment, trade: Trade, *, now: datetime) -> PaymentUse:
    """What the money is for. A wrong amount, a used transaction id, or money first seen going back is for a person to judge."""
    if trade.state == TradeState.REFUND or trade.total != payment.total or payment.transaction_id is None:
        return PaymentUse.HELD
    order = payment.order
    if order.status in AWAITING_PAYMENT:
        return PaymentUse.APPLIED
    if order.status == OrderStatus.EXPIRED and stock.take_again(order, now=now):
        return PaymentUse.APPLIED
    return PaymentUse.SURPLUS


def mark_paid(payment: Payment, *, now: datetime) -> None:
    order = payment.order
    code = new_deliver_code(order.shop_id) if order.deliver_type == DeliverType.PICK_UP else ""
    moves.move(order, OrderStatus.PAID, actor=moves.GATEWAY, now=now, paid_at=payment.received_at, holds_stock=True, deliver_code=code)
    shipping.announce_late(order, now=now)


def new_deliver_code(shop_id: int) -> str:
    """Eight digits that no order waiting in this shop has; the constraint stands behind it."""
    waiting = Order.objects.filter(shop_id=shop_id, handed_over_at=None)
    while True:
        code = f"{secrets.randbelow(10**8):08d}"
        if not waiting.filter(deliver_code=code).exists():
            return code


def lose(payment: Payment, *, now: datetime) -> str:
    """The trade was closed, and not by us: an order that waited for it has failed to be paid and may be paid anew."""
    if payment.state != PaymentState.OPEN:
        return ""
    close_attempt(payment)
    if payment.order.status == OrderStatus.UNPAID:
        moves.move(payment.order, OrderStatus.PAY_FAILED, actor=moves.GATEWAY, now=now)
    return "closed by the gateway"


def close_attempt(payment: Payment, **provided: Any) -> bool:
    """Mark an attempt that can't be paid any more, ``provided`` its row fits. False when it doesn't, or was paid meanwhile."""
    if not Payment.objects.open().filter(pk=payment.pk, **provided).update(state=PaymentState.CLOSED, next_check_at=None):
        return False
    payment.state = PaymentState.CLOSED
    return True


def want_refund(
    payment: Payment, *, intent: str, amount: Decimal, reason: str, now: datetime, user: User | None = None, missing_units: int = 0
) -> Refund:
    """Write down the intent to refund; the worker sends it. The same ``intent`` is the same refund."""
    refund, _created = Refund.objects.get_or_create(
        intent=intent,
        defaults={
            "payment": payment,
            "out_refund_no": f"R{payment.out_trade_no}N{payment.refunds.count() + 1}",
            "amount": amount,
            "reason": reason[:80],
            "user": user,
            "missing_units": missing_units,
            "created_at": now,
            "next_check_at": now,
        },
    )
    return refund


@transaction.atomic
def settle_refund(answer: RefundAnswer, *, source: str, now: datetime, event_id: str = "") -> Refund | None:
    """Book what the gateway says of a refund; a repeat is harmless, and a success is final. None when the number isn't ours."""
    known = Refund.objects.filter(out_refund_no=answer.out_refund_no, payment__gateway=answer.gateway).select_related("payment").first()
    payment = lock(answer.gateway, known.payment.out_trade_no) if known else None
    if known is None or payment is None:
        note_unknown_refund(answer.state, source=source, event_id=event_id, now=now)
        return None
    refund = Refund.objects.select_for_update().get(pk=known.pk)
    if answer.state == RefundState.SUCCESS and refund.state == RefundState.SUCCESS and refund.settled_by_id:
        note_second_return(refund, answer, source=source, event_id=event_id, now=now)
    # A number that was replaced since, a success, a repeat, and an answer that was overtaken change nothing.
    overtaken = answer.state == RefundState.PROCESSING and refund.state not in (RefundState.NEW, RefundState.REJECTED)
    if refund.out_refund_no != answer.out_refund_no or refund.state in (RefundState.SUCCESS, answer.state) or overtaken:
        return refund
    book_refund(refund, answer, now=now)
    PaymentEvent.objects.create(
        payment=payment, refund=refund, source=source, event_id=event_id, state=answer.state, result=refund.state, created_at=now
    )
    if refund.state == RefundState.SUCCESS:
        finish_refund(payment, now=now)
        messages.put(messages.Kind.REFUNDED, payment.order, subject_id=refund.pk, now=now)
    return refund


def note_second_return(refund: Refund, answer: RefundAnswer, *, source: str, event_id: str, now: datetime) -> None:
    """A person paid it back by hand, and now the gateway has done so too: for a person again. Once, however often it is told."""
    _event, is_new = PaymentEvent.objects.get_or_create(
        refund=refund,
        state=answer.state,
        result=PAID_BACK_TWICE,
        defaults={"payment": refund.payment, "source": source, "event_id": event_id, "created_at": now},
    )
    if is_new:
        log.error("refund %s was paid back by hand and by the gateway: a person must act", refund.pk)


def book_refund(refund: Refund, answer: RefundAnswer, *, now: datetime) -> None:
    # Another amount than we wanted is for a person to judge.
    state = answer.state if answer.amount == refund.amount else RefundState.ABNORMAL
    refund.state = state
    refund.refund_id = answer.refund_id or refund.refund_id
    if state == RefundState.SUCCESS:
        refund.refunded_at = known_moment(answer.refunded_at) or now
    loops = state == RefundState.CLOSED and closed_times(refund) >= CLOSED_MAX
    is_left_alone = state in (RefundState.SUCCESS, RefundState.ABNORMAL) or loops
    refund.next_check_at = None if is_left_alone else refund.next_check_at or now
    # Whatever a person said of it, the gateway's word opens it again.
    refund.settled_by, refund.note = None, ""
    if refund.is_stuck:
        log.error("refund %s is %s: a person must act", refund.pk, state)
    refund.save(update_fields=["state", "refund_id", "refunded_at", "next_check_at", "settled_by", "note"])


def closed_times(refund: Refund) -> int:
    """How often the gateway closed it before this number: each new one has a ``C`` more."""
    return len(refund.out_refund_no) - len(refund.out_refund_no.rstrip("C"))


def finish_refund(payment: Payment, *, now: datetime, actor: moves.Actor = moves.GATEWAY, reason: str = "") -> None:
    """After a successful refund: the order is refunded when everything applied to it has gone back, or when its late money has."""
    order = payment.order
    back = sum((refund.amount for refund in payment.refunds.filter(state=RefundState.SUCCESS)), ZERO)
    if back != payment.received:
        return
    if payment.use == PaymentUse.APPLIED and order.status in BOUGHT:
        moves.move(order, OrderStatus.REFUNDED, actor=actor, now=now, reason=reason)
    elif payment.use == PaymentUse.SURPLUS and order.status in (OrderStatus.EXPIRED, OrderStatus.CLOSED):
        moves.move(order, OrderStatus.REFUNDED, actor=actor, now=now, reason=reason, paid_at=payment.received_at)
