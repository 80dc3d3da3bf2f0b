"""The faucet: what `tempo_fundAddress` sends (facts 5.7).

The node's faucet uses the issuer's protocol nonce. This one uses a nonce key of its own, so that a
test which sends from the first development account does not find its nonces taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mock_rails.tempo.abi import Function
from mock_rails.tempo.execution.fees import MAX_BASE_FEE
from mock_rails.tempo.genesis import TOKENS
from mock_rails.tempo.tx.model import TYPE_TEMPO, Call, Transaction
from mock_rails.tempo.tx.sign import sign_transaction

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.tx.model import Submission

_MINT: Final = Function("mint(address to, uint256 amount)")
_NONCE_KEY: Final = int.from_bytes(b"faucet")
_GAS_LIMIT: Final = 1_000_000


def faucet_transactions(chain: Chain, address: bytes) -> list[Submission]:
    """One signed mint of every genesis token to the address."""
    issuer = chain.accounts[0]
    first = chain.nonce(issuer.address, _NONCE_KEY, pending=True)
    data = _MINT.call(address, chain.settings.faucet_base_units)
    price = 2 * max(MAX_BASE_FEE, chain.engine.next_base_fee())
    return [
        sign_transaction(
            Transaction(
                type=TYPE_TEMPO,
                chain_id=chain.chain_id,
                nonce=first + at,
                gas_limit=_GAS_LIMIT,
                max_fee_per_gas=price,
                max_priority_fee_per_gas=0,
                calls=(Call(token, 0, data),),
                nonce_key=_NONCE_KEY,
            ),
            issuer.key,
        )
        for at, token in enumerate(TOKENS)
    ]
