"""TIP20ChannelReserve: the escrow of session v2, a payment channel in one word (facts 2.8).

A payer deposits, hands out vouchers for growing amounts off the chain, and the payee settles the
last of them whenever it likes. A channel is found by its id, which commits to everything but its
state, so the caller of each function brings the whole descriptor and only the state is stored. A
closed channel leaves nothing behind: its id holds the hash of the opening transaction and cannot
come again.
"""

from mock_rails.tempo.native.channel_reserve.channel import Descriptor, State
from mock_rails.tempo.native.channel_reserve.reserve import ChannelReserve

__all__ = ["ChannelReserve", "Descriptor", "State"]
