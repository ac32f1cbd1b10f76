"""Subscription messages to buyers. Their words are made when they are sent; the pick-up code is never among them.

A message shows on a locked phone, and whoever reads the code there could fetch the goods.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q, TextChoices
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy.models import Consent, DeliverType, Order, OrderStatus, Outcome, Refund
from groupbuy.models.orders import BOUGHT, TO_DELIVER
from retail import dates, mini_program, outbox
from retail.models import OutboxEntry, User
from retail.refusals import Unavailable
from shops import configuration


class Kind(TextChoices):
    """What a buyer is told of, and where that happens; the template of each is the setting ``message_<kind>``.

    PAID and ARRIVED are moves of the order (``groupbuy.moves``), SUCCEEDED and FAILED what becomes of a group buy
    (``orders.group_buyings``), REFUNDED is booked where all money is (``payments.settling``), REMINDED is ``orders.overdue``,
    RESCHEDULED ``orders.rescheduling``.
    """

    PAID = "paid", gettext_lazy("支付成功通知")
    ARRIVED = "arrived", gettext_lazy("到店取货通知")
    SUCCEEDED = "succeeded", gettext_lazy("成团通知")
    FAILED = "failed", gettext_lazy("未成团通知")
    REFUNDED = "refunded", gettext_lazy("退款到账通知")
    REMINDED = "reminded", gettext_lazy("取货提醒")
    RESCHEDULED = "rescheduled", gettext_lazy("改期通知")


# The statuses in which a message is still true when its turn comes.
TRUE_IN: Mapping[Kind, tuple[OrderStatus, ...]] = {
    Kind.PAID: (OrderStatus.PAID, OrderStatus.CONFIRMED),
    Kind.ARRIVED: (OrderStatus.SHIPPED,),
    Kind.SUCCEEDED: (OrderStatus.CONFIRMED,),
    Kind.FAILED: (*BOUGHT, OrderStatus.REFUNDED),
    Kind.REFUNDED: tuple(OrderStatus),
    Kind.REMINDED: (OrderStatus.SHIPPED,),
    Kind.RESCHEDULED: TO_DELIVER,
}
# One message for each row of the timeline.
OF_EVENTS = (Kind.REMINDED, Kind.RESCHEDULED)
# Whoever doesn't know that goes for nothing, or loses what waits: if no message arrives, a person calls (``notices.told``).
MUST_REACH = (Kind.ARRIVED, Kind.REMINDED, Kind.RESCHEDULED, Kind.FAILED)
ABOUT_REFUNDS = (Kind.FAILED, Kind.REFUNDED)
# How many characters WeChat takes in a field of that type (订阅消息参数值内容限制).
LONGEST = {"thing": 20, "character_string": 32, "phrase": 5, "name": 10}
NOT_SUBSCRIBED = 43101
NOT_AGREED = gettext_lazy("顾客未同意接收")


@dataclass(frozen=True)
class Template:
    """``fields``: the template's keywords, each with the name of the fact that it shows."""

    id: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class News:
    """What a message is about: an order, and the sum and the moment that matter."""

    order: Order
    money: Decimal
    at: datetime


def put(kind: Kind, order: Order, *, now: datetime, subject_id: int | None = None) -> None:
    """What must reach the buyer always, all else where the tenant has a template.

    ``subject_id`` is the order's unless the kind says otherwise: of REFUNDED it is the refund's; of what an order may hear more than
    once, the row's of its timeline.
    """
    if kind in MUST_REACH or (mini_program.is_real() and template_text(kind, order)):
        outbox.put(kind=kind, subject_id=subject_id or order.pk, tenant_id=order.tenant_id, shop_id=order.shop_id, now=now)


def template_text(kind: Kind, order: Order) -> str:
    return str(configuration.value_of(code=f"message_{kind.value}", tenant_id=order.tenant_id, shop_id=order.shop_id)).strip()


def send(entry: OutboxEntry) -> None:
    """Send a buyer the subscription message of an entry. Raises what ``outbox.Send`` may raise, NotNeeded when it is true no longer."""
    kind = Kind(entry.kind)
    news = news_of(kind, entry)
    order = news.order
    if not is_true(kind, order):
        raise outbox.NotNeeded(_("订单状态已变化"))
    text = template_text(kind, order)
    if not text:
        raise outbox.NotNeeded(_("没有配置消息模板"))
    identity = order.buyer.wechat_identities.filter(app_id=mini_program.app_id_of(entry.tenant)).first()
    if identity is None:
        raise outbox.NotNeeded(_("顾客没有登录过小程序"))
    template = template_in(text)
    page = str(configuration.value_of(code="message_page", tenant_id=order.tenant_id, shop_id=order.shop_id))
    with one_consent(order.buyer, template.id):
        mini_program.send_message(
            tenant=entry.tenant,
            open_id=identity.open_id,
            template_id=template.id,
            page=page.replace("{id}", str(order.pk)),
            values=values_of(template, facts_of(kind, news)),
        )


