"""The first page: what waits for this person today."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from groupbuy.admin.orders import goods_of, stage_is
from groupbuy.models import BillDifference, DeliverType, GroupBuying, Order, Payment, PaymentUse, Refund, Stage
from groupbuy.models.orders import BOUGHT, TO_DELIVER
from groupbuy.models.stages import TO_COLLECT, with_stage
from retail.backoffice import caller
from retail.models import OutboxEntry, OutboxState
from retail.money import to_cents
from retail.principals import Principal
from retail.rights import Right

DAYS = 14


def figures(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The same number of queries, whatever the number of rows; called by the theme."""
    principal, now = caller(request), timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    running = GroupBuying.objects.visible_to(principal).running(now).select_related("shop", "product").order_by("end_at")
    newest = waiting(principal, now).select_related("buyer", "shop").order_by("-paid_at", "-pk")[:8]
    return context | {
        "title": _("工作台"),
        "cards": cards(principal, midnight=midnight, now=now),
        "running": [progress(group_buying) for group_buying in running[:6]],
        "newest": [(order, goods_of(order), Stage(order.stage).label) for order in newest],
        "days": turnover(principal, midnight=midnight) if principal.may(Right.SEE_COSTS) else [],
    }


def waiting(principal: Principal, now: datetime) -> Any:
    """Paid orders that nobody has got yet, with their stages."""
    return with_stage(Order.objects.visible_to(principal).filter(status__in=TO_DELIVER), now)


def cards(principal: Principal, *, midnight: datetime, now: datetime) -> list[dict[str, Any]]:
    today = Order.objects.visible_to(principal).filter(paid_at__gte=midnight, status__in=BOUGHT)
    sums = today.aggregate(paid=Count("pk"), money=Sum("money"))
    orders = reverse("admin:groupbuy_order_changelist")
    shown = [
        card(_("今日已付款订单"), sums["paid"], f"{orders}?paid_at_from={midnight:%Y-%m-%d}"),
        *(card(title, count, f"{orders}?{query}") for title, count, query in to_do(principal, now)),
    ]
    if principal.may(Right.SEE_COSTS):
        shown.insert(0, card(_("今日成交额"), f"¥{to_cents(sums['money']):,}", f"{orders}?paid_at_from={midnight:%Y-%m-%d}"))
        shown += troubles(principal)
    return shown


def to_do(principal: Principal, now: datetime) -> list[tuple[str, int, str]]:
    """What waits for the shop: each with its number of orders, and the query of the list that shows them."""
    rows = waiting(principal, now).order_by().values_list("deliver_type", "stage").annotate(Count("pk"))
    counts = Counter({(way, stage): count for way, stage, count in rows})
    kinds = (
        (_("待备货"), DeliverType.PICK_UP, (Stage.PAID,)),
        (_("待取货"), DeliverType.PICK_UP, TO_COLLECT),
        (_("待发快递"), DeliverType.EXPRESS, (Stage.PAID, Stage.CONFIRMED)),
    )
    return [(title, sum(counts[way, stage] for stage in stages), narrowed(way, stages)) for title, way, stages in kinds]


def narrowed(way: DeliverType, stages: Sequence[Stage]) -> str:
    return f"deliver_type__exact={way}&{stage_is(*stages)}"


def troubles(principal: Principal) -> list[dict[str, Any]]:
    """Only when there are some: money, and what WeChat would not take, that a person must look at."""
    held = Payment.objects.visible_to(principal).held().count()
    stuck = Refund.objects.visible_to(principal).stuck().count()
    differences = BillDifference.objects.visible_to(principal).unresolved().count()
    unsent = OutboxEntry.objects.visible_to(principal).given_up().count()
    found = (
        (_("待核实收款"), held, "groupbuy_payment_changelist", f"use__exact={PaymentUse.HELD}"),
        (_("退款异常"), stuck, "groupbuy_refund_changelist", "stuck=yes"),
        (_("账单差异"), differences, "groupbuy_billdifference_changelist", "resolved_at__isnull=True"),
        (_("通知与上报失败"), unsent, "retail_outboxentry_changelist", f"state__exact={OutboxState.GIVEN_UP}"),
    )
    return [card(title, count, f"{reverse(f'admin:{view}')}?{query}", alarm=True) for title, count, view, query in found if count]


def card(title: str, value: Any, href: str, *, alarm: bool = False) -> dict[str, Any]:
    return {"title": title, "value": value, "href": href, "alarm": alarm}


def progress(group_buying: GroupBuying) -> dict[str, Any]:
    return {"group_buying": group_buying, "percent": round(group_buying.taken * 100 / max(group_buying.quota, 1))}


def turnover(principal: Principal, *, midnight: datetime) -> list[dict[str, Any]]:
    """Money received on each of the last 14 days, with the height of its bar in percent of the best day."""
    first = midnight - timedelta(days=DAYS - 1)
    rows = Order.objects.visible_to(principal).filter(paid_at__gte=first, status__in=BOUGHT)
    sums = {
        row["day"]: to_cents(row["money"]) for row in rows.annotate(day=TruncDate("paid_at")).values("day").annotate(money=Sum("money"))
    }
    days = [(first + timedelta(days=number)).date() for number in range(DAYS)]
    best = max(sums.values(), default=0) or 1
    return [{"day": day, "money": sums.get(day, to_cents(0)), "percent": round(sums.get(day, 0) * 100 / best)} for day in days]
