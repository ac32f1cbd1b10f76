"""How much one caller may ask in a minute (``THROTTLES_PER_MINUTE``)."""

from typing import Any

from django.conf import settings
from limits import RateLimitItemPerMinute
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from retail import counters
from retail.logs.client_ip import client_network
from retail.principals import Principal
from retail.wire.views import WireViewSet

WRONG_GUESS = (401, 404)


class PerMinute(BaseThrottle):
    """So many a minute: this one's count and the share of the last one's that the window still covers, as if evenly spread."""

    name = ""
    # Whom the last question was about.
    asked = ""

    def caller(self, request: Request, view: WireViewSet) -> str:
        """Who is counted; ``""`` passes uncounted."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: WireViewSet) -> bool:  # type: ignore[override]
        return self.take(self.caller(request, view))

    def take(self, caller: str) -> bool:
        """Count one if there is room."""
        self.asked = caller
        return not caller or counters.take(self.most, self.name, caller)

    def has_room(self, caller: str) -> bool:
        self.asked = caller
        return not caller or counters.has_room(self.most, self.name, caller)

    def wait(self) -> int:
        """After how many seconds there is room for whom was asked about; 0 if now."""
        return counters.seconds_until_room(self.most, self.name, self.asked) if self.asked else 0

    @property
    def most(self) -> RateLimitItemPerMinute:
        return RateLimitItemPerMinute(settings.THROTTLES_PER_MINUTE[self.name], namespace="throttle")


class PerAddress(PerMinute):
    """A whole city may share a carrier's address: far above what people do, each endpoint for itself."""

    name = "address"

    def caller(self, request: Request, view: WireViewSet) -> str:
        return f"{view.basename}/{view.endpoint.path}:{client_network(request._request)}"


class PerBuyer(PerMinute):
    def caller(self, request: Request, view: WireViewSet) -> str:
        return str(view.principal.user.pk) if view.principal.is_buyer and view.principal.user else ""


class PerBuyerOrder(PerBuyer):
    """createorder, which counts by address (``PerAddress``) too."""

    name = "buyer_order"


class PerBuyerPay(PerBuyer):
    """orderpay and orderrepay together."""

    name = "buyer_pay"


class PerBuyerCheck(PerBuyer):
    """Not for ``endpoint(throttles=…)``: checkorderpay asks ``is_over`` and then answers from what is known."""

    name = "buyer_check"

    @classmethod
    def is_over(cls, view: WireViewSet) -> bool:
        """Count this call; True when the buyer has had more than the minute's share."""
        return settings.API_THROTTLES and not cls().allow_request(view.request, view)


class PerBuyerList(PerBuyer):
    """All lists together."""

    name = "buyer_list"


class StaffWrite(PerMinute):
    """Everything that staff change, together."""

    name = "staff_write"

    def caller(self, request: Request, view: WireViewSet) -> str:
        return str(view.principal.user.pk) if view.principal.is_staff and view.principal.user else ""


class PerDevice(PerMinute):
    """By credential, which is a shop's: nothing else in a request says with certainty which device it is."""

    name = "device"

    def caller(self, request: Request, view: WireViewSet) -> str:
        principal: Principal = view.principal
        return ",".join(map(str, principal.shop_ids or ())) if principal.is_device else ""


class FailuresPerAddress(PerMinute):
    """Counts wrong guesses only, by their answer: who tries out passwords is stopped, a city that logs in is not."""

    def caller(self, request: Request, view: WireViewSet) -> str:
        return client_network(request._request)

    def allow_request(self, request: Request, view: WireViewSet) -> bool:  # type: ignore[override]
        return self.has_room(self.caller(request, view))

    def note(self, request: Request, view: WireViewSet) -> None:
        """The call was a wrong guess."""
        self.take(self.caller(request, view))


class LoginFailures(FailuresPerAddress):
    name = "login_failure"


class ActivationFailures(FailuresPerAddress):
    """getshopinfo of anonymous callers; a terminal or a member of staff who errs is no guesser."""

    name = "activation_failure"

    def caller(self, request: Request, view: WireViewSet) -> str:
        return super().caller(request, view) if view.principal.is_anonymous else ""


class CountsFailures(WireViewSet):
    """A viewset that tells its ``FailuresPerAddress`` which answers were wrong guesses."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if response.status_code in WRONG_GUESS:
            for throttle in self.get_throttles():
                if isinstance(throttle, FailuresPerAddress):
                    throttle.note(request, self)
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        return answer
