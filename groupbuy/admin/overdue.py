"""What staff do about goods that nobody fetched in time."""

from dataclasses import replace
from functools import partial
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy.admin.in_words import figures
from groupbuy.models import Order
from groupbuy.orders import overdue
from retail.backoffice import Question, caller, page_action
from retail.rights import Right


class ReminderForm(forms.Form):
    note = forms.CharField(label=gettext_lazy("怎么说的"), max_length=100, help_text=gettext_lazy("如：打过电话，明天下午来取。"))


class EndingForm(forms.Form):
    """Why an order is over whose goods nobody has."""

    ending = forms.ChoiceField(label=gettext_lazy("原因"), choices=overdue.Ending.choices)
    note = forms.CharField(label=gettext_lazy("说明"), max_length=100, required=False)


class OverdueMixin:
    """For the orders' admin; ``offers`` shows the buttons where an order is overdue."""

    def has_end_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.COMPLETE_OVERDUE)

    @page_action(description=gettext_lazy("记一次提醒"), path="remind", permission="fulfil", icon="call")
    def record_reminder(self, request: HttpRequest, object_id: str) -> HttpResponse:
        note = _("打电话或发消息提醒过顾客后记在这里；在两天提醒过，店长才能按逾期未取完成订单。")
        question = Question(title=_("记一次提醒"), note=note, button=_("记下"), form=ReminderForm)
        return self.about(request, object_id, question, overdue.record_reminder, _("已记下这次提醒"))

    @page_action(description=gettext_lazy("按逾期未取完成"), path="end", permission="end", icon="event_busy", danger=True)
    def complete_overdue(self, request: HttpRequest, object_id: str) -> HttpResponse:
        note = _("货款不退，商品不再保留；顾客之后再来，取货码仍能查到这个订单。要退款请联系总部，要多留几天请用「改取货时间」。")
        question = Question(title=_("按逾期未取完成"), note=note, button=_("完成订单"), danger=True, form=EndingForm)
        return self.about(request, object_id, question, overdue.complete_overdue, _("订单已按逾期未取完成"))

    def about(self, request: HttpRequest, object_id: str, question: Question, service: Any, done: str) -> HttpResponse:
        admin: Any = self
        order: Order = admin.get_object(request, object_id)
        asked = replace(question, facts=[*figures([order]), (_("已提醒"), _("%(count)d 天") % {"count": overdue.times_reached(order)})])
        acting = partial(service, order_id=order.pk, principal=caller(request), now=timezone.now())
        response: HttpResponse = admin.ask(request, asked, acting, done, touched=[order])
        return response
