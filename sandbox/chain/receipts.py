"""What became of a transaction: its receipt, read (facts, tempo 5.6 and 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sandbox.chain.values import read_data, read_object, read_quantity, to_hex

if TYPE_CHECKING:
    from sandbox.chain.rpc import TempoRpc

_ATTO_PER_UNIT: Final = 10**12
"""Gas is priced in 1e-18 USD, a token's base unit is 1e-6 (facts, tempo 4.1)."""


class TxResult(NamedTuple):
    """A mined transaction. `fee` is in base units of `fee_token`, which is None if it was free.

    `logs` are as the node wrote them; the fee's own transfer is the last.
    """

    hash: bytes
    success: bool
    block_number: int
    gas_used: int
    fee: int
    fee_token: bytes | None
    fee_payer: bytes | None
    logs: tuple[dict[str, Any], ...]
    sender: bytes


async def receipt(rpc: TempoRpc, tx_hash: bytes) -> TxResult | None:
    """The receipt of a transaction; None while it is not mined."""
    found = await rpc.call("eth_getTransactionReceipt", to_hex(tx_hash))
    return None if found is None else read_receipt(found)


def read_receipt(value: Any) -> TxResult:
    """A receipt's JSON, read."""
    members = read_object(value, "receipt")
    gas_used = read_quantity(members.get("gasUsed"), "receipt's gasUsed")
    price = read_quantity(members.get("effectiveGasPrice", 0), "receipt's effectiveGasPrice")
    fee_token, fee_payer = members.get("feeToken"), members.get("feePayer")
    return TxResult(
        hash=read_data(members.get("transactionHash"), "receipt's transactionHash"),
        success=read_quantity(members.get("status"), "receipt's status") == 1,
        block_number=read_quantity(members.get("blockNumber"), "receipt's blockNumber"),
        gas_used=gas_used,
        fee=-(-gas_used * price // _ATTO_PER_UNIT),
        fee_token=None if fee_token is None else read_data(fee_token, "receipt's feeToken"),
        fee_payer=None if fee_payer is None else read_data(fee_payer, "receipt's feePayer"),
        logs=tuple(members.get("logs") or ()),
        sender=read_data(members.get("from"), "receipt's from"),
    )
