"""The search on home and on a shop's page: what was asked for, what may be chosen, and what was found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.utils.http import urlencode

from groupbuy.filters import GroupBuyingFilter
from groupbuy.models import DeliverType, GroupBuyingQuerySet
from retail.models import ProductClass, Tenant
from retail.principals import Principal


@dataclass(frozen=True)
class Search:
    """``rows``: what the page shows when nothing is asked for."""

    sent: QueryDict
    rows: GroupBuyingQuerySet
    principal: Principal
    tenant: Tenant
    now: datetime

    deliver_types = DeliverType.choices

    @cached_property
    def filters(self) -> GroupBuyingFilter:
        return GroupBuyingFilter(self.sent, principal=self.principal, tenant=self.tenant, now=self.now)

    @cached_property
    def found(self) -> GroupBuyingQuerySet:
        return self.filters.narrowed(self.rows)

    @property
    def is_narrowed(self) -> bool:
        return bool(self.filters.typed)

    @cached_property
    def classes(self) -> Sequence[Any]:
        """Those of which something is on sale."""
        offered = self.rows.running_or_coming(self.now).values("product__product_class")
        return list(ProductClass.objects.filter(tenant=self.tenant, pk__in=offered).order_by("sort", "code"))

    def address_of(self, skip: int) -> str:
        """The query of the page that goes on after ``skip`` cards."""
        return f"?{urlencode(self.filters.typed | {'skip': skip})}"
