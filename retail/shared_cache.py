"""Redis, asked so that one which is away or hangs costs hardly any time and never an answer."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
# After a failure nobody asks for so long.
PAUSE_SECONDS = 5.0


class Pause:
    """Since when Redis is away. After each pause one caller asks again, while the others still go on without it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.until = 0.0

    def may_ask(self) -> bool:
        if not self.until:
            return True
        with self.lock:
            now = time.monotonic()
            if now < self.until:
                return False
            self.until = now + PAUSE_SECONDS
        return True

    def begin(self, error: Exception, *, again: bool) -> None:
        """Those who were asking at the same time fail too, and say nothing more."""
        with self.lock:
            now = time.monotonic()
            is_news = again or now >= self.until
            self.until = now + PAUSE_SECONDS
        if is_news:
            log.warning("Redis is away (%s): not asked for %.0f s", type(error).__name__, PAUSE_SECONDS)

    def end(self) -> None:
        self.until = 0.0
        log.warning("Redis is back")


pause = Pause()


def ask(question: Callable[[], Answer], otherwise: Callable[[], Answer]) -> Answer:
    """The answer of Redis to ``question``; while it is away that of ``otherwise``."""
    again = bool(pause.until)
    if not pause.may_ask():
        return otherwise()
    try:
        answer = question()
    except (RedisError, OSError) as error:
        pause.begin(error, again=again)
        return otherwise()
    if again:
        pause.end()
    return answer


class SharedCache(RedisCache):
    """Django's; while Redis is away it knows nothing and keeps nothing."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return ask(partial(super().get, key, default, version), lambda: default)

    def set(self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        ask(partial(super().set, key, value, timeout, version), lambda: None)

    def delete(self, key: Any, version: int | None = None) -> bool:
        return ask(partial(super().delete, key, version), lambda: False)
