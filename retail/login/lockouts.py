"""Failing to log in: what the log says of it, and what somebody sees who did it too often (``AXES_LOCKOUT_CALLABLE``)."""

import math
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from retail.logs.request_log import note_refusal
from retail.models import User
from retail.wire.envelope import api_error, is_api

NAME_MAX = 255


def note_failed_log_in(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Receives ``user_login_failed``. Whose account it was by its number alone: what was typed for a name may be a password."""
    if request is not None:
        found = User.objects.filter(username=credentials.get("username") or "").values_list("pk", flat=True).first()
        note_refusal(request, f"log-in failed, account {found}" if found else "log-in failed, no such account")


def username_of(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str | None:
    """Under which name axes counts a failure (``AXES_USERNAME_CALLABLE``): as much of it as its table holds, as it does with the rest."""
    name: str | None = (credentials or request.POST).get("username")
    return name and name[:NAME_MAX]


def locked_out(request: HttpRequest, original_response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """Axes' answer to who failed too often with one name."""
    note_refusal(request, "locked out")
    return come_back(request, seconds=int(settings.AXES_COOLOFF_TIME.total_seconds()), failures=settings.AXES_FAILURE_LIMIT)


def come_back(request: HttpRequest, *, seconds: int, failures: int) -> HttpResponse:
    """The envelope or a kind page, and when to try again."""
    minutes = math.ceil(seconds / 60)
    if is_api(request):
        response = api_error(429, _("登录失败次数过多，请 %(minutes)s 分钟后再试") % {"minutes": minutes})
    else:
        response = render(request, "retail/locked_out.html", {"minutes": minutes, "limit": failures}, status=429)
    response["Retry-After"] = str(seconds)
    return response
