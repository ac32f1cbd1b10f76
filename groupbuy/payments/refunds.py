"""Sending money back: by staff, and by the worker that talks to the gateway."""

import logging
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy.models import Order, Payment, PaymentEvent, PaymentUse, Refund, RefundState
from groupbuy.models.orders import BOUGHT
from groupbuy.payments import gateways, settling
from groupbuy.payments.gateways.accounts import gateway_of
from retail import jobs
from retail.money import ZERO
from retail.principals import Principal
from retail.refusals import Invalid, Refusal, found
from retail.rights import Right

log = logging.getLogger(__name__)
# WeChat takes at most 50 partial refunds of one payment, a minute apart.
PARTS_MAX = 50
APART = timedelta(minutes=1)
BACKOFF = jobs.Backoff(timedelta(seconds=60), timedelta(hours=1))
AS_READ = ("state", "next_check_at")


class Refunding(Refusal):
    """A whole refund is on its way: nothing else may happen to the order."""

    message = gettext_lazy("退款中")


@transaction.atomic
def refund_order(*, order_id: int, amount: Decimal | None, reason: str, principal: Principal, now: datetime, intent: str = "") -> Refund:
    """Write down a refund of ``amount`` (None: all that is left) for the worker to send; the same ``intent`` is the same refund.

    Raises Forbidden, NotThere, Refusal, Invalid.
    """
    principal.must(Right.REFUND)
    order = found(Order.objects.visible_to(principal).select_for_update(of=("self",)), pk=order_id)
    intent = f"staff-{intent or uuid.uuid4().hex}"
    known = Refund.objects.filter(intent=intent, payment__order=order).first()
    if known:
        return known
    payment = order.payments.select_for_update().filter(use=PaymentUse.APPLIED).first()
    if payment is None or order.status not in BOUGHT:
        raise Refusal(_("订单没有可退的款项"))
    left = payment.left_to_refund()
    amount = left if amount is None else amount
    if not ZERO < amount <= left:
        raise Invalid(_("退款金额须大于 0 且不超过 %(left)s 元") % {"left": left})
    if payment.refunds.count() >= PARTS_MAX:
        raise Refusal(_("一笔支付最多分 50 次退款"))
    return settling.want_refund(payment, intent=intent, amount=amount, reason=reason, user=principal.user, now=now)


def send_due(*, now: datetime, limit: int = 100) -> jobs.Done:
    """Send new refunds and ask about accepted ones; returns how many were dealt with. Safe to run twice at once."""
    waiting = Refund.objects.due(now).select_related("payment__order__tenant").order_by("next_check_at")
    return jobs.each(waiting[:limit], partial(send, now=now))


def send(refund: Refund, *, now: datetime) -> bool:
    if not lease(refund, now=now):
        return False
    try:
        answer = ask_or_send(gateway_of(refund.payment), refund)
        settling.settle_refund(answer, source="refund", now=now)
    except gateways.Rejected as error:
        reject(refund, error, now=now)
    except gateways.GatewayError as error:
        log.warning("refund %s could not be sent yet: %s", refund.pk, type(error).__name__)
    return True


@transaction.atomic
def reject(refund: Refund, error: gateways.Rejected, *, now: datetime) -> None:
    """The gateway said no, for good: a person must act."""
    log.error("refund %s was rejected: %s", refund.pk, error)
    # Not one that a notification has settled since.
    if Refund.objects.filter(pk=refund.pk, state=refund.state).update(state=RefundState.REJECTED, next_check_at=None):
        PaymentEvent.objects.create(
            payment=refund.payment, refund=refund, source="refund", state=RefundState.REJECTED, result=str(error)[:200], created_at=now
        )


def ask_or_send(gateway: gateways.PaymentGateway, refund: Refund) -> gateways.RefundAnswer:
    if refund.state == RefundState.PROCESSING:
        try:
            return gateway.query_refund(refund.out_refund_no)
        except gateways.TradeNotFound:
            log.info("refund %s never arrived; sending the same number again", refund.pk)
    payment = refund.payment
    return gateway.refund(
        out_trade_no=payment.out_trade_no,
        out_refund_no=refund.out_refund_no,
        amount=refund.amount,
        total=payment.received or payment.total,
        reason=refund.reason,
    )


@transaction.atomic
def lease(refund: Refund, *, now: datetime) -> bool:
    """Claim the row; a refund that the gateway closed gets its new number here, every other keeps the one it has."""
    changes: dict[str, object] = {"next_check_at": now + BACKOFF.after(refund.checks), "checks": refund.checks + 1}
    if refund.state != RefundState.PROCESSING:
        if another_went_just_now(refund, now):
            jobs.claim(refund, *AS_READ, next_check_at=now + APART)
            return False
        changes["sent_at"] = now
    if refund.state == RefundState.CLOSED:
        changes |= {"out_refund_no": f"{refund.out_refund_no}C", "state": RefundState.NEW}
    return jobs.claim(refund, *AS_READ, **changes)


def another_went_just_now(refund: Refund, now: datetime) -> bool:
    """Whether another part of the same payment was sent less than a minute ago; the payment stays locked until this one is claimed."""
    payment = Payment.objects.select_for_update(no_key=True).get(pk=refund.payment_id)
    return payment.refunds.exclude(pk=refund.pk).filter(sent_at__gt=now - APART).exists()
