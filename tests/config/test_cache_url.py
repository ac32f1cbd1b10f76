"""``CACHE_URL``: process memory or Redis, and nothing that couldn't count."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from redis.connection import ConnectionPool

from config.settings import cache_at

CANARY = "canary-p4ss"


@pytest.mark.parametrize(
    ("address", "server"),
    [
        ("rediscache://127.0.0.1:6379/2", {"host": "127.0.0.1", "port": 6379, "db": 2}),
        ("redis://:p%40ss@[::1]:6380/0", {"host": "::1", "port": 6380, "password": "p@ss"}),
        ("rediss://shop:pw@redis.example.com/1", {"host": "redis.example.com", "username": "shop", "password": "pw", "db": 1}),
        ("rediscache://:pw@/run/redis.sock?db=4", {"path": "/run/redis.sock", "password": "pw", "db": 4}),
        ("rediscache://127.0.0.1?socket_timeout=2", {"socket_timeout": 2, "socket_connect_timeout": 0.3}),
    ],
)
def test_redis_is_taken_with_its_password_and_database_and_never_waited_for_long(address, server):
    known = cache_at(address)
    pool = ConnectionPool.from_url(known["LOCATION"], **known["OPTIONS"])
    assert known["BACKEND"] == "retail.shared_cache.SharedCache"
    assert {"socket_timeout": 0.3, "socket_connect_timeout": 0.3} | server == {
        name: pool.connection_kwargs[name] for name in {"socket_timeout", "socket_connect_timeout", *server}
    }


def test_installations_on_one_redis_have_their_prefix():
    assert cache_at("rediscache://127.0.0.1?key_prefix=shop")["KEY_PREFIX"] == "shop"


def test_process_memory_is_the_default(settings):
    assert settings.CACHES["default"] == cache_at("locmemcache://")


@pytest.mark.parametrize(
    "address",
    [
        "memcache://{}:11211",
        "dbcache://{}",
        "filecache:///{}",
        "valkey://{}@127.0.0.1",
        "rediscache://",
        "rediscache:///",
        "redis://:{}@host:port",
        "redis://:{}@host:0",
        "redis://:{}@[::1",
        "127.0.0.1:6379/{}",
    ],
)
def test_anything_else_stops_the_start_and_is_not_shown(address):
    with pytest.raises(ImproperlyConfigured, match="CACHE_URL") as refused:
        cache_at(address.format(CANARY))
    assert CANARY not in str(refused.value)
