"""What a worker is told in its first line of standard input."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Orders:
    """Everything that one merchant process needs. The secret is in no repr."""

    number: int
    socket: int
    """The inherited file descriptor of the listening socket."""
    realm: str
    rpc_url: str
    chain_id: int
    store: str
    seed: str
    stripe_url: str | None
    lightning_url: str | None
    lightning_network: str
    btc_usd: int
    btc_usd_steps: Sequence[tuple[int, int]]
    server_timing: bool
    clock: dict[str, Any]
    secret: str = field(repr=False)
    lightning_macaroon: str | None = field(repr=False)

    def to_line(self) -> bytes:
        """One line of JSON."""
        return orjson.dumps(asdict(self)) + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Orders:
        """The orders in such a line."""
        return cls(**orjson.loads(line))
