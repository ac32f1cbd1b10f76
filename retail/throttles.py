"""How much one caller may ask in a minute (``THROTTLES_PER_MINUTE``), counted in Django's cache."""

import logging
import math
import time
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from retail.clients import client_ip
from retail.principals import Principal, Role
from retail.wire.views import WireViewSet

log = logging.getLogger(__name__)
MINUTE = 60
WRONG_GUESS = (401, 404)


class PerMinute(BaseThrottle):
    """At most so many in any 60 seconds: this minute's count and the share of the last one's that the window still covers."""

    name = ""

    def caller(self, request: Request, view: WireViewSet) -> str:
        """Who is counted; ``""`` passes uncounted."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: WireViewSet) -> bool:  # type: ignore[override]
        return self.take(self.caller(request, view), time.time())

    def take(self, caller: str, at: float) -> bool:
        """Count one if there is room."""
        if not caller:
            return True
        if not self.has_room(caller, at):
            return False
        key = self.keys(caller, at)[0]
        # A cache that is away refuses nobody: it is no reason to lose orders.
        with suppress(RedisError, OSError):
            if not cache.add(key, 1, 2 * MINUTE):
                cache.incr(key)
        return True

    def has_room(self, caller: str, at: float) -> bool:
        try:
            return not caller or self.used(caller, at) < settings.THROTTLES_PER_MINUTE[self.name]
        except (RedisError, OSError) as error:
            log.warning("throttle %s can't count: %s", self.name, type(error).__name__)
            return True

    def used(self, caller: str, at: float) -> int:
        this, last = self.keys(caller, at)
        counts: dict[str, int] = cache.get_many([this, last])
        return counts.get(this, 0) + math.ceil(counts.get(last, 0) * (1 - at % MINUTE / MINUTE))

    def keys(self, caller: str, at: float) -> tuple[str, str]:
        minute = int(at // MINUTE)
        return f"throttle:{self.name}:{caller}:{minute}", f"throttle:{self.name}:{caller}:{minute - 1}"

    def wait(self) -> float:
        return MINUTE - time.time() % MINUTE


class PerAddress(PerMinute):
    """A whole city may share a carrier's address: far above what people do, each endpoint for itself."""

    name = "address"

    def caller(self, request: Request, view: WireViewSet) -> str:
        return f"{view.basename}/{view.endpoint.path}:{client_ip(request._request)}"


class PerBuyer(PerMinute):
    def caller(self, request: Request, view: WireViewSet) -> str:
        return str(view.principal.user.pk) if view.principal.is_buyer and view.principal.user else ""


class PerBuyerOrder(PerBuyer):
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
    name = "staff_write"

    def caller(self, request: Request, view: WireViewSet) -> str:
        return str(view.principal.user.pk) if view.principal.is_staff and view.principal.user else ""


class PerDevice(PerMinute):
    """By credential, which is a shop's: nothing else in a request says with certainty which device it is."""

    name = "device"

    def caller(self, request: Request, view: WireViewSet) -> str:
        principal: Principal = view.principal
        return ",".join(map(str, principal.shop_ids or ())) if principal.role == Role.DEVICE else ""


class FailuresPerAddress(PerMinute):
    """Counts wrong guesses only, by their answer: who tries out passwords is stopped, a city that logs in is not."""

    def caller(self, request: Request, view: WireViewSet) -> str:
        return client_ip(request._request)

    def allow_request(self, request: Request, view: WireViewSet) -> bool:  # type: ignore[override]
        return self.has_room(self.caller(request, view), time.time())

    def note(self, request: Request, view: WireViewSet) -> None:
        """The call was a wrong guess."""
        self.take(self.caller(request, view), time.time())


class LoginFailures(FailuresPerAddress):
    name = "login_failure"


class ActivationFailures(FailuresPerAddress):
    """getshopinfo of anonymous callers; a terminal or a member of staff who errs is no guesser."""

    name = "activation_failure"

    def caller(self, request: Request, view: WireViewSet) -> str:
        return super().caller(request, view) if view.principal.role == Role.ANONYMOUS else ""


class CountsFailures(WireViewSet):
    """A viewset that tells its ``FailuresPerAddress`` which answers were wrong guesses."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if response.status_code in WRONG_GUESS:
            for throttle in self.get_throttles():
                if isinstance(throttle, FailuresPerAddress):
                    throttle.note(request, self)
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        return answer
