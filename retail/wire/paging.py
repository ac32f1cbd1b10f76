"""Pages: ``{data, pageIndex, pageSize, sumData, totalCount}`` (wire rule 7)."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet, Window
from rest_framework import serializers

from retail.wire.fields import INT64, WholeNumber
from retail.wire.serializers import GivesSerializer, TakesSerializer, unset_of
from retail.wire.views import WireViewSet


class PageTakes(TakesSerializer):
    """The two page arguments of every list; ``pageIndex`` ≤ 0 is 1, a larger ``pageSize`` is clamped."""

    pageIndex = WholeNumber(source="page_index", required=False, default=1)
    pageSize = WholeNumber(source="page_size", required=False, default=settings.PAGE_SIZE)


def page_serializer(item: type[serializers.BaseSerializer[Any]], name: str) -> type[serializers.BaseSerializer[Any]]:
    """The page envelope around ``item``, for the schema."""
    fields = {
        "data": item(many=True),
        "pageIndex": serializers.IntegerField(),
        "pageSize": serializers.IntegerField(),
        "sumData": item(),
        "totalCount": serializers.IntegerField(),
    }
    return type(name, (GivesSerializer,), fields)


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
    few: bool = False,
) -> dict[str, Any]:
    """One page of ``rows`` as the caller may see it. ``sums``: the additive fields' totals by wire name.

    ``details``: the page is picked by ids alone and this loads them, so that a deep page doesn't carry joined rows along. ``few``:
    there are but some thousand rows, so that one statement both picks and counts.
    """
    most = settings.PAGE_SIZE_MAX[limit or ("trade" if view.principal.is_trade else "public")]
    size = min(page_size, most) if page_size > 0 else settings.PAGE_SIZE
    index = max(page_index, 1)
    start = min((index - 1) * size, INT64 - 1 - size)
    shown, total = pick_few(rows, start, size) if few else pick(rows, start, size, only_ids=details is not None)
    return {
        "data": view.give(serializer, details(shown) if details else shown, many=True),
        "pageIndex": index,
        "pageSize": size,
        "sumData": empty_row(serializer()) | sums,
        "totalCount": total,
    }


def pick(rows: QuerySet[Any], start: int, size: int, *, only_ids: bool) -> tuple[Any, int]:
    chosen = rows.values_list("pk", flat=True) if only_ids else rows
    return list(chosen[start : start + size]), rows.count()


def pick_few(rows: QuerySet[Any], start: int, size: int) -> tuple[list[int], int]:
    """The ids of the page, and how many rows there are on all pages."""
    found = list(rows.annotate(rows_found=Window(Count("*"))).values_list("pk", "rows_found")[start : start + size])
    if found or not start:
        return [pk for pk, _total in found], found[0][1] if found else 0
    return [], rows.count()


def empty_row(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    """An object of the row's shape in which nothing is set: ``""``, 0, ``null``, ``[]`` (wire rule 6)."""
    fields: dict[str, serializers.Field[Any, Any, Any, Any]] = getattr(serializer, "fields", {})
    return {name: unset_of(field) for name, field in fields.items()}
