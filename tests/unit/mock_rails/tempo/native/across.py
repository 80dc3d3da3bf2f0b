"""Reading calls that reach through several native contracts: whose event, whose error.

`support` reads what one contract declares; the fee manager and the channel reserve also bring their
tokens' logs and errors with them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.mock_rails.tempo.native.support import CallFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mock_rails.tempo.native.contract import NativeContract
    from mock_rails.tempo.scope import Scope


def named_logs(
    scope: Scope, *kinds: type[NativeContract], since: int = 0
) -> list[tuple[bytes, str, dict[str, Any]]]:
    """Emitter, event and values of the scope's logs from `since` on."""
    declared = {topic: event for kind in kinds for topic, event in kind.events.items()}
    return [
        (log.address, event.name, event.decode(log.topics, log.data))
        for log in scope.logs[since:]
        for event in (declared[log.topics[0]],)
    ]


@contextmanager
def reverts_in(kind: type[NativeContract], error: str, *values: Any) -> Iterator[None]:
    """Expect a call to fail with an error of another contract than the one called."""
    (declared,) = [item for item in kind.errors.values() if item.name == error]
    with pytest.raises(CallFailed) as caught:
        yield
    assert caught.value.error in {error, declared.encode(*values).hex()}


def check_interface(
    kind: type[NativeContract],
    functions: dict[str, str],
    topics: dict[str, str],
    errors: dict[str, str],
) -> None:
    """The contract has exactly these: name to the leading hex of selector, topic 0 and error.

    Names may repeat nowhere; a bare prefix of a hash is enough to tell a wrong signature.
    """
    assert {m.abi.name: m.abi.selector.hex() for m in kind.methods.values()} == functions
    declared = {event.name: event.topic.hex() for event in kind.events.values()}
    assert declared.keys() == topics.keys()
    for name, prefix in topics.items():
        assert declared[name].startswith(prefix), name
    known = {error.name: error.selector.hex() for error in kind.errors.values()}
    assert known.items() >= errors.items()
