"""Fees that cannot be paid: who pays, in which token, through which pool (facts 1.9, 4.2, 4.3)."""

from __future__ import annotations

import pytest

from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import (
    ALPHA_USD,
    BETA_USD,
    FEE_MANAGER,
    PATH_USD,
    THETA_USD,
    TIP20_FACTORY,
    TIP20_PREFIX,
    TIP403_REGISTRY,
    ZERO_ADDRESS,
)
from mock_rails.tempo.crypto.hashing import keccak256
from mock_rails.tempo.genesis import dev_accounts
from mock_rails.tempo.native.tip20.roles import PAUSE_ROLE
from mock_rails.tempo.tx.encode import encode_transaction
from mock_rails.tempo.tx.hashes import sender_hash
from mock_rails.tempo.tx.model import TYPE_DYNAMIC_FEE, Call
from mock_rails.tempo.tx.sign import sponsor
from mock_rails.tempo.tx.signers import Secp256k1Signer
from tests.integration.tempo.refusals import (
    BEGINNER,
    REFUSED,
    STRANGER,
    Bench,
    Case,
    assert_refused,
    payment,
)
from tests.unit.mock_rails.tempo.rpc.support import to_hex

CREATE_TOKEN = Function(
    "createToken(string,string,string,address,address,bytes32) returns (address)"
)
GRANT_ROLE = Function("grantRole(bytes32,address)")
SET_USER_TOKEN = Function("setUserToken(address)")
PAUSE = Function("pause()")
NOT_CREATED = TIP20_PREFIX + b"\x77" * 8
SALT = b"\x05" * 32
EURO = TIP20_PREFIX + keccak256(bytes(12) + dev_accounts()[1].address + SALT)[:8]
"""Where the factory puts the payer's token with that salt (facts 2.3)."""

LIMIT, PRICE = 2_000_000, 20_000_000_000
MOST = LIMIT * PRICE // 10**12
"""What the ordinary payment may cost at most: its payer must hold that."""
COLLECTED = LIMIT * 12_000_000_000 // 10**12
"""What it is charged at first, at the base fee of block 1."""


async def euros(bench: Bench) -> None:
    """The payer has created a token in euros."""
    data = CREATE_TOKEN.call("Euro", "EUR", "EUR", PATH_USD, bench.payer.address, SALT)
    receipt = await bench.call(TIP20_FACTORY, data, gas_limit=6_000_000)
    assert to_hex(EURO) in {log["address"] for log in receipt["logs"]}


async def paused_theta(bench: Bench) -> None:
    """The admin has paused ThetaUSD."""
    calls = (
        Call(THETA_USD, 0, GRANT_ROLE.call(PAUSE_ROLE, bench.admin.address)),
        Call(THETA_USD, 0, PAUSE.call()),
    )
    await bench.send(bench.signed(bench.admin.key, calls=calls))


async def payer_prefers_paused_theta(bench: Bench) -> None:
    """The payer's own fee token has been paused."""
    await bench.call(FEE_MANAGER, SET_USER_TOKEN.call(THETA_USD))
    await paused_theta(bench)


async def payer_is_barred(bench: Bench) -> None:
    """The policy of ThetaUSD forbids the payer to send."""
    create = Function("createPolicyWithAccounts(address,uint8,address[])")
    change = Function("changeTransferPolicyId(uint64)")
    calls = (
        Call(TIP403_REGISTRY, 0, create.call(bench.admin.address, 1, (bench.payer.address,))),
        Call(THETA_USD, 0, change.call(2)),
    )
    await bench.send(bench.signed(bench.admin.key, calls=calls))


