"""Well-formed transactions that break a rule of the pool or the block (facts 1.1, 1.7 to 1.9)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo.addresses import ACCOUNT_KEYCHAIN, PATH_USD
from mock_rails.tempo.crypto import secp256k1
from mock_rails.tempo.execution.fees import MAX_BASE_FEE
from mock_rails.tempo.tx.encode import encode_transaction
from mock_rails.tempo.tx.hashes import fee_payer_hash, sender_hash
from mock_rails.tempo.tx.key_authorization import (
    CallScope,
    KeyAuthorization,
    SelectorRule,
    TokenLimit,
)
from mock_rails.tempo.tx.model import (
    EXPIRING_NONCE_KEY,
    TYPE_ACCESS_LIST,
    TYPE_DYNAMIC_FEE,
    TYPE_LEGACY,
    TYPE_SET_CODE,
    Call,
)
from mock_rails.tempo.tx.sign import (
    sign_authorization,
    sign_key_authorization,
    sign_transaction,
    sponsor,
)
from mock_rails.tempo.tx.signers import KeychainSigner, Secp256k1Signer
from tests.integration.tempo.refusals import (
    ACCESS,
    NOW_S,
    REFUSED,
    REJECTED,
    STRANGER,
    TRANSFER,
    Bench,
    Case,
    assert_refused,
    payment,
)
from tests.unit.mock_rails.tempo.rpc.support import refused, to_hex

if TYPE_CHECKING:
    from mock_rails.tempo.tx.key_authorization import SignedKeyAuthorization

WITH_VALUE = (Call(PATH_USD, 1, payment().data),)
NONCE_MANAGER = "nonce manager error: "
REPLAYED = NONCE_MANAGER + "Tempo Transaction nonce error: ExpiringNonceReplay(ExpiringNonceReplay)"
OUT_OF_WINDOW = (
    NONCE_MANAGER + "Tempo Transaction nonce error:"
    " InvalidExpiringNonceExpiry(InvalidExpiringNonceExpiry)"
)


def payer_signs(what: str, text: str, code: int = REJECTED, **changes: Any) -> Case:
    """A payment with these changes."""
    return Case(what, lambda bench: bench.signed(**changes), text, code)


def granted(bench: Bench, **terms: Any) -> SignedKeyAuthorization:
    """An authorization of an access key by the payer."""
    key = Secp256k1Signer(ACCESS.key).address
    return sign_key_authorization(KeyAuthorization(1337, 0, key, **terms), bench.payer.key)


def granting(what: str, text: str, **terms: Any) -> Case:
    """A payment that carries such an authorization."""
    return Case(what, lambda bench: bench.signed(key_authorization=granted(bench, **terms)), text)


def self_sponsored(bench: Bench) -> bytes:
    """A payment whose fee payer's signature is the sender's own."""
    # `sponsor` refuses to make one, so take the honest one of another sender and sign again.
    tx = bench.transaction(awaiting_fee_payer=True)
    honest = sponsor(tx, bench.payee.key, bench.payer.key).tx
    signature = Secp256k1Signer(bench.payer.key).sign(sender_hash(honest))
    digest = fee_payer_hash(honest, bench.payer.address)
    honest.fee_payer_signature = secp256k1.sign(digest, bench.payer.key)
    return encode_transaction(honest, signature)


def delegations(bench: Bench) -> bytes:
    """A payment with one account authorization too many."""
    one = sign_authorization(1337, STRANGER, 0, ACCESS.key, tempo=True)
    return bench.signed(authorizations=(one,) * 17)


def created_by_access_key(bench: Bench) -> bytes:
    """A creation signed by an access key."""
    signer = KeychainSigner(bench.payer.address, Secp256k1Signer(ACCESS.key))
    return bench.signed(signer, calls=(Call(None, 0, b"\x00"),))


def legacy_for_another_chain(bench: Bench) -> bytes:
    """An EIP-155 signature for mainnet."""
    return bench.signed(type=TYPE_LEGACY, chain_id=1)


async def two_payments(bench: Bench) -> None:
    """The payer's protocol nonce and nonce key 7 are at 2."""
    for key in (0, 7):
        for nonce in (0, 1):
            await bench.send(bench.signed(nonce_key=key, nonce=nonce, valid_before=None))


async def already_mined(bench: Bench) -> None:
    """The ordinary payment has been made."""
    await bench.send(bench.signed())


async def mined_for_another_sponsor(bench: Bench) -> None:
    """A sponsored payment has been made, paid for by the admin."""
    tx = bench.transaction(awaiting_fee_payer=True)
    await bench.send(sponsor(tx, bench.payer.key, bench.admin.key).raw)


def sponsored_again(bench: Bench) -> bytes:
    """The same payment with another fee payer: another hash, but the same intent."""
    tx = bench.transaction(awaiting_fee_payer=True)
    return sponsor(tx, bench.payer.key, bench.sponsor.key).raw


