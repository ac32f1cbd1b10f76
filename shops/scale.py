"""A scale in software: signs, pulls, stores and acknowledges over real HTTP as an integrator's would. Touches no database."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from shops.signatures import SignedParts, encoded, signed_headers

TIMEOUT = (3, 30)
PULL = "/api/shop/shopproduct/getdownload"
ACKNOWLEDGE = "/api/shop/shopproduct/ackdownload"
RESET = "/api/shop/shopproduct/resetdownload"


class Refused(Exception):
    """The server's answer was no: its HTTP status and message."""


@dataclass
class Holdings:
    """What the scale has in store, product id → row, in a file that outlives it. ``time_stamp``: up to which change."""

    path: Path
    time_stamp: int = 0
    products: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def at(cls, path: Path) -> "Holdings":
        """Nothing, when the file is not there or damaged."""
        try:
            stored = json.loads(path.read_text())
            return cls(path, int(stored["timeStamp"]), dict(stored["products"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls(path)

    def save(self) -> None:
        """Whole or not at all: a scale may lose its power at any moment."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"timeStamp": self.time_stamp, "products": self.products}, ensure_ascii=False))
        fresh.replace(self.path)

    def take(self, answer: Mapping[str, Any]) -> None:
        """One page of the download."""
        if answer["full"]:
            self.products.clear()
        for row in answer["data"]:
            self.products[str(row["productId"])] = row
        for product_id in answer["deleted"]:
            self.products.pop(str(product_id), None)
        self.time_stamp = answer["timeStamp"]


@dataclass(frozen=True)
class Pull:
    """What one round brought."""

    pages: int = 0
    changed: int = 0
    deleted: int = 0
    full: bool = False


@dataclass(frozen=True)
class Scale:
    base_url: str
    app_key: str
    app_secret: str
    shop_id: int
    device_id: int
    holdings: Holdings

    def pull(self) -> Pull:
        """Load page after page until nothing is left; each is stored before it is acknowledged. Raises Refused, RequestException."""
        pages = changed = deleted = 0
        full, more = False, True
        while more:
            answer = self.call("GET", PULL, query=encoded([("deviceId", str(self.device_id))]))
            if not self.holdings.time_stamp and not answer["full"]:
                # Our store is lost, and the server believes that we have it.
                self.call("POST", RESET, body={"shopId": self.shop_id, "deviceId": self.device_id})
                continue
            self.holdings.take(answer)
            self.holdings.save()
            self.call("POST", ACKNOWLEDGE, body={"deviceId": self.device_id, "timeStamp": answer["timeStamp"]})
            pages, changed, deleted = pages + 1, changed + len(answer["data"]), deleted + len(answer["deleted"])
            full, more = full or answer["full"], answer["more"]
        return Pull(pages, changed, deleted, full)

    def call(self, method: str, path: str, *, query: str = "", body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        sent = json.dumps(body).encode() if body is not None else b""
        parts = SignedParts(method, path, query, self.app_key, str(int(time.time())), secrets.token_hex(16), sent)
        headers = signed_headers(parts, secret=self.app_secret) | {"Content-Type": "application/json"}
        url = f"{self.base_url.rstrip('/')}{path}{'?' if query else ''}{query}"
        response = requests.request(method, url, data=sent, headers=headers, timeout=TIMEOUT)
        try:
            answer: dict[str, Any] = response.json()
        except ValueError as error:
            raise Refused(f"HTTP {response.status_code}") from error
        if response.status_code != requests.codes.ok:
            raise Refused(f"HTTP {response.status_code}: {answer.get('message', '')}")
        return answer
