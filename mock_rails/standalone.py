"""Rails as processes of their own, for `python -m mock_rails`.

What each needs is imported when it is started: a Stripe that loads no chain is up sooner.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mock_rails.core.errors import BadInput
from mock_rails.core.rail import DEFAULT_SEED, RailContext
from mock_rails.listening import LOOPBACK
from mock_rails.process import run_rails
from mock_rails.server import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mock_rails.tempo.rail import Chain

DEFAULT_PORT: Final = 8545
STRIPE_PORT: Final = 12111
LND_PORT: Final = 8080
PHOENIXD_PORT: Final = 9740
PHOENIXD_PASSWORD: Final = "sandbox"


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


@dataclass(frozen=True, slots=True)
class StripeOptions:
    """What a command line can say about a Stripe."""

    host: str = LOOPBACK
    port: int = STRIPE_PORT
    seed: str = DEFAULT_SEED
    state: Path | None = None
    strict_tokens: bool = False
    strict_version: bool = False
    api_version: str | None = None
    """The version of requests that name none; None for the rail's default."""
    rate_limit: int | None = None
    """Requests a second and account; None for no limit."""
    accounts: Mapping[str, str] = field(default_factory=dict)
    """API key -> account."""
    prices: Path | None = None
    """A file of fees; None for the published ones."""


@dataclass(frozen=True, slots=True)
class LightningOptions:
    """What a command line can say about a Lightning network."""

    host: str = LOOPBACK
    port: int = LND_PORT
    """Of the first node's LND; those of the others follow it."""
    seed: str = DEFAULT_SEED
    state: Path | None = None
    topology: str = "default"
    """A preset's name, or a file's."""
    network: str = "regtest"
    latency: str = "instant"
    lnd_profile: str = "0.21"
    nodes: tuple[str, ...] = ()
    """Those that have an LND; none for the merchant and the payer."""
    lnd_folder: Path | None = None
    """Where a certificate and macaroons are written; LND then speaks TLS."""
    phoenixd_port: int = PHOENIXD_PORT
    phoenixd_password: str = PHOENIXD_PASSWORD


def run_tempo(options: TempoOptions, announce: Callable[[dict[str, Any]], None]) -> None:
    """Serve a chain until SIGINT or SIGTERM; `announce` gets its summary when it is ready."""
    from mock_rails.tempo.api import TempoApi
    from mock_rails.tempo.banner import summary
    from mock_rails.tempo.engine import ChainSettings
    from mock_rails.tempo.history import DEFAULT_DEPTH
    from mock_rails.tempo.rail import Chain

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


def run_stripe(options: StripeOptions, announce: Callable[[dict[str, Any]], None]) -> None:
    """Serve a Stripe until SIGINT or SIGTERM; `announce` gets its summary when it is ready."""
    from mock_rails.stripe.api import StripeApi
    from mock_rails.stripe.banner import summary
    from mock_rails.stripe.price_list import read
    from mock_rails.stripe.rail import Stripe
    from mock_rails.stripe.settings import DEFAULT_VERSION, StripeSettings

    context = RailContext.create(seed=options.seed)
    settings = StripeSettings(
        default_version=options.api_version or DEFAULT_VERSION,
        strict_version=options.strict_version,
        strict_tokens=options.strict_tokens,
        accounts=dict(options.accounts),
        rate_limit=options.rate_limit,
        prices={} if options.prices is None else read(options.prices),
    )
    stripe = Stripe(context, settings)
    host = Host(StripeApi(stripe), host=options.host, port=options.port, name="Stripe")
    run_rails(
        context,
        [stripe],
        [host],
        state=options.state,
        ready=lambda: announce(summary(stripe, host.url)),
    )


def run_lightning(options: LightningOptions, announce: Callable[[dict[str, Any]], None]) -> None:
    """Serve a Lightning network until SIGINT or SIGTERM; `announce` gets its summary when it is
    ready."""
    from mock_rails.lightning.api import LND, listeners, write_folder
    from mock_rails.lightning.banner import summary
    from mock_rails.lightning.rail import Lightning
    from mock_rails.lightning.settings import LightningSettings
    from mock_rails.lightning.topology import Topology

    context = RailContext.create(seed=options.seed)
    settings = LightningSettings(
        network=options.network, latency=options.latency, lnd_profile=options.lnd_profile
    )
    rail = Lightning(context, settings, Topology.named(options.topology))
    password = options.phoenixd_password
    wires = listeners(
        rail,
        port=options.port,
        nodes=options.nodes,
        phoenixd_port=options.phoenixd_port,
        phoenixd_password=password,
    )
    folder = options.lnd_folder
    tls = None if folder is None else write_folder(folder, wires, context.clock)
    hosts = [
        Host(
            one.app,
            host=options.host,
            port=one.port,
            name=one.name,
            tls=tls if one.speaks == LND else None,
        )
        for one in wires
    ]
    run_rails(
        context,
        [rail],
        hosts,
        state=options.state,
        ready=lambda: announce(
            summary(
                rail,
                [(one, host.url) for one, host in zip(wires, hosts, strict=True)],
                password,
                None if tls is None else tls[0].resolve(),
            )
        ),
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
