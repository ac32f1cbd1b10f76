"""What somebody sees who failed to log in too often (``AXES_LOCKOUT_CALLABLE``): the envelope or a kind page, and when to come back."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from retail.wire.views import api_error, is_api


def locked_out(request: HttpRequest, original_response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    if is_api(request):
        response = api_error(429, _("登录失败次数过多，请 %(minutes)s 分钟后再试") % {"minutes": minutes})
    else:
        response = render(request, "retail/locked_out.html", {"minutes": minutes, "limit": settings.AXES_FAILURE_LIMIT}, status=429)
    response["Retry-After"] = str(minutes * 60)
    return response
