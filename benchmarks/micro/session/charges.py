"""Requests that pay with a transaction each, signed before the clock starts.

A charge is bound to its challenge by the memo of its transfer (facts, protocol 1.3), so there is a
challenge of the server for every payment. Nonces are counted, one sender for each connection; both
chains mine at once and start empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mpp import Credential
from mpp.methods.tempo import attribution

from benchmarks.micro.payments import Payers
from benchmarks.micro.rpc_load import drive as drive_rpc
from benchmarks.micro.servers import CHAIN_ID
from benchmarks.micro.session.load import get
from benchmarks.micro.session.vouchers import challenges
from benchmarks.micro.session.world import PATH, PRICE, REALM, payee
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.tx.model import TYPE_TEMPO, Call, Transaction
from mock_rails.tempo.tx.sign import sign_transaction

if TYPE_CHECKING:
    from mpp import Challenge

    from mock_rails.tempo.crypto.wallet import Account

_TRANSFER: Final = Function("transferWithMemo(address to, uint256 amount, bytes32 memo)")
_GAS_LIMIT: Final = 1_000_000
_MAX_FEE: Final = 100_000_000_000


class Charges:
    """The payers of one server on one chain, which count their nonces."""

    def __init__(self, port: int, chain_port: int, connections: int) -> None:
        self._port = port
        self._chain_port = chain_port
        self._payers = Payers(connections, chain_port)
        self._nonces = dict.fromkeys(self._payers.accounts, 0)

    async def fund(self) -> None:
        """Give every payer money."""
        await drive_rpc(self._chain_port, [self._payers.funding()])

    async def lanes(self, total: int, connections: int) -> list[list[bytes]]:
        """Paid requests, dealt out to the connections; one connection is one sender."""
        each = total // connections
        given = await challenges(self._port, each * connections)
        lanes = []
        for number, payer in enumerate(self._payers.accounts[:connections]):
            own = given[number * each : (number + 1) * each]
            lanes.append([self._request(challenge, payer) for challenge in own])
        return lanes

    def _request(self, challenge: Challenge, payer: Account) -> bytes:
        memo = bytes.fromhex(attribution.encode(challenge.id, REALM)[2:])
        transfer = _TRANSFER.call(payee().address, PRICE, memo)
        nonce = self._nonces[payer]
        self._nonces[payer] = nonce + 1
        raw = sign_transaction(_transaction(nonce, Call(PATH_USD, 0, transfer)), payer.key).raw
        credential = Credential(
            challenge.to_echo(),
            {"type": "transaction", "signature": f"0x{raw.hex()}"},
            f"did:pkh:eip155:{CHAIN_ID}:0x{payer.address.hex()}",
        )
        return get(PATH, port=self._port, authorization=credential.to_authorization())


def _transaction(nonce: int, call: Call) -> Transaction:
    return Transaction(
        type=TYPE_TEMPO,
        chain_id=CHAIN_ID,
        nonce=nonce,
        gas_limit=_GAS_LIMIT,
        max_fee_per_gas=_MAX_FEE,
        max_priority_fee_per_gas=0,
        calls=(call,),
        fee_token=PATH_USD,
    )
