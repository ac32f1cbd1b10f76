"""Orders in the back office, asked for as the API's list is: above the pick list and the short delivery, beside the list and its export."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest, QueryDict
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from groupbuy.filters import OrderFilter
from groupbuy.models import OrderQuerySet
from retail.backoffice import caller

# What is searched for in words has a form of its own in the list, and its statuses and days have filters with calendars.
BESIDE_LIST = ("moneyFrom", "moneyTo", "createdFrom", "createdTo", "paidFrom", "paidTo")


class Narrowing:
    """What the form above a page of orders asks for."""

    def __init__(self, request: HttpRequest) -> None:
        self.filters = OrderFilter(request.GET, principal=caller(request))

    def of(self, rows: OrderQuerySet) -> OrderQuerySet:
        return self.filters.narrowed(rows)

    @property
    def complaints(self) -> list[str]:
        return [complaint for complaints in self.filters.complaints.values() for complaint in complaints]


class OrderListFilter(admin.ListFilter):
    """The ranges of ``OrderFilter`` beside the list of orders: the list and the file of it are narrowed by the same argument as the API."""

    title = _("金额（元）")
    parameter_name = "orderFilter"
    template = "admin/groupbuy/order_filter.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.sent: dict[str, str] = {name: params.pop(name)[-1] for name in BESIDE_LIST if name in params}

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(BESIDE_LIST)

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        yield {"typed": self.sent}

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        filters = OrderFilter(QueryDict(urlencode(self.sent)), principal=caller(request))
        if not filters.is_valid():
            raise IncorrectLookupParameters
        return filters.filter_queryset(queryset)
