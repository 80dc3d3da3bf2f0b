"""What the tests of native contracts share: a scope, a token, and a caller that speaks ABI text.

    alice = Caller(scope, Tip20, PATH_USD, ALICE)
    alice.call("transfer(address,uint256)", BOB, 5)
    with reverts("InsufficientBalance", 0, 5, PATH_USD):
        bob.call("transfer(address,uint256)", ALICE, 5)
    assert events(scope, Tip20) == [("Transfer", {"from": ALICE, "to": BOB, "amount": 5})]

Signatures are written out in the tests and not looked up in the contract, so a wrong one in the
contract fails. A call that reverts is undone, as the executor undoes it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import NATIVE_CODE, PATH_USD, ZERO_ADDRESS
from mock_rails.tempo.gas import Meter, OutOfGasError
from mock_rails.tempo.native.contract import NativeContract, Revert
from mock_rails.tempo.native.frame import Frame
from mock_rails.tempo.scope import BlockContext, Scope
from mock_rails.tempo.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

ADMIN = b"\xad" * 20
ALICE = b"\xa1" * 20
BOB = b"\xb0" * 20
CAROL = b"\xca" * 20

NOW_S = 1_700_000_000
PLENTY = 30_000_000
"""More gas than any one call takes."""


def make_block(**changes: Any) -> BlockContext:
    """A block context; the changes are its fields."""
    block = BlockContext(
        chain_id=1337, number=7, timestamp_s=NOW_S, base_fee=600_000_000, gas_limit=500_000_000
    )
    return replace(block, **changes)


def make_scope(world: World | None = None, *, origin: bytes = ALICE, **identity: Any) -> Scope:
    """A transaction's scope on a world, by default an empty one.

    `block` replaces the block context; the rest is the transaction's identity (`key_id`, ...).
    """
    block = identity.pop("block", None) or make_block()
    return Scope(world or World(), block, origin=origin, **identity)


def make_token(
    scope: Scope,
    address: bytes = PATH_USD,
    *,
    name: str = "pathUSD",
    currency: str = "USD",
    quote_token: bytes = ZERO_ADDRESS,
    admin: bytes = ADMIN,
    balances: dict[bytes, int] | None = None,
) -> None:
    """Create a token without gas or logs: `admin` has every role, the balances are minted."""
    from mock_rails.tempo.native.tip20 import Tip20
    from mock_rails.tempo.native.tip20.roles import (
        BURN_BLOCKED_ROLE,
        ISSUER_ROLE,
        PAUSE_ROLE,
        UNPAUSE_ROLE,
    )

    logs = len(scope.logs)
    frame = Frame(scope, address, ZERO_ADDRESS)
    token = Tip20.create(frame, name, name, currency, quote_token, admin)
    for role in (ISSUER_ROLE, PAUSE_ROLE, UNPAUSE_ROLE, BURN_BLOCKED_ROLE):
        token.set_role(admin, role, True)
    for account, amount in (balances or {}).items():
        token.total_supply += amount
        token.credit(account, amount)
    del scope.logs[logs:]
    settle(scope)


def install(scope: Scope, address: bytes) -> None:
    """Give a native contract's address its code byte, as genesis does."""
    scope.world.set_code(address, NATIVE_CODE)


def settle(scope: Scope) -> None:
    """Forget what the scope touched, so that what follows is priced as in a new transaction."""
    for name in Scope.__slots__:
        table = getattr(scope, name)
        if isinstance(table, dict | set):
            table.clear()


@contextmanager
def reverts(error: str, *values: Any) -> Iterator[None]:
    """Expect a call to fail with this error and, if given, these values."""
    with pytest.raises(CallFailed) as caught:
        yield
    assert caught.value.error == error
    if values:
        assert caught.value.values == values


class CallFailed(Exception):
    """A call through `Caller` reverted; the error is named by the contract's own declarations."""

    def __init__(self, error: str, values: tuple[Any, ...]) -> None:
        super().__init__(f"{error}{values}")
        self.error = error
        self.values = values


@dataclass(frozen=True)
class Caller:
    """Somebody calling a native contract at the top level of the scope's transaction."""

    scope: Scope
    kind: type[NativeContract]
    address: bytes
    sender: bytes

    def by(self, sender: bytes) -> Caller:
        """The same contract, called by somebody else."""
        return replace(self, sender=sender)

    def call(self, text: str, *values: Any, gas: int = PLENTY, static: bool = False) -> Any:
        """Call a function by its signature and return what it returned, decoded.

        With `returns (...)` in the text the result is decoded by it, else by the contract's ABI.
        """
        return self._run(text, values, Meter(gas), static=static)

    def gas(self, text: str, *values: Any) -> int:
        """Call a function and return the gas it used in its frame."""
        meter = Meter(PLENTY)
        self._run(text, values, meter)
        return PLENTY - meter.left

    def raw(self, data: bytes, *, static: bool = False, gas: int = PLENTY) -> bytes:
        """Call with plain calldata; the undecoded `Revert` passes through."""
        return self._dispatch(data, Meter(gas), static=static)

    def _run(
        self, text: str, values: tuple[Any, ...], meter: Meter, *, static: bool = False
    ) -> Any:
        abi = Function(text)
        try:
            output = self._dispatch(abi.call(*values), meter, static=static)
        except Revert as revert:
            raise self._failure(revert.data) from None
        except OutOfGasError:
            raise CallFailed("OutOfGas", ()) from None
        declared = abi.outputs.types or "returns" in text
        outputs = (abi if declared else self.kind.methods[abi.selector].abi).outputs
        decoded = outputs.decode(output)
        return decoded[0] if len(decoded) == 1 else decoded or None

    def _dispatch(self, data: bytes, meter: Meter, *, static: bool) -> bytes:
        snapshot = self.scope.snapshot()
        frame = Frame(self.scope, self.address, self.sender, meter, static)
        try:
            return self.kind(frame).dispatch(data)
        except (Revert, OutOfGasError):
            self.scope.revert(snapshot)
            raise

    def _failure(self, data: bytes) -> CallFailed:
        if not data:
            return CallFailed("", ())
        error = self.kind.errors.get(data[:4])
        if error is None:
            return CallFailed(data.hex(), ())
        return CallFailed(error.name, error.inputs.decode(data, 4))


def events(scope: Scope, kind: type[NativeContract], since: int = 0) -> list[tuple[str, Any]]:
    """The scope's logs from `since` on, as names and values; each must be one of the contract's."""
    return [
        (kind.events[log.topics[0]].name, kind.events[log.topics[0]].decode(log.topics, log.data))
        for log in scope.logs[since:]
    ]


def interface(kind: type[NativeContract]) -> dict[str, set[str]]:
    """A contract's interface as facts lists it: `name selector`, and `name topic0` for events."""
    return {
        "functions": {f"{m.abi.name} {m.abi.selector.hex()}" for m in kind.methods.values()},
        "events": {f"{event.name} {event.topic.hex()}" for event in kind.events.values()},
        "errors": {f"{error.name} {error.selector.hex()}" for error in kind.errors.values()},
    }


COMMON_ERRORS = {
    "DelegateCallNotAllowed 0d89438e",
    "StaticCallNotAllowed beaba5b7",
    "UnknownFunctionSelector aa4bc69a",
}
"""What every native contract can answer (facts 2.1)."""