@contextmanager
def one_consent(buyer: User, template_id: str) -> Iterator[None]:
    """Use up one of the buyer's consents, unless the message surely didn't go out; whose are not counted may be tried. Raises NotNeeded."""
    consents = Consent.objects.of(buyer, template_id)
    if not consents.take(timezone.now()) and consents.exists():
        raise outbox.NotNeeded(NOT_AGREED)
    try:
        yield
    except mini_program.Unknown:
        raise
    except (mini_program.Refused, Unavailable) as error:
        if isinstance(error, mini_program.Refused) and error.errcode == NOT_SUBSCRIBED:
            consents.update(left=0)
            raise outbox.NotNeeded(NOT_AGREED) from error
        consents.add(timezone.now())
        raise


def is_true(kind: Kind, order: Order) -> bool:
    """Still, when its turn comes: nobody is told to fetch what is being refunded."""
    return order.status in TRUE_IN[kind] and (kind in ABOUT_REFUNDS or not order.is_refunding())


def news_of(kind: Kind, entry: OutboxEntry) -> News:
    if kind == Kind.REFUNDED:
        refund = Refund.objects.select_related("payment__order__shop", "payment__order__buyer").get(pk=entry.subject_id)
        return News(refund.payment.order, refund.amount, refund.refunded_at or entry.created_at)
    order = Order.objects.select_related("shop", "buyer", "group_buying").get(order_of(kind, entry))
    return News(order, order.money, entry.created_at)


def order_of(kind: Kind, entry: OutboxEntry) -> Q:
    return Q(events=entry.subject_id) if kind in OF_EVENTS else Q(pk=entry.subject_id)


def facts_of(kind: Kind, news: News) -> dict[str, str]:
    """What a template's fields may show, by the names that the settings use."""
    order = news.order
    return {
        "商品": order.product_name,
        "数量": str(order.qty),
        "金额": f"{news.money}元",
        "门店": order.shop.name,
        "地址": order.address if order.deliver_type == DeliverType.PICK_UP else "",
        "订单号": order.code,
        "时间": f"{timezone.localtime(news.at):%Y-%m-%d %H:%M}",
        "取货时间": dates_in(order),
        "说明": str(remark_of(kind, order)),
    }


def dates_in(order: Order) -> str:
    """When the goods can be collected, or are sent off, in at most 20 characters; "" when nobody has said."""
    window, ships_on = order.pick_up_window, order.group_buying.ships_on
    if window is None:
        return _("%(day)s 发货") % {"day": dates.day_in_words(ships_on)} if ships_on else ""
    start, end = timezone.localtime(window.start), timezone.localtime(window.end)
    if start.date() == end.date():
        return dates.span_in_words(*window)
    if (start.year, start.month) == (end.year, end.month):
        return _("%(day)s%(from)s–%(last)d日%(until)s") % {
            "day": dates.day_in_words(start.date()),
            "from": f"{start:%H:%M}",
            "last": end.day,
            "until": f"{end:%H:%M}",
        }
    return _("%(day)s %(from)s 起") % {"day": dates.day_in_words(start.date()), "from": f"{start:%H:%M}"}


def remark_of(kind: Kind, order: Order) -> str | Promise:
    """At most 20 characters."""
    if kind == Kind.FAILED:
        cancelled = order.group_buying.outcome == Outcome.CANCELLED
        return _("团购已取消，款项将原路退回") if cancelled else _("未成团，款项将原路退回")
    return {
        Kind.PAID: _("支付成功，我们会尽快备货"),
        Kind.ARRIVED: _("商品已到店，请凭取货码取货"),
        Kind.SUCCEEDED: _("已成团，我们会尽快备货"),
        Kind.REMINDED: _("商品在门店等您，请尽快来取"),
        Kind.REFUNDED: _("款项已原路退回"),
        Kind.RESCHEDULED: _("取货时间有变，请留意") if order.deliver_type == DeliverType.PICK_UP else _("发货时间有变，请留意"),
    }[kind]


def template_in(text: str) -> Template:
    """``模板ID thing1=商品 amount2=金额``. Raises outbox.Impossible."""
    template_id, *pairs = text.split()
    fields = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if not fields or len(fields) != len(pairs):
        raise outbox.Impossible(_("消息模板的配置有误：%(text)s") % {"text": text})
    return Template(template_id, fields)


def values_of(template: Template, facts: Mapping[str, str]) -> dict[str, str]:
    """Raises outbox.Impossible."""
    unknown = set(template.fields.values()) - facts.keys()
    if unknown:
        raise outbox.Impossible(_("消息模板的配置有误：%(text)s") % {"text": "、".join(sorted(unknown))})
    # WeChat refuses empty values.
    return {keyword: facts[name][: LONGEST.get(keyword.rstrip("0123456789"))] or "—" for keyword, name in template.fields.items()}


SENDER = outbox.Sender(send)
