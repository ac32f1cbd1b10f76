from django.http import HttpRequest, JsonResponse
from django.urls import path


def bare(request: HttpRequest) -> JsonResponse:
    """What Django answers with nothing to do."""
    return JsonResponse({"ok": True})


urlpatterns = [path("bare", bare)]
