"""What a store is called where everybody can read it."""

from __future__ import annotations

import pytest

from sandbox.storage import public_name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("memory", "memory"),
        ("sqlite:/var/lib/me@home/channels.db", "sqlite:/var/lib/me@home/channels.db"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:hunter2@127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("rediss://merchant:p%40ss@redis.example/1?password=hunter2", "rediss://redis.example/1"),
        ("unix:///run/redis.sock?password=hunter2", "unix:///run/redis.sock"),
    ],
)
def test_a_store_is_shown_without_its_password(name: str, shown: str) -> None:
    assert public_name(name) == shown
