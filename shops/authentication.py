"""The credential of tills and scales: each request signed with its shop's appKey and appSecret (``docs/api.md``)."""

import binascii
import hmac
import ipaddress
import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from retail.logs.client_ip import client_ip
from retail.principals import Principal, device_of
from retail.wire.parser import query_of
from shops import devices, licences
from shops.models import Shop
from shops.signatures import SCHEME, WINDOW_SECONDS, SignedParts, signature

HEADERS = ("X-App-Key", "X-Timestamp", "X-Nonce", "X-Signature")
APP_KEY = re.compile(r"\A[0-9A-Za-z_-]{1,64}\Z")
TIMESTAMP = re.compile(r"\A[0-9]{1,12}\Z")
NONCE = re.compile(r"\A[0-9a-zA-Z-]{16,64}\Z")


class BadSignature(AuthenticationFailed):
    """HTTP 401 with one message, whatever was wrong: only the log says. The server's time tells an honest device that its clock is off."""

    default_detail = _("设备认证失败，请检查密钥、签名与时钟")

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.why = f"device: {reason}"
        self.headers: dict[str, str] = {"X-Server-Time": str(int(timezone.now().timestamp()))}


class DeviceAuthentication(BaseAuthentication):
    """A signature, or HTTP Basic for shops whose tills can't sign. Gives a principal of one shop, and no user."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Principal] | None:
        now = timezone.now()
        shop = shop_behind(request._request, now)
        if shop is None:
            return None
        if not works_without_licence(request) and licences.has_ended(shop=shop, now=now):
            raise licences.LicenceEnded
        return AnonymousUser(), device_of(tenant_id=shop.tenant_id, shop_id=shop.pk)

    def authenticate_header(self, request: Request) -> str:
        # The first class speaks for all: without a challenge DRF turns every 401 into a 403.
        return SCHEME if signs(request._request) else "Bearer"


def works_without_licence(request: Request) -> bool:
    """A view names the actions that a device may still call when its licence has ended in ``without_licence``."""
    view: Any = (request.parser_context or {}).get("view")
    return getattr(view, "action", None) in getattr(view, "without_licence", ())


def shop_behind(request: HttpRequest, now: datetime) -> Shop | None:
    """The shop of a request that claims to come from a device; None when it doesn't. Raises BadSignature."""
    if signs(request):
        return signed_by(request, now)
    scheme, _space, credentials = request.headers.get("Authorization", "").partition(" ")
    return named_by_basic(request, credentials.strip(), now) if scheme.lower() == "basic" else None


def signs(request: HttpRequest) -> bool:
    return any(name in request.headers for name in HEADERS)


def signed_by(request: HttpRequest, now: datetime) -> Shop:
    app_key, timestamp, nonce, sent = (request.headers.get(name, "") for name in HEADERS)
    if not TIMESTAMP.match(timestamp) or not NONCE.match(nonce):
        raise BadSignature("headers missing or malformed")
    if abs(int(timestamp) - now.timestamp()) > WINDOW_SECONDS:
        raise BadSignature("stale")
    shop = open_shop(app_key)
    # Not path_info, which is folded: what was sent is what was signed.
    parts = SignedParts(request.method or "", request.path, signed_query(request), app_key, timestamp, nonce, request.body)
    if not is_genuine(parts, sent, shop, now):
        raise BadSignature(f"wrong signature for shop {shop.pk}")
    # Last, so that only who knows the secret can write nonces.
    if not devices.use_nonce(app_key=app_key, nonce=nonce, now=now):
        raise BadSignature(f"nonce used before by shop {shop.pk}")
    return shop


def signed_query(request: HttpRequest) -> str:
    try:
        return query_of(request)
    except UnicodeError as error:
        raise BadSignature("query is no UTF-8") from error


def is_genuine(parts: SignedParts, sent: str, shop: Shop, now: datetime) -> bool:
    try:
        return any(hmac.compare_digest(signature(parts, secret=secret).encode(), sent.encode()) for secret in live_secrets(shop, now))
    except ValueError:
        # A query that isn't UTF-8: nothing of ours was signed.
        return False


def live_secrets(shop: Shop, now: datetime) -> Iterator[str]:
    """Two while a rotation is on: the new one, and the old one until its end."""
    yield shop.app_secret
    if shop.previous_secret and shop.previous_secret_until and now < shop.previous_secret_until:
        yield shop.previous_secret


def open_shop(app_key: str) -> Shop:
    shops = Shop.objects.open().select_related("licence").filter(app_key=app_key, tenant__in_use=True)
    shop = shops.first() if APP_KEY.match(app_key) else None
    if shop is None:
        raise BadSignature("unknown appKey or removed shop")
    return shop


def named_by_basic(request: HttpRequest, credentials: str, now: datetime) -> Shop:
    if not request.is_secure() and not is_local(request):
        raise BadSignature("Basic without TLS")
    try:
        app_key, _colon, secret = b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeError) as error:
        raise BadSignature("malformed Basic") from error
    shop = open_shop(app_key)
    is_known = any(hmac.compare_digest(live.encode(), secret.encode()) for live in live_secrets(shop, now))
    if not is_known or not shop.allows_basic_auth:
        raise BadSignature(f"wrong secret, or Basic not allowed, for shop {shop.pk}")
    return shop


def is_local(request: HttpRequest) -> bool:
    """From this machine, and not forwarded by a proxy that nobody configured."""
    if not settings.TRUSTED_PROXIES and "X-Forwarded-For" in request.headers:
        return False
    try:
        return ipaddress.ip_address(client_ip(request)).is_loopback
    except ValueError:
        return False
