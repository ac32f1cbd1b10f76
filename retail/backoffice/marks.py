"""The mark of a field on a page: when the page was opened, and a keyed digest of what the field showed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

SALT = "retail.backoffice.marks"


class Mark:
    """Of one field of one row of the model ``of``: what stood elsewhere fits nowhere else."""

    def __init__(self, name: str, *, of: Any) -> None:
        self.name = f"{of._meta.label_lower}.{name}"

    def over(self, text: str, *, opened: int) -> str:
        return f"{opened}.{self.digest(text, str(opened), settings.SECRET_KEY)}"

    def fits(self, mark: str, text: str) -> bool:
        """Whether a page opened with this ``mark`` showed ``text``. One without a mark, or with somebody's own, fits nothing."""
        opened, _dot, digest = mark.partition(".")
        keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        return any(constant_time_compare(digest, self.digest(text, opened, key)) for key in keys)

    def digest(self, text: str, opened: str, key: str) -> str:
        return salted_hmac(SALT, f"{self.name}\n{opened}\n{text}", secret=key, algorithm="sha256").hexdigest()[:32]


def opened_at(mark: str) -> datetime:
    """The second in which the page was opened; without a mark now, since when nothing is known to have happened."""
    opened = mark.partition(".")[0]
    is_second = opened.isascii() and opened.isdecimal() and len(opened) <= 10
    return datetime.fromtimestamp(int(opened), UTC) if is_second else datetime.now(UTC)
