"""Where WeChat Pay sends its notifications: no session, no throttle, nothing that could lose money."""

import logging

from django.db import DatabaseError, InterfaceError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from groupbuy.payments import notifications
from groupbuy.payments.gateways import Misconfigured, NotifyRejected
from retail.database import faults
from retail.logs.request_log import note_refusal
from retail.wire.body_limits import is_too_large

log = logging.getLogger(__name__)


@csrf_exempt
# 204 says that it is kept: nothing around this view may still be uncommitted then.
@transaction.non_atomic_requests
def notify(request: HttpRequest) -> HttpResponse:
    """204 when booked; every failure in WeChat's own form, whereupon WeChat sends again (15 times in a day)."""
    if request.method != "POST":
        return failure(405, "POST only")
    if is_too_large(request.META):
        return failure(413, "too large")
    try:
        notifications.book_notification(headers=request.headers, body=request.body, now=timezone.now())
    except NotifyRejected as error:
        note_refusal(request, f"notification rejected: {error}")
        return failure(401, "rejected")
    except Misconfigured as error:
        log.error("a notification can't be read: %s", error)
        return failure(503, "unavailable")
    except (DatabaseError, InterfaceError) as error:
        log.error("a notification can't be kept: %s", faults.cause_of(error))
        return failure(503, "unavailable")
    return HttpResponse(status=204)


def failure(status: int, message: str) -> HttpResponse:
    return JsonResponse({"code": "FAIL", "message": message}, status=status)
