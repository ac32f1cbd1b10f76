"""The client's address, believed only through the configured number of proxies."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

WITH_PORT = re.compile(r"\[([^]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def client_ip(request: HttpRequest) -> str:
    """The address that the outermost trusted proxy saw; without proxies, or where that is no address, the peer's own."""
    peer: str = request.META.get("REMOTE_ADDR", "")
    if not settings.TRUSTED_PROXIES:
        return peer
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    seen = forwarded[-settings.TRUSTED_PROXIES] if len(forwarded) >= settings.TRUSTED_PROXIES else ""
    return without_port(seen) or peer


def without_port(text: str) -> str:
    """The address in what a proxy wrote, which may be ``192.0.2.1:5678`` or ``[2001:db8::1]:5678``; "" where there is none."""
    found = WITH_PORT.fullmatch(text)
    address = (found[1] or found[2]) if found else text
    try:
        ipaddress.ip_address(address)
    except ValueError:
        # PostgreSQL's column of addresses, in which wrong passwords are counted, takes nothing else.
        return ""
    return address


def client_network(request: HttpRequest) -> str:
    """Who is counted by address. Of IPv6 it is the /64 that a phone or a household has to itself: it may call from any address of it."""
    address = client_ip(request)
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    return str(known.ipv4_mapped or ipaddress.IPv6Network((int(known), 64), strict=False))
