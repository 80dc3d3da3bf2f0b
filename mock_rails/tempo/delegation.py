"""Account delegation: an ordinary account that asks to be run with a contract's code.

Spec: EIP-7702 (type 4 transactions) and the authorization list of a 0x76 (facts 1.6). A tuple that
breaks a rule is skipped, its transaction goes on. The tuples are paid for as intrinsic gas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.addresses import ZERO_ADDRESS
from mock_rails.tempo.tx.authorization import authority_of

if TYPE_CHECKING:
    from mock_rails.tempo.scope import Scope
    from mock_rails.tempo.tx.model import Authorization, Transaction

DELEGATION_PREFIX: Final = b"\xef\x01\x00"
"""Code that starts so, and no longer than an address after it, is a designator."""

_DESIGNATOR_SIZE: Final = 23
_MAX_NONCE: Final = 2**64 - 1


def delegate_of(code: bytes) -> bytes | None:
    """The account that a designator names; None when the code is no designator."""
    if len(code) == _DESIGNATOR_SIZE and code.startswith(DELEGATION_PREFIX):
        return code[len(DELEGATION_PREFIX) :]
    return None


def apply_delegations(scope: Scope, tx: Transaction) -> None:
    """Apply a transaction's authorizations in order, after its sender's nonce was raised."""
    for authorization in tx.authorizations:
        _apply(scope, authorization)


def _apply(scope: Scope, authorization: Authorization) -> None:
    if authorization.chain_id not in {0, scope.block.chain_id}:
        return
    if authorization.nonce >= _MAX_NONCE:
        return
    authority = authority_of(authorization)
    if authority is None:
        return
    scope.touch(authority)
    world = scope.world
    code = world.code(authority)
    if code and delegate_of(code) is None:
        return
    if world.nonce(authority) != authorization.nonce:
        return
    cleared = authorization.address == ZERO_ADDRESS
    world.set_code(authority, b"" if cleared else DELEGATION_PREFIX + authorization.address)
    world.set_nonce(authority, authorization.nonce + 1)
