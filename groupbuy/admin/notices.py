"""The buyers whom no message reached: what they should know, why they don't, and their phone."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from groupbuy.admin.forms import CallForm
from groupbuy.admin.in_words import goods_of
from groupbuy.admin.outbox import label_of
from groupbuy.models import Order
from groupbuy.notices import told
from groupbuy.orders import calling
from retail.backoffice import caller
from retail.backoffice.asking import complain, record
from retail.models import OutboxEntry
from retail.refusals import Refusal
from retail.rights import Right
from retail.wire.masking import mask_phone

ROWS = 20


def unreached(request: HttpRequest) -> HttpResponse:
    """GET the list, those who have waited longest first; POST ``order`` and ``notice``: that buyer was called."""
    if not caller(request).may(Right.HAND_OVER):
        raise PermissionDenied
    form = CallForm(request.POST)
    if request.method == "POST" and form.is_valid():
        record_call(request, form)
        return redirect(request.get_full_path())
    waiting = told.unreached(Order.objects.visible_to(caller(request)).masked_for(caller(request))).order_by("notice_id")
    page = Paginator(waiting.select_related("shop", "buyer", "group_buying"), ROWS).get_page(request.GET.get("page"))
    context = admin.site.each_context(request) | {"title": _("没通知到"), "page": page, "rows": rows_of(page)}
    return TemplateResponse(request, "admin/groupbuy/unreached.html", context)


def record_call(request: HttpRequest, form: CallForm) -> None:
    try:
        order = calling.record_call(**form.cleaned_data, principal=caller(request), now=timezone.now())
    except Refusal as refusal:
        complain(request, refusal)
        return
    record(request, [order], _("已电话告知"))
    messages.success(request, _("已记录：%(code)s 已电话告知") % {"code": order})


def rows_of(page: Page[Any]) -> list[dict[str, Any]]:
    notices = OutboxEntry.objects.in_bulk([order.notice_id for order in page])
    return [row(order, notices[order.notice_id]) for order in page]


def row(order: Any, notice: OutboxEntry) -> dict[str, Any]:
    return {
        "order": order,
        "notice": notice,
        "what": label_of(notice),
        "goods": goods_of(order),
        "window": order.pick_up_window,
        "phone": mask_phone(order.phone) if order.masked else order.phone,
    }


admin.site.add_page("groupbuy/unreached/", unreached, name="groupbuy_unreached")  # type: ignore[attr-defined]
