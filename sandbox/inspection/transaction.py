"""What a transaction moved, from its receipt (facts: tempo 4.2 and 5.6)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.abi import Event
from mock_rails.tempo.addresses import FEE_MANAGER

if TYPE_CHECKING:
    from sandbox.chain import TxResult

_TRANSFER: Final = "0x" + Event("Transfer(address indexed, address indexed, uint256)").topic.hex()
_FEES: Final = f"0x{FEE_MANAGER.hex()}"


@dataclass(frozen=True, slots=True)
class Moved:
    """A transfer of a token's base units."""

    token: str
    sender: str
    receiver: str
    amount: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """A mined transaction: what it moved besides its fee, and who paid that."""

    hash: str
    success: bool
    block: int
    moved: tuple[Moved, ...]
    fee: int
    fee_token: str | None
    fee_payer: str | None

    @classmethod
    def of(cls, result: TxResult) -> Transaction:
        """Read a receipt."""
        moved = [one for log in result.logs if (one := _moved(log)) is not None]
        return cls(
            hash=_hex(result.hash),
            success=result.success,
            block=result.block_number,
            moved=tuple(one for one in moved if _FEES not in (one.sender, one.receiver)),
            fee=result.fee,
            fee_token=None if result.fee_token is None else _hex(result.fee_token),
            fee_payer=_hex(result.fee_payer or result.sender),
        )

    def to_json(self) -> dict[str, Any]:
        """For programs; amounts are text."""
        moved = [{**asdict(one), "amount": str(one.amount)} for one in self.moved]
        return {**asdict(self), "fee": str(self.fee), "moved": moved}


def _moved(log: dict[str, Any]) -> Moved | None:
    topics: list[str] = log.get("topics") or []
    if len(topics) != 3 or topics[0] != _TRANSFER:
        return None
    sender, receiver = (f"0x{topic[-40:]}".lower() for topic in topics[1:])
    return Moved(str(log["address"]).lower(), sender, receiver, int(log["data"], 16))


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"
