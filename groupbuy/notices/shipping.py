"""Telling WeChat that the goods of a payment were handed over, whereupon it releases the money (发货信息录入)."""

from datetime import datetime

from django.utils.translation import gettext as _

from groupbuy.models import DeliverType, Gateway, Order, OrderStatus, Payment, PaymentUse
from retail import mini_program, outbox
from retail.models import OutboxEntry, Tenant
from retail.refusals import Unavailable

KIND = "shipping"
# developers.weixin.qq.com, 发货信息录入, 错误码. WeChat doesn't know the payment yet, or is busy:
LATER = frozenset({10060001, 10060012, 10060019})
# It was told before:
TOLD_ALREADY = frozenset({10060002, 10060003, 10060023})


def put(order: Order, *, now: datetime) -> None:
    """For an order that was handed over or sent off: once, and only if WeChat holds its money."""
    if mini_program.is_real() and order.payments.filter(use=PaymentUse.APPLIED, gateway=Gateway.WECHAT).exists():
        outbox.put(kind=KIND, subject_id=order.pk, tenant_id=order.tenant_id, shop_id=order.shop_id, now=now)


def send(entry: OutboxEntry) -> None:
    """Tell WeChat that an order was handed over or sent off. Raises what ``outbox.Send`` may raise.

    The time in it is the entry's: a repeat is equal to the letter and changes nothing at WeChat.
    """
    payment = Payment.objects.select_related("order").get(order=entry.subject_id, use=PaymentUse.APPLIED)
    if payment.order.status == OrderStatus.REFUNDED:
        raise outbox.NotNeeded(_("订单已退款，无需上报"))
    try:
        mini_program.upload_shipping(tenant=entry.tenant, shipment=shipment_of(payment, entry.tenant), now=entry.created_at)
    except mini_program.Refused as refused:
        if refused.errcode in LATER:
            raise Unavailable from refused
        if refused.errcode not in TOLD_ALREADY:
            raise


def shipment_of(payment: Payment, tenant: Tenant) -> mini_program.Shipment:
    order = payment.order
    is_pick_up = order.deliver_type == DeliverType.PICK_UP
    return mini_program.Shipment(
        transaction_id=payment.transaction_id or "",
        open_id=payment.parameters["open_id"],
        description=payment.parameters["description"],
        is_pick_up=is_pick_up,
        carrier="" if is_pick_up else carrier_code(order.carrier, tenant),
        tracking_number=order.tracking_number,
        phone=order.phone,
    )


def carrier_code(carrier: str, tenant: Tenant) -> str:
    """WeChat's code of a carrier that staff typed by name or by code. Raises outbox.Impossible."""
    if carrier.isascii():
        return carrier.upper()
    codes = mini_program.carriers(tenant)
    found = {codes[carrier]} if carrier in codes else {code for name, code in codes.items() if carrier in name}
    if len(found) != 1:
        raise outbox.Impossible(_("微信不认识快递公司“%(carrier)s”，请在微信商户平台手工录入") % {"carrier": carrier})
    return found.pop()


SENDER = outbox.Sender(send, is_repeatable=True)
