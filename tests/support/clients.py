"""Callers of the API with real credentials."""

import json
import time
import uuid
from typing import Any

from django.http import HttpResponse
from django.test import Client
from knox.models import AuthToken

from retail.models import User
from shops.models import Shop
from shops.signatures import SignedParts, encoded, signed_headers


class ApiClient:
    """An anonymous caller; the others add their credential. ``path`` is the whole path, ``/api/shop/get``."""

    def __init__(self, **headers: str) -> None:
        self.headers = headers
        # Kept: a new one would load the middleware again with every request.
        self.client = Client()

    def get(self, path: str, *, headers: dict[str, str] | None = None, **query: Any) -> HttpResponse:
        return self.send("GET", path, encoded((name, str(value)) for name, value in query.items()), b"", headers)

    def post(self, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **query: Any) -> HttpResponse:
        sent = json.dumps({} if body is None else body, default=str).encode()
        return self.send("POST", path, encoded((name, str(value)) for name, value in query.items()), sent, headers)

    def send(self, method: str, path: str, query: str, body: bytes, headers: dict[str, str] | None = None) -> HttpResponse:
        credential = self.credential(method, path, query, body)
        return self.client.generic(
            method, path, body, "application/json", headers=self.headers | credential | (headers or {}), QUERY_STRING=query
        )

    def credential(self, method: str, path: str, query: str, body: bytes) -> dict[str, str]:
        return {}


class DeviceClient(ApiClient):
    """Signs every request with the keys of ``shop``."""

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self.shop = shop

    def credential(self, method: str, path: str, query: str, body: bytes) -> dict[str, str]:
        parts = SignedParts(method, path, query, self.shop.app_key, str(int(time.time())), uuid.uuid4().hex, body)
        return signed_headers(parts, secret=self.shop.app_secret)


class Api:
    """Callers by who they are."""

    anonymous = ApiClient()

    def as_user(self, user: User) -> ApiClient:
        """A buyer's or a staff member's bearer token."""
        _instance, token = AuthToken.objects.create(user=user)
        return ApiClient(Authorization=f"Bearer {token}")

    def as_device(self, shop: Shop) -> DeviceClient:
        return DeviceClient(shop)
