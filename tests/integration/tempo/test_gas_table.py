"""Gas on the real chain: the operations of facts 4.6, and the surcharges of facts 4.5.

`pytest -s` prints the table that `python -m tests.integration.tempo.gas_table` prints too.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from mock_rails.tempo import gas
from mock_rails.tempo.addresses import ALPHA_USD, PATH_USD
from mock_rails.tempo.crypto.wallet import derive_accounts
from mock_rails.tempo.genesis import MNEMONIC
from mock_rails.tempo.tx.key_authorization import (
    CallScope,
    KeyAuthorization,
    SelectorRule,
    TokenLimit,
)
from mock_rails.tempo.tx.model import TYPE_DYNAMIC_FEE, Call
from mock_rails.tempo.tx.sign import sign_authorization, sign_key_authorization, sign_transaction
from mock_rails.tempo.tx.signers import KeychainSigner, P256Signer, Secp256k1Signer, WebAuthnSigner
from tests.integration.tempo.gas_chain import AMOUNT, MAX_FEE, NEW_HOLDER, TRANSFER, USD, GasChain
from tests.integration.tempo.gas_rows import ROWS
from tests.integration.tempo.gas_table import Measured, measure, render

if TYPE_CHECKING:
    from collections.abc import Iterator

TOLERANCE_PERCENT = 2
KEY = derive_accounts(MNEMONIC, 11)[10].key
"""A key that no development account has."""


@pytest.fixture(scope="module")
def table() -> Iterator[list[Measured]]:
    """What the tests of this module measured; printed at the end."""
    measured: list[Measured] = []
    yield measured
    sys.stdout.write("\n" + render(measured))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.operation)
def test_an_operation_costs_what_the_node_charges(row: Any, table: list[Measured]) -> None:
    result = measure(row)
    table.append(result)
    assert abs(result.difference_percent) <= TOLERANCE_PERCENT, str(result)


def test_the_table_shows_gas_facts_and_dollars() -> None:
    payment = next(row for row in ROWS if row.operation == "transferWithMemo, expiring nonce")
    line = render([Measured(payment, payment.expected + 468)]).splitlines()[1]
    assert line.split()[3:8] == ["47,275", "46,807", "+1.00", "0.0000284", "0.000567"]


# -- the schedule: what a transaction costs more than a plain one ----------------------------------


@pytest.fixture
def chain() -> GasChain:
    return GasChain()


def data() -> bytes:
    """A transfer to somebody who holds pathUSD."""
    return TRANSFER.call(GasChain().payee.address, AMOUNT)


def test_a_further_call_of_a_batch(chain: GasChain) -> None:
    """2,600 and its calldata; what it touches is warm, and both balances are dirty by now."""
    call = Call(PATH_USD, 0, TRANSFER.call(chain.payee.address, AMOUNT))
    one, two, three = (
        chain.gas(chain.payer, None, b"", calls=(call,) * count) for count in (1, 2, 3)
    )
    warm_transfer = 18 + 6 * 100 + 2 * 200 + 1_756
    assert two - one == three - two == 2_600 + gas.calldata_gas(call.data) + warm_transfer


def test_two_dimensional_nonces(chain: GasChain) -> None:
    plain = chain.transfer()
    assert chain.transfer(nonce_key=7) - plain == 250_000
    assert chain.transfer(nonce_key=7) - plain == 5_200


def test_an_expiring_nonce(chain: GasChain) -> None:
    assert chain.transfer(expiring=True) - chain.transfer() == 13_000


@pytest.mark.parametrize("signer", [P256Signer(KEY), P256Signer(KEY, True), WebAuthnSigner(KEY)])
def test_signature_surcharges(chain: GasChain, signer: Any) -> None:
    """5,000; for WebAuthn also the calldata price of what was signed."""
    chain.transfer(to=signer.address, amount=10 * USD)
    plain = chain.transfer(by=chain.other)
    chain.transfer(signer=signer)
    receipt = chain.send(chain.payer, PATH_USD, data(), signer=signer)
    signed = getattr(receipt.submission.signature, "charged_data", b"")
    assert bool(signed) == isinstance(signer, WebAuthnSigner)
    assert receipt.outcome.gas_used - plain == 5_000 + gas.calldata_gas(signed)


def authorization(chain: GasChain, **terms: Any) -> Any:
    """The payer's consent to an access key."""
    key = Secp256k1Signer(KEY).address
    terms = {"key_type": 0, "key_id": key, **terms}
    return sign_key_authorization(KeyAuthorization(chain.chain.chain_id, **terms), chain.payer.key)


