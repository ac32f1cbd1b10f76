"""The page at the counter: eight digits in, goods out, next please."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from groupbuy.admin.forms import LiftForm, PickUpForm
from groupbuy.admin.in_words import goods_of
from groupbuy.models import Order
from groupbuy.models.stages import stage_of
from groupbuy.orders import hand_over as counter
from groupbuy.orders.fulfilment import require_goods_may_go
from groupbuy.orders.pick_up_dates import dates_of_order
from retail.backoffice import caller
from retail.backoffice.asking import complain, record
from retail.refusals import Refusal
from retail.rights import Right
from retail.wire.masking import mask_phone
from shops.models import Shop

CHOSEN_SHOP = "verify_shop"


def verify(request: HttpRequest) -> HttpResponse:
    """GET the empty page; POST a code: the order; POST it again with ``handed_over``: done."""
    if not caller(request).may(Right.HAND_OVER):
        raise PermissionDenied
    shops = Shop.objects.visible_to(caller(request)).open().order_by("code")
    form = PickUpForm(request.POST or None, shops=shops, initial={"shop": request.session.get(CHOSEN_SHOP)})
    if request.method != "POST" or not form.is_valid():
        return show(request, form)
    shop, code = form.cleaned_data["shop"], form.cleaned_data["code"]
    request.session[CHOSEN_SHOP] = shop.pk
    try:
        if "handed_over" in request.POST:
            return hand_over(request, shop, code)
        order = counter.find_by_code(shop_id=shop.pk, code=code, principal=caller(request), now=timezone.now())
    except Refusal as refusal:
        complain(request, refusal)
        return redirect("admin:groupbuy_verify")
    return show(request, form, order)


def hand_over(request: HttpRequest, shop: Shop, code: str) -> HttpResponse:
    order = counter.verify_code(shop_id=shop.pk, code=code, principal=caller(request), now=timezone.now())
    done = _("已核销：%(goods)s，交给 %(buyer)s") % {"goods": goods_of(order), "buyer": order.buyer.nickname}
    record(request, [order], _("核销取货码"))
    messages.success(request, done)
    return redirect(reverse("admin:groupbuy_verify"))


def lift(request: HttpRequest) -> HttpResponse:
    """POST ``user`` and ``shop``: that person may try codes again."""
    form = LiftForm(request.POST)
    if request.method == "POST" and form.is_valid():
        try:
            person = counter.lift_pause(**form.cleaned_data, principal=caller(request), now=timezone.now())
        except Refusal as refusal:
            complain(request, refusal)
        else:
            record(request, [person], _("解除取货码输错的暂停"))
            messages.success(request, _("%(name)s 可以继续核销了") % {"name": person.nickname})
    return redirect("admin:groupbuy_verify")


def show(request: HttpRequest, form: PickUpForm, order: Order | None = None) -> HttpResponse:
    shops = list(form.fields["shop"].queryset)  # type: ignore[attr-defined]
    wanted = str(form["shop"].value())
    chosen = next((shop.pk for shop in shops if str(shop.pk) == wanted), shops[0].pk if shops else None)
    now = timezone.now()
    context = admin.site.each_context(request) | {
        "title": _("取货核销"),
        "form": form,
        "shops": shops,
        "chosen": chosen,
        "paused_until": counter.own_pause(shop_id=chosen, principal=caller(request), now=now) if chosen and order is None else None,
        "pauses": counter.pauses(principal=caller(request), now=now) if order is None else [],
        "order": order,
        "seen": seen_of(order, request) if order else {},
        "stage": stage_of(order, now).label if order else "",
        "goods": goods_of(order) if order else "",
        "dates": dates_of_order(order).in_words(timezone.localdate(now)) if order else "",
        "missing": order.missing_units() if order else 0,
        "refusal": why_not(order) if order else None,
        "completion": counter.completion_of(order) if order else None,
    }
    return TemplateResponse(request, "admin/groupbuy/verify.html", context)


def seen_of(order: Order, request: HttpRequest) -> dict[str, str]:
    """What this person may read of the buyer: of an order that is over, clerks as little as in the list."""
    if order.is_masked_for(caller(request)):
        return {"phone": mask_phone(order.phone)}
    return {"phone": order.phone, "remark": order.remark}


def why_not(order: Order) -> Refusal | None:
    """What the person should know before the button is there at all; the service decides again."""
    try:
        require_goods_may_go(order)
    except Refusal as refusal:
        return refusal
    return None


admin.site.add_page("groupbuy/verify/lift/", lift, name="groupbuy_lift_pause")  # type: ignore[attr-defined]
admin.site.add_page("groupbuy/verify/", verify, name="groupbuy_verify")  # type: ignore[attr-defined]
