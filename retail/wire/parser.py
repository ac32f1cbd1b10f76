"""The boundary: bytes of a request to named arguments, before any view (wire rules 3, 4, 5 and 9)."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

JSON_TYPES = ("application/json", "text/json")
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
UTF_8 = ("utf-8", "utf8")
ABSENT_IN_QUERY = ("", "undefined", "null", "NaN")
DEPTH_MAX = 16
SURROGATE_OR_NUL = re.compile("[\x00\ud800-\udfff]")


class TooLarge(APIException):
    status_code = 413

    def __init__(self) -> None:
        super().__init__(_("请求内容过大"))


class BadArguments(ParseError):
    """Carries its own message, where DRF's parse error would have one for all."""


class Unread(BaseParser):
    """DRF's parser, which would have its own idea of a body: its CSRF check looks for a form's field. Here the token is in its header."""

    media_type = "application/json"

    def parse(self, *args: Any, **options: Any) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class Arguments:
    """``named``: lower-case name → every value that was sent for it; ``items``: a body that is a JSON list."""

    named: dict[str, list[Any]] = field(default_factory=dict)
    items: list[Any] | None = None


def read(request: HttpRequest, *, body_max: int, list_max: int) -> Arguments:
    """Everything that the caller sent. Raises BadArguments, TooLarge, UnsupportedMediaType."""
    named: dict[str, list[Any]] = {}
    for name, text in query_pairs(request):
        if text not in ABSENT_IN_QUERY:
            named.setdefault(name.lower(), []).append(text)
    if request.method != "POST":
        return Arguments(named)
    body = body_of(request, body_max)
    if not body.strip():
        return Arguments(named)
    if readable_type(request) in JSON_TYPES:
        return with_json(named, parse_json(body), list_max)
    merge(named, form_pairs(request, body))
    check_value(named, list_max=list_max)
    return Arguments(named)


def readable_type(request: HttpRequest) -> str:
    content_type, parameters = request.content_type or "", request.content_params or {}
    if content_type not in JSON_TYPES + FORM_TYPES or parameters.get("charset", "utf-8").lower() not in UTF_8:
        raise UnsupportedMediaType(content_type)
    return content_type


def with_json(named: dict[str, list[Any]], sent: Any, list_max: int) -> Arguments:
    check_value(sent, list_max=list_max)
    if isinstance(sent, list):
        return Arguments(named, sent)
    if not isinstance(sent, dict):
        raise BadArguments(_("请求内容应为 JSON 对象或数组"))
    return Arguments(merge(named, sent.items()))


def merge(named: dict[str, list[Any]], pairs: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    for name, value in pairs:
        named.setdefault(name.lower(), []).append(value)
    return named


def body_of(request: HttpRequest, body_max: int) -> bytes:
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise TooLarge from error
    if len(body) > body_max:
        raise TooLarge
    return body


def query_of(request: HttpRequest) -> str:
    """The query as it was sent: WSGI passes its bytes on as Latin-1. Raises UnicodeError when they are no UTF-8."""
    return utf8(request.META.get("QUERY_STRING", ""))


def query_pairs(request: HttpRequest) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(query_of(request), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=1000)
    except ValueError as error:
        raise BadArguments(_("查询参数须为 UTF-8 编码，且不超过 1000 个")) from error
    for pair in pairs:
        check_value(pair, list_max=2)
    return pairs


def form_pairs(request: HttpRequest, body: bytes) -> list[tuple[str, str]]:
    try:
        text = body.decode()
        if request.content_type == "multipart/form-data":
            return multipart_pairs(request, body)
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=settings.DATA_UPLOAD_MAX_NUMBER_FIELDS)
    except UnicodeError as error:
        raise BadArguments(_("表单须为 UTF-8 编码")) from error
    except MultiPartParserError as error:
        raise BadArguments(_("表单内容无法解析")) from error
    except (ValueError, TooManyFieldsSent, TooManyFilesSent) as error:
        raise BadArguments(_("表单内容过多")) from error


def multipart_pairs(request: HttpRequest, body: bytes) -> list[tuple[str, str]]:
    # Django would replace what it can't decode. As Latin-1 the bytes stay, those that were sent in base64 too.
    fields, _files = MultiPartParser(request.META, BytesIO(body), [], "latin-1").parse()
    return [(utf8(name), utf8(value)) for name, values in fields.lists() for value in values]


def utf8(latin: str) -> str:
    return latin.encode("latin-1").decode()


def parse_json(body: bytes) -> Any:
    """JSON with exact decimals; a leading byte-order mark is skipped, a key twice in one object is refused."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=refuse_constant, object_pairs_hook=once_each)
    except RecursionError as error:
        raise BadArguments(_("JSON 嵌套过深")) from error
    except (ValueError, ArithmeticError) as error:
        raise BadArguments(_("请求内容不是合法的 UTF-8 JSON")) from error


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadArguments(_("JSON 中有重复的键"))
    return found


def check_value(value: Any, *, list_max: int, depth: int = 0) -> None:
    """No text that one of the databases can't hold, no list or nesting beyond the limits."""
    if isinstance(value, str) and SURROGATE_OR_NUL.search(value):
        raise BadArguments(_("文本中有不允许的字符"))
    if not isinstance(value, dict | list | tuple):
        return
    if depth >= DEPTH_MAX:
        raise BadArguments(_("JSON 嵌套过深"))
    if not isinstance(value, dict) and len(value) > list_max:
        raise BadArguments(_("列表过长"))
    for inner in (part for item in value.items() for part in item) if isinstance(value, dict) else value:
        check_value(inner, list_max=list_max, depth=depth + 1)