SELECTOR = TRANSFER.selector
SCOPE = CallScope(PATH_USD, (SelectorRule(SELECTOR, (NEW_HOLDER, b"\x52" * 20)),))


@pytest.mark.parametrize(
    ("terms", "extra"),
    [
        ({}, 250_000),
        ({"limits": ()}, 250_000),
        ({"limits": (TokenLimit(PATH_USD, 5), TokenLimit(ALPHA_USD, 5))}, 250_000 * (1 + 2 * 2)),
        ({"witness": b"\x09" * 32}, 250_000 + 2_100 + 1_500),
        ({"is_admin": True}, 250_000 + 1_500),
        ({"key_type": 1}, 250_000),
        ({"allowed_calls": (SCOPE,)}, 250_000 * (1 + 4) + 5_000 + 7_000 + 7_000 + 2 * 5_000),
    ],
    ids=["plain", "nothing to spend", "two limits", "witness", "admin", "P256", "scope"],
)
def test_a_key_authorization(chain: GasChain, terms: dict[str, Any], extra: int) -> None:
    """3,000 + 2,100 + 2,000 and 250,000 for each slot, on top of the transfer."""
    plain = chain.transfer()
    used = chain.transfer(key_authorization=authorization(chain, **terms))
    assert used - plain == 3_000 + 2_100 + 2_000 + extra


def test_a_transaction_of_an_access_key(chain: GasChain) -> None:
    """3,000 for the signature; the transfer asks who signed (100) and whether it may (100)."""
    plain = chain.transfer()
    signer = KeychainSigner(chain.payer.address, Secp256k1Signer(KEY))
    chain.transfer(signer=signer, key_authorization=authorization(chain))
    used = chain.transfer(signer=signer)
    assert used - plain == 3_000 + 2 * gas.WARM_LOAD


def test_account_authorizations(chain: GasChain) -> None:
    """12,500 for each, and 250,000 where the authority never sent anything."""
    plain = chain.transfer()
    delegate = sign_authorization(
        chain.chain.chain_id, NEW_HOLDER, 0, chain.beginner.key, tempo=True
    )
    assert chain.transfer(authorizations=(delegate,)) - plain == 12_500 + 250_000
    nonce = chain.chain.nonce(chain.other.address)
    delegate = sign_authorization(
        chain.chain.chain_id, NEW_HOLDER, nonce, chain.other.key, tempo=True
    )
    assert chain.transfer(authorizations=(delegate,)) - plain == 12_500


def test_an_access_list(chain: GasChain) -> None:
    plain = chain.transfer()
    listed = ((NEW_HOLDER, (1, 2)),)
    assert chain.transfer(access_list=listed) - plain == 2_400 + 2 * 1_900


def test_calldata_has_a_floor(chain: GasChain) -> None:
    """To an address without code, data costs at least 10 for each token of EIP-7623."""
    assert chain.gas(chain.payer, NEW_HOLDER, b"\x01" * 1_000 + bytes(100)) == 21_000 + 41_000


def test_a_reverted_payment_pays_for_what_it_did(chain: GasChain) -> None:
    """Everything up to the failing check: the two balance writes and the log are not paid for."""
    balance = int(chain.chain.world.load((PATH_USD, 9, chain.payer.address)))
    tx_data = TRANSFER.call(chain.payee.address, 2 * balance)
    chain.send(chain.payer, PATH_USD, TRANSFER.call(chain.payee.address, 1))
    with pytest.raises(AssertionError, match="execution reverted"):
        chain.send(chain.payer, PATH_USD, tx_data)
    used = chain.chain.head.receipts[0].outcome.gas_used
    checks = 18 + 4 * 100 + 2_100 + 100 + 100
    assert used == 21_000 + gas.calldata_gas(tx_data) + checks


def test_an_ethereum_transaction_costs_the_same(chain: GasChain) -> None:
    """Type 2 pays by the same schedule, in the payer's stored fee token."""
    expected = chain.transfer(fee_token=ALPHA_USD)
    tx = chain.send(chain.payer, PATH_USD, data(), fee_token=ALPHA_USD).submission.tx
    fields = {name: getattr(tx, name) for name in ("chain_id", "gas_limit", "calls")}
    ethereum = type(tx)(
        type=TYPE_DYNAMIC_FEE,
        nonce=tx.nonce + 1,
        max_fee_per_gas=MAX_FEE,
        max_priority_fee_per_gas=0,
        **fields,
    )
    receipt = chain.chain.send(sign_transaction(ethereum, chain.payer.key).raw)
    assert receipt is not None
    assert receipt.outcome.fee_token == ALPHA_USD
    assert receipt.outcome.gas_used == expected
