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
    from collections.abc import Sequence

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


Approval = tuple[str, str, str]
"""The token, its owner, and who may spend it."""


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

    def balances(self) -> dict[tuple[str, str], int]:
        """What everybody would have of each token if fees were free."""
        holdings = [(token, name) for token in TOKENS for name in PEOPLE]
        views = [(TOKENS[token], BALANCE_OF, PEOPLE[name]) for token, name in holdings]
        return {
            (token, name): balance + self.fees[to_hex(PEOPLE[name]), to_hex(TOKENS[token])]
            for (token, name), balance in zip(holdings, self.read_all(views), strict=True)
        }

    def supplies(self) -> list[int]:
        """How much there is of each token."""
        return self.read_all([(token, TOTAL_SUPPLY) for token in TOKENS.values()])

    def nonces(self, lanes: Sequence[int]) -> dict[tuple[str, int], int]:
        """Everybody's next nonce, on the protocol's lane 0 and on the given ones."""
        counts = self.rpc.batch(
            [
                ("eth_getTransactionCount", (to_hex(address), "latest"))
                for address in PEOPLE.values()
            ]
        )
        found = {(name, 0): int(count, 16) for name, count in zip(PEOPLE, counts, strict=True)}
        places = [(name, lane) for name in PEOPLE for lane in lanes]
        views = [(NONCE_MANAGER, GET_NONCE, PEOPLE[name], lane) for name, lane in places]
        return found | dict(zip(places, self.read_all(views), strict=True))

    def allowances(self, approved: Sequence[Approval]) -> dict[Approval, int]:
        """What is left of approvals."""
        views = [
            (TOKENS[token], ALLOWANCE, PEOPLE[owner], PEOPLE[spender])
            for token, owner, spender in approved
        ]
        return dict(zip(approved, self.read_all(views), strict=True))

    def read(self, contract: bytes, function: Function, *values: Any) -> Any:
        """The result of a view function."""
        return self.read_all([(contract, function, *values)])[0]

    def read_all(self, views: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The results of view functions, each a contract, a function and its arguments."""
        if not views:
            return []
        answers = self.rpc.batch(
            [
                ("eth_call", ({"to": to_hex(to), "data": to_hex(view.call(*values))}, "latest"))
                for to, view, *values in views
            ]
        )
        return [
            view.result(bytes.fromhex(answer[2:]))
            for (_, view, *_), answer in zip(views, answers, strict=True)
        ]


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
