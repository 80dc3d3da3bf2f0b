"""Access keys that may not sign, and consents that do not hold (facts 1.5, 1.9, 2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import ACCOUNT_KEYCHAIN, ALPHA_USD, PATH_USD
from mock_rails.tempo.tx.key_authorization import (
    CallScope,
    KeyAuthorization,
    SelectorRule,
    TokenLimit,
)
from mock_rails.tempo.tx.sign import sign_key_authorization
from mock_rails.tempo.tx.signers import KeychainSigner, P256Signer, Secp256k1Signer
from tests.integration.tempo.refusals import (
    ACCESS,
    NOW_S,
    OTHER,
    STRANGER,
    TRANSFER,
    Bench,
    Case,
    assert_refused,
    payment,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mock_rails.tempo.tx.key_authorization import SignedKeyAuthorization
    from mock_rails.tempo.tx.signers import PrimitiveSigner

KEY = Secp256k1Signer(ACCESS.key)
OTHER_KEY = Secp256k1Signer(OTHER.key)
REVOKE = Function("revokeKey(address)")
FAILED = "keychain validation failed: "
ELSEWHERE = b"\x61" * 20
WEALTH = 10**12


def consent(
    bench: Bench, by: bytes | None = None, key: PrimitiveSigner = KEY, **terms: Any
) -> SignedKeyAuthorization:
    """An access key's authorization, signed by the payer unless told otherwise."""
    fields: dict[str, Any] = {"chain_id": 1337, "key_type": 0, "key_id": key.address} | terms
    return sign_key_authorization(KeyAuthorization(**fields), by or bench.payer.key)


def authorized(**terms: Any) -> Callable[[Bench], Awaitable[object]]:
    """Have the payer authorize the access key beforehand."""

    async def prepare(bench: Bench) -> None:
        await bench.send(bench.signed(key_authorization=consent(bench, **terms)))

    return prepare


async def revoked(bench: Bench) -> None:
    """The access key was authorized and revoked again."""
    await authorized()(bench)
    await bench.call(ACCOUNT_KEYCHAIN, REVOKE.call(KEY.address))


async def expired(bench: Bench) -> None:
    """The access key was authorized, and its time is over."""
    await authorized(expiry_s=NOW_S + 100)(bench)
    bench.clock.advance(100)


def by_key(bench: Bench, key: PrimitiveSigner = KEY, to: bytes = STRANGER, **changes: Any) -> bytes:
    """A payment of the payer's, signed by an access key."""
    fields = {"calls": (payment(to=to),), "valid_before": bench.clock.now_s() + 60} | changes
    return bench.signed(KeychainSigner(bench.payer.address, key), **fields)


def carrying(what: str, text: str, by: Any = None, **terms: Any) -> Case:
    """A payment that carries a consent which does not hold."""
    return Case(
        what,
        lambda bench: bench.signed(key_authorization=consent(bench, by and by(bench), **terms)),
        text,
    )


ONE_RECIPIENT = (CallScope(PATH_USD, (SelectorRule(TRANSFER.selector, (STRANGER,)),)),)
AFFORDABLE = (TokenLimit(PATH_USD, WEALTH),)

