"""Two chains with the same people, who have the same money on both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.micro.servers import anvil_tempo
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.genesis import dev_accounts
from mock_rails.tempo.tx.model import TYPE_TEMPO, Call, Transaction
from mock_rails.tempo.tx.sign import sign_transaction
from tests.differential.chains import CHAIN_ID, Anvil, Sandbox
from tests.differential.outcomes import mine
from tests.differential.payments import MAX_FEE, SIGNERS, TOKENS, TRANSFER
from tests.differential.twins import Twins

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNDS = 1_000_000_000


@pytest.fixture(scope="session")
def chains() -> Iterator[tuple[Sandbox, Anvil]]:
    """Our chain and anvil, where everybody but the shops has 1,000 of each token."""
    with anvil_tempo() as server, Sandbox() as ours, Anvil(server.port) as anvil:
        # Blocks are asked for one by one, so that what no block can hold shows at once.
        anvil("evm_setAutomine", False)
        for chain in (ours, anvil):
            receipt = mine(chain, _funding())
            assert receipt is not None, chain.name
            assert receipt["status"] == "0x1", chain.name
        yield ours, anvil


@pytest.fixture
def twins(chains: tuple[Sandbox, Anvil]) -> Iterator[Twins]:
    """Both chains, put back afterwards to where they were."""
    with Twins(*chains) as both:
        yield both


def _funding() -> bytes:
    """One batch from a development account to everybody."""
    calls = tuple(
        Call(token, 0, TRANSFER.call(signer.address, FUNDS))
        for signer in SIGNERS.values()
        for token in TOKENS.values()
    )
    tx = Transaction(
        type=TYPE_TEMPO,
        chain_id=CHAIN_ID,
        nonce=0,
        gas_limit=25_000_000,
        max_fee_per_gas=MAX_FEE,
        max_priority_fee_per_gas=0,
        calls=calls,
        fee_token=PATH_USD,
    )
    return sign_transaction(tx, dev_accounts()[1].key).raw
