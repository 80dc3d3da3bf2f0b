"""A table of wrong input, and what every line of it is held to: refused, and nothing has changed.

    Case("another chain", lambda bench: bench.signed(chain_id=1), "invalid chain ID")

Each case is sent by both sending methods, with instant mining and without, over JSON-RPC. Code and
text are the node's (facts 1.9), and the whole chain, with its blocks and its pool, is as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.addresses import PATH_USD
from mock_rails.tempo.crypto.wallet import derive_accounts
from mock_rails.tempo.genesis import MNEMONIC
from mock_rails.tempo.tx import rlp
from mock_rails.tempo.tx.model import EXPIRING_NONCE_KEY, TYPE_TEMPO, Call, Transaction
from mock_rails.tempo.tx.sign import sign_transaction
from tests.unit.mock_rails.tempo.rpc.support import NOW_S, STRANGER, TRANSFER, Rpc, refused, to_hex

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mock_rails.tempo.tx.signers import AnySigner

__all__ = ["NOW_S", "STRANGER", "TRANSFER", "Bench", "Case", "assert_refused", "payment"]

SENDING: Final = ("eth_sendRawTransaction", "eth_sendRawTransactionSync")
BAD_PARAMS: Final = -32602
REJECTED: Final = -32000
REFUSED: Final = -32003

BEGINNER, ACCESS, OTHER = derive_accounts(MNEMONIC, 13)[10:]
"""Three accounts that hold nothing; the second and third serve as access keys."""


class Bench(Rpc):
    """A chain whose account 1 (`payer`) signs what a case asks for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.admin, self.payer, self.payee, self.sponsor = self.chain.accounts[:4]

    def transaction(self, **changes: Any) -> Transaction:
        """A payment by expiring nonce in which only the changes are out of the ordinary."""
        fields: dict[str, Any] = {
            "type": TYPE_TEMPO,
            "chain_id": self.chain.chain_id,
            "nonce": 0,
            "nonce_key": EXPIRING_NONCE_KEY,
            "gas_limit": 2_000_000,
            "max_fee_per_gas": 20_000_000_000,
            "max_priority_fee_per_gas": 0,
            "calls": (payment(),),
            "valid_before": NOW_S + 60,
            "fee_token": PATH_USD,
        }
        if changes.get("nonce_key") == 0 or changes.get("type", TYPE_TEMPO) != TYPE_TEMPO:
            fields |= {"nonce_key": 0, "valid_before": None}
        if changes.get("type", TYPE_TEMPO) != TYPE_TEMPO:
            fields["fee_token"] = None
        return Transaction(**(fields | changes))

    def signed(self, by: bytes | AnySigner | None = None, **changes: Any) -> bytes:
        """Such a payment, signed by the payer unless told otherwise."""
        return sign_transaction(self.transaction(**changes), by or self.payer.key).raw

    def rewritten(self, index: int, value: Any) -> bytes:
        """Such a payment with one item of its list replaced after it was signed."""
        items = rlp.decode_list(self.signed(), 1)
        items[index] = value
        return b"\x76" + rlp.encode(items)

    async def send(self, raw: bytes) -> dict[str, Any]:
        """Send what must be mined and succeed; its receipt."""
        receipt: dict[str, Any] = await self(SENDING[1], to_hex(raw))
        assert receipt["status"] == "0x1"
        return receipt

    async def call(self, to: bytes, data: bytes, **changes: Any) -> dict[str, Any]:
        """Send one call that must succeed; its receipt."""
        return await self.send(self.signed(calls=(Call(to, 0, data),), **changes))


def payment(amount: int = 10_000, to: bytes = STRANGER) -> Call:
    """A pathUSD transfer."""
    return Call(PATH_USD, 0, TRANSFER.call(to, amount))


@dataclass(frozen=True, slots=True)
class Case:
    """A transaction that the chain refuses, and how."""

    what: str
    build: Callable[[Bench], bytes]
    text: str
    code: int = REJECTED
    data: Any = None
    prepare: Callable[[Bench], Awaitable[object]] | None = None
    bare: bool = False

    def __str__(self) -> str:
        return self.what


async def assert_refused(case: Case) -> None:
    """The case is refused in its own words, whichever way it is sent, and changes nothing."""
    bench = Bench(bare=case.bare)
    if case.prepare is not None:
        await case.prepare(bench)
    raw = to_hex(case.build(bench))
    for automine in (True, False):
        await bench("evm_setAutomine", automine)
        before = bench.chain.digest()
        for method in SENDING:
            with refused(case.code, case.text) as caught:
                await bench(method, raw)
            assert caught.value.data == case.data
            assert bench.chain.digest() == before
