"""The cheapest route for an amount, found from the payee backwards (facts: lightning 5.1).

Each node on the way takes a fee on what it forwards, so what must be sent over a channel depends on
everything behind it. A payer knows its own balances and nobody else's: a route is tried, and what
it ran into is avoided the next time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from mock_rails.lightning.model import Hop, HtlcFailure
from mock_rails.lightning.network import HEIGHT, MOST_IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from mock_rails.lightning.bolt11 import Bolt11
    from mock_rails.lightning.model import Avoided, Channel
    from mock_rails.lightning.network import Network

_MOST_HOPS: Final = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """A route that somebody looks for."""

    payer: str
    payee: str
    amount_msat: int
    invoice: Bolt11
    avoided: Collection[Avoided] = ()
    """What other attempts ran into."""
    reserved_msat: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """What the payer has promised to other parts of the same payment, by channel."""


def obstacle(
    channel: Channel, sender: str, amount_msat: int, reserved_msat: Sequence[int] = ()
) -> HtlcFailure | None:
    """What keeps the sender from sending so much over the channel now."""
    end = channel.end(sender)
    policy = end.policy
    most = policy.max_htlc_msat
    if policy.disabled:
        return HtlcFailure.CHANNEL_DISABLED
    if amount_msat < policy.min_htlc_msat:
        return HtlcFailure.AMOUNT_BELOW_MINIMUM
    if (
        (most is not None and amount_msat > most)
        or amount_msat + sum(reserved_msat) > channel.spendable_msat(sender)
        or end.in_flight + len(reserved_msat) >= MOST_IN_FLIGHT
    ):
        return HtlcFailure.TEMPORARY_CHANNEL_FAILURE
    return None


def find(network: Network, wish: Wish) -> tuple[Hop, ...] | None:
    """The cheapest route, the shortest among equals; None if there is none."""
    hinted = {hop.scid for hint in wish.invoice.route_hints for hop in hint}
    # From the payee on: the least that must arrive at a node, and the hops from there.
    heap: list[tuple[int, int, str, tuple[Hop, ...]]] = [(wish.amount_msat, 0, wish.payee, ())]
    done: set[tuple[str, int]] = set()
    circle = wish.payer == wish.payee
    while heap:
        amount_msat, length, at, hops = heappop(heap)
        if at == wish.payer and hops:
            return hops
        # A circle leaves its node over another channel than it comes back over: one search each.
        last = hops[-1].scid if circle and hops else 0
        if (at, last) in done or length >= _MOST_HOPS:
            continue
        done.add((at, last))
        for channel in _towards(network, at, wish, hinted, amount_msat):
            sender = channel.peer(at).node
            if (sender, last) in done and sender != wish.payer:
                continue
            if hops and hops[0].scid == channel.scid:
                continue  # no node sends back over the channel that it came from
            hop = _hop(network, channel, at, amount_msat, hops, wish)
            needed = amount_msat + _fee(channel, sender, amount_msat, wish)
            heappush(heap, (needed, length + 1, sender, (hop, *hops)))
    return None


def _towards(
    network: Network, at: str, wish: Wish, hinted: Collection[int], amount_msat: int
) -> Iterator[Channel]:
    """The channels over which the amount could come to a node, as far as the payer knows."""
    for channel in network.of_node[at]:
        sender = channel.peer(at).node
        if any(
            one.scid == channel.scid and one.sender == sender and one.from_msat <= amount_msat
            for one in wish.avoided
        ):
            continue
        own = sender == wish.payer
        if channel.private and not own and at != wish.payer and channel.scid not in hinted:
            continue
        if own:
            reserved = wish.reserved_msat.get(channel.scid, ())
            if not network.node(at).online:
                continue  # a node knows which of its peers are there
            if obstacle(channel, sender, amount_msat, reserved) is not None:
                continue
        else:
            policy = channel.end(sender).policy
            most = channel.capacity_msat if policy.max_htlc_msat is None else policy.max_htlc_msat
            if policy.disabled or not policy.min_htlc_msat <= amount_msat <= most:
                continue
        yield channel


def _fee(channel: Channel, sender: str, amount_msat: int, wish: Wish) -> int:
    """What the sender asks for forwarding; the payer asks itself nothing."""
    if sender == wish.payer:
        return 0
    return channel.end(sender).policy.fee_msat(amount_msat)


def _hop(
    network: Network,
    channel: Channel,
    receiver: str,
    amount_msat: int,
    behind: tuple[Hop, ...],
    wish: Wish,
) -> Hop:
    """The hop over a channel to the receiver, before the hops behind it."""
    sender = channel.peer(receiver).node
    if not behind:
        expiry = HEIGHT + wish.invoice.min_final_cltv
        return Hop(channel.scid, sender, receiver, amount_msat, 0, expiry)
    following = behind[0]
    policy = network.channels[following.scid].end(receiver).policy
    return Hop(
        channel.scid,
        sender,
        receiver,
        amount_msat,
        amount_msat - following.amount_msat,
        following.expiry + policy.cltv_delta,
    )
