"""The admin classes that everything else derives from: nothing outside of the person's tenant and shops, nothing deleted by accident."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import BadRequest, FieldDoesNotExist
from django.db import IntegrityError, models
from django.db.models import Field, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retail import dates
from retail.backoffice import theme
from retail.backoffice.asking import AskingMixin, complain
from retail.backoffice.exports import ExportAdmin
from retail.backoffice.scope import asks_beyond_our_years, caller, scoped_rows, visible
from retail.backoffice.seen import SeenForm, SeenFormSet
from retail.database.faults import is_double
from retail.forms import NumberField
from retail.models import Tenant
from retail.pictures import PictureField, clean_ahead, kept_with
from retail.principals import Principal
from retail.refusals import Refusal
from retail.rights import Right
from retail.wire.ids import is_id

# Columns that the form never shows but that constraints speak of.
OWNERS = {"tenant", "shop"}
UNUSED_LOOKUPS = set(models.DateTimeField.get_lookups()) - {"exact", "in", "isnull", "gt", "gte", "lt", "lte", "year"}  # type: ignore[call-arg]


class SavedMeanwhile(Refusal):
    """Between a form's check and its writing somebody saved the same: another person, or the same button pressed twice."""

    message = gettext_lazy("刚刚已有相同的内容保存，这次没有改动，请核对后再试")


class ScopedForm(SeenForm):
    """A form that knows who fills it in; a new row belongs to that person's tenant from the start, so that constraints see it."""

    principal: ClassVar[Principal]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None and self.principal.tenant_id and hasattr(self.instance, "tenant_id"):
            self.instance.tenant_id = self.principal.tenant_id

    def _get_validation_exclusions(self) -> set[str]:
        # Django leaves out columns that are not in the form, and with them the constraints "this code exists already".
        present = {name for name in OWNERS if getattr(self.instance, f"{name}_id", None)}
        return set(super()._get_validation_exclusions()) - present  # type: ignore[misc]

    def clean(self) -> dict[str, Any]:
        """The platform sees several tenants, but a row belongs to one."""
        cleaned = super().clean()
        chosen = [value for value in cleaned.values() if isinstance(value, Model)]
        tenants = {value.pk if isinstance(value, Tenant) else getattr(value, "tenant_id", None) for value in chosen}
        tenants.add(getattr(self.instance, "tenant_id", None) if "tenant" not in cleaned else None)
        if len(tenants - {None}) > 1:
            raise forms.ValidationError(_("所选内容不属于同一商家"))
        return cleaned


class ScopedMixin:
    """Choices within the caller's scope; pictures through our own check."""

    formfield_overrides: ClassVar[dict[Any, Any]] = {models.ImageField: {"form_class": PictureField}}

    def choices_of(self, db_field: Field[Any, Any], rows: Any, request: HttpRequest) -> Any:
        """A hook: which of the visible ``rows`` may be chosen."""
        return rows

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = self.choices_of(db_field, visible(db_field.remote_field.model, caller(request)), request)
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            kwargs["widget"] = theme.Autocomplete(db_field, self.admin_site, using=kwargs.get("using"))  # type: ignore[attr-defined]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = self.choices_of(db_field, visible(db_field.remote_field.model, caller(request)), request)
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, models.DecimalField):
            kwargs["form_class"] = NumberField
        formfield = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if formfield is not None and isinstance(formfield.widget, RelatedFieldWidgetWrapper):
            # No pencils and crosses beside every choice: what is behind them has its own page.
            formfield.widget = formfield.widget.widget
        return formfield


