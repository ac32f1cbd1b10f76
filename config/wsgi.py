"""Django as a WSGI application, which ``config/asgi.py`` serves."""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.wsgi import get_wsgi_application
from django.utils.translation import gettext as _

from config import start
from retail.refusals import ResultStatus
from retail.wire.envelope import envelope

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django = get_wsgi_application()
# Not only `manage.py` refuses a start that could cost somebody money or data.
start.refuse_unsafe()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    try:
        return django(environ, start_response)
    except (ValueError, LookupError, SuspiciousOperation):
        # Django makes its request outside of its own error handling: a Content-Type, or with it the query, made no sense.
        start_response("400 Bad Request", [("Content-Type", "application/json; charset=utf-8")])
        return [json.dumps(envelope(ResultStatus.ERROR, _("请求有误")), ensure_ascii=False).encode()]
