"""For rows of a shop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Field
from django.http import HttpRequest

from retail.backoffice import (
    ScopedAdmin,
    caller,
)


class OfShopAdmin(ScopedAdmin):
    """For rows of a shop: it is chosen once, among the open ones."""

    tenant_path = "shop__tenant"
    fixed: Sequence[str] = ("shop",)

    def choices_of(self, db_field: Field[Any, Any], rows: Any, request: HttpRequest) -> Any:
        return rows.open() if db_field.name == "shop" else rows

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Who has one shop needn't choose it."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        shop_ids = caller(request).shop_ids
        return initial | ({"shop": next(iter(shop_ids))} if shop_ids is not None and len(shop_ids) == 1 else {})
