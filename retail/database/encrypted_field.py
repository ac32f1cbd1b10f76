"""Secrets at rest: a text column encrypted with the key ring of ``ENCRYPTION_KEYS``."""

import base64
import hashlib
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


@lru_cache(maxsize=4)
def key_ring(keys: tuple[str, ...], secret_key: str) -> MultiFernet:
    """The first key encrypts, every key decrypts. Without keys (DEBUG only) one is derived from SECRET_KEY."""
    if not keys:
        keys = (base64.urlsafe_b64encode(hashlib.sha256(secret_key.encode()).digest()).decode(),)
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured("ENCRYPTION_KEYS must be urlsafe base64 keys of 32 bytes, separated by commas.") from error


def ring() -> MultiFernet:
    return key_ring(tuple(settings.ENCRYPTION_KEYS), settings.SECRET_KEY)


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Plain text in Python, a Fernet token in the database; it can't be searched for."""

    def get_prep_value(self, value: Any) -> Any:
        return ring().encrypt(value.encode()).decode() if value else ""

    def from_db_value(self, value: str | None, *_: Any) -> str:
        if not value:
            return ""
        try:
            return ring().decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise ImproperlyConfigured("A stored secret can't be read: its key is missing from ENCRYPTION_KEYS.") from error
