"""What the person at the admin may see: every list, choice, filter and autocomplete asks here."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import ModelAdmin, site
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import DateTimeField, Field, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from retail import dates
from retail.backoffice import theme
from retail.principals import Principal, principal_of

DAY = re.compile(r"\s*([0-9]+)-[0-9]{1,2}-[0-9]{1,2}")


def caller(request: HttpRequest) -> Principal:
    """The person's principal, looked up once per request."""
    known: Principal | None = getattr(request, "_principal", None)
    if known is None or known.user != request.user:
        known = principal_of(request.user)
        request._principal = known  # type: ignore[attr-defined]
    return known


def visible(model: type[Model], principal: Principal) -> Any:
    """The queryset of a registered model's rows within the caller's scope."""
    return site.get_model_admin(model).scoped(principal)  # type: ignore[attr-defined]


def scoped_rows(model: type[Model], principal: Principal, *, tenant: str, shop: str) -> QuerySet[Any]:
    """By the model's own ``visible_to``, else by the paths to its tenant and shop; without a tenant path the rows are everyone's."""
    rows: Any = model._default_manager.all()
    if hasattr(rows, "visible_to"):
        narrowed: QuerySet[Any] = rows.visible_to(principal)
        return narrowed
    everything: QuerySet[Any] = rows
    return everything.filter(principal.scope(tenant=tenant, shop=shop)) if tenant else everything


def asks_beyond_our_years(request: HttpRequest) -> bool:
    """Whether the list is to be narrowed to days that one database takes and the other fails on."""
    years = [
        int(found) for name, values in request.GET.lists() for value in values if name != SEARCH_VAR and (found := year_in(name, value))
    ]
    return any(not dates.FIRST_DAY.year <= year <= dates.LAST_DAY.year for year in years)


def year_in(name: str, value: str) -> str:
    """Of a day, or of a lookup by year; "" where there is none."""
    if "year" in name.split("__")[1:]:
        return value if value.isdecimal() and len(value) < 20 else ""
    day = DAY.match(value)
    return day[1] if day else ""


class RelatedFilter(theme.RelatedDropdownFilter):  # type: ignore[misc]
    """A list filter whose choices are those within the caller's scope."""

    def field_choices(self, field: Field[Any, Any], request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        remote: Any = field.remote_field
        within = Q(pk__in=visible(remote.model, caller(request)).values("pk"))
        choices: Any = field.get_choices(include_blank=False, limit_choices_to=within)
        return list(choices)


class RangeDateFilter(theme.RangeDateFilter):  # type: ignore[misc]
    """Whole local days, the last one too: the theme's own ends where the last one begins. Nonsense narrows nothing."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = self.day("from"), self.day("to")
        if first:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": self.begin(first)})
        if last:
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": self.begin(last + timedelta(days=1))})
        return queryset

    def day(self, edge: str) -> date | None:
        found: date | None = theme.parse_date_str(str(self.used_parameters.get(f"{self.parameter_name}_{edge}", "")))
        return found if found and dates.is_ours(found) else None

    def begin(self, day: date) -> date:
        return timezone.make_aware(datetime.combine(day, time())) if isinstance(self.field, DateTimeField) else day


class AutocompleteFilter(theme.AutocompleteSelectFilter):  # type: ignore[misc]
    """Narrows a list to one visible row of a relation that is too long to list. The theme's own would name any id in the address."""

    form_class = theme.AutocompleteForm

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            choice["form"].fields[self.lookup_kwarg].queryset = visible(self.field.remote_field.model, caller(self.request))
            yield choice
