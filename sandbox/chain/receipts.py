"""What became of a transaction: its receipt, read (facts, tempo 5.6 and 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mock_rails.tempo.abi import Event
from mock_rails.tempo.addresses import FEE_MANAGER
from sandbox.chain.values import read_data, read_object, read_quantity, to_hex

if TYPE_CHECKING:
    from sandbox.chain.rpc import TempoRpc

_TRANSFER: Final = Event("Transfer(address indexed, address indexed, uint256)").topic
_TO_FEE_MANAGER: Final = bytes(12) + FEE_MANAGER
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
    logs = tuple(members.get("logs") or ())
    fee, fee_token, fee_payer = _read_fee(members, gas_used, logs)
    return TxResult(
        hash=read_data(members.get("transactionHash"), "receipt's transactionHash"),
        success=read_quantity(members.get("status"), "receipt's status") == 1,
        block_number=read_quantity(members.get("blockNumber"), "receipt's blockNumber"),
        gas_used=gas_used,
        fee=fee,
        fee_token=fee_token,
        fee_payer=fee_payer,
        logs=logs,
        sender=read_data(members.get("from"), "receipt's from"),
    )


def _read_fee(
    members: dict[str, Any], gas_used: int, logs: tuple[dict[str, Any], ...]
) -> tuple[int, bytes | None, bytes | None]:
    """The fee, its token and who paid it: from its log, which every node writes last (4.2).

    Not every node's receipt names the token, or the sponsor of a sponsored transaction.
    """
    if logs:
        log = read_object(logs[-1], "log")
        topics = [read_data(topic, "log's topic") for topic in log.get("topics") or ()]
        if len(topics) == 3 and topics[0] == _TRANSFER and topics[2] == _TO_FEE_MANAGER:
            paid = int.from_bytes(read_data(log.get("data"), "log's data"))
            return paid, read_data(log.get("address"), "log's address"), topics[1][12:]
    price = read_quantity(members.get("effectiveGasPrice", 0), "receipt's effectiveGasPrice")
    token, payer = (members.get(name) for name in ("feeToken", "feePayer"))
    return (
        -(-gas_used * price // _ATTO_PER_UNIT),
        None if token is None else read_data(token, "receipt's feeToken"),
        None if payer is None else read_data(payer, "receipt's feePayer"),
    )