RULE = SelectorRule(TRANSFER.selector)
RULE_FOR_MANY = SelectorRule(TRANSFER.selector, (STRANGER,) * 65)
CASES = [
    payer_signs("another chain", "invalid chain ID", chain_id=1),
    payer_signs("another chain, type 2", "invalid chain ID", chain_id=1, type=TYPE_DYNAMIC_FEE),
    Case("another chain, legacy", legacy_for_another_chain, "invalid chain ID"),
    payer_signs("value", "value transfer in Tempo Transaction not allowed", calls=WITH_VALUE),
    payer_signs(
        "value, type 1", "value transfer not allowed", calls=WITH_VALUE, type=TYPE_ACCESS_LIST
    ),
    # -- gas and fees
    payer_signs(
        "a tip above the maximum", "max priority fee per gas higher than max fee per gas", REFUSED,
        max_priority_fee_per_gas=10**12,
    ),
    payer_signs(
        "a maximum below the base fee", "max fee per gas less than block base fee",
        max_fee_per_gas=MAX_BASE_FEE - 1,
    ),
    payer_signs("gas above the cap", "is greater than the cap 30000000", gas_limit=30_000_001),
    payer_signs("too little gas", "intrinsic gas too low", gas_limit=34_000),
    payer_signs(
        "too little gas for the data", "intrinsic gas too low", gas_limit=60_999,
        calls=(Call(STRANGER, 0, b"\x01" * 1_000),), nonce_key=0, nonce=0,
    ),
    # -- sizes
    payer_signs("33 calls", "too many calls: 33, the limit is 32", calls=(payment(),) * 33),
    payer_signs(
        "a long input", "too many bytes of call input: 131073",
        calls=(Call(STRANGER, 0, bytes(128 * 1024 + 1)),),
    ),
    payer_signs(
        "a long init code", "max initcode size exceeded: code size 49153, limit 49152",
        calls=(Call(None, 0, bytes(49_153)),), gas_limit=30_000_000, nonce_key=0,
    ),
    payer_signs(
        "a type 4 without authorizations", "no items in authorization list", type=TYPE_SET_CODE
    ),
    payer_signs(
        "a long access list", "too many access list accounts: 257",
        access_list=((STRANGER, ()),) * 257,
    ),
    Case("17 account authorizations", delegations, "too many authorizations: 17"),
    granting("257 token limits", "too many token limits: 257",
             limits=tuple(TokenLimit(at.to_bytes(20), 1) for at in range(257))),
    granting("65 scopes", "too many call scopes: 65",
             allowed_calls=tuple(CallScope(at.to_bytes(20)) for at in range(1, 66))),
    granting("65 rules", "too many selector rules: 65",
             allowed_calls=(CallScope(PATH_USD, (RULE,) * 65),)),
    granting("65 recipients", "too many recipients: 65",
             allowed_calls=(CallScope(PATH_USD, (RULE_FOR_MANY,)),)),
    # -- who may
    Case("a creation by an access key", created_by_access_key,
         "access-key transactions cannot use CREATE as the first call"),
    Case("a fee payer who is the sender", self_sponsored, "fee payer cannot resolve to sender"),
    # -- nonces
    payer_signs("a nonce far ahead", "nonce too high: next nonce 0, tx nonce 5000",
                nonce_key=0, nonce=5_000),
    Case("a used protocol nonce",
         lambda bench: bench.signed(nonce_key=0, nonce=1, gas_limit=1_000_001),
         "nonce too low: next nonce 2, tx nonce 1", prepare=two_payments),
    Case("a used nonce of another key",
         lambda bench: bench.signed(nonce_key=7, nonce=0, gas_limit=1_000_001),
         "nonce too low: next nonce 2, tx nonce 0", prepare=two_payments),
    Case("the same protocol nonce, mined",
         lambda bench: bench.signed(nonce_key=0, nonce=1),
         "nonce too low: next nonce 2, tx nonce 1", prepare=two_payments),
    payer_signs("a sub-block's nonce key", "reserved for sub-blocks", nonce_key=0x5B << 248),
    payer_signs("an expiring nonce that is not 0", NONCE_MANAGER, nonce=1),
    payer_signs("an expiring nonce without an end", NONCE_MANAGER, valid_before=None),
    payer_signs("an expiring nonce 301 s ahead", OUT_OF_WINDOW, valid_before=NOW_S + 301),
    Case("the same expiring transaction, mined", lambda bench: bench.signed(), REPLAYED,
         prepare=already_mined),
    Case("the same expiring intent, sponsored by another", sponsored_again, REPLAYED,
         prepare=mined_for_another_sponsor),
    # -- the window
    payer_signs(
        "expired", f"'valid_before' {NOW_S} is too close to current time"
        f" (min allowed: {NOW_S + 4})", valid_before=NOW_S,
    ),
    payer_signs("about to expire", "is too close to current time", valid_before=NOW_S + 3),
    payer_signs(
        "too early", f"'valid_after' {NOW_S + 121} is too far in the future"
        f" (max allowed: {NOW_S + 120})", valid_after=NOW_S + 121, valid_before=NOW_S + 200,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_rule_that_is_broken_is_named(case: Case) -> None:
    await assert_refused(case)


async def test_what_waits_is_already_known() -> None:
    bench = Bench()
    await bench("evm_setAutomine", False)
    raw = to_hex(bench.signed())
    await bench("eth_sendRawTransaction", raw)
    before = bench.chain.digest()
    for method in ("eth_sendRawTransaction", "eth_sendRawTransactionSync"):
        with refused(-32000, "already known"):
            await bench(method, raw)
    assert bench.chain.digest() == before


async def test_a_cheap_replacement_leaves_the_first_in_its_place() -> None:
    bench = Bench()
    await bench("evm_setAutomine", False)
    first = bench.signed(nonce_key=0)
    await bench("eth_sendRawTransaction", to_hex(first))
    before = bench.chain.digest()
    with refused(-32000, "replacement transaction underpriced"):
        await bench("eth_sendRawTransaction", to_hex(bench.signed(nonce_key=0, gas_limit=900_000)))
    assert bench.chain.digest() == before


async def test_a_gap_in_the_nonces_waits_and_changes_no_state() -> None:
    """Not an error of the node: the transaction is pooled until the ones before it come."""
    bench = Bench()
    world, head = bench.chain.snapshot()["world"], bench.chain.head
    ahead = bench.signed(nonce_key=0, nonce=1)
    await bench("eth_sendRawTransaction", to_hex(ahead))
    assert bench.chain.snapshot()["world"] == world
    assert bench.chain.head is head
    await bench.send(bench.signed(nonce_key=0, nonce=0))
    assert await bench("eth_getTransactionCount", bench.account(1)) == "0x2"


async def test_what_begins_later_is_mined_by_itself_when_its_window_opens() -> None:
    bench = Bench()
    early = bench.signed(valid_after=NOW_S + 30)
    head = bench.chain.head
    tx_hash = await bench("eth_sendRawTransaction", to_hex(early))
    assert bench.chain.head is head
    bench.clock.advance(29)
    await bench.clock.yield_to_loop()
    assert await bench("eth_getTransactionReceipt", tx_hash) is None
    second = bench.signed(valid_after=NOW_S + 30, valid_before=NOW_S + 90)
    waiting = asyncio.create_task(bench.chain.submit_and_wait(second))
    await bench.clock.yield_to_loop()
    bench.clock.advance(1)
    assert (await waiting).status
    assert (await bench("eth_getTransactionReceipt", tx_hash))["status"] == "0x1"


async def test_what_begins_later_must_be_able_to_pay_already() -> None:
    bench = Bench()
    poor = bench.signed(valid_after=NOW_S + 30, fee_token=bytes(20))
    with refused(-32003, "is not a TIP-20 token"):
        await bench("eth_sendRawTransaction", to_hex(poor))
    assert len(bench.chain.pool) == 0


async def test_what_begins_later_waits_where_blocks_are_to_come() -> None:
    bench = Bench()
    await bench("evm_setAutomine", False)
    early = bench.signed(valid_after=NOW_S + 30)
    tx_hash = await bench("eth_sendRawTransaction", to_hex(early))
    await bench("evm_mine")
    assert await bench("eth_getTransactionReceipt", tx_hash) is None
    assert len(bench.chain.pool) == 1
    bench.clock.advance(30)
    await bench("evm_mine")
    assert (await bench("eth_getTransactionReceipt", tx_hash))["status"] == "0x1"


async def test_what_expires_while_it_waits_is_dropped() -> None:
    bench = Bench()
    await bench("evm_setAutomine", False)
    waiting = sign_transaction(bench.transaction(), bench.payer.key)
    await bench("eth_sendRawTransaction", to_hex(waiting.raw))
    bench.clock.advance(60)
    world = bench.chain.snapshot()["world"]
    await bench("evm_mine")
    assert await bench("eth_getTransactionReceipt", to_hex(waiting.hash)) is None
    assert len(bench.chain.pool) == 0
    assert bench.chain.snapshot()["world"] == world


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"validBefore": hex(NOW_S)}, f"transaction expired: current block timestamp {NOW_S} >="),
        ({"validAfter": hex(NOW_S + 9)}, "transaction not valid yet: current block timestamp"),
        ({"keyId": to_hex(STRANGER)}, "keychain validation failed: KeyNotFound"),
        ({"value": "0x1"}, "value transfer"),
    ],
)
async def test_a_simulation_words_it_as_the_evm_does(changes: dict[str, Any], text: str) -> None:
    """-32603 and "Revm error: ..." (facts 1.9)."""
    bench = Bench()
    call = {"from": bench.account(1), "type": "0x76", "nonceKey": hex(EXPIRING_NONCE_KEY)}
    request = call | {"to": to_hex(ACCOUNT_KEYCHAIN), "data": "0x"} | changes
    before = bench.chain.digest()
    for method in ("eth_call", "eth_estimateGas"):
        with refused(-32603, "Revm error: ", text):
            await bench(method, request)
    assert bench.chain.digest() == before
