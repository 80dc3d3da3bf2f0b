"""Who is connected to whom with how much, and the three moves of an HTLC (facts: lightning 5.1).

    lock    the sender's balance -> in flight
    settle  in flight -> the receiver's balance
    fail    in flight -> back to the sender

After each move the channel is counted again: what both ends have and what is in flight is its
capacity, always. There is no other way to change a balance.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mock_rails.core.errors import ConservationError, NotFound, nearest
from mock_rails.lightning.bolt11.encode import public_key
from mock_rails.lightning.model import Channel, End, NodeState

if TYPE_CHECKING:
    from mock_rails.core.seeds import Seeds
    from mock_rails.lightning.topology import Topology

MOST_IN_FLIGHT: Final = 483
"""HTLCs that one end may have offered at a time (BOLT 2)."""

HEIGHT: Final = 840_000
"""The block height that expiries count from; no blocks are mined here."""


class Network:
    """The nodes and channels."""

    def __init__(self, topology: Topology, seeds: Seeds) -> None:
        self.nodes: dict[str, NodeState] = {}
        self.channels: dict[int, Channel] = {}
        self.of_node: dict[str, list[Channel]] = {}
        self.by_pubkey: dict[bytes, str] = {}
        for number, name in enumerate(topology.nodes, 1):
            key = seeds.stream(f"lightning.node.{name}").bytes(32)
            self._add_node(NodeState(name, key, public_key(key), number))
        for number, plan in enumerate(topology.channels, 1):
            ends = (
                # A policy each: the ends may change theirs apart.
                End(plan.first, plan.first_msat, replace(plan.policy)),
                End(plan.second, plan.capacity_msat - plan.first_msat, replace(plan.policy)),
            )
            scid = HEIGHT << 40 | number << 16
            self._add_channel(Channel(scid, plan.capacity_msat, ends, plan.private))
        self.total_msat = sum(one.capacity_msat for one in self.channels.values())

    def replace(self, nodes: list[NodeState], channels: list[Channel]) -> None:
        """Become the nodes and channels of a snapshot."""
        self.nodes, self.channels, self.of_node, self.by_pubkey = {}, {}, {}, {}
        for node in nodes:
            self._add_node(node)
        for channel in channels:
            self._add_channel(channel)
        self.total_msat = sum(one.capacity_msat for one in channels)

    def _add_node(self, node: NodeState) -> None:
        self.nodes[node.name] = node
        self.of_node[node.name] = []
        self.by_pubkey[node.pubkey] = node.name

    def _add_channel(self, channel: Channel) -> None:
        self.channels[channel.scid] = channel
        for end in channel.ends:
            self.of_node[end.node].append(channel)

    def node(self, name: str) -> NodeState:
        """The node of that name."""
        found = self.nodes.get(name)
        if found is None:
            raise NotFound(f"There is no node {name!r}.", hint=nearest(name, self.nodes))
        return found

    def balance_msat(self, node: str) -> int:
        """What a node has in all its channels, without what it has in flight."""
        return sum(channel.end(node).balance_msat for channel in self.of_node[node])

    def spendable_msat(self, node: str) -> int:
        """What it could send, its reserves apart."""
        return sum(channel.spendable_msat(node) for channel in self.of_node[node])

    # -- the three moves --------------------------------------------------------------------------

    def lock(self, scid: int, sender: str, amount_msat: int) -> None:
        """Offer an HTLC; the caller has seen that the sender can (`routing.obstacle`)."""
        channel = self.channels[scid]
        end = channel.end(sender)
        end.balance_msat -= amount_msat
        end.in_flight_msat += amount_msat
        end.in_flight += 1
        _count(channel)

    def settle(self, scid: int, sender: str, amount_msat: int) -> None:
        """The receiver showed the preimage: the money is theirs."""
        channel = self.channels[scid]
        end = channel.end(sender)
        end.in_flight_msat -= amount_msat
        end.in_flight -= 1
        channel.peer(sender).balance_msat += amount_msat
        _count(channel)

    def fail(self, scid: int, sender: str, amount_msat: int) -> None:
        """The receiver sent it back."""
        channel = self.channels[scid]
        end = channel.end(sender)
        end.in_flight_msat -= amount_msat
        end.in_flight -= 1
        end.balance_msat += amount_msat
        _count(channel)

    def check(self) -> None:
        """Count everything."""
        for channel in self.channels.values():
            _count(channel)
        total = sum(one.capacity_msat for one in self.channels.values())
        if total != self.total_msat:
            raise ConservationError(f"The network holds {total} msat, not {self.total_msat}.")


def _count(channel: Channel) -> None:
    first, second = channel.ends
    parts = (
        first.balance_msat,
        first.in_flight_msat,
        second.balance_msat,
        second.in_flight_msat,
    )
    held = sum(parts)
    if (
        held != channel.capacity_msat
        or min(parts) < 0
        or min(first.in_flight, second.in_flight) < 0
    ):
        raise ConservationError(
            f"The channel {channel.scid} of {channel.capacity_msat} msat holds {held} msat: "
            f"{first.node} has {first.balance_msat}, {second.node} has {second.balance_msat}."
        )
