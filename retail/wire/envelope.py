"""The form of every answer: ``{status, message[, data]}``, and under which addresses it is given."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext
from rest_framework.response import Response

from retail.refusals import ResultStatus

OK = 200


def envelope(status: int, message: str) -> dict[str, Any]:
    return {"status": int(status), "message": message}


def ok(message: str = "", **body: Any) -> Response:
    """The answer of a command that was done; ``data=…`` where the document has one."""
    return Response(envelope(ResultStatus.SUCCESS, message or gettext("成功")) | body)


def api_error(status: int, message: str) -> HttpResponse:
    """The envelope outside DRF: unknown paths, crashes, what the middleware refuses."""
    return JsonResponse(envelope(ResultStatus.ERROR, message), status=status, json_dumps_params={"ensure_ascii": False})


def error_page(request: HttpRequest, status: int, message: str) -> HttpResponse:
    """The envelope under ``/api/``, a kind page elsewhere."""
    if is_api(request):
        return api_error(status, message)
    return render(request, "error.html", {"status": status, "message": message}, status=status)


def is_api(request: HttpRequest) -> bool:
    return is_api_path(request.path_info)


def is_api_path(path: str) -> bool:
    # The middleware has taken the trailing slash off.
    return f"{path.lower()}/".startswith("/api/")
