"""The base of every buyer page: who looks, when, and what a refusal looks like."""

from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views import View
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from retail.logs.client_ip import client_network
from retail.logs.request_log import REFUSED, note_refusal
from retail.models import User
from retail.principals import Principal, principal_of
from retail.refusals import Refusal
from retail.throttles import PerAddress, PerBuyer, PerMinute
from retail.wire.envelope import error_page
from retail.wire.errors import reason_of
from retail.wire.ids import is_id


class TooOften(Refusal):
    http_status = 429
    message = _("操作太频繁，请稍后再试")

    def __init__(self, *, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__()


@method_decorator(never_cache, name="dispatch")
class Page(View):
    """A page reads by a queryset or calls one service; what either refuses is answered here."""

    # Counted for every POST, together with the same call of the API.
    throttle: ClassVar[type[PerBuyer] | None] = None

    @cached_property
    def now(self) -> datetime:
        return timezone.now()

    @cached_property
    def principal(self) -> Principal:
        return principal_of(self.request.user)

    @property
    def buyer(self) -> User | None:
        """The buyer of the session, if it is one."""
        return self.principal.user if self.principal.is_buyer else None

    def viewer(self, tenant_id: int) -> User | None:
        """The buyer who may see more than the public face: one of this tenant."""
        return self.buyer if self.principal.tenant_id == tenant_id else None

    def may_order(self, tenant_id: int) -> bool:
        """Staff and buyers of other tenants only look."""
        return not self.request.user.is_authenticated or self.viewer(tenant_id) is not None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            if request.method == "POST" and self.throttle is not None:
                self.check_throttle(self.throttle)
            response = super().dispatch(request, *args, **kwargs)
        except Refusal as error:
            return self.refused(error)
        assert isinstance(response, HttpResponse)  # noqa: S101 - no page is a coroutine
        return response

    def check_throttle(self, throttle: type[PerBuyer]) -> None:
        """Count one call of the buyer; visitors are counted by their address. Raises TooOften."""
        if not settings.API_THROTTLES:
            return
        counter: PerMinute = throttle() if self.buyer else PerAddress()
        if not counter.take(str(self.buyer.pk) if self.buyer else f"{throttle.name}:{client_network(self.request)}"):
            raise TooOften(retry_after=max(counter.wait(), 1))

    def has_room(self, throttle: type[PerBuyer]) -> bool:
        try:
            self.check_throttle(throttle)
        except TooOften:
            return False
        return True

    def refused(self, error: Refusal) -> HttpResponse:
        """A page with the refusal's own words; pages that can say it in place override this for what ``is_business``."""
        if error.http_status in REFUSED:
            note_refusal(self.request, reason_of(error))
        response = error_page(self.request, 409 if error.is_business else error.http_status, str(error.message))
        if error.retry_after:
            response["Retry-After"] = str(error.retry_after)
        return response

    def show(self, template: str, **context: Any) -> HttpResponse:
        return render(self.request, template, {"now": self.now, "principal": self.principal, **context})

    def go(self, to: str) -> HttpResponse:
        """Another page, for a browser with and without script."""
        if self.request.htmx:  # type: ignore[attr-defined]
            return HttpResponseClientRedirect(to)
        # Not `redirect`, which takes a word for the name of a view.
        return HttpResponseRedirect(to)


def number_in(values: Any, name: str) -> int | None:
    """A row's id in a query or a form; whatever else stands there is none."""
    text: str = values.get(name, "")
    return int(text) if is_id(text) else None
