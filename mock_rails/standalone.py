"""Rails as processes of their own, for `python -m mock_rails` and `mpp-sandbox up`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import BadInput
from mock_rails.core.rail import DEFAULT_SEED, RailContext
from mock_rails.process import run_rails
from mock_rails.server import LOOPBACK, Host
from mock_rails.tempo.api import TempoApi
from mock_rails.tempo.banner import summary
from mock_rails.tempo.engine import ChainSettings
from mock_rails.tempo.history import DEFAULT_DEPTH
from mock_rails.tempo.rail import Chain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEFAULT_PORT: Final = 8545


@dataclass(frozen=True, slots=True)
class TempoOptions:
    """What a command line can say about a chain."""

    host: str = LOOPBACK
    port: int = DEFAULT_PORT
    chain_id: int = 1337
    block_time_ms: int | None = None
    seed: str = DEFAULT_SEED
    state: Path | None = None
    history: int | None = None
    """Blocks kept with their receipts, logs and states; None for the chain's default."""
    fee_payer: int | None = None
    """The index of the development account that sponsors whoever asks; None for no relay."""


def run_tempo(options: TempoOptions, announce: Callable[[dict[str, Any]], None]) -> None:
    """Serve a chain until SIGINT or SIGTERM; `announce` gets its summary when it is ready."""
    context = RailContext.create(seed=options.seed)
    settings = ChainSettings(
        chain_id=options.chain_id,
        block_time_ms=options.block_time_ms,
        history_depth=options.history or DEFAULT_DEPTH,
    )
    chain = Chain(context, settings)
    api = TempoApi(chain, relay_key=_relay_key(chain, options.fee_payer))
    host = Host(api, host=options.host, port=options.port, name="the Tempo chain")
    run_rails(
        context,
        [chain],
        [host],
        state=options.state,
        ready=lambda: announce(summary(chain, host.url, host.ws_url)),
    )


def _relay_key(chain: Chain, index: int | None) -> bytes | None:
    if index is None:
        return None
    if not 0 <= index < len(chain.accounts):
        raise BadInput(
            f"There is no development account {index} to pay fees.",
            hint=f"They are numbered 0 to {len(chain.accounts) - 1}.",
        )
    return chain.accounts[index].key
