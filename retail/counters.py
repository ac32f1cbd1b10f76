"""How often somebody did something lately: counted in Redis, if ``CACHE_URL`` names one, else in the memory of this process."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache, partial
from math import floor
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from limits import RateLimitItem
from limits.storage import RedisStorage, Storage
from limits.storage.base import SlidingWindowCounterSupport
from limits.strategies import FixedWindowRateLimiter, SlidingWindowCounterRateLimiter

from retail.shared_cache import ask

Answer = TypeVar("Answer")
SWEEP_SECONDS = 60.0
# What the clocks of Redis and of Python may differ by while they measure one wait.
GRAIN_SECONDS = 0.01


class Count(NamedTuple):
    """``ends_at`` on the memory's clock; a sliding window's count lives for another window, as its previous one."""

    ends_at: float
    current: int = 0
    previous: int = 0


class ProcessMemory(Storage, SlidingWindowCounterSupport):
    """Counts as the library does in Redis: a window begins with the first call. One lock makes each step atomic.

    The library's own memory loses counts when the first calls of somebody come at once, and walks over all counts every 10 ms.
    """

    STORAGE_SCHEME = None
    # Some 30 MB; beyond it those are forgotten who have been quiet for longest.
    most = 100_000

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.clock, self.swept_at = clock, clock()
        self.lock = threading.Lock()
        self.counts: OrderedDict[str, Count] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        with self.lock:
            now = self.clock()
            count = self.sliding(key, expiry, now)
            if floor(count.previous * (count.ends_at - now - expiry) / expiry) + count.current + amount > limit:
                return False
            self.keep(key, count._replace(current=count.current + amount), now)
            return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        with self.lock:
            now = self.clock()
            count = self.sliding(key, expiry, now)
        return count.previous, count.ends_at - now - expiry, count.current, count.ends_at - now

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        self.clear(key)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        with self.lock:
            now = self.clock()
            count = self.living(key, expiry, now)
            self.keep(key, count._replace(current=count.current + amount), now)
        return count.current + amount

    def get(self, key: str) -> int:
        return self.living(key, 0, self.clock()).current

    def get_expiry(self, key: str) -> float:
        now = self.clock()
        return time.time() + self.living(key, 0, now).ends_at - now

    def clear(self, key: str) -> None:
        with self.lock:
            self.counts.pop(key, None)

    def reset(self) -> int:
        with self.lock:
            forgotten = len(self.counts)
            self.counts.clear()
        return forgotten

    def check(self) -> bool:
        return True

    def living(self, key: str, lasts: float, now: float) -> Count:
        count = self.counts.get(key)
        return count if count and count.ends_at > now else Count(now + lasts)

    def sliding(self, key: str, window: int, now: float) -> Count:
        count = self.living(key, 2 * window, now)
        return count if count.ends_at - now > window else Count(count.ends_at + window, previous=count.current)

    def keep(self, key: str, count: Count, now: float) -> None:
        self.counts[key] = count
        self.counts.move_to_end(key)
        if len(self.counts) > self.most:
            self.counts.popitem(last=False)
        if now - self.swept_at > SWEEP_SECONDS:
            self.swept_at = now
            for old in [old for old, count in self.counts.items() if count.ends_at <= now]:
                del self.counts[old]


memory = ProcessMemory()


def take(item: RateLimitItem, *who: str) -> bool:
    """Count one in the sliding window, if it has room."""
    return answer(lambda store: SlidingWindowCounterRateLimiter(store).hit(item, *who))


def has_room(item: RateLimitItem, *who: str) -> bool:
    return answer(lambda store: SlidingWindowCounterRateLimiter(store).test(item, *who))


def take_first(item: RateLimitItem, *who: str) -> bool:
    """Count one in a window that begins with the first: with one a time, ``who`` is counted at most once in any such time."""
    return answer(lambda store: FixedWindowRateLimiter(store).hit(item, *who))


def seconds_until_room(item: RateLimitItem, *who: str) -> int:
    """The least whole seconds after which ``take`` succeeds, if nobody else takes; 0 with room now."""
    key, window = item.key_for(*who), item.get_expiry()
    seen: tuple[int, float, int, float] = answer(lambda store: store.get_sliding_window(key, window))
    previous, left, current, ends_in = seen
    used = floor(previous * left / window) + current
    if used < item.amount or not used:
        return 0
    # In this window, when enough of the previous one has slid away; else in the next.
    wait = left - (item.amount - current) * window / previous if current < item.amount else ends_in - window * item.amount / current
    return floor(max(wait, 0) + GRAIN_SECONDS) + 1


def answer(question: Callable[[Any], Answer]) -> Answer:
    """While Redis is away the process counts alone: it refuses nobody whom Redis, which counts the calls of all, would have let pass."""
    own = partial(question, memory)
    redis = redis_storage()
    return ask(partial(question, redis), own) if redis else own()


def redis_storage() -> RedisStorage | None:
    chosen: dict[str, Any] = settings.CACHES["default"]
    if chosen["BACKEND"] != "retail.shared_cache.SharedCache":
        return None
    servers = chosen["LOCATION"]
    written_to = servers if isinstance(servers, str) else servers[0]
    return redis_at(written_to, chosen.get("KEY_PREFIX", ""), tuple(sorted(chosen["OPTIONS"].items())))


@cache
def redis_at(address: str, prefix: str, options: tuple[tuple[str, Any], ...]) -> RedisStorage:
    return RedisStorage(address, key_prefix=f"{prefix}counters", **dict(options))
