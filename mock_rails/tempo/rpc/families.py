"""All families of methods of one chain, in the order of a table of contents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_rails.tempo.rpc.accounts import Accounts
from mock_rails.tempo.rpc.blocks import Blocks
from mock_rails.tempo.rpc.calls import Calls
from mock_rails.tempo.rpc.chain_reads import ChainReads
from mock_rails.tempo.rpc.debug import Debug
from mock_rails.tempo.rpc.dev import Development
from mock_rails.tempo.rpc.edits import Edits
from mock_rails.tempo.rpc.filters import Filters
from mock_rails.tempo.rpc.logs import Logs
from mock_rails.tempo.rpc.relay import Relay
from mock_rails.tempo.rpc.simulate import Simulate
from mock_rails.tempo.rpc.subscriptions import Subscriptions
from mock_rails.tempo.rpc.tempo import Tempo
from mock_rails.tempo.rpc.transactions import Transactions
from mock_rails.tempo.rpc.writes import Writes

if TYPE_CHECKING:
    from mock_rails.tempo.rail import Chain


def build_families(
    chain: Chain, *, relay_key: bytes | None = None
) -> tuple[list[object], Subscriptions]:
    """The families, and the one that has to be told when a connection ends."""
    relay, filters, subscriptions = Relay(relay_key), Filters(chain), Subscriptions(chain)
    families = [
        ChainReads(chain),
        Blocks(chain),
        Transactions(chain),
        Logs(chain),
        filters,
        subscriptions,
        Calls(chain, relay),
        Simulate(chain),
        Writes(chain, relay),
        Accounts(chain),
        relay,
        Tempo(chain),
        Debug(chain),
        Development(chain, filters),
        Edits(chain),
    ]
    return families, subscriptions
