"""What must hold at the start of an installation that isn't a demo; ``manage.py check`` says the same."""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

from retail.database.encrypted_field import ring

# Of a key that nobody guesses; the settings' own of DEBUG is shorter.
SECRET_KEY_MIN = 32
# Private networks, where a phone in the same Wi-Fi tries the demo.
NETWORKS = [
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
]
# Names that nobody can register (RFC 6762, RFC 8375, ICANN's .internal, what routers call .lan), and those without a dot.
NETWORK_NAMES = (".local", ".lan", ".home.arpa", ".internal")
is_bare = re.compile(r"[a-z][a-z0-9-]*").fullmatch


class Reach(IntEnum):
    """From where a host is called."""

    HERE = 0
    NEARBY = 1
    ANYWHERE = 2


def reach_of(host: str) -> Reach:
    """Of a host of ``PUBLIC_BASE_URL``, or of an entry of ``ALLOWED_HOSTS`` (``*``, ``.example.com``); a name may lead anywhere."""
    name = host.lower().strip("[]").rstrip(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        if name == "localhost" or name.endswith(".localhost"):
            return Reach.HERE
        return Reach.NEARBY if name.endswith(NETWORK_NAMES) or is_bare(name) else Reach.ANYWHERE
    if address.is_loopback:
        return Reach.HERE
    return Reach.NEARBY if any(address in network for network in NETWORKS) else Reach.ANYWHERE


def check_installation(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    """Keys of its own, https, and neither debugging nor pretended money where strangers can reach it (``docs/deployment.md``)."""
    pretends = settings.DEBUG or settings.DEMO
    found = [*(pretence_faults() if pretends else address_faults()), *unserved_address(), *check_keys(pretends=pretends)]
    if not settings.API_THROTTLES:
        found.append(checks.Warning("API_THROTTLES=off: anybody may guess and flood. For load tests only.", id="retail.W001"))
    return found


def public_host() -> str:
    """The host of ``PUBLIC_BASE_URL`` as ``ALLOWED_HOSTS`` spells it."""
    host = urlsplit(settings.PUBLIC_BASE_URL).hostname or ""
    return f"[{host}]" if ":" in host else host


def pretence_faults() -> Iterator[checks.CheckMessage]:
    named = {"PUBLIC_BASE_URL": [public_host()], "ALLOWED_HOSTS": settings.ALLOWED_HOSTS}
    reached = [
        f"{setting} names {host or 'no host'}" for setting, hosts in named.items() for host in hosts if reach_of(host) == Reach.ANYWHERE
    ]
    if reached:
        why = "DEBUG shows the insides, DEMO has known passwords and pretended payments"
        mend = "Set both off, or name only this machine, private addresses (192.168.…) and names like shop.lan."
        yield checks.Error(f"{why}, but strangers come where {', and '.join(reached)}. {mend}", id="retail.E001")


def address_faults() -> Iterator[checks.CheckMessage]:
    address, own = settings.PUBLIC_BASE_URL, reach_of(public_host())
    if not (address.startswith("https://") and public_host()) and own != Reach.HERE:
        yield checks.Error("PUBLIC_BASE_URL must be https://…: sessions, tokens and phones travel over it.", id="retail.E002")
    beyond = [host for host in settings.ALLOWED_HOSTS if reach_of(host) > own]
    if beyond:
        why = f"ALLOWED_HOSTS serves {', '.join(beyond)}, but PUBLIC_BASE_URL is {address}: no https rules, and notifications go there."
        mend = "Set PUBLIC_BASE_URL=https://… to the address that people use, or take the others out of ALLOWED_HOSTS."
        yield checks.Error(f"{why} {mend}", id="retail.E006")


def unserved_address() -> Iterator[checks.CheckMessage]:
    # Without any, Django serves loopback while DEBUG is on.
    debugs = settings.DEBUG and not settings.ALLOWED_HOSTS and reach_of(public_host()) == Reach.HERE
    if not debugs and not validate_host(public_host().lower(), settings.ALLOWED_HOSTS):
        why = f"ALLOWED_HOSTS lacks {public_host() or 'any host'}, the host of PUBLIC_BASE_URL: every request there is refused."
        yield checks.Warning(f"{why} Add it, or leave ALLOWED_HOSTS out.", id="retail.W002")


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
