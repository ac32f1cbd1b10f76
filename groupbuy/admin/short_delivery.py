"""Fewer units came than were bought: one page that proposes whom it hits, shows the money, and refunds after a look."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from groupbuy.admin.forms import ShortageForm
from groupbuy.admin.narrowing import Narrowing
from groupbuy.models import GroupBuying, Order, Refund
from groupbuy.models.stages import stage_of
from groupbuy.payments import short_delivery
from groupbuy.payments.short_delivery import Shortfall
from retail.backoffice import caller, page_of
from retail.backoffice.asking import ROWS_MAX, AskingMixin
from retail.backoffice.theme import dress
from retail.money import ZERO
from retail.wire.ids import is_id

DISTRIBUTE, CONFIRM = "distribute", "confirm"


def orders_on_page(request: HttpRequest, group_buying: GroupBuying) -> list[Order]:
    """The orders that the page was sent with, or all that wait to be handed over and were asked for; 404 for one of elsewhere."""
    principal = caller(request)
    named = request.POST.get("orders", "")
    if not named:
        waiting = short_delivery.to_hand_over(group_buying_id=group_buying.pk, principal=principal)
        return list(Narrowing(request).of(waiting)[:ROWS_MAX])
    pks = named.split(",")
    if len(pks) > ROWS_MAX or not all(map(is_id, pks)):
        raise Http404
    found = Order.objects.visible_to(principal).filter(pk__in=pks, group_buying=group_buying)
    orders = list(short_delivery.with_money(found).order_by("-sequence"))
    if len(orders) != len(pks):
        raise Http404
    return orders


def ask(admin: AskingMixin, request: HttpRequest, group_buying: GroupBuying, orders: Sequence[Order]) -> HttpResponse:
    """A page in steps: how many are missing, on whom it falls and what it costs, and only then the refunds."""
    step = request.POST.get("step", "")
    form = ShortageForm(request.POST if step else None, orders=[order.pk for order in orders])
    if not step or not form.is_valid():
        return show(admin, request, group_buying, orders, form, form.missing if step else {})
    missing = short_delivery.distribute(form.cleaned_data["total"] or 0, orders) if step == DISTRIBUTE else form.missing
    if step == CONFIRM and form.cleaned_data["seen"] == key_of(missing):
        if refund(admin, request, orders, form.cleaned_data, missing):
            return redirect(page_of(group_buying))
    elif step == CONFIRM:
        messages.warning(request, _("份数有改动，金额已更新，请核对后再确认"))
    return show(admin, request, group_buying, orders, previewed(form, orders, missing), missing)


def refund(
    admin: AskingMixin, request: HttpRequest, orders: Sequence[Order], values: Mapping[str, Any], missing: Mapping[int, int]
) -> bool:
    service = partial(short_delivery.refund_missing, missing=missing, principal=caller(request), now=timezone.now())
    touched = [order for order in orders if order.pk in missing]
    return admin.attempt(request, service, refunds_wanted, touched=touched, reason=values["reason"], intent=values["intent"])


def refunds_wanted(wanted: Sequence[Refund], **given: Any) -> str:
    money = sum((one.amount for one in wanted), ZERO)
    return _("已登记 %(count)s 个订单的缺货退款，共 ¥%(money)s") % {"count": len(wanted), "money": money}


def previewed(form: ShortageForm, orders: Sequence[Order], missing: Mapping[int, int]) -> ShortageForm:
    """The form as it was filled in, with the units whose money is shown beside them."""
    kept = {name: form.cleaned_data[name] for name in ("total", "reason", "intent")}
    units = {f"units_{pk}": count for pk, count in missing.items()}
    return ShortageForm(initial=kept | units | {"seen": key_of(missing)}, orders=[order.pk for order in orders])


def key_of(missing: Mapping[int, int]) -> str:
    return ",".join(f"{pk}:{units}" for pk, units in sorted(missing.items()))


def show(
    admin: AskingMixin,
    request: HttpRequest,
    group_buying: GroupBuying,
    orders: Sequence[Order],
    form: ShortageForm,
    missing: Mapping[int, int],
) -> HttpResponse:
    dress(form.fields.values())
    now = timezone.now()
    hit = [Shortfall(order, missing.get(order.pk, 0)) for order in orders]
    site: Any = admin
    context = site.admin_site.each_context(request) | {
        "title": _("缺货退款"),
        "opts": GroupBuying._meta,
        "group_buying": group_buying,
        "form": form,
        # Once the page holds its orders, it stays with them.
        "narrowing": Narrowing(request) if request.method == "GET" else None,
        "rows": [(one, form[f"units_{one.order.pk}"], problem_of(one), stage_of(one.order, now).label) for one in hit],
        "figures": figures(group_buying, hit),
        "can_confirm": any(missing.values()) and not form.errors,
        "is_open": group_buying.is_open(now),
        "action": reverse("admin:groupbuy_groupbuying_short_delivery", args=[group_buying.pk]),
        "back": page_of(group_buying),
    }
    return TemplateResponse(request, "admin/groupbuy/short_delivery.html", context)


def problem_of(one: Shortfall) -> str:
    """Why an order can't be chosen, or can't bear as many units as were named."""
    return one.refusal or Shortfall(one.order, 1).refusal


def figures(group_buying: GroupBuying, hit: Sequence[Shortfall]) -> list[tuple[Any, Any]]:
    short = [one for one in hit if one.units]
    return [
        (_("团购"), group_buying.name),
        (_("待交货"), _("%(orders)d 单 %(units)d 份") % {"orders": len(hit), "units": sum(one.expected for one in hit)}),
        (_("缺货"), _("%(orders)d 单 %(units)d 份") % {"orders": len(short), "units": sum(one.units for one in short)}),
        (_("退款"), f"¥{sum((one.amount for one in short), ZERO)}"),
    ]