async def shallow_pool(bench: Bench) -> None:
    """The pool from BetaUSD to pathUSD holds less than the fee."""
    mint = Function("mint(address,address,uint256,address)")
    data = mint.call(BETA_USD, PATH_USD, COLLECTED // 2, bench.admin.address)
    await bench.send(bench.signed(bench.admin.key, calls=(Call(FEE_MANAGER, 0, data),)))


async def beginner_has_a_little(bench: Bench) -> None:
    """The beginner holds one base unit too few for the fee."""
    await bench.send(bench.signed(calls=(payment(MOST - 1, BEGINNER.address),)))


def sponsored(bench: Bench, fee_payer: bytes) -> bytes:
    """A payment that somebody else pays the fee of."""
    tx = bench.transaction(awaiting_fee_payer=True)
    return sponsor(tx, bench.payer.key, fee_payer).raw


def changed_after_sponsoring(bench: Bench) -> bytes:
    """A sponsor signed another payment than the sender did: who pays is nobody."""
    tx = bench.transaction(awaiting_fee_payer=True)
    tx = sponsor(tx, bench.payer.key, bench.sponsor.key).tx
    tx.calls = (payment(999_999),)
    return encode_transaction(tx, Secp256k1Signer(bench.payer.key).sign(sender_hash(tx)))


def not_tip20(what: str, token: bytes) -> Case:
    """A fee token that is none."""
    shown = to_hex(token)
    return Case(
        what,
        lambda bench: bench.signed(fee_token=token),
        f"fee token {shown} is not a TIP-20 token; fee tokens must be TIP-20 tokens",
        REFUSED,
        {"name": "FeeTokenNotTip20Error", "token": shown},
    )


NO_DEPTH = (
    "insufficient liquidity in FeeAMM pool to swap fee tokens for pair "
    f"{to_hex(BETA_USD)} -> {to_hex(PATH_USD)} (required: "
)
PAUSED_THETA = f"fee token {to_hex(THETA_USD)} is paused and cannot be used for fees"
PAUSED_DATA = {"name": "FeeTokenPausedError", "token": to_hex(THETA_USD)}

CASES = [
    Case(
        "a payer who holds nothing",
        lambda bench: bench.signed(BEGINNER.key),
        f"insufficient fee token balance: required {MOST}, but only have 0",
    ),
    Case(
        "a payer who is one base unit short",
        lambda bench: bench.signed(BEGINNER.key),
        f"insufficient fee token balance: required {MOST}, but only have {MOST - 1}",
        prepare=beginner_has_a_little,
    ),
    Case(
        "a sponsor who holds nothing",
        lambda bench: sponsored(bench, BEGINNER.key),
        f"insufficient fee token balance: required {MOST}, but only have 0",
    ),
    Case(
        "a payment changed after its sponsor signed",
        changed_after_sponsoring,
        "insufficient fee token balance: required",
    ),
    not_tip20("an account as fee token", STRANGER),
    not_tip20("the zero address as fee token", ZERO_ADDRESS),
    not_tip20("the fee manager as fee token", FEE_MANAGER),
    not_tip20("a token that was never created", NOT_CREATED),
    Case(
        "a fee token in euros",
        lambda bench: bench.signed(fee_token=EURO),
        f'fee token {to_hex(EURO)} uses currency "EUR";'
        " fee tokens must be USD-denominated TIP-20 tokens",
        REFUSED,
        {"name": "FeeTokenNotUsdError", "token": to_hex(EURO), "currency": "EUR"},
        prepare=euros,
    ),
    Case(
        "a paused fee token",
        lambda bench: bench.signed(fee_token=THETA_USD),
        PAUSED_THETA,
        REFUSED,
        PAUSED_DATA,
        prepare=paused_theta,
    ),
    Case(
        "a paused fee token that the payer chose before",
        lambda bench: bench.signed(type=TYPE_DYNAMIC_FEE),
        PAUSED_THETA,
        REFUSED,
        PAUSED_DATA,
        prepare=payer_prefers_paused_theta,
    ),
    Case(
        "a fee token whose policy bars the payer",
        lambda bench: bench.signed(fee_token=THETA_USD),
        "TIP20 token error: PolicyForbids(PolicyForbids)",
        prepare=payer_is_barred,
    ),
    Case(
        "a fee token without a pool",
        lambda bench: bench.signed(fee_token=BETA_USD),
        f"{NO_DEPTH}{COLLECTED})",
        bare=True,
    ),
    Case(
        "a fee token whose pool is shallow",
        lambda bench: bench.signed(fee_token=BETA_USD),
        NO_DEPTH,
        prepare=shallow_pool,
        bare=True,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_fee_that_cannot_be_paid_is_refused(case: Case) -> None:
    await assert_refused(case)


async def test_the_pool_of_the_usual_fee_token_pays() -> None:
    """The counterpart: on the same bare chain AlphaUSD has a pool, and the fee goes through it."""
    bench = Bench(bare=True)
    receipt = await bench.send(bench.signed(fee_token=ALPHA_USD))
    assert receipt["feeToken"] == to_hex(ALPHA_USD)


async def test_the_dearest_price_must_be_covered_though_less_is_taken() -> None:
    """The balance is held against the maximum fee, not against what is charged (facts 4.2)."""
    bench = Bench()
    await bench.send(bench.signed(calls=(payment(MOST, BEGINNER.address),)))
    tx = bench.signed(BEGINNER.key, calls=(payment(1),))
    receipt = await bench.send(tx)
    paid = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    assert await bench.balance(BEGINNER.address) == MOST - 1 - -(-paid // 10**12)
