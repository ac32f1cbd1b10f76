"""Money that waits for a person: what was received and is held, and refunds that the gateway doesn't get on with.

For headquarters and the platform. Every decision is an event of its payment with who took it; ``docs/decisions/0015`` says which
there are and why.
"""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy import moves
from groupbuy.models import Payment, PaymentEvent, PaymentUse, Refund, RefundState
from groupbuy.payments import gateways, settling
from groupbuy.payments.gateways import deadlines
from groupbuy.payments.gateways.accounts import gateway_of
from retail.money import ZERO
from retail.principals import Principal
from retail.refusals import Invalid, NotThere, Refusal, Unavailable, found
from retail.rights import Right

# The longest number that the gateway takes.
NUMBER_MAX = 64


class Resolved(Refusal):
    """Somebody, or the gateway, was first."""

    message = gettext_lazy("这笔款项已处理或状态刚刚变化，请刷新后再看")


@transaction.atomic
def refund_held(*, payment_id: int, principal: Principal, now: datetime) -> Refund:
    """Send all that is left of held money back the way it came; the order may then be paid anew. Raises NotThere, Forbidden, Resolved."""
    payment = held(payment_id, principal)
    intent = f"held-{payment.pk}-{payment.refunds.count()}"
    left = payment.left_to_refund()
    release(payment)
    wanted = settling.want_refund(payment, intent=intent, amount=left, reason=_("支付金额异常，退回"), user=principal.user, now=now)
    tell(wanted, "held money: refund wanted", principal, now=now)
    return wanted


@transaction.atomic
def record_held_returned(*, payment_id: int, amount: Decimal | None, note: str, intent: str, principal: Principal, now: datetime) -> Refund:
    """Held money, or ``amount`` yuan of it, went back without us, as ``note`` says; it stays held until nothing is left.

    The same ``intent`` is the same record. Raises NotThere, Forbidden, Resolved, Invalid.
    """
    principal.must(Right.REFUND)
    known = Refund.objects.visible_to(principal).filter(intent=f"hand-{intent}", payment=payment_id).first()
    if known:
        return known
    payment = held(payment_id, principal)
    left = payment.left_to_refund()
    amount = left if amount is None else amount
    if not ZERO < amount <= left:
        raise Invalid(_("金额须大于 0 且不超过 %(left)s 元") % {"left": left})
    if amount == left:
        release(payment)
    reason = _("已在系统外退回")
    wanted = settling.want_refund(payment, intent=f"hand-{intent}", amount=amount, reason=reason, user=principal.user, now=now)
    return end_by_hand(wanted, payment, note, principal, now=now)


@deadlines.shared_deadline()
def ask_again(*, refund_id: int, principal: Principal, now: datetime) -> gateways.RefundAnswer:
    """Ask the gateway about a stuck refund, and book and return its answer.

    Raises NotThere, Forbidden, Resolved, Invalid, Unavailable.
    """
    principal.must(Right.REFUND)
    refund = found(Refund.objects.visible_to(principal).select_related("payment__order__tenant"), pk=refund_id)
    if not refund.is_stuck:
        raise Resolved
    try:
        answer = gateway_of(refund.payment).query_refund(refund.out_refund_no)
    except gateways.TradeNotFound as error:
        raise Invalid(_("支付渠道没有这笔退款")) from error
    except gateways.GatewayError as error:
        raise Unavailable from error
    settling.settle_refund(answer, source="staff", now=now)
    return answer


@transaction.atomic
def send_again(*, refund_id: int, principal: Principal, now: datetime) -> Refund:
    """Have a refund sent once more: a rejected one under its own number, a closed one under a new number, an abnormal one not at all.

    Raises NotThere, Forbidden, Resolved, Refusal.
    """
    refund, payment = stuck(refund_id, principal)
    if refund.state == RefundState.ABNORMAL:
        raise Refusal(_("异常的退款不能重新提交：请在微信商户平台处理，或登记线下退款"))
    require_money(refund, payment)
    changes: dict[str, object] = {"next_check_at": now, "checks": 0}
    if refund.state == RefundState.REJECTED:
        changes["state"] = RefundState.NEW
    elif len(refund.out_refund_no) >= NUMBER_MAX:
        raise Refusal(_("渠道多次关闭这笔退款，请登记线下退款"))
    change(refund, **changes)
    tell(refund, "to be sent again", principal, now=now)
    return refund


