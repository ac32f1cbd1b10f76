"""What must hold at the start of an installation that isn't a demo; ``manage.py check`` says the same."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from retail.clients import LOOPBACK
from retail.encryption import ring

# Of a key that nobody guesses; the settings' own of DEBUG is shorter.
SECRET_KEY_MIN = 32


def check_installation(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    """Keys of its own, https, and no debugging where others can reach it (``docs/deployment.md``)."""
    found: list[checks.CheckMessage] = []
    address = urlsplit(settings.PUBLIC_BASE_URL)
    pretends = settings.DEBUG or settings.DEMO
    if settings.DEBUG and address.scheme == "https" and address.hostname not in LOOPBACK:
        found.append(checks.Error("DEBUG shows strangers the insides: off, where PUBLIC_BASE_URL is public.", id="retail.E001"))
    if not pretends and address.scheme != "https" and address.hostname not in LOOPBACK:
        found.append(checks.Error("PUBLIC_BASE_URL must be https: sessions, tokens and phones travel over it.", id="retail.E002"))
    found += check_keys(pretends=pretends)
    if not settings.API_THROTTLES:
        found.append(checks.Warning("API_THROTTLES=off: anybody may guess and flood. For load tests only.", id="retail.W001"))
    return found


def check_keys(*, pretends: bool) -> list[checks.CheckMessage]:
    found: list[checks.CheckMessage] = []
    if not pretends and not settings.ENCRYPTION_KEYS:
        found.append(checks.Error("ENCRYPTION_KEYS is not set: secrets in the database need a key of their own.", id="retail.E003"))
    if not pretends and (len(settings.SECRET_KEY) < SECRET_KEY_MIN or settings.SECRET_KEY.startswith(("insecure-", "django-insecure-"))):
        found.append(checks.Error("SECRET_KEY is short or a default: whoever knows it makes sessions of anybody.", id="retail.E004"))
    try:
        ring()
    except ImproperlyConfigured as error:
        found.append(checks.Error(str(error), id="retail.E005"))
    return found
