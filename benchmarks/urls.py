"""The product's addresses, and the yardsticks under the same server, middleware and load."""

from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response

from groupbuy.api.serializers import CreateOrderTakes
from retail.rights import Right
from retail.wire.envelope import ok
from retail.wire.views import WireViewSet, endpoint


def within(request: HttpRequest) -> JsonResponse:
    """What the product answers with nothing to do: Y as it was before it became a project of its own."""
    return JsonResponse({"ok": True})


class Validation(WireViewSet):
    """V: the body of createorder, read and validated as there; no database."""

    authentication_classes = ()

    @endpoint("POST", "validate", right=Right.LOG_IN, title="V", takes=CreateOrderTakes)
    def validate(self, request: Request) -> Response:
        self.valid()
        return ok(data=1)


urlpatterns = [
    path("api/bench/within", within),
    path("api/bench/validate", Validation.as_view({"post": "validate"})),
    path("", include("config.urls")),
]
