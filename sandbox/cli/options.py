"""The options that say what a devnet is to be: those of `up` and of `exec`.

All arrive as text, or not at all; `DevnetSettings.read` understands them, and takes the
`MPP_SANDBOX_*` variables and the defaults for those that do not.
"""

from __future__ import annotations

import os
from functools import wraps
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_type_hints

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.settings import DevnetSettings

Options = dict[str, str | None]
"""What was given on the command line, by the setting's name."""


def _option(help: str, metavar: str | None = None) -> Any:
    return Annotated[str | None, typer.Option(metavar=metavar, help=help)]


def _switch(name: str, help: str) -> Any:
    return Annotated[bool, typer.Option(name, help=help)]


_OPTIONS: Final[Mapping[str, Any]] = {
    "host": _option("Address to listen on (127.0.0.1)."),
    "control_port": _option("Port of the control (8400).", "PORT"),
    "api_port": _option("Port of the paid API (8402).", "PORT"),
    "tempo_port": _option("Port of the Tempo chain (8545); 0 picks a free one.", "PORT"),
    "stripe_port": _option("Port of Stripe (12111); 0 picks a free one.", "PORT"),
    "lightning_port": _option("Port of the merchant's LND (8080); the payer's is next.", "PORT"),
    "phoenixd_port": _option("Port of phoenixd (9740); 0 picks a free one.", "PORT"),
    "port_base": _option("All ports, N being the control's; 0 picks free ones.", "N"),
    "stripe_proxy": _switch("--stripe-proxy", "Let in programs that hard-code Stripe's host."),
    "only": _option("Some of rails,merchants,control (all).", "PARTS"),
    "chain_url": _option("The chain of merchants that run without rails.", "URL"),
    "stripe_url": _option("The Stripe of merchants that run without rails (no cards).", "URL"),
    "lightning_url": _option("The LND of merchants that run without rails.", "URL"),
    "lightning_macaroon": _option("What opens that LND, in hexadecimal.", "HEX"),
    "lightning_network": _option("The network it is on (regtest).", "NAME"),
    "lnd_profile": _option(
        "LND's version that the nodes act as: 0.20 or 0.21, or 0.21+lenient.", "VERSION"
    ),
    "btc_usd": _option("Dollars for a bitcoin, for prices in satoshis (100000).", "DOLLARS"),
    "btc_usd_later": _option("What it becomes later: 120s=50000,3600s=80000.", "STEPS"),
    "chain_id": _option("Chain id (1337).", "ID"),
    "block_time": _option("A block this often; else one for each transaction.", "SECONDS"),
    "history": _option("Keep this many blocks and their states (4096).", "BLOCKS"),
    "state": _option("Load at start, save at stop.", "FILE"),
    "seed": _option("Seed of everything random (mpp-sandbox)."),
    "fee_payer": _option("Development account N sponsors whoever asks.", "N"),
    "workers": _option("Merchant processes (1).", "N"),
    "store": _option("Where channels are kept: memory, sqlite:PATH or redis://HOST.", "STORE"),
    "server_timing": _switch("--server-timing", "Paid answers say how long their phases took."),
    "settle_every": _option("Merchants settle what is owed this often (never).", "SECONDS"),
    "settle_at_amount": _option("They settle a channel that owes this much, as 1.00.", "DOLLARS"),
    "settle_at_units": _option("They settle a channel after so many units.", "N"),
    "at_shutdown": _option("Channels that owe: close, settle or keep (close).", "WHAT"),
}


def takes_devnet_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command all of these options; it gets them together, as its first argument."""
    hints = get_type_hints(command, include_extras=True)
    own = list(Signature.from_callable(command).parameters.values())[1:]

    @wraps(command)
    def run(**given: Any) -> None:
        chosen = {name: _as_text(given.pop(name)) for name in _OPTIONS}
        command(chosen, **given)

    shown = [one.replace(annotation=hints[one.name]) for one in own]
    shown += [
        Parameter(name, Parameter.KEYWORD_ONLY, default=_unset(annotation), annotation=annotation)
        for name, annotation in _OPTIONS.items()
    ]
    # typer reads both.
    run.__signature__ = Signature(  # type: ignore[attr-defined]
        sorted(shown, key=lambda one: one.kind)
    )
    run.__annotations__ = {one.name: one.annotation for one in shown}
    return run


def _unset(annotation: Any) -> bool | None:
    """What an option is that was not given."""
    return False if get_args(annotation)[0] is bool else None


def _as_text(given: str | bool | None) -> str | None:
    """A switch that is on says 1; one that is off says nothing, and a variable may."""
    if isinstance(given, bool):
        return "1" if given else None
    return given


def read_settings(options: Options) -> DevnetSettings:
    """The settings that a command line and the environment make."""
    from sandbox.settings import DevnetSettings

    return DevnetSettings.read(options, os.environ)