CASES = [
    # -- who may sign
    Case("a key that nobody authorized", by_key, FAILED + "KeyNotFound"),
    Case("another key than the one authorized", lambda bench: by_key(bench, OTHER_KEY),
         FAILED + "KeyNotFound", prepare=authorized()),
    Case("a revoked key", by_key, FAILED + "KeyAlreadyRevoked", prepare=revoked),
    Case("an expired key", by_key, FAILED + "KeyExpired", prepare=expired),
    Case("a key of another type",
         lambda bench: by_key(bench, P256Signer(ACCESS.key)), FAILED + "SignatureTypeMismatch",
         prepare=authorized(key_type=0, key_id=P256Signer(ACCESS.key).address)),
    # -- what it may call
    Case("a target out of scope", lambda bench: by_key(bench, calls=(payment()._replace(
         to=ALPHA_USD),)), FAILED + "CallNotAllowed",
         prepare=authorized(allowed_calls=ONE_RECIPIENT)),
    Case("a function out of scope",
         lambda bench: by_key(bench, calls=(payment()._replace(data=REVOKE.call(STRANGER)),)),
         FAILED + "CallNotAllowed", prepare=authorized(allowed_calls=ONE_RECIPIENT)),
    Case("a recipient out of scope", lambda bench: by_key(bench, to=ELSEWHERE),
         FAILED + "CallNotAllowed", prepare=authorized(allowed_calls=ONE_RECIPIENT)),
    Case("one of two calls out of scope",
         lambda bench: by_key(bench, calls=(payment(), payment(to=ELSEWHERE))),
         FAILED + "CallNotAllowed", prepare=authorized(allowed_calls=ONE_RECIPIENT)),
    Case("no call in scope", by_key, FAILED + "CallNotAllowed",
         prepare=authorized(allowed_calls=())),
    # -- what it may spend
    Case("a fee above the limit", by_key, FAILED + "SpendingLimitExceeded",
         prepare=authorized(limits=(TokenLimit(PATH_USD, 1_000),))),
    Case("a fee in a token without a limit", lambda bench: by_key(bench, fee_token=ALPHA_USD),
         FAILED + "SpendingLimitExceeded", prepare=authorized(limits=AFFORDABLE)),
    Case("nothing to spend at all", by_key, FAILED + "SpendingLimitExceeded",
         prepare=authorized(limits=())),
    # -- consents
    carrying("a consent for another chain",
             "KeyAuthorization chain_id mismatch: expected 1337, got 1", chain_id=1),
    carrying("a consent for any chain",
             "KeyAuthorization chain_id mismatch: expected 1337, got 0", chain_id=0),
    carrying("a consent for another account", "KeyAuthorization account mismatch",
             account=STRANGER),
    carrying("a stranger's consent", "KeyAuthorization must be signed by root account",
             by=lambda bench: bench.payee.key),
    carrying("an expiry in the past", FAILED + "ExpiryInPast", expiry_s=NOW_S),
    carrying("the zero key", FAILED + "ZeroPublicKey", key_id=bytes(20)),
    carrying("a token limited twice", FAILED + "InvalidSpendingLimit", limits=AFFORDABLE * 2),
    carrying("a limit beyond 128 bits", FAILED + "InvalidSpendingLimit",
             limits=(TokenLimit(PATH_USD, 1 << 128),)),
    carrying("an admin with limits", "KeyAuthorization of an admin key must not have",
             is_admin=True, limits=AFFORDABLE),
    Case("a key that exists", lambda bench: bench.signed(key_authorization=consent(bench)),
         FAILED + "KeyAlreadyExists", prepare=authorized()),
    Case("a key that was revoked", lambda bench: bench.signed(key_authorization=consent(bench)),
         FAILED + "KeyAlreadyRevoked", prepare=revoked),
    Case("another key, authorized by an access key's transaction",
         lambda bench: by_key(bench, key_authorization=consent(bench, key=OTHER_KEY)),
         "access keys cannot authorize other keys, only the root key can authorize new keys",
         prepare=authorized()),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_key_that_may_not_is_refused(case: Case) -> None:
    await assert_refused(case)


async def test_a_key_that_may_pays() -> None:
    """The counterpart: within scope and limit, the same payment goes through."""
    bench = Bench()
    terms = {"allowed_calls": ONE_RECIPIENT, "limits": AFFORDABLE, "expiry_s": NOW_S + 1}
    await authorized(**terms)(bench)
    await bench.send(by_key(bench))
    assert await bench.balance(STRANGER) == 2 * 10_000


async def test_an_amount_above_the_limit_reverts_and_leaves_the_limit() -> None:
    """The fee is within the limit, so the payment is mined, and fails there (facts 2.6)."""
    bench = Bench()
    await authorized(limits=(TokenLimit(PATH_USD, 50_000),))(bench)
    raw = by_key(bench, calls=(payment(49_999),), max_fee_per_gas=12_000_000_000)
    receipt = await bench("eth_sendRawTransactionSync", "0x" + raw.hex())
    assert receipt["status"] == "0x0"
    paid = int(receipt["logs"][-1]["data"], 16)
    remaining = Function("getRemainingLimit(address,address,address) returns (uint256)")
    call = remaining.call(bench.payer.address, KEY.address, PATH_USD)
    request = {"to": "0x" + ACCOUNT_KEYCHAIN.hex(), "data": "0x" + call.hex()}
    assert int(await bench("eth_call", request), 16) == 50_000 - paid
