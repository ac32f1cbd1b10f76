"""Pages that ask before something is done: the figures, a form where one is needed, and one button."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from retail.backoffice import theme
from retail.refusals import Refusal

Service = Callable[..., Any]
# What the person reads and the history keeps: a sentence, or a function of what the service returned and of the form's values.
Done = str | Callable[..., str]

# Beyond this a form holds more fields than Django reads.
ROWS_MAX = 500


@dataclass(frozen=True)
class Question:
    """``facts``: figures as (name, value); ``rows``: what it is about, one text each; ``danger``: a red button."""

    title: str
    button: str = ""
    facts: Sequence[tuple[Any, Any]] = ()
    rows: Sequence[Any] = ()
    note: str = ""
    danger: bool = False
    form: type[forms.Form] | None = None
    form_options: dict[str, Any] = field(default_factory=dict)


def counted(text: str) -> Done:
    """The text with the ``count`` that the service returned, and with the form's values."""
    return lambda count, **values: text % {"count": count, **values}


def complain(request: HttpRequest, refusal: Refusal) -> None:
    """The admin's one place that turns a refusal into words."""
    messages.error(request, str(refusal.message))


def record(request: HttpRequest, touched: Iterable[Model], done: str) -> None:
    """One entry in the history of each of the rows."""
    rows: Any = list(touched)
    if rows and request.user.pk:
        LogEntry.objects.log_actions(user_id=request.user.pk, queryset=rows, action_flag=CHANGE, change_message=done)


class AskingMixin:
    """For a ModelAdmin: actions that call one service each."""

    def attempt(self, request: HttpRequest, service: Service, done: Done, *, touched: Iterable[Model], **values: Any) -> bool:
        """Call the service with the form's values and say what is done, or show its refusal; ``touched`` get an entry in their history."""
        try:
            outcome = service(**values)
        except Refusal as refusal:
            complain(request, refusal)
            return False
        sentence = done if isinstance(done, str) else done(outcome, **values)
        record(request, touched, sentence)
        messages.success(request, sentence)
        return True

    def ask(
        self, request: HttpRequest, question: Question, service: Service, done: Done, *, touched: Sequence[Model], back: str = ""
    ) -> HttpResponse:
        """GET, or the action of a list: the page. Answered: the service, then ``back``, or else the page of the first of ``touched``."""
        back = back or page_of(touched[0])
        answered = request.method == "POST" and "answered" in request.POST
        form = question.form(data=request.POST if answered else None, **question.form_options) if question.form else None
        if answered and (form is None or form.is_valid()):
            values = form.cleaned_data if form else {}
            self.attempt(request, service, done, touched=touched, **values)
            return redirect(back)
        return self.show_question(request, question, form, back)

    def show_question(self, request: HttpRequest, question: Question, form: forms.Form | None, back: str) -> HttpResponse:
        admin: Any = self
        if form is not None:
            theme.dress(form.fields.values())
        context = admin.admin_site.each_context(request) | {
            "title": question.title,
            "opts": admin.model._meta,
            "question": question,
            "form": form,
            "back": back,
            # A list's action comes back to the list with the same rows: what was seen is what is confirmed.
            "action": request.POST.get("action", ""),
            "selected": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME) if request.method == "POST" else [],
            "checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/question.html", context)

    def chosen(self, request: HttpRequest, queryset: Any) -> list[Any] | None:
        """The rows of a list's action, or None and a message when there are too many for one page."""
        rows = list(queryset[: ROWS_MAX + 1])
        if len(rows) > ROWS_MAX:
            messages.error(request, _("一次最多处理 %(most)s 条，请缩小范围") % {"most": ROWS_MAX})
            return None
        if request.POST.get("select_across") == "1":
            # The confirmation names the rows themselves, not "all": the list may have grown by then.
            answer: Any = request.POST.copy()
            answer.setlist(helpers.ACTION_CHECKBOX_NAME, [str(row.pk) for row in rows])
            request.POST = answer
        return rows


def page_of(instance: Model) -> str:
    """The address of an object's page in the admin."""
    meta = instance._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[instance.pk])
