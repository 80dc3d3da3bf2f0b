"""Which nodes there are and how they are connected: from a small file, or one of the presets.

    {"nodes": ["merchant", "payer", "router"],
     "channels": [{"between": ["payer", "router"], "capacity_sat": 1000000,
                   "local_sat": 600000, "base_msat": 1000, "ppm": 1}, …]}

`local_sat` is what the first node has of it; without it, each has half. The policy stands for both
directions; `"private": true` hides the channel from everybody else. TOML will do as well.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from mock_rails.core.errors import BadInput, nearest
from mock_rails.lightning.model import MSAT, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

MERCHANT: Final = "merchant"
PAYER: Final = "payer"

_MOST_NODES: Final = 1_000
_MOST_CHANNELS: Final = 5_000
_LARGEST_SAT: Final = 1_000_000_000_000
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_CHANNEL_FIELDS: Final = frozenset(
    {"between", "capacity_sat", "local_sat", "base_msat", "ppm", "cltv_delta", "min_htlc_msat",
     "max_htlc_msat", "private", "disabled"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """One channel to be opened."""

    first: str
    second: str
    capacity_msat: int
    first_msat: int
    policy: Policy
    private: bool = False


@dataclass(frozen=True, slots=True)
class Topology:
    """Nodes and channels."""

    nodes: tuple[str, ...]
    channels: tuple[ChannelPlan, ...]

    @classmethod
    def preset(cls, name: str) -> Topology:
        """A ready one: `default`, `pair`, `line`, `hub`, `drained`, `private`."""
        if name not in _PRESETS:
            raise BadInput(f"There is no topology {name!r}.", hint=nearest(name, _PRESETS))
        return cls.parse(_PRESETS[name])

    @classmethod
    def named(cls, name: str) -> Topology:
        """What a command line means: a file if it looks like one, or else a preset."""
        path = Path(name)
        return cls.load(path) if path.suffix or len(path.parts) > 1 else cls.preset(name)

    @classmethod
    def load(cls, path: Path) -> Topology:
        """Read a file, JSON or TOML by its name."""
        try:
            text = path.read_text(encoding="utf-8")
            # Not json.loads: py-evm lifts Python's limit of recursion, and deep text overflows.
            document = tomllib.loads(text) if path.suffix == ".toml" else orjson.loads(text)
        except OSError as error:
            raise BadInput(f"Cannot read {path}: {error.strerror}.") from error
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path} cannot be read as a topology: {error}.") from error
        return cls.parse(document)

    @classmethod
    def parse(cls, document: object) -> Topology:
        """Read the document's form, or say what is wrong with it."""
        match document:
            case {"nodes": list(nodes), "channels": list(channels), **rest} if not rest:
                pass
            case _:
                raise BadInput("A topology has `nodes` and `channels`, two lists, and no more.")
        for name in nodes:
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise BadInput(f"{str(name)[:60]!r} is no node's name: use a-z, 0-9, - and _.")
        if len(set(nodes)) != len(nodes) or not 2 <= len(nodes) <= _MOST_NODES:
            raise BadInput(f"A topology has 2 to {_MOST_NODES} nodes of different names.")
        if len(channels) > _MOST_CHANNELS:
            raise BadInput(f"A topology has at most {_MOST_CHANNELS} channels.")
        return cls(tuple(nodes), tuple(_channel(one, nodes) for one in channels))


def _channel(document: object, nodes: list[str]) -> ChannelPlan:
    if not isinstance(document, dict):
        raise BadInput(f"A channel is an object, not {str(document)[:60]}.")
    for name in document:
        if name not in _CHANNEL_FIELDS:
            raise BadInput(f"A channel has no {name!r}.", hint=nearest(str(name), _CHANNEL_FIELDS))
    match document.get("between"):
        case [str(first), str(second)] if first != second:
            pass
        case other:
            raise BadInput(f"A channel is `between` two nodes, not {str(other)[:60]}.")
    for name in (first, second):
        if name not in nodes:
            raise BadInput(f"A channel names the node {name!r}.", hint=nearest(name, nodes))
    capacity_sat = _whole(document, "capacity_sat", None)
    if not 0 < capacity_sat <= _LARGEST_SAT:
        raise BadInput("A channel's capacity_sat is above 0, and at most 10,000 bitcoins.")
    local_sat = _whole(document, "local_sat", capacity_sat // 2)
    if local_sat > capacity_sat:
        raise BadInput("A channel's local_sat is part of its capacity_sat.")
    defaults = Policy()
    highest = document.get("max_htlc_msat")
    return ChannelPlan(
        first,
        second,
        capacity_sat * MSAT,
        local_sat * MSAT,
        Policy(
            base_msat=_whole(document, "base_msat", defaults.base_msat),
            ppm=_whole(document, "ppm", defaults.ppm),
            cltv_delta=_whole(document, "cltv_delta", defaults.cltv_delta),
            min_htlc_msat=_whole(document, "min_htlc_msat", defaults.min_htlc_msat),
            max_htlc_msat=None if highest is None else _whole(document, "max_htlc_msat", 0),
            disabled=_truth(document, "disabled"),
        ),
        private=_truth(document, "private"),
    )


def _whole(document: Mapping[str, Any], name: str, default: int | None) -> int:
    value = document.get(name, default)
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise BadInput(f"A channel's {name} is a whole number, not {str(value)[:60]}.")
    return value


def _truth(document: Mapping[str, Any], name: str) -> bool:
    value = document.get(name, False)
    if type(value) is not bool:
        raise BadInput(f"A channel's {name} is true or false, not {str(value)[:60]}.")
    return value


def _between(first: str, second: str, **more: Any) -> dict[str, Any]:
    return {"between": [first, second], "capacity_sat": 10_000_000, **more}


_PRESETS: Final[Mapping[str, Any]] = {
    "default": {
        "nodes": [MERCHANT, PAYER, "router1", "router2"],
        "channels": [
            _between(PAYER, "router1"),
            _between("router1", MERCHANT),
            _between(PAYER, "router2", base_msat=2_000, ppm=10),
            _between("router2", MERCHANT, base_msat=2_000, ppm=10),
        ],
    },
    "pair": {"nodes": [MERCHANT, PAYER], "channels": [_between(PAYER, MERCHANT)]},
    "line": {
        "nodes": [MERCHANT, PAYER, "router1", "router2"],
        "channels": [
            _between(PAYER, "router1"),
            _between("router1", "router2"),
            _between("router2", MERCHANT),
        ],
    },
    "hub": {
        "nodes": [MERCHANT, PAYER, "hub", "shop", "wallet"],
        "channels": [_between("hub", name) for name in (MERCHANT, PAYER, "shop", "wallet")],
    },
    "drained": {
        "nodes": [MERCHANT, PAYER, "router1", "router2"],
        "channels": [
            _between(PAYER, "router1"),
            _between("router1", MERCHANT, local_sat=0),
            _between(PAYER, "router2"),
            _between("router2", MERCHANT, local_sat=0),
        ],
    },
    "private": {
        "nodes": [MERCHANT, PAYER, "router1", "router2"],
        "channels": [
            _between(PAYER, "router1", private=True),
            _between("router1", "router2"),
            _between("router2", MERCHANT, private=True),
        ],
    },
}
