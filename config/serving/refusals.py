"""What the server answers by itself, without a thread: whoever makes it refuse costs the others nothing."""

import json
import logging
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from retail.refusals import ResultStatus
from retail.wire.envelope import envelope, is_api_path

log = logging.getLogger(__name__)


class NotTaken(Exception):
    """A request that no thread is given to. Subclasses name the fact."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    message: str | Promise = _("人太多了，请稍后再试")


def answer(refusal: NotTaken, environ: Mapping[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body: the envelope under ``/api/``, a kind page elsewhere."""
    log.warning("refused: %s", type(refusal).__name__, extra={"method": environ["REQUEST_METHOD"], "status": refusal.status.value})
    is_api = is_api_path(environ["PATH_INFO"])
    body = (envelope_of if is_api else page_of)(refusal.status, str(refusal.message))
    headers = [("Content-Type", f"{'application/json' if is_api else 'text/html'}; charset=utf-8"), ("Content-Length", str(len(body)))]
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(("Retry-After", "1"))
    return refusal.status, headers, body


@cache
def envelope_of(status: HTTPStatus, message: str) -> bytes:
    return json.dumps(envelope(ResultStatus.ERROR, message), ensure_ascii=False).encode()


@cache
def page_of(status: HTTPStatus, message: str) -> bytes:
    return render_to_string("error.html", {"status": status.value, "message": message}).encode()
