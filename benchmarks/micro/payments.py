"""The transactions of the chain benchmark, signed before the clock starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.micro.rpc_load import http_request
from benchmarks.micro.servers import CHAIN_ID
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import CHANNEL_RESERVE, PATH_USD, ZERO_ADDRESS
from mock_rails.tempo.crypto.wallet import Account, derive_accounts
from mock_rails.tempo.genesis import MNEMONIC, dev_accounts
from mock_rails.tempo.tx.model import TYPE_TEMPO, Call, Transaction
from mock_rails.tempo.tx.sign import sign_transaction, sponsor

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRANSFER = Function("transfer(address to, uint256 amount)")
_OPEN = Function(
    "open(address payee, address operator, address token, uint96 deposit, bytes32 salt,"
    " address authorizedSigner)"
)
_SEND = "eth_sendRawTransactionSync"
_GAS_LIMIT = 1_000_000
_MAX_FEE = 100_000_000_000
_AMOUNT = 10_000
_FUNDS = 10**13
_SENDER_PATH = "m/44'/60'/1'/0"

Lane = list[bytes]


class Payers:
    """Accounts of their own, so that no measurement shares a nonce with another."""

    def __init__(self, count: int, port: int) -> None:
        self._port = port
        self._senders = derive_accounts(MNEMONIC, count, path=_SENDER_PATH)
        self._dev = dev_accounts()
        self._nonces = dict.fromkeys((account.address for account in self._senders), 0)
        self._salt = 0

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The payers, in the order of their lanes."""
        return self._senders

    def funding(self) -> Lane:
        """Give every payer money, one payment after the other."""
        admin = self._dev[0]
        return [
            self._request(sign_transaction(
                transaction(nonce, Call(PATH_USD, 0, _TRANSFER.call(payer.address, _FUNDS))),
                admin.key,
            ).raw)
            for nonce, payer in enumerate(self._senders)
        ]  # fmt: skip

    def transfers(self, total: int, lanes: int) -> list[Lane]:
        """Payments with counted nonces, dealt out to the lanes; a lane is one sender."""
        call = transfer_call()
        return [
            [
                self._request(sign_transaction(tx, payer.key).raw)
                for tx in self._batch(payer, call, n)
            ]
            for payer, n in self._share(total, lanes)
        ]

    def sponsored(self, total: int, lanes: int) -> list[Lane]:
        """The same payments with their fee paid by somebody else."""
        call = transfer_call()
        payer_key = self._dev[1].key
        return [
            [
                self._request(sponsor(tx, payer.key, payer_key).raw)
                for tx in self._batch(payer, call, n)
            ]
            for payer, n in self._share(total, lanes)
        ]

    def channel_opens(self, total: int, lanes: int) -> list[Lane]:
        """Openings of payment channels."""
        opened: list[Lane] = []
        for payer, count in self._share(total, lanes):
            lane = []
            for _ in range(count):
                self._salt += 1
                data = _OPEN.call(
                    self._dev[9].address, ZERO_ADDRESS, PATH_USD, _AMOUNT,
                    self._salt.to_bytes(32), ZERO_ADDRESS,
                )  # fmt: skip
                tx = next(self._batch(payer, Call(CHANNEL_RESERVE, 0, data), 1))
                lane.append(self._request(sign_transaction(tx, payer.key).raw))
            opened.append(lane)
        return opened

    def _share(self, total: int, lanes: int) -> list[tuple[Account, int]]:
        return [(payer, total // lanes) for payer in self._senders[:lanes]]

    def _batch(self, payer: Account, call: Call, count: int) -> Iterator[Transaction]:
        for _ in range(count):
            nonce = self._nonces[payer.address]
            self._nonces[payer.address] += 1
            yield transaction(nonce, call)

    def _request(self, raw: bytes) -> bytes:
        return http_request(_SEND, [f"0x{raw.hex()}"], port=self._port)


def transfer_call() -> Call:
    """What every payment of the benchmark does: a cent to the last development account."""
    return Call(PATH_USD, 0, _TRANSFER.call(dev_accounts()[9].address, _AMOUNT))


def transaction(nonce: int, call: Call) -> Transaction:
    """A payment of the benchmark, not signed yet."""
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
