"""Dates in the back office: in the form of a group buy, on the pages that ask before they are changed, and beside the list of orders."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy.models import DeliverType, GroupBuying, Order
from groupbuy.orders import pick_up_dates, rescheduling
from groupbuy.orders.pick_up_dates import Dates
from retail import dates
from retail.backoffice import Question, ScopedForm, caller, counted
from retail.backoffice.asking import AskingMixin
from shops import opening

DATES = Dates._fields
# What decides about them.
DECIDING = {"end_at", "deliver_type", *DATES}
HELP = {
    "pick_up_from": gettext_lazy("自提填写；留空则按截单时间、商品的储存方式和门店的营业日自动填写。"),
    "ships_on": gettext_lazy("快递填写；留空则按截单时间和门店的营业日自动填写。"),
}


def explain_dates(form: ScopedForm) -> None:
    for name, words in HELP.items():
        if name in form.fields:
            form.fields[name].help_text = words


def check_dates(form: ScopedForm, cleaned: dict[str, Any]) -> None:
    """What was left empty is proposed; what was changed is checked. Group buys from before there were dates do without."""
    end_at = cleaned.get("end_at")
    # What lies in other years has its complaint, and could not be counted on from.
    if end_at is None or not dates.is_ours(end_at):
        return
    if DATES[0] in form.fields:
        fill_in(form, cleaned)
        complain(form, cleaned)
    elif "end_at" in form.changed_data:
        check_end(form, end_at)


def fill_in(form: ScopedForm, cleaned: dict[str, Any]) -> None:
    shop, product, deliver_type = (cleaned.get(name) for name in ("shop", "product", "deliver_type"))
    shop = shop or (form.instance.shop if form.instance.pk else None)
    typed = Dates(*map(cleaned.get, DATES))
    is_due = form.instance.pk is None or "deliver_type" in form.changed_data or pick_up_dates.dates_of(form.instance).are_set
    if not (shop and product and deliver_type and (is_due or typed.are_set)):
        return
    proposal = pick_up_dates.proposed(shop=shop, product=product, deliver_type=deliver_type, end_at=cleaned["end_at"])
    # Of parcels no window, of pick-ups no day of sending.
    cleaned.update({name: offered and (chosen or offered) for name, chosen, offered in zip(DATES, typed, proposal, strict=True)})


def complain(form: ScopedForm, cleaned: dict[str, Any]) -> None:
    shop = cleaned.get("shop") or (form.instance.shop if form.instance.pk else None)
    if not shop or not DECIDING & set(form.changed_data):
        return
    wanted = Dates(*(value if value and dates.is_ours(value) else None for value in map(cleaned.get, DATES)))
    open_days = opening.open_days_of(shop)
    wrong = pick_up_dates.complaints(wanted, end_at=cleaned["end_at"], open_days=open_days, now=timezone.now())
    for name, words in wrong.items():
        form.add_error(name, words)


def check_end(form: ScopedForm, end_at: datetime) -> None:
    """Buyers were promised the dates: whoever sells for longer changes these first."""
    promised = pick_up_dates.dates_of(form.instance)
    late = promised.ships_on and timezone.localdate(end_at) >= promised.ships_on
    if late or (promised.pick_up_from and end_at > promised.pick_up_from):
        form.add_error("end_at", _("截单晚于已约定的日期（%(dates)s），请先「改期」") % {"dates": promised.in_words()})


class MomentField(forms.DateTimeField):
    """A day and a time in one box of the browser."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
        super().__init__(widget=widget, validators=[dates.check_range], **options)


class WindowForm(forms.Form):
    pick_up_from = MomentField(label=gettext_lazy("取货开始"))
    pick_up_until = MomentField(label=gettext_lazy("取货截止"))


class ShippingDayForm(forms.Form):
    ships_on = forms.DateField(
        label=gettext_lazy("发货日期"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        validators=[dates.check_range],
    )


def ask_group_buying(asking: AskingMixin, request: HttpRequest, group_buying: GroupBuying) -> HttpResponse:
    held = pick_up_dates.dates_of(group_buying)
    own = group_buying.orders.filter(pick_up_from=None)
    touched = (own.to_hand_over() | own.awaiting_payment()).count()
    initial = held if held.are_set else proposal_for(group_buying)
    question = Question(
        title=_("改期"),
        facts=[(_("团购"), group_buying.name), (_("现在"), held.in_words() or _("未定")), (_("涉及的订单"), touched)],
        note=_("货还没交的订单都会记下改期，顾客收到通知；单独改过时间的订单不变。"),
        button=_("改期并通知"),
        form=ShippingDayForm if group_buying.deliver_type == DeliverType.EXPRESS else WindowForm,
        form_options={"initial": initial._asdict()},
    )
    service = partial(rescheduling.reschedule, group_buying_id=group_buying.pk, principal=caller(request), now=timezone.now())
    return asking.ask(request, question, service, counted(_("已改期，涉及 %(count)s 个订单")), touched=[group_buying])


def proposal_for(group_buying: GroupBuying) -> Dates:
    row = group_buying
    return pick_up_dates.proposed(shop=row.shop, product=row.product, deliver_type=row.deliver_type, end_at=row.end_at)


def ask_orders(
    asking: AskingMixin, request: HttpRequest, rows: Sequence[Order], *, facts: Sequence[Any], lines: Sequence[str], back: str
) -> HttpResponse:
    window = rows[0].pick_up_window
    question = Question(
        title=_("改取货时间"),
        facts=facts,
        rows=lines,
        note=_("只改这些订单，不影响团购的其他订单；每位顾客都会收到改期通知。"),
        button=_("改期并通知"),
        form=WindowForm,
        form_options={"initial": {"pick_up_from": window.start, "pick_up_until": window.end} if window else {}},
    )
    ids = [row.pk for row in rows]
    service = partial(rescheduling.reschedule_orders, order_ids=ids, principal=caller(request), now=timezone.now())
    return asking.ask(request, question, service, counted(_("已改 %(count)s 个订单的取货时间")), touched=rows, back=back)


class PickUpFilter(admin.SimpleListFilter):
    """Of pick-ups that wait for their buyers, or will: on which day they can be collected."""

    title = gettext_lazy("取货时间")
    parameter_name = "pickUp"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("today", _("今天取")), ("tomorrow", _("明天取")), ("over", _("已过取货时间"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        now = timezone.now()
        if self.value() == "over":
            return queryset.overdue(now)
        if self.value() not in ("today", "tomorrow"):
            return queryset
        day = timezone.localdate(now) + timedelta(days=self.value() == "tomorrow")
        begin = timezone.make_aware(datetime.combine(day, time()))
        return queryset.collected_between(begin, begin + timedelta(days=1))
