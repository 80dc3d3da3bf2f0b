"""What `pay` needs to pay over Lightning: which node, and how much."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mock_rails.core.errors import BadInput
from sandbox.cli.session_text import SAT

if TYPE_CHECKING:
    from sandbox.client.budget import Budget
    from sandbox.lightning import LndNode

URL_VARIABLE: Final = "LND_REST_HOST"
MACAROON_VARIABLE: Final = "LND_MACAROON_HEX"
"""The variables that other clients of LND read, too."""
PAYER: Final = "payer"
"""The devnet's node that pays."""

_NETWORK: Final = "regtest"
_SATS_PER_BTC: Final = 100_000_000
_USD_DECIMALS: Final = 6

LndUrl = Annotated[
    str | None,
    typer.Option(
        "--lnd",
        metavar="URL",
        help=f"LND that pays, by the macaroon in {MACAROON_VARIABLE}; else the running devnet's.",
    ),
]


@dataclass(frozen=True, slots=True)
class Lnd:
    """The node that pays."""

    url: str
    macaroon: str = field(repr=False)
    network: str = _NETWORK

    def node(self) -> LndNode:
        """A connection to it; whoever asks closes it."""
        from sandbox.lightning import LndNode

        return LndNode(self.url, self.macaroon, network=self.network)

    @property
    def name(self) -> str:
        """What the record of sessions calls its wallet."""
        return self.url


def read_lnd(given: str | None, info: dict[str, Any]) -> Lnd | None:
    """The node: as given, or the running devnet's payer, or what the environment names; None if
    there is none."""
    lightning = info.get("lightning") or {}
    ours = (lightning.get("lnd") or {}).get(PAYER)
    if given is None and ours is not None:
        network = str(lightning.get("network", _NETWORK))
        return Lnd(ours["url"], ours["macaroons"]["admin"], network)
    url = given or os.environ.get(URL_VARIABLE)
    if url is None:
        return None
    macaroon = os.environ.get(MACAROON_VARIABLE)
    if macaroon is None:
        raise BadInput(f"The environment has no {MACAROON_VARIABLE} for {url[:80]}.")
    if not url.startswith(("http://", "https://")):
        raise BadInput("LND's address begins with http:// or https://.")
    return Lnd(url, macaroon)


def need_lnd(lnd: Lnd | None) -> Lnd:
    """The node, or why there is none."""
    if lnd is None:
        raise BadInput(
            "There is no Lightning node to pay from.",
            hint="Start a devnet with `mpp-sandbox up`, or name one with --lnd.",
        )
    return lnd


def read_budget(most: str | None, info: dict[str, Any]) -> Budget | None:
    """What may be spent over Lightning in all: dollars in whole satoshis, rounded down."""
    if most is None:
        return None
    from sandbox.client.amounts import parse_amount
    from sandbox.client.budget import Budget
    from sandbox.lightning.prices import BTC_USD

    rate = int((info.get("lightning") or {}).get("btc_usd", BTC_USD))
    micros = parse_amount(most, _USD_DECIMALS)
    sats = micros * _SATS_PER_BTC // (rate * 10**_USD_DECIMALS)
    return Budget(total=sats, allowed_currencies=[SAT], decimals=0)
