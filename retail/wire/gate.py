"""What no address may hold, refused once for every page: else each view that looks something up would have to think of it."""

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

from retail.wire.envelope import is_api

NUL = "\0"


class Gate:
    """PostgreSQL's texts hold no NUL, and its driver says so only when a statement is run: such a request is bad (400)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if holds_nul(request):
            raise BadRequest
        return self.get_response(request)


def holds_nul(request: HttpRequest) -> bool:
    """In the path, a cookie (where ``"\\000"`` stands for it), or the query; that of the API is read by the wire's own rules."""
    if NUL in request.path_info or any(NUL in value for value in request.COOKIES.values()):
        return True
    query = request.META.get("QUERY_STRING", "")
    return not is_api(request) and ("%00" in query or NUL in query)
