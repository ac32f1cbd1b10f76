"""What must hold at the start of an installation that isn't a demo; ``manage.py check`` says the same."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from retail.clients import LOOPBACK


def check_installation(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    """Keys of its own, https, and no debugging where others can reach it (``docs/deployment.md``)."""
    found: list[checks.CheckMessage] = []
    address = urlsplit(settings.PUBLIC_BASE_URL)
    pretends = settings.DEBUG or settings.DEMO
    if settings.DEBUG and address.scheme == "https" and address.hostname not in LOOPBACK:
        found.append(checks.Error("DEBUG shows strangers the insides: off, where PUBLIC_BASE_URL is public.", id="retail.E001"))
    if not pretends and address.scheme != "https" and address.hostname not in LOOPBACK:
        found.append(checks.Error("PUBLIC_BASE_URL must be https: sessions, tokens and phones travel over it.", id="retail.E002"))
    if not pretends and not settings.ENCRYPTION_KEYS:
        found.append(checks.Error("ENCRYPTION_KEYS is not set: secrets in the database need a key of their own.", id="retail.E003"))
    if not settings.API_THROTTLES:
        found.append(checks.Warning("API_THROTTLES=off: anybody may guess and flood. For load tests only.", id="retail.W001"))
    return found
