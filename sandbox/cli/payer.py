"""Who pays on the command line, by which node, and where its channels are remembered.

Shared by `pay` and `channels`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sandbox.cli.running import ControlRefused, NoDevnet

if TYPE_CHECKING:
    from mock_rails.core.clock import Clock
    from sandbox.cli.running import RunningDevnet
    from sandbox.client.wallet import Wallet

RPC_VARIABLE: Final = "MPP_SANDBOX_RPC_URL"
_FOLDER: Final = "mpp-sandbox"

Account = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="Pay from this development account (0)."),
]
KeyEnv = Annotated[
    str | None,
    typer.Option(metavar="VAR", help="Pay with the private key in this environment variable."),
]
Rpc = Annotated[
    str | None,
    typer.Option("--rpc", metavar="URL", help="The chain's node; else the running devnet's."),
]
StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir", metavar="DIR", help="Where channels are remembered (XDG state home)."
    ),
]


def read_wallet(account: int | None, key_env: str | None) -> Wallet:
    """The wallet that is meant; raises `BadInput` if there is none."""
    from mock_rails.core.errors import BadInput
    from sandbox.client.wallet import Wallet

    if key_env is None:
        return Wallet.dev(account or 0)
    if account is not None:
        raise BadInput("--account and --key-env both say who pays.", hint="Give one of them.")
    key = os.environ.get(key_env)
    if key is None:
        raise BadInput(f"The environment has no variable {key_env}.")
    return Wallet.from_key(key)


def state_folder(given: Path | None) -> Path:
    """Where the book of channels is."""
    if given is not None:
        return given
    home = os.environ.get("XDG_STATE_HOME")
    return Path(home) / _FOLDER if home else Path.home() / ".local" / "state" / _FOLDER


def devnet_info(found: RunningDevnet) -> dict[str, Any]:
    """What the running devnet says about itself; nothing if none runs, for `pay` needs none."""
    try:
        with found as devnet:
            return devnet.info
    except (NoDevnet, ControlRefused):
        return {}


def clock_of(given: str | None, found: RunningDevnet) -> Clock | None:
    """A clock that shows the running devnet's time, if its node is the one; else None, which is
    the machine's. It runs also where the devnet's is frozen, so that whoever waits gets on."""
    from mock_rails.core.clock import Clock

    if given is not None:
        return None
    try:
        with found as devnet:
            now_us = devnet.get("/time")["now_us"]
    except (NoDevnet, ControlRefused):
        return None
    clock = Clock()
    clock.set_us(now_us, backwards=True)
    return clock


def node_of(given: str | None, info: dict[str, Any]) -> str | None:
    """The chain's node: as given, or the running devnet's, or what the environment names."""
    found: str | None = given or (info.get("tempo") or {}).get("url")
    return found or os.environ.get(RPC_VARIABLE)
