"""`mpp-sandbox up`: the devnet, until Ctrl-C."""

from __future__ import annotations

import sys
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from sandbox.cli.failing import one_clear_line
from sandbox.cli.options import Options, read_settings, takes_devnet_options

if TYPE_CHECKING:
    from sandbox.devnet import Devnet
    from sandbox.settings import DevnetSettings

_STARTING = "mpp-sandbox is starting …"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(up)


@takes_devnet_options
def up(
    given: Options,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> None:
    """Start the devnet and keep it running until Ctrl-C."""
    with one_clear_line():
        _run(read_settings(given), as_json=json)


def _run(settings: DevnetSettings, *, as_json: bool) -> None:
    from mock_rails.listening import exposure_warning, is_loopback
    from mock_rails.server import run, serve

    if not is_loopback(settings.host):
        typer.secho(exposure_warning(settings.host), fg=typer.colors.RED, bold=True, err=True)
    show_progress = sys.stderr.isatty()
    if show_progress:
        typer.echo(_STARTING, err=True, nl=False)

    from sandbox.devnet import Devnet

    devnet: Devnet | None = None
    try:
        devnet = Devnet(settings)
        run(serve([devnet], ready=lambda: _announce(devnet, as_json, show_progress)))
    except BaseException:
        _wipe(show_progress)
        raise
    finally:  # the state may not be written, and the money is in all the same
        if devnet is not None:
            _report(devnet)


def _wipe(shown: bool) -> None:
    if shown:
        typer.echo("\r" + " " * len(_STARTING) + "\r", err=True, nl=False)


def _announce(devnet: Devnet, as_json: bool, show_progress: bool) -> None:
    from sandbox import banner
    from sandbox.storage import public_name

    _wipe(show_progress)
    info = devnet.info()
    typer.echo(banner.json_line(info) if as_json else banner.text(info, devnet.balances))
    if not as_json:
        typer.echo(f"\n{banner.ready(devnet.settings)}")
    sys.stdout.flush()
    for line in banner.found(devnet.found, public_name(devnet.store_name)):
        typer.echo(line, err=True)
    if devnet.merchants is not None:
        Thread(target=_prepare_for_charges, daemon=True).start()


def _prepare_for_charges() -> None:
    """Load what the first charges would load: a second that nobody has to wait for."""
    import eth_account  # noqa: F401 - for its own sake

    import mock_rails.stripe.wire.dispatcher  # noqa: F401 - so is this


def _report(devnet: Devnet) -> None:
    """What stopping brought in: on stderr, for stdout may be read by a program."""
    from sandbox import banner
    from sandbox.storage import public_name

    for line in banner.captures(devnet.captures):
        typer.echo(line, err=True)
    for line in banner.refunds(devnet.refunds):
        typer.echo(line, err=True)
    for line in banner.kept(devnet.kept, public_name(devnet.store_name)):
        typer.echo(line, err=True)
