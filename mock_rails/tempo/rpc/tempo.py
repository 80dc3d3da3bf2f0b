"""Tempo's own methods: the faucet and the fork schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.tx.json_values import to_data

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.params import Params

FORKS: Final = (
    "T0", "T1", "T1A", "T1B", "T1C", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11",
    "T12",
)  # fmt: skip
"""All of them are active from genesis (facts 6)."""


class Tempo:
    """The `tempo_` name space, but for the simulation."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    @method("tempo_fundAddress")
    def fund(self, params: Params) -> list[str]:
        """Mint every genesis token to an address; one transaction hash for each."""
        return [to_data(one.hash) for one in self.chain.faucet(params.address(0))]

    @method("tempo_forkSchedule")
    def fork_schedule(self, params: Params) -> dict[str, Any]:
        """Which rules apply since when."""
        # EIP-2124: forks at genesis leave the id at the checksum of the genesis hash.
        genesis = self.chain.history.by_number(0)
        fork_id = f"0x{crc32(genesis.hash if genesis is not None else b''):08x}"
        schedule = [
            {"name": name, "activationTime": 0, "active": True, "forkId": fork_id} for name in FORKS
        ]
        return {"schedule": schedule, "active": FORKS[-1]}
