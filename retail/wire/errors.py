"""The one place that turns what was raised into the API's answer."""

import logging
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response

from retail.database import faults
from retail.logs.request_log import REFUSED, note_refusal
from retail.refusals import Forbidden, NotThere, Refusal, ResultStatus, Unavailable
from retail.wire.envelope import OK, envelope

log = logging.getLogger(__name__)
# What ``API_ERRORS=legacy`` keeps from its clients: wrong input, and what is not there.
LEGACY_SPARES = (400, 404)


def answer_refusal(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler: every error of an endpoint leaves as an envelope, without HTML, SQL or a traceback."""
    response = answer_of(error)
    if response.status_code in REFUSED:
        note_refusal(context["request"]._request, reason_of(error))
    if settings.API_ERRORS == "legacy" and response.status_code in LEGACY_SPARES:
        response = in_legacy_form(response, context)
    if response.status_code == OK and response.data is not None:
        # The action's documented empty ``data``; with HTTP 4xx and 5xx the body is exactly the envelope.
        response.data |= getattr(context.get("view"), "refused_body", {})
    return response


def answer_of(error: Exception) -> Response:
    if isinstance(error, Refusal):
        return refuse(error)
    if isinstance(error, Http404):
        return refuse(NotThere())
    if isinstance(error, PermissionDenied):
        return refuse(Forbidden())
    if faults.is_outage(error):
        log.warning("unavailable: %s", faults.cause_of(error))
        return refuse(Unavailable())
    if isinstance(error, exceptions.APIException):
        return answer_api_exception(error)
    log.exception("unexpected error in an endpoint")
    return Response(envelope(ResultStatus.ERROR, gettext("服务器内部错误")), status=500)


def reason_of(error: Exception) -> str:
    """Why a caller was refused, for the log: of a failed CSRF check which one, without the origin that was sent."""
    if isinstance(error, exceptions.PermissionDenied):
        return str(error.detail).partition(" - ")[0]
    return getattr(error, "why", "") or type(error).__name__


def refuse(error: Refusal) -> Response:
    response = Response(envelope(error.status, str(error.message)), status=error.http_status)
    if error.retry_after:
        response["Retry-After"] = str(error.retry_after)
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def in_legacy_form(response: Response, context: dict[str, Any]) -> Response:
    """For clients that throw on 4xx (``API_ERRORS=legacy``): a missing object is ``null``, a refused command the envelope."""
    if context["request"].method == "POST":
        return Response(response.data, status=OK)
    return Response(None, status=OK) if response.status_code == 404 else response


MESSAGES: dict[type[exceptions.APIException], Any] = {
    exceptions.NotAuthenticated: _("请先登录"),
    exceptions.AuthenticationFailed: _("登录已失效，请重新登录"),
    exceptions.PermissionDenied: _("没有权限"),
    exceptions.MethodNotAllowed: _("不支持的请求方法"),
    exceptions.NotAcceptable: _("不支持的响应格式"),
    exceptions.UnsupportedMediaType: _("不支持的内容类型"),
    exceptions.Throttled: _("操作太频繁，请稍后再试"),
    exceptions.ParseError: _("请求内容无法解析"),
}


def answer_api_exception(error: exceptions.APIException) -> Response:
    invalid = isinstance(error, exceptions.ValidationError)
    message = first_message(error.detail) if invalid else str(MESSAGES.get(type(error), error.detail))
    response = Response(envelope(ResultStatus.ERROR, message), status=error.status_code)
    if error.status_code == 401:
        response["WWW-Authenticate"] = getattr(error, "auth_header", None) or "Bearer"
    wait = getattr(error, "wait", None)
    if wait is not None:
        response["Retry-After"] = str(max(wait, 1))
    for name, value in getattr(error, "headers", {}).items():
        response[name] = value
    return response


def first_message(detail: Any, path: str = "") -> str:
    """``qty: 请填写整数``: the first complaint of DRF's tree, led by the wire name of its field."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        joined = path if name == "non_field_errors" else f"{path}.{name}".strip(".")
        return first_message(inner, joined)
    if isinstance(detail, list):
        index = next((number for number, inner in enumerate(detail) if inner), 0)
        inner = detail[index]
        return first_message(inner, f"{path}[{index}]" if isinstance(inner, dict) else path)
    return f"{path}: {detail}" if path else str(detail)
