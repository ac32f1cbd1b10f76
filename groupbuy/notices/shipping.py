"""Telling WeChat that the goods of a payment were handed over, whereupon it releases the money (发货信息管理), or that they come late."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from groupbuy.models import DeliverType, Gateway, Order, OrderStatus, Payment, PaymentUse
from retail import mini_program, outbox
from retail.models import OutboxEntry, Tenant
from retail.refusals import Unavailable

KIND = "shipping"
# The one that WeChat takes for each payment.
CORRECTION = "shipping-correction"
LATE = "shipping-late"
# developers.weixin.qq.com, 发货信息录入 and 特殊发货报备, 错误码. WeChat doesn't know the payment yet, or is busy:
LATER = frozenset({10060001, 10060012, 10060019, 268546002})
# It was told before:
TOLD_ALREADY = frozenset({10060002, 10060003, 10060023})
CORRECTED_ALREADY = 10060003
# Between payment and shipping, without and with an announcement.
USUAL, LONGEST = timedelta(days=15), timedelta(days=330)


def put(order: Order, *, now: datetime) -> None:
    """For an order that was handed over or sent off: once, and only if WeChat holds its money."""
    if is_held_by_wechat(order):
        outbox.put(kind=KIND, subject_id=order.pk, tenant_id=order.tenant_id, shop_id=order.shop_id, now=now)


def put_correction(order: Order, *, now: datetime) -> None:
    """For a parcel whose carrier or number was wrong. Once, as WeChat has it."""
    if is_held_by_wechat(order):
        outbox.put(kind=CORRECTION, subject_id=order.pk, tenant_id=order.tenant_id, shop_id=order.shop_id, now=now)


def announce_late(order: Order, *, now: datetime) -> None:
    """For an order that was just paid for, or whose dates have moved: again if its goods still come more than 15 days after payment."""
    if is_late(order) and is_held_by_wechat(order):
        outbox.put_again(kind=LATE, subject_id=order.pk, tenant_id=order.tenant_id, shop_id=order.shop_id, now=now)


def is_held_by_wechat(order: Order) -> bool:
    return mini_program.is_real() and order.payments.filter(use=PaymentUse.APPLIED, gateway=Gateway.WECHAT).exists()


def is_late(order: Order) -> bool:
    expected = expected_at(order)
    return expected is not None and order.paid_at is not None and expected - order.paid_at > USUAL


def expected_at(order: Order) -> datetime | None:
    """When the goods are there at last: as the pick-up begins, or at the end of the day of sending. Reads the group buy."""
    window, day = order.pick_up_window, order.group_buying.ships_on
    if window:
        return window.start
    if order.deliver_type != DeliverType.EXPRESS or day is None:
        return None
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


@contextmanager
def later_if_unknown() -> Iterator[None]:
    """What WeChat doesn't know yet is told later: of a payment it hears from another department of its own."""
    try:
        yield
    except mini_program.Refused as refused:
        if refused.errcode in LATER:
            raise Unavailable from refused
        raise


@later_if_unknown()
def send(entry: OutboxEntry) -> None:
    """Tell WeChat that an order was handed over or sent off. Raises what ``outbox.Send`` may raise.

    The time in it is the entry's: a repeat is equal to the letter and changes nothing at WeChat.
    """
    payment = payment_to_tell_of(entry)
    shipment = shipment_of(payment, entry.tenant)
    try:
        mini_program.upload_shipping(tenant=entry.tenant, shipment=shipment, now=entry.created_at)
    except mini_program.Refused as refused:
        if entry.kind == CORRECTION and refused.errcode == CORRECTED_ALREADY:
            raise outbox.Impossible(_("微信只接受一次更正，而且已经用过，请在微信商户平台核对")) from refused
        if refused.errcode not in TOLD_ALREADY:
            raise


@later_if_unknown()
def send_late(entry: OutboxEntry) -> None:
    """Announce when the goods of a payment come. Raises what ``outbox.Send`` may raise."""
    payment = payment_to_tell_of(entry)
    order, expected = payment.order, expected_at(payment.order)
    if expected is None or not is_late(order) or order.status not in (OrderStatus.PAID, OrderStatus.CONFIRMED):
        raise outbox.NotNeeded(_("商品已发出，或日期已提前，无需报备"))
    if order.paid_at and expected - order.paid_at > LONGEST:
        raise outbox.Impossible(_("预计发货时间晚于付款后 %(days)d 天，微信不接受报备") % {"days": LONGEST.days})
    mini_program.announce_presale(tenant=entry.tenant, transaction_id=payment.transaction_id or "", until=expected)


def payment_to_tell_of(entry: OutboxEntry) -> Payment:
    """The payment of the entry's order. Raises NotNeeded for one that WeChat doesn't ask about, Refused, Unavailable."""
    payment = Payment.objects.select_related("order__group_buying").get(order=entry.subject_id, use=PaymentUse.APPLIED)
    if payment.order.status == OrderStatus.REFUNDED:
        raise outbox.NotNeeded(_("订单已退款，无需上报"))
    if not is_of_mini_program(payment, entry.tenant):
        raise outbox.NotNeeded(_("不是在小程序里付的款，微信不要求上报"))
    if not mini_program.is_trade_managed(entry.tenant):
        raise outbox.NotNeeded(_("小程序没有开通发货信息管理，无需上报"))
    return payment


def is_of_mini_program(payment: Payment, tenant: Tenant) -> bool:
    """Payments of web pages have no open id, those of an official account that of another app: WeChat knows neither here."""
    return payment.parameters.get("app_id") == mini_program.app_id_of(tenant) and bool(payment.parameters.get("open_id"))


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
SENDERS = {KIND: SENDER, CORRECTION: SENDER, LATE: outbox.Sender(send_late, is_repeatable=True)}
