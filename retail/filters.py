"""django-filter on the wire's own fields: what a list may be asked for, for the API, the pages and the back office alike.

A ``FilterSet`` stands instead of a list's ``…Takes``. Its form judges a value as the wire does (``docs/api.md``, The wire): Django's own
fields would take ``１２`` for an id (``docs/decisions/0011-filtersets-on-the-wires-fields.md``).
"""

import copy
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Self, TypeVar

import django_filters
from django import forms
from django.db.models import F, QuerySet
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.fields import empty

from retail.principals import Principal
from retail.wire.fields import OneOf
from retail.wire.parser import ABSENT_IN_QUERY, Arguments
from retail.wire.serializers import TakesSerializer, pick

Rows = TypeVar("Rows", bound=QuerySet[Any])


class WireField(forms.Field):
    """A form's field whose verdict is that of a field of the wire."""

    def __init__(self, wire: Any) -> None:
        super().__init__(required=False, help_text=wire.help_text or "")
        self.wire = wire

    def __deepcopy__(self, memo: Any) -> Self:
        # Nothing of it changes with a request, and a copy would cost more than the verdict.
        return self

    def clean(self, value: Any) -> Any:
        try:
            return self.wire.run_validation(value)
        except serializers.ValidationError as refused:
            raise forms.ValidationError([str(complaint) for complaint in refused.detail]) from refused


class WireForm(forms.Form):
    """Names in any letter case, unknown ones ignored, one name twice with different values refused."""

    def _clean_fields(self) -> None:
        try:
            sent = pick(self.data.named, {name: field.wire for name, field in self.fields.items()})  # type: ignore[attr-defined]
        except serializers.ValidationError as refused:
            for name, complaints in refused.detail.items():  # type: ignore[union-attr]
                self.add_error(name, [str(complaint) for complaint in complaints])
            return
        for name, field in self.fields.items():
            try:
                self.cleaned_data[name] = field.clean(sent.get(name, empty))
            except forms.ValidationError as complaint:
                self.add_error(name, complaint)


class WireFilter(django_filters.Filter):  # type: ignore[misc]
    """One argument: the field that reads it, and the column and lookup, or the filter set's method, that it means."""

    def __init__(self, wire: Any, field_name: str | None = None, lookup_expr: str = "exact", *, method: str | None = None) -> None:
        super().__init__(field_name, lookup_expr, method=method)
        self.wire = wire

    def __deepcopy__(self, memo: Any) -> Self:
        twin = copy.copy(self)
        # Anew: a filter's method belongs to the filter set that it is a part of.
        twin.method = self.method
        return twin

    @property
    def field(self) -> WireField:
        return WireField(self.wire)


class Argument(WireFilter):
    """What the filter set reads together with others, or the view for itself: no condition of its own."""

    def filter(self, rows: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return rows


class Ordering(WireFilter):
    """``ordering``: one of the names of ``columns``, with ``-`` the other way round. Rows without a value come last, equal ones by key.

    ``nullable``: the names of columns that may be empty; of the others an index serves the order as it is.
    """

    def __init__(self, *, nullable: Collection[str] = (), **columns: str) -> None:
        self.columns, self.nullable = columns, nullable
        names = [sign + name for name in columns for sign in ("", "-")]
        super().__init__(OneOf(names, help_text=", ".join(names)))

    def filter(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return rows
        name, sign = value.removeprefix("-"), "-" if value.startswith("-") else ""
        if name not in self.nullable:
            return rows.order_by(f"{sign}{self.columns[name]}", f"{sign}pk")
        column = F(self.columns[name])
        # The databases differ in where they put what is null.
        return rows.order_by(column.desc(nulls_last=True) if sign else column.asc(nulls_last=True), f"{sign}pk")


class WireFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What a list may be asked for. ``principal`` is who asks: half of the conditions depend on it; what is in scope the caller says."""

    class Meta:
        form = WireForm
        fields = ()

    def __init__(self, sent: Arguments | QueryDict, *, principal: Principal) -> None:
        super().__init__(sent if isinstance(sent, Arguments) else arguments_of(sent))
        self.sent, self.principal = sent, principal

    @property
    def typed(self) -> dict[str, str]:
        """What a page's query asks for, as its form shows it again and the next page's address carries it on."""
        query = self.sent if isinstance(self.sent, QueryDict) else QueryDict()
        texts = {name: query.get(name, "").strip()[:100] for name in self.filters}
        return {name: text for name, text in texts.items() if text}

    @property
    def asked(self) -> Mapping[str, Any]:
        """Every argument's value by its wire name; read after ``is_valid``."""
        values: Mapping[str, Any] = self.form.cleaned_data
        return values

    def narrowed(self, rows: Rows) -> Rows:
        """What of ``rows`` was asked for. What can't be understood finds nothing: all of them would be taken for the answer."""
        return self.filter_queryset(rows) if self.is_valid() else rows.none()

    @property
    def complaints(self) -> dict[str, list[str]]:
        return {name: list(complaints) for name, complaints in self.errors.items()}

    def get_form_class(self) -> type[WireForm]:
        return self.form_class()

    @classmethod
    @cache
    def form_class(cls) -> type[WireForm]:
        """django-filter makes one for every request."""
        return type(f"{cls.__name__}Form", (WireForm,), {name: one.field for name, one in cls.base_filters.items()})

    @classmethod
    def takes(cls) -> type[TakesSerializer]:
        """The arguments as a serializer, for the OpenAPI schema."""
        return type(f"{cls.__name__}Takes", (TakesSerializer,), {name: one.wire for name, one in cls.base_filters.items()})


def arguments_of(query: QueryDict) -> Arguments:
    """A page's query as the API's parser reads one."""
    named: dict[str, list[Any]] = {}
    for name, texts in query.lists():
        named.setdefault(name.lower(), []).extend(text for text in texts if text not in ABSENT_IN_QUERY)
    return Arguments(named)