@transaction.atomic
def record_returned(*, refund_id: int, note: str, principal: Principal, now: datetime) -> Refund:
    """The money of a stuck refund was paid back by hand, as ``note`` says: it is done, and its order goes on.

    Raises NotThere, Forbidden, Resolved, Refusal.
    """
    refund, payment = stuck(refund_id, principal)
    require_money(refund, payment)
    return end_by_hand(refund, payment, note, principal, now=now)


@transaction.atomic
def drop(*, refund_id: int, note: str, principal: Principal, now: datetime) -> Refund:
    """Give a rejected refund up, for the reason in ``note``. Money that was never the order's is held again, if no other refund claims it.

    Raises NotThere, Forbidden, Resolved, Refusal.
    """
    refund, payment = stuck(refund_id, principal)
    if refund.state != RefundState.REJECTED:
        raise Refusal(_("只有被拒的退款可以作废"))
    left = payment.left_to_refund()
    if payment.use == PaymentUse.APPLIED and left > ZERO and payment.order.group_buying.is_unsuccessful:
        raise Refusal(_("未成团或已取消的团购必须退款：请重新提交，或登记线下退款"))
    if payment.use == PaymentUse.SURPLUS and left > ZERO:
        Payment.objects.filter(pk=payment.pk).update(use=PaymentUse.HELD)
    change(refund, settled_by=principal.user, note=note)
    tell(refund, f"given up: {note}", principal, now=now)
    return refund


def held(payment_id: int, principal: Principal) -> Payment:
    """A payment whose money is held, locked. Raises NotThere, Forbidden, Resolved."""
    principal.must(Right.REFUND)
    payment = locked(found(Payment.objects.visible_to(principal), pk=payment_id))
    if payment.use != PaymentUse.HELD:
        raise Resolved
    return payment


def locked(payment: Payment) -> Payment:
    """The payment with its order, both locked. Raises NotThere."""
    held_fast = settling.lock(payment.gateway, payment.out_trade_no)
    if held_fast is None:
        raise NotThere
    return held_fast


def stuck(refund_id: int, principal: Principal) -> tuple[Refund, Payment]:
    """A refund that waits for a person, and its payment, locked. Raises NotThere, Forbidden, Resolved."""
    principal.must(Right.REFUND)
    payment = locked(found(Refund.objects.visible_to(principal).select_related("payment"), pk=refund_id).payment)
    refund = Refund.objects.select_for_update().get(pk=refund_id)
    if not refund.is_stuck:
        raise Resolved
    return refund, payment


def release(payment: Payment) -> None:
    """Held money becomes money with a refund: it no longer keeps the order from being paid."""
    if not Payment.objects.filter(pk=payment.pk, use=PaymentUse.HELD).update(use=PaymentUse.SURPLUS):
        raise Resolved
    payment.use = PaymentUse.SURPLUS


def require_money(refund: Refund, payment: Payment) -> None:
    """A rejected refund claims nothing: meanwhile its money may have gone back in another. Raises Refusal."""
    if not refund.is_claiming and refund.amount > payment.left_to_refund():
        raise Refusal(_("这笔款项已由别的退款退回，请作废这一笔"))


def end_by_hand(refund: Refund, payment: Payment, note: str, principal: Principal, *, now: datetime) -> Refund:
    change(refund, state=RefundState.SUCCESS, refunded_at=now, next_check_at=None, settled_by=principal.user, note=note)
    tell(refund, f"paid back by hand: {note}", principal, now=now)
    settling.finish_refund(payment, now=now, actor=moves.actor_of(principal), reason=note)
    return refund


def change(refund: Refund, **changes: object) -> None:
    """Compare-and-set on the state that was read. Raises Resolved."""
    if not Refund.objects.filter(pk=refund.pk, state=refund.state).update(**changes):
        raise Resolved
    for name, value in changes.items():
        setattr(refund, name, value)


def tell(refund: Refund, result: str, principal: Principal, *, now: datetime) -> None:
    PaymentEvent.objects.create(
        payment_id=refund.payment_id,
        refund=refund,
        source="staff",
        state=refund.state,
        result=result[:200],
        user=principal.user,
        created_at=now,
    )
