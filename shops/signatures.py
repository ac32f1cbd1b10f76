"""The request signature of tills and scales (``docs/api.md``): what is signed, and with what. Knows no request and no database."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

SCHEME = "RGB1-HMAC-SHA256"
WINDOW_SECONDS = 300
NONCE_SECONDS = 600


@dataclass(frozen=True)
class SignedParts:
    """What a signature covers. ``path`` as sent, ASCII; ``query`` without ``?``; ``timestamp`` in unix seconds."""

    method: str
    path: str
    query: str
    app_key: str
    timestamp: str
    nonce: str
    body: bytes

    @property
    def text(self) -> str:
        """The canonical lines, each ended by LF."""
        body_hash = hashlib.sha256(self.body).hexdigest()
        lines = (SCHEME, self.method, self.path, canonical_query(self.query), self.app_key, self.timestamp, self.nonce, body_hash)
        return "".join(f"{line}\n" for line in lines)


def canonical_query(query: str) -> str:
    """Sorted by key and value, then encoded by RFC 3986: a space is ``%20``, and only ``-._~`` stay beside letters and digits."""
    return encoded(sorted(parse_qsl(query, keep_blank_values=True, errors="strict")))


def encoded(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)


def signature(parts: SignedParts, *, secret: str) -> str:
    """Lower-case hex HMAC-SHA256 of the canonical lines."""
    return hmac.new(secret.encode(), parts.text.encode(), hashlib.sha256).hexdigest()


def signed_headers(parts: SignedParts, *, secret: str) -> dict[str, str]:
    """The four headers that a device sends."""
    return {
        "X-App-Key": parts.app_key,
        "X-Timestamp": parts.timestamp,
        "X-Nonce": parts.nonce,
        "X-Signature": signature(parts, secret=secret),
    }
