"""How large a body may be, by what is known before it is read: its address, and whether the caller shows a credential at all."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

# Headers of tokens and of devices' keys (``docs/api.md``). Whether they are right is seen later.
CREDENTIALS = ("HTTP_AUTHORIZATION", "HTTP_X_APP_KEY")


def body_max(meta: Mapping[str, Any]) -> int:
    """In bytes. ``meta``: a request's WSGI environment."""
    return int(settings.BODY_MAX[kind_of(meta)])


def kind_of(meta: Mapping[str, Any]) -> str:
    path = meta.get("PATH_INFO", "").lower()
    if is_told_in_wechats_form(meta):
        return "notification"
    if path.startswith("/api/"):
        return "trade" if has_session(meta) or any(meta.get(header) for header in CREDENTIALS) else "public"
    return "staff_page" if path.startswith("/admin/") and has_session(meta) else "public"


def is_told_in_wechats_form(meta: Mapping[str, Any]) -> bool:
    """Whether the view itself must say that the body is too large."""
    return str(meta.get("PATH_INFO", "")).lower().startswith("/api/pay/")


def has_session(meta: Mapping[str, Any]) -> bool:
    return f"{settings.SESSION_COOKIE_NAME}=" in meta.get("HTTP_COOKIE", "")


def is_too_large(meta: Mapping[str, Any]) -> bool:
    return declared_length(meta) > body_max(meta)


def declared_length(meta: Mapping[str, Any]) -> int:
    """What makes no sense, or has more digits than Python reads, counts as none."""
    try:
        return max(int(meta.get("CONTENT_LENGTH") or 0), 0)
    except ValueError:
        return 0
