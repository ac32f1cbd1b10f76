"""Whether an order can be paid, and if not, why."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from groupbuy.models import Order, OrderStatus, PaymentUse
from groupbuy.models.orders import BOUGHT
from retail.principals import Principal
from retail.refusals import Refusal, ResultStatus, found


class Paid(Refusal):
    """The order turns out to be paid."""

    status = ResultStatus.PAID
    message = _("订单已支付")


class PayFailed(Refusal):
    status = ResultStatus.PAY_FAILED
    message = _("支付失败，请重新支付")


class PayUnknown(Refusal):
    status = ResultStatus.PAY_UNKNOWN
    message = _("支付结果确认中，请稍候")


class PrepayExpired(Refusal):
    status = ResultStatus.PAY_CODE_TIMED_OUT
    message = _("支付凭证已过期，请重新支付")


class WindowOver(Refusal):
    status = ResultStatus.PAY_WINDOW_OVER
    message = _("已超过支付时间")


class OrderEnded(Refusal):
    status = ResultStatus.NOT_BUYABLE
    message = _("订单已取消")


def find_order(order_id: int, principal: Principal) -> Order:
    """An order that the caller may see. Raises NotThere."""
    return found(Order.objects.visible_to(principal).select_related("tenant", "group_buying", "shop"), pk=order_id)


def why_unpayable(order: Order, now: datetime) -> Refusal | None:
    """Why ``order`` can't be paid at ``now``, from what is known; None while it waits for payment."""
    if order.status in BOUGHT:
        return Paid()
    if order.status in (OrderStatus.REFUNDED, OrderStatus.CLOSED):
        return OrderEnded()
    if order.status == OrderStatus.EXPIRED or order.is_past_deadline(now):
        return WindowOver()
    if order.payments.filter(use=PaymentUse.HELD).exists():
        return PayUnknown(_("支付结果核对中，请联系门店"))
    return None
