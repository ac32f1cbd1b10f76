"""What must hold at the start of an installation that isn't a demo; ``manage.py check`` says the same."""

import ipaddress
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
# This machine and private networks, where a phone in the same Wi-Fi tries the demo.
NEARBY = [
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1", "fc00::/7", "fe80::/10")
]


def check_installation(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    """Keys of its own, https, and neither debugging nor pretended money where strangers can reach it (``docs/deployment.md``)."""
    found: list[checks.CheckMessage] = []
    address = urlsplit(settings.PUBLIC_BASE_URL)
    pretends = settings.DEBUG or settings.DEMO
    if pretends and not is_nearby(address.hostname or ""):
        why = "DEBUG shows the insides, DEMO has known passwords and pretended payments: both off, where PUBLIC_BASE_URL is public."
        found.append(checks.Error(why, id="retail.E001"))
    if not pretends and address.scheme != "https" and address.hostname not in LOOPBACK:
        found.append(checks.Error("PUBLIC_BASE_URL must be https: sessions, tokens and phones travel over it.", id="retail.E002"))
    found += check_keys(pretends=pretends)
    if not settings.API_THROTTLES:
        found.append(checks.Warning("API_THROTTLES=off: anybody may guess and flood. For load tests only.", id="retail.W001"))
    return found


def is_nearby(host: str) -> bool:
    """Whether only this machine or its own network knows the address; a name may lead anywhere."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in LOOPBACK
    return any(address in network for network in NEARBY)


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
