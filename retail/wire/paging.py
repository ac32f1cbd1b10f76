"""Pages: ``{data, pageIndex, pageSize, sumData, totalCount}`` (wire rule 7)."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from rest_framework import serializers

from retail.wire.fields import INT64, WholeNumber
from retail.wire.serializers import TakesSerializer
from retail.wire.views import WireViewSet


class PageTakes(TakesSerializer):
    """The two page arguments of every list; ``pageIndex`` ≤ 0 is 1, a larger ``pageSize`` is clamped."""

    pageIndex = WholeNumber(source="page_index", required=False, default=1)
    pageSize = WholeNumber(source="page_size", required=False, default=0)


def page_serializer(item: type[serializers.BaseSerializer[Any]], name: str) -> type[serializers.BaseSerializer[Any]]:
    """The page envelope around ``item``, for the schema."""
    fields = {
        "data": item(many=True),
        "pageIndex": serializers.IntegerField(),
        "pageSize": serializers.IntegerField(),
        "sumData": item(),
        "totalCount": serializers.IntegerField(),
    }
    return type(name, (serializers.Serializer,), fields)


def page(
    view: WireViewSet,
    rows: QuerySet[Any],
    serializer: type[serializers.BaseSerializer[Any]],
    *,
    page_index: int,
    page_size: int,
    sums: dict[str, Any],
    limit: str = "",
    details: Callable[[list[int]], Sequence[Any]] | None = None,
) -> dict[str, Any]:
    """One page of ``rows`` as the caller may see it. ``sums``: the additive fields' totals by wire name.

    ``details``: the page is picked by ids alone and this loads them, so that a deep page doesn't carry joined rows along.
    """
    most = settings.PAGE_SIZE_MAX[limit or ("trade" if view.principal.is_trade else "public")]
    size = min(page_size, most) if page_size > 0 else settings.PAGE_SIZE
    index = max(page_index, 1)
    start = (index - 1) * size
    shown = rows[start : start + size] if start < INT64 - size else rows.none()
    picked = details(list(shown.values_list("pk", flat=True))) if details else shown
    return {
        "data": view.give(serializer, picked, many=True),
        "pageIndex": index,
        "pageSize": size,
        "sumData": empty_row(serializer()) | sums,
        "totalCount": rows.count(),
    }


def empty_row(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    """An object of the row's shape in which nothing is set: ``""``, 0, ``null``, ``[]`` (wire rule 6)."""
    fields: dict[str, serializers.Field[Any, Any, Any, Any]] = getattr(serializer, "fields", {})
    return {name: unset(field) for name, field in fields.items()}


def unset(field: Any) -> Any:
    if isinstance(field, serializers.ListSerializer | serializers.ListField):
        return []
    if isinstance(field, serializers.BooleanField):
        return False
    return getattr(field, "unset", "")
