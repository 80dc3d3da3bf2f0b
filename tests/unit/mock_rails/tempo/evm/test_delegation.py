"""Account delegation: EIP-7702 tuples, and what calling a delegated account runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo import calls
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import PATH_USD, ZERO_ADDRESS
from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.delegation import apply_delegations, delegate_of
from mock_rails.tempo.tx.authorization import authorization_digest
from mock_rails.tempo.tx.model import TYPE_SET_CODE, TYPE_TEMPO, Authorization, Call, Transaction
from tests.unit.mock_rails.tempo.evm.support import (
    CODE,
    EOA,
    OTHER,
    PLENTY,
    RETURN_WORD,
    asm,
    forward,
    gas_used,
    make_scope,
    returned,
)
from tests.unit.mock_rails.tempo.native.support import make_token

if TYPE_CHECKING:
    from mock_rails.tempo.scope import Scope

KEY = bytes(31) + b"\x05"
SIGNER = secp256k1.address_of(KEY)
DESIGNATOR = b"\xef\x01\x00" + OTHER


def authorization(
    *, chain_id: int = 1337, address: bytes = OTHER, nonce: int = 0, encoded: bool = False
) -> Authorization:
    v, r, s = secp256k1.sign(authorization_digest(chain_id, address, nonce), KEY)
    signature = r.to_bytes(32) + s.to_bytes(32) + bytes([27 + v]) if encoded else (v, r, s)
    return Authorization(chain_id, address, nonce, signature)


def delegate(scope: Scope, *authorizations: Authorization, kind: int = TYPE_SET_CODE) -> None:
    tx: Any = Transaction(
        type=kind,
        chain_id=1337,
        nonce=0,
        gas_limit=PLENTY,
        max_fee_per_gas=0,
        max_priority_fee_per_gas=0,
        calls=(Call(CODE, 0, b""),),
        authorizations=authorizations,
    )
    apply_delegations(scope, tx)


# -- the tuples -----------------------------------------------------------------------------------


@pytest.mark.parametrize("chain_id", [0, 1337])
def test_a_signed_tuple_delegates_its_signer(chain_id: int) -> None:
    scope = make_scope()
    delegate(scope, authorization(chain_id=chain_id))
    assert scope.world.code(SIGNER) == DESIGNATOR
    assert scope.world.nonce(SIGNER) == 1
    assert delegate_of(scope.world.code(SIGNER)) == OTHER
    assert SIGNER in scope.warm


def test_a_tempo_transaction_carries_the_signature_encoded() -> None:
    scope = make_scope()
    delegate(scope, authorization(encoded=True), kind=TYPE_TEMPO)
    assert scope.world.code(SIGNER) == DESIGNATOR


def test_tuples_apply_in_order_and_the_zero_address_clears() -> None:
    scope = make_scope()
    delegate(scope, authorization(nonce=0), authorization(nonce=1, address=CODE))
    assert delegate_of(scope.world.code(SIGNER)) == CODE
    delegate(scope, authorization(nonce=2, address=ZERO_ADDRESS))
    assert scope.world.code(SIGNER) == b""
    assert scope.world.nonce(SIGNER) == 3


def _unsigned(made: Authorization) -> Authorization:
    return Authorization(made.chain_id, made.address, made.nonce, (0, 0, 0))


@pytest.mark.parametrize(
    "bad",
    [
        authorization(chain_id=1),
        authorization(nonce=1),
        authorization(nonce=2**64 - 1),
        _unsigned(authorization()),
    ],
    ids=["another chain", "nonce", "last nonce", "signature"],
)
def test_a_bad_tuple_is_skipped_and_the_next_applies(bad: Authorization) -> None:
    scope = make_scope()
    if bad.nonce == 2**64 - 1:
        scope.world.set_nonce(SIGNER, bad.nonce)
        delegate(scope, bad)
        assert scope.world.codes == {}
        return
    delegate(scope, bad)
    assert (scope.world.codes, scope.world.nonces) == ({}, {})
    delegate(scope, bad, authorization())
    assert scope.world.code(SIGNER) == DESIGNATOR


def test_a_contract_cannot_be_delegated() -> None:
    scope = make_scope()
    scope.world.set_code(SIGNER, b"\x00")
    delegate(scope, authorization())
    assert scope.world.code(SIGNER) == b"\x00"
    assert scope.world.nonce(SIGNER) == 0


# -- calling a delegated account ------------------------------------------------------------------

COUNT_CALLS = asm(f"0 SLOAD 1 ADD DUP1 0 SSTORE ADDRESS ADD {RETURN_WORD}")


@pytest.fixture
def scope() -> Scope:
    """A world in which SIGNER runs the code at OTHER."""
    scope = make_scope()
    scope.world.set_code(OTHER, COUNT_CALLS)
    delegate(scope, authorization())
    return scope


def test_a_transaction_to_a_delegated_account_runs_the_code_there(scope: Scope) -> None:
    result = calls.call(scope, EOA, SIGNER, b"", PLENTY)
    assert int.from_bytes(result.output) == int.from_bytes(SIGNER) + 1
    assert scope.world.load((SIGNER, 0)) == 1
    assert scope.world.load((OTHER, 0)) == 0
    assert OTHER in scope.warm


def test_code_that_calls_it_pays_for_both_accounts(scope: Scope) -> None:
    cold = gas_used(make_scope(scope.world), forward(SIGNER, "STATICCALL"))
    direct = gas_used(make_scope(scope.world), forward(OTHER, "STATICCALL"))
    # Both fail at SSTORE with all the gas they were given, 63/64 of what the access left.
    left = PLENTY - 2_600 - (9 + 13)
    left_after_both = left - 2_600
    assert PLENTY - direct == left // 64
    assert PLENTY - cold == left_after_both // 64


def test_its_code_is_seen_as_the_designator(scope: Scope) -> None:
    assert returned(scope, f"0x{SIGNER.hex()} EXTCODESIZE") == 23
    assert returned(scope, f"0x{SIGNER.hex()} EXTCODEHASH") == int.from_bytes(keccak256(DESIGNATOR))


@pytest.mark.parametrize("target", [PATH_USD, (4).to_bytes(20)], ids=["native", "precompile"])
def test_a_delegation_to_what_has_no_code_of_its_own_runs_nothing(target: bytes) -> None:
    """EIP-7702: such code counts as empty; a token does not move money as somebody else."""
    scope = make_scope()
    make_token(scope, PATH_USD, balances={SIGNER: 5})
    delegate(scope, authorization(address=target))
    data = Function("transfer(address to, uint256 amount)").call(EOA, 5)
    result = calls.call(scope, EOA, SIGNER, data, PLENTY)
    assert (result.success, result.output) == (True, b"")
    assert scope.logs == []
    assert returned(scope, forward(SIGNER), data) == 1
    assert scope.logs == []


def test_delegations_are_followed_once_only() -> None:
    scope = make_scope()
    scope.world.set_code(OTHER, b"\xef\x01\x00" + CODE)
    scope.world.set_code(CODE, asm("STOP"))
    delegate(scope, authorization())
    result = calls.call(scope, EOA, SIGNER, b"", PLENTY)
    assert result.error == "invalid opcode: opcode 0xef not defined"
