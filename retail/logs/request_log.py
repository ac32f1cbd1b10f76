"""One line in the log for each request, and the id that it shares with every other line of that request."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import empty

from retail.logs import json_lines
from retail.logs.client_ip import client_ip
from retail.principals import Principal
from retail.rights import Role

log = logging.getLogger(__name__)
HEADER = "X-Request-ID"
WELL_FORMED = re.compile(r"\A[0-9A-Za-z_-]{8,64}\Z")
REFUSED = (401, 403)


class RequestLog:
    """The outermost middleware: whatever answers, the answer has its id and the log its line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        request_id = id_of(request)
        # Django logs an error's line after all middleware.
        request.request_id = request_id  # type: ignore[attr-defined]
        with json_lines.belonging_to(request_id=request_id):
            response = self.get_response(request)
            write(request, response.status_code, milliseconds=round((time.perf_counter() - begun) * 1000, 1))
        response[HEADER] = request_id
        return response


def id_of(request: HttpRequest) -> str:
    """The one that a trusted proxy gave, if it is well-formed; else a fresh one."""
    given: str = request.headers.get(HEADER, "") if settings.TRUSTED_PROXIES else ""
    return given if WELL_FORMED.match(given) else json_lines.new_id()


def note_refusal(request: HttpRequest, why: str) -> None:
    """Let the request's line be a warning that says why, each cause after the one before; ``why`` names no value that was sent."""
    known = getattr(request, "why_refused", "")
    request.why_refused = f"{known}; {why}" if known else why  # type: ignore[attr-defined]


def write(request: HttpRequest, status: int, *, milliseconds: float) -> None:
    why = getattr(request, "why_refused", "")
    facts = {"method": request.method, "route": route_of(request), "status": status, "ms": milliseconds} | caller_of(request)
    if why or status in REFUSED:
        log.warning("refused: %s", why or status, extra=facts | {"address": client_ip(request)})
    else:
        log.info("answered", extra=facts)


def route_of(request: HttpRequest) -> str:
    """The pattern, not the path: that may hold an order's code, and what fits no pattern may hold anything."""
    match = request.resolver_match
    if match is None:
        return "static" if request.path_info.startswith(settings.STATIC_URL) else ""
    return match.route.replace("^", "").removesuffix("$").removesuffix(r"\Z")


def caller_of(request: Any) -> dict[str, Any]:
    """Kind and number of who asked, as far as somebody wanted to know: asking costs a query. Of a device its shop's number."""
    principal = getattr(request, "auth", None)
    if isinstance(principal, Principal):
        return {"role": principal.role.value, "shop": next(iter(principal.shop_ids or ()), None)}
    user = getattr(request, "user", None)
    if user is None or getattr(user, "_wrapped", user) is empty:
        return {}
    if not user.is_authenticated:
        return {"role": Role.ANONYMOUS.value}
    kind = Role.PLATFORM.value if user.is_superuser else "staff" if user.is_staff else Role.BUYER.value
    return {"role": kind, "user": user.pk}
