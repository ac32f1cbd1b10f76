"""JSON out: orjson, whatever the client says it accepts."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request


class WireRenderer(JSONRenderer):
    """Bytes of UTF-8 JSON; numbers stay numbers."""

    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None) -> bytes:
        return orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)


class AlwaysJson(BaseContentNegotiation):
    """No ``Accept`` header leads to 406: the documents know one format."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
