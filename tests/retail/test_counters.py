"""Counting in Redis and in the memory of the process: exact in a rush, with room when it was promised, and never in the way."""

import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from django.core.cache import cache
from limits import RateLimitItemPerMinute
from redis import Redis

from retail import counters, shared_cache

SIX = RateLimitItemPerMinute(6)


@pytest.fixture
def at_every_turn():
    """Threads change as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_in_a_rush_of_others_exactly_as_many_pass_as_may(store):
    passed = []
    for number in range(5000):
        if number % 400 == 0:
            passed.append(counters.take(SIX, "me"))
        counters.take(SIX, f"other-{number}")
    assert passed == [True] * 6 + [False] * 7


def test_callers_at_once_get_exactly_as_many_as_may(store, at_every_turn):
    with ThreadPoolExecutor(16) as threads:
        for attempt in range(60):
            passed = list(threads.map(lambda _, who=str(attempt): counters.take(SIX, who), range(24)))
            assert sum(passed) == 6


def test_a_burst_around_the_turn_of_a_window_has_room_for_one_more_at_most(store):
    counters.take(SIX, "me")
    store.passes(59)
    assert sum(counters.take(SIX, "me") for _ in range(10)) == 5
    store.passes(2)
    assert sum(counters.take(SIX, "me") for _ in range(10)) <= 1


def test_who_waits_as_long_as_told_is_let_in(store):
    chance = random.Random(7)
    waited = 0
    for _ in range(120):
        store.passes(chance.choice([0, 0, 0, 0.4, 3, 11, 29.7]))
        if not counters.take(SIX, "me"):
            assert not counters.has_room(SIX, "me")
            seconds = counters.seconds_until_room(SIX, "me")
            assert 1 <= seconds <= 61
            store.passes(seconds)
            assert counters.take(SIX, "me")
            waited += 1
    assert waited > 20


def test_who_is_told_to_wait_would_not_be_let_in_long_before(memory):
    """Six of a window: one sixth of it for each place in the next."""
    told = []
    for _ in range(13):
        if not counters.take(SIX, "me"):
            told.append(counters.seconds_until_room(SIX, "me"))
            memory.passes(told[-1] - 1)
            assert not counters.take(SIX, "me")
            memory.passes(1)
            assert counters.take(SIX, "me")
    assert told == [61, 10, 10, 10, 10, 10, 10]


def test_with_room_there_is_nothing_to_wait_for(store):
    assert counters.seconds_until_room(SIX, "me") == 0
    counters.take(SIX, "me")
    assert counters.seconds_until_room(SIX, "me") == 0
    assert counters.seconds_until_room(RateLimitItemPerMinute(0), "me") == 0


def test_looking_takes_nothing(store):
    assert all(counters.has_room(RateLimitItemPerMinute(1), "me") for _ in range(5))
    assert counters.take(RateLimitItemPerMinute(1), "me")


def test_once_in_a_time_begins_with_the_first(store):
    once = RateLimitItemPerMinute(1, 30)
    told = []
    for minutes in (0, 29, 0.9, 0.2, 29.7, 0.4):
        store.passes(60 * minutes)
        told.append(counters.take_first(once, "me"))
    assert told == [True, False, False, True, False, True]


def test_the_memory_drops_what_is_over_and_has_an_end():
    clock = count(0, 10)
    own = counters.ProcessMemory(clock=lambda: next(clock))
    for number in range(50):
        own.incr(f"caller-{number}", 20)
    assert len(own.counts) < 12
    own.most = 3
    for number in range(10):
        own.incr(f"later-{number}", 10**6)
    assert list(own.counts)[-3:] == ["later-7", "later-8", "later-9"]
    assert len(own.counts) < 12


def test_the_memory_forgets_who_has_been_quiet_for_longest():
    own = counters.ProcessMemory()
    own.most = 2
    for who in ("active", "quiet", "active", "new"):
        own.incr(who, 60)
    assert [own.get(who) for who in ("active", "quiet", "new")] == [2, 0, 1]
    assert own.get_expiry("active") == pytest.approx(time.time() + 60, abs=5)
    own.clear("active")
    assert (own.reset(), own.get("new"), own.check()) == (1, 0, True)


def test_a_redis_that_was_emptied_counts_anew(redis):
    assert [counters.take(SIX, "me") for _ in range(7)] == [True] * 6 + [False]
    redis.client.flushall()
    redis.client.script_flush()
    assert counters.take(SIX, "me")
    assert counters.has_room(SIX, "me")


def emptied_all_the_time(port: int, password: str, until: float) -> None:
    other = Redis(port=port, db=3, password=password)
    while time.monotonic() < until:
        other.flushdb()


def test_a_redis_that_is_emptied_in_the_middle_is_no_fault(redis, logged):
    with ThreadPoolExecutor(1) as flusher:
        until = time.monotonic() + 1
        done = flusher.submit(emptied_all_the_time, redis.port, redis.client.get_connection_kwargs()["password"], until)
        while time.monotonic() < until:
            counters.take(SIX, "me")
            counters.seconds_until_room(SIX, "me")
            counters.take_first(SIX, "me")
        done.result()
    assert "Redis is away" not in logged.text


def test_while_redis_hangs_a_call_waits_once_and_briefly(redis, logged):
    """And is still counted, by this process alone."""
    redis.hang()
    began = time.monotonic()
    assert [counters.take(SIX, "me") for _ in range(20)] == [True] * 6 + [False] * 14
    assert cache.get("token", "none") == "none"
    cache.set("token", "x")
    assert not cache.delete("token")
    assert time.monotonic() - began < 1
    assert logged.text.count("Redis is away") == 1
    assert "canary" not in logged.text


def test_many_who_ask_a_hanging_redis_at_once_wait_together(redis, logged):
    redis.hang()
    began = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda number: counters.take(SIX, str(number)), range(40)))
    assert time.monotonic() - began < 1.5
    assert logged.text.count("Redis is away") == 1


@pytest.mark.slow
def test_after_a_pause_one_asks_for_all(redis, monkeypatch, logged):
    monkeypatch.setattr(shared_cache, "PAUSE_SECONDS", 0.5)
    redis.hang()
    counters.take(SIX, "me")
    time.sleep(0.6)
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda number: counters.take(SIX, str(number)), range(8)))
    # Who asks and fails says so.
    assert logged.text.count("Redis is away") == 2
    redis.go_on()
    time.sleep(0.6)
    assert not counters.take(RateLimitItemPerMinute(0), "me")
    cache.set("token", "x")
    assert cache.get("token") == "x"
    assert logged.text.count("Redis is back") == 1


def test_a_redis_that_is_down_refuses_nobody_whom_it_would_have_let_in(redis, logged):
    redis.stop()
    assert [counters.take(SIX, "me") for _ in range(7)] == [True] * 6 + [False]
    assert counters.take_first(RateLimitItemPerMinute(1, 30), "me")
    assert cache.get("token") is None
    assert logged.text.count("Redis is away") == 1


def test_the_counters_of_redis_end_by_themselves(redis):
    counters.take(SIX, "me")
    counters.take_first(RateLimitItemPerMinute(1, 30), "me")
    assert sorted(redis.client.ttl(key) for key in redis.client.scan_iter()) == [120, 1800]
