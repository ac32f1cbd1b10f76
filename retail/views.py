"""Health, and the errors that no other view answers: an envelope under ``/api/``, a kind page elsewhere."""

import errno
import logging
import re
import sys
from pathlib import Path

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.static import serve

from retail.database import faults
from retail.database.sqlite.room import why_unwritable
from retail.logs.request_log import note_refusal
from retail.refusals import Unavailable
from retail.wire.envelope import error_page

log = logging.getLogger(__name__)
# Nothing with as many digits as a telephone number.
HOST = re.compile(r"(?!.*[0-9]{7})[0-9a-z.-]{1,253}(:[0-9]{1,5})?", re.IGNORECASE)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        # The name alone is nobody's, and whoever forgot it in ALLOWED_HOSTS must read it.
        host = request.META.get("HTTP_HOST", request.META["SERVER_NAME"])
        note_refusal(request, f"host {host if HOST.fullmatch(host) else 'malformed'} is not in ALLOWED_HOSTS")
    return unavailable(request, exception) or error_page(request, 400, _("请求有误"))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    note_refusal(request, type(exception).__name__)
    return error_page(request, 403, _("没有权限"))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """``CSRF_FAILURE_VIEW``: mostly a form that stood open for long, or a browser without cookies."""
    # Behind the dash stands what was sent.
    note_refusal(request, f"CSRF: {reason.partition(' - ')[0]}")
    return error_page(request, 403, _("页面已过期，请返回上一页刷新后再试"))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 404, _("页面不存在"))


def unavailable(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """The answer to an outage; None when ``error`` is something else."""
    outage = faults.outage_behind(error)
    if outage is None:
        return None
    log.warning("unavailable: %s", faults.cause_of(outage))
    response = error_page(request, 503, str(Unavailable.message))
    response["Retry-After"] = "1"
    # Said above, in one line: Django would say it again with a traceback.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    return unavailable(request, sys.exc_info()[1]) or error_page(request, 500, _("服务器开小差了，请稍后再试"))


def picture(request: HttpRequest, path: str) -> HttpResponseBase:
    """What was uploaded."""
    try:
        return serve(request, path, document_root=str(settings.MEDIA_ROOT))
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise Http404 from error


def live(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> HttpResponse:
    """200 when the database answers, has every migration and can be written; else 503."""
    try:
        missing = what_is_missing()
    except Error as error:
        log.warning("unavailable: %s", faults.cause_of(error))
        missing = "database away"
    if missing:
        log.warning("not ready: %s", missing)
    return JsonResponse({"status": missing or "ready"}, status=503 if missing else 200)


def what_is_missing() -> str:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return "migrations waiting"
    if connection.vendor != "sqlite":
        return ""
    return why_unwritable(Path(settings.DATABASES["default"]["NAME"]), least=settings.SQLITE_ROOM_MB * 1024**2)
