"""EIP-2612 permits, signed here step by step as the standard says (facts 3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from mock_rails.tempo.addresses import ALPHA_USD, PATH_USD, ZERO_ADDRESS
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.crypto.secp256k1 import N, address_of, sign
from mock_rails.tempo.native.tip20 import Tip20
from tests.unit.mock_rails.tempo.native.support import (
    ADMIN,
    BOB,
    NOW_S,
    Caller,
    events,
    make_block,
    make_scope,
    make_token,
    reverts,
)

KEY = b"\x11" * 32
OWNER = address_of(KEY)
PERMIT = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"
ALLOWANCE = "allowance(address,address)"
NONCES = "nonces(address)"


def word(value: int | bytes) -> bytes:
    return value.to_bytes(32) if isinstance(value, int) else value.rjust(32, b"\0")


def domain(name: str, chain_id: int, token: bytes) -> bytes:
    kind = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    hashes = [keccak256(text.encode()) for text in (kind, name, "1")]
    return keccak256(b"".join(hashes) + word(chain_id) + word(token))


@dataclass(frozen=True)
class Terms:
    """What an owner signs."""

    owner: bytes = OWNER
    spender: bytes = BOB
    value: int = 77
    nonce: int = 0
    deadline: int = NOW_S + 60
    name: str = "pathUSD"
    chain_id: int = 1337
    token: bytes = PATH_USD

    def digest(self) -> bytes:
        kind = "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        struct = keccak256(
            keccak256(kind.encode())
            + word(self.owner)
            + word(self.spender)
            + word(self.value)
            + word(self.nonce)
            + word(self.deadline)
        )
        return keccak256(b"\x19\x01" + domain(self.name, self.chain_id, self.token) + struct)

    def arguments(self, key: bytes = KEY) -> tuple[bytes, bytes, int, int, int, bytes, bytes]:
        parity, r, s = sign(self.digest(), key)
        return (
            self.owner,
            self.spender,
            self.value,
            self.deadline,
            27 + parity,
            word(r),
            word(s),
        )


@pytest.fixture
def relayer() -> Caller:
    scope = make_scope()
    make_token(scope, balances={OWNER: 1000})
    return Caller(scope, Tip20, PATH_USD, ADMIN)


def test_the_domain(relayer: Caller) -> None:
    assert relayer.call("DOMAIN_SEPARATOR()") == domain("pathUSD", 1337, PATH_USD)
    elsewhere = make_scope(relayer.scope.world, block=make_block(chain_id=42431))
    there = replace(relayer, scope=elsewhere)
    assert there.call("DOMAIN_SEPARATOR()") == domain("pathUSD", 42431, PATH_USD)


def test_the_domain_a_tempo_node_computed() -> None:
    """Read from anvil 1.7.1 (`--network tempo`), for a token its factory created there."""
    token = bytes.fromhex("20c00000000000000000000042c9ecb41bbf615d")
    scope = make_scope(block=make_block(chain_id=31337))
    make_token(scope, token, name="Gold")
    assert Caller(scope, Tip20, token, ADMIN).call("DOMAIN_SEPARATOR()").hex() == (
        "21e349cb9820c03c5381b71451446847bf15cdbf710658f72a111cc28f75d129"
    )


def test_a_permit_approves_and_uses_its_nonce(relayer: Caller) -> None:
    relayer.call(PERMIT, *Terms().arguments())
    assert (relayer.call(ALLOWANCE, OWNER, BOB), relayer.call(NONCES, OWNER)) == (77, 1)
    approval = {"owner": OWNER, "spender": BOB, "amount": 77}
    assert events(relayer.scope, Tip20) == [("Approval", approval)]
    with reverts("InvalidSignature"):
        relayer.call(PERMIT, *Terms().arguments())
    relayer.call(PERMIT, *Terms(nonce=1, value=0).arguments())
    assert relayer.call(ALLOWANCE, OWNER, BOB) == 0


def test_it_works_while_paused(relayer: Caller) -> None:
    relayer.call("pause()")
    relayer.call(PERMIT, *Terms().arguments())
    assert relayer.call(ALLOWANCE, OWNER, BOB) == 77


def test_the_deadline_is_still_in_time(relayer: Caller) -> None:
    with reverts("PermitExpired"):
        relayer.call(PERMIT, *Terms(deadline=NOW_S - 1).arguments())
    relayer.call(PERMIT, *Terms(deadline=NOW_S).arguments())


def test_expiry_is_looked_at_before_the_signature(relayer: Caller) -> None:
    owner, spender, value, _, _, r, s = Terms().arguments()
    with reverts("PermitExpired"):
        relayer.call(PERMIT, owner, spender, value, NOW_S - 1, 0, r, s)


@pytest.mark.parametrize(
    "signed",
    [
        Terms(spender=ADMIN),
        Terms(value=78),
        Terms(nonce=1),
        Terms(deadline=NOW_S + 61),
        Terms(name="AlphaUSD"),
        Terms(chain_id=1),
        Terms(token=ALPHA_USD),
    ],
)
def test_a_signature_over_other_terms_is_invalid(relayer: Caller, signed: Terms) -> None:
    _, _, _, _, v, r, s = signed.arguments()
    with reverts("InvalidSignature"):
        relayer.call(PERMIT, OWNER, BOB, 77, NOW_S + 60, v, r, s)
    assert (relayer.call(ALLOWANCE, OWNER, BOB), relayer.call(NONCES, OWNER)) == (0, 0)


def test_somebody_elses_signature_is_invalid(relayer: Caller) -> None:
    with reverts("InvalidSignature"):
        relayer.call(PERMIT, *Terms().arguments(key=b"\x22" * 32))


@pytest.mark.parametrize("v", [0, 1, 26, 29, 255])
def test_v_is_27_or_28(relayer: Caller, v: int) -> None:
    owner, spender, value, deadline, _, r, s = Terms().arguments()
    with reverts("InvalidSignature"):
        relayer.call(PERMIT, owner, spender, value, deadline, v, r, s)


def test_a_mirrored_signature_is_invalid(relayer: Caller) -> None:
    owner, spender, value, deadline, v, r, s = Terms().arguments()
    high = word(N - int.from_bytes(s))
    with reverts("InvalidSignature"):
        relayer.call(PERMIT, owner, spender, value, deadline, 55 - v, r, high)


def test_the_zero_address_owns_no_key(relayer: Caller) -> None:
    with reverts("InvalidSignature"):
        relayer.call(PERMIT, ZERO_ADDRESS, BOB, 1, NOW_S, 27, bytes(32), bytes(32))
