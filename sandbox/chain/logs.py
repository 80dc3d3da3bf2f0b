"""The newest log that matches, also on nodes that answer for few blocks at once (tempo 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.chain.errors import RpcError
from sandbox.chain.values import read_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.chain.rpc import TempoRpc


async def latest_log(
    rpc: TempoRpc, wanted: Mapping[str, Any], from_block: int
) -> dict[str, Any] | None:
    """The newest log with the wanted address and topics; None if there is none since a block."""
    head = await rpc.block_number()
    return await _latest(rpc, wanted, from_block, head) if from_block <= head else None


async def _latest(
    rpc: TempoRpc, wanted: Mapping[str, Any], first: int, last: int
) -> dict[str, Any] | None:
    """A range that the node finds too long is halved, the newer half first."""
    try:
        logs = await rpc.call(
            "eth_getLogs", {**wanted, "fromBlock": hex(first), "toBlock": hex(last)}
        )
    except RpcError:
        if first >= last:
            raise
        middle = (first + last) // 2
        newer = await _latest(rpc, wanted, middle + 1, last)
        return newer or await _latest(rpc, wanted, first, middle)
    return read_object(logs[-1], "log") if logs else None
