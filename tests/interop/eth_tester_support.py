"""What the tests of the eth-tester backend share: a backend on a still clock, and payments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_rails.core import Clock, RailContext
from mock_rails.tempo.abi import Function
from mock_rails.tempo.addresses import ALPHA_USD, PATH_USD
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.eth_tester_backend import TempoBackend
from mock_rails.tempo.rail import Chain
from mock_rails.tempo.tx.model import (
    TYPE_TEMPO,
    Call,
    Transaction,
)
from mock_rails.tempo.tx.sign import sign_transaction

if TYPE_CHECKING:
    from eth_tester import EthereumTester

    from mock_rails.tempo.tx.model import Submission

NOW_S = 1_767_225_600
PATH, ALPHA = (f"0x{token.hex()}" for token in (PATH_USD, ALPHA_USD))
BURN = "0x" + "de" * 20
NEW_KEY = b"\x11" * 32
BALANCE_OF = Function("balanceOf(address account) returns (uint256)")
TRANSFER = Function("transfer(address to, uint256 amount) returns (bool)")
MEMO_TRANSFER = Function("transferWithMemo(address to, uint256 amount, bytes32 memo)")


def backend_with(**settings: Any) -> TempoBackend:
    """A backend whose clock stands still."""
    context = RailContext.create("test", Clock.frozen(NOW_S))
    return TempoBackend(Chain(context, ChainSettings(**settings)))


def raw(address: str) -> bytes:
    return bytes.fromhex(address[2:])


def payment(tester: EthereumTester, amount: int = 1_000, **changes: Any) -> dict[str, Any]:
    """A transfer of pathUSD to an address that has none."""
    transaction = {
        "from": tester.get_accounts()[0],
        "to": PATH,
        "gas": 1_000_000,
        "data": "0x" + TRANSFER.call(raw(BURN), amount).hex(),
    }
    return transaction | changes


def balance(tester: EthereumTester, account: str = BURN, at: int | str = "latest") -> int:
    call = {"from": account, "to": PATH, "data": "0x" + BALANCE_OF.call(raw(account)).hex()}
    return int(tester.call(call, at), 16)


def signed(backend: TempoBackend, kind: int = TYPE_TEMPO, **changes: Any) -> Submission:
    """A transfer of pathUSD by the second development account, signed outside of eth-tester."""
    account = backend.chain.accounts[1]
    fields: dict[str, Any] = {
        "type": kind,
        "chain_id": backend.chain.chain_id,
        "nonce": backend.chain.nonce(account.address),
        "gas_limit": 1_000_000,
        "max_fee_per_gas": 20 * 10**9,
        "max_priority_fee_per_gas": 20 * 10**9,
        "calls": (Call(PATH_USD, 0, TRANSFER.call(raw(BURN), 7)),),
    }
    return sign_transaction(Transaction(**(fields | changes)), account.key)


def send_raw(tester: EthereumTester, submission: Submission) -> str:
    sent: str = tester.send_raw_transaction("0x" + submission.raw.hex())
    assert sent == "0x" + submission.hash.hex()
    return sent
