"""What must hold before a path is even resolved: one spelling of it, a body of bearable size, no HTML errors."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _

from retail.wire.body_limits import is_told_in_wechats_form, is_too_large
from retail.wire.envelope import error_page, is_api

# Not the legacy paths: these have their own spelling.
UNFOLDED = ("/api/docs", "/api/schema")


class BodyLimit:
    """Before anything reads the body: none beyond what its address takes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_too_large(request.META) and not is_told_in_wechats_form(request.META):
            return error_page(request, 413, _("请求内容过大"))
        return self.get_response(request)


class WireMiddleware:
    """Letter case and a trailing slash don't matter on ``/api/…``. ``request.path`` stays as sent: devices sign it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_api(request):
            return self.get_response(request)
        if not request.path_info.lower().startswith(UNFOLDED):
            request.path_info = request.path_info.lower().rstrip("/")
            if not is_too_large(request.META):
                # Read before anything touches request.POST: a stream can be read once, and a signature is over the raw bytes.
                request.body  # noqa: B018
        # Labels and messages of the API are part of its contract, whatever language the phone is set to.
        with translation.override(settings.LANGUAGE_CODE):
            return self.get_response(request)