class ScopedAdmin(AskingMixin, ScopedMixin, ExportAdmin):
    """The base. ``tenant_path`` and ``shop_path`` serve models whose queryset has no ``visible_to``; no tenant path: everyone's.

    ``fixed``: fields that can't change once the row exists; ``linked``: columns that our own links filter by;
    ``pills``: everyday filters above the list, as (title, query string); ``managers_only``: fields and columns that clerks don't see,
    ``headquarters_only``: that managers don't see either.
    """

    tenant_path = "tenant"
    shop_path = "shop"
    fixed: Sequence[str] = ()
    linked: Sequence[str] = ()
    pills: Sequence[tuple[Any, str]] = ()
    managers_only: Sequence[str] = ()
    headquarters_only: Sequence[str] = ()
    form = ScopedForm
    ordering: Sequence[str] = ("-pk",)
    list_per_page = 50
    list_max_show_all = 500
    show_full_result_count = False
    list_filter_submit = True
    list_fullwidth = True
    list_before_template = "admin/above_list.html"
    save_on_top = False

    def scoped(self, principal: Principal) -> QuerySet[Any]:
        return scoped_rows(self.model, principal, tenant=self.tenant_path, shop=self.shop_path)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.scoped(caller(request)).order_by(*self.get_ordering(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Missing and out of scope answer alike: 404."""
        # An address may name a field to find by, and an empty name is none.
        found = super().get_object(request, object_id, from_field or None) if is_id(object_id) else None
        if found is None:
            raise Http404
        return found

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the list offers to filter by: an address must not ask for columns that the person can't see."""
        named = lookup.split("__")[0]
        offered = {name_of(one).split("__")[0] for one in self.get_list_filter(request)}
        if named not in offered | set(self.linked) and has_column(self.model, named):
            return False
        # Neither what our lists don't ask for, such as patterns, nor numbers beyond what a database holds.
        if UNUSED_LOOKUPS & set(lookup.split("__")) or not all(map(fits, str(value).split(","))):
            return False
        # Of a relation its key alone: what stands behind it has a list of its own.
        allowed: bool = super().lookup_allowed(lookup, value, request)
        return allowed

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.principal = caller(request)
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fixed = (*self.fixed, "tenant") if hasattr(self.model, "tenant_id") else self.fixed
        return [*super().get_readonly_fields(request, obj), *(fixed if obj is not None else ())]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        if asks_beyond_our_years(request):
            messages.error(request, dates.OUT_OF_RANGE)
            raise IncorrectLookupParameters
        try:
            return super().get_changelist_instance(request)
        except OverflowError as error:
            # A number that no column holds.
            raise IncorrectLookupParameters from error

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        if not all(map(is_id, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            raise BadRequest
        response: HttpResponse = super().response_action(request, queryset)
        return response

    def hidden(self, request: HttpRequest) -> set[str]:
        """Fields and columns that this person doesn't see. The tenant is the platform's business."""
        kept_for = {
            Right.CHOOSE_TENANT: {"tenant"},
            Right.SEE_MANAGERS_FIELDS: set(self.managers_only),
            Right.SEE_HEADQUARTERS_FIELDS: set(self.headquarters_only),
        }
        return {name for right, names in kept_for.items() if not caller(request).may(right) for name in names}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        hidden = self.hidden(request)
        fieldsets = super().get_fieldsets(request, obj)
        return [(title, options | {"fields": without(options["fields"], hidden)}) for title, options in fieldsets]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return without(super().get_list_display(request), self.hidden(request))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        hidden = self.hidden(request)
        return [one for one in super().get_list_filter(request) if name_of(one) not in hidden]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """A list that answers to what it hides would tell it."""
        hidden = self.hidden(request)
        return [one for one in super().get_search_fields(request) if one.split("__")[0] not in hidden]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with kept_with([form]):
            if not change:
                self.begin(request, obj)
                obj.save()
            elif form.changed_data:
                # Only what was edited: the rest of the row is none of this person's business.
                obj.save(update_fields=self.written(obj, form.changed_data))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        with kept_with([form, *(one for formset in formsets for one in formset.forms)]):
            super().save_related(request, form, formsets, change)

    def begin(self, request: HttpRequest, instance: Any) -> None:
        """A hook: what a new row has from its maker."""

    def written(self, instance: Model, changed: Sequence[str]) -> list[str]:
        """The columns to write when the form's fields ``changed``."""
        return [name for name in changed if name in {field.name for field in instance._meta.concrete_fields}]

    def lock(self, object_id: str) -> None:
        """Hold the row until its page is answered: what the form reads after this is what it writes over."""
        list(self.model._base_manager.filter(pk=object_id).select_for_update(no_key=True).values_list("pk"))

    def _changeform_view(self, request: HttpRequest, object_id: str | None, *args: Any, **kwargs: Any) -> HttpResponse:
        # Django's own begins the transaction around this one.
        if request.method == "POST" and object_id is not None and is_id(object_id):
            self.lock(object_id)
        response: HttpResponse = super()._changeform_view(request, object_id, *args, **kwargs)
        return response

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Here, before the transaction that locks the row begins.
        clean_ahead(request.FILES.values())
        try:
            response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        except Refusal as refusal:
            complain(request, refusal)
            return redirect(request.get_full_path())
        except IntegrityError as error:
            if not is_double(error):
                raise
            complain(request, SavedMeanwhile())
            return redirect(request.get_full_path())
        return response

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
        # Two buttons are enough: "save and add another" is for data entry clerks.
        response: HttpResponse = super().render_change_form(request, {"show_save_and_add_another": False} | context, *args, **kwargs)
        return response

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        shown = [pill(title, query, request, self.pills) for title, query in self.pills]
        response: HttpResponse = super().changelist_view(request, {"pills": shown} | (extra_context or {}))
        return response


def become(instance: Model, saved: Model) -> None:
    """Let a form's ``instance`` stand for the row that a service wrote in its place."""
    instance.__dict__.update(saved.__dict__)


def has_column(model: type[Model], name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


def fits(text: str) -> bool:
    """Whether ``text``, if it is a whole number, has no more than 64 bits."""
    try:
        return -(2**63) <= int(text) < 2**63
    except ValueError:
        return True


def name_of(list_filter: Any) -> str:
    named = list_filter[0] if isinstance(list_filter, list | tuple) else list_filter
    return str(getattr(named, "parameter_name", named))


def without(fields: Sequence[Any], hidden: set[str]) -> list[Any]:
    """``fields`` may hold lines of several, as in a fieldset."""
    kept = [tuple(without(one, hidden)) if isinstance(one, list | tuple) else one for one in fields]
    return [one for one in kept if one != () and (not isinstance(one, str) or one not in hidden)]


def pill(title: Any, query: str, request: HttpRequest, pills: Sequence[tuple[Any, str]]) -> dict[str, Any]:
    """One filter above the list; the one without a query is on when no other's keys are there."""
    wanted = QueryDict(query).dict()
    names = {name for _title, other in pills for name in QueryDict(other)}
    on = {name: value for name, value in request.GET.items() if name in names} == wanted
    return {"title": title, "href": f"?{query}", "on": on}


class ReadOnlyAdmin(ScopedAdmin):
    """For rows that nobody writes by hand: money, orders, logs."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ScopedInline(ScopedMixin, theme.TabularInline):  # type: ignore[misc]
    """Rows of a parent that is in scope."""

    form = SeenForm
    formset = SeenFormSet
    extra = 0
    hide_title = True


class ReadOnlyInline(ScopedInline):
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
