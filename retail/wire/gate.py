"""What no address may hold, refused once for every page: else each view that looks something up would have to think of it."""

import codecs
from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

from retail.wire.envelope import is_api

NUL = "\0"


class Gate:
    """PostgreSQL's texts hold no NUL, and its driver says so only when a statement is run: such a request is bad (400).

    So is one in another encoding than UTF-8, which can stand for anything: ``unicode_escape`` makes a NUL of ``\\x00``.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if holds_nul(request) or is_in_other_code(request):
            raise BadRequest
        return self.get_response(request)


def holds_nul(request: HttpRequest) -> bool:
    """In the path, a cookie (where ``"\\000"`` stands for it), or the query; that of the API is read by the wire's own rules."""
    if NUL in request.path_info or any(NUL in value for value in request.COOKIES.values()):
        return True
    query = request.META.get("QUERY_STRING", "")
    return not is_api(request) and ("%00" in query or NUL in query)


def is_in_other_code(request: HttpRequest) -> bool:
    """Whether a Content-Type has Django read a page's query and form otherwise than browsers send them. The API reads UTF-8 alone."""
    return bool(request.encoding) and codecs.lookup(request.encoding or "").name != "utf-8" and not is_api(request)
