"""Pages: ``{data, pageIndex, pageSize, sumData, totalCount}`` (wire rule 7)."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet, Window
from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.response import Response

from retail.wire.fields import INT64, WholeNumber
from retail.wire.parser import Arguments
from retail.wire.serializers import TakesSerializer, unset_of


class PageTakes(TakesSerializer):
    """The two page arguments of every list; ``pageIndex`` ≤ 0 is 1, a larger ``pageSize`` is clamped."""

    pageIndex = WholeNumber(required=False, default=1)
    pageSize = WholeNumber(required=False, default=settings.PAGE_SIZE)


class Pages(BasePagination):
    """One page of a list. ``limit`` names the largest page of staff and devices in ``settings.PAGE_SIZE_MAX``.

    A view reads the arguments first, so that a wrong one is refused before anything is asked of the database.
    """

    limit = "trade"
    index, size, total = 1, 0, 0

    def read(self, arguments: Arguments, *, is_trade: bool) -> None:
        """Raises ValidationError (400)."""
        takes = PageTakes(data=arguments)
        takes.is_valid(raise_exception=True)
        asked, most = takes.validated_data, settings.PAGE_SIZE_MAX[self.limit if is_trade else "public"]
        self.size = min(asked["pageSize"], most) if asked["pageSize"] > 0 else settings.PAGE_SIZE
        self.index = max(asked["pageIndex"], 1)

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any]:
        start = min((self.index - 1) * self.size, INT64 - 1 - self.size)
        shown, self.total = self.pick(queryset, start)
        return shown

    def pick(self, rows: QuerySet[Any], start: int) -> tuple[list[Any], int]:
        """What the page shows, and how many rows there are on all pages."""
        return list(rows[start : start + self.size]), rows.count()

    def get_paginated_response(self, data: Any, sums: Mapping[str, Any] | None = None) -> Response:
        page = {"data": data, "pageIndex": self.index, "pageSize": self.size, "sumData": sums, "totalCount": self.total}
        return Response(page)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        number = {"type": "integer"}
        keys = {"data": schema, "pageIndex": number, "pageSize": number, "sumData": schema["items"], "totalCount": number}
        return {"type": "object", "properties": keys, "required": list(keys), "additionalProperties": False}


class PagesOfIds(Pages):
    """The page is picked by ids alone, whose details the view loads, so that a deep page doesn't carry joined rows along.

    ``few``: there are but some thousand rows, so that one statement both picks and counts.
    """

    few = False

    def pick(self, rows: QuerySet[Any], start: int) -> tuple[list[Any], int]:
        return self.pick_few(rows, start) if self.few else super().pick(rows.values_list("pk", flat=True), start)

    def pick_few(self, rows: QuerySet[Any], start: int) -> tuple[list[Any], int]:
        found = list(rows.annotate(rows_found=Window(Count("*"))).values_list("pk", "rows_found")[start : start + self.size])
        if found or not start:
            return [pk for pk, _total in found], found[0][1] if found else 0
        return [], rows.count()


def empty_row(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    """An object of the row's shape in which nothing is set: ``""``, 0, ``null``, ``[]`` (wire rule 6)."""
    fields: dict[str, serializers.Field[Any, Any, Any, Any]] = getattr(serializer, "fields", {})
    return {name: unset_of(field) for name, field in fields.items()}
