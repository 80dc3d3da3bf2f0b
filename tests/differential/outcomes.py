"""What a payment did to a chain, without what the two forks are known to differ in.

The fee's amount is left out, for gas prices and the gas schedule differ (facts 4.4, 4.5); who paid
it, in which token, and that its log is the last one, is not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.abi import Event, Function
from mock_rails.tempo.addresses import FEE_MANAGER, NONCE_MANAGER
from mock_rails.tempo.errors import SyncTimeout
from tests.differential.chains import RefusedError, to_hex
from tests.differential.payments import PEOPLE, TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.differential.chains import JsonRpc

BALANCE_OF: Final = Function("balanceOf(address account) returns (uint256)")
ALLOWANCE: Final = Function("allowance(address owner, address spender) returns (uint256)")
TOTAL_SUPPLY: Final = Function("totalSupply() returns (uint256)")
GET_NONCE: Final = Function("getNonce(address account, uint256 nonceKey) returns (uint64)")

_PATIENCE_MS: Final = 3_000
_TRANSFER_TOPIC: Final = to_hex(
    Event("Transfer(address indexed from, address indexed to, uint256 amount)").topic
)
_TO_FEE_MANAGER: Final = to_hex(FEE_MANAGER.rjust(32, b"\0"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one payment."""

    status: str
    """`refused`, `reverted` or `succeeded`."""

    hash: str | None = None
    sender: str | None = None
    kind: str | None = None
    logs: tuple[tuple[str, tuple[str, ...], str], ...] = ()
    """Address, topics and data of each log but the fee's."""

    fee_payer: str | None = None
    fee_token: str | None = None


REFUSED: Final = Outcome("refused")


@dataclass(slots=True)
class Ledger:
    """A chain, and the fees that have been paid on it since the ledger was opened."""

    rpc: JsonRpc
    fees: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By payer and token."""

    def send(self, raw: bytes) -> Outcome:
        """Have the chain mine a transaction, or refuse it."""
        receipt = mine(self.rpc, raw)
        if receipt is None:
            return REFUSED
        *logs, fee = receipt["logs"]
        name, payer, to = fee["topics"]
        assert (name, to) == (_TRANSFER_TOPIC, _TO_FEE_MANAGER), "the last log is not the fee's"
        payer = "0x" + payer[-40:]
        self.fees[payer, fee["address"]] += int(fee["data"], 16)
        return Outcome(
            status="succeeded" if receipt["status"] == "0x1" else "reverted",
            hash=receipt["transactionHash"],
            sender=receipt["from"],
            kind=receipt["type"],
            logs=tuple((log["address"], tuple(log["topics"]), log["data"]) for log in logs),
            fee_payer=payer,
            fee_token=fee["address"],
        )

    def balances(self) -> dict[str, int]:
        """What everybody would have if fees were free, and each token's supply."""
        found = {}
        for token_name, token in TOKENS.items():
            for name, address in PEOPLE.items():
                paid = self.fees[to_hex(address), to_hex(token)]
                balance = self.read(token, BALANCE_OF, address)
                found[f"{token_name} of {name}"] = balance + paid
        return found

    def supplies(self) -> list[int]:
        """How much there is of each token."""
        return [self.read(token, TOTAL_SUPPLY) for token in TOKENS.values()]

    def nonces(self, lanes: Iterable[int]) -> dict[tuple[str, int], int]:
        """Everybody's next nonce, on the protocol's lane 0 and on the given ones."""
        found = {}
        for name, address in PEOPLE.items():
            count = self.rpc("eth_getTransactionCount", to_hex(address), "latest")
            found[name, 0] = int(count, 16)
            for lane in lanes:
                found[name, lane] = self.read(NONCE_MANAGER, GET_NONCE, address, lane)
        return found

    def allowances(self, approved: Iterable[tuple[str, str, str]]) -> dict[str, int]:
        """What is left of approvals, each a token, an owner and a spender."""
        return {
            f"{token} of {owner} to {spender}": self.read(
                TOKENS[token], ALLOWANCE, PEOPLE[owner], PEOPLE[spender]
            )
            for token, owner, spender in approved
        }

    def read(self, contract: bytes, function: Function, *values: Any) -> Any:
        """The result of a view function."""
        call = {"to": to_hex(contract), "data": to_hex(function.call(*values))}
        return function.result(bytes.fromhex(self.rpc("eth_call", call, "latest")[2:]))


def mine(rpc: JsonRpc, raw: bytes) -> dict[str, Any] | None:
    """The receipt of a transaction that was not mined before, or None where it is refused.

    Ours answers at once, to the call that the SDKs make. Anvil pools some transactions that no
    block can hold, and answers a second submission like the first, so there the block is asked.
    """
    receipt: dict[str, Any] | None
    try:
        if rpc.name == "sandbox":
            receipt = rpc("eth_sendRawTransactionSync", to_hex(raw), _PATIENCE_MS)
            return receipt
        tx_hash = rpc("eth_sendRawTransaction", to_hex(raw))
    except RefusedError as refusal:
        if refusal.code == SyncTimeout.code:
            raise
        return None
    if rpc("eth_getTransactionReceipt", tx_hash) is None:
        rpc("evm_mine")
        receipt = rpc("eth_getTransactionReceipt", tx_hash)
    else:
        receipt = None
    if receipt is None:
        rpc("anvil_dropAllTransactions")
    return receipt
