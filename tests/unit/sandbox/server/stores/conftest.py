"""One Redis for all tests of the stores, empty at the beginning of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.sandbox.server.stores.redis_server import running_redis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.sandbox.server.stores.redis_server import RedisServer


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def redis_server(shared_redis: RedisServer) -> RedisServer:
    """A server that knows nothing and has its usual configuration."""
    for name, usual in (("maxmemory", "0"), ("maxmemory-policy", "noeviction")):
        shared_redis.admin.config_set(name, usual)
    shared_redis.admin.flushall()
    return shared_redis
