"""Health, and the errors that no other view answers: an envelope under ``/api/``, a kind page elsewhere."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from retail.access import note_refusal
from retail.wire.views import error_page


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, 400, _("请求有误"))


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


def server_error(request: HttpRequest) -> HttpResponse:
    return error_page(request, 500, _("服务器开小差了，请稍后再试"))


def live(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and has every migration; else 503."""
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return JsonResponse({"status": "database away"}, status=503)
    if waiting:
        return JsonResponse({"status": "migrations waiting"}, status=503)
    return JsonResponse({"status": "ready"})
