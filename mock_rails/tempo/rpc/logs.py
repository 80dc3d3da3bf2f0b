"""Logs: what a filter asks for, and eth_getLogs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mock_rails.tempo.errors import InvalidParams
from mock_rails.tempo.rpc.dispatcher import method
from mock_rails.tempo.rpc.formats import log_json
from mock_rails.tempo.rpc.tags import find_block, need_block
from mock_rails.tempo.tx.json_values import (
    invalid,
    read_address,
    read_array,
    read_data,
    read_quantity,
)

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain
    from mock_rails.tempo.rpc.params import Params

RESULT_LIMIT: Final = 20_000
_CHOICE_LIMIT: Final = 1_000
_TOPIC_POSITIONS: Final = 4

Topics = tuple[frozenset[bytes] | None, ...]


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which logs are wanted: any of the addresses, and at each position any of the topics."""

    addresses: frozenset[bytes] | None
    topics: Topics

    @classmethod
    def parse(cls, value: dict[str, Any]) -> Criteria:
        """From a filter object's `address` and `topics`."""
        return cls(_addresses(value.get("address")), _topics(value.get("topics")))


class Logs:
    """Reads of logs over a range of blocks."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    @method("eth_getLogs")
    def get_logs(self, params: Params) -> list[dict[str, Any]]:
        """The matching logs of a block or a range, oldest first."""
        return query(self.chain, params.optional_object(0, "filter"))


def query(chain: Chain, value: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer a filter object."""
    first, last = block_range(chain, value)
    return collect(chain, first, last, Criteria.parse(value))


def collect(chain: Chain, first: int, last: int, criteria: Criteria) -> list[dict[str, Any]]:
    """The matching logs from block `first` to `last`, both included."""
    answer: list[dict[str, Any]] = []
    for receipt, index, log in chain.history.logs(first, last, criteria.addresses, criteria.topics):
        if len(answer) == RESULT_LIMIT:
            raise InvalidParams(f"query exceeds max results {RESULT_LIMIT}: ask for fewer blocks")
        answer.append(log_json(log, receipt, index))
    return answer


def block_range(chain: Chain, value: dict[str, Any]) -> tuple[int, int]:
    """The first and last block number that a filter object spans; `latest` when it says nothing."""
    block_hash = value.get("blockHash")
    if block_hash is not None:
        if value.get("fromBlock") is not None or value.get("toBlock") is not None:
            raise InvalidParams("a filter has either blockHash or fromBlock and toBlock, not both")
        number = need_block(chain, {"blockHash": block_hash}, "filter").number
        return number, number
    first, last = (_bound(chain, value.get(name), name) for name in ("fromBlock", "toBlock"))
    if first > last and value.get("toBlock") is not None:
        raise InvalidParams(f"invalid block range: fromBlock {first} is after toBlock {last}")
    return first, last


def _bound(chain: Chain, value: Any, name: str) -> int:
    block = find_block(chain, value, name)
    if block is not None:
        return block.number
    # A number past the head, or of a pruned block: the range simply has nothing there.
    return read_quantity(value, name, bits=64)


def _addresses(value: Any) -> frozenset[bytes] | None:
    if value is None:
        return None
    if isinstance(value, list):
        if len(value) > _CHOICE_LIMIT:
            raise invalid("address", f"at most {_CHOICE_LIMIT} addresses", len(value))
        return frozenset(read_address(one, "address") for one in value) or None
    return frozenset({read_address(value, "address")})


def _topics(value: Any) -> Topics:
    if value is None:
        return ()
    positions = read_array(value, "topics")
    if len(positions) > _TOPIC_POSITIONS:
        raise invalid("topics", f"at most {_TOPIC_POSITIONS} positions", len(positions))
    return tuple(_position(one) for one in positions)


def _position(value: Any) -> frozenset[bytes] | None:
    if value is None:
        return None
    if isinstance(value, list):
        if len(value) > _CHOICE_LIMIT:
            raise invalid("topics", f"at most {_CHOICE_LIMIT} choices at a position", len(value))
        if not value or None in value:
            return None
        return frozenset(read_data(one, "topic", size=32) for one in value)
    return frozenset({read_data(value, "topic", size=32)})
